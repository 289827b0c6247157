import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOW, SHA
from gatekeeper.act.apply import Applier, Kind, Target, essence_of, is_ours
from gatekeeper.act.plan import Actual, Published, Spare, plan
from gatekeeper.decide.desired import COMMENT_LIMIT, Check, Comment, Desired
from gatekeeper.decide.verdict import Verdict
from gatekeeper.errors import GitHubError, GitHubRefusedError, TemporaryError

SHOP = "acme/shop"
TARGET = Target(SHOP, 12, SHA, "https://gate.example/decisions/1", NOW)


class CrashError(Exception):
    """The process was killed here."""


@dataclass
class GitHub:
    """Keeps what is written. ``dies``: the call (counted from 1) at which the process is killed."""

    mode: Literal["app", "token"] = "app"
    dies: int = 0
    effect: bool = True
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    status: int = 0

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        dying = len(self.calls) == self.dies
        if dying and not self.effect:
            raise CrashError(name)
        if self.status:
            raise GitHubRefusedError(name, status=self.status)
        yield
        if dying:
            raise CrashError(name)

    def create_check(self, repository: str, *, sha: str, name: str, **content: Any) -> int:
        number = 100 + len(self.checks)
        with self.call("create_check"):
            self.checks[number] = {"sha": sha, "name": name, **content}
        return number

    def update_check(self, repository: str, check_id: int, *, sha: str, name: str, **content: Any) -> None:
        with self.call("update_check"):
            self.gone_unless(check_id in self.checks)
            self.checks[check_id] = {"sha": sha, "name": name, **content}

    def set_status(self, repository: str, sha: str, **content: Any) -> None:
        with self.call("set_status"):
            self.statuses.append({"sha": sha, **content})

    def create_comment(self, repository: str, number: int, body: str) -> int:
        identity = 500 + len(self.comments)
        with self.call("create_comment"):
            self.comments[identity] = body
        return identity

    def edit_comment(self, repository: str, comment_id: int, body: str) -> None:
        with self.call("edit_comment"):
            self.gone_unless(comment_id in self.comments)
            self.comments[comment_id] = body

    def delete_comment(self, repository: str, comment_id: int) -> None:
        with self.call("delete_comment"):
            self.comments.pop(comment_id, None)

    def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> None:
        with self.call("add_labels"):
            self.labels |= set(labels)

    def remove_label(self, repository: str, number: int, label: str) -> None:
        with self.call("remove_label"):
            self.labels.discard(label)

    @staticmethod
    def gone_unless(there: bool) -> None:  # noqa: FBT001 (reads as a sentence)
        if not there:
            raise GitHubRefusedError("not found", status=404)


@dataclass
class Memory:
    """What was written, as the store keeps it; ``None`` is an intent."""

    rows: dict[tuple[Kind, str], Published | None] = field(default_factory=dict)
    spares: dict[int, str | None] = field(default_factory=dict)

    def intend(self, repository: str, kind: Kind, subject: str, now: datetime, *, by: str) -> None:
        self.rows[kind, subject] = None

    def record(
        self, repository: str, kind: Kind, subject: str, remote_id: int, essence: str, now: datetime
    ) -> None:
        self.rows[kind, subject] = Published(remote_id, essence)

    def record_first(
        self, repository: str, kind: Kind, subject: str, remote_id: int, essence: str, now: datetime
    ) -> bool:
        if (known := self.rows.get((kind, subject))) is not None:
            return known.remote_id == remote_id
        self.record(repository, kind, subject, remote_id, essence, now)
        return True

    def forget(self, repository: str, kind: Kind, subject: str) -> None:
        del self.rows[kind, subject]

    def spare(self, repository: str, kind: Kind, sha: str, spares: Iterable[Spare]) -> None:
        self.spares |= {one.remote_id: one.conclusion for one in spares}

    def forget_spare(self, repository: str, remote_id: int) -> None:
        self.spares.pop(remote_id, None)


CHECK = Check("action_required", "shop is frozen", "why", "numbers", "aaaa", Verdict.BLOCK)
FROZEN = Desired(
    CHECK,
    Comment("<!-- gatekeeper -->\n\nfrozen", "bbbb", needed=True),
    frozenset({"slo:frozen"}),
    frozenset(),
)
OPEN = Desired(
    Check("success", "shop is open", "fine", "numbers", "cccc", Verdict.ALLOW),
    Comment("<!-- gatekeeper -->\n\nopen", "dddd", needed=False),
    frozenset(),
    frozenset(),
)


def one_pass(desired: Desired, github: GitHub, memory: Memory) -> list[str]:
    """Look where in doubt, plan, apply: the calls it made."""
    before = len(github.calls)
    check = memory.rows.get((Kind.CHECK, SHA))
    if check is None and github.checks:
        check = max(
            (Published(number, run["external_id"]) for number, run in github.checks.items()),
            key=lambda one: one.remote_id,
        )
    comment = memory.rows.get((Kind.COMMENT, "12"))
    if comment is None:
        ours = [(number, body) for number, body in github.comments.items() if is_ours(body)]
        comment = Published(ours[0][0], essence_of(ours[0][1])) if ours else None
    spares = tuple(Spare(*one) for one in memory.spares.items())
    writes = plan(desired, Actual(check, comment, frozenset(github.labels), spares), may_comment=True)
    Applier(github, memory).apply(writes, TARGET)
    return github.calls[before:]


def test_a_block_is_written_with_everything_it_says() -> None:
    github, memory = GitHub(), Memory()
    assert one_pass(FROZEN, github, memory) == ["create_check", "add_labels", "create_comment"]
    assert github.checks == {
        100: {
            "sha": SHA,
            "name": "gatekeeper",
            "external_id": "aaaa",
            "conclusion": "action_required",
            "title": "shop is frozen",
            "summary": "why",
            "text": "numbers",
            "details_url": "https://gate.example/decisions/1",
            "actions": [
                ("Re-evaluate", "Look at this change again now", "recheck"),
                ("Explain", "Post every number behind the verdict", "explain"),
            ],
            "annotations": [],
            "now": NOW,
        }
    }
    assert github.labels == {"slo:frozen"}
    assert memory.rows == {
        (Kind.CHECK, SHA): Published(100, "aaaa"),
        (Kind.COMMENT, "12"): Published(500, "bbbb"),
    }


def test_buttons_keep_within_githubs_limits() -> None:
    github = GitHub()
    one_pass(FROZEN, github, Memory())
    actions = github.checks[100]["actions"]
    assert len(actions) <= 3
    assert all(len(label) <= 20 and len(text) <= 40 and len(name) <= 20 for label, text, name in actions)


def test_a_second_pass_writes_nothing_and_a_thaw_edits_in_place() -> None:
    github, memory = GitHub(), Memory()
    one_pass(FROZEN, github, memory)
    assert one_pass(FROZEN, github, memory) == []
    assert one_pass(OPEN, github, memory) == ["update_check", "remove_label", "edit_comment"]
    assert (len(github.checks), len(github.comments), github.labels) == (1, 1, set())
    assert one_pass(OPEN, github, memory) == []


@given(st.integers(1, 6), st.booleans())
def test_killed_at_any_call_there_is_one_check_and_one_comment_in_the_end(dies: int, effect: bool) -> None:  # noqa: FBT001 (drawn)
    github, memory = GitHub(dies=dies, effect=effect), Memory()
    for desired in (FROZEN, OPEN):
        with suppress(CrashError):
            one_pass(desired, github, memory)
    one_pass(OPEN, github, memory)
    assert [run["external_id"] for run in github.checks.values()] == ["cccc"]
    assert {essence_of(body) for body in github.comments.values()} <= {"dddd"}
    assert (len(github.comments) <= 1, github.labels) == (True, set())
    assert one_pass(OPEN, github, memory) == []


@given(st.integers(1, 3), st.booleans())
def test_killed_at_any_call_what_is_wanted_again_is_there_again(dies: int, effect: bool) -> None:  # noqa: FBT001 (drawn)
    """What the killed pass sent may have arrived: what was recorded before is no proof of what is there."""
    github, memory = GitHub(), Memory()
    one_pass(FROZEN, github, memory)
    github.dies, github.effect = len(github.calls) + dies, effect
    with suppress(CrashError):
        one_pass(OPEN, github, memory)
    one_pass(FROZEN, github, memory)
    assert [run["external_id"] for run in github.checks.values()] == ["aaaa"]
    assert {essence_of(body) for body in github.comments.values()} == {"bbbb"}
    assert one_pass(FROZEN, github, memory) == []


def test_the_intent_is_kept_before_anything_is_created() -> None:
    github, memory = GitHub(dies=1, effect=False), Memory()
    with pytest.raises(CrashError):
        one_pass(FROZEN, github, memory)
    assert memory.rows == {(Kind.CHECK, SHA): None}


def test_the_comment_tells_its_essence_to_whoever_finds_it() -> None:
    github = GitHub()
    one_pass(FROZEN, github, Memory())
    (body,) = github.comments.values()
    assert is_ours(body)
    assert essence_of(body) == "bbbb"
    assert essence_of(body.replace("essence", "nonsense")) == ""
    assert not is_ours(f"> {body}")
    assert len(_signature(body)) + COMMENT_LIMIT <= 65_536


def _signature(body: str) -> str:
    found = re.search(r"\n<!-- essence .*$", body)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("status", [404, 410])
def test_what_somebody_deleted_is_written_anew(status: int) -> None:
    github, memory = GitHub(), Memory()
    one_pass(FROZEN, github, memory)
    github.comments.clear()
    with pytest.raises(TemporaryError, match="the comment of acme/shop 12 is gone from GitHub"):
        one_pass(replace(FROZEN, comment=Comment("<!-- gatekeeper -->", "eeee", needed=True)), github, memory)
    assert one_pass(FROZEN, github, memory) == ["create_comment"]
    github.status = status
    with pytest.raises(TemporaryError, match="the check of acme/shop"):
        one_pass(OPEN, github, memory)


def test_what_github_refuses_for_another_reason_is_not_forgotten() -> None:
    github, memory = GitHub(), Memory()
    one_pass(FROZEN, github, memory)
    github.status = 403
    with pytest.raises(GitHubRefusedError):
        one_pass(OPEN, github, memory)
    assert memory.rows[Kind.CHECK, SHA] == Published(100, "")


def test_a_failing_github_stops_the_pass_where_it_is() -> None:
    class Failing(GitHub):
        def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> None:
            raise GitHubError("502")

    github, memory = Failing(), Memory()
    with pytest.raises(GitHubError):
        one_pass(FROZEN, github, memory)
    assert (len(github.checks), github.comments) == (1, {})


@pytest.mark.parametrize(
    ("conclusion", "state"),
    [
        ("success", "success"),
        ("neutral", "success"),
        ("skipped", "success"),
        ("failure", "failure"),
        ("action_required", "failure"),
    ],
)
def test_with_a_token_there_is_a_commit_status_instead_of_a_check(conclusion: str, state: str) -> None:
    github, memory = GitHub(mode="token"), Memory()
    desired = replace(FROZEN, check=replace(CHECK, conclusion=conclusion))
    assert one_pass(desired, github, memory) == ["set_status", "add_labels", "create_comment"]
    assert github.statuses == [
        {
            "sha": SHA,
            "context": "gatekeeper",
            "state": state,
            "description": "shop is frozen",
            "target_url": "https://gate.example/decisions/1",
        }
    ]
    assert one_pass(desired, github, memory) == []


def test_a_spare_check_is_brought_to_each_new_conclusion_and_else_left_alone() -> None:
    github, memory = GitHub(), Memory()
    one_pass(FROZEN, github, memory)
    github.checks[50] = dict(github.checks[100])
    memory.spares[50] = "action_required"
    assert one_pass(FROZEN, github, memory) == []
    assert one_pass(OPEN, github, memory) == ["update_check", "update_check", "remove_label", "edit_comment"]
    assert {run["conclusion"] for run in github.checks.values()} == {"success"}
    assert one_pass(OPEN, github, memory) == []


@given(dies=st.integers(1, 8), effect=st.booleans(), spares=st.integers(0, 2))
def test_killed_at_any_call_all_spares_conclude_alike_in_the_end(
    dies: int,
    effect: bool,  # noqa: FBT001 (drawn)
    spares: int,
) -> None:
    github, memory = GitHub(), Memory()
    one_pass(FROZEN, github, memory)
    for number in range(spares):
        github.checks[number] = dict(github.checks[100])
        memory.spares[number] = "action_required"
    github.dies, github.effect = len(github.calls) + dies, effect
    with suppress(CrashError):
        one_pass(OPEN, github, memory)
    github.dies = 0
    one_pass(FROZEN, github, memory)
    assert {run["conclusion"] for run in github.checks.values()} == {"action_required"}


def test_a_spare_that_is_gone_is_forgotten() -> None:
    github, memory = GitHub(), Memory()
    one_pass(FROZEN, github, memory)
    memory.spares[50] = "action_required"
    one_pass(OPEN, github, memory)
    assert memory.spares == {}


def test_a_check_that_another_worker_wrote_meanwhile_leaves_this_one_a_spare() -> None:
    class Overtaken(GitHub):
        def create_check(self, repository: str, *, sha: str, name: str, **content: Any) -> int:
            memory.record(SHOP, Kind.CHECK, SHA, 7, "theirs", NOW)
            return super().create_check(repository, sha=sha, name=name, **content)

    memory = Memory()
    one_pass(FROZEN, Overtaken(), memory)
    assert (memory.rows[Kind.CHECK, SHA], memory.spares) == (Published(7, "theirs"), {100: "action_required"})
