import time
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gatekeeper.policy.covers import Everything, branch_pattern, exempt_by_paths, repositories, touched
from gatekeeper.policy.gate import Exempt, Gate
from gatekeeper.policy.model import Change, Origin, Service
from gatekeeper.policy.objective import Indicator, Objective, PrometheusIndicator

UNTIMED = settings(deadline=None)
"""A busy machine is no counter-example."""

INDICATOR = Indicator(prometheus=PrometheusIndicator(bad="errors_total", total="requests_total"))


def a_service(
    *changes: Change, name: str = "checkout", exempt: tuple[str, ...] = (), repository: str = "acme/shop"
) -> Service:
    return Service(
        organization="acme",
        name=name,
        objectives=(Objective.model_validate({"target": "99.9%", "indicator": INDICATOR}),),
        changes=changes or (Change(),),
        gate=Gate(exempt=Exempt(paths=exempt)),
        origin=Origin(path=f"policies/{name}.yaml", repository=repository),
    )


def touch(
    *services: Service,
    paths: Iterable[str] | Everything,
    repository: str = "acme/shop",
    base: str = "main",
) -> dict[str, tuple[str, ...]]:
    found = touched(services, repository=repository, base_branch=base, default_branch="main", paths=paths)
    return {one.service.name: one.paths for one in found}


@pytest.mark.parametrize(
    ("patterns", "path", "covered"),
    [
        pytest.param(["**"], "any/where.py", True, id="everything"),
        pytest.param(["services/checkout/**"], "services/checkout/a/b.go", True, id="below a folder"),
        pytest.param(["services/checkout/**"], "services/checkouts", False, id="no longer name"),
        pytest.param(["services/checkout/"], "services/checkout/a.go", True, id="a folder, as in .gitignore"),
        pytest.param(["services/checkout"], "services/checkout/a.go", True, id="a name is a folder too"),
        pytest.param(["*.yml"], "deep/down/x.yml", True, id="a bare name matches at any depth"),
        pytest.param(["/*.yml"], "deep/x.yml", False, id="a slash in front anchors"),
        pytest.param(["**", "!docs/**"], "docs/a.md", False, id="taken out again"),
        pytest.param(["**", "!docs/**"], "src/a.py", True, id="the rest stays"),
        pytest.param(["services/checkout/**"], "Services/checkout/a", False, id="case counts, as in Git"),
    ],
)
def test_paths_are_gitignore_patterns(patterns: list[str], path: str, *, covered: bool) -> None:
    service = a_service(Change(paths=tuple(patterns)))
    assert touch(service, paths=[path]) == ({"checkout": (path,)} if covered else {})


@pytest.mark.parametrize(
    ("patterns", "path", "covered"),
    [
        pytest.param(["services/checkout/**"], "services/checkout", True, id="in a folder's place"),
        pytest.param(
            ["services/checkout/"], "services/checkout", True, id="in that of one written with a slash"
        ),
        pytest.param(["/services/checkout/**"], "services/checkout", True, id="of one with a slash in front"),
        pytest.param(["services/checkout/**"], "services", True, id="in the place of the folder around it"),
        pytest.param(
            ["services/checkout/*.py"], "services/checkout", True, id="where only some files are meant"
        ),
        pytest.param(["services/*/deploy/**"], "services/a/deploy", True, id="of one whose path has a star"),
        pytest.param(["services/*/deploy/**"], "services/readme.md", False, id="not any file beside it"),
        pytest.param(["deploy/"], "services/a/deploy", True, id="of one that may be anywhere"),
        pytest.param(["services/checkout/**"], "x/services", False, id="elsewhere"),
        pytest.param(["!services/checkout/**", "lib/**"], "services/checkout", False, id="of one taken out"),
        pytest.param(
            ["app/**", "!app/docs/**"], "app/docs/a.md", False, id="what is below is left to the rest"
        ),
        pytest.param(["**/*.py"], "docs", False, id="no folder is named"),
        pytest.param(["**"], "docs", True, id="everything"),
    ],
)
def test_a_link_or_a_submodule_is_all_that_is_in_it(patterns: list[str], path: str, *, covered: bool) -> None:
    service = a_service(Change(paths=tuple(patterns)))
    assert touch(service, paths=[path]) == ({"checkout": (path,)} if covered else {})


@pytest.mark.parametrize(
    ("branches", "base", "covered"),
    [
        pytest.param([], "main", True, id="no branches mean the default branch"),
        pytest.param([], "release/1", False, id="and no other"),
        pytest.param(["release/*"], "release/1", True, id="a glob"),
        pytest.param(["release/*"], "release/1/hotfix", False, id="a star stays in its segment"),
        pytest.param(["release/**"], "release/1/hotfix", True, id="two stars do not"),
        pytest.param(["release/*"], "main", False, id="the default branch is not implied"),
        pytest.param(["v?"], "v2", True, id="a question mark"),
        pytest.param(["v1.0"], "v1x0", False, id="a dot is a dot"),
        pytest.param(["main", "release/*"], "main", True, id="any of several"),
    ],
)
def test_branches_are_globs(branches: list[str], base: str, *, covered: bool) -> None:
    service = a_service(Change(branches=tuple(branches)))
    assert bool(touch(service, paths=["a"], base=base)) is covered


@pytest.mark.parametrize(
    ("said", "found_in", "covered"),
    [
        pytest.param("acme/shop", "acme/policies", True, id="named in the policy"),
        pytest.param("Acme/Shop", "acme/policies", True, id="GitHub ignores the case of names"),
        pytest.param(None, "acme/shop", True, id="the policy's own repository"),
        pytest.param(None, "acme/other", False, id="another repository's own"),
        pytest.param("acme/other", "acme/shop", False, id="the name counts, not where the policy is"),
    ],
)
def test_the_repository_is_the_one_said_or_the_policys_own(
    said: str | None, found_in: str, *, covered: bool
) -> None:
    service = a_service(Change(repository=said), repository=found_in)
    assert bool(touch(service, paths=["a"])) is covered


def test_its_repositories_are_those_of_all_its_entries() -> None:
    entries = [Change(repository="acme/tools", paths=("a/**",)), Change(), Change(paths=("b/**",))]
    assert repositories(a_service(*entries)) == {"acme/shop", "acme/tools"}


def test_paths_of_several_entries_are_joined_sorted_and_each_once() -> None:
    service = a_service(Change(paths=("b/**", "a/**")), Change(paths=("a/**", "c")))
    assert touch(service, paths=["c", "b/1", "a/1", "x", "a/1"]) == {"checkout": ("a/1", "b/1", "c")}


def test_services_come_sorted_and_only_those_touched() -> None:
    services = [a_service(Change(paths=(f"{name}/**",)), name=name) for name in ("web", "api", "db")]
    assert list(touch(*services, paths=["web/x", "api/y"])) == ["api", "web"]


def test_a_list_of_files_cut_short_touches_every_service_of_the_repository() -> None:
    here, there = a_service(Change(paths=("a/**",))), a_service(Change(repository="acme/other"), name="other")
    elsewhere = a_service(Change(branches=("release/*",)), name="released")
    assert touch(here, there, elsewhere, paths=Everything()) == {"checkout": ()}


def test_a_change_without_files_touches_nothing() -> None:
    assert touch(a_service(), paths=[]) == {}


@pytest.mark.parametrize(
    ("exempt", "paths", "passes"),
    [
        pytest.param(("docs/**",), ["docs/a.md", "docs/b.md"], True, id="every path is exempt"),
        pytest.param(("docs/**",), ["docs/a.md", "src/a.py"], False, id="one path is not"),
        pytest.param((), ["docs/a.md"], False, id="nothing is exempt"),
        pytest.param(("docs/**",), [], False, id="nothing is changed"),
        pytest.param(("**",), Everything(), False, id="not every path is known"),
        pytest.param(("**", "!src/**"), ["src/a.py"], False, id="taken out again"),
        pytest.param(("docs/**",), ["docs/a.py", "src/a.py"], False, id="renamed out of what is not exempt"),
        pytest.param(("docs/**",), ["docs"], False, id="a link in the folder's place is not in it"),
    ],
)
def test_a_change_is_exempt_when_every_path_is(
    exempt: tuple[str, ...], paths: list[str] | Everything, *, passes: bool
) -> None:
    assert exempt_by_paths(a_service(exempt=exempt), paths) is passes


@UNTIMED
@given(st.text(max_size=30) | st.text(alphabet="ab*?!/[]-\\\\#. ", max_size=20), st.text(max_size=20))
@example("[z-a]", "z")
@example("[a[b]", "a")
@example("a\\\\", "a")
def test_a_pattern_is_refused_or_can_be_matched(pattern: str, path: str) -> None:
    try:
        change = Change(paths=("a", pattern))
    except ValidationError:
        return
    touch(a_service(change), paths=[path])


def test_a_path_made_to_be_slow_is_not_and_counts_as_the_services() -> None:
    endless = "a" * 4000
    service = a_service(Change(paths=("docs/**",)), exempt=("**",))
    assert touch(service, paths=[endless]) == {"checkout": (endless,)}
    assert not exempt_by_paths(service, [endless])


def test_paths_made_to_be_slow_take_milliseconds_each() -> None:
    service = a_service(Change(paths=("*a*b", "/*a*/**/x*x", "**/*a*/**/b")))
    slow = "/".join(["a" * 255] * 4)
    started = time.perf_counter()
    assert touch(service, paths=[f"{n}/{slow}"[:1024] for n in range(20)]) == {}
    assert time.perf_counter() - started < 2


@UNTIMED
@given(st.text(alphabet="ab/.*?+", max_size=8), st.text(alphabet="ab/.+", max_size=8))
def test_a_branch_glob_matches_as_a_naive_reading_of_it(glob: str, branch: str) -> None:
    assert (branch_pattern(glob).fullmatch(branch) is not None) == naive(glob, branch)


def naive(glob: str, branch: str) -> bool:
    if glob.startswith("**"):
        return any(naive(glob[2:], branch[taken:]) for taken in range(len(branch) + 1))
    if glob.startswith("*"):
        reach = branch.find("/") if "/" in branch else len(branch)
        return any(naive(glob[1:], branch[taken:]) for taken in range(reach + 1))
    if not glob or not branch:
        return glob == branch
    return (glob[0] == branch[0] or (glob[0] == "?" and branch[0] != "/")) and naive(glob[1:], branch[1:])
