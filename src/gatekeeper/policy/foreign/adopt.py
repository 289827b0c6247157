"""Documents of other tools among policy files: translated into documents of ours, one for each service."""

from collections import defaultdict
from collections.abc import Iterable

from gatekeeper.policy.document import Document, Map, Scalar
from gatekeeper.policy.foreign import openslo, pyrra, slo_generator, sloth
from gatekeeper.policy.foreign.block import name_of
from gatekeeper.policy.foreign.slo import Slo, document
from gatekeeper.policy.problem import Problem

_TOOLS = {
    "openslo/": "OpenSLO",
    "openslo.com/": "OpenSLO",
    "sloth.slok.dev/": "Sloth",
    "prometheus/v1": "Sloth",
    "pyrra.dev/": "Pyrra",
    "sre.google.com/": "slo-generator",
}


def adopt(documents: Iterable[Document]) -> tuple[list[Document], list[Problem]]:
    """Documents as policy files of ours.

    Objectives of one service become one document, in the order in which they are found. Every value keeps the place
    where it was written, so that mistakes are shown there.

    Args:
        documents: of all files.

    Returns:
        Ours as they are, and the translated ones; and what is wrong with documents that describe no objective.
    """
    ours, theirs = [], defaultdict(list)
    for one in documents:
        if (found := tool(one)) is None:
            ours.append(one)
        else:
            theirs[found].append(one)
    problems: list[Problem] = []
    slos = [*_openslo(theirs["OpenSLO"], problems)]
    slos += [slo for one in theirs["Sloth"] for slo in _damaged(one, sloth.slos(one))]
    slos += [slo for one in theirs["Pyrra"] for slo in _damaged(one, pyrra.slos(one))]
    slos += [*_generated(theirs["slo-generator"], problems)]
    by_service: dict[str, list[Slo]] = defaultdict(list)
    for slo in slos:
        by_service[name_of(slo.service.value)].append(slo)
    for some in by_service.values():
        if any(one.objective is not None for one in some):
            ours.append(Document(*document(some)))
        else:  # what is missing has been said, and is nothing that could be added to a file of ours
            problems += [problem for one in some for problem in one.problems]
    return ours, problems


def tool(found: Document) -> str | None:
    """Which other tool a document is for; None for ours, and for what is nobody's."""
    if not isinstance(found.root, Map):
        return None
    for key in ("apiVersion", "version"):
        node = found.root.nodes.get(key)
        text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        for prefix, name in _TOOLS.items():
            if text.startswith(prefix):
                return name
    if "apiVersion" not in found.root.nodes and slo_generator.CONFIG_KEYS & found.root.nodes.keys():
        return "slo-generator"
    return None


def _damaged(found: Document, slos: Iterable[Slo]) -> list[Slo]:
    """The objectives of a document, the first with what was wrong with its YAML."""
    listed = [*slos]
    return [listed[0].with_problems([*found.problems]), *listed[1:]] if listed else []


def _openslo(documents: list[Document], problems: list[Problem]) -> Iterable[Slo]:
    shelf = openslo.library(documents)
    for one in documents:
        if _kind(one) == "SLO":
            yield from _damaged(one, openslo.slos(one, shelf))
        else:
            problems += [*one.problems, *openslo.beside(one)]


def _generated(documents: list[Document], problems: list[Problem]) -> Iterable[Slo]:
    windows = slo_generator.windows(documents)
    for one in documents:
        if _kind(one) == "ServiceLevelObjective":
            yield from _damaged(one, slo_generator.slos(one, windows))
        else:
            problems += [*one.problems, *slo_generator.config(one)]


def _kind(found: Document) -> object:
    node = found.root.nodes.get("kind") if isinstance(found.root, Map) else None
    return node.value if isinstance(node, Scalar) else None
