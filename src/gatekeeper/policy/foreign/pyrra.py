"""Pyrra: ``pyrra.dev/v1alpha1``, kind ``ServiceLevelObjective``.

Format: https://github.com/pyrra-dev/pyrra/blob/main/kubernetes/api/v1alpha1/servicelevelobjective_types.go.
"""

from collections.abc import Iterator

from gatekeeper.policy.document import Document, Map, Node, Scalar
from gatekeeper.policy.foreign.block import Block, made, number, scalar
from gatekeeper.policy.foreign.queries import Counts, counts
from gatekeeper.policy.foreign.slo import Slo, change, events, objective, share
from gatekeeper.policy.problem import Problem

_ALERTS = "the gate's own rules take its place: gate.freeze and gate.caution"
_FROM_SHARE = 1


def slos(found: Document) -> Iterator[Slo]:
    """The objective of a resource; its service has its name."""
    problems = list[Problem]()
    top = Block(found.root, problems)
    top.ignored("apiVersion", "kind", "status")
    metadata, spec = top.block("metadata"), top.block("spec")
    service, touched = None, None
    if metadata is not None:
        service = metadata.needed("name", "checkout-errors")
        metadata.ignored("namespace")
        metadata.dropped({"labels": "nothing here reads it"})
        touched = change(metadata.block("annotations"))
    else:
        top.error(top.mark, '"metadata" is missing', "add metadata: {name: ...}")
    if spec is None:
        top.error(top.mark, '"spec" is missing', "add spec: {target, window, indicator}")
    top.done()
    goal, description = _objective(spec) if spec is not None else (None, None)
    named = service or scalar(top.mark, None)
    yield Slo(named, top.mark, goal, description, touched, tuple(problems))


def _objective(spec: Block) -> tuple[Map | None, Scalar | None]:
    target, window = spec.needed("target", '"99.9"'), spec.needed("window", "4w")
    description = spec.text("description")
    spec.dropped(
        {
            "alerting": _ALERTS,
            "partial_response_strategy": "an answer in part is never taken for the whole",
            "performanceOverAccuracy": "every number here is exact",
            "ruleOutput": "no rules are written",
        }
    )
    value = number(target)
    if target is not None and value is not None and 0 < value <= _FROM_SHARE:
        message = f"Pyrra reads a target from 0 to 100, so {target.value} is less than one percent"
        spec.warn(target.mark, message, f'write "{value * 100:g}" if that is meant')
    indicator = spec.block("indicator")
    if indicator is None:
        spec.error(spec.mark, '"spec.indicator" is missing', "add indicator: {ratio: ...}")
    spec.done()
    name, found = _indicator(indicator) if indicator is not None else (None, None)
    goal = objective(spec.mark, name=name, target=share(target, percent=True), window=window, indicator=found)
    return goal, description


def _indicator(indicator: Block) -> tuple[Scalar | None, Map | None]:
    ratio, latency = indicator.block("ratio"), indicator.block("latency")
    native, gauge = indicator.block("latencyNative"), indicator.block("bool_gauge")
    indicator.done()
    if ratio is not None:
        return None, _counted(ratio, "errors", good=False)
    if latency is not None:
        return scalar(latency.mark, "latency"), _counted(latency, "success", good=True)
    if native is not None:
        return scalar(native.mark, "latency"), _native(native)
    if gauge is not None:
        found = _metric(gauge, gauge)
        _grouping(gauge)
        gauge.done()
        return None, made(gauge.mark, [("up", found)]) if found is not None else None
    indicator.error(indicator.mark, '"spec.indicator" has no indicator', "add ratio: {errors, total}")
    return None, None


def _counted(block: Block, part: str, *, good: bool) -> Map | None:
    some, whole = _metric(block.block(part), block, part), _metric(block.block("total"), block, "total")
    _grouping(block)
    block.done()
    if some is None or whole is None:
        return None
    found: Counts = counts(str(some.value), str(whole.value), good=good)
    return events(found, some.mark, whole.mark)


def _native(block: Block) -> Map | None:
    below, whole = block.needed("latency", "300ms"), _metric(block.block("total"), block, "total")
    _grouping(block)
    block.done()
    if below is None or whole is None:
        return None
    values: list[tuple[str, Node]] = [
        ("histogram", whole),
        ("below", below),
        ("buckets", scalar(whole.mark, "native")),
    ]
    return made(block.mark, [("latency", made(block.mark, values))])


def _metric(block: Block | None, above: Block, key: str = "") -> Scalar | None:
    """The selector of a block ``{metric: ...}``."""
    if block is None:
        above.error(above.mark, f'"{above.where}.{key}" is missing', f"add {key}: {{metric: ...}}")
        return None
    found = block.needed("metric", "http_requests_total")
    if block is not above:
        block.done()
    return found


def _grouping(block: Block) -> None:
    if block.take("grouping") is not None:
        block.warn(
            block.place("grouping"),
            f'"{block.where}.grouping" is not carried over: there is one objective for all groups together',
            "write one file for each group that needs a promise of its own",
        )
