"""Indicators that differ in one label are asked for together, and each gets what its own question would have got."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from gatekeeper.availability.filling import SliceReader, Stretch
from gatekeeper.errors import SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.policy.selector import BareSelector, classify
from gatekeeper.sources import prometheus_together
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from requests import PreparedRequest

    from gatekeeper.availability.filling import CounterReader
    from gatekeeper.availability.series import RawSeries

URL = "http://prometheus.test:9090"
UNTIL = 1_740_000_000_000


class Server:
    """Answers a range selector with the series that it selects, as Prometheus would; remembers what was asked."""

    def __init__(self) -> None:
        self.series: list[tuple[dict[str, str], list[tuple[int, float]]]] = []
        self.histogram: dict[str, str] | None = None
        self.asked: list[str] = []
        self.status = 200
        self.refuses = "nothing"

    def answer(self, request: PreparedRequest) -> tuple[int, Mapping[str, str], str]:
        query = parse_qs(urlsplit(str(request.url)).query)["query"][0]
        self.asked.append(query)
        if self.refuses in query:
            return self.status, {}, json.dumps({"status": "error", "error": "no"})
        text, _, width = query.removesuffix("ms]").rpartition("[")
        selector = classify(text)
        assert isinstance(selector, BareSelector)
        result: list[dict[str, Any]] = [
            {"metric": labels, "values": values}
            for labels, samples in self.series
            if selector.matches(labels)
            if (
                values := [
                    [at / 1000, str(value)] for at, value in samples if UNTIL - int(width) <= at <= UNTIL
                ]
            )
        ]
        if self.histogram is not None and selector.matches(self.histogram):
            result.append({"metric": self.histogram, "histograms": []})
        return 200, {}, json.dumps({"status": "success", "data": {"result": result}})

    def add(self, name: str, every: int = 15_000, **labels: str) -> None:
        start = 7 * len(self.series)
        samples = [(UNTIL - 300_000 + start + at, float(at)) for at in range(0, 300_000 - start, every)]
        self.series.append(({"__name__": name, **labels}, samples))


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, f"{URL}/api/v1/query", server.answer)
        yield server


def counted(total: str, bad: str) -> Indicator:
    return Indicator(prometheus=PrometheusIndicator(total=total, bad=bad))


def of_job(job: str, code: str = "5..") -> Indicator:
    return counted(f'http{{job="{job}"}}', f'http{{job="{job}",code=~"{code}"}}')


def read_together(
    indicators: Mapping[str, Indicator], afters: Mapping[str, int] | None = None, series: int = 2
) -> dict[str, CounterReader]:
    source = PrometheusSource(PrometheusApi(URL))
    found: dict[str, CounterReader] = {}
    wanted = {
        name: Stretch(source.reader(one), (afters or {}).get(name, UNTIL - 60_000), series)
        for name, one in indicators.items()
    }
    for readers in source.at_hand(wanted, UNTIL):
        found |= readers
    source.close()
    return found


def plain(series: Sequence[RawSeries]) -> list[tuple[object, ...]]:
    return sorted((one.key, one.total, one.bad, one.times.tolist(), one.values.tolist()) for one in series)


def by_itself(indicator: Indicator, after: int) -> list[tuple[object, ...]]:
    source = PrometheusSource(PrometheusApi(URL))
    reader = source.reader(indicator)
    assert not isinstance(reader, SliceReader)
    return plain(reader.read(after, UNTIL))


TOGETHER = [
    pytest.param({"a": of_job("a"), "b": of_job("b.c")}, ['http{job=~"a|b\\\\.c"}'], id="one label differs"),
    pytest.param(
        {"a": of_job("a"), "b": of_job("a", "4..")}, ['http{job=~"a"}'], id="the same events, two ways"
    ),
    pytest.param(
        {"a": counted('all{job="a"}', 'bad{job="a"}'), "b": counted('all{job="b.c"}', 'bad{job="b.c"}')},
        ['all{job=~"a|b\\\\.c"}', 'bad{job=~"a|b\\\\.c"}'],
        id="two counters each",
    ),
    pytest.param(
        {
            "a": counted('http{env="x",job="a"}', 'http{env="x",job="a",code="500"}'),
            "b": counted('http{env="x",job="b.c"}', 'http{env="x",job="b.c",code="500"}'),
            "c": counted('http{env="y",job="a"}', 'http{env="y",job="a",code="500"}'),
        },
        ['http{env="x",job=~"a|b\\\\.c"}', 'http{env=~"y",job="a"}'],
        id="by the label in which most of them differ",
    ),
    pytest.param(
        {
            name: Indicator.model_validate(
                {"prometheus": {"latency": {"histogram": f'took{{job="{job}"}}', "below": "300ms"}}}
            )
            for name, job in (("a", "a"), ("b", "b.c"))
        },
        ['took_count{job=~"a|b\\\\.c"}', 'took_bucket{job=~"a|b\\\\.c",le="0.3"}'],
        id="latency",
    ),
]


@pytest.mark.parametrize(("indicators", "asked"), TOGETHER)
def test_together_they_read_what_each_would_read_alone(
    server: Server, indicators: dict[str, Indicator], asked: list[str]
) -> None:
    for job in ("a", "b.c", "bxc", "other"):
        for env in ("x", "y"):
            for name in ("http", "all", "bad", "took_count"):
                for code in ("200", "404", "500"):
                    server.add(name, job=job, env=env, code=code)
            server.add("took_bucket", job=job, env=env, le="0.3")
    afters = {"a": UNTIL - 60_000, "b": UNTIL - 57_311, "c": UNTIL - 60_000}
    found = read_together(indicators, afters)
    questions = [query.rpartition("[")[0] for query in server.asked]
    assert sorted(questions) == sorted(asked)
    server.asked.clear()
    for name, reader in found.items():
        assert plain(reader.read(afters[name], UNTIL)) != []
    assert server.asked == [], "it was at hand"
    for name, one in indicators.items():
        assert plain(found[name].read(afters[name], UNTIL)) == by_itself(one, afters[name])
    assert len(server.asked) >= len(indicators)


LEFT_OUT = [
    pytest.param(counted("http", 'http{code="500"}'), id="no label to differ in"),
    pytest.param(of_job("a|b"), id="a value that is a pattern"),
    pytest.param(
        counted('http{job="a",job!="b"}', 'http{job="a",job!="b",code="500"}'), id="two on one label"
    ),
    pytest.param(counted('all{job="a"}', 'bad{app="a"}'), id="two counters with nothing in common"),
    pytest.param(
        counted('sum(increase(x{job="a"}[$window]))', 'sum(increase(y{job="a"}[$window]))'), id="slices"
    ),
]


@pytest.mark.parametrize("indicator", LEFT_OUT)
def test_what_cannot_go_together_is_left_to_its_own_reader(server: Server, indicator: Indicator) -> None:
    assert read_together({"a": indicator}) == {}
    assert server.asked == []


def test_requests_stay_small(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = {name: of_job(name) for name in "abcdef"}
    for name, most, parts in (("MOST_INDICATORS", 2, 3), ("MOST_SERIES", 8, 2), ("LONGEST", 3, 2)):
        with monkeypatch.context() as patched:
            patched.setattr(prometheus_together, name, most)
            assert len(read_together(jobs)) == 6
        assert len(server.asked) == parts, name
        server.asked.clear()


def test_what_begins_much_earlier_does_not_make_the_others_load_it_again(server: Server) -> None:
    afters = {"a": UNTIL - 60_000, "b": UNTIL - 58_000, "c": UNTIL - 50_000}
    read_together({name: of_job(name) for name in afters}, afters)
    assert [query.rpartition("[")[2] for query in server.asked] == ["59999ms]", "49999ms]"]


def test_what_the_server_refuses_together_is_left_out(server: Server) -> None:
    server.refuses, server.status = "http{", 422
    others = {name: counted(f'all{{job="{name}"}}', f'all{{job="{name}",code="500"}}') for name in "cd"}
    assert read_together({"a": of_job("a"), "b": of_job("b"), **others}).keys() == {"c", "d"}


def test_a_series_that_one_cannot_count_leaves_the_others_theirs(server: Server) -> None:
    server.add("http", job="b")
    server.histogram = {"__name__": "http", "job": "a"}
    found = read_together({"a": of_job("a"), "b": of_job("b")})
    assert found.keys() == {"b"}
    assert len(found["b"].read(UNTIL - 60_000, UNTIL)) == 1


def test_where_no_one_can_count_what_came_there_is_nothing_to_store(server: Server) -> None:
    server.histogram = {"__name__": "http", "job": "a"}
    source = PrometheusSource(PrometheusApi(URL))
    wanted = {"a": Stretch(source.reader(of_job("a")), UNTIL - 60_000, 1)}
    assert list(source.at_hand(wanted, UNTIL)) == []


def test_no_answer_is_said(server: Server) -> None:
    server.refuses, server.status = "http{", 503
    with pytest.raises(SourceError):
        read_together({"a": of_job("a"), "b": of_job("b")})
