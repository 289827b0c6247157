"""A dry run of an indicator's queries: what a Prometheus has for them, and what looks like a mistake.

Few requests, of which none loads more than a day's samples of what the indicator would read anyhow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.availability.filling import Critic, TooManySamplesError
from gatekeeper.availability.ledger import slice_of
from gatekeeper.errors import QueryRefusedError
from gatekeeper.policy.counting import EventQueries
from gatekeeper.policy.finding import Finding
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.policy.problem import Severity
from gatekeeper.policy.rules import nearest
from gatekeeper.policy.selector import BareSelector, Matcher, WindowQuery, classify, gauge
from gatekeeper.sources.prometheus_api import PrometheusApi

REACH = timedelta(days=1)
"""How far back a series may have ended to be one that the source has."""

_MOST_SHOWN = 6
_DAY = int(REACH.total_seconds())
_HOUR = 3600
_MORE = 1.01
"""Two counters of one scrape can be told apart by more than extrapolation from here on."""


@dataclass(frozen=True)
class PrometheusProbe:
    """Tries queries on one server.

    Args:
        api: of the server.
        critic: what reads the indicator, for what it knows to be wrong with it; None where it knows nothing.
        too_large: why the indicator has too many samples to be read one by one, or None.
    """

    api: PrometheusApi
    critic: Critic | None
    too_large: str | None

    def findings(self, indicator: Indicator, now: datetime) -> Iterator[Finding]:
        """What looks like a mistake, each at its key below the indicator.

        Raises:
            SourceError: the server did not answer.
        """
        queries = indicator.prometheus
        found = [*self._tried(queries, now)]
        yield from found
        if self.critic is not None and all(one.severity is not Severity.ERROR for one in found):
            # A query that was refused is refused to the critic too, in other words.
            yield from _or_refused(_place(queries), self._criticised(self.critic, _place(queries), now))
        if self.too_large is not None:
            advice = "that is less exact; narrow the selectors if you can"
            said = f"{self.too_large}: it is counted by one-minute queries instead"
            yield Finding(_place(queries), said, advice, Severity.WARNING)

    def _tried(self, queries: PrometheusIndicator, now: datetime) -> Iterator[Finding]:
        if queries.events is not None:
            yield from self._events(queries, queries.events, now)
        elif queries.up is not None:
            yield from self._up(queries.up, now)

    def _events(self, queries: PrometheusIndicator, events: EventQueries, now: datetime) -> Iterator[Finding]:
        part, found = ("good" if events.good else "bad"), 0
        named = {"total": events.total, part: events.part}
        for name, text in named.items():
            place = (name,) if queries.latency is None else ("latency", "histogram")
            query = classify(text)
            problems = [*self._exists(query, place, now)]
            yield from problems
            found += not problems
        if found < len(named):
            return
        yield from self._amounts(queries, events, now)

    def _criticised(self, critic: Critic, place: tuple[str, ...], now: datetime) -> Iterator[Finding]:
        if said := critic.criticism(slice_of(now)):
            yield Finding(place, said, "correct the query", Severity.ERROR)

    def _exists(
        self, query: BareSelector | WindowQuery, place: tuple[str, ...], now: datetime
    ) -> Iterator[Finding]:
        if isinstance(query, WindowQuery):
            yield from _or_refused(place, self._answers(query.at(_HOUR), place, now))
        else:
            problems = [*self._listed(query, place, now)]
            yield from problems or self._is_counter(query, place, now)

    def _listed(self, query: BareSelector, place: tuple[str, ...], now: datetime) -> Iterator[Finding]:
        """Whether a selector finds any series."""
        try:
            if not self._series(str(query), now):
                yield from _or_refused(place, self._why_none(query, place, now))
        except TooManySamplesError:
            message = f"{query} has more series than can be listed"
            yield Finding(place, message, "narrow it by a label, such as job", Severity.WARNING)
        except QueryRefusedError as refusal:
            yield _refused(place, refusal)

    def _answers(self, query: str, place: tuple[str, ...], now: datetime) -> Iterator[Finding]:
        """Whether a query that may be anything gives a number."""
        if not self.api.instant(query, _ms(now)):
            message, advice = "this finds nothing at the moment", "try it in the source's own console"
            yield Finding(place, message, advice, Severity.WARNING)

    def _why_none(self, query: BareSelector, place: tuple[str, ...], now: datetime) -> Iterator[Finding]:
        """Why a selector finds nothing: its metric, or the first condition that no series of it meets."""
        metric = BareSelector(query.metric)
        if query.metric and not self._series(str(metric), now):
            near = nearest(query.metric, self.api.label_values("__name__"))
            advice = f'did you mean "{near}"?' if near else "is it exported, and scraped by this server?"
            yield Finding(place, f'the source knows no metric "{query.metric}"', advice, Severity.WARNING)
            return
        for position, matcher in enumerate(query.matchers):
            met = BareSelector(query.metric, query.matchers[:position])
            if self._series(str(BareSelector(query.metric, query.matchers[: position + 1])), now):
                continue
            yield self._unmet(matcher, self._series(str(met), now), place)
            return

    def _unmet(
        self, matcher: Matcher, others: Sequence[Mapping[str, str]], place: tuple[str, ...]
    ) -> Finding:
        values = Counter(one[matcher.name] for one in others if one.get(matcher.name))
        if not values:
            near = nearest(matcher.name, {name for one in others for name in one})
            advice = f'did you mean "{near}"?' if near else "remove the condition"
            return Finding(
                place, f'no series of this metric has a label "{matcher.name}"', advice, Severity.WARNING
            )
        shown = sorted(values, key=lambda value: (value != nearest(matcher.value, values), value))[
            :_MOST_SHOWN
        ]
        if place == ("bad",):
            advice = f"that is as it should be if nothing ever failed; there are {', '.join(shown)}"
        else:
            advice = f"there are {', '.join(shown)}"
        return Finding(place, f"no series has {matcher}", advice, Severity.WARNING)

    def _is_counter(self, query: BareSelector, place: tuple[str, ...], now: datetime) -> Iterator[Finding]:
        """Whether it only ever grows, but for restarts."""
        changes, falls = (
            self._number(f"sum({function}({query}[{_HOUR}s]))", now) for function in ("changes", "resets")
        )
        if changes and falls and falls > changes / 4 and falls > 1:
            message = "this goes down nearly as often as up, so it is no counter"
            yield Finding(place, message, "count events, with a metric that only grows", Severity.WARNING)

    def _amounts(
        self, queries: PrometheusIndicator, events: EventQueries, now: datetime
    ) -> Iterator[Finding]:
        """Whether the counts fit together."""
        total, part = (self._number(_counted(text), now) for text in (events.total, events.part))
        name = "good" if events.good else "bad"
        place = ("total",) if queries.latency is None else ("latency", "histogram")
        if not total:
            yield Finding(
                place,
                "no events in the last day: the gate would have nothing to go by",
                "is this the traffic that users bring?",
                Severity.WARNING,
            )
            return
        if part is not None and part > total * _MORE + 1:
            message = f"{name} counts {part:,.0f} events of the last day, and total only {total:,.0f}"
            yield Finding((name,), message, "give both the same conditions", Severity.WARNING)
        elif name == "bad" and part is not None and part > total / 2:
            message = f"{part / total:.0%} of all events of the last day count as bad"
            yield Finding(
                ("bad",), message, "is it good events that this counts? then name it good", Severity.WARNING
            )
        elif name == "good" and queries.latency is None and (part or 0) < total / 2:
            message = f"only {(part or 0) / total:.0%} of all events of the last day count as good"
            yield Finding(
                ("good",), message, "is it bad events that this counts? then name it bad", Severity.WARNING
            )

    def _up(self, text: str, now: datetime) -> Iterator[Finding]:
        query, place = gauge(text), ("up",)
        if isinstance(query, BareSelector):
            yield from self._listed(query, place, now)
        else:
            yield from _or_refused(place, self._answers(query, place, now))

    def _series(self, selector: str, now: datetime) -> Sequence[Mapping[str, str]]:
        return self.api.series(selector, int((now - REACH).timestamp()), int(now.timestamp()))

    def _number(self, query: str, now: datetime) -> float | None:
        """A query's one value; None where it has none, or the server will not say."""
        try:
            answer = self.api.instant(query, _ms(now))
        except QueryRefusedError:
            return None
        return float(answer[0]["value"][1]) if answer else None


def distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once: a histogram is asked about twice."""
    return tuple(dict.fromkeys(findings))


def _or_refused(place: tuple[str, ...], found: Iterator[Finding]) -> Iterator[Finding]:
    """What is found; and what the server refuses to answer on the way, which is the author's to mend."""
    try:
        yield from found
    except QueryRefusedError as refusal:
        yield _refused(place, refusal)


def _refused(place: tuple[str, ...], refusal: QueryRefusedError) -> Finding:
    if isinstance(refusal, TooManySamplesError):
        message = f"this loads too many samples: {refusal}"
        return Finding(place, message, "narrow it by a label", Severity.ERROR)
    return Finding(place, str(refusal), "correct the query", Severity.ERROR)


def _counted(text: str) -> str:
    query = classify(text)
    return query.at(_DAY) if isinstance(query, WindowQuery) else f"sum(increase({query}[{_DAY}s]))"


def _place(queries: PrometheusIndicator) -> tuple[str, ...]:
    if queries.latency is not None:
        return ("latency", "below")
    return ("up",) if queries.up is not None else ("total",)


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
