"""Floors: what an organisation's repositories may tighten, and never loosen."""

import pytest

from gatekeeper.policy.beneath import Beneath
from gatekeeper.policy.compare import compare_defaults
from gatekeeper.policy.floors import Floors
from gatekeeper.policy.in_force import Before, InForce, put_in_force
from gatekeeper.policy.loader import Defaults, Loaded, PolicyFile, load
from gatekeeper.policy.strictness import FLOORS, GATE, Direction
from gatekeeper.policy.values import leaves

CENTRAL, SHOP = "acme/.github", "acme/shop"
HERE = "▸"
DEFAULTS = """\
apiVersion: gatekeeper/v1
kind: Defaults
spec:
  gate:
    mode: advise
    caution: {below: 40%}
    freeze: {below: 2%}
    thaw: {above: 20%}
    override: {teams: ["@acme/sre"], lasts: 12h, reason: required}
  floors:
    target: 99.5%
    mode: advise
    caution: {below: 30%}
    freeze: {below: 1%, at_most: 14d}
    thaw: {above: 15%}
    exempt: {labels: [security, reliability], paths: ["docs/**"]}
    override: {teams: ["@acme/sre", "@acme/duty"], lasts: 24h, reason: required}
    exceptions: {lasts: 31d}
    adjustments: {lasts: 8h}
"""
SERVICE = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: checkout}
spec:
  objectives:
    - target: 99.9%
      indicator: {prometheus: {up: 'up{job="checkout"}'}}
  changes: [{repository: acme/shop}]
"""
PATH, ABOVE = "policies/checkout.yaml", "policies/defaults.yaml"


def organization(text: str = DEFAULTS) -> Defaults:
    loaded = load([PolicyFile(ABOVE, text)], organization="acme", repository=CENTRAL, central=CENTRAL)
    assert loaded.problems == ()
    assert loaded.defaults is not None
    return loaded.defaults


def read(*texts: str, defaults: Defaults | None = None) -> Loaded:
    """The files of acme/shop under the organisation's defaults."""
    files = [PolicyFile(f"policies/{position}.yaml", text) for position, text in enumerate(texts)]
    return load(
        files,
        organization="acme",
        repository=SHOP,
        central=CENTRAL,
        defaults=defaults or organization(),
    )


def place(marked: str) -> tuple[str, str]:
    """A text without its mark, and the line and column of the mark."""
    before, _, after = marked.partition(HERE)
    return before + after, f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "


LOOSER = [
    pytest.param(
        "gate: {mode: ▸observe}", "mode observe", "12:11", "the gate does less", "advise", id="mode"
    ),
    pytest.param(
        "gate: {caution: {below: ▸25%}}", "caution.below 25%", "13:22", "begins later", "30%", id="caution"
    ),
    pytest.param(
        "gate: {freeze: {below: ▸0%}}", "freeze.below 0%", "14:21", "changes wait later", "1%", id="freeze"
    ),
    pytest.param(
        "gate: {freeze: {at_most: ▸1d}}", "freeze.at_most 1d", "14:34", "ends sooner", "14d", id="freeze ends"
    ),
    pytest.param("gate: {thaw: {above: ▸5%}}", "thaw.above 5%", "15:19", "less budget", "15%", id="thaw"),
    pytest.param(
        "gate: {exempt: {labels: ▸[security, feature]}}",
        "exempt.labels [security, feature]",
        "16:22",
        "more labels exempt",
        "[security, reliability]",
        id="a label",
    ),
    pytest.param(
        'gate: {exempt: {paths: ▸["docs/**", "src/**"]}}',
        "exempt.paths [docs/**, src/**]",
        "16:54",
        "more paths",
        "[docs/**]",
        id="a path",
    ),
    pytest.param(
        'gate: {override: {teams: ▸["@acme/everyone"]}}',
        "override.teams [@acme/everyone]",
        "17:23",
        "may override",
        "[@acme/sre, @acme/duty]",
        id="a team",
    ),
    pytest.param(
        "gate: {override: {lasts: ▸2d}}", "override.lasts 2d", "17:59", "lasts longer", "1d", id="lasts"
    ),
    pytest.param(
        "gate: {override: {reason: ▸asked}}",
        "override.reason asked",
        "17:72",
        "no reason",
        "required",
        id="why",
    ),
]


@pytest.mark.parametrize(("entry", "said", "floor", "why", "least"), LOOSER)
def test_a_service_may_not_be_looser(entry: str, said: str, floor: str, why: str, least: str) -> None:
    text, at = place(f"{SERVICE}  {entry}\n")
    loaded = read(text)
    (problem,) = loaded.problems
    assert str(problem).startswith(f"policies/0.yaml:{at}{said} is looser than the organisation's floor, ")
    assert f"({ABOVE}:{floor}): " in str(problem)
    assert why in problem.message
    assert problem.suggestion == f"write {least}, or what is tighter"
    assert loaded.services == ()


PROMISES = [
    pytest.param("target: 99.9%", "target: ▸99%", "a target of 99% is looser than", "8:13", id="a target"),
    pytest.param(
        "spec:\n",
        "spec:\n  exceptions: [{target: ▸99%, from: 2026-11-01, until: 2026-11-02, reason: x}]\n",
        "a target of 99% is looser than",
        "11:13",
        id="an exception's target",
    ),
    pytest.param(
        "spec:\n",
        "spec:\n  exceptions: [▸{target: 99.6%, from: 2026-11-01, until: 2026-12-31, reason: x}]\n",
        "this lasts 61 d, and the organisation's floor is 31d",
        "18:25",
        id="a long exception",
    ),
    pytest.param(
        "spec:\n",
        "spec:\n  exceptions: [▸{target: 99.6%, until: 2026-12-31, reason: x}]\n",
        "this does not say from when",
        "18:25",
        id="an exception that began some day",
    ),
    pytest.param(
        "spec:\n",
        "spec:\n  adjustments: [▸{from: 2026-11-01T00:00:00Z, to: 2026-11-01T09:00:00Z, reason: x}]\n",
        "this lasts 9 h, and the organisation's floor is 8h",
        "19:26",
        id="a long adjustment",
    ),
]


@pytest.mark.parametrize(("old", "new", "said", "floor"), PROMISES)
def test_a_service_may_not_promise_less(old: str, new: str, said: str, floor: str) -> None:
    text, at = place(SERVICE.replace(old, new))
    (problem,) = read(text).problems
    assert str(problem).startswith(f"policies/0.yaml:{at}{said}")
    assert f"{ABOVE}:{floor.replace('8:13', '11:13')}" in problem.message
    assert problem.suggestion


TIGHTER = """\
  gate:
    mode: enforce
    caution: {below: 50%}
    freeze: {below: 5%, at_most: off}
    thaw: {above: 30%}
    exempt: {labels: [security]}
    override: {teams: ["@acme/duty"], lasts: 1h}
  exceptions: [{target: 99.6%, from: 2026-11-01, until: 2026-11-30, reason: agreed}]
"""


def test_a_service_may_be_tighter() -> None:
    (service,) = read(SERVICE + TIGHTER).services
    assert service.gate.override.reason == "required"


def test_at_the_floor_a_service_is_as_loose_as_it_may_be() -> None:
    floors = DEFAULTS[DEFAULTS.index("    mode", DEFAULTS.index("floors")) :]
    gate = "".join(line for line in floors.splitlines(keepends=True) if "lasts: 31d" not in line)
    gate = gate.replace("    adjustments: {lasts: 8h}\n", "")
    assert read(f"{SERVICE}  gate:\n{gate}").problems == ()


def test_what_a_service_leaves_to_the_defaults_is_never_too_loose() -> None:
    assert read(SERVICE).problems == ()


OWN = """\
apiVersion: gatekeeper/v1
kind: Defaults
spec:
  gate: {mode: ▸observe}
"""


def test_a_repositorys_own_defaults_may_not_loosen_floors() -> None:
    text, at = place(OWN)
    loaded = read(SERVICE, text)
    assert [str(problem).partition(" is ")[0] for problem in loaded.problems] == [
        f"policies/1.yaml:{at}mode observe"
    ]
    assert (loaded.services, loaded.spoilt) == ((), True)


def test_a_repositorys_own_defaults_may_tighten() -> None:
    text, _ = place(OWN.replace("observe", "enforce"))
    (service,) = read(SERVICE, text).services
    assert service.gate.mode == "enforce"


def test_a_service_cannot_go_below_a_floor_that_its_own_defaults_are_above() -> None:
    own, _ = place(OWN.replace("observe", "enforce"))
    text, at = place(f"{SERVICE}  gate: {{mode: ▸observe}}\n")
    (problem,) = read(text, own).problems
    assert str(problem).startswith(f"policies/0.yaml:{at}mode observe is looser")


@pytest.mark.parametrize(
    ("defaults", "said"),
    [
        pytest.param(
            "  gate: {caution: {below: ▸10%}}\n  floors: {caution: {below: 20%}}\n",
            "caution.below 10% is looser",
            id="written",
        ),
        pytest.param("  floors: {mode: ▸advise}\n", "mode observe is looser", id="left to what is built in"),
    ],
)
def test_an_organisations_defaults_meet_its_own_floors(defaults: str, said: str) -> None:
    text, at = place(f"apiVersion: gatekeeper/v1\nkind: Defaults\nspec:\n{defaults}")
    (problem,) = load([PolicyFile(ABOVE, text)], organization="acme").problems
    assert str(problem).startswith(f"{ABOVE}:{at}{said}")


def test_only_the_policy_repository_sets_floors() -> None:
    text, at = place("apiVersion: gatekeeper/v1\nkind: Defaults\nspec:\n  ▸floors: {target: 90%}\n")
    loaded = read(SERVICE, text)
    (problem,) = loaded.problems
    assert str(problem) == (
        f"policies/1.yaml:{at}floors hold for the whole organisation, and only {CENTRAL} can set them; "
        "move them there, or remove them"
    )
    assert loaded.spoilt


def test_defaults_that_contradict_each_other_are_shown_in_the_service() -> None:
    own = "apiVersion: gatekeeper/v1\nkind: Defaults\nspec:\n  gate: {caution: {below: 2%}}\n"
    assert ["never happens" in str(one) for one in read(SERVICE, own).problems] == [True]


def in_force(text: str, before: Before) -> InForce:
    return put_in_force([PolicyFile(PATH, text)], before, repository=SHOP, commit="c1", central=CENTRAL)


def test_a_policy_below_a_floor_leaves_the_last_good_one_in_force() -> None:
    above = (PolicyFile(ABOVE, DEFAULTS),)
    ((stood, none),) = in_force(SERVICE, Before(organization_defaults=above)).services
    assert none is None
    before = Before(services=(stood,), organization_defaults=above)
    loosened = in_force(SERVICE.replace("99.9%", "99%"), before)
    ((kept, why),) = loosened.services
    assert kept == stood
    assert why is not None
    assert "a target of 99% is looser than the organisation's floor, 99.5%" in why


def test_every_floor_has_its_rule() -> None:
    assert {key for key, _ in leaves(Floors())} == {
        key for key, _ in leaves(Floors()) if key in GATE or key in FLOORS
    }


@pytest.mark.parametrize(
    ("old", "new", "key", "direction"),
    [
        pytest.param("target: 99.5%", "target: 99%", "target", Direction.LOOSER, id="a lower target"),
        pytest.param("target: 99.5%", "target: 99.9%", "target", Direction.TIGHTER, id="a higher target"),
        pytest.param(
            "    exceptions: {lasts: 31d}\n", "", "exceptions.lasts", Direction.LOOSER, id="one less"
        ),
        pytest.param("lasts: 8h", "lasts: 4h", "adjustments.lasts", Direction.TIGHTER, id="shorter"),
        pytest.param(
            "at_most: 14d", "at_most: 7d", "freeze.at_most", Direction.LOOSER, id="a freeze ends sooner"
        ),
    ],
)
def test_a_change_of_a_floor_is_tighter_or_looser(old: str, new: str, key: str, direction: Direction) -> None:
    assert DEFAULTS.count(old) == 1
    (found,) = compare_defaults(organization(), organization(DEFAULTS.replace(old, new)))
    assert (found.key, found.direction) == (f"spec.floors.{key}", direction)


def test_without_defaults_there_are_no_floors() -> None:
    assert Beneath.of(None) is None
    assert all(floor is None for _, floor in leaves(Floors()))
