"""Reading a pull request: as little as possible, nothing taken for what it is not."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import HOUR, MINUTE, NOW, TEAM, a_gate, a_service, a_view, an_objective
from databases import opened
from fakes import BOT, SHOP, FakeGitHub, Place, head
from gatekeeper.act.plan import Published
from gatekeeper.decide.desired import MARKER
from gatekeeper.decide.snapshot import ExemptLabel, OverrideRequest, ServiceView
from gatekeeper.decide.verdict import Doubt, State
from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.github.values import Files
from gatekeeper.observe.pulls import fingerprint
from gatekeeper.policy.covers import Everything
from gatekeeper.policy.model import Change, Service

FROZEN = a_view(State.FROZEN, -0.5)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database)
        place.put(FROZEN)
        place.github.open(1)
        yield place


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


def covering(name: str, *paths: str, branches: tuple[str, ...] = (), **gate: Any) -> Service:
    change = Change(repository=SHOP, paths=paths or ("**",), branches=branches)
    return a_service(name, gate=a_gate(**gate)).model_copy(update={"changes": (change,)})


# What it costs


@pytest.mark.parametrize(
    ("given", "reads"),
    [
        pytest.param((), ["pull", "files", "check_runs", "comments"], id="seen for the first time"),
        pytest.param(
            ("slo:override",),
            ["pull", "files", "last_labeled", "is_active_member", "comments", "check_runs"],
            id="with an override label",
        ),
        pytest.param(("bug", "size/L"), ["pull", "files", "check_runs", "comments"], id="with other labels"),
    ],
)
def test_the_first_look_reads(
    place: Place, github: FakeGitHub, given: tuple[str, ...], reads: list[str]
) -> None:
    for label in given:
        github.label(1, label, by="alice")
    place.observe()
    assert github.calls == reads


@pytest.mark.parametrize(
    ("happened", "reads"),
    [
        pytest.param({}, ["pull"], id="nothing happened: one read"),
        pytest.param({"labels": ("bug",)}, ["pull"], id="labelled: one read"),
        pytest.param({"head_sha": head("b")}, ["pull", "files", "check_runs"], id="pushed to"),
        pytest.param({"base_ref": "release"}, ["pull", "files", "required_checks"], id="retargeted"),
        pytest.param(
            {"changed_files": 5}, ["pull", "files"], id="its base moved under it, and it changes other files"
        ),
    ],
)
def test_a_later_look_reads_what_may_have_changed(
    place: Place, github: FakeGitHub, happened: dict[str, Any], reads: list[str]
) -> None:
    place.run(1)
    github.change(1, **happened)
    github.calls.clear()
    place.observe()
    assert github.calls == reads


def test_where_no_service_is_touched_nothing_is_looked_for(place: Place, github: FakeGitHub) -> None:
    place.put()
    place.observe()
    assert github.calls == ["pull", "files", "required_checks"]


# What it touches


@pytest.mark.parametrize(
    ("service", "pull", "names"),
    [
        pytest.param(covering("pay", "src/**"), {}, ["pay"], id="a path of its own"),
        pytest.param(covering("pay", "lib/**"), {}, [], id="a path of others"),
        pytest.param(covering("pay"), {"base_ref": "release"}, [], id="another branch than the default one"),
        pytest.param(
            covering("pay"),
            {"base_ref": "trunk", "default_branch": "trunk"},
            ["pay"],
            id="the default one by any name",
        ),
        pytest.param(
            covering("pay", branches=("release/*",)),
            {"base_ref": "release/1"},
            ["pay"],
            id="a branch it names",
        ),
        pytest.param(covering("pay"), {"head_repository": "dora/shop"}, ["pay"], id="from a fork"),
        pytest.param(covering("pay"), {"head_repository": None}, ["pay"], id="from a fork that was deleted"),
        pytest.param(covering("pay"), {"draft": True}, ["pay"], id="a draft"),
    ],
)
def test_what_is_touched(
    place: Place, github: FakeGitHub, service: Service, pull: dict[str, Any], names: list[str]
) -> None:
    place.put(a_view(service=service))
    github.change(1, **pull)
    assert [view.service.name for view in place.observe().snapshot.services] == names


def test_a_list_of_files_that_was_cut_touches_everything_and_exempts_nothing(
    place: Place, github: FakeGitHub
) -> None:
    place.put(a_view(State.FROZEN, -0.5, service=covering("pay", "lib/**", exempt={"paths": ["docs/**"]})))
    github.changed[SHOP, 1] = Files(("docs/a.md",), complete=False)
    seen = place.observe()
    assert isinstance(seen.paths, Everything)
    (view,) = seen.snapshot.services
    assert (view.all_exempt, view.files) == (False, ())


def test_files_of_another_head_are_not_taken_for_this_ones(place: Place, github: FakeGitHub) -> None:
    github.changed[SHOP, 1] = Files(("docs/a.md",), complete=True, heads=frozenset({head("b")}))
    with pytest.raises(GitHubError, match=f"went on to {head('b')} meanwhile"):
        place.observe()
    github.changed[SHOP, 1] = Files(("docs/a.md",), complete=True, heads=frozenset({head("a")}))
    assert place.observe().paths == ("docs/a.md",)


@pytest.mark.parametrize(
    ("paths", "exempt"),
    [
        pytest.param(("docs/a.md", "docs/b.md"), True, id="all of them"),
        pytest.param(("docs/a.md", "src/app.py"), False, id="not all of them"),
    ],
)
def test_exempt_paths(place: Place, github: FakeGitHub, paths: tuple[str, ...], *, exempt: bool) -> None:
    place.put(a_view(service=covering("pay", exempt={"paths": ["docs/**"]})))
    github.open(1, paths=paths)
    (view,) = place.observe().snapshot.services
    assert view.all_exempt is exempt


EXEMPT: dict[str, Any] = {"exempt": {"labels": ["security"]}}
FROZEN_EXEMPTING = a_view(State.FROZEN, -0.5, service=covering("pay", **EXEMPT))
FROZEN_WITHOUT_TEAM = a_view(State.FROZEN, -0.5, service=covering("pay", override={"teams": []}, **EXEMPT))


@pytest.mark.parametrize(
    ("view", "actor", "human", "found", "reads"),
    [
        pytest.param(FROZEN_EXEMPTING, "alice", True, ((TEAM,), False), ["is_active_member"], id="of a team"),
        pytest.param(FROZEN_EXEMPTING, "po1", True, ((), False), ["is_active_member"], id="of no team"),
        pytest.param(FROZEN_EXEMPTING, "alice", False, ((), False), [], id="an App in somebody's name"),
        pytest.param(FROZEN_WITHOUT_TEAM, "bob", True, ((), True), ["may_write"], id="a writer"),
        pytest.param(FROZEN_WITHOUT_TEAM, "po1", True, ((), False), ["may_write"], id="a triager"),
        pytest.param(FROZEN_WITHOUT_TEAM, "bob", False, ((), False), [], id="an App of a writer"),
    ],
)
def test_behind_an_exempting_label_stands(
    place: Place,
    github: FakeGitHub,
    view: ServiceView,
    actor: str,
    human: bool,  # noqa: FBT001 - a column of the table
    found: tuple[tuple[str, ...], bool],
    reads: list[str],
) -> None:
    place.put(view)
    github.label(1, "Security", by=actor, human=human)
    (one,) = place.observe().snapshot.exempting
    assert one == ExemptLabel("Security", actor, human, NOW, *found)
    assert [call for call in github.calls if call in {"is_active_member", "may_write"}] == reads


def test_nobody_is_asked_about_labels_where_the_gate_is_open(place: Place, github: FakeGitHub) -> None:
    place.put(a_view(service=covering("pay", **EXEMPT)))
    github.label(1, "security", by="mallory")
    assert place.observe().snapshot.exempting == ()
    assert "last_labeled" not in github.calls


def test_nobody_behind_an_exempting_label_yet_is_looked_at_again(place: Place, github: FakeGitHub) -> None:
    place.put(FROZEN_EXEMPTING)
    github.change(1, labels=("security",))
    seen = place.observe()
    assert (seen.snapshot.exempting, seen.seen) == ((), "")


def test_what_may_not_be_read_of_somebody_exempts_nothing_and_sends_nobody_away(
    place: Place, github: FakeGitHub
) -> None:
    place.put(FROZEN_EXEMPTING)
    github.label(1, "security", by="alice")
    github.refusing["is_active_member"] = 403
    seen = place.observe()
    assert seen.snapshot.exempting == ()
    assert seen.unread == ("who may exempt by label cannot be told: is_active_member: 403",)


def test_a_service_that_no_pass_has_looked_at_is_not_known(place: Place) -> None:
    place.gates.forget(FROZEN.service.key)
    (view,) = place.observe().snapshot.services
    assert [gap.doubt for gap in view.memory.gaps] == [Doubt.BACKFILLING]


def test_evidence_that_grew_old_since_the_services_pass_is_old(place: Place) -> None:
    place.now = NOW + 20 * MINUTE
    (view,) = place.observe().snapshot.services
    assert [gap.doubt for gap in view.memory.gaps] == [Doubt.STALE]
    assert view.memory.state is State.FROZEN


def test_a_policy_that_has_another_objective_since_the_services_pass_is_no_error(place: Place) -> None:
    place.catalog.forget(SHOP, ())
    service = a_service("checkout", an_objective(), an_objective("latency"))
    view = a_view(service=service)
    place.put(view)
    place.stand(FROZEN)  # as of the version before
    assert len(place.observe().snapshot.services) == 1


# Whether a check is waited for


@pytest.mark.parametrize(
    ("required", "status", "waited"),
    [
        pytest.param(frozenset({"gatekeeper", "tests"}), None, True, id="by a ruleset"),
        pytest.param(frozenset({"tests"}), None, False, id="not ours"),
        pytest.param(frozenset(), 403, False, id="a plan without rulesets"),
        pytest.param(frozenset(), 404, False, id="a server without rulesets"),
    ],
)
def test_a_required_check(
    place: Place, github: FakeGitHub, required: frozenset[str], status: int | None, *, waited: bool
) -> None:
    place.put()
    github.required[SHOP, "main"] = required
    if status:
        github.refusing["required_checks"] = status
    assert place.observe().snapshot.check_required is waited


@pytest.mark.parametrize(
    ("arm", "raised"),
    [
        pytest.param(lambda one: one.refusing.update(required_checks=422), GitHubRefusedError, id="refused"),
        pytest.param(
            lambda one: one.failing.update(required_checks=GitHubError("502")), GitHubError, id="failed"
        ),
    ],
)
def test_whether_a_check_is_waited_for_is_not_guessed(
    place: Place, github: FakeGitHub, arm: Callable[[FakeGitHub], None], raised: type[Exception]
) -> None:
    place.put()
    arm(github)
    with pytest.raises(raised):
        place.observe()


# What of ours is there


def test_a_check_and_comment_that_nobody_wrote_down_are_found(place: Place, github: FakeGitHub) -> None:
    place.run(1)
    with place.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM publication")
    actual = place.observe().actual
    ((number, run),) = github.checks.items()
    assert actual.check == Published(number, run["external_id"])
    assert actual.comment is not None
    assert list(github.said) == [actual.comment.remote_id]


@pytest.mark.parametrize(
    ("by", "body", "ours"),
    [
        pytest.param(BOT, f"{MARKER}\nx\n<!-- essence abc -->", "abc", id="ours"),
        pytest.param(BOT, f"{MARKER}\nx", "", id="ours, tampered with"),
        pytest.param("mallory", f"{MARKER}\nx\n<!-- essence abc -->", None, id="the marker by somebody else"),
        pytest.param(BOT, "Thank you.", None, id="ours, about something else"),
    ],
)
def test_a_comment_is_ours(place: Place, github: FakeGitHub, by: str, body: str, ours: str | None) -> None:
    github.say(1, body, by=by)
    found = place.observe().actual.comment
    assert (found.essence if found else None) == ours


# Who asks to override


@pytest.mark.parametrize(
    ("by", "human", "teams"),
    [
        pytest.param("alice", True, (TEAM,), id="somebody of the team"),
        pytest.param("mallory", True, (), id="somebody else"),
        pytest.param("alice", False, (), id="an App in somebody's name"),
    ],
)
def test_an_override_is_asked_for_by(
    place: Place, github: FakeGitHub, by: str, teams: tuple[str, ...], *, human: bool
) -> None:
    github.label(1, "SLO:Override", by=by, at=NOW - HOUR, human=human)
    github.say(1, "/gatekeeper override the first reason", by="alice")
    github.say(1, "/gatekeeper override the fix", by="alice")
    github.say(1, "/gatekeeper override mine", by="mallory")
    (asked,) = place.observe().snapshot.requests
    reason = "the fix" if teams else None
    assert asked == OverrideRequest("SLO:Override", by, human, NOW - HOUR, teams, reason)


def test_nobody_behind_a_label_yet_is_looked_at_again(place: Place, github: FakeGitHub) -> None:
    github.change(1, labels=("slo:override",))
    seen = place.observe()
    assert (seen.snapshot.requests, seen.seen) == ((), "")


def test_membership_that_may_not_be_read_entitles_nobody_and_sends_nobody_away(
    place: Place, github: FakeGitHub
) -> None:
    github.label(1, "slo:override", by="alice")
    github.refusing["is_active_member"] = 403
    seen = place.observe()
    assert seen.snapshot.requests == ()
    assert "is_active_member: 403" in seen.unread[0]


def test_membership_that_cannot_be_read_now_is_read_later(place: Place, github: FakeGitHub) -> None:
    github.label(1, "slo:override", by="alice")
    github.failing["is_active_member"] = GitHubError("502")
    with pytest.raises(GitHubError):
        place.observe()


# Fingerprints


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"changed_files": None}, True, id="what lists leave out"),
        pytest.param({"title": "Other", "updated_at": NOW + HOUR}, True, id="what changes no verdict"),
        pytest.param({"labels": ("b", "a")}, False, id="labels"),
        pytest.param({"head_sha": head("b")}, False, id="a push"),
        pytest.param({"base_ref": "x"}, False, id="a new target"),
        pytest.param({"default_branch": "x"}, False, id="another default branch"),
        pytest.param({"draft": True}, False, id="a draft"),
        pytest.param({"open": False}, False, id="closed"),
    ],
)
def test_a_fingerprint_tells(github: FakeGitHub, change: dict[str, Any], *, same: bool) -> None:
    pull = github.pulls[SHOP, 1]
    assert (fingerprint(replace(pull, **change)) == fingerprint(pull)) is same


def test_the_order_of_labels_tells_nothing(github: FakeGitHub) -> None:
    pull = github.pulls[SHOP, 1]
    assert fingerprint(replace(pull, labels=("a", "b"))) == fingerprint(replace(pull, labels=("b", "a")))
