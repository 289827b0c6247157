"""What the formats of other tools come to: an objective of a service."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from gatekeeper.policy.document import Items, Map, Node, Scalar, plain
from gatekeeper.policy.foreign.block import Block, made, named, scalar, split
from gatekeeper.policy.foreign.queries import Counts
from gatekeeper.policy.problem import Mark, Problem
from gatekeeper.policy.units import write_share

REPOSITORY, PATHS = "repository", "paths"
_PREFIXES = ("gatekeeper.dev/", "gatekeeper_")
"""Of annotations, and of labels, which cannot hold a slash in all formats."""


@dataclass(frozen=True)
class Slo:
    """One objective of a service.

    Attributes:
        service: its name, where it is written.
        mark: where the objective is described.
        objective: a block of our language; None where it could not be read.
        description: of the service.
        change: which changes meet its gate, as a block of ours.
        problems: what is wrong with it, or not carried over.
    """

    service: Scalar
    mark: Mark
    objective: Map | None
    description: Scalar | None = None
    change: Map | None = None
    problems: tuple[Problem, ...] = ()

    def with_problems(self, problems: list[Problem]) -> "Slo":
        """The same with more problems."""
        return replace(self, problems=(*self.problems, *problems))


def objective(
    mark: Mark,
    *,
    name: Scalar | None,
    target: Scalar | None,
    window: Node | None,
    indicator: Node | None,
    method: Node | None = None,
) -> Map | None:
    """An objective of ours; None where what it needs is missing, which has been said."""
    if target is None or indicator is None:
        return None
    values: list[tuple[str, Node | None]] = [
        ("name", named(name)),
        ("target", target),
        ("window", window),
        ("method", method),
        ("indicator", made(indicator.mark, [("prometheus", indicator)])),
    ]
    return made(mark, values)


def events(counts: Counts, part: Mark, total: Mark) -> Map:
    """An indicator of two queries."""
    name = "good" if counts.good else "bad"
    return made(part, [(name, scalar(part, counts.part)), ("total", scalar(total, counts.total))])


def share(found: Scalar | None, *, percent: bool) -> Scalar | None:
    """A target as ours is written: ``99.9%``; a number that is none stays what it is, and is refused."""
    if found is None or isinstance(found.value, bool):
        return found
    try:
        value = Decimal(str(found.value))
    except InvalidOperation:
        return found
    if not value.is_finite():
        return found
    return scalar(found.mark, write_share(value.scaleb(-2) if percent else value))


def change(labels: Block | None) -> Map | None:
    """Which changes meet the gate, as annotations or labels of ours say: ``gatekeeper.dev/repository``, ``paths``.

    The others are reported: nothing reads them.
    """
    if labels is None or not isinstance(labels.node, Map):
        return None
    found: dict[str, Scalar] = {}
    for key, node in labels.node.nodes.items():
        prefix = next((one for one in _PREFIXES if key.startswith(one)), None)
        if prefix is not None and isinstance(node, Scalar):
            found[key.removeprefix(prefix)] = node
    if len(found) < len(labels.node.nodes):
        labels.warn(labels.mark, f'"{labels.where}" is not carried over', "nothing here reads it")
    repository, paths = found.get(REPOSITORY), found.get(PATHS)
    listed = Items(paths.mark, tuple(split(paths))) if paths is not None else None
    return made(labels.mark, [(REPOSITORY, repository), (PATHS, listed)]) if found else None


def document(slos: list[Slo]) -> tuple[Map, tuple[Problem, ...]]:
    """All objectives of one service as a document of ours."""
    first = slos[0]
    mark = first.mark
    objectives = tuple(one.objective for one in slos if one.objective is not None)
    metadata = made(
        first.service.mark,
        [("name", named(first.service)), ("description", next(_descriptions(slos), None))],
    )
    # Each objective of a document has its change: told once.
    told = {str(plain(one.change)): one.change for one in slos if one.change is not None}
    changes = tuple(told.values()) or (Map(mark),)
    spec = made(
        mark,
        [("objectives", Items(mark, objectives) if objectives else None), ("changes", Items(mark, changes))],
    )
    root = made(
        mark,
        [
            ("apiVersion", scalar(mark, "gatekeeper/v1")),
            ("kind", scalar(mark, "Service")),
            ("metadata", metadata),
            ("spec", spec),
        ],
    )
    return root, tuple(problem for one in slos for problem in one.problems)


def _descriptions(slos: list[Slo]) -> Iterator[Scalar]:
    return (one.description for one in slos if one.description is not None)
