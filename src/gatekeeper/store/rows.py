"""Values to JSON columns and back, without a bit lost: what is stored with a decision must replay exactly."""

from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

Value = TypeVar("Value")


class Codec(Generic[Value]):
    """Encodes one type: ``dump`` for JSON columns, ``text`` for the canonical bytes of a replay."""

    def __init__(self, type_: Any) -> None:
        self._adapter: TypeAdapter[Value] = TypeAdapter(type_)

    def dump(self, value: Value) -> Any:
        """JSON-able Python values."""
        return self._adapter.dump_python(value, mode="json")

    def load(self, stored: Any) -> Value:
        """The value that was dumped."""
        return self._adapter.validate_python(stored)

    def text(self, value: Value) -> str:
        """The canonical JSON text."""
        return self._adapter.dump_json(value).decode()

    def parse(self, text: str) -> Value:
        """The value of a canonical JSON text."""
        return self._adapter.validate_json(text)


def upsert(dialect: Any, table: Table, values: dict[str, Any]) -> Any:
    """Insert a row, or replace what the row with its primary key says."""
    insert = (postgresql if dialect.name == "postgresql" else sqlite).insert
    keys = [column.name for column in table.primary_key]
    changes = {name: value for name, value in values.items() if name not in keys}
    return insert(table).values(values).on_conflict_do_update(index_elements=keys, set_=changes)
