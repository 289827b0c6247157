"""The kinds of values of the policy language, and what all of its parts have in common.

Shares are exact decimals (0.9995 for 99.95 %), durations are ``timedelta``; how a person writes them
("99.95%", "28d") is ``units``' business.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from gatekeeper.policy import rules, shapes, units
from gatekeeper.policy.instants import (
    DAY_OR_INSTANT_SHAPE,
    DAY_SHAPE,
    INSTANT_SHAPE,
    parse_day,
    parse_first,
    parse_instant,
    parse_minute,
    parse_until,
)


class _OrOff:
    """Reads ``off`` as None."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(units.off_or, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return shapes.either(handler(schema), shapes.OFF)


OrOff = _OrOff()
"""Marks a value that ``off`` leaves out on purpose: then it is None."""
Share = Annotated[
    Decimal,
    BeforeValidator(units.parse_share),
    PlainSerializer(units.write_share, when_used="json"),
    WithJsonSchema(units.SHARE_SHAPE),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(units.parse_duration),
    PlainSerializer(units.write_duration, when_used="json"),
    WithJsonSchema(units.DURATION_SHAPE),
]
BudgetShare = Annotated[Share, rules.BudgetShareRule]
Positive = Annotated[Duration, rules.PositiveRule, WithJsonSchema(units.LASTING_SHAPE)]
Instant = Annotated[datetime, BeforeValidator(parse_instant), WithJsonSchema(INSTANT_SHAPE)]
PerDay = Annotated[
    int,
    BeforeValidator(units.parse_per_day),
    PlainSerializer(units.write_per_day, when_used="json"),
    WithJsonSchema(units.PER_DAY_SHAPE),
]
Lines = Annotated[int, BeforeValidator(units.parse_lines), WithJsonSchema(units.COUNT_SHAPE)]
Count = Annotated[int, BeforeValidator(units.parse_count), WithJsonSchema(units.COUNT_SHAPE)]
YesNo = Annotated[bool, BeforeValidator(units.parse_yes)]
Day = Annotated[date, BeforeValidator(parse_day), WithJsonSchema(DAY_SHAPE)]
Minute = Annotated[datetime, BeforeValidator(parse_minute), WithJsonSchema(INSTANT_SHAPE)]
First = Annotated[datetime, BeforeValidator(parse_first), WithJsonSchema(DAY_OR_INSTANT_SHAPE)]
Until = Annotated[datetime, BeforeValidator(parse_until), WithJsonSchema(DAY_OR_INSTANT_SHAPE)]
Delay = Annotated[
    Decimal,
    BeforeValidator(units.parse_delay),
    PlainSerializer(units.write_delay, when_used="json"),
    WithJsonSchema(units.DELAY_SHAPE),
]


class Model(BaseModel):
    """A frozen part of a policy; a key it does not know is an error. A key that Python cannot name is an alias.

    Attributes:
        dormant: keys that are read, checked and kept, and that nothing acts on yet.
        filled: lists that, where a file has them, may not be empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    dormant: ClassVar[frozenset[str]] = frozenset()
    filled: ClassVar[frozenset[str]] = frozenset()


def leaves(model: Model, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The values of a model by dotted path, as files name them."""
    for name, field in type(model).model_fields.items():
        value, place = getattr(model, name), (*path, field.alias or name)
        if isinstance(value, Model):
            yield from leaves(value, place)
        else:
            yield ".".join(place), value


def as_written(model: Model, key: str) -> str:
    """The value at a dotted path as a file could say it."""
    value: Any = model.model_dump(mode="json", by_alias=True)
    for part in key.split("."):
        value = value[part]
    if value is None:
        return "off"
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)
