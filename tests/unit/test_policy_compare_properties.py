"""What the comparison of policies promises: what it does not call looser lets nothing more through."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from builders import (
    DAY,
    HOUR,
    NOW,
    TEAM,
    a_pull,
    a_service,
    an_incident,
    an_objective,
    evidence,
    measured,
    unmeasured,
)
from gatekeeper.availability.burn import SPANS
from gatekeeper.availability.measure import Measured
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import Landed, OverrideRequest, ServiceView, Snapshot
from gatekeeper.decide.verdict import Memory, Spared, State, Verdict
from gatekeeper.policy.compare import Difference, Direction, compare
from gatekeeper.policy.covers import Everything, exempt_by_paths, touched
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.model import Service

MANY = settings(max_examples=80)
GATE: dict[str, Sequence[Any]] = {
    "mode": ["observe", "advise", "enforce"],
    "caution.below": ["10%", "25%", "50%"],
    "caution.pace.deployments": ["off", "1/day", "3/day"],
    "caution.pace.changed_lines": ["off", 40, 400],
    "freeze.below": ["0%", "2%", "5%"],
    "freeze.burn": ["off", "fast"],
    "freeze.incident_over": ["off", "20%", "50%"],
    "freeze.at_most": ["off", "1d", "10d"],
    "thaw.above": ["6%", "9%", "30%"],
    "thaw.or_quiet_for": ["1h", "72h", "10d"],
    "probation.for": ["off", "0s", "24h", "3d"],
    "exempt.labels": [[], ["security"], ["security", "reliability"], ["reliability", "security"]],
    "exempt.paths": [[], ["docs/**"], ["docs/**", "*.md"], ["**", "!src/**"], ["!src/**", "**"]],
    "override.label": ["slo:override", "break-glass"],
    "override.teams": [[], [TEAM], [TEAM, "@acme/leads"], ["@acme/leads", TEAM]],
    "override.lasts": ["1h", "24h", "10d"],
    "override.reason": ["asked", "required"],
    "exempt.reverts": [False, True],
    "unknown.hold": ["0s", "1h", "10d"],
    "unknown.then": ["advise", "block"],
}
"""Some values of each key, all of which go together."""
ORDERED = {key: values for key, values in GATE.items() if not isinstance(values[0], list)} | {
    "target": ["0.99", "0.9995", "0.9999"]
}
ORDERED.pop("override.label")


SERVICE = a_service()


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """Values by dotted path as a document has them."""
    document: dict[str, Any] = {}
    for key, value in values.items():
        *blocks, last = key.split(".")
        block = document
        for name in blocks:
            block = block.setdefault(name, {})
        block[last] = value
    return document


def with_gate(values: dict[str, Any], service: Service | None = None) -> Service:
    gate = Gate.model_validate(nested(values))
    return (service or SERVICE).model_copy(update={"gate": gate})


def remade(service: Service, **values: Any) -> Service:
    """The same service with other values, each checked again."""
    return Service.model_validate({name: getattr(service, name) for name in Service.model_fields} | values)


def looser(before: Service | Iterable[Service], after: Service | Iterable[Service]) -> list[Difference]:
    return [one for one in differences(before, after) if one.direction is Direction.LOOSER]


def differences(
    before: Service | Iterable[Service], after: Service | Iterable[Service]
) -> tuple[Difference, ...]:
    old, new = ((one,) if isinstance(one, Service) else one for one in (before, after))
    return compare(old, new)


SETTINGS = st.fixed_dictionaries(
    {key: st.sampled_from(values) for key, values in GATE.items()}
    | {"mode": st.sampled_from(["enforce"] * 6 + ["observe", "advise"])}
)
EDITS = st.lists(
    st.sampled_from(sorted(GATE)).flatmap(lambda key: st.tuples(st.just(key), st.sampled_from(GATE[key]))),
    min_size=1,
    max_size=6,
)


@st.composite
def tightened_gates(draw: st.DrawFn) -> tuple[Service, Service]:
    """A service, and the same with gate settings of which none is called looser."""
    old = draw(SETTINGS)
    before, new = with_gate(old), dict(old)
    for key, value in draw(EDITS):
        if not looser(before, with_gate(new | {key: value})):
            new[key] = value
    after = with_gate(new)
    assert not looser(before, after)
    return before, after


PATTERNS = ["**", "src/**", "src/a", "*.md", "/src/b/", "!src/a", "!**/*.md", "src/*", "docs"]
PATHS = ["src/a", "src/b/x.py", "src/README.md", "docs/a", "a.md", "docs/deep/a.md"]
BRANCHES = ["main", "release/1", "dev"]


@st.composite
def changes(draw: st.DrawFn) -> list[dict[str, Any]]:
    def patterns() -> list[str]:
        found = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3))
        return found if any(not one.startswith("!") for one in found) else ["**", *found]

    return [
        {
            "repository": draw(st.sampled_from([None, "acme/shop", "Acme/Shop", "acme/web"])),
            "paths": patterns(),
            "branches": draw(
                st.lists(st.sampled_from(["main", "release/*", "**", "*"]), max_size=2, unique=True)
            ),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]


ADJUSTED = [
    {"from": NOW - 3 * DAY, "to": NOW - 2 * DAY, "reason": "maintenance", "as": "up"},
    {"from": NOW - 3 * DAY, "to": NOW - 2 * DAY, "reason": "a load test", "as": "excluded"},
    {"from": NOW - 3 * DAY, "to": NOW - DAY, "reason": "maintenance", "as": "up"},
]
EXCEPTED = [
    {"target": "98%", "until": NOW + 5 * DAY, "reason": "a sale"},
    {"target": "98%", "until": NOW + 9 * DAY, "reason": "a sale"},
    {"target": "98%", "from": NOW, "until": NOW + 9 * DAY, "reason": "a longer sale"},
    {"target": "99.995%", "until": NOW + 9 * DAY, "reason": "an audit"},
]


@st.composite
def services(draw: st.DrawFn, name: str = "checkout") -> Service:
    names = draw(st.sampled_from([["availability"], ["latency"], ["availability", "latency"]]))
    return remade(
        a_service(name, description=draw(st.sampled_from(["", "Takes money."]))),
        owners=draw(st.sampled_from([(), ("@dora",), ("@dora", TEAM), (TEAM, "@dora")])),
        reviewed=draw(st.sampled_from([None, NOW.date()])),
        objectives=[
            an_objective(
                one, target=draw(st.sampled_from(["0.99", "0.9995"])), days=draw(st.sampled_from([7, 28]))
            )
            for one in names
        ],
        changes=draw(changes()),
        gate=nested(draw(SETTINGS)),
        environments=draw(st.sampled_from([{}, {"production": "enforce"}, {"production": "free"}])),
        redundancy=draw(st.sampled_from([None, {"instances": 2, "query": "up"}])),
        review=draw(st.sampled_from([None, {"from": "2026-11-02"}])),
        adjustments=draw(st.sampled_from([[], *([one] for one in ADJUSTED)])),
        exceptions=[
            {**one, "objective": names[0]} for one in draw(st.sampled_from([[], *([x] for x in EXCEPTED)]))
        ],
    )


FLEETS = st.lists(
    st.sampled_from(["checkout", "search", "login"]).flatmap(services),
    max_size=3,
    unique_by=lambda one: one.key,
)


@settings(max_examples=40)
@given(FLEETS, st.randoms(use_true_random=False))
def test_a_policy_does_not_differ_from_itself_in_any_order(fleet: list[Service], random: Any) -> None:
    shuffled = random.sample(fleet, len(fleet))
    assert differences(fleet, shuffled) == ()


@settings(max_examples=40)
@given(FLEETS, FLEETS)
def test_the_answer_is_in_order_and_says_of_each_difference_what_and_why(
    before: list[Service], after: list[Service]
) -> None:
    found = differences(before, after)
    names = [one.service for one in found]
    assert names == sorted(names)
    assert len(set(found)) == len(found)
    for one in found:
        assert one.before != one.after
        assert one.key.startswith(("metadata.", "spec."))
        assert one.why


MEANINGLESS = {"origin", "organization"}
SETS = {"owners", "objectives", "changes", "adjustments", "exceptions"}


def meaning(service: Service) -> dict[str, Any]:
    """A service as data, without what says nothing: where it was read, the order of lists, how a name is spelled."""
    said = service.model_dump(exclude=MEANINGLESS)
    for name in SETS:
        said[name] = sorted(map(str, said[name]))
    return said


def spelled(service: Service) -> Service:
    """The service with its repositories written out, and each entry once."""
    written = [
        change.model_copy(update={"repository": (change.repository or service.origin.repository).casefold()})
        for change in service.changes
    ]
    return service.model_copy(update={"changes": tuple(dict.fromkeys(written))})


@MANY
@given(services(), services())
def test_whatever_is_said_differently_is_a_difference(before: Service, after: Service) -> None:
    if meaning(spelled(before)) != meaning(spelled(after)):
        assert differences(before, after)


def only(key: str, value: Any) -> Service:
    """A service that says nothing but this, and waits where nothing is known: there the hold decides."""
    if key == "target":
        return a_service("checkout", an_objective(target=value))
    return with_gate({"unknown.then": "block"} | {key: value})


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [(key, *pair) for key, values in sorted(ORDERED.items()) for pair in permutations(values, 2)],
)
def test_what_is_looser_one_way_is_tighter_the_other_way(key: str, old: Any, new: Any) -> None:
    there, back = (
        [one.direction for one in differences(only(key, x), only(key, y))]
        for x, y in ((old, new), (new, old))
    )
    assert sorted([*there, *back]) == [Direction.LOOSER, Direction.TIGHTER]


@given(services(), st.sampled_from(["labels", "teams", "owners"]))
def test_the_order_of_a_list_says_nothing(service: Service, which: str) -> None:
    gate = service.gate
    if which == "owners":
        others = [remade(service, owners=order) for order in permutations(service.owners)]
    elif which == "labels":
        others = [
            remade(
                service,
                gate=gate.model_copy(update={"exempt": gate.exempt.model_copy(update={"labels": order})}),
            )
            for order in permutations(gate.exempt.labels)
        ]
    else:
        others = [
            remade(
                service,
                gate=gate.model_copy(update={"override": gate.override.model_copy(update={"teams": order})}),
            )
            for order in permutations(gate.override.teams)
        ]
    for other in others:
        assert {one.direction for one in differences(service, other)} <= {Direction.NEUTRAL}


BURNS = st.sampled_from([{}, {}, dict.fromkeys(SPANS, 50.0)]) | st.dictionaries(
    st.sampled_from(SPANS), st.none() | st.floats(0, 60), max_size=3
)
LEFT = st.sampled_from([-0.5, 0.01, 0.01, 0.03, 0.03, 0.07, 0.15, 0.3, 1.0])
WHEN = st.integers(-400, 0).map(lambda hours: NOW + hours * HOUR)
STATES = st.sampled_from([*State, State.FROZEN])


@st.composite
def measurements(draw: st.DrawFn) -> Measured:
    return measured(
        draw(LEFT),
        total=draw(st.sampled_from([4.2e9, 4.2e9, 4.2e9, 3_000.0])),
        burn=draw(BURNS),
        positive_for=draw(st.sampled_from([0, 2, 100, 300])) * HOUR,
        coverage=draw(st.sampled_from([1.0] * 7 + [0.1])),
        worst=tuple(
            an_incident(ago=draw(st.integers(1, 20)) * DAY, share=draw(st.floats(0, 1)))
            for _ in range(draw(st.sampled_from([0, 0, 1, 2])))
        ),
    )


EVIDENCE = st.builds(
    evidence,
    st.sampled_from([unmeasured("no data"), *[None] * 6]).flatmap(
        lambda one: st.just(one) if one else measurements()
    ),
)
MEMORIES = st.builds(
    Memory,
    STATES,
    WHEN,
    unknown_since=st.sampled_from([True, False]).flatmap(lambda known: st.none() if known else WHEN),
    spared=st.sampled_from([(), (), (), (Spared("availability", -0.4),), (Spared("availability", 0.01),)]),
)
LANDED = st.lists(st.builds(Landed, st.just("acme/shop"), st.just(9), WHEN), max_size=3).map(tuple)
PULLS = st.builds(
    lambda labels, lines: replace(a_pull(*labels), changed_lines=lines),
    st.sampled_from([(), (), (), ("Reliability", "security")]),
    st.none() | st.integers(0, 1000),
)
REQUESTS = st.lists(
    st.builds(
        OverrideRequest,
        st.sampled_from(["slo:override", "break-glass"]),
        st.just("alice"),
        st.sampled_from([True, True, True, True, False]),
        st.sampled_from([0, 0, 2, 30]).map(lambda hours: NOW - hours * HOUR),
        st.sampled_from([(TEAM,), (TEAM, "@acme/leads"), ()]),
        st.sampled_from(["it burns", None]),
    ),
    min_size=2,
    max_size=3,
).map(tuple)
CHANGED = st.lists(st.sampled_from(PATHS), min_size=1, max_size=4)


@st.composite
def situations(draw: st.DrawFn) -> Any:
    """What may be found when a pull request is judged, whatever the policy: a function of the policy."""
    memory, found, landed = draw(MEMORIES), draw(EVIDENCE), draw(LANDED)
    pull, requests, paths, stepped = (
        draw(PULLS),
        draw(REQUESTS),
        draw(CHANGED),
        draw(st.sampled_from([True, True, False])),
    )

    def verdict(service: Service, *, with_requests: bool = True) -> Verdict:
        pairs = [(service.objectives[0], found)]
        view = ServiceView(
            service,
            step(memory, pairs, service.gate, NOW) if stepped else memory,
            (found,),
            None,
            tuple(paths),
            exempt_by_paths(service, paths),
            landed=landed,
        )
        return decide(Snapshot(NOW, pull, (view,), requests if with_requests else ())).verdict

    return verdict


NOT_LOOSER = [
    pytest.param(key, old, new, id=f"{key}: {old} to {new}")
    for key, values in GATE.items()
    for old, new in permutations(values, 2)
    if not looser(only(key, old), only(key, new))
]


def never_milder(before: Service, after: Service, verdict: Any) -> None:
    """Whatever is blocked stays blocked; and but for overrides, what is warned of is not let through unsaid.

    An override lets pass without a warning what is blocked, but not what is only warned of.
    """
    if verdict(before) is Verdict.BLOCK:
        assert verdict(after) is Verdict.BLOCK
    assert verdict(before, with_requests=False) <= verdict(after, with_requests=False)


@pytest.mark.parametrize(("key", "old", "new"), NOT_LOOSER)
@settings(max_examples=60)
@given(SETTINGS, situations())
def test_a_setting_that_is_not_looser_never_leads_to_a_milder_verdict(
    key: str, old: Any, new: Any, others: dict[str, Any], verdict: Any
) -> None:
    before, after = (with_gate(others | {key: value}) for value in (old, new))
    if not looser(before, after):
        never_milder(before, after, verdict)


@MANY
@given(tightened_gates(), situations())
def test_nor_do_several_together(gates: tuple[Service, Service], verdict: Any) -> None:
    never_milder(*gates, verdict)


PASTS = st.lists(
    st.tuples(
        st.sampled_from([0.6, 0.3, 0.2, 0.12, 0.07, 0.03, 0.01, 0.0, -0.2]),
        st.sampled_from([0.0, 0.0, 0.0, 50.0]),
        st.sampled_from([True, True, True, False]),
    ),
    min_size=5,
    max_size=20,
)
"""What is left, how fast it is burning, and whether that is known, pass after pass."""


def frozen_along(gate: Gate, past: Sequence[tuple[float, float, bool]], every: timedelta) -> list[bool]:
    """Whether the gate was frozen after each pass."""
    memory, since, frozen = None, None, []
    for number, (left, burn, known) in enumerate(past):
        now = NOW + number * every
        since = (since or now) if left > gate.freeze.below else None
        found = replace(
            measured(left, total=4.2e9, burn=dict.fromkeys(SPANS, burn), at=now), positive_since=since
        )
        one = evidence(found if known else unmeasured(at=now))
        memory = step(memory, [(SERVICE.objectives[0], one)], gate, now)
        frozen.append(memory.state is State.FROZEN)
    return frozen


@MANY
@given(tightened_gates(), PASTS, st.sampled_from([HOUR, 12 * HOUR, DAY]))
def test_over_time_whatever_was_frozen_is_frozen(
    gates: tuple[Service, Service], past: list[tuple[float, float, bool]], every: timedelta
) -> None:
    """But for ``at_most``: a freeze that begins earlier ends earlier by its length."""
    before, after = (service.gate for service in gates)
    assume(after.freeze.at_most is None)
    was, would_be = frozen_along(before, past, every), frozen_along(after, past, every)
    assert all(new or not old for old, new in zip(was, would_be, strict=True))


@st.composite
def touches(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "repository": draw(st.sampled_from(["acme/shop", "acme/web"])),
        "base_branch": draw(st.sampled_from(BRANCHES)),
        "default_branch": draw(st.sampled_from(BRANCHES)),
        "paths": draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3) | st.just(Everything())),
    }


@st.composite
def widened(draw: st.DrawFn) -> tuple[Service, Service]:
    """A service, and the same with changes that are not called looser."""
    before = remade(a_service(), changes=draw(changes()))
    entries = [one.model_dump() for one in before.changes]
    for one in draw(changes()):
        at = draw(st.integers(0, len(entries)))
        for tried in ([*entries[:at], one, *entries[at + 1 :]], [*entries, one]):
            if not looser(before, remade(before, changes=tried)):
                entries = tried
                break
    return before, remade(before, changes=entries)


@settings(max_examples=200)
@given(widened(), touches())
def test_changes_that_are_not_looser_touch_whatever_was_touched(
    pair: tuple[Service, Service], touch: dict[str, Any]
) -> None:
    before, after = ({path for one in touched([one], **touch) for path in one.paths} for one in pair)
    assert before <= after
    assert bool(touched([pair[0]], **touch)) <= bool(touched([pair[1]], **touch))


EXEMPT = st.lists(st.sampled_from(PATTERNS), max_size=3).filter(
    lambda found: not found or any(not one.startswith("!") for one in found)
)


@MANY
@given(EXEMPT, EXEMPT, CHANGED)
def test_exempt_paths_that_are_not_looser_exempt_nothing_more(
    old: list[str], new: list[str], paths: list[str]
) -> None:
    before, after = (with_gate({"exempt.paths": one}) for one in (old, new))
    if not looser(before, after):
        assert exempt_by_paths(after, paths) <= exempt_by_paths(before, paths)


TARGETS = st.sampled_from(["0.9", "0.99", "0.9995", "0.9999"])


@MANY
@given(TARGETS, TARGETS, SETTINGS, MEMORIES, st.floats(0, 0.2), st.data())
def test_a_target_that_is_not_looser_never_leads_to_a_milder_verdict(
    old: str, new: str, gate: dict[str, Any], memory: Memory, ratio: float, data: st.DataObject
) -> None:
    """With so many events that each rule has enough of them to judge by."""
    total, ratios = 1e9, {span: data.draw(st.floats(0, 0.2)) for span in SPANS}

    def verdict(service: Service) -> Verdict:
        allowed = service.objectives[0].allowed
        burn = {span: one / allowed for span, one in ratios.items()}
        found = evidence(measured(bad=ratio * total, total=total, allowed=allowed, burn=burn))
        after = step(memory, [(service.objectives[0], found)], service.gate, NOW)
        return decide(Snapshot(NOW, a_pull(), (ServiceView(service, after, (found,), None),))).verdict

    before, after = (with_gate(gate, a_service("checkout", an_objective(target=one))) for one in (old, new))
    if not looser(before, after):
        assert verdict(before) <= verdict(after)
