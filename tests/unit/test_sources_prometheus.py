"""What is asked of Prometheus and how its answers are read; the server is canned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from gatekeeper.availability.filling import (
    CounterReader,
    QueryTimeoutError,
    SliceReader,
    TooManySamplesError,
    Totals,
)
from gatekeeper.availability.ledger import Flag
from gatekeeper.errors import ConfigurationError, QueryRefusedError, SourceError
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.policy.selector import WindowQuery
from gatekeeper.settings import Settings
from gatekeeper.sources import find
from gatekeeper.sources.prometheus import PrometheusSource, from_settings
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.sources.prometheus_flavour import Dialect, Flavour
from gatekeeper.sources.prometheus_windows import counters_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import PreparedRequest

URL = "http://prometheus.test:9090"
T = 29_000_000
"""A slice."""
KNOWN = Flag.MEASURED | Flag.APPROXIMATE


class CannedPrometheus:
    """Answers each query text with what was put there, and remembers the parameters."""

    def __init__(self) -> None:
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.more: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []

    def answer(self, request: PreparedRequest) -> tuple[int, Mapping[str, str], str]:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}
        self.asked.append(asked)
        result = self.results.get(asked["query"], [])
        if "start" in asked:
            result = [{**item, "values": self._between(item["values"], asked)} for item in result]
        return 200, {}, json.dumps({"status": "success", "data": {"result": result}, **self.more})

    @staticmethod
    def _between(values: list[list[Any]], asked: Mapping[str, str]) -> list[list[Any]]:
        start, end, step = (int(asked[name]) for name in ("start", "end", "step"))
        return [[time, value] for time, value in values if time in range(start, end + 1, step)]

    @property
    def queries(self) -> list[str]:
        return [asked["query"] for asked in self.asked]


@pytest.fixture
def canned() -> Iterator[CannedPrometheus]:
    canned = CannedPrometheus()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for path in ("query", "query_range"):
            mock.add_callback(responses.GET, f"{URL}/api/v1/{path}", canned.answer)
        build = {
            "status": "success",
            "data": {"version": "2.42.0", "revision": "225c61122d88b01d1f0eaaee0e05b6f3e0567ac0"},
        }
        mock.add(responses.GET, f"{URL}/api/v1/status/buildinfo", json=build)
        yield canned


def indicator(total: str, *, good: str | None = None, bad: str | None = None) -> Indicator:
    return Indicator(prometheus=PrometheusIndicator(total=total, good=good, bad=bad))


def counters(given: Indicator) -> CounterReader:
    reader = PrometheusSource(PrometheusApi(URL)).reader(given)
    assert not isinstance(reader, SliceReader)
    return reader


def slices(given: Indicator) -> SliceReader:
    reader = PrometheusSource(PrometheusApi(URL)).reader(given)
    assert isinstance(reader, SliceReader)
    return reader


def item(code: str, *samples: tuple[float, str], **labels: str) -> dict[str, Any]:
    return {"metric": {"__name__": "r", "code": code, **labels}, "values": [list(one) for one in samples]}


BAD = indicator('r{job="a"}', bad='r{job="a",code=~"5.."}')
GOOD = indicator('r{job="a"}', good='r{code!~"5..",job="a"}')
SELECTOR = 'r{job="a"}'


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        pytest.param(BAD, {"200": (1, 0), "503": (1, 1)}, id="bad is a part of total"),
        pytest.param(GOOD, {"200": (1, 0), "503": (1, 1)}, id="good is a part of total"),
    ],
)
def test_one_request_tells_good_from_bad(
    canned: CannedPrometheus, given: Indicator, weights: dict[str, tuple[int, int]]
) -> None:
    canned.results[f"{SELECTOR}[179999ms]"] = [item(code, (T * 60 - 0.5, "7")) for code in weights]
    found = counters(given).read(T * 60_000 - 180_000, T * 60_000)
    assert [(one.total, one.bad) for one in found] == list(weights.values())
    assert canned.asked == [{"query": f"{SELECTOR}[179999ms]", "time": f"{T * 60}.000", "timeout": "29s"}]
    assert found[0].times.tolist() == [T * 60_000 - 500]
    assert found[0].values.tolist() == [7]


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        pytest.param(indicator("r", bad="errors"), [(1, 0), (0, 1)], id="bad from elsewhere"),
        pytest.param(indicator("r", good="fine"), [(1, 1), (0, -1)], id="good from elsewhere"),
        pytest.param(indicator('r{job="a"}', bad='r{code="5"}'), [(1, 0), (0, 1)], id="no part of total"),
    ],
)
def test_what_is_no_part_of_total_is_asked_for_beside_it(
    canned: CannedPrometheus, given: Indicator, weights: list[tuple[int, int]]
) -> None:
    queries = given.prometheus.events
    assert queries is not None
    for query in (queries.total, queries.part):
        canned.results[f"{query}[59999ms]"] = [item("1", (T * 60, "1"))]
    found = counters(given).read((T - 1) * 60_000, T * 60_000)
    assert [(one.total, one.bad) for one in found] == weights
    assert len({one.key for one in found}) == 2


def test_a_series_keeps_its_key_however_its_labels_are_ordered(canned: CannedPrometheus) -> None:
    one, other = item("200", (1, "1"), pod="x"), item("200", (1, "1"), pod="x")
    other["metric"] = dict(reversed(other["metric"].items()))
    canned.results[f"{SELECTOR}[59999ms]"] = [one, other, item("200", (1, "1"), pod="y")]
    keys = [found.key for found in counters(BAD).read(0, 60_000)]
    assert keys[0] == keys[1] != keys[2]


def test_odd_values_are_read_as_what_they_are(canned: CannedPrometheus) -> None:
    canned.results[f"{SELECTOR}[59999ms]"] = [item("1", (1.001, "1e3"), (2, "NaN"), (3, "+Inf"))]
    (found,) = counters(BAD).read(0, 60_000)
    assert found.times.tolist() == [1001, 2000, 3000]
    assert str(found.values.tolist()) == "[1000.0, nan, inf]"


def test_native_histograms_are_refused(canned: CannedPrometheus) -> None:
    canned.results[f"{SELECTOR}[59999ms]"] = [{"metric": {}, "histograms": []}]
    with pytest.raises(QueryRefusedError, match="native histograms"):
        counters(BAD).read(0, 60_000)


NATIVE = Indicator.model_validate(
    {"prometheus": {"latency": {"histogram": "h", "below": "1s", "buckets": "native"}}}
)
HOUR = 3_600_000


def told(count: int, *rows: list[Any]) -> dict[str, Any]:
    """A sample as the server tells it."""
    return {"count": str(count), "sum": "1", **({"buckets": list(rows)} if rows else {})}


FAST_AND_SLOW = (
    told(3, [0, "0.5", "1", "2"], [0, "1", "2", "1"]),
    told(5, [0, "0.5", "1", "3"], [0, "1", "2", "2"]),
)


def test_a_native_histogram_is_two_counters_of_the_same_samples(canned: CannedPrometheus) -> None:
    first, second = FAST_AND_SLOW
    canned.results["h[60000ms]"] = [
        {"metric": {"__name__": "h", "pod": "a"}, "histograms": [[0.001, told(0)], [30, first], [60, second]]}
    ]
    total, bad = counters(NATIVE).read(0, 60_000)
    assert (total.total, total.bad, total.values.tolist()) == (1, 0, [0, 3, 5])
    assert (bad.total, bad.bad, bad.part, bad.values.tolist()) == (0, 1, True, [0, 1, 2])
    assert total.times.tolist() == bad.times.tolist() == [1, 30_000, 60_000]
    assert total.key != bad.key
    assert canned.queries == ["h", "h[60000ms]"], "the sample before, and those that are new"


def test_a_restart_is_seen_against_the_sample_read_before(canned: CannedPrometheus) -> None:
    _, second = FAST_AND_SLOW
    first = told(3, [0, "0.25", "0.5", "0"], [0, "0.5", "1", "2"], [0, "1", "2", "1"])
    later = told(4, [0, "0.5", "1", "3"], [0, "1", "2", "1"])
    canned.results["h"] = [
        {"metric": {"pod": "a"}, "histogram": [0, second]},
        {"metric": {"pod": "b"}, "value": [0, "1"]},
    ]
    again = told(6, [0, "0.5", "1", "5"], [0, "1", "2", "1"], [0, "4", "8", "0"])
    canned.results["h[60000ms]"] = [
        {"metric": {"pod": "a"}, "histograms": [[30, again]]},
        {"metric": {"pod": "b"}, "histograms": [[30, first], [60, later]]},
    ]
    told_before = [one.before.tolist() for one in counters(NATIVE).read(0, 60_000) if one.before is not None]
    assert str(told_before) == "[[0.0], [0.0], [nan, nan], [nan, nan]]", "an empty bucket is none"


def test_samples_of_many_buckets_are_asked_for_an_hour_at_a_time(canned: CannedPrometheus) -> None:
    first, second = FAST_AND_SLOW
    # The first answer is repeated for the second hour, where its samples are too old to count.
    canned.results[f"h[{HOUR}ms]"] = [{"metric": {}, "histograms": [[3000, first], [3600, second]]}]
    canned.results["h[60000ms]"] = [{"metric": {}, "histograms": [[7200, second], [7260, first]]}]
    total, _ = counters(NATIVE).read(0, 2 * HOUR + 60_000)
    assert canned.queries == ["h", f"h[{HOUR}ms]", f"h[{HOUR}ms]", "h[60000ms]"]
    assert total.times.tolist() == [3_000_000, 3_600_000, 7_260_000]
    assert total.before is not None
    assert total.before.tolist()[2] == 0, "a restart is seen across answers"


def test_plain_numbers_are_no_native_histogram(canned: CannedPrometheus) -> None:
    canned.results["h[60000ms]"] = [{"metric": {}, "values": [[30, "1"]]}]
    with pytest.raises(QueryRefusedError, match="h selects plain numbers"):
        counters(NATIVE).read(0, 60_000)


def test_nothing_there_is_nothing_counted(canned: CannedPrometheus) -> None:
    canned.results["h[60000ms]"] = [{"metric": {}, "histograms": []}]
    assert counters(NATIVE).read(0, 60_000) == []


REFUSAL = {
    "status": "error",
    "errorType": "execution",
    "error": "query processing would load too many samples",
}


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        pytest.param(
            400, {"error": "parse error"}, QueryRefusedError, "refused the query: parse error", id="400"
        ),
        pytest.param(422, {"error": "many-to-many"}, QueryRefusedError, "many-to-many", id="422"),
        pytest.param(422, REFUSAL, TooManySamplesError, "too many samples", id="too many samples"),
        pytest.param(503, {"error": "starting up"}, SourceError, "answered 503: starting up", id="503"),
        pytest.param(
            503,
            {"error": "query timed out in expression evaluation"},
            QueryTimeoutError,
            "answered 503: query timed out",
            id="503 of Prometheus, which gave up",
        ),
        pytest.param(
            503,
            {"error": "timeout exceeded during query execution: 29.000 seconds"},
            QueryTimeoutError,
            "answered 503: timeout exceeded",
            id="503 of VictoriaMetrics, which gave up",
        ),
        pytest.param(401, "<html>", SourceError, "answered 401: Unauthorized", id="401 from a proxy"),
        pytest.param(200, "<html>", SourceError, "did not answer", id="a page instead of JSON"),
        pytest.param(200, [], SourceError, "did not answer", id="JSON of another kind"),
        pytest.param(200, {"status": "success"}, SourceError, "did not answer", id="no data"),
        pytest.param(200, {"data": {"result": {}}}, SourceError, "something else", id="no list"),
        pytest.param(
            200,
            {"data": {"result": []}, "warnings": ["store x: gone"]},
            SourceError,
            "in part: store x: gone",
            id="partial",
        ),
    ],
)
def test_failures_say_what_to_do_about_them(
    status: int, body: object, error: type[Exception], words: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/api/v1/query", body=text, status=status)
        with pytest.raises(error, match=words) as raised:
            PrometheusApi(URL).instant("up", 0)
    assert type(raised.value) is error


def test_an_answer_that_would_eat_the_memory_is_cut_off(canned: CannedPrometheus) -> None:
    canned.results["r"] = [item("200", *((T + second, "1") for second in range(1000)))]
    length = len(json.dumps({"status": "success", "data": {"result": canned.results["r"]}}))
    assert len(PrometheusApi(URL, most_bytes=length).instant("r", T)[0]["values"]) == 1000
    with pytest.raises(TooManySamplesError, match="longer than"):
        PrometheusApi(URL, most_bytes=length - 1).instant("r", T)


def test_no_connection_is_a_source_error_in_few_words() -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/api/v1/query", body=requests.ConnectionError("refused"))
        with pytest.raises(SourceError, match=r"^Prometheus did not answer: refused$"):
            PrometheusApi(URL).instant("up", 0)


def test_advice_on_a_query_is_no_partial_answer(canned: CannedPrometheus) -> None:
    canned.more = {"warnings": ["PromQL info: metric might not be a counter"], "infos": ["x"]}
    assert PrometheusApi(URL).instant("up", 0) == []


def test_settings_wire_it_up(canned: CannedPrometheus) -> None:
    environment = {"GATEKEEPER_PROMETHEUS_URL": URL, "GATEKEEPER_PROMETHEUS_TOKEN": "s3cret"}
    source = find("prometheus")(Settings.from_env(environment))
    assert isinstance(source, PrometheusSource)
    reader = source.reader(BAD)
    assert not isinstance(reader, SliceReader)
    reader.read(0, 60_000)
    source.close()
    assert from_settings(Settings.from_env({})) is None
    with pytest.raises(ConfigurationError, match="nagios"):
        find("nagios")


@pytest.mark.parametrize(
    ("most", "counts", "why"),
    [
        pytest.param(1000, [], None, id="nothing was counted"),
        pytest.param(1440, [10], None, id="just as many as are allowed"),
        pytest.param(1439, [10], "about 1,440 samples a day", id="one more"),
        pytest.param(
            1439, [0, 10, 3], "about 1,440 samples a day", id="the most in the day, though fewer now"
        ),
        pytest.param(0, [10], None, id="no limit, and no question"),
    ],
)
def test_the_samples_of_a_day_are_held_against_the_limit(
    most: int, counts: list[int], why: str | None, canned: CannedPrometheus
) -> None:
    times = [(T - 1) * 60 - 21_600 * back for back in range(len(counts))]
    found = [[time, str(count)] for time, count in zip(times, reversed(counts), strict=True)]
    canned.results["sum(count_over_time(r[600s]))"] = [{"metric": {}, "values": found}] if found else []
    told = PrometheusSource(PrometheusApi(URL), raw_samples=most).too_large(BARE, T)
    assert (told is None) is (why is None)
    assert (why or "") in (told or "")
    assert len(canned.asked) == (1 if most else 0)


def test_counters_that_are_asked_for_apart_are_sized_together(canned: CannedPrometheus) -> None:
    for name in "rs":
        answer = [{"metric": {}, "values": [[(T - 1) * 60, "10"]]}]
        canned.results[f"sum(count_over_time({name}[600s]))"] = answer
    told = PrometheusSource(PrometheusApi(URL), raw_samples=2000).too_large(indicator("r", bad="s"), T)
    assert told == "it has about 2,880 samples a day, and GATEKEEPER_PROMETHEUS_RAW_SAMPLES allows 2,000"


def test_more_samples_than_the_server_counts_are_too_many() -> None:
    with responses.RequestsMock() as mock:
        error = {"status": "error", "error": "query processing would load too many samples into memory"}
        mock.add(responses.GET, f"{URL}/api/v1/query_range", json=error, status=422)
        told = PrometheusSource(PrometheusApi(URL), raw_samples=2000).too_large(BARE, T)
    assert told is not None
    assert "more samples than Prometheus counts at once" in told


@pytest.mark.parametrize(
    "prometheus",
    [
        pytest.param({"up": "up"}, id="a gauge"),
        pytest.param(
            {"latency": {"histogram": "x", "below": "300ms", "buckets": "native"}}, id="a native histogram"
        ),
        pytest.param({"bad": "increase(s[$window])", "total": "increase(r[$window])"}, id="a free query"),
    ],
)
def test_what_is_no_counter_is_never_too_large(
    prometheus: Mapping[str, object], canned: CannedPrometheus
) -> None:
    source = PrometheusSource(PrometheusApi(URL), raw_samples=1)
    found = Indicator.model_validate({"prometheus": prometheus})
    assert source.too_large(found, T) is None
    assert canned.asked == []
    with pytest.raises(QueryRefusedError, match="only counters"):
        source.by_slices(found)


def test_counters_by_slices_are_asked_for_as_a_free_query_is(canned: CannedPrometheus) -> None:
    source = PrometheusSource(PrometheusApi(URL), raw_samples=1)
    for reader in (source.by_slices(BARE), source.reader(FREE)):
        assert isinstance(reader, SliceReader)
        canned.asked.clear()
        reader.read(T, T + 2)
        counted = [text for text in canned.queries if "increase" in text]
        assert counted == ["sum(increase(r[120s]))", 'sum(increase(r{code="5"}[120s]))']


BARE = indicator("r", bad='r{code="5"}')
FREE = indicator("sum(increase(r[$window]))", bad='sum(increase(r{code="5"}[$window]))')
FREE_GOOD = indicator("sum(increase(r[$window]))", good='sum(increase(r{code!="5"}[$window]))')
SCRAPE = "max(count_over_time(r[3599999ms]))"


def points(values: Mapping[int, float], stride: int = 1) -> list[dict[str, Any]]:
    return [{"metric": {}, "values": [[index * 60 * stride, str(value)] for index, value in values.items()]}]


def answers(
    canned: CannedPrometheus, total: object, other: object, *, good: bool = False, scrape: int = 30
) -> None:
    """Put answers for a scrape interval: queries over a slice and a scrape, scaled back by their share."""
    canned.results[SCRAPE] = [{"metric": {}, "value": [0, str(3600 / scrape)]}]
    width = -(-scrape // 60) * 60 + scrape
    canned.results[f"sum(increase(r[{width}s]))"] = total  # type: ignore[assignment]  # JSON
    canned.results[f'sum(increase(r{{code{"!=" if good else "="}"5"}}[{width}s]))'] = other  # type: ignore[assignment]  # JSON


def test_a_free_query_gives_approximate_slices(canned: CannedPrometheus) -> None:
    answers(canned, points({T: 90, T + 2: 0}), points({T: 30}))
    found = slices(FREE).read(T, T + 4)
    assert found.total.tolist() == [60, 0, 0, 0]
    assert found.bad.tolist() == [20, 0, 0, 0]
    assert found.flags.tolist() == [KNOWN, 0, KNOWN, 0]


def test_good_events_that_nobody_counts_are_unknown(canned: CannedPrometheus) -> None:
    answers(canned, points({T: 90, T + 1: 0, T + 2: 30}), points({T: 60}), good=True)
    found = slices(FREE_GOOD).read(T, T + 3)
    assert found.bad.tolist() == [20, 0, 0]
    assert found.flags.tolist() == [KNOWN, KNOWN, 0]


def test_several_series_of_a_free_query_are_one_sum(canned: CannedPrometheus) -> None:
    answers(canned, points({T: 90}) + points({T: 30, T + 1: 3}), [])
    assert slices(FREE).read(T, T + 2).total.tolist() == [80, 2]


def test_scrapes_further_apart_than_slices_are_asked_for_in_strides(canned: CannedPrometheus) -> None:
    answers(canned, points({T // 2: 120, T // 2 + 1: 80}, 2), [], scrape=120)
    found = slices(FREE).read(T - 1, T + 4)
    assert found.total.tolist() == [30, 30, 20, 20, 0]
    assert found.flags.tolist() == [KNOWN, KNOWN, KNOWN, KNOWN, 0]


def test_a_range_is_split_at_what_prometheus_answers(canned: CannedPrometheus) -> None:
    answers(canned, points({T: 3, T + 11_500: 3}), [])
    found = slices(FREE).read(T, T + 12_000)
    spans = [(int(one["end"]) - int(one["start"])) // 60 + 1 for one in canned.asked if "start" in one]
    assert spans == [11_000, 1_000] * 2
    assert (found.total[0], found.total[11_500], found.total.sum()) == (2, 2, 4)


def test_a_stretch_is_counted_in_one_piece(canned: CannedPrometheus) -> None:
    canned.results[SCRAPE] = [{"metric": {}, "value": [0, "120"]}]
    canned.results["sum(increase(r[630s]))"] = [{"metric": {}, "value": [0, "6300"]}]
    assert slices(FREE).whole(T, T + 10) == Totals(6000, 0)
    canned.results['sum(increase(r{code="5"}[630s]))'] = [{"metric": {}, "value": [0, "63"]}]
    assert slices(FREE).whole(T, T + 10) == Totals(6000, 60)
    assert slices(FREE_GOOD).whole(T, T + 10) is None


@pytest.mark.parametrize(
    ("flavour", "asked"),
    [
        pytest.param(Flavour.PROMETHEUS, "sum(increase(r[90s]))", id="Prometheus reaches a scrape further"),
        pytest.param(
            Flavour.ANCHORED, "sum(increase(r[60s] anchored))", id="an anchored range reaches by itself"
        ),
    ],
)
def test_a_slice_is_asked_for_in_the_servers_way(
    canned: CannedPrometheus, flavour: Flavour, asked: str
) -> None:
    answers(canned, points({T: 90}), [])
    reader = PrometheusSource(PrometheusApi(URL), flavour).reader(FREE)
    assert isinstance(reader, SliceReader)
    reader.read(T, T + 1)
    assert asked in canned.queries


def test_a_server_without_a_page_on_its_build_is_taken_at_its_word() -> None:
    with responses.RequestsMock() as mock:
        mock.add(responses.GET, f"{URL}/api/v1/status/buildinfo", status=404, json={"error": "no such page"})
        Dialect(PrometheusApi(URL), Flavour.VICTORIAMETRICS).confirm()


def test_a_server_that_fails_to_say_what_it_is_is_asked_again() -> None:
    with responses.RequestsMock() as mock:
        mock.add(responses.GET, f"{URL}/api/v1/status/buildinfo", status=503, json={})
        mock.add(responses.GET, f"{URL}/api/v1/status/buildinfo", json={"status": "success", "data": {}})
        dialect = Dialect(PrometheusApi(URL), Flavour.VICTORIAMETRICS)
        with pytest.raises(SourceError, match="503"):
            dialect.confirm()
        dialect.confirm()


def test_the_scrape_interval_is_looked_up_once_a_day(canned: CannedPrometheus) -> None:
    answers(canned, points({T: 90}), [])
    reader, day = slices(FREE), T // 1440
    for index in (day * 1440 + 1, day * 1440 + 2, (day + 1) * 1440 + 1):
        reader.read(index, index + 1)
    assert canned.queries.count(SCRAPE) == 2


def test_without_samples_a_minute_is_assumed(canned: CannedPrometheus) -> None:
    canned.results["sum(increase(r[120s]))"] = points({T: 90})
    assert slices(FREE).read(T, T + 1).total.tolist() == [45]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("sum by (a) (rate(r[$window])) * 60", ["r"], id="in an aggregation"),
        pytest.param(
            r'sum(increase(a{x="q\"\\d"}[$window])) - sum(increase(b{y!~"1|2"}[$window] offset 5m))',
            [r'a{x="q\"\\d"}', 'b{y!~"1|2"}'],
            id="on both sides, with quotes and offsets",
        ),
        pytest.param("sum_over_time(rate(r[5m])[$window:1m])", ["r"], id="in a subquery"),
        pytest.param("histogram_quantile(0.9, rate(r[$window])) + -x", ["r", "x"], id="beside a parameter"),
    ],
)
def test_the_counters_of_a_query(query: str, expected: list[str]) -> None:
    assert sorted(set(counters_in(WindowQuery(query)))) == expected
