"""Every broken policy file that is kept in tests/broken: what is said of it, and that nothing of it comes into force.

A case is a file, or a folder of files; its name is what is wrong. The report beside it is what an author reads.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.policy.in_force import Before, put_in_force
from gatekeeper.policy.loader import Loaded, PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.problem import Problem, Severity

BROKEN = Path(__file__).parents[1] / "broken"
CASES = [
    pytest.param(path, id=path.stem.replace("-", " "))
    for path in sorted(BROKEN.iterdir())
    if path.is_dir() or path.suffix == ".yaml"
]
WATCHDOG_S = 60
GOOD = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: NAME}
spec:
  objectives: [{target: 99.9%, indicator: {prometheus: {bad: errors_total, total: requests_total}}}]
  changes: [{paths: [NAME/**]}]
"""
SHOP = "acme/shop"

Reader = Callable[..., Loaded]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """``load`` in a process of its own: one that crashes or hangs is noticed, and ended."""
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def read(files: list[PolicyFile], **options: Any) -> Loaded:
        return pool.submit(load, files, **options).result(timeout=WATCHDOG_S)

    yield read
    children = list((pool._processes or {}).values())
    for child in children:
        child.kill()
    pool.shutdown(cancel_futures=True)


def files_of(case: Path) -> list[PolicyFile]:
    paths = sorted(case.glob("*.yaml")) if case.is_dir() else [case]
    return [PolicyFile(path.name, path.read_bytes().decode(errors="replace")) for path in paths]


def report_beside(case: Path) -> str:
    return (case / "report.txt" if case.is_dir() else case.with_suffix(".txt")).read_text()


def report(loaded: Loaded) -> str:
    names = ", ".join(service.name for service in loaded.services)
    return "".join(f"{problem}\n" for problem in loaded.problems) + f"services: {names or 'none'}\n"


def is_within(problem: Problem, files: list[PolicyFile]) -> bool:
    """Whether a problem's place is one that an editor can go to: the end of a line and of the file are."""
    lines = next(file.text for file in files if file.path == problem.path).split("\n")
    return 1 <= problem.line <= len(lines) and 1 <= problem.column <= len(lines[problem.line - 1]) + 1


def test_there_are_at_least_sixty() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_is_reported_with_its_place_and_a_next_step(case: Path, reader: Reader) -> None:
    files = files_of(case)
    loaded = reader(files, organization="acme")
    assert report(loaded) == report_beside(case)
    assert any(problem.severity is Severity.ERROR for problem in loaded.problems)
    for problem in loaded.problems:
        assert problem.message
        assert problem.suggestion
        assert is_within(problem, files), problem


def stood(files: list[PolicyFile]) -> tuple[Service, ...]:
    """Two services of each file, as if its last version had been good."""
    return tuple(
        service
        for position, file in enumerate(files)
        for name in (("checkout", "search", "payments")[position], f"other-{position}")
        for service in load(
            [PolicyFile(file.path, GOOD.replace("NAME", name))],
            organization="acme",
            repository=SHOP,
            commit="good",
        ).services
    )


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_a_broken_document_comes_into_force(case: Path) -> None:
    files = files_of(case)
    before = stood(files)
    after = put_in_force(
        files, Before(services=before), repository=SHOP, commit="new", central="acme/.github"
    )
    # What a report calls a service comes out of good documents only; all else stands as it stood, and says why.
    anew = set(report_beside(case).split("services: ")[1].strip().split(", ")) - {"none"}
    broken = {problem.path for problem in after.found if problem.severity is Severity.ERROR}
    assert {service.name for service, _ in after.services if service.origin.commit == "new"} == anew
    kept = {service.key: (service, why) for service, why in after.services if service.origin.commit == "good"}
    for service in before:
        if service.origin.path in broken and service.name not in anew:
            assert kept[service.key][0] == service
            assert kept[service.key][1]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: " + "x" * 5_000_000, id="five megabytes in one line"),
        pytest.param(GOOD.replace("NAME", "web") + "#\n" * 3_000_000, id="six megabytes of comments"),
        pytest.param("[" * 250_000, id="a quarter of a million brackets"),
        pytest.param("{a: " * 60_000, id="sixty thousand braces"),
        pytest.param("- " * 120_000 + "a", id="sixty thousand lists in a line"),
        pytest.param("? " * 120_000 + "a", id="keys that are keys that are keys"),
        pytest.param("".join(f"&a{n} " for n in range(30_000)) + "x", id="anchor after anchor"),
        pytest.param("".join(f"k{n}: v\n" for n in range(25_000)), id="twenty-five thousand keys"),
        pytest.param("apiVersion: gatekeeper/v1\n" + "k: v\n" * 50_000, id="one key fifty thousand times"),
        pytest.param("---\na: b\n" * 20_000, id="twenty thousand documents"),
        pytest.param("a: !" + "x" * 200_000 + " b", id="a tag of 200 kilobytes"),
        pytest.param("a: *" + "x" * 200_000, id="an alias of 200 kilobytes"),
        pytest.param("a: '" + "''" * 120_000, id="apostrophes that never end"),
        pytest.param('"' + "\\U0001f600" * 20_000, id="escapes that never end"),
    ],
)
def test_a_hostile_file_is_refused_in_time(text: str, reader: Reader) -> None:
    loaded = reader([PolicyFile("policies/a.yaml", text)])
    assert not loaded.ok
    assert not loaded.services


LONG = 60_000
HOSTILE = [
    pytest.param("9" * LONG, id="digits"),
    pytest.param("9" * LONG + "d", id="digits with a unit"),
    pytest.param("1d " * (LONG // 3) + "!", id="amounts"),
    pytest.param("p" + "1d" * (LONG // 2) + "!", id="a duration of ISO 8601"),
    pytest.param(" " * LONG + "x", id="blanks"),
    pytest.param("0." + "0" * LONG + "%", id="zeros"),
    pytest.param("a" * LONG + "!", id="one letter"),
    pytest.param("a-" * (LONG // 2) + "!", id="hyphens"),
    pytest.param("*a" * (LONG // 2), id="stars"),
    pytest.param("[" * LONG, id="brackets"),
    pytest.param("(" * LONG, id="parentheses"),
    pytest.param("[$window" * (LONG // 8), id="open windows"),
    pytest.param('x{a="' + '\\\\"' * (LONG // 3), id="quotes that never end"),
    pytest.param("x{" + 'a=~"(a+)+$",' * (LONG // 12) + "}", id="matchers"),
    pytest.param("https://" + "/a" * (LONG // 2) + " ", id="an address"),
    pytest.param("git@" + "a:" * (LONG // 2), id="an address of git"),
    pytest.param("@" + "a-" * (LONG // 2) + "/", id="a team"),
    pytest.param("2026-11-08T02:00:00." + "1" * LONG + "Z", id="an instant"),
    pytest.param("“" + "”" * LONG + "x", id="typographic quotes"),
]
PLACES = [
    pytest.param("metadata: {name: HERE}", id="a name"),
    pytest.param("spec: {objectives: [{target: HERE}]}", id="a target"),
    pytest.param("spec: {objectives: [{window: HERE}]}", id="a window"),
    pytest.param("spec: {objectives: [{window: {calendar: month, timezone: HERE}}]}", id="a time zone"),
    pytest.param("spec: {objectives: [{indicator: {prometheus: {total: HERE, bad: HERE}}}]}", id="a query"),
    pytest.param("spec: {objectives: [{indicator: {prometheus: {up: HERE}}}]}", id="a gauge"),
    pytest.param(
        "spec: {objectives: [{indicator: {prometheus: {latency: {histogram: HERE, below: HERE}}}}]}",
        id="a histogram",
    ),
    pytest.param(
        "spec: {changes: [{repository: HERE, paths: [HERE], branches: [HERE]}]}", id="what changes touch"
    ),
    pytest.param("spec: {gate: {mode: HERE, caution: {pace: {deployments: HERE}}}}", id="a mode and a pace"),
    pytest.param("spec: {gate: {override: {teams: [HERE], label: HERE, lasts: HERE}}}", id="an override"),
    pytest.param("spec: {adjustments: [{from: HERE, to: HERE, reason: HERE}]}", id="an adjustment"),
    pytest.param("spec: {exceptions: [{until: HERE, objective: HERE}]}", id="an exception"),
    pytest.param("spec: {HERE: 1}", id="a key"),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_makes_a_pattern_try_for_ever(place: str, value: str, reader: Reader) -> None:
    single = "'" + value.replace("'", "''") + "'"
    text = "apiVersion: gatekeeper/v1\nkind: Service\n" + place.replace("HERE", single)
    loaded = reader([PolicyFile("policies/a.yaml", text)])
    assert not loaded.services
