"""Asking until a gate opens: how often, how long, and what is said meanwhile. On a simulated clock."""

from dataclasses import dataclass, field

import pytest

from gatekeeper.cli.exits import Code
from gatekeeper.cli.told import Told
from gatekeeper.cli.waiting import ask_until
from gatekeeper.errors import ConfigurationError, TemporaryError

YES = Told({}, allowed=True, known=True, warns=False, sentence="well", reasons=())
NO = Told({}, allowed=False, known=True, warns=False, sentence="frozen", reasons=())
DARK = Told({}, allowed=True, known=False, warns=True, sentence="not measured", reasons=())


@dataclass
class Gate:
    """A gate that says one thing until ``opens``; it holds a request as long as the server would, if it may.

    Attributes:
        holds: whether it waits before it says no.
        asked: when it was asked, and how long it might wait.
    """

    opens: float = float("inf")
    shut: Told | Exception = NO
    holds: bool = False
    now: float = 0.0
    asked: list[tuple[float, float]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def ask(self, wait: float) -> Told:
        self.asked.append((self.now, wait))
        if self.holds:
            self.now = min(self.now + wait, max(self.opens, self.now))
        if self.now >= self.opens:
            return YES
        if isinstance(self.shut, Exception):
            raise self.shut
        return self.shut

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def until(self, seconds: float) -> Told:
        return ask_until(self.ask, seconds, self.heard.append, clock=self.time, sleep=self.sleep)

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize("holds", [pytest.param(True, id="held"), pytest.param(False, id="answered at once")])
@pytest.mark.parametrize("opens", [0.0, 7.0, 100.0])
def test_it_goes_on_once_the_gate_opens(opens: float, *, holds: bool) -> None:
    gate = Gate(opens, holds=holds)
    assert gate.until(3600) is YES
    assert opens <= gate.now <= opens + (0 if holds else 10)


@pytest.mark.parametrize("holds", [pytest.param(True, id="held"), pytest.param(False, id="answered at once")])
@pytest.mark.parametrize(
    ("shut", "code"),
    [pytest.param(NO, Code.NO, id="blocked"), pytest.param(DARK, Code.UNKNOWN, id="not known")],
)
def test_at_the_deadline_the_last_answer_counts(shut: Told, code: Code, *, holds: bool) -> None:
    gate = Gate(shut=shut, holds=holds)
    assert gate.until(61).code is code
    assert gate.now == 61
    assert gate.asked[-1] == (61.0, 0.0)
    assert len(gate.heard) == 1, "the same reason is told once"


def test_a_gate_that_opens_at_the_deadline_is_open() -> None:
    assert Gate(opens=60).until(60) is YES


def test_a_server_that_holds_requests_is_asked_anew_without_a_pause() -> None:
    gate = Gate(holds=True)
    gate.until(60)
    assert gate.asked == [(0, 0), (0, 25), (25, 25), (50, 10), (60, 0)]


def test_one_that_does_not_is_asked_every_ten_seconds() -> None:
    gate = Gate()
    gate.until(25)
    assert [at for at, _ in gate.asked] == [0, 0, 10, 20, 25]


def test_without_patience_it_is_asked_once() -> None:
    gate = Gate()
    told = gate.until(0)
    assert (told, gate.asked, gate.heard) == (NO, [(0, 0)], [])


def test_a_server_that_is_away_for_a_while_is_asked_again() -> None:
    gate = Gate(opens=30, shut=TemporaryError("no answer"))
    assert gate.until(3600) is YES
    assert gate.heard == ["no answer"]


def test_one_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    gate = Gate(shut=TemporaryError("busy", retry_after=40))
    with pytest.raises(TemporaryError, match="busy"):
        gate.until(60)
    assert [at for at, _ in gate.asked] == [0, 40, 60]


def test_a_mistake_is_not_waited_for() -> None:
    gate = Gate(shut=ConfigurationError("no such service"))
    with pytest.raises(ConfigurationError):
        gate.until(3600)
    assert gate.now == 0
