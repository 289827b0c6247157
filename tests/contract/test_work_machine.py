"""Whatever happens in whatever order: no touch is lost, no key has two holders, no hint goes unseen."""

import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from databases import opened
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Priority, Touch
from gatekeeper.store.work import Claim, Work

LEASE = timedelta(seconds=15)
KEYS = [WorkKey.pull("acme/shop", number) for number in (1, 2, 3)]


class WorkTable(RuleBasedStateMachine):
    """The table beside the simplest account of what it owes: touches not yet seen by a finished pass."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        folder = self.resources.enter_context(tempfile.TemporaryDirectory())
        database = self.resources.enter_context(opened(f"sqlite:///{Path(folder)}/gatekeeper.db"))
        self.work = Work(database)
        self.now = datetime(2026, 11, 2, tzinfo=UTC)
        self.owed: dict[WorkKey, set[int]] = {key: set() for key in KEYS}  # touches by number
        self.seen: dict[str, set[int]] = {}  # by claim: the touches before it
        self.holder: dict[WorkKey, tuple[str, datetime]] = {}  # token, until
        self.numbers = 0

    @rule(key=st.sampled_from(KEYS), priority=st.sampled_from(Priority))
    def touch(self, key: WorkKey, priority: Priority) -> None:
        self.numbers += 1
        self.work.add([Touch(key, priority, {"number": self.numbers})], self.now)
        self.owed[key].add(self.numbers)

    @rule(target=claims)
    def claim(self) -> Claim | None:
        claim = self.work.claim(self.now, LEASE)
        if claim is not None:
            held = self.holder.get(claim.key)
            assert held is None or held[1] <= self.now, "two holders"
            assert {hint["number"] for hint in claim.hints} == self.owed[claim.key], (
                "a hint was lost or stayed"
            )
            assert claim.hints, "nothing was owed"
            self.holder[claim.key] = (claim.token, self.now + LEASE)
            self.seen[claim.token] = set(self.owed[claim.key])
        return claim

    @rule(claim=consumes(claims))
    def finish(self, claim: Claim | None) -> None:
        if claim is not None and self._ends(claim, ours=self.work.finish(claim, self.now)):
            self.owed[claim.key] -= self.seen[claim.token]

    @rule(claim=consumes(claims), seconds=st.integers(0, 120))
    def retry(self, claim: Claim | None, seconds: int) -> None:
        if claim is not None:
            self._ends(claim, ours=self.work.retry(claim, self.now + timedelta(seconds=seconds), "502"))

    @rule(claim=consumes(claims))
    def park(self, claim: Claim | None) -> None:
        if claim is not None:
            self._ends(claim, ours=self.work.park(claim, self.now, "403"))

    @rule(claim=claims)
    def extend(self, claim: Claim | None) -> None:
        if claim is not None and self.work.extend(claim, self.now + LEASE):
            assert self.holder[claim.key][0] == claim.token
            self.holder[claim.key] = (claim.token, self.now + LEASE)

    @rule(key=st.sampled_from(KEYS))
    def unpark(self, key: WorkKey) -> None:
        self.work.unpark(key, self.now)

    @rule(milliseconds=st.integers(1, 20_000))
    def wait(self, milliseconds: int) -> None:
        self.now += timedelta(milliseconds=milliseconds)

    @invariant()
    def parked_is_never_clean(self) -> None:
        assert all(self.owed[parked.key] for parked in self.work.parked())

    def teardown(self) -> None:
        for key in KEYS:
            self.work.unpark(key, self.now)
        self.now += timedelta(hours=1)
        while claim := self.work.claim(self.now, LEASE):
            self.work.finish(claim, self.now)
            self.owed[claim.key] -= {hint["number"] for hint in claim.hints}
        self.resources.close()
        assert self.owed == {key: set() for key in KEYS}, "a touch was lost"

    def _ends(self, claim: Claim, *, ours: bool) -> bool:
        assert ours == (self.holder.get(claim.key, ("", None))[0] == claim.token)
        if ours:
            del self.holder[claim.key]
        return ours


WorkTable.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestWorkTable = WorkTable.TestCase
