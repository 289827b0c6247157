import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gatekeeper.availability.window import Rolling
from gatekeeper.policy.defaults import Defaults
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.loader import Loaded, PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.policy.problem import Problem, Severity

UNTIMED = settings(deadline=None)
"""A busy machine is no counter-example."""

MINIMAL = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: NAME}
spec:
  objectives: [{target: 99.9%, indicator: {prometheus: {bad: errors_total, total: requests_total}}}]
  changes: [{paths: [NAME/**]}]
"""
DEFAULTS = """\
apiVersion: gatekeeper/v1
kind: Defaults
spec:
  window: 7d
  gate:
    mode: enforce
    thaw: {above: 20%}
    exempt: {labels: [security]}
    override: {teams: ["@acme/sre"]}
"""


def a_file(name: str, *, more: str = "", path: str = "") -> PolicyFile:
    return PolicyFile(path or f"policies/{name}.yaml", MINIMAL.replace("NAME", name) + more)


def defaults_file(text: str = DEFAULTS, path: str = "policies/defaults.yaml") -> PolicyFile:
    return PolicyFile(path, text)


def said(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.problems]


def names(services: tuple[Service, ...]) -> list[str]:
    return [service.name for service in services]


def test_a_minimal_file_gets_every_default() -> None:
    loaded = load([a_file("web")], organization="acme", repository="acme/shop", commit="c0ffee")
    (service,) = loaded.services
    (objective,) = service.objectives
    assert loaded.ok
    assert (service.key, service.origin.repository, service.origin.commit) == (
        "acme/web",
        "acme/shop",
        "c0ffee",
    )
    assert (objective.name, objective.target, objective.window) == (
        "availability",
        Decimal("0.999"),
        Rolling(timedelta(days=28)),
    )
    assert service.gate.mode is Mode.OBSERVE
    assert (service.gate.caution.below, service.gate.freeze.below, service.gate.thaw.above) == (
        Decimal("0.25"),
        Decimal(0),
        Decimal("0.10"),
    )


def test_a_service_survives_json_as_decisions_store_it() -> None:
    loaded = load([a_file("web"), defaults_file()])
    for service in loaded.services:
        assert Service.model_validate_json(service.model_dump_json()) == service
        assert Service.model_validate(service.model_dump(mode="json")) == service


def test_services_come_sorted_whatever_the_order_of_the_files() -> None:
    files = [a_file("web"), a_file("api"), a_file("db")]
    assert load(files) == load(files[::-1])
    assert names(load(files).services) == ["api", "db", "web"]


def test_a_file_may_hold_several_documents() -> None:
    text = f"# services\n---\n{a_file('web').text}---\n{a_file('api').text}---\n# end\n"
    assert names(load([PolicyFile("policies/all.yaml", text)]).services) == ["api", "web"]


def test_an_anchor_may_be_used_again() -> None:
    text = a_file("web").text.replace("[web/**]", "&paths [web/**]") + "  gate: {exempt: {paths: *paths}}\n"
    (service,) = load([PolicyFile("p.yaml", text)]).services
    assert service.gate.exempt.paths == service.changes[0].paths == ("web/**",)


@pytest.mark.parametrize("word", ["off", "no", "on", "y", "2026-11-02", "1:30", "0x1f", "1_000"])
def test_a_bare_word_stays_a_word(word: str) -> None:
    (service,) = load([a_file("web", more=f"  gate: {{exempt: {{labels: [{word}]}}}}\n")]).services
    assert service.gate.exempt.labels == (word,)


def test_every_mistake_of_every_file_is_found_at_once() -> None:
    first = a_file("web").text.replace("99.9%", "99.9").replace("paths", "pahts")
    second = a_file("api").text.replace("errors_total", "sum(errors_total)")
    loaded = load([PolicyFile("b.yaml", first), PolicyFile("a.yaml", second), a_file("db")])
    assert [(problem.path, problem.line) for problem in loaded.problems] == [
        ("a.yaml", 5),
        ("b.yaml", 5),
        ("b.yaml", 6),
    ]
    assert names(loaded.services) == ["db"]
    assert loaded.broken == {"a.yaml", "b.yaml"}
    assert loaded.withheld == {"api", "web"}


def test_a_broken_document_leaves_its_neighbour_alone() -> None:
    text = a_file("web").text.replace("99.9%", "100%") + "---\n" + a_file("api").text
    loaded = load([PolicyFile("all.yaml", text)])
    assert names(loaded.services) == ["api"]
    assert loaded.withheld == {"web"}


def test_a_syntax_error_leaves_the_documents_before_it_alone() -> None:
    loaded = load([PolicyFile("all.yaml", a_file("web").text + "---\na: [1\n")])
    assert names(loaded.services) == ["web"]
    assert loaded.broken == {"all.yaml"}


def test_of_two_services_with_one_name_neither_counts_and_both_places_are_named() -> None:
    loaded = load([a_file("web", path="a.yaml"), a_file("web", path="b.yaml"), a_file("api")])
    assert names(loaded.services) == ["api"]
    assert said(loaded) == [
        'a.yaml:3:18: the service "web" is also defined at b.yaml:3:18; rename or remove one of them',
        'b.yaml:3:18: the service "web" is also defined at a.yaml:3:18; rename or remove one of them',
    ]


def test_two_objectives_need_two_names() -> None:
    text = a_file("web").text.replace("[{target", "[{target: 99%, indicator: *i}, {target")
    text = text.replace("*i", "{prometheus: {bad: x, total: y}}")
    loaded = load([PolicyFile("a.yaml", text)])
    assert said(loaded) == ['a.yaml:5:76: two objectives are named "availability"; name each its own way']


def test_a_file_that_was_emptied_ends_no_service() -> None:
    before = load([a_file("web", path="a.yaml")]).services
    loaded = load([PolicyFile("a.yaml", "# nothing yet\n")])
    assert said(loaded) == ["a.yaml:1:1: this file is empty; write a kind: Service, or remove the file"]
    assert loaded.in_force(before) == before


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        pytest.param("  gate: {mode: enforce}\n", "nobody may override this gate", id="no team may override"),
        pytest.param("  gate: {mode: advise}\n", "", id="nobody needs to where nothing is blocked"),
        pytest.param('  gate: {mode: enforce, override: {teams: ["@acme/sre"]}}\n', "", id="a team may"),
    ],
)
def test_a_gate_that_nobody_can_override_is_doubted(more: str, warning: str) -> None:
    loaded = load([a_file("web", more=more)])
    assert [problem.message for problem in loaded.problems] == ([warning] if warning else [])
    assert names(loaded.services) == ["web"]


@pytest.mark.parametrize(
    ("bad", "total", "forgotten"),
    [
        pytest.param('x{code="500"}', 'x{job="a"}', ["job"], id="a condition of total is forgotten"),
        pytest.param('x{code="500",job="a"}', 'x{job=~"a|b"}', [], id="it may be said otherwise"),
        pytest.param("errors_total", 'x{job="a"}', [], id="another metric has its own labels"),
    ],
)
def test_bad_events_outside_of_the_total_are_doubted(bad: str, total: str, forgotten: list[str]) -> None:
    text = a_file("web").text.replace("errors_total", f"'{bad}'").replace("requests_total", f"'{total}'")
    loaded = load([PolicyFile("a.yaml", text)])
    assert [problem.severity for problem in loaded.problems] == [Severity.WARNING] * len(forgotten)
    assert all(f'"{label}"' in said(loaded)[0] for label in forgotten)


def test_defaults_fill_what_a_service_leaves_open() -> None:
    own = "  gate: {mode: advise, exempt: {labels: [reliability]}}\n"
    (service,) = load([a_file("web", more=own), defaults_file()], organization="acme").services
    assert service.objectives[0].window == Rolling(timedelta(days=7))
    assert service.gate.mode is Mode.ADVISE
    assert service.gate.thaw.above == Decimal("0.20")
    assert service.gate.thaw.or_quiet_for == timedelta(hours=72)
    assert service.gate.exempt.labels == ("reliability",), "lists are replaced, not joined"
    assert service.gate.override.teams == ("@acme/sre",)


def test_ledgers_keep_the_names_they_had_before_there_were_other_ways_to_count() -> None:
    queries = PrometheusIndicator(
        bad='http_requests_total{job="checkout",code=~"5.."}', total='http_requests_total{job="checkout"}'
    )
    assert Indicator(prometheus=queries).id == "9c14842bf315eaeee3fd41c6"


@pytest.mark.parametrize(
    "prometheus",
    [
        pytest.param({"up": "min(up)"}, id="up or down"),
        pytest.param({"latency": {"histogram": "x_seconds", "below": "300ms"}}, id="latency"),
        pytest.param(
            {"latency": {"histogram": "x_seconds", "below": "300ms", "buckets": "native"}},
            id="native latency",
        ),
    ],
)
def test_other_ways_to_count_are_stored_and_read_back(prometheus: dict[str, Any]) -> None:
    indicator = Indicator.model_validate({"prometheus": prometheus})
    again = Indicator.model_validate_json(indicator.model_dump_json())
    assert (again, again.id) == (indicator, indicator.id)


def test_the_sort_of_histogram_is_a_definition() -> None:
    latency = {"histogram": "x_seconds", "below": "300ms"}
    plain, classic, native = (
        Indicator.model_validate({"prometheus": {"latency": latency | more}})
        for more in ({}, {"buckets": "classic"}, {"buckets": "native"})
    )
    assert plain.id == classic.id == "03f73cdf7b4621828d4f17fa", "the one it had when there was no choice"
    assert native.id != classic.id


@pytest.mark.parametrize(
    ("histogram", "below", "bound"),
    [
        pytest.param("x_seconds", "300ms", "0.3", id="seconds"),
        pytest.param('x_milliseconds{job="a"}', "1.5s", "1500", id="milliseconds"),
    ],
)
def test_the_queries_of_a_native_histogram_can_be_asked(histogram: str, below: str, bound: str) -> None:
    latency = {"histogram": histogram, "below": below, "buckets": "native"}
    assert PrometheusIndicator.model_validate({"latency": latency}).queries == {
        "good": f"histogram_fraction(-Inf, {bound}, {histogram}) * histogram_count({histogram})",
        "total": f"histogram_count({histogram})",
    }


def test_a_window_of_its_own_is_kept() -> None:
    text = a_file("web").text.replace("{target", "{window: 14d, target")
    (service,) = load([PolicyFile("web.yaml", text), defaults_file()]).services
    assert service.objectives[0].window == Rolling(timedelta(days=14))


def test_a_repositorys_defaults_lie_on_the_organisations() -> None:
    organization = load([defaults_file()]).defaults
    own = defaults_file("apiVersion: gatekeeper/v1\nkind: Defaults\nspec: {gate: {thaw: {above: 30%}}}\n")
    (service,) = load([a_file("web"), own], defaults=organization).services
    assert service.gate.mode is Mode.ENFORCE
    assert service.gate.thaw.above == Decimal("0.30")


@pytest.mark.parametrize(
    ("gate", "place"),
    [
        pytest.param(
            "{freeze: {below: 30%}, caution: {below: 50%}}",
            "web.yaml:7:26",
            id="the service's value is shown",
        ),
        pytest.param("{thaw: {above: 0%}}", "web.yaml:7:24", id="the only value that is written"),
    ],
)
def test_a_contradiction_with_defaults_is_shown_in_the_services_file(gate: str, place: str) -> None:
    loaded = load([PolicyFile("web.yaml", a_file("web").text + f"  gate: {gate}\n"), defaults_file()])
    assert [text.split(": ")[0] for text in said(loaded)] == [place]


def test_a_wrong_default_is_shown_in_the_defaults_file_and_holds_every_service_back() -> None:
    before = load([a_file("web"), a_file("api"), defaults_file()]).services
    loaded = load([a_file("web"), a_file("api"), defaults_file(DEFAULTS.replace("20%", "0.2"))])
    assert said(loaded) == ['policies/defaults.yaml:7:19: "0.2" is not a percentage; write 20%']
    assert loaded.spoilt
    assert loaded.services == ()
    assert loaded.withheld == {"api", "web"}
    assert loaded.in_force(before) == before


def test_defaults_in_a_damaged_file_hold_every_service_back() -> None:
    loaded = load([a_file("web"), defaults_file(DEFAULTS + "  gate: [\n")])
    assert loaded.spoilt
    assert loaded.services == ()


def test_damage_elsewhere_does_not() -> None:
    loaded = load([a_file("web"), defaults_file(), PolicyFile("z.yaml", "a: [")])
    assert not loaded.spoilt
    assert names(loaded.services) == ["web"]


def test_defaults_are_given_once() -> None:
    loaded = load([a_file("web"), defaults_file(), defaults_file(path="z.yaml")])
    assert [text.split(";")[0] for text in said(loaded)] == [
        "policies/defaults.yaml:1:1: defaults are also given at z.yaml:1:1",
        "z.yaml:1:1: defaults are also given at policies/defaults.yaml:1:1",
    ]
    assert loaded.services == ()


def test_a_team_of_another_organisation_in_the_defaults_is_shown_there_once() -> None:
    loaded = load([a_file("web"), a_file("api"), defaults_file()], organization="initech")
    assert said(loaded) == [
        'policies/defaults.yaml:9:24: the team "@acme/sre" is not in initech; write "@initech/sre"'
    ]


def test_defaults_survive_json_as_they_are_stored() -> None:
    adapter = TypeAdapter(Defaults)
    defaults = load([defaults_file()]).defaults
    assert defaults is not None
    assert adapter.validate_json(adapter.dump_json(defaults)) == defaults


class TestTheLastGoodVersion:
    before = load([a_file("web"), a_file("api")]).services

    @pytest.mark.parametrize(
        ("files", "in_force"),
        [
            pytest.param([a_file("web"), a_file("api")], ["api", "web"], id="nothing is broken"),
            pytest.param([a_file("web")], ["web"], id="a file that is gone takes its service along"),
            pytest.param(
                [a_file("web"), PolicyFile("policies/api.yaml", "a: [")], ["api", "web"], id="no YAML"
            ),
            pytest.param([a_file("web"), a_file("api", more="x: 1\n")], ["api", "web"], id="a mistake"),
            pytest.param(
                [a_file("web"), a_file("api", more="x: 1\n", path="b.yaml")], ["api", "web"], id="moved too"
            ),
            pytest.param(
                [a_file("web"), a_file("api"), a_file("api", path="z.yaml")], ["api", "web"], id="doubled"
            ),
            pytest.param(
                [a_file("web"), a_file("new", more="x: 1\n")], ["web"], id="a new one was never good"
            ),
        ],
    )
    def test_stays(self, files: list[PolicyFile], in_force: list[str]) -> None:
        assert names(load(files).in_force(self.before)) == in_force

    def test_gives_way_to_a_good_one(self) -> None:
        changed = replace(a_file("api"), text=a_file("api").text.replace("99.9%", "99.5%"))
        services = load([a_file("web"), changed]).in_force(self.before)
        assert services[0].objectives[0].target == Decimal("0.995")


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LAUGHS, id="a billion laughs"),
        pytest.param("&a [*a]", id="a list in itself"),
        pytest.param("[" * 200_000, id="lists without end"),
        pytest.param("{a: " * 60_000, id="blocks without end"),
        pytest.param("- " * 100_000, id="dashes without end"),
        pytest.param("? " * 100_000, id="questions without end"),
        pytest.param("a" * 250_000, id="a long word"),
        pytest.param('"' + "\\" * 200_000, id="backslashes"),
        pytest.param("- x\n" * 60_000, id="a long list"),
        pytest.param("".join(f"k{n}: 1\n" for n in range(25_000)), id="many keys"),
        pytest.param("---\n" * 60_000, id="many documents"),
        pytest.param("&a " * 60_000, id="many anchors"),
        pytest.param("!" * 250_000, id="exclamation marks"),
        pytest.param("a: " + "9" * 200_000, id="a long number"),
        pytest.param("a: 1e999", id="a large number"),
        pytest.param(MINIMAL.replace("99.9%", "1e999"), id="a large number as a target"),
        pytest.param(MINIMAL.replace("errors_total", "(" * 5000), id="parentheses in a query"),
        pytest.param((MINIMAL + "---\n") * 700, id="many services of one name"),
    ],
)
def test_a_hostile_file_is_refused_quickly(text: str) -> None:
    started = time.perf_counter()
    loaded = load([PolicyFile("policies/evil.yaml", text)])
    assert time.perf_counter() - started < 3
    assert loaded.services == ()
    assert loaded.problems


GOOD = a_file("web", more="  gate: {mode: enforce, override: {teams: ['@acme/sre']}}\n").text
SNIPPETS = st.sampled_from(
    ["", "[", "]", "{", "}", ":", "- ", "\n", "  ",
     "\t", "&a ", "*a", "!!x ", '"', "'", "#", "|", ">", "~", "0", "-1", "1e9",
     "null", "true", "%", "@", "100%", "28d", "$window",
     "\x00", "\u2028", "\ufeff", "é", "<<: ", "---\n", "? ", "[]", "{}"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from([GOOD, DEFAULTS, GOOD + "---\n" + DEFAULTS]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(SNIPPETS) + text[end:]
    return text


@UNTIMED
@given(st.text(max_size=200))
@example("\ud800")
@example("a: \x85")
@example("\ufeff\ufeff")
def test_no_text_makes_the_loader_raise(text: str) -> None:
    assert_sound(text)


@UNTIMED
@given(mutated())
def test_no_mutation_of_a_good_file_makes_the_loader_raise(text: str) -> None:
    assert_sound(text)


def assert_sound(text: str) -> None:
    """A file is read or it is not, and if not, a place in it says why."""
    loaded = load([PolicyFile("p.yaml", text)], organization="acme")
    assert loaded.ok or loaded.broken == {"p.yaml"}
    for problem in loaded.problems:
        assert (
            1
            <= problem.line
            <= text.count("\n") + text.count("\r") + text.count("\u2028") + text.count("\x85") + 2
        )
        assert problem.column >= 1
        assert problem.message
        assert str(problem).startswith("p.yaml:")


def test_a_hundred_files_take_well_under_a_second() -> None:
    files = [a_file(f"s{n}", more="  gate: {mode: advise}\n") for n in range(100)]
    files = [
        replace(file, text=file.text.replace("errors_total", f"errors_{n}")) for n, file in enumerate(files)
    ]
    started = time.perf_counter()
    assert len(load(files).services) == 100
    assert time.perf_counter() - started < 1


def test_a_problem_reads_as_compilers_write_it() -> None:
    problem = Problem(
        "policies/checkout.yaml", 12, 15, 'unknown key "tresholds"', 'did you mean "thresholds"?'
    )
    assert str(problem) == 'policies/checkout.yaml:12:15: unknown key "tresholds"; did you mean "thresholds"?'
