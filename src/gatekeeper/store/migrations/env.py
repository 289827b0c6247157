"""Alembic's environment: how a migration runs on the connection that the caller brings."""

from typing import Any, Literal

from alembic import context

from gatekeeper.store.tables import UtcDateTime, metadata


def _render(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    """A migration speaks of what is in the database, not of our types, which may change after it."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_render,
    render_as_batch=True,  # SQLite cannot alter a column: Alembic copies the table there
)
context.run_migrations()
