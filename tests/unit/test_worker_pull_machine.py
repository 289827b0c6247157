"""Hypothesis looks for an order of events, losses, failures and refusals after which GitHub stays wrong."""

import tempfile
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from builders import DAY, HOUR, MINUTE, NOW, TEAM, a_gate, a_service, a_view, measured
from databases import opened
from fakes import SHOP, Place, head
from gatekeeper.decide.desired import desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State
from gatekeeper.errors import GitHubError, GitHubRefusedError, PermanentError, TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.worker.pull_pass import FAN_OUT

NUMBERS = st.integers(1, 3)
HEADS = st.sampled_from([head("a"), head("b"), head("c")])
GATE = a_gate(exempt={"labels": ["reliability"]}, override={"teams": [TEAM], "lasts": "2h"})
SERVICES = {name: a_service(name, gate=GATE) for name in ("checkout", "search")}
PATHS = {1: ("src/app.py",), 2: ("src/app.py",), 3: ("docs/a.md",)}
WRITES = st.sampled_from(
    [
        "create_check",
        "update_check",
        "add_labels",
        "remove_label",
        "create_comment",
        "edit_comment",
        "delete_comment",
    ]
)
CALLS = (
    st.sampled_from(["pull", "files", "check_runs", "comments", "last_labeled", "is_active_member"]) | WRITES
)
LABELS = st.sampled_from(["slo:override", "reliability", "bug"])


def gate(name: str, state: State, **memory: Any) -> ServiceView:
    """A gate whose evidence never grows old: that is the service's pass to find."""
    found = measured(-0.5 if state is State.FROZEN else 0.2, watermark=NOW + 365 * DAY)
    return a_view(state, found, service=SERVICES[name], memory=memory)


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.place = Place(self.stack.enter_context(opened(f"sqlite:///{folder}/gatekeeper.db")))
        self.github = self.place.github
        self.in_force: set[str] = set()

    @initialize(states=st.tuples(st.sampled_from(State), st.sampled_from(State)))
    def begin(self, states: tuple[State, State]) -> None:
        self.github.create(SHOP)
        self.place.put(*(gate(name, state) for name, state in zip(SERVICES, states, strict=True)))
        self.now_moves(timedelta(0))

    # The world

    @rule(number=NUMBERS, sha=HEADS, heard=st.booleans())
    def opened_or_pushed_to(self, number: int, sha: str, *, heard: bool) -> None:
        if (SHOP, number) in self.github.pulls:
            self.github.change(number, head_sha=sha, open=True)
        else:
            self.github.open(number, sha=sha, paths=PATHS[number])
        self.event(number, heard=heard)

    @precondition(lambda self: self.github.pulls)
    @rule(number=NUMBERS, heard=st.booleans())
    def closed(self, number: int, *, heard: bool) -> None:
        if (SHOP, number) in self.github.pulls:
            self.github.change(number, open=False)
            self.event(number, heard=heard)

    @precondition(lambda self: self.github.pulls)
    @rule(number=NUMBERS, label=LABELS, by=st.sampled_from(["alice", "mallory"]), heard=st.booleans())
    def labeled(self, number: int, label: str, by: str, *, heard: bool) -> None:
        if (SHOP, number) in self.github.pulls:
            self.github.label(number, label, by=by, at=self.place.now)
            self.event(number, heard=heard)

    @precondition(lambda self: self.github.pulls)
    @rule(number=NUMBERS, label=LABELS | st.just("slo:frozen"), heard=st.booleans())
    def unlabeled(self, number: int, label: str, *, heard: bool) -> None:
        if (SHOP, number) in self.github.pulls:
            self.github.unlabel(number, label)
            self.event(number, heard=heard)

    @rule(name=st.sampled_from(sorted(SERVICES)), state=st.sampled_from(State))
    def gate_moves(self, name: str, state: State) -> None:
        """As a service's pass does it: the gate and its touches in one transaction."""
        view = gate(name, state, since=self.place.now)
        before = self.place.gates.view(view.service.key)
        touches = [
            Touch(WorkKey.pull(repository, number), priority, FAN_OUT)
            for repository, number, priority in self.place.pulls.touching(view.service.key)
        ]
        assert before is not None
        if before.memory.state is not state:
            self.place.gates.save(view, before.memory.state, touches, self.place.now)

    @rule(by=st.sampled_from([timedelta(seconds=1), MINUTE, HOUR, 3 * HOUR]))
    def now_moves(self, by: timedelta) -> None:
        self.place.now += by

    # What goes wrong

    @rule(call=CALLS)
    def fails_once(self, call: str) -> None:
        self.github.failing[call] = GitHubError("502")

    @rule(call=WRITES)
    def is_refused(self, call: str) -> None:
        self.github.refusing[call] = 403

    @rule()
    def is_allowed_again(self) -> None:
        self.github.refusing.clear()

    @rule(call=CALLS, number=NUMBERS)
    def another_worker_is_faster(self, call: str, number: int) -> None:
        """While this call is under way, a pass over another pull request, or over the same, begins and ends."""

        def pass_over_it() -> None:
            self.attempt(WorkKey.pull(SHOP, number))

        self.github.meanwhile[call] = pass_over_it

    @rule(call=CALLS, number=NUMBERS, label=LABELS)
    def another_worker_sees_more(self, call: str, number: int, label: str) -> None:
        """While this call is under way, a label is put on or off, and a pass that sees that begins and ends."""

        def toggle_and_pass() -> None:
            if (SHOP, number) in self.github.pulls:
                self.place.now += timedelta(seconds=1)
                worn = label in self.github.labels(number)
                self.github.unlabel(number, label) if worn else self.github.label(
                    number, label, "alice", self.place.now
                )
                self.attempt(WorkKey.pull(SHOP, number))

        self.github.meanwhile[call] = toggle_and_pass

    # Work

    @rule()
    def one_pass(self) -> None:
        if claim := self.place.claim():
            self.work_on(claim)

    @rule()
    def sweep(self) -> None:
        self.attempt(WorkKey(Kind.REPOSITORY, SHOP))

    def event(self, number: int, *, heard: bool) -> None:
        if heard:
            self.place.record.touch([Touch(WorkKey.pull(SHOP, number))])

    def attempt(self, key: WorkKey, *hints: Any) -> str:
        self.note_in_force()  # perhaps another worker's, whose pass this one interrupts
        try:
            return self.outcome(key, *hints)
        finally:
            self.note_in_force()

    def note_in_force(self) -> None:
        known = self.place.pulls.open(SHOP).values()
        self.in_force |= {one.decision for one in known if one.decision is not None}

    def outcome(self, key: WorkKey, *hints: Any) -> str:
        try:
            self.place.run(key, *hints)
        except TemporaryError:
            return "retry"
        except (PermanentError, GitHubRefusedError):
            return "park"
        return "done"

    def work_on(self, claim: Any) -> None:
        match self.attempt(claim.key, *claim.hints):
            case "done":
                self.place.work.finish(claim, self.place.now)
            case "retry":
                self.place.work.retry(claim, self.place.now, "502")
            case "park":
                self.place.work.park(claim, self.place.now, "403")

    # The end

    def teardown(self) -> None:
        """All is well again; what was given up is tried, the sweep comes by, and time is up for overrides."""
        try:
            self.github.failing.clear()
            self.github.refusing.clear()
            self.github.meanwhile.clear()
            self.place.now += timedelta(minutes=2)  # leases of nobody run out
            again = [Touch(key, hint=FAN_OUT) for key in self.place.record.parked()]
            ended = [Touch(WorkKey.pull(*pull)) for pull in self.place.overrides.ended(self.place.now)]
            self.place.record.touch([*again, *ended, Touch(WorkKey(Kind.REPOSITORY, SHOP))])
            self.work_off()
            self.place.record.touch([Touch(WorkKey(Kind.REPOSITORY, SHOP))])  # our own labels changed them
            self.work_off()
            self.check()
        finally:
            self.stack.close()

    def work_off(self) -> None:
        for _ in range(200):
            if not (claim := self.place.claim()):
                return
            self.work_on(claim)
        raise AssertionError("no end")

    def check(self) -> None:
        open_ = sorted(number for (_, number), pull in self.github.pulls.items() if pull.open)
        snapshots = {number: self.place.observe(number).snapshot for number in open_}
        wanted = {number: desire(one, decide(one)) for number, one in snapshots.items()}
        for number in open_:
            sha = self.github.pulls[SHOP, number].head_sha
            rivals = [one for one in open_ if self.github.pulls[SHOP, one].head_sha == sha]
            strictest = max(wanted[one].check.verdict for one in rivals)
            shown = [run for run in self.github.checks.values() if run["sha"] == sha]
            said = {wanted[one].check.conclusion for one in rivals if wanted[one].check.verdict is strictest}
            assert shown, f"#{number} has no check"
            assert shown[-1]["conclusion"] in said, f"#{number} shows {shown[-1]['conclusion']} for {said}"
            ours = {"slo:frozen", "slo:caution"} & set(self.github.labels(number))
            assert ours == wanted[number].labels, f"#{number} wears {ours}"
            assert not wanted[number].strip & set(self.github.labels(number)), (
                f"#{number} wears a refused label"
            )
            assert len(self.github.ours(number)) <= 1, f"#{number} has several comments"
        self.github.calls.clear()
        for number in open_:
            assert self.attempt(WorkKey.pull(SHOP, number), FAN_OUT) == "done"
        assert self.github.writes == [], "a second pass writes nothing"
        stored = {one.id for one in self.place.decisions.latest(most=10_000)}
        assert stored == self.in_force, "a decision is on record that never was in force"


TestPullMachine = Machine.TestCase
TestPullMachine.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    phases=set(Phase) - {Phase.explain},  # it takes minutes, and the steps say enough
    suppress_health_check=list(HealthCheck),
)


def test_of_two_workers_that_write_the_first_comment_at_once_one_takes_its_own_back() -> None:
    """GitHub is so slow that a second worker takes the first one's pass for dead, and then both arrive."""
    machine = Machine()
    machine.begin(states=(State.OPEN, State.OPEN))
    machine.opened_or_pushed_to(number=3, sha=head("a"), heard=True)
    machine.labeled(number=3, label="slo:override", by="alice", heard=False)
    machine.now_moves(3 * HOUR)
    machine.another_worker_is_faster(call="create_comment", number=3)
    machine.one_pass()
    assert machine.github.calls.count("create_comment") == 2
    assert len(machine.github.ours(3)) == 1
    machine.teardown()
