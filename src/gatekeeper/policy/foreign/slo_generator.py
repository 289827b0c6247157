"""slo-generator: ``sre.google.com/v2``, kind ``ServiceLevelObjective``, with the shared configuration beside it.

Format: https://github.com/google/slo-generator/blob/master/docs/providers/prometheus.md and ``docs/shared`` there.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gatekeeper.policy.document import Document, Map, Scalar
from gatekeeper.policy.foreign.block import Block, number, scalar
from gatekeeper.policy.foreign.queries import Counts, counts, ratio
from gatekeeper.policy.foreign.slo import Slo, change, events, objective, share
from gatekeeper.policy.problem import Problem

_LONGEST = "28d"
"""The longest step of the error budget policy that the project's own examples have."""

_RANGE = re.compile(r"\[(?:\{?window\}?|\$\{window\})\]\s*$")
_LAST_BRACE = re.compile(r"\}\s*$")
CONFIG_KEYS = frozenset({"backends", "error_budget_policies", "default_exporters", "exporters"})


def windows(documents: Iterable[Document]) -> dict[str, Scalar]:
    """The longest step of each error budget policy, by the policy's name, of shared configurations."""
    found = {}
    for document in documents:
        policies = Block(document.root, []).block("error_budget_policies")
        for name in policies.node.nodes if policies and isinstance(policies.node, Map) else ():
            policy = policies.block(name) if policies else None
            steps = [number(one.text("window")) or 0 for one in policy.blocks("steps")] if policy else []
            if policy is not None and (longest := max(steps, default=0)):
                found[name] = scalar(policy.mark, f"{longest:.0f}s")
    return found


def config(found: Document) -> Iterator[Problem]:
    """What of a shared configuration is not carried over."""
    problems = list[Problem]()
    block = Block(found.root, problems)
    block.ignored("backends", "error_budget_policies", "apiVersion", "kind", "metadata")
    block.dropped(
        {"exporters": "numbers are served at /api/v1 and /metrics", "default_exporters": "remove it"}
    )
    block.done()
    yield from problems


def slos(found: Document, windows: dict[str, Scalar]) -> Iterator[Slo]:
    """The objective of a file.

    Args:
        found: the document.
        windows: by error budget policy, the longest step.
    """
    problems = list[Problem]()
    top = Block(found.root, problems)
    top.ignored("apiVersion", "kind")
    metadata, spec = top.block("metadata"), top.block("spec")
    labels = metadata.block("labels") if metadata is not None else None
    name = metadata.needed("name", "checkout-availability") if metadata is not None else None
    service = (labels.text("service_name") if labels is not None else None) or name
    short = labels.text("slo_name") if labels is not None else None
    touched = change(_others(labels)) if labels is not None else None
    if metadata is None or spec is None:
        top.error(top.mark, '"metadata" and "spec" are needed', "add what is missing")
    if metadata is not None:
        metadata.done()
    top.done()
    goal, description = _objective(spec, short or name, windows) if spec is not None else (None, None)
    yield Slo(service or scalar(top.mark, None), top.mark, goal, description, touched, tuple(problems))


def _others(labels: Block) -> Block:
    """The labels that name neither service nor objective."""
    if not isinstance(labels.node, Map):
        return labels
    left = {key: node for key, node in labels.node.nodes.items() if key not in {"service_name", "slo_name"}}
    return Block(replace(labels.node, nodes=left), labels.problems, labels.where)


def _objective(
    spec: Block, name: Scalar | None, windows: dict[str, Scalar]
) -> tuple[Map | None, Scalar | None]:
    target = share(spec.needed("goal", "0.999"), percent=False)
    description = spec.text("description")
    backend, method = spec.needed("backend", "prometheus"), spec.needed("method", "good_bad_ratio")
    policy = spec.text("error_budget_policy")
    window = windows.get(str(policy.value) if policy is not None else "default")
    if window is None:
        spec.warn(
            policy.mark if policy is not None else spec.mark,
            f"the steps of its error budget policy are not here, so the budget is that of {_LONGEST}",
            "put the shared configuration beside it, or import the file and say the window",
        )
    spec.dropped({"exporters": "numbers are served at /api/v1 and /metrics"})
    sli = spec.block("service_level_indicator")
    if sli is None:
        spec.error(spec.mark, '"spec.service_level_indicator" is missing', "add it")
    spec.done()
    indicator = _indicator(spec, sli, backend, method) if sli is not None else None
    goal = objective(
        spec.mark,
        name=name,
        target=target,
        window=scalar(spec.mark, _LONGEST if window is None else window.value),
        indicator=indicator,
    )
    return goal, description


def _indicator(spec: Block, sli: Block, backend: Scalar | None, method: Scalar | None) -> Map | None:
    if backend is None or method is None:
        return None
    if str(backend.value).split("/")[0] != "prometheus":
        message = f'the backend "{str(backend.value)[:60]}" cannot be asked yet'
        spec.error(backend.mark, message, "write its objective for Prometheus")
        return None
    readers = {"good_bad_ratio": _good_bad, "query_sli": _query_sli, "distribution_cut": _cut}
    read = readers.get(str(method.value))
    if read is None:
        message = f'the method "{str(method.value)[:60]}" is not known'
        spec.error(method.mark, message, f"one of {', '.join(readers)} can be read")
        return None
    return read(sli)


def _good_bad(sli: Block) -> Map | None:
    good, bad, valid = (sli.text(f"filter_{name}") for name in ("good", "bad", "valid"))
    if sli.take("operators") is not None:
        sli.warn(
            sli.place("operators"),
            f'"{sli.where}.operators" is not carried over: the counters are counted from their samples',
            "remove it",
        )
    sli.done()
    if good is None or (bad is None and valid is None):
        sli.error(
            sli.mark, f'"{sli.where}" lacks a filter', "give filter_good, and filter_valid or filter_bad"
        )
        return None
    if valid is not None:
        return events(counts(_plain(good), _plain(valid), good=True), good.mark, valid.mark)
    return events(_together(_plain(good), _plain(bad)), bad.mark, good.mark) if bad is not None else None


def _together(good: str, bad: str) -> Counts:
    """Events of which no counter has all: those of two, where bad ones may be missing while nothing fails."""
    failed = f"sum(increase({bad}[$window]))"
    return Counts(failed, f"sum(increase({good}[$window])) + ({failed} or vector(0))", good=False)


def _query_sli(sli: Block) -> Map | None:
    expression = sli.needed("expression", "sum(rate(good[window])) / sum(rate(valid[window]))")
    sli.done()
    found = ratio(str(expression.value)) if expression is not None else None
    if expression is None:
        return None
    if found is None:
        message = "a share is no count of events, and in this one no two counters can be seen"
        sli.error(expression.mark, message, "use good_bad_ratio")
        return None
    return events(Counts(found.part, found.total, good=not found.good), expression.mark, expression.mark)


def _cut(sli: Block) -> Map | None:
    expression, threshold = sli.needed("expression", "latency_bucket"), sli.needed("threshold_bucket", "0.3")
    sli.done()
    if expression is None or threshold is None:
        return None
    buckets = _plain(expression)
    good, total = (_with_le(buckets, bound) for bound in (str(threshold.value), "+Inf"))
    return events(Counts(good, total, good=True), threshold.mark, expression.mark)


def _with_le(buckets: str, bound: str) -> str:
    condition = f'le="{bound}"'
    if _LAST_BRACE.search(buckets):
        joint = "" if re.search(r"\{\s*\}\s*$", buckets) else ","
        return _LAST_BRACE.sub(f"{joint}{condition}}}", buckets)
    return f"{buckets}{{{condition}}}"


def _plain(query: Scalar) -> str:
    """A filter without the range that the program puts its window in."""
    return _RANGE.sub("", str(query.value).strip())
