"""Policies by pull request: the check ``gatekeeper/policy``, and the ways in which nobody loosens their own gate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.demo.github import pulls
from gatekeeper.demo.github.world import Refused
from gatekeeper.errors import GitHubError
from gatekeeper.observe.proposals import ProposalObserver
from gatekeeper.policy.loader import PolicyFile, load
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.demo.github.entities import CheckRun, PullRequest
    from worlds.prometheus import PrometheusServer

CENTRAL, SHOP = "acme/.github", "acme/shop"
PATH = "policies/checkout.yaml"
OWNER = "@acme/checkout-product"
CHECK = "gatekeeper/policy"
OTHER_APP = 77


@pytest.fixture(scope="module")
def owned(policies: dict[str, str]) -> dict[str, str]:
    """The policies, of which checkout's has an owner: the team in which po1 is."""
    named = policies[PATH].replace("  name: checkout", f'  name: checkout\n  owners: ["{OWNER}"]')
    return policies | {PATH: named}


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, owned: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=owned, filled=filled) as stage:
        stage.github.state.require_check(CENTRAL, "main", CHECK, app_id=stage.github.app_id)
        yield stage
        openapi.validate_all(stage.github.calls)


def proposed(stage: Stage, files: dict[str, str | None], **options: object) -> int:
    """dev1 (or ``author``) opens a pull request with these files in the policy repository."""
    author = str(options.pop("author", "dev1"))
    pull = stage.github.state.open_pull(CENTRAL, author=author, title="Policy", files=files, **options)  # type: ignore[arg-type] # a test's shorthand
    stage.settle()
    return pull.number


def pull_of(stage: Stage, number: int) -> PullRequest:
    return stage.github.state.pull(CENTRAL, number)


def check_of(stage: Stage, number: int) -> CheckRun:
    """The newest check run of our name on the head."""
    head = pull_of(stage, number).head_sha
    runs = [one for one in stage.github.state.checks.values() if (one.head_sha, one.name) == (head, CHECK)]
    return max(runs, key=lambda run: run.id)


def comments_of(stage: Stage, number: int) -> list[str]:
    return [
        one.body
        for one in stage.github.state.comments.values()
        if (one.repository, one.number) == (CENTRAL, number) and "gatekeeper/policy" in one.body
    ]


def merge(stage: Stage, number: int) -> None:
    stage.github.state.merge(CENTRAL, number, by="ops1")
    stage.settle()


def looser(text: str) -> str:
    return text.replace("99.95%", "99%")


def test_a_loosening_waits_for_an_owner_and_is_merged_with_their_approval(
    stage: Stage, owned: dict[str, str]
) -> None:
    number = proposed(stage, {PATH: looser(owned[PATH])})
    check = check_of(stage, number)
    assert check.conclusion == "action_required"
    assert check.output.title == f"checkout gets looser: waits for the approval of {OWNER}"
    (comment,) = comments_of(stage, number)
    for said in (
        "| `checkout` | `spec.objectives.availability.target` | `99.95%` | `99%` | 🔓 looser |",
        OWNER,
    ):
        assert said in comment
    with pytest.raises(Refused, match="is failing"):
        merge(stage, number)
    stage.github.state.review(CENTRAL, number, by="po1")
    stage.settle()
    again = check_of(stage, number)
    assert (again.id, again.conclusion) == (check.id, "success")
    assert "po1` approved it" in comments_of(stage, number)[0]
    merge(stage, number)
    entry = stage.gatekeeper.stores.catalog.entry("acme/checkout")
    assert entry is not None
    assert str(entry.service.objectives[0].target) == "0.99"


def test_a_tightening_needs_nobody(stage: Stage, owned: dict[str, str]) -> None:
    number = proposed(stage, {PATH: owned[PATH].replace("99.95%", "99.99%")})
    assert check_of(stage, number).conclusion == "success"
    assert "🔒 tighter" in comments_of(stage, number)[0]


def test_the_effect_is_told_before_it_is_merged(stage: Stage, owned: dict[str, str]) -> None:
    """checkout's budget is overspent by half at 99.95 %, and search's is nearly whole."""
    for service in ("checkout", "search"):
        stage.open_pull(service)
    search = "policies/search.yaml"
    strict = owned[search].replace("99.95%", "99.9999%")
    number = proposed(stage, {PATH: looser(owned[PATH]), search: strict})
    (comment,) = comments_of(stage, number)
    for said in (
        "1 open pull request would turn red; 1 open pull request would turn yellow",
        "| `checkout` | in force | 27 d | 1 | 0 | frozen (enforce) | −53.5 % |",
        "| `checkout` | **proposed** | 1 d 1 h | 1 | 0 | probation (enforce) | 92.3 % |",
        "| `search` | in force | 0 days | 0 | 0 | open (enforce) | 95.6 % |",
        "| acme/shop#1 |  | 🔴 → 🟡 |",
        "| acme/shop#2 |  | 🟢 → 🔴 |",
        "```mermaid",
    ):
        assert said in comment, said
    stage.github.state.merge(CENTRAL, proposed(stage, {search: strict}), by="ops1")
    stage.settle()
    entry = stage.gatekeeper.stores.service_record.standing("acme/search")
    assert entry is not None
    assert str(entry.view.memory.state) == "frozen", "as was foretold"


def test_services_that_are_not_gone_through_are_counted(stage: Stage, owned: dict[str, str]) -> None:
    text = owned["policies/search.yaml"]
    new = {
        f"policies/many/{number}.yaml": text.replace("name: search", f"name: search-{number}")
        for number in range(22)
    }
    number = proposed(stage, dict(new))
    assert "and 2 more services, which were not gone through" in comments_of(stage, number)[0]


def test_what_queries_of_a_fork_would_find_is_not_asked(stage: Stage, owned: dict[str, str]) -> None:
    fork = stage.github.state.fork(CENTRAL, "outsider").full_name
    edited = owned[PATH].replace("          total: ", "          total: other_")
    number = proposed(stage, {PATH: edited}, author="outsider", fork=fork, branch="other")
    (comment,) = comments_of(stage, number)
    assert "come from a fork" in comment


def test_a_query_that_finds_nothing_is_annotated_on_its_line(stage: Stage, owned: dict[str, str]) -> None:
    edited = owned[PATH].replace("5..", "7..")
    number = proposed(stage, {PATH: edited})
    (remark,) = check_of(stage, number).output.annotations
    assert edited.splitlines()[remark.start_line - 1].strip().startswith("bad: ")
    assert remark.annotation_level == "warning"
    assert 'no series has code=~"7.."' in remark.message


def test_an_annotation_moves_with_its_line(stage: Stage, owned: dict[str, str]) -> None:
    edited = owned[PATH].replace("5..", "7..")
    number = proposed(stage, {PATH: edited}, branch="edit")
    (before,) = check_of(stage, number).output.annotations
    stage.github.state.push_commit(CENTRAL, "edit", {PATH: f"# Ours.\n{edited}"}, by="dev1")
    stage.settle()
    (after,) = check_of(stage, number).output.annotations
    assert (after.message, after.start_line) == (before.message, before.start_line + 1)


def test_a_query_that_the_source_refuses_is_a_mistake_on_its_line(
    stage: Stage, owned: dict[str, str]
) -> None:
    lines = [one for one in owned[PATH].splitlines() if "total: " not in one]
    (bad,) = (one for one in lines if "bad: " in one)
    indent = " " * (len(bad) - len(bad.lstrip()))
    up = indent + """up: 'label_replace(up, "a", "$1", "job", "(")'"""
    edited = "\n".join(up if one is bad else one for one in lines)
    number = proposed(stage, {PATH: edited})
    check = check_of(stage, number)
    assert check.conclusion == "failure"
    (remark,) = check.output.annotations
    assert edited.splitlines()[remark.start_line - 1].strip().startswith("up: ")
    assert (remark.annotation_level, "refused the query" in remark.message) == ("failure", True)


def test_who_claims_a_name_or_paths_that_are_taken_hears_of_it(stage: Stage, owned: dict[str, str]) -> None:
    other = rename(without_owners(owned[PATH]))
    number = proposed(stage, {"policies/other.yaml": other, "policies/search.yaml": owned[PATH]})
    found = {(one.path, one.annotation_level): one for one in check_of(stage, number).output.annotations}
    assert "is also defined at policies/checkout.yaml" in found["policies/search.yaml", "failure"].message
    overlap = found["policies/other.yaml", "warning"]
    assert "meet that of checkout too" in overlap.message
    assert other.splitlines()[overlap.start_line - 1].strip() == "changes:"


def test_a_longer_window_from_a_fork_makes_nobody_read_further_back(
    stage: Stage, owned: dict[str, str]
) -> None:
    ledger = stage.gatekeeper.stores.ledger
    (objective,) = load([PolicyFile(PATH, owned[PATH])]).services[0].objectives
    stage.github.state.fork(CENTRAL, "outsider")
    proposed(stage, {PATH: owned[PATH] + "\n# by us\n"}, author="dev1")
    proposed(stage, {PATH: looser(owned[PATH])}, author="dev1")
    before = ledger.state(objective.indicator.id)
    longer = owned[PATH].replace("window: 28d", "window: 90d")
    proposed(stage, {PATH: longer}, author="outsider", fork="outsider/.github", branch="longer")
    after = ledger.state(objective.indicator.id)
    assert before is not None
    assert after is not None
    assert after.since >= before.since - 7 * 1440, "a week more at most, by the length that is gone through"


def test_mistakes_are_annotated_on_their_lines_and_go_away_with_the_next_push(
    stage: Stage, owned: dict[str, str]
) -> None:
    broken = owned[PATH].replace("mode: enforce", "mode: enforced").replace("lasts: 24h", "lasts: 1 day")
    number = proposed(stage, {PATH: broken}, branch="edit")
    check = check_of(stage, number)
    assert check.conclusion == "failure"
    assert check.output.title == f"2 mistakes in {PATH}"
    lines = broken.splitlines()
    marked = [(one.path, lines[one.start_line - 1].strip()[:8]) for one in check.output.annotations]
    assert marked == [(PATH, "mode: en"), (PATH, "override")]
    assert all("\n" in one.message for one in check.output.annotations), "each says what to write instead"
    stage.github.state.push_commit(CENTRAL, "edit", {PATH: owned[PATH] + "\n"}, by="dev1")
    stage.settle()
    assert (check_of(stage, number).conclusion, check_of(stage, number).output.annotations) == ("success", ())


def test_a_change_elsewhere_gets_a_skipped_check_since_the_branch_waits_for_one(stage: Stage) -> None:
    number = proposed(stage, {"README.md": "# Policies\n"})
    assert check_of(stage, number).conclusion == "skipped"
    assert comments_of(stage, number) == []


def test_a_check_that_is_required_later_is_written_when_somebody_asks(
    stage: Stage, owned: dict[str, str]
) -> None:
    """In a repository of its own, whose pull requests are not all looked at for policies."""
    world = stage.github.state
    own = rename(without_owners(owned[PATH]))
    world.update_file(SHOP, "policies/own.yaml", own, by="ops1")
    stage.settle()
    number = stage.open_pull()
    assert {one.name for one in stage.checks(number)} == {"gatekeeper"}
    world.require_check(SHOP, "main", CHECK, app_id=stage.github.app_id)
    (check,) = stage.checks(number)
    world.click_action(SHOP, check.id, "recheck", by="dev1")
    stage.settle()
    assert {one.name: one.conclusion for one in stage.checks(number)}[CHECK] == "skipped"


def test_what_was_given_up_for_want_of_a_permission_is_tried_again_once_it_is_there(
    stage: Stage, owned: dict[str, str]
) -> None:
    world = stage.github.state
    (installation,) = world.installations.values()
    granted = dict(installation.permissions)

    def grant(permissions: dict[str, str]) -> None:
        world.grant(installation.id, permissions)
        stage.gatekeeper.github._connections._open.clear()  # type: ignore[union-attr] # a new token has the new permissions

    grant(granted | {"checks": "read"})
    number = proposed(stage, {PATH: looser(owned[PATH])})
    head = pull_of(stage, number).head_sha
    assert [one for one in world.checks.values() if one.head_sha == head] == []
    grant(granted)
    stage.touch([f"installation:{installation.id}"])
    assert check_of(stage, number).conclusion == "action_required"


def rename(text: str) -> str:
    return text.replace("name: checkout", "name: checkout-2")


def without_owners(text: str) -> str:
    return text.replace(f'  owners: ["{OWNER}"]\n', "")


Route = tuple[str, "Callable[[str], dict[str, str | None]]"]
ROUTES: list[Route] = [
    ("editing the policy", lambda text: {PATH: looser(text)}),
    ("moving it out of the folder", lambda text: {PATH: None, "old/checkout.yaml": text}),
    (
        "moving it within the folder, and loosening",
        lambda text: {PATH: None, "policies/a.yaml": looser(text)},
    ),
    ("giving it another ending", lambda text: {PATH: None, "policies/checkout.yaml.off": text}),
    ("renaming the service", lambda text: {PATH: rename(text)}),
    ("changing the paths", lambda text: {PATH: text.replace("services/checkout/**", "services/other/**")}),
    ("changing the repository", lambda text: {PATH: text.replace("acme/shop", "acme/.github")}),
    ("deleting the file", lambda _: {PATH: None}),
    ("removing the owners", lambda text: {PATH: without_owners(text)}),
    ("naming another owner", lambda text: {PATH: text.replace(OWNER, "@dev1")}),
    ("a weaker mode", lambda text: {PATH: text.replace("mode: enforce", "mode: advise")}),
    ("a wider exemption", lambda text: {PATH: text.replace("[reliability]", "[reliability, feature]")}),
    ("a longer override", lambda text: {PATH: text.replace("lasts: 24h", "lasts: 100d")}),
    (
        "data that do not count",
        lambda text: {
            PATH: text
            + "  adjustments: [{from: 2026-09-01T00:00:00Z, to: 2026-10-01T00:00:00Z, reason: x}]\n"
        },
    ),
    (
        "an exception",
        lambda text: {PATH: text + "  exceptions: [{target: 90%, until: 2099-01-01, reason: x}]\n"},
    ),
    ("queries that find nothing", lambda text: {PATH: text.replace("bad: ", "bad: no_")}),
]


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in ROUTES])
def test_nobody_loosens_their_own_gate_by(
    stage: Stage, owned: dict[str, str], change: Callable[[str], dict[str, str | None]]
) -> None:
    blocked = stage.open_pull()
    number = proposed(stage, change(owned[PATH]))
    assert check_of(stage, number).conclusion in {"action_required", "failure"}
    stage.github.state.review(CENTRAL, number, by="ops1")  # may write, and is no owner
    stage.settle()
    assert check_of(stage, number).conclusion in {"action_required", "failure"}
    with pytest.raises(Refused, match="is failing"):
        merge(stage, number)
    stage.touch([f"policies:{CENTRAL}", f"pull:{SHOP}#{blocked}"])
    (check,) = [one for one in stage.checks(blocked) if one.name == "gatekeeper"]
    assert check.conclusion == "action_required", "until it is merged, what is in force stays in force"


def test_not_by_ones_own_approval(stage: Stage, owned: dict[str, str]) -> None:
    stage.github.state.set_role(CENTRAL, "po1", "write")
    number = proposed(stage, {PATH: looser(owned[PATH])}, author="po1")
    assert check_of(stage, number).conclusion == "action_required"
    with pytest.raises(Refused, match="your own pull request"):
        stage.github.state.review(CENTRAL, number, by="po1")


def test_not_by_a_force_push_after_the_approval(stage: Stage, owned: dict[str, str]) -> None:
    number = proposed(stage, {PATH: owned[PATH].replace("99.95%", "99.9%")}, branch="edit")
    stage.github.state.review(CENTRAL, number, by="po1")
    stage.settle()
    assert check_of(stage, number).conclusion == "success"
    stage.github.state.push_commit(CENTRAL, "edit", {PATH: looser(owned[PATH])}, by="dev1", force=True)
    stage.settle()
    assert check_of(stage, number).conclusion == "action_required"
    assert "approved an earlier one" in comments_of(stage, number)[0]


def test_not_from_a_fork_whose_queries_are_not_asked(stage: Stage, owned: dict[str, str]) -> None:
    world = stage.github.state
    fork = world.fork(CENTRAL, "outsider").full_name
    number = proposed(stage, {PATH: looser(owned[PATH])}, author="outsider", fork=fork, branch="loose")
    assert check_of(stage, number).conclusion == "action_required"
    world.push_commit(fork, "loose", {PATH: None}, by="outsider")
    stage.settle()
    assert check_of(stage, number).conclusion == "action_required"


def test_not_by_a_second_pull_request_of_the_same_commit_to_a_branch_without_policies(
    stage: Stage, owned: dict[str, str]
) -> None:
    world = stage.github.state
    world.push_commit(CENTRAL, "side", {"notes.md": "x\n"}, by="dev1")
    number = proposed(stage, {PATH: looser(owned[PATH])}, branch="loose")
    before = check_of(stage, number)
    with world.lock:
        other = pulls.open_pull(world, CENTRAL, author="dev1", title="Same", head="loose", base="side").number
    stage.settle()
    assert pull_of(stage, other).head_sha == pull_of(stage, number).head_sha
    assert (check_of(stage, other).id, check_of(stage, other).conclusion) == (before.id, "action_required")


def test_not_by_an_approval_of_what_it_changes_on_another_branch(stage: Stage, owned: dict[str, str]) -> None:
    """Where that branch has the loosening already, what the owner sees changes no policy at all."""
    world = stage.github.state
    world.push_commit(CENTRAL, "side", {PATH: looser(owned[PATH])}, by="dev1")
    world.push_commit(CENTRAL, "edit", {PATH: looser(owned[PATH]), "README.md": "# Ours\n"}, by="dev1")
    with world.lock:
        number = pulls.open_pull(
            world, CENTRAL, author="dev1", title="Words", head="edit", base="side"
        ).number
    world.review(CENTRAL, number, by="po1")
    world.edit_pull(CENTRAL, number, by="dev1", base="main")
    stage.settle()
    assert check_of(stage, number).conclusion == "action_required"
    assert "po1` approved this on its way to another branch" in comments_of(stage, number)[0]
    later = world.now() + timedelta(seconds=1)
    world.clock = lambda: later
    world.review(CENTRAL, number, by="po1")
    stage.settle()
    assert check_of(stage, number).conclusion == "success"


def test_not_by_a_detour_over_a_branch_that_waits_for_no_check(stage: Stage, owned: dict[str, str]) -> None:
    """A check that passes there would let it be merged in the moment in which it is sent back."""
    world = stage.github.state
    number = proposed(stage, {PATH: looser(owned[PATH])})
    world.push_commit(CENTRAL, "side", {"notes.md": "x\n"}, by="dev1")
    world.edit_pull(CENTRAL, number, by="dev1", base="side")
    stage.settle()
    assert "Policies are read from the default branch" in comments_of(stage, number)[0]
    assert check_of(stage, number).conclusion == "action_required"
    world.edit_pull(CENTRAL, number, by="dev1", base="main")
    with pytest.raises(Refused, match="is failing"):
        merge(stage, number)
    stage.settle()
    assert "99%" in comments_of(stage, number)[0]


def test_who_is_named_approves_also_where_a_team_cannot_be_asked_about(
    stage: Stage, owned: dict[str, str]
) -> None:
    named = owned[PATH].replace(f'["{OWNER}"]', f'["{OWNER}", "@ops1"]')
    stage.github.state.update_file(CENTRAL, PATH, named, by="ops1")
    stage.settle()
    (installation,) = stage.github.state.installations.values()
    left = {name: level for name, level in installation.permissions.items() if name != "members"}
    stage.github.state.grant(installation.id, left)
    stage.gatekeeper.github._connections._open.clear()  # type: ignore[union-attr] # a new token has the new permissions
    number = proposed(stage, {PATH: looser(named)})
    stage.github.state.review(CENTRAL, number, by="ops1")
    stage.settle()
    assert check_of(stage, number).conclusion == "success"


def test_an_approval_that_is_taken_back_counts_no_more(stage: Stage, owned: dict[str, str]) -> None:
    world = stage.github.state
    number = proposed(stage, {PATH: looser(owned[PATH])})
    review = world.review(CENTRAL, number, by="po1")
    stage.settle()
    assert check_of(stage, number).conclusion == "success"
    world.dismiss_review(CENTRAL, number, review.id, by="ops1")
    stage.settle()
    assert check_of(stage, number).conclusion == "action_required"


def test_not_out_of_a_merge_queue_once_the_approval_is_taken_back(
    stage: Stage, owned: dict[str, str]
) -> None:
    """Another App's tests have to pass as well, so that the group waits."""
    world = stage.github.state
    number = proposed(stage, {PATH: looser(owned[PATH])})
    review = world.review(CENTRAL, number, by="po1")
    stage.settle()
    world.register_app("tests", owner="acme", public_key="", permissions={}, events=[], app_id=OTHER_APP)
    world.add_account("tests[bot]", "Bot")
    world.require_queue(CENTRAL, "main")
    world.require_check(CENTRAL, "main", "tests", app_id=OTHER_APP)
    world.report_check(
        CENTRAL, pull_of(stage, number).head_sha, "tests", app_id=OTHER_APP, conclusion="success"
    )
    group = world.enqueue(CENTRAL, number, by="dev1")
    stage.settle()

    def said_of_group() -> list[str | None]:
        checks = stage.github.state.checks.values()
        return [one.conclusion for one in checks if (one.head_sha, one.name) == (group.head_sha, CHECK)]

    assert said_of_group() == ["success"]
    world.dismiss_review(CENTRAL, number, review.id, by="ops1")
    stage.settle()
    assert said_of_group() == ["failure"]


def test_without_owners_anybody_else_who_may_write_approves(stage: Stage, owned: dict[str, str]) -> None:
    number = proposed(stage, {"policies/search.yaml": looser(owned["policies/search.yaml"])})
    assert "somebody else who may write here" in (check_of(stage, number).output.title or "")
    stage.github.state.set_role(CENTRAL, "gatekeeper[bot]", "write")
    for nobody in ("outsider", "gatekeeper[bot]"):
        stage.github.state.review(CENTRAL, number, by=nobody)
    stage.settle()
    assert check_of(stage, number).conclusion == "action_required"
    stage.github.state.review(CENTRAL, number, by="ops1")
    stage.settle()
    assert check_of(stage, number).conclusion == "success"


def test_a_branch_that_is_behind_takes_back_nothing(stage: Stage, owned: dict[str, str]) -> None:
    search = "policies/search.yaml"
    number = proposed(stage, {search: owned[search].replace("99.95%", "99.99%")})
    stage.github.state.update_file(CENTRAL, PATH, owned[PATH].replace("99.95%", "99.97%"), by="ops1")
    stage.settle()
    assert check_of(stage, number).conclusion == "success"
    assert "checkout" not in comments_of(stage, number)[0]


def test_what_is_merged_elsewhere_is_what_it_is_held_against_from_then_on(
    stage: Stage, owned: dict[str, str]
) -> None:
    number = proposed(stage, {PATH: owned[PATH].replace("99.95%", "99.9%")})
    assert check_of(stage, number).conclusion == "action_required"
    stage.github.state.update_file(CENTRAL, PATH, owned[PATH].replace("99.95%", "99.5%"), by="ops1")
    stage.settle()
    assert "`99.5%` | `99.9%` | 🔒 tighter" in comments_of(stage, number)[0]
    check = check_of(stage, number)
    assert check.conclusion == "action_required"
    assert check.output.title == "Conflicts with main: what a merge would do to policies is not known"
    resolved = {PATH: owned[PATH].replace("99.95%", "99.9%")}
    stage.github.state.push_commit(CENTRAL, pull_of(stage, number).head_ref, resolved, by="dev1", force=True)
    stage.settle()
    assert check_of(stage, number).conclusion == "success"


def test_not_by_changing_what_the_branch_moves_into_the_folder_meanwhile(
    stage: Stage, owned: dict[str, str]
) -> None:
    """None of its own changed files is a policy's, and the merge carries the change to where the file is now."""
    draft, world = "drafts/checkout.yaml", stage.github.state
    text = owned[PATH]
    world.push_commit(CENTRAL, "main", {PATH: None, draft: text}, by="ops1")
    number = world.open_pull(CENTRAL, author="dev1", title="Draft", files={draft: looser(text)}).number
    stage.settle()
    assert check_of(stage, number).conclusion == "skipped"
    world.push_commit(CENTRAL, "main", {draft: None, PATH: text}, by="ops1")
    stage.settle()
    assert check_of(stage, number).conclusion == "action_required"
    assert "`99.95%` | `99%` | 🔓 looser" in comments_of(stage, number)[0]
    with pytest.raises(Refused, match="is failing"):
        merge(stage, number)
    late = world.open_pull(CENTRAL, author="dev1", title="Draft", files={"README.md": "x"})
    stage.settle()
    assert check_of(stage, late.number).conclusion == "skipped"


def test_until_github_knows_how_it_merges_nothing_is_said(stage: Stage, owned: dict[str, str]) -> None:
    world, search = stage.github.state, "policies/search.yaml"
    number = proposed(stage, {PATH: looser(owned[PATH])})
    world.slow_merges = True
    world.push_commit(CENTRAL, pull_of(stage, number).head_ref, {search: looser(owned[search])}, by="dev1")
    github = stage.gatekeeper.github
    assert github is not None
    with pytest.raises(GitHubError, match="can be merged is not worked out yet"):
        ProposalObserver(github, stage.gatekeeper.stores.proposals).observe(CENTRAL, number)
    head = pull_of(stage, number).head_sha
    assert [one for one in world.checks.values() if (one.head_sha, one.name) == (head, CHECK)] == []
    stage.settle()
    assert check_of(stage, number).conclusion == "action_required"
    assert "`search`" in comments_of(stage, number)[0]


def test_another_pass_writes_nothing(stage: Stage, owned: dict[str, str]) -> None:
    number = proposed(stage, {PATH: looser(owned[PATH])})
    stage.github.calls.clear()
    stage.touch([f"proposal:{CENTRAL}#{number}", f"pull:{CENTRAL}#{number}"])
    assert [str(call) for call in stage.github.calls.writes()] == []
