"""Values to JSON columns and back, without a bit lost: what is stored with a decision must replay exactly."""

from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

Value = TypeVar("Value")


class Codec(Generic[Value]):
    """Encodes one type: ``dump`` for JSON columns, ``text`` for the canonical bytes of a replay.

    Args:
        type_: what is encoded.
        terse: leaves out what is at its default, so that a field that a later version adds does not change the
            text of what has nothing to say about it. Only for what is never an input: a default that changed
            would change what is read.
    """

    def __init__(self, type_: Any, *, terse: bool = False) -> None:
        self._adapter: TypeAdapter[Value] = TypeAdapter(type_)
        self._terse = terse

    def dump(self, value: Value) -> Any:
        """JSON-able Python values."""
        return self._adapter.dump_python(value, mode="json")

    def load(self, stored: Any) -> Value:
        """The value that was dumped."""
        return self._adapter.validate_python(stored)

    def text(self, value: Value) -> str:
        """The canonical JSON text."""
        return self._adapter.dump_json(value, exclude_defaults=self._terse).decode()

    def parse(self, text: str) -> Value:
        """The value of a canonical JSON text."""
        return self._adapter.validate_json(text)


def upsert(dialect: Any, table: Table, values: dict[str, Any], *, where: Any = None) -> Any:
    """Insert a row, or replace what the row with its primary key says (``where`` that is true of it)."""
    insert = (postgresql if dialect.name == "postgresql" else sqlite).insert
    keys = [column.name for column in table.primary_key]
    changes = {name: value for name, value in values.items() if name not in keys}
    return insert(table).values(values).on_conflict_do_update(index_elements=keys, set_=changes, where=where)
