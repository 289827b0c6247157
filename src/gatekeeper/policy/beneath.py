"""What a policy says that is looser than the organisation's floors allow."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from gatekeeper.policy.defaults import Defaults
from gatekeeper.policy.document import Map, Node, plain
from gatekeeper.policy.findings import Location, locate, written
from gatekeeper.policy.floors import Floors
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.model import Adjustment
from gatekeeper.policy.native import DefaultsSpec, ServiceSpec
from gatekeeper.policy.objective import Objective, TargetException
from gatekeeper.policy.problem import Mark, Problem
from gatekeeper.policy.strictness import GATE, OBJECTIVE, Direction
from gatekeeper.policy.units import format_duration, write_duration, write_share
from gatekeeper.policy.values import as_written, leaves


@dataclass(frozen=True)
class Beneath:
    """Holds policies against floors, of which each knows its place."""

    floors: Floors
    node: Node

    @classmethod
    def of(cls, defaults: Defaults | None) -> "Beneath | None":
        """The floors among an organisation's defaults, or None where there are none."""
        node = defaults.spec.nodes.get("floors") if defaults is not None else None
        return None if node is None else cls(Floors.model_validate(plain(node)), node)

    def service(self, spec: ServiceSpec, root: Node) -> Iterator[Problem]:
        """What is too loose in a service's document, defaults merged into it."""
        yield from self._gate(spec.gate, root)
        yield from self._targets("objectives", spec.objectives, root)
        yield from self._targets("exceptions", spec.exceptions, root)
        yield from self._lengths("exceptions", spec.exceptions, root)
        yield from self._lengths("adjustments", spec.adjustments, root)

    def defaults(self, defaults: Defaults, root: Node) -> Iterator[Problem]:
        """What is too loose in the defaults of a document: then no service would have to say anything to be so.

        Args:
            defaults: those of the document, over the organisation's.
            root: the document.
        """
        try:
            spec = DefaultsSpec.model_validate(plain(defaults.spec))
        except ValidationError:
            return  # two defaults that contradict each other: each service says so, at its own place
        yield from self._gate(spec.gate, root)

    def _gate(self, gate: Gate, root: Node) -> Iterator[Problem]:
        values = dict(leaves(gate))
        for key, floor in leaves(self.floors):
            if floor is None or key not in values or values[key] == floor:
                continue
            judged = GATE[key](floor, values[key])
            if judged.direction is Direction.LOOSER:
                path = tuple(key.split("."))
                said = f"{key} {as_written(gate, key)}"
                yield self._looser(said, path, judged.why, root, ("spec", "gate", *path))

    def _targets(
        self, key: str, entries: Iterable[Objective | TargetException], root: Node
    ) -> Iterator[Problem]:
        floor = self.floors.target
        for position, one in enumerate(entries):
            if floor is not None and one.target < floor:
                why = OBJECTIVE["target"](floor, one.target).why
                said, place = f"a target of {write_share(one.target)}", ("spec", key, position, "target")
                yield self._looser(said, ("target",), why, root, place)

    def _lengths(
        self, key: str, entries: Iterable[TargetException | Adjustment], root: Node
    ) -> Iterator[Problem]:
        floor: timedelta | None = getattr(self.floors, key).lasts
        for position, one in enumerate(entries):
            if floor is None or (one.start is not None and one.end - one.start <= floor):
                continue
            _, place = locate(root, ("spec", key, position))
            longest = f"{write_duration(floor)} ({self._at((key, 'lasts'))})"
            message = f"{_length(one.start, one.end)}, and the organisation's floor is {longest}"
            yield Problem.at(place, message, "let it begin later or end sooner")

    def _looser(self, said: str, floor: tuple[str, ...], why: str, root: Node, place: Location) -> Problem:
        """The problem of a value, at its own place or, where nobody writes it, at the floor's."""
        node, least = written(root, place), as_written(self.floors, ".".join(floor))
        message = f"{said} is looser than the organisation's floor, {least} ({self._at(floor)}): {why}"
        mark = node.mark if node is not None else self._at(floor)
        return Problem.at(mark, message, f"write {least}, or what is tighter")

    def _at(self, floor: tuple[str, ...]) -> Mark:
        return locate(self.node, floor)[0].mark


def _length(start: datetime | None, end: datetime) -> str:
    if start is None:
        return "this does not say from when, so that nobody can tell how long it is"
    return f"this lasts {format_duration(end - start)}"


def displaced(root: Node, central: str) -> Iterator[Problem]:
    """Floors in a repository that cannot set them."""
    spec = root.nodes.get("spec") if isinstance(root, Map) else None
    if isinstance(spec, Map) and "floors" in spec.nodes:
        yield Problem.at(
            spec.keys["floors"],
            f"floors hold for the whole organisation, and only {central} can set them",
            "move them there, or remove them",
        )
