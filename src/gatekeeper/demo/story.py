"""The story as it unfolds: what has come to pass, and the acts that people do by a button."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum, auto

from gatekeeper.availability.measure import Measured
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State
from gatekeeper.demo import cast
from gatekeeper.demo.clock import DemoClock
from gatekeeper.demo.github import Refused, World, merging
from gatekeeper.demo.history import History

FAST = 60.0
"""Demo seconds a second: an incident is watched, not waited for."""
FAILING_SHARE = 0.3
SPENT_ENOUGH = -0.1
"""With so little budget left the clock goes back to real time: nobody who reads a while buries the service."""
AFTERMATH = timedelta(minutes=7)
"""How long it takes until Gatekeeper has measured that an incident is over."""
BEFORE_THAW = timedelta(minutes=6)
LABEL = "slo:override"
BOT = "gatekeeper[bot]"
RIGHT, WRONG = "target: 99.95%", "target: 100%"


class Milestone(StrEnum):
    """What has come to pass; nothing undoes it."""

    FAILED = auto()
    FROZE = auto()
    MERGE_REFUSED = auto()
    RECOVERED = auto()
    OUTSIDER_ASKED = auto()
    OPERATOR_ASKED = auto()
    THAWED = auto()
    POLICY_BROKEN = auto()
    POLICY_MENDED = auto()


@dataclass(frozen=True)
class Facts:
    """How things stand.

    Attributes:
        state: checkout's gate; None before it was measured.
        remaining: the share of checkout's error budget that is left; None before it was measured.
        expected_end: when its freeze is expected to end, if that can be foreseen.
        failing: whether the incident goes on.
        merged: the pull requests that are merged, by number.
        mergeable: those that GitHub would merge now.
        labelled: those that carry the override label.
        comments: Gatekeeper's comment on each that has one, by number.
        mistaken: whether the policy file has a mistake.
        reached: what has come to pass.
    """

    now: datetime
    speed: float
    state: State | None
    remaining: float | None
    expected_end: datetime | None
    failing: bool
    merged: frozenset[int]
    mergeable: frozenset[int]
    labelled: frozenset[int]
    comments: Mapping[int, int]
    mistaken: bool
    reached: frozenset[Milestone]


class Story:
    """Every act returns a sentence on what came of it.

    Args:
        world: the simulated GitHub.
        history: the services' traffic.
        clock: everybody's.
        view: how checkout's gate stands; None before its first pass.
    """

    def __init__(
        self, world: World, history: History, clock: DemoClock, view: Callable[[], ServiceView | None]
    ) -> None:
        self._world = world
        self._history = history
        self._clock = clock
        self._view = view
        self._lock = threading.Lock()
        self._reached: set[Milestone] = set()
        self._fast_until: Callable[[Facts], bool] | None = None

    def facts(self) -> Facts:
        """How things stand now."""
        view = self._view()
        with self._world.lock:
            pulls = {number: self._world.pull(cast.SHOP, number) for number in cast.PULLS}
            mergeable = [
                number for number, pull in pulls.items() if merging.refusal(self._world, pull) is None
            ]
            comments = {one.number: one.id for one in self._world.comments.values() if one.author == BOT}
        with self._lock:
            reached = frozenset(self._reached)
        return Facts(
            now=self._clock(),
            speed=self._clock.speed,
            state=view.memory.state if view and not view.memory.gaps else None,
            remaining=_remaining(view),
            expected_end=view.expected_end if view else None,
            failing=self._history.failing(cast.SERVICE),
            merged=frozenset(number for number, pull in pulls.items() if pull.merged_at),
            mergeable=frozenset(mergeable),
            labelled=frozenset(number for number, pull in pulls.items() if LABEL in pull.labels),
            comments=comments,
            mistaken=WRONG in self._policy(),
            reached=reached,
        )

    def watch(self) -> None:
        """Note what has come to pass, and slow the clock down when there is nothing left to wait for."""
        facts = self.facts()
        if (milestone := _noticed(facts)) is not None:
            self._note(milestone)
            facts = replace(facts, reached=facts.reached | {milestone})
        with self._lock:
            done = self._fast_until is not None and self._fast_until(facts)
        if done:
            self.run(1)

    def run(self, speed: float, until: Callable[[Facts], bool] | None = None) -> str:
        """Let the clock run at this speed, until something has come to pass and then in real time."""
        with self._lock:
            self._fast_until = until
        self._clock.run(speed)
        return "The clock runs in real time." if speed == 1 else "A minute passes every second."

    def jump(self, by: timedelta) -> str:
        """Let so much time pass at once."""
        self._clock.jump(self._clock() + by)
        return f"It is {instant(self._clock())}."

    def start_incident(self) -> str:
        """Deploy, and let checkout fail from then on."""
        self._world.deploy(cast.SHOP, "main", by=cast.DEV)
        self._history.fail(cast.SERVICE, FAILING_SHARE, self._clock())
        self._note(Milestone.FAILED)
        self.run(FAST, until=_spent_enough)
        return f"Since that deployment {FAILING_SHARE:.0%} of all payments fail, and a minute passes every second."

    def end_incident(self) -> str:
        """Let checkout work again."""
        ended = self._clock()
        self._history.recover(cast.SERVICE, ended)
        self._note(Milestone.RECOVERED)
        self.run(FAST, until=lambda facts: facts.now >= ended + AFTERMATH)
        return "Payments go through again. What customers went through is not undone: the budget stays spent."

    def merge(self, number: int) -> str:
        """Click "Merge pull request" as the developer."""
        try:
            self._world.merge(cast.SHOP, number, by=cast.DEV)
        except Refused as refusal:
            self._note(Milestone.MERGE_REFUSED)
            return f"GitHub refuses: {' '.join(refusal.message.split())}"
        return f"Pull request #{number} is merged."

    def ask_to_override(self, login: str) -> str:
        """Put the override label on the feature."""
        self._world.label(cast.SHOP, cast.FEATURE, LABEL, by=login)
        self._note(Milestone.OPERATOR_ASKED if login == cast.OPS else Milestone.OUTSIDER_ASKED)
        return f"{self._world.account(login).name} put the label {LABEL} on pull request #{cast.FEATURE}."

    def go_to_thaw(self) -> str:
        """Let time pass until shortly before the expected end of the freeze, and then watch it end."""
        end = self.facts().expected_end
        if end is None:
            return "When the freeze ends cannot be foreseen yet."
        self._clock.jump(end - BEFORE_THAW)
        self.run(FAST, until=lambda facts: Milestone.THAWED in facts.reached)
        return f"It is {instant(self._clock())}: in a moment the bad hours leave the window of 28 days."

    def break_policy(self) -> str:
        """Commit a mistake to checkout's policy file."""
        self._edit_policy(RIGHT, WRONG, "Promise more")
        self._note(Milestone.POLICY_BROKEN)
        return "Somebody committed a target of 100 %: a promise that leaves no budget."

    def mend_policy(self) -> str:
        """Commit the file as it was."""
        self._edit_policy(WRONG, RIGHT, "Promise what can be kept")
        self._note(Milestone.POLICY_MENDED)
        return "The policy file is as it was."

    def _edit_policy(self, old: str, new: str, message: str) -> None:
        self._world.update_file(
            cast.SHOP, cast.POLICY, self._policy().replace(old, new), by=cast.DEV, message=message
        )

    def _policy(self) -> str:
        return self._world.head(cast.SHOP, "main").files[cast.POLICY].decode()

    def _note(self, milestone: Milestone) -> None:
        with self._lock:
            self._reached.add(milestone)


def _noticed(facts: Facts) -> Milestone | None:
    if facts.state is State.FROZEN:
        return Milestone.FROZE
    if facts.state is not None and Milestone.FROZE in facts.reached and not facts.failing:
        return Milestone.THAWED
    return None


def _spent_enough(facts: Facts) -> bool:
    return facts.remaining is not None and facts.remaining <= SPENT_ENOUGH


def _remaining(view: ServiceView | None) -> float | None:
    found = view.objectives[0].evidence if view and view.objectives else None
    return found.remaining if isinstance(found, Measured) else None
