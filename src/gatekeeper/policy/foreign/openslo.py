"""OpenSLO: ``openslo/v1`` and ``openslo/v1alpha``, with what an SLO refers to in other documents.

Format: https://github.com/OpenSLO/OpenSLO.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gatekeeper.policy.document import Document, Map, Node, Scalar
from gatekeeper.policy.foreign.block import Block, made, scalar
from gatekeeper.policy.foreign.queries import counts, ratio
from gatekeeper.policy.foreign.slo import Slo, change, events, objective, share
from gatekeeper.policy.problem import Problem

_ALERTS = "the gate's own rules take its place: gate.freeze and gate.caution"
_UNCARRIED = frozenset({"AlertPolicy", "AlertCondition", "AlertNotificationTarget"})
_OPERATORS = {"lte": "<=", "lt": "<", "gte": ">=", "gt": ">"}
_SHORTHAND = re.compile(r"(\d{1,4})([mhdwMQY])")
_ROLLING = {"m": "m", "h": "h", "d": "d", "w": "w"}
_DAYS = {"M": 30, "Q": 90}
_CALENDAR = {"M": "month", "Q": "quarter", "w": "week"}
_UNITS = {"Minute": "m", "Hour": "h", "Day": "d", "Week": "w", "Month": "M", "Quarter": "Q", "Year": "Y"}
_PERCENT = "targetPercent"


@dataclass(frozen=True)
class Library:
    """What SLOs may refer to by name: indicators, data sources, services."""

    indicators: dict[str, Document] = field(default_factory=dict)
    sources: dict[str, Document] = field(default_factory=dict)
    services: dict[str, Document] = field(default_factory=dict)


def library(documents: Iterable[Document]) -> Library:
    """What a set of files offers to refer to."""
    found = Library()
    shelves = {"SLI": found.indicators, "DataSource": found.sources, "Service": found.services}
    for document in documents:
        block = Block(document.root, [])
        kind, metadata = block.text("kind"), block.block("metadata")
        name = metadata.text("name") if metadata is not None else None
        if kind is not None and name is not None and str(kind.value) in shelves:
            shelves[str(kind.value)][str(name.value)] = document
    return found


def beside(found: Document) -> Iterator[Problem]:
    """What is said of a document that is no SLO."""
    block = Block(found.root, [])
    kind = block.text("kind")
    if kind is not None and str(kind.value) in _UNCARRIED:
        block.warn(kind.mark, f"{kind.value} is not carried over", _ALERTS)
    elif kind is None or str(kind.value) not in {"SLI", "DataSource", "Service"}:
        block.error(
            block.mark, "this kind of OpenSLO document is not known", "one of SLO, SLI, DataSource, Service"
        )
    yield from block.problems


def slos(found: Document, shelf: Library) -> Iterator[Slo]:
    """The objectives of an SLO."""
    problems = list[Problem]()
    top = Block(found.root, problems)
    top.ignored("apiVersion", "kind")
    metadata, spec = top.block("metadata"), top.block("spec")
    top.done()
    if metadata is None or spec is None:
        top.error(top.mark, '"metadata" and "spec" are needed', "add what is missing")
        yield Slo(scalar(top.mark, None), top.mark, None, problems=tuple(problems))
        return
    name = metadata.needed("name", "checkout-availability")
    metadata.dropped({"displayName": "nothing here reads it", "labels": "nothing here reads it"})
    touched = change(metadata.block("annotations"))
    metadata.done()
    service = spec.text("service") or name or scalar(top.mark, None)
    own = spec.text("description")
    description = _described(shelf, str(service.value)) or own
    reader = _Reader(spec, shelf, name)
    goals = [*reader.objectives()]
    spec.done()
    made_ = [Slo(service, top.mark, goal, description, touched) for goal in goals] or [
        Slo(service, top.mark, None, description, touched)
    ]
    yield made_[0].with_problems(problems)
    yield from made_[1:]


def _described(shelf: Library, service: str) -> Scalar | None:
    if service not in shelf.services:
        return None
    spec = Block(shelf.services[service].root, []).block("spec")
    return spec.text("description") if spec is not None else None


class _Reader:
    """Reads the specification of one SLO."""

    def __init__(self, spec: Block, shelf: Library, name: Scalar | None) -> None:
        self._spec = spec
        self._shelf = shelf
        self._name = name

    def objectives(self) -> Iterator[Map | None]:
        spec = self._spec
        spec.dropped({"alertPolicies": _ALERTS})
        window = self._window()
        timeslices = self._timeslices()
        common = self._indicator()
        listed = spec.blocks("objectives")
        if not listed:
            spec.error(spec.place("objectives"), '"spec.objectives" has no entry', "list at least one")
        for position, one in enumerate(listed):
            yield self._objective(one, window, common, position, len(listed), timeslices=timeslices)

    def _objective(
        self,
        one: Block,
        window: Node | None,
        common: "Block | None",
        position: int,
        count: int,
        *,
        timeslices: bool,
    ) -> Map | None:
        shown = one.text("displayName")
        name = self._name
        if count > 1 and name is not None:
            name = scalar(
                (shown or name).mark,
                f"{name.value}-{shown.value if shown is not None else position + 1}",
            )
        target = self._target(one)
        method = self._method(one) if timeslices else None
        one.dropped({"compositeWeight": "composite objectives are not read: list each by itself"})
        own = self._referred(one) or common
        indicator = self._measured(own, one)
        one.done()
        return objective(
            one.mark, name=name, target=target, window=window, indicator=indicator, method=method
        )

    def _target(self, one: Block) -> Scalar | None:
        percent = one.text(_PERCENT)
        if percent is not None:
            return share(percent, percent=True)
        budget = one.text("budgetTarget")
        return share(budget if budget is not None else one.needed("target", "0.999"), percent=False)

    def _method(self, one: Block) -> Map | None:
        target, length = one.text("timeSliceTarget"), one.text("timeSliceWindow")
        if length is not None and str(length.value) not in {"1", "1m"}:
            one.warn(length.mark, "slices are one minute long here", "write 1m if the objective allows it")
        found = share(target, percent=False)
        if found is None:
            one.error(one.mark, f'"{one.where}.timeSliceTarget" is missing', "add timeSliceTarget: 0.99")
            return None
        return made(found.mark, [("timeslices", made(found.mark, [("target", found)]))])

    def _timeslices(self) -> bool:
        method = self._spec.text("budgetingMethod")
        said = str(method.value) if method is not None else "Occurrences"
        if method is not None and said not in {"Occurrences", "Timeslices"}:
            self._spec.error(
                method.mark,
                f'the budgeting method "{said[:40]}" cannot be read',
                "Occurrences or Timeslices can",
            )
        return said == "Timeslices"

    def _window(self) -> Node | None:
        key = "timeWindows" if self._spec.take("timeWindows") is not None else "timeWindow"
        listed = self._spec.blocks(key)
        if len(listed) != 1:
            self._spec.error(self._spec.place(key), f'"spec.{key}" must have one entry', "keep one")
            return None
        (one,) = listed
        length, rolling, calendar = one.text("duration"), one.text("isRolling"), one.block("calendar")
        unit, number = one.text("unit"), one.text("count")
        one.done()
        if length is None and unit is not None and number is not None:
            length = scalar(number.mark, f"{number.value}{_UNITS.get(str(unit.value), '?')}")
        match = _SHORTHAND.fullmatch(str(length.value)) if length is not None else None
        if length is None or match is None:
            one.error(
                one.mark if length is None else length.mark,
                "this is no length of a window",
                "write 28d or 1M",
            )
            return None
        is_rolling = calendar is None if rolling is None else rolling.value is not False
        return (
            self._rolling(one, length, int(match[1]), match[2])
            if is_rolling
            else self._periodic(one, length, int(match[1]), match[2], calendar)
        )

    def _rolling(self, one: Block, length: Scalar, number: int, unit: str) -> Node | None:
        if unit == "m":
            message = f"{length.value} is {number} minutes in OpenSLO, and a month is {number}M"
            one.error(length.mark, message, f"write {number}M, or a window of at least an hour")
            return None
        if unit in _DAYS:
            days = number * _DAYS[unit]
            one.warn(length.mark, f"a rolling window has a fixed length: {days} days here", f"write {days}d")
            return scalar(length.mark, f"{days}d")
        if unit not in _ROLLING:
            one.error(length.mark, "a window is at most 90 days long here", "write 90d")
            return None
        return scalar(length.mark, f"{number}{_ROLLING[unit]}")

    def _periodic(
        self, one: Block, length: Scalar, number: int, unit: str, calendar: Block | None
    ) -> Node | None:
        if number != 1 or unit not in _CALENDAR:
            one.error(
                length.mark, "only one month, quarter or week can be a calendar window", "write 1M, 1Q or 1w"
            )
            return None
        zone = calendar.text("timeZone") if calendar is not None else None
        start = calendar.text("startTime") if calendar is not None else None
        if calendar is not None:
            calendar.done()
        if (
            start is not None
            and unit != "w"
            and not re.match(r"\d{4}-\d\d-01(?:[ T]00:00(:00)?)?$", str(start.value))
        ):
            one.error(
                start.mark,
                "a month or quarter begins on its first day here",
                "write a first day, such as 2026-01-01",
            )
            return None
        values: list[tuple[str, Node | None]] = [
            ("calendar", scalar(length.mark, _CALENDAR[unit])),
            ("timezone", zone),
        ]
        return made(length.mark, values)

    def _indicator(self) -> "Block | None":
        """The SLI that all objectives share, if they do."""
        return self._referred(self._spec)

    def _referred(self, block: Block) -> "Block | None":
        """An SLI in place or by name; its ``spec``, or the block itself in v1alpha."""
        inline, reference = block.block("indicator"), block.text("indicatorRef")
        if reference is not None:
            found = self._shelf.indicators.get(str(reference.value))
            if found is None:
                message = f'there is no SLI "{str(reference.value)[:60]}" in these files'
                block.error(reference.mark, message, "put it beside this file, or write it in place")
                return None
            return Block(found.root, block.problems).block("spec")
        if inline is None:
            return None
        spec = inline.block("spec")
        if spec is None:
            return inline
        inline.ignored("metadata")
        inline.done()
        return spec

    def _measured(self, sli: "Block | None", one: Block) -> Map | None:
        old = one.block("ratioMetrics")
        if old is not None:
            return self._events(old)
        fresh = Block(sli.node, one.problems, sli.where) if sli is not None else None
        if fresh is None:
            one.error(one.mark, f'"{one.where}" has no indicator', "add indicator, or indicatorRef, to spec")
            return None
        fresh.ignored("description")
        events_block, threshold = fresh.block("ratioMetric"), fresh.block("thresholdMetric")
        fresh.done()
        if events_block is not None:
            return self._events(events_block)
        if threshold is not None:
            return self._threshold(threshold, one)
        one.error(fresh.mark, "an indicator has a ratioMetric or a thresholdMetric", "add one")
        return None

    def _events(self, block: Block) -> Map | None:
        counter = block.text("counter")
        if counter is not None and counter.value is False:
            block.warn(
                counter.mark,
                "its values are said not to grow, and events are counted with counters",
                "name counters, which only grow",
            )
        raw, kind = block.block("raw"), block.text("rawType")
        if raw is not None:
            return self._raw(raw, kind, block)
        good, bad, total = (self._query(block.block(key)) for key in ("good", "bad", "total"))
        block.done()
        part = good or bad
        if part is None or total is None:
            block.error(block.mark, f'"{block.where}" needs good or bad, and total', "add what is missing")
            return None
        return events(counts(str(part.value), str(total.value), good=good is not None), part.mark, total.mark)

    def _raw(self, raw: Block, kind: Scalar | None, block: Block) -> Map | None:
        query = self._query(raw)
        block.done()
        found = ratio(str(query.value)) if query is not None else None
        if query is None or found is None:
            mark = raw.mark if query is None else query.mark
            message = "a share is no count of events, and in this one no two counters can be seen"
            block.error(mark, message, "use good and total")
            return None
        if kind is None or kind.value != "failure":
            found = type(found)(found.part, found.total, good=not found.good)
        return events(found, query.mark, query.mark)

    def _threshold(self, block: Block, one: Block) -> Map | None:
        """A value held against a bound, minute by minute: a query that is 1 while it keeps it."""
        query = self._query(block)
        operator, bound = one.text("op"), one.text("value")
        sign = _OPERATORS.get(str(operator.value)) if operator is not None else None
        if query is None:
            return None
        if sign is None or bound is None:
            one.error(
                one.mark, f'"{one.where}" needs op and value', "add op: lte and value: 0.3, for example"
            )
            return None
        one.warn(
            query.mark,
            "the value is held against its bound once a minute, and minutes are counted",
            "count events where there are any: a histogram says how many requests took longer",
        )
        return made(query.mark, [("up", scalar(query.mark, f"({query.value}) {sign} bool {bound.value}"))])

    def _query(self, block: "Block | None") -> Scalar | None:
        """The PromQL of a metric's source."""
        if block is None:
            return None
        source = block.block("metricSource")
        if source is None:
            kind, query = block.text("source"), block.text("query")
            block.ignored("queryType")
            block.done()
            return query if self._is_prometheus(block, kind) else None
        block.done()
        reference, kind = source.text("metricSourceRef"), source.text("type")
        spec = source.block("spec")
        source.done()
        if reference is not None and kind is None:
            kind = self._kind_of(str(reference.value))
        if not self._is_prometheus(source, kind):
            return None
        found = next((one for key in ("query", "promql") if spec and (one := spec.text(key))), None)
        if spec is not None:
            spec.ignored("queryType", "dimensions")
            spec.done()
        if found is None:
            source.error(source.mark, "no query is given", "add spec: {query: ...}")
        return found

    def _kind_of(self, reference: str) -> Scalar | None:
        found = self._shelf.sources.get(reference)
        spec = Block(found.root, []).block("spec") if found is not None else None
        return spec.text("type") if spec is not None else None

    def _is_prometheus(self, block: Block, kind: Scalar | None) -> bool:
        """Where nothing is said, Prometheus is meant: it is what we have."""
        if kind is None or "prometheus" in str(kind.value).lower() or str(kind.value).lower() == "promql":
            return True
        message = f'the data source "{str(kind.value)[:60]}" cannot be asked yet'
        block.error(kind.mark, message, "write it for Prometheus")
        return False
