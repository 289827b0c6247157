"""What a change of policies tightens and what it loosens: services that come and go, and what is dated."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from builders import DAY, NOW, a_gate, a_service, an_objective
from gatekeeper.policy.compare import DEFAULTS, Difference, Direction, compare, compare_defaults
from gatekeeper.policy.floors import Floors
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.policy.model import Origin, Service
from gatekeeper.policy.native import DefaultsSpec
from gatekeeper.policy.strictness import FLOORS, GATE
from gatekeeper.policy.values import leaves

TIGHTER, LOOSER, NEUTRAL = Direction.TIGHTER, Direction.LOOSER, Direction.NEUTRAL
CHECKOUT = a_service()


def remade(service: Service = CHECKOUT, **values: Any) -> Service:
    """The same service with other values, each checked again."""
    return Service.model_validate({name: getattr(service, name) for name in Service.model_fields} | values)


def told(found: Iterable[Difference]) -> list[tuple[str, str, str, str]]:
    return [(one.key, one.before, one.after, one.direction) for one in found]


def test_a_first_policy_is_tighter() -> None:
    assert told(compare([], [CHECKOUT])) == [("metadata.name", "", "checkout", TIGHTER)]


def test_a_service_that_is_gone_is_looser() -> None:
    assert told(compare([CHECKOUT], [])) == [("metadata.name", "checkout", "", LOOSER)]


def test_a_renamed_service_is_gone_whatever_else_comes() -> None:
    found = compare([CHECKOUT], [a_service("checkout-2")])
    assert [(one.service, one.direction) for one in found] == [("checkout", LOOSER), ("checkout-2", TIGHTER)]


def test_a_file_that_moves_and_says_the_same_makes_no_difference() -> None:
    moved = remade(origin=Origin(path="policies/a.yaml", repository="acme/shop", commit="0" * 40))
    assert compare([CHECKOUT], [moved]) == ()


def test_a_file_that_moves_to_another_repository_is_about_another_one() -> None:
    here = remade(changes=[{"paths": ["src/**"]}])
    there = remade(here, origin=Origin(path="policies/a.yaml", repository="acme/web"))
    assert [one.direction for one in compare([here], [there])] == [LOOSER]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        pytest.param(["a"], ["a", "b"], TIGHTER, id="one more"),
        pytest.param(["a", "b"], ["a"], LOOSER, id="one less"),
        pytest.param(["a", "b"], ["b", "a"], None, id="in another order"),
    ],
)
def test_the_objectives(before: list[str], after: list[str], direction: Direction | None) -> None:
    old, new = (a_service("checkout", *map(an_objective, names)) for names in (before, after))
    assert [one.direction for one in compare([old], [new])] == ([direction] if direction else [])


def test_an_objective_more_may_switch_the_pace_off_while_it_has_no_data() -> None:
    gate = a_gate(caution={"pace": {"deployments": "1/day"}})
    old, new = (a_service("checkout", *map(an_objective, names), gate=gate) for names in (["a"], ["a", "b"]))
    assert [one.direction for one in compare([old], [new])] == [LOOSER]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        pytest.param(
            [{"paths": ["a/**"]}], [{"paths": ["a/**"]}, {"paths": ["b/**"]}], TIGHTER, id="one more"
        ),
        pytest.param(
            [{"paths": ["a/**"]}, {"paths": ["b/**"]}], [{"paths": ["a/**"]}], LOOSER, id="one less"
        ),
        pytest.param([{}, {"paths": ["b/**"]}], [{}], NEUTRAL, id="one less, that another covers"),
        pytest.param(
            [{"paths": ["a/**"]}, {"paths": ["b/**"]}],
            [{"paths": ["a/**", "b/**"]}],
            TIGHTER,
            id="two in one",
        ),
        pytest.param(
            [{"paths": ["a/**", "b/**"]}], [{"paths": ["a/**"]}, {"paths": ["b/**"]}], LOOSER, id="one in two"
        ),
        pytest.param([{"repository": "acme/shop"}], [{}], NEUTRAL, id="its own repository unsaid"),
    ],
)
def test_the_entries_of_the_changes(
    before: list[dict[str, Any]], after: list[dict[str, Any]], direction: Direction
) -> None:
    old, new = (remade(changes=entries) for entries in (before, after))
    assert [one.direction for one in compare([old], [new])] in (
        [direction],
        [] if direction is NEUTRAL else None,
    )


def adjusted(treatment: str, first: int, last: int) -> dict[str, Any]:
    return {"from": NOW - first * DAY, "to": NOW - last * DAY, "reason": "so agreed", "as": treatment}


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        pytest.param([], [("up", 3, 2)], LOOSER, id="added"),
        pytest.param([("up", 3, 2)], [], TIGHTER, id="removed"),
        pytest.param([("excluded", 3, 2)], [], LOOSER, id="good events come back where they were left out"),
        pytest.param([("up", 5, 1)], [("up", 4, 2)], TIGHTER, id="shortened at both ends"),
        pytest.param([("up", 4, 2)], [("up", 4, 1)], LOOSER, id="prolonged"),
        pytest.param([("up", 4, 2)], [("up", 3, 1)], LOOSER, id="moved"),
        pytest.param([("up", 4, 2)], [("up", 4, 3), ("up", 3, 2)], NEUTRAL, id="cut in two"),
        pytest.param([("up", 4, 2)], [("excluded", 4, 2)], LOOSER, id="left out instead"),
    ],
)
def test_adjustments_are_compared_by_what_holds_when(
    before: list[tuple[str, int, int]], after: list[tuple[str, int, int]], direction: Direction
) -> None:
    old, new = (remade(adjustments=[adjusted(*one) for one in some]) for some in (before, after))
    (found,) = compare([old], [new])
    assert (found.key, found.direction) == ("spec.adjustments", direction)


def excepted(target: str, days: int, start: int | None = None, **more: str) -> dict[str, Any]:
    begins = {} if start is None else {"from": NOW + timedelta(days=start)}
    return {"target": target, "until": NOW + timedelta(days=days), "reason": "agreed", **begins, **more}


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        pytest.param([], [excepted("99%", 9)], LOOSER, id="a lower target for a time"),
        pytest.param([], [excepted("99.99%", 9)], TIGHTER, id="a higher one"),
        pytest.param([excepted("99%", 9)], [], TIGHTER, id="a lower one taken back"),
        pytest.param([excepted("99.99%", 9)], [], LOOSER, id="a higher one taken back"),
        pytest.param([excepted("99%", 9)], [excepted("99%", 30)], LOOSER, id="a lower one for longer"),
        pytest.param([excepted("99%", 9)], [excepted("99%", 5)], TIGHTER, id="a lower one for less long"),
        pytest.param([excepted("99%", 9)], [excepted("99.5%", 9)], TIGHTER, id="less low"),
        pytest.param([excepted("99%", 9)], [excepted("99.5%", 10)], LOOSER, id="less low, and longer"),
        pytest.param(
            [excepted("99%", 9)],
            [excepted("99%", 5), excepted("99%", 9, 5)],
            NEUTRAL,
            id="the same in two stretches",
        ),
        pytest.param(
            [excepted("99%", 9)], [excepted("99%", 9, objective="availability")], NEUTRAL, id="its name said"
        ),
    ],
)
def test_exceptions_are_compared_by_the_target_that_holds_when(
    before: list[dict[str, Any]], after: list[dict[str, Any]], direction: Direction
) -> None:
    old, new = (remade(exceptions=some) for some in (before, after))
    (found,) = compare([old], [new])
    assert (found.key, found.direction) == ("spec.exceptions", direction)


def test_an_exception_that_keeps_the_old_target_for_a_time_is_no_looser_by_itself() -> None:
    new = remade(objectives=[an_objective(target="0.999")], exceptions=[excepted("99.95%", 9)])
    found = {one.key: one.direction for one in compare([CHECKOUT], [new])}
    assert found == {"spec.objectives.availability.target": LOOSER, "spec.exceptions": NEUTRAL}


@pytest.mark.parametrize(
    ("then", "hold", "direction"),
    [
        pytest.param("block", "30m", TIGHTER, id="changes wait sooner"),
        pytest.param("block", "2h", LOOSER, id="changes wait later"),
        pytest.param("advise", "30m", NEUTRAL, id="nothing waits after it"),
        pytest.param("advise", "2h", NEUTRAL, id="a freeze is held without evidence anyway"),
    ],
)
def test_a_hold_counts_by_what_follows_it(then: str, hold: str, direction: Direction) -> None:
    old, new = (remade(gate=a_gate(unknown={"hold": one, "then": then})) for one in ("1h", hold))
    assert told(compare([old], [new])) == [
        ("spec.gate.unknown.hold", "1h", new.gate.model_dump(mode="json")["unknown"]["hold"], direction)
    ]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        pytest.param(None, {"instances": 2, "query": "up"}, TIGHTER, id="asked for"),
        pytest.param({"instances": 2, "query": "up"}, None, LOOSER, id="not asked for any more"),
    ],
)
def test_redundancy_that_comes_or_goes(before: Any, after: Any, direction: Direction) -> None:
    (found,) = compare([remade(redundancy=before)], [remade(redundancy=after)])
    assert (found.key, found.direction) == ("spec.redundancy", direction)


DEFAULTS_FILE = """\
apiVersion: gatekeeper/v1
kind: Defaults
metadata: {owners: ["@acme/product"]}
spec:
  window: 28d
  gate: {mode: enforce, unknown: {hold: 1h}}
"""


def of_defaults(before: str, after: str) -> list[tuple[str, str, str, str]]:
    old, new = (
        load([PolicyFile("defaults.yaml", text)], organization="acme").defaults if text else None
        for text in (before, after)
    )
    found = compare_defaults(old, new)
    assert {one.service for one in found} <= {DEFAULTS}
    return told(found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "enforce", "advise", ("spec.gate.mode", "enforce", "advise", LOOSER), id="a weaker mode"
        ),
        pytest.param("28d", "30d", ("spec.window", "28d", "30d", LOOSER), id="another window"),
        pytest.param(
            "hold: 1h", "hold: 2h", ("spec.gate.unknown.hold", "1h", "2h", LOOSER), id="a longer hold"
        ),
        pytest.param(
            "hold: 1h", "hold: 1m", ("spec.gate.unknown.hold", "1h", "1m", TIGHTER), id="a shorter hold"
        ),
        pytest.param(
            'owners: ["@acme/product"]',
            "owners: []",
            ("metadata.owners", "@acme/product", "", LOOSER),
            id="owners of all that name none",
        ),
    ],
)
def test_defaults_are_compared_as_what_any_service_may_make_of_them(
    old: str, new: str, expected: tuple[str, str, str, str]
) -> None:
    assert of_defaults(DEFAULTS_FILE, DEFAULTS_FILE.replace(old, new)) == [expected]


FLOORS_FILE = (
    DEFAULTS_FILE
    + """\
  floors: {target: 99%, mode: advise, exempt: {labels: [security]}, exceptions: {lasts: 30d}}
"""
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "target: 99%", "target: 99.9%", ("target", "99%", "99.9%", TIGHTER), id="a higher target"
        ),
        pytest.param("target: 99%, ", "", ("target", "99%", "", LOOSER), id="one taken away"),
        pytest.param(
            "{target", "{override: {lasts: 2d}, target", ("override.lasts", "", "2d", TIGHTER), id="one more"
        ),
        pytest.param(
            "mode: advise", "mode: observe", ("mode", "advise", "observe", LOOSER), id="a weaker mode"
        ),
        pytest.param(
            "[security]", "[]", ("exempt.labels", "[security]", "[]", TIGHTER), id="no label allowed"
        ),
        pytest.param("30d", "60d", ("exceptions.lasts", "30d", "60d", LOOSER), id="longer exceptions"),
    ],
)
def test_floors_are_compared_like_what_they_hold_up(
    old: str, new: str, expected: tuple[str, str, str, str]
) -> None:
    key, before, after, direction = expected
    assert of_defaults(FLOORS_FILE, FLOORS_FILE.replace(old, new)) == [
        (f"spec.floors.{key}", before, after, direction)
    ]


def test_every_key_of_the_defaults_is_compared() -> None:
    assert set(DefaultsSpec.model_fields) == {"gate", "window", "floors"}
    assert {key for key, _ in leaves(Floors())} <= {*GATE, *FLOORS}


def test_defaults_that_are_gone_are_as_loose_as_none() -> None:
    assert of_defaults(DEFAULTS_FILE, "") == of_defaults(
        DEFAULTS_FILE, DEFAULTS_FILE[: DEFAULTS_FILE.index("metadata")]
    )
    gone = {key: direction for key, _, _, direction in of_defaults(DEFAULTS_FILE, "")}
    assert (gone["spec.gate.mode"], gone["metadata.owners"]) == (LOOSER, LOOSER)
    assert of_defaults(DEFAULTS_FILE, DEFAULTS_FILE) == []
