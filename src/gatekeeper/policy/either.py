"""Keys whose value is one word or a block of keys, such as a window: ``28d`` or ``{calendar: month}``."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from gatekeeper.policy.shapes import either


class Either:
    """An annotation for such a key: mistakes in the block are found at their own places, as in any other block.

    Args:
        read: the value of a word, however it was written; raises MistakeError.
        block: the model of a block of keys.
        write: the word of such a value, as ``read`` takes it.
        word: how a word looks, in JSON Schema.
    """

    def __init__(
        self,
        read: Callable[[Any], Any],
        block: type[BaseModel],
        write: Callable[[Any], str],
        word: dict[str, Any],
    ) -> None:
        self._read = read
        self._block = block
        self._write = write
        self._word = word

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the block, for blocks alone."""
        del source
        return core_schema.no_info_wrap_validator_function(
            self._value,
            handler(self._block),
            serialization=core_schema.plain_serializer_function_ser_schema(self._plain),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A word, or the block."""
        return either(self._word, handler(schema))

    def _value(self, value: Any, block: Callable[[Any], Any]) -> Any:
        return block(value) if isinstance(value, dict | self._block) else self._read(value)

    def _plain(self, value: Any) -> Any:
        return value.model_dump(mode="json") if isinstance(value, BaseModel) else self._write(value)
