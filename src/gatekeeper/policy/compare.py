"""What a change of policies does to their gates, key by key: tighter or looser."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from gatekeeper.policy.compare_changes import changes
from gatekeeper.policy.compare_dated import adjustments, exceptions
from gatekeeper.policy.defaults import Defaults
from gatekeeper.policy.document import plain
from gatekeeper.policy.floors import Floors
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.model import Service
from gatekeeper.policy.native import DefaultsSpec
from gatekeeper.policy.objective import Objective
from gatekeeper.policy.strictness import (
    FLOORS,
    GATE,
    OBJECTIVE,
    SERVICE,
    Direction,
    Judgement,
    another_objective,
    hold,
    looser,
    neutral,
    tighter,
    unproven,
)
from gatekeeper.policy.values import Model, as_written, leaves

__all__ = ["Difference", "Direction", "compare", "compare_defaults"]

DEFAULTS = "(defaults)"
"""Stands for the organisation's defaults where a service is named; no service can be named so."""

_ABSENT = ""
_METADATA = ("description", "owners", "reviewed")
_HANDLED = frozenset(
    {"organization", "name", "origin", "gate", "objectives", "changes", "adjustments", "exceptions"}
)
"""Fields of a service that are not compared value by value."""


@dataclass(frozen=True)
class Difference:
    """One key that says something else.

    Attributes:
        service: its name.
        key: where it is in the file, as a dotted path; objectives by their names.
        before: as a file would say it; empty when it said nothing.
        after: likewise.
        why: plain text.
    """

    service: str
    key: str
    before: str
    after: str
    direction: Direction
    why: str


def compare(before: Iterable[Service], after: Iterable[Service]) -> tuple[Difference, ...]:
    """What differs between the policies in force and proposed ones, by service and key.

    Args:
        before: the services in force, defaults filled in.
        after: the services that would be.
    """
    old, new = ({one.key: one for one in services} for services in (before, after))
    return tuple(one for key in sorted(old.keys() | new.keys()) for one in _of(old.get(key), new.get(key)))


def compare_defaults(before: Defaults | None, after: Defaults | None) -> tuple[Difference, ...]:
    """What differs between two versions of defaults, for a service that says nothing itself."""
    old, new = (
        DefaultsSpec() if one is None else DefaultsSpec.model_validate(plain(one.spec))
        for one in (before, after)
    )
    found = [*_gate(DEFAULTS, old.gate, new.gate)]
    was, is_now = (() if one is None else one.owners for one in (before, after))
    if was != is_now:
        judged = SERVICE["metadata.owners"](was, is_now)
        found.append(_difference(DEFAULTS, "metadata.owners", was, is_now, judged))
    if old.window != new.window:
        effective = [one.window or Objective.model_fields["window"].default for one in (old, new)]
        judged = (
            OBJECTIVE["window"](*effective) if effective[0] != effective[1] else neutral("it is so anyway")
        )
        said, says = (one.model_dump(mode="json")["window"] for one in (old, new))
        found.append(_difference(DEFAULTS, "spec.window", said, says, judged))
    return (*found, *_floors(old.floors, new.floors))


def _floors(before: Floors, after: Floors) -> Iterator[Difference]:
    new = dict(leaves(after))
    for key, old in leaves(before):
        if old == new[key]:
            continue
        if old is None:
            judged = tighter("services may not be looser than this any more")
        elif new[key] is None:
            judged = looser("services may be as loose here as they like")
        else:
            judged = {**GATE, **FLOORS}[key](old, new[key])
        said, says = (
            "" if value is None else as_written(floors, key)
            for floors, value in ((before, old), (after, new[key]))
        )
        yield Difference(DEFAULTS, f"spec.floors.{key}", said, says, judged.direction, judged.why)


def _of(before: Service | None, after: Service | None) -> Iterator[Difference]:
    if before is None and after is not None:
        why = "a service that had no gate gets one"
        yield Difference(after.name, "metadata.name", _ABSENT, after.name, Direction.TIGHTER, why)
    elif after is None and before is not None:
        why = "no gate of this name is left, whatever else is called"
        yield Difference(before.name, "metadata.name", before.name, _ABSENT, Direction.LOOSER, why)
    elif before is not None and after is not None:
        yield from _fields(before, after)
        yield from _gate(before.name, before.gate, after.gate)
        yield from _objectives(before, after)
        yield from _changes(before, after)
        yield from _dated(before, after)


def _fields(before: Service, after: Service) -> Iterator[Difference]:
    """The plain fields. One that has no rule counts as looser, so that no new key passes unjudged."""
    for name in Service.model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if name in _HANDLED or old == new:
            continue
        key = f"{'metadata' if name in _METADATA else 'spec'}.{name}"
        rule = SERVICE.get(key)
        judged = rule(old, new) if rule else unproven("this is another value")
        said, says = (one.model_dump(mode="json", by_alias=True)[name] for one in (before, after))
        yield _difference(before.name, key, said, says, judged)


def _gate(service: str, before: Gate, after: Gate) -> Iterator[Difference]:
    after_by_key = dict(leaves(after))
    for key, old in leaves(before):
        new = after_by_key[key]
        if old == new:
            continue
        # A service may say itself what follows the hold, so that of the defaults is judged by the stricter end.
        ends = "block" if service == DEFAULTS else before.unknown.then
        rule = hold(ends) if key == "unknown.hold" else GATE.get(key)
        judged = rule(old, new) if rule else unproven("this is another value")
        yield Difference(
            service,
            f"spec.gate.{key}",
            _written(_at(before, key)),
            _written(_at(after, key)),
            judged.direction,
            judged.why,
        )


def _at(model: Model, key: str) -> Any:
    """The value at a dotted path as a file writes it."""
    value: Any = model.model_dump(mode="json", by_alias=True)
    for part in key.split("."):
        value = value[part]
    return "off" if value is None else value


def _objectives(before: Service, after: Service) -> Iterator[Difference]:
    old, new = ({one.name: one for one in service.objectives} for service in (before, after))
    for name in sorted(old.keys() | new.keys()):
        place = f"spec.objectives.{name}"
        if name not in new:
            why = looser("one promise less: the worst objective counts")
            yield _difference(before.name, place, old[name], None, why)
        elif name not in old:
            yield _difference(before.name, place, None, new[name], another_objective(before.gate))
        else:
            yield from _objective(before.name, place, old[name], new[name])


def _objective(service: str, place: str, before: Objective, after: Objective) -> Iterator[Difference]:
    for name in Objective.model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            rule = OBJECTIVE.get(name)
            judged = rule(old, new) if rule else unproven("this is another value")
            said, says = (one.model_dump(mode="json", by_alias=True)[name] for one in (before, after))
            yield _difference(service, f"{place}.{name}", said, says, judged)


def _changes(before: Service, after: Service) -> Iterator[Difference]:
    judged = changes(before, after)
    if judged is not None:
        old, new = ([one.model_dump(mode="json") for one in service.changes] for service in (before, after))
        yield _difference(before.name, "spec.changes", old, new, judged)


def _dated(before: Service, after: Service) -> Iterator[Difference]:
    """Adjustments and exceptions: what goes and what comes of each, judged together."""
    for name, judge in (("adjustments", adjustments), ("exceptions", exceptions)):
        old, new = getattr(before, name), getattr(after, name)
        gone, come = ([one for one in some if one not in others] for some, others in ((old, new), (new, old)))
        if gone or come:
            yield _difference(before.name, f"spec.{name}", gone, come, judge(before, after))


def _difference(service: str, key: str, before: Any, after: Any, judged: Judgement) -> Difference:
    return Difference(service, key, _written(before), _written(after), judged.direction, judged.why)


def _written(value: Any) -> str:
    """A value as a file would say it, on one line."""
    if value is None or value in ((), [], {}, ""):
        return _ABSENT
    if isinstance(value, Model):
        value = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, list) and all(isinstance(one, Model) for one in value):
        return ", ".join(map(_written, value))
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if isinstance(value, dict | list | tuple):
        plainly = yaml.safe_dump(_lean(value), default_flow_style=True, width=math.inf, sort_keys=False)
        return plainly.strip()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lean(value: Any) -> Any:
    """Without what a file would not say: keys that have no value."""
    if isinstance(value, dict):
        return {key: _lean(one) for key, one in value.items() if one not in (None, [], ())}
    return [_lean(one) for one in value] if isinstance(value, list | tuple) else value
