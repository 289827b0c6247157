"""The demo's story: what each act does, what is noticed, and when time slows down again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from builders import a_view
from gatekeeper.availability.measure import Unmeasured
from gatekeeper.decide.verdict import Doubt, Gap, State
from gatekeeper.demo import cast
from gatekeeper.demo.clock import DemoClock
from gatekeeper.demo.github import AppKey, Hook
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.story import AFTERMATH, BEFORE_THAW, FAST, Milestone, Story
from gatekeeper.policy.loader import PolicyFile, load

if TYPE_CHECKING:
    from gatekeeper.decide.snapshot import ServiceView
    from gatekeeper.demo.github import World
    from gatekeeper.demo.history import History

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Told:
    """A story in a world of its own; ``view`` is what Gatekeeper would say of checkout, ``seconds`` are real."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.view: ServiceView | None = a_view(State.OPEN, 0.34)
        self.clock = DemoClock(NOON, monotonic=lambda: self.seconds)
        self.world: World = cast.world(
            self.clock, public_key=AppKey.shared().public, signing_clock=self.clock
        )
        self.history: History = cast.history(NOON)
        self.story = Story(self.world, self.history, self.clock, lambda: self.view)

    def report(self, number: int, conclusion: str) -> None:
        """Gatekeeper's check on a pull request."""
        head = self.world.pull(cast.SHOP, number).head_sha
        self.world.report_check(cast.SHOP, head, "gatekeeper", app_id=APP_ID, conclusion=conclusion)

    def watch(self, view: ServiceView) -> frozenset[Milestone]:
        """Let Gatekeeper say this, and the story notice it."""
        self.view = view
        self.story.watch()
        return self.story.facts().reached


@pytest.fixture
def told() -> Told:
    return Told()


def test_in_the_beginning_five_pull_requests_are_open_and_a_third_of_the_budget_is_left(told: Told) -> None:
    facts = told.story.facts()
    assert (facts.state, facts.remaining, facts.failing) == (State.OPEN, 0.34, False)
    assert (facts.merged, facts.mergeable, facts.labelled, facts.reached) == (frozenset(),) * 4
    assert {pull.number for pull in told.world.pulls_of(cast.SHOP, state="open")} == set(cast.PULLS)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(None, id="before the first pass"),
        pytest.param(
            a_view(
                left=Unmeasured(NOON, NOON, "no data", coverage=0.0, watermark=None),
                memory={"gaps": (Gap("availability", Doubt.BACKFILLING),)},
            ),
            id="while the history is read",
        ),
    ],
)
def test_nothing_is_said_of_a_gate_that_was_not_measured(told: Told, view: ServiceView | None) -> None:
    told.view = view
    facts = told.story.facts()
    assert (facts.state, facts.remaining) == (None, None)


def test_an_incident_fails_payments_and_time_runs_fast_until_the_budget_is_spent(told: Told) -> None:
    assert "30% of all payments fail" in told.story.start_incident()
    assert told.history.failing("checkout")
    for left, speed in ((0.2, FAST), (0.0, FAST), (-0.09, FAST), (-0.1, 1.0)):
        told.watch(a_view(State.FROZEN, left))
        assert told.clock.speed == speed


def test_an_incident_follows_a_deployment(told: Told) -> None:
    told.world.deliveries.hook = Hook("http://127.0.0.1:9/", "secret", APP_ID)
    told.story.start_incident()
    emitted = told.world.deliveries.emitted
    sent = [one.payload["deployment_status"] for one in emitted if one.event == "deployment_status"]
    assert [one["state"] for one in sent] == ["in_progress", "success"]


def test_time_runs_on_until_the_end_of_the_incident_is_measured(told: Told) -> None:
    told.story.start_incident()
    told.story.end_incident()
    assert not told.history.failing("checkout")
    frozen = a_view(State.FROZEN, -0.2)
    told.seconds += AFTERMATH.total_seconds() / FAST - 1
    told.watch(frozen)
    assert told.clock.speed == FAST
    told.seconds += 1
    told.watch(frozen)
    assert told.clock.speed == 1


def test_a_thaw_comes_after_a_freeze_and_not_before_the_incident_is_over(told: Told) -> None:
    assert Milestone.THAWED not in told.watch(a_view(State.OPEN, 0.34))
    told.story.start_incident()
    assert Milestone.FROZE in told.watch(a_view(State.FROZEN, 0.2))
    assert Milestone.THAWED not in told.watch(a_view(State.CAUTION, 0.2))
    told.story.end_incident()
    assert Milestone.THAWED in told.watch(a_view(State.PROBATION, 0.2))
    assert {Milestone.FROZE, Milestone.THAWED} <= told.watch(a_view(State.OPEN, 0.4))


def test_the_way_to_the_thaw_is_a_jump_and_a_fast_rest(told: Told) -> None:
    end = NOON + timedelta(days=3)
    told.watch(a_view(State.FROZEN, -0.1, expected_end=end))
    told.story.go_to_thaw()
    assert (told.clock(), told.clock.speed) == (end - BEFORE_THAW, FAST)
    told.watch(a_view(State.FROZEN, 0.05, expected_end=end))
    assert told.clock.speed == FAST
    told.watch(a_view(State.CAUTION, 0.12))
    assert told.clock.speed == 1


def test_where_the_end_cannot_be_foreseen_time_stays(told: Told) -> None:
    told.view = a_view(State.FROZEN, -9.0)
    assert "cannot be foreseen" in told.story.go_to_thaw()
    assert told.clock() == NOON


def test_whoever_sets_the_speed_keeps_it(told: Told) -> None:
    told.story.start_incident()
    told.story.run(FAST)
    told.watch(a_view(State.FROZEN, -0.5))
    assert told.clock.speed == FAST


def test_a_jump_says_when_it_is(told: Told) -> None:
    assert told.story.jump(timedelta(days=1)) == "It is 2026-11-03 12:00 UTC."


def test_github_decides_what_is_merged(told: Told) -> None:
    told.report(cast.FEATURE, "action_required")
    refused = told.story.merge(cast.FEATURE)
    assert refused.startswith("GitHub refuses: ")
    assert '"gatekeeper" is failing' in refused
    assert Milestone.MERGE_REFUSED in told.story.facts().reached
    told.report(cast.FEATURE, "success")
    assert told.story.facts().mergeable == {cast.FEATURE}
    assert told.story.merge(cast.FEATURE) == "Pull request #1 is merged."
    assert told.story.facts().merged == {cast.FEATURE}
    assert told.world.pull(cast.SHOP, cast.FEATURE).merged_by == cast.DEV


@pytest.mark.parametrize(
    ("login", "name", "milestone"),
    [
        pytest.param(cast.OUTSIDER, "Otto Out", Milestone.OUTSIDER_ASKED, id="somebody who is not entitled"),
        pytest.param(cast.OPS, "Oskar Ops", Milestone.OPERATOR_ASKED, id="somebody who is"),
    ],
)
def test_anybody_may_ask_for_an_override(told: Told, login: str, name: str, milestone: Milestone) -> None:
    assert told.story.ask_to_override(login).startswith(name)
    facts = told.story.facts()
    assert facts.labelled == {cast.FEATURE}
    assert milestone in facts.reached
    (event,) = (one for one in told.world.events if one.label == "slo:override")
    assert event.actor == login


def test_only_the_operator_is_in_the_team_that_the_policy_names(told: Told) -> None:
    team = told.world.team("acme", "sre")
    assert told.world.membership(team, cast.OPS)
    assert told.world.membership(team, cast.OUTSIDER) is None


def test_the_mistake_is_one_and_can_be_mended(told: Told) -> None:
    def policy() -> str:
        return told.world.head(cast.SHOP, "main").files[cast.POLICY].decode()

    right = policy()
    told.story.break_policy()
    assert told.story.facts().mistaken
    loaded = load([PolicyFile(cast.POLICY, policy())], repository=cast.SHOP)
    assert ["100 % leaves no budget" in str(problem) for problem in loaded.problems] == [True]
    told.story.mend_policy()
    assert policy() == right
    assert {Milestone.POLICY_BROKEN, Milestone.POLICY_MENDED} <= told.story.facts().reached
