"""Sloth: ``version: prometheus/v1``, and the same as a Kubernetes resource (``sloth.slok.dev/v1``).

Formats: https://sloth.dev/specs/default/ and https://sloth.dev/specs/kubernetes/.
"""

from collections.abc import Iterator

from gatekeeper.policy.document import Document, Map, Scalar
from gatekeeper.policy.foreign.block import Block, scalar
from gatekeeper.policy.foreign.queries import counts, ratio
from gatekeeper.policy.foreign.slo import Slo, change, events, objective, share
from gatekeeper.policy.problem import Problem

_WINDOW = "30d"
"""A Sloth file says none; this is the program's own default."""

_ALERTS = "the gate's own rules take its place: gate.freeze and gate.caution"
_SINGLE = {"error_query": "errorQuery", "total_query": "totalQuery", "error_ratio_query": "errorRatioQuery"}


def slos(found: Document) -> Iterator[Slo]:
    """The objectives of a file or resource."""
    problems = list[Problem]()
    top = Block(found.root, problems)
    top.ignored("version", "apiVersion", "kind", "metadata", "status")
    resource = isinstance(found.root, Map) and "apiVersion" in found.root.nodes
    spec = top.block("spec") if resource else top
    if spec is None:
        top.error(top.place("spec"), '"spec" is missing', "add spec: {service, slos}")
        yield Slo(scalar(top.mark, None), top.mark, None, problems=tuple(problems))
        return
    service = spec.needed("service", "checkout") or scalar(top.mark, None)
    labels = spec.block("labels")
    annotations = _annotations(top) if resource else labels
    if resource:
        spec.dropped({"labels": "nothing here reads it"})
    touched = change(annotations)
    spec.dropped({"slo_plugins": "remove it", "sloPlugins": "remove it"})
    listed = spec.blocks("slos")
    if not listed:
        spec.error(spec.place("slos"), '"slos" has no entry', "list at least one")
    made = [_slo(one, service, touched) for one in listed]
    spec.done()
    if resource:
        top.done()
    first = made[0] if made else Slo(service, top.mark, None)
    yield first.with_problems(problems)
    yield from made[1:]


def _annotations(top: Block) -> Block | None:
    metadata = top.block("metadata")
    return metadata.block("annotations") if metadata is not None else None


def _slo(one: Block, service: Scalar, touched: Map | None) -> Slo:
    own = Block(one.node, [], one.where)
    name = own.needed("name", "requests-availability")
    target = share(own.needed("objective", "99.9"), percent=True)
    description = own.text("description")
    own.dropped({"labels": "nothing reads them", "plugins": "remove it", "alerting": _ALERTS})
    sli = own.block("sli")
    indicator = _indicator(sli) if sli is not None else None
    if sli is None:
        own.error(own.mark, f'"{own.where}.sli" is missing', "add sli: {events: ...}")
    own.done()
    if name is not None and not isinstance(name.value, str):
        name = scalar(name.mark, str(name.value))
    goal = objective(
        own.mark, name=name, target=target, window=scalar(own.mark, _WINDOW), indicator=indicator
    )
    return Slo(service, own.mark, goal, description, touched, tuple(own.problems))


def _indicator(sli: Block) -> Map | None:
    events_block, raw, plugin = sli.block("events"), sli.block("raw"), sli.block("plugin")
    sli.done()
    if plugin is not None:
        plugin.error(plugin.mark, "an indicator that a plugin makes cannot be read", "write its queries")
        return None
    if raw is not None:
        return _raw(raw)
    if events_block is None:
        sli.error(sli.mark, f'"{sli.where}" has no indicator', "add events: {error_query, total_query}")
        return None
    bad, total = _query(events_block, "error_query"), _query(events_block, "total_query")
    events_block.done()
    if bad is None or total is None:
        return None
    return events(counts(str(bad.value), str(total.value), good=False), bad.mark, total.mark)


def _raw(raw: Block) -> Map | None:
    query = _query(raw, "error_ratio_query")
    raw.done()
    if query is None:
        return None
    found = ratio(str(query.value))
    if found is None:
        raw.error(
            query.mark,
            "a share is no count of events, and in this one no two counters can be seen",
            "use events",
        )
        return None
    return events(found, query.mark, query.mark)


def _query(block: Block, key: str) -> Scalar | None:
    """A query under either of its names: resources write them in camel case."""
    camel = _SINGLE[key]
    if isinstance(block.node, Map) and camel in block.node.nodes:
        return block.text(camel)
    return block.needed(key, "sum(rate(http_requests_total[{{.window}}]))")
