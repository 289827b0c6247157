"""The pass over a workflow run: held and told why, let go once, whatever gets lost on the way."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import DAY, MINUTE, NOW, SHA, a_gate, a_service, a_view
from databases import opened
from fakes import SHOP, FakeGitHub, Place, head
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State, Verdict
from gatekeeper.errors import GitHubError, GitHubRefusedError, TemporaryError
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.github.values import Comparison, DeploymentData, HeadData, RuleAnswer, RunData
from gatekeeper.observe.deploying import DeploymentObserver
from gatekeeper.observe.runs import RunObserver
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.model import Change
from gatekeeper.store.overrides import Overrides
from gatekeeper.store.runs import RunRecord, Runs
from gatekeeper.worker.asked_pass import AskedPass
from gatekeeper.worker.run_pass import MOST_REPORTS, RunPass, RunsPass

RUN, KEY = 5, WorkKey.run(SHOP, 5)
ASKED = {"environment": "production"}
GATE = a_gate(exempt={"labels": ["reliability"]})
FROZEN = a_view(State.FROZEN, -0.5, service=a_service(gate=GATE), expected_end=NOW + DAY)
OPEN = a_view(State.OPEN, 0.9, service=a_service(gate=GATE))


class Actions(FakeGitHub):
    """GitHub in memory with Actions, and one run in them.

    Attributes:
        pending: the environments that it waits for.
        guarded: those of them that our rule protects.
        errors: what the next answers to us are, oldest first; the act is done all the same when ``lost``.
        spans: what lies between two commits.
        origins: the pull requests that a commit came with.
        asked: the deployment that somebody asked for by the API.
    """

    def __init__(self) -> None:
        super().__init__()
        self.run: RunData | None = RunData(SHOP, RUN, SHA, "main", "dora", completed=False)
        self.pending = ["production"]
        self.guarded = {"production"}
        self.answers: list[tuple[str, RuleAnswer | None, str]] = []
        self.errors: list[Exception] = []
        self.lost = False
        self.spans: dict[tuple[str, str], Comparison] = {}
        self.origins: dict[str, tuple[int, ...]] = {}
        self.asked = DeploymentData(SHOP, "production", SHA, "main", "dora", ())

    def compare(self, repository: str, base: str, head: str) -> Comparison:
        return Comparison((), complete=True) if base == head else self.spans[base, head]

    def head(self, repository: str) -> HeadData | None:
        return HeadData("main", SHA)

    def deployment(self, repository: str, number: int) -> DeploymentData:
        return self.asked

    def tell_deployment(
        self, repository: str, number: int, state: str, description: str, log_url: str | None
    ) -> None:
        self.asked = replace(self.asked, told=((state, self.login()), *self.asked.told))

    def pulls_with(self, repository: str, sha: str) -> tuple[int, ...]:
        return self.origins.get(sha, ())

    def workflow_run(self, repository: str, number: int) -> RunData:
        if self.run is None:
            raise GitHubRefusedError("Not Found", status=404)
        return self.run

    def waiting_runs(self, repository: str) -> tuple[int, ...]:
        if self.errors:
            raise self.errors.pop(0)
        return (RUN,) if self.pending else ()

    def pending_environments(self, repository: str, run: int) -> tuple[str, ...]:
        return tuple(self.pending)

    def guards(self, repository: str, environment: str) -> bool:
        return environment in self.guarded

    def answer_rule(
        self, repository: str, run: int, environment: str, comment: str, answer: RuleAnswer | None
    ) -> None:
        failure = self.errors.pop(0) if self.errors else None
        if failure is not None and not self.lost:
            raise failure
        if environment not in self.pending:
            raise GitHubRefusedError("nothing waits", status=422)
        self.answers.append((environment, answer, comment))
        if answer is not None:
            self.pending.remove(environment)
        if failure is not None:
            raise failure

    @property
    def approved(self) -> list[str]:
        return [environment for environment, answer, _ in self.answers if answer == "approved"]


class Waiting(Place):
    """The stores, with Actions beside them."""

    def __init__(self, database: Any) -> None:
        self.actions = Actions()
        super().__init__(database, self.actions)
        self.runs = Runs(database)
        record = RunRecord(
            database, self.decisions, Overrides(database), self.publications, self.catalog, self.queue
        )
        deployed = DeploymentObserver(self.actions, self.catalog, self.gates, self.deployments, record)
        observer = RunObserver(self.actions, deployed)
        self.passes[Kind.RUN] = RunPass(observer, record, self.actions, lambda one: f"https://gate/{one}")
        self.passes[Kind.DEPLOYMENT] = AskedPass(deployed, record, self.actions, lambda _: None)
        self.passes[Kind.RUNS] = RunsPass(observer, self.runs.of_repository, self.queue.add)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Waiting]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        yield Waiting(database)


@pytest.fixture
def held(place: Waiting) -> Waiting:
    """The run waits for a frozen service, and was told so."""
    place.put(FROZEN)
    place.run(KEY, ASKED)
    assert [answer for _, answer, _ in place.actions.answers] == [None]
    return place


def test_while_frozen_it_is_held_and_told_why_once(held: Waiting) -> None:
    held.run(KEY, ASKED)
    ((_, _, report),) = held.actions.answers
    (stored,) = held.decisions.latest(f"{SHOP}@production")
    assert "checkout is frozen" in report
    assert f"https://gate/{stored.id}" in report
    assert stored.decision.verdict is Verdict.BLOCK


def test_when_the_gate_opens_it_is_let_go_once(held: Waiting) -> None:
    held.stand(OPEN)
    held.run(KEY)
    held.run(KEY, ASKED)
    assert held.actions.approved == ["production"]


def test_a_service_that_moves_finds_the_runs_that_wait_for_it(held: Waiting) -> None:
    assert held.runs.of_service("acme/checkout") == ((SHOP, RUN),)
    assert held.runs.of_service("acme/search") == ()
    held.stand(OPEN)
    held.actions.pending.append("elsewhere")  # somebody else's rule: the run goes on waiting
    held.run(KEY)
    assert held.runs.of_service("acme/checkout") == ()


def test_what_changes_is_said_again_ten_times_at_most(held: Waiting) -> None:
    for days in range(2, 20):
        held.stand(a_view(State.FROZEN, -0.5, memory={"since": NOW + days * DAY}))
        held.run(KEY)
    assert len(held.actions.answers) == MOST_REPORTS
    held.stand(OPEN)
    held.run(KEY)
    assert held.actions.approved == ["production"], "that is no report"


@pytest.mark.parametrize("lost", [pytest.param(True, id="after"), pytest.param(False, id="before")])
def test_a_report_that_fails_is_sent_again_and_counts(place: Waiting, *, lost: bool) -> None:
    place.put(FROZEN)
    place.actions.errors, place.actions.lost = [GitHubError("502")] * 3, lost
    for _ in range(3):
        with pytest.raises(GitHubError):
            place.run(KEY, ASKED)
    place.run(KEY, ASKED)
    assert len(place.actions.answers) == (4 if lost else 1)
    for days in range(2, 20):
        place.stand(a_view(State.FROZEN, -0.5, memory={"since": NOW + days * DAY}))
        place.run(KEY)
    assert len(place.actions.answers) <= MOST_REPORTS


def test_an_approval_whose_answer_was_lost_is_done(held: Waiting) -> None:
    held.stand(OPEN)
    held.actions.errors, held.actions.lost = [GitHubError("no answer")], True
    with pytest.raises(GitHubError):
        held.run(KEY)
    held.run(KEY)
    assert held.actions.approved == ["production"]
    assert held.runs.of_repository(SHOP) == ()


def test_an_approval_that_github_failed_on_is_no_approval(held: Waiting) -> None:
    held.stand(OPEN)
    for _ in range(2):
        held.actions.errors = [GitHubError("502")]
        with pytest.raises(GitHubError):
            held.run(KEY)
        held.now += 2 * MINUTE
    assert held.actions.approved == []
    held.run(KEY)
    assert held.actions.approved == ["production"]


@pytest.mark.parametrize(
    "view", [pytest.param(OPEN, id="open"), pytest.param(FROZEN, id="shut, as it is the same commit")]
)
def test_a_job_that_is_started_again_is_let_go_again(place: Waiting, view: ServiceView) -> None:
    """The run is the same, and nobody looked at it in between."""
    place.put(OPEN)
    place.run(KEY, ASKED)
    place.now += 2 * MINUTE
    place.stand(view)
    place.actions.pending = ["production"]
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"] * 2


def test_a_job_that_github_still_lists_for_a_moment_is_let_go_once(place: Waiting) -> None:
    place.put(OPEN)
    place.run(KEY, ASKED)
    place.now += MINUTE / 2
    place.actions.pending = ["production"]
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"]


PROBATION = a_view(State.PROBATION, 0.12, service=a_service(gate=GATE))
ANOTHER = WorkKey.run(SHOP, 6)


def run_another(place: Waiting, sha: str = "f" * 40) -> None:
    """A second run comes, and the first is still under way."""
    place.actions.run = RunData(SHOP, 6, sha, "main", "dora", completed=False)
    place.actions.spans = {ends: Comparison((), complete=False) for ends in [(SHA, sha), (sha, SHA)]}
    place.actions.pending = ["production"]
    place.run(ANOTHER, ASKED)


def test_after_a_freeze_what_waited_goes_one_at_a_time(place: Waiting) -> None:
    place.put(PROBATION)
    place.run(KEY, ASKED)
    run_another(place)
    assert place.actions.approved == ["production"]
    assert (
        "one was deployed within the last hour, the next may go from 2026-11-22 13:00"
        in place.actions.answers[1][2]
    )
    place.now += timedelta(minutes=59)
    place.run(ANOTHER)
    assert place.actions.approved == ["production"]
    place.now += timedelta(minutes=1)
    place.stand(replace(PROBATION, memory=replace(PROBATION.memory, gaps=())))
    place.run(ANOTHER)
    assert place.actions.approved == ["production"] * 2


def test_what_is_let_go_does_not_wait_for_itself(place: Waiting) -> None:
    place.put(PROBATION)
    place.actions.errors = [GitHubError("502")]
    with pytest.raises(GitHubError):
        place.run(KEY, ASKED)
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"]


class Overtaken:
    """An observer, after whose first look at a deployment something else happens."""

    def __init__(self, observer: Any, meanwhile: Callable[[], None]) -> None:
        self._observer, self._meanwhile = observer, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._observer, name)

    def deployment(self, *about: Any) -> Any:
        seen = self._observer.deployment(*about)
        if self._meanwhile:
            self._meanwhile.pop()()
        return seen


def test_one_that_another_worker_overtakes_steps_back(place: Waiting) -> None:
    place.put(PROBATION)
    ours: Any = place.passes[Kind.RUN]
    first = place.actions.run

    def another_is_let_go() -> None:
        run_another(place)
        place.actions.run, place.actions.pending = first, ["production"]

    overtaken = replace(ours, observer=Overtaken(ours.observer, another_is_let_go))
    with pytest.raises(TemporaryError, match="another deployment to production goes first"):
        overtaken(KEY, [ASKED], place.now)
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"]
    assert "one was deployed within the last hour" in place.actions.answers[-1][2]


def gate_that_gives_up(after: str) -> Gate:
    return a_gate(deployments={"reject_after": after})


def frozen_and_gives_up(after: str, state: State = State.FROZEN) -> ServiceView:
    return a_view(state, -0.5, service=a_service(gate=gate_that_gives_up(after)), expected_end=NOW + DAY)


def test_a_deployment_that_waited_as_long_as_the_policy_allows_is_rejected_once(place: Waiting) -> None:
    place.put(frozen_and_gives_up("2h"))
    place.run(KEY, ASKED)
    ((_, answer, report),) = place.actions.answers
    assert (answer, "If it waits until 2026-11-22 14:00 UTC, it is rejected" in report) == (None, True)
    place.now += timedelta(hours=2) - timedelta(seconds=1)
    place.run(KEY)
    assert {answer for _, answer, _ in place.actions.answers} == {None}
    place.now += timedelta(seconds=1)
    for _ in range(2):
        place.run(KEY)
    *before, (environment, answer, report) = place.actions.answers
    assert {answer for _, answer, _ in before} == {None}
    assert (environment, answer) == ("production", "rejected")
    assert "It is rejected: the policy lets no deployment wait for longer" in report
    assert place.runs.of_repository(SHOP) == ()


def test_one_that_may_go_by_then_goes(place: Waiting) -> None:
    place.put(frozen_and_gives_up("2h"))
    place.run(KEY, ASKED)
    place.now += timedelta(hours=3)
    place.stand(replace(OPEN, service=a_service(gate=gate_that_gives_up("2h"))))
    place.run(KEY)
    assert place.actions.approved == ["production"]


def test_with_no_time_at_all_it_is_rejected_at_once(place: Waiting) -> None:
    place.put(frozen_and_gives_up("0m"))
    place.run(KEY, ASKED)
    assert [answer for _, answer, _ in place.actions.answers] == ["rejected"]


def test_a_rejection_whose_answer_was_lost_is_done(place: Waiting) -> None:
    place.put(frozen_and_gives_up("2h"))
    place.run(KEY, ASKED)
    place.now += timedelta(hours=2)
    place.actions.errors, place.actions.lost = [GitHubError("no answer")], True
    with pytest.raises(GitHubError):
        place.run(KEY)
    place.run(KEY)
    assert [answer for _, answer, _ in place.actions.answers] == [None, "rejected"]
    assert place.runs.of_repository(SHOP) == ()


def test_a_job_that_does_not_wait_yet_is_answered_later(place: Waiting) -> None:
    place.put(OPEN)
    place.actions.pending = []
    for _ in range(3):
        with pytest.raises(TemporaryError) as raised:
            place.run(KEY, ASKED)
        assert raised.value.retry_after is not None
        assert raised.value.retry_after >= 2
    place.actions.pending = ["production"]
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"]


def test_the_wait_for_a_job_that_never_waited_ends(place: Waiting) -> None:
    place.put(OPEN)
    place.actions.pending = []
    with pytest.raises(TemporaryError):
        place.run(KEY, ASKED)
    place.now += 2 * MINUTE
    assert place.run(KEY, ASKED) == {}
    assert place.runs.of_repository(SHOP) == ()


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(lambda actions: setattr(actions, "run", None), id="the run is deleted"),
        pytest.param(
            lambda actions: setattr(actions, "run", replace(actions.run, completed=True)), id="it has ended"
        ),
        pytest.param(lambda actions: actions.pending.clear(), id="an administrator started the job"),
    ],
)
def test_what_waits_no_more_is_forgotten(held: Waiting, gone: Any) -> None:
    gone(held.actions)
    held.run(KEY)
    assert held.runs.of_repository(SHOP) == ()
    assert held.actions.approved == []


def test_environments_that_our_rule_does_not_protect_are_left_alone(place: Waiting) -> None:
    place.put(OPEN)
    place.actions.pending = ["production", "elsewhere"]
    assert place.run(KEY).keys() == {"production"}
    assert place.actions.approved == ["production"]


def test_without_the_policies_nothing_is_answered(place: Waiting) -> None:
    with pytest.raises(TemporaryError, match="not read yet"):
        place.run(KEY, ASKED)
    assert place.actions.answers == []
    assert place.touched().keys() == {f"policies:{SHOP}"}


def test_where_no_policy_covers_the_repository_it_goes_on(place: Waiting) -> None:
    place.put()
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"]


def test_a_repository_with_another_name_is_looked_at_under_that(held: Waiting) -> None:
    assert held.actions.run is not None
    held.actions.run = replace(held.actions.run, repository="acme/store")
    held.run(KEY)
    assert held.runs.of_repository(SHOP) == ()
    assert held.touched().keys() == {"run:acme/store#5"}


def test_what_github_will_not_let_us_do_is_not_hidden(held: Waiting) -> None:
    held.stand(OPEN)
    held.actions.errors = [GitHubRefusedError("Resource not accessible by integration", status=403)]
    with pytest.raises(GitHubRefusedError):
        held.run(KEY)


@pytest.mark.parametrize(
    ("failing", "touched"),
    [
        pytest.param([], {"run:acme/shop#5"}, id="one we never heard of"),
        pytest.param([GitHubRefusedError("403", status=403)], set(), id="none that we may see"),
    ],
)
def test_a_sweep_finds_the_runs_that_wait(
    place: Waiting, failing: list[Exception], touched: set[str]
) -> None:
    place.actions.errors = failing
    place.run(WorkKey(Kind.RUNS, SHOP))
    assert place.touched().keys() == touched


def test_a_sweep_finds_those_that_wait_no_more(held: Waiting) -> None:
    held.actions.pending = []
    held.run(WorkKey(Kind.RUNS, SHOP))
    assert held.touched().keys() == {str(KEY)}


@pytest.mark.parametrize(
    ("service", "held"),
    [
        pytest.param("acme/checkout", True, id="what pipelines brought to it"),
        pytest.param(None, True, id="what they brought to all of the repository"),
        pytest.param("acme/search", False, id="not what they brought to another service only"),
    ],
)
def test_the_pace_counts(place: Waiting, service: str | None, *, held: bool) -> None:
    paced = a_gate(caution={"pace": {"deployments": "1/day"}})
    place.put(a_view(State.CAUTION, 0.2, service=a_service(gate=paced)))
    report = DeploymentStatus(
        id="acme/shop:7",
        environment="production",
        production=True,
        task="deploy",
        ref="main",
        sha=SHA,
        state="success",
        at=NOW - MINUTE,
        url=None,
    )
    place.deployments.claim(SHOP, report, service)
    place.run(KEY, ASKED)
    assert place.actions.approved == ([] if held else ["production"])


# What it brings


LIVE, FIX, FEATURE = head("b"), head("c"), head("d")


@pytest.fixture
def live(place: Waiting) -> Waiting:
    """LIVE was let go while the gate was open; pull request 1 is a fix, 2 a feature; now the service is frozen."""
    place.put(OPEN)
    assert place.actions.run is not None
    place.actions.run = replace(place.actions.run, head_sha=LIVE)
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"]
    place.actions.answers.clear()
    place.actions.open(1, open=False, merged_at=NOW, merge_commit=FIX)
    place.actions.open(2, sha=FEATURE)
    place.actions.origins = {FIX: (1,), FEATURE: (2,)}
    place.stand(FROZEN)
    return place


def deploy(live: Waiting, sha: str, *between: str, complete: bool = True) -> list[str]:
    """The next run deploys a commit; what is let go."""
    live.actions.pending = ["production"]
    live.actions.run = RunData(SHOP, RUN + 1, sha, "main", "dora", completed=False)
    live.actions.spans[LIVE, sha] = Comparison(between, complete)
    live.run(WorkKey.run(SHOP, RUN + 1), ASKED)
    return live.actions.approved


def test_a_fix_is_deployed_while_frozen(live: Waiting) -> None:
    live.actions.label(1, "reliability", "alice")
    assert deploy(live, FIX, FIX) == ["production"]
    assert "passes by its label reliability, set by @" in live.actions.answers[0][2]


def test_a_feature_that_comes_with_it_holds_it(live: Waiting) -> None:
    live.actions.label(1, "reliability", "alice")
    assert deploy(live, FEATURE, FIX, FEATURE) == []
    ((_, _, report),) = live.actions.answers
    assert f"`{SHOP}#2`" in report
    assert f"`{SHOP}#1`" not in report
    live.actions.label(2, "slo:override", "alice")
    live.run(WorkKey.run(SHOP, RUN + 1))
    assert live.actions.approved == ["production"]
    assert "let through by @alice" in live.actions.answers[-1][2].replace("\u2060", "")


@pytest.mark.parametrize("who", ["dora", "deploy[bot]"])
def test_a_label_by_somebody_who_may_not_lets_nothing_go(live: Waiting, who: str) -> None:
    live.actions.label(1, "slo:override", who, human=not who.endswith("[bot]"))
    live.actions.label(1, "reliability", who, human=not who.endswith("[bot]"))
    assert deploy(live, FIX, FIX) == []


def test_a_rollback_and_the_same_commit_again_bring_nothing_and_go(live: Waiting) -> None:
    assert deploy(live, head("e")) == ["production"]


@pytest.mark.parametrize(
    ("between", "complete"),
    [
        pytest.param([head("f")], True, id="somebody pushed without a pull request"),
        pytest.param([FIX], False, id="more than GitHub lists"),
        pytest.param([FIX] * 51, True, id="more than is looked into"),
    ],
)
def test_what_is_not_known_in_full_is_held(live: Waiting, between: list[str], *, complete: bool) -> None:
    live.actions.label(1, "reliability", "alice")
    assert deploy(live, FIX, *between, complete=complete) == []


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"sha": head("9")}, id="it is still open"),
        pytest.param({"open": False, "merged_at": NOW, "merge_commit": head("9")}, id="it was merged"),
    ],
)
def test_a_part_of_a_pull_request_is_held(live: Waiting, values: dict[str, Any]) -> None:
    """Its files are those of the whole: a later commit in it may take back what this one does."""
    live.actions.label(1, "reliability", "alice")
    live.actions.change(1, **({"open": True, "head_sha": values["sha"]} if "sha" in values else values))
    assert deploy(live, FIX, FIX) == []
    ((_, _, report),) = live.actions.answers
    assert "what it brings to `production`" in report


@pytest.mark.parametrize(
    ("values", "back"),
    [
        pytest.param({"merge_commit": head("e")}, True, id="it landed so"),
        pytest.param({"merge_commit": head("9")}, False, id="it is in the middle of what landed"),
        pytest.param(
            {"merge_commit": head("e"), "base_ref": "mine"},
            False,
            id="it landed where no gate holds anything",
        ),
        pytest.param(
            {"merge_commit": head("e"), "base_ref": "release/1"}, True, id="a branch that a policy names"
        ),
    ],
)
def test_only_what_ran_can_be_rolled_back_to(live: Waiting, values: dict[str, Any], *, back: bool) -> None:
    changes = (Change(paths=("**",), branches=("main", "release/*")),)
    live.put(replace(FROZEN, service=FROZEN.service.model_copy(update={"changes": changes})))
    live.actions.open(3, open=False, merged_at=NOW, **values)
    live.actions.origins[head("e")] = (3,)
    assert deploy(live, head("e")) == (["production"] if back else [])


def test_a_rollback_is_what_counts_from_then_on(live: Waiting) -> None:
    """What was taken back comes anew: it was let go once, and was not good."""
    assert deploy(live, head("e")) == ["production"]
    live.actions.answers.clear()
    live.actions.spans[head("e"), FEATURE] = Comparison((FEATURE,), complete=True)
    assert deploy(live, FEATURE, FEATURE) == []


def test_what_touches_no_frozen_service_goes(live: Waiting) -> None:
    narrow = FROZEN.service.model_copy(update={"changes": (Change(paths=("services/**",)),)})
    live.put(replace(FROZEN, service=narrow))
    assert deploy(live, FEATURE, FEATURE) == ["production"]


# Asked for by the API

ASKED_FOR = WorkKey(Kind.DEPLOYMENT, f"{SHOP}#7")
BEGAN, DONE, OURS = ("in_progress", "dora"), ("success", "dora"), ("pending", "gatekeeper[bot]")


@pytest.mark.parametrize(
    ("view", "before", "told"),
    [
        pytest.param(FROZEN, (), "failure", id="a shut gate, at once"),
        pytest.param(FROZEN, (BEGAN,), "failure", id="a shut gate, though it has begun"),
        pytest.param(FROZEN, (DONE, BEGAN), None, id="it is over"),
        pytest.param(OPEN, (), "pending", id="an open gate"),
        pytest.param(OPEN, (BEGAN,), None, id="an open gate, and it has begun: that says more"),
        pytest.param(FROZEN, (OURS,), None, id="it was answered"),
    ],
)
def test_a_deployment_by_the_api_is_answered_once(
    place: Waiting, view: ServiceView, before: tuple[tuple[str, str], ...], told: str | None
) -> None:
    place.put(view)
    place.actions.asked = replace(place.actions.asked, told=before)
    for _ in range(2):
        place.run(ASKED_FOR)
    ours = [state for state, login in place.actions.asked.told if login == place.actions.login()]
    assert ours == ([told] if told else [state for state, _ in before if (state, _) == OURS])


def test_without_a_policy_a_deployment_by_the_api_is_told_nothing(place: Waiting) -> None:
    with pytest.raises(TemporaryError, match="not read yet"):
        place.run(ASKED_FOR)
    place.put()
    place.run(ASKED_FOR)
    assert place.actions.asked.told == ()


def test_what_was_let_go_by_the_api_is_not_brought_again(place: Waiting) -> None:
    place.put(OPEN)
    place.run(ASKED_FOR)
    place.stand(FROZEN)
    place.actions.spans[SHA, SHA] = Comparison((), complete=True)
    place.run(KEY, ASKED)
    assert place.actions.approved == ["production"]
