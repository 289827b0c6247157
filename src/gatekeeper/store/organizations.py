"""An organisation under another name: its services are the same, and so are their gates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, delete, select, update

from gatekeeper.store import deployments, overrides
from gatekeeper.store.tables import (
    deployment,
    gate,
    landed,
    let_go,
    override,
    policy_source,
    service,
    transition,
)

_NAMING = {"organization": "{}", "repository": "{}/", "teams": "@{}/", "owners": "@{}/"}
"""How an organisation's name stands in what is stored of a policy, by the key that it stands under."""


def rename(connection: Connection, former: str, name: str, now: datetime) -> Sequence[str]:
    """Give what is kept of an organisation its new name; the keys of its services.

    A service that was read under the new name already is the newer one; its gate is the one that it had before.
    """

    def after(before: str) -> str:
        return name + before[len(former) :]

    for row in connection.execute(select(service).where(_of(service.c.key, former))).all():
        mine = service.c.key == row.key
        if (
            connection.execute(select(service.c.key).where(service.c.key == after(row.key))).first()
            is not None
        ):
            connection.execute(delete(service).where(mine))
            continue
        told = {"key": after(row.key), "document": renamed(row.document, former, name)}
        source = after(row.repository) if _is_of(row.repository, former) else row.repository
        connection.execute(update(service).where(mine).values(repository=source, **told))
    for row in connection.execute(select(gate).where(_of(gate.c.service, former))).all():
        connection.execute(delete(gate).where(gate.c.service == after(row.service)))
        moved = update(gate).where(gate.c.service == row.service)
        connection.execute(moved.values(service=after(row.service), view=renamed(row.view, former, name)))
    for column in (transition.c.service, landed.c.service, deployment.c.service):
        for before in _names(connection, column, former):
            moved = update(column.table).where(column == before)
            connection.execute(moved.values({column.name: after(before)}))
    for before in _names(connection, policy_source.c.repository, former):
        connection.execute(delete(policy_source).where(policy_source.c.repository == after(before)))
        here = update(policy_source).where(policy_source.c.repository == before)
        connection.execute(here.values(repository=after(before)))
    kept = (let_go.c.repository, deployment.c.repository, override.c.repository)
    for before in sorted({one for column in kept for one in _names(connection, column, former)}):
        overrides.carry_over(connection, before, after(before), now)
        deployments.carry_over(connection, before, after(before))
    return sorted(_names(connection, service.c.key, name))


def renamed(stored: Any, former: str, name: str, key: str = "") -> Any:
    """What is stored of a policy or of a gate, with the organisation's new name in it. Names ignore case."""
    if isinstance(stored, dict):
        return {one: renamed(value, former, name, one) for one, value in stored.items()}
    if isinstance(stored, list):
        return [renamed(value, former, name, key) for value in stored]
    if not isinstance(stored, str) or key not in _NAMING:
        return stored
    before, after = (_NAMING[key].format(one) for one in (former, name))
    whole = key == "organization" and stored.casefold() != before.casefold()
    if whole or stored[: len(before)].casefold() != before.casefold():
        return stored
    return after + stored[len(before) :]


def _names(connection: Connection, column: Column[Any], organization: str) -> Sequence[str]:
    return connection.execute(select(column).where(_of(column, organization)).distinct()).scalars().all()


def _of(column: Column[Any], organization: str) -> Any:
    return column.startswith(f"{organization}/", autoescape=True)


def _is_of(repository: str, organization: str) -> bool:
    return repository.startswith(f"{organization}/")
