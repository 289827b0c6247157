"""The kinds of values of the policy language, and what all of its parts have in common.

Shares are exact decimals (0.9995 for 99.95 %), durations are ``timedelta``; how a person writes them
("99.95%", "28d") is ``units``' business.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from gatekeeper.policy import rules
from gatekeeper.policy.instants import parse_day, parse_instant
from gatekeeper.policy.units import (
    off_or,
    parse_count,
    parse_delay,
    parse_duration,
    parse_lines,
    parse_per_day,
    parse_share,
    parse_yes,
    write_delay,
    write_duration,
    write_per_day,
    write_share,
)

Share = Annotated[Decimal, BeforeValidator(parse_share), PlainSerializer(write_share, when_used="json")]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, when_used="json")
]
BudgetShare = Annotated[Share, rules.BudgetShareRule]
Positive = Annotated[Duration, rules.PositiveRule]
Instant = Annotated[datetime, BeforeValidator(parse_instant)]
PerDay = Annotated[int, BeforeValidator(parse_per_day), PlainSerializer(write_per_day, when_used="json")]
Lines = Annotated[int, BeforeValidator(parse_lines)]
Count = Annotated[int, BeforeValidator(parse_count)]
YesNo = Annotated[bool, BeforeValidator(parse_yes)]
Day = Annotated[date, BeforeValidator(parse_day)]
OrOff = BeforeValidator(off_or)
"""Marks a value that ``off`` leaves out on purpose: then it is None."""
Delay = Annotated[Decimal, BeforeValidator(parse_delay), PlainSerializer(write_delay, when_used="json")]


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
