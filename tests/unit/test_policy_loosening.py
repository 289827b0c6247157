"""Every way to loosen one's own gate by a pull request asks an owner in force, or comes to nothing."""

from collections.abc import Callable, Mapping

import pytest

from gatekeeper.policy.compare import DEFAULTS, Direction
from gatekeeper.policy.covers import Everything
from gatekeeper.policy.in_force import Before
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.problem import Severity
from gatekeeper.policy.proposal import Consent, Files, Proposal, propose

SHOP, CENTRAL = "acme/shop", "acme/.github"
PATH, SEARCH, OWN = "policies/checkout.yaml", "policies/search.yaml", "policies/defaults.yaml"
OWNER = "@acme/product"
CHECKOUT = """\
apiVersion: gatekeeper/v1
kind: Service
metadata:
  name: checkout
  owners: ["@acme/product"]
spec:
  objectives:
    - name: availability
      target: 99.95%
      window: 28d
      indicator: {prometheus: {bad: 'errors_total{job="checkout"}', total: 'requests_total{job="checkout"}'}}
    - name: latency
      target: 99%
      indicator: {prometheus: {latency: {histogram: checkout_seconds, below: 300ms}}}
  changes:
    - {repository: acme/shop, paths: ["services/checkout/**", "ansible/checkout.yml"], branches: [main, "release/*"]}
  gate:
    caution: {below: 30%, pace: {deployments: 2/day, changed_lines: 400}}
    freeze: {below: 5%, incident_over: 20%, at_most: 30d}
    thaw: {above: 15%, or_quiet_for: 96h}
    probation: {for: 48h}
    exempt: {labels: [reliability], paths: ["docs/**"]}
    override: {label: break-glass, teams: ["@acme/sre"], lasts: 4h, reason: required}
    unknown: {hold: 30m, then: block}
  environments: {production: enforce}
  redundancy: {instances: 3, query: up}
"""
PLAIN = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: search}
spec:
  objectives: [{target: 99.9%, indicator: {prometheus: {bad: errors_total, total: requests_total}}}]
  changes: [{paths: ["services/search/**"]}]
"""
DEFAULT = """\
apiVersion: gatekeeper/v1
kind: Defaults
metadata: {owners: ["@acme/leads"]}
spec:
  gate: {mode: enforce, override: {teams: ["@acme/sre"]}}
"""
LOOSE = DEFAULT.replace("enforce", "observe").replace('metadata: {owners: ["@acme/leads"]}\n', "")
Edit = Callable[[dict[str, str]], Mapping[str, str | None]]


def in_force(files: Mapping[str, str], repository: str) -> tuple[Service, ...]:
    given = load([PolicyFile("policies/defaults.yaml", DEFAULT)], organization="acme").defaults
    read = [PolicyFile(path, text) for path, text in files.items()]
    loaded = load(read, organization="acme", repository=repository, commit="old", defaults=given)
    assert loaded.ok, loaded.problems
    return loaded.services


def proposed(
    files: Mapping[str, str],
    edits: Mapping[str, str | None],
    *,
    repository: str = SHOP,
    left_out: frozenset[str] = frozenset(),
    others: tuple[Service, ...] = (),
) -> Proposal:
    """What a pull request that puts these texts in place (None: deletes) comes to."""
    head = {
        path: text for path, text in {**files, **edits}.items() if text is not None and path not in left_out
    }
    given = (PolicyFile(OWN, DEFAULT),)
    return propose(
        Files(tuple(PolicyFile(path, text) for path, text in files.items())),
        Files(
            tuple(PolicyFile(path, text) for path, text in head.items() if path.startswith("policies/")),
            left_out,
        ),
        frozenset(edits) | left_out,
        Before(
            services=in_force(files, repository),
            defaults=given if repository == CENTRAL else (),
            others=others,
            organization_defaults=given,
        ),
        repository=repository,
        commit="new",
        central=CENTRAL,
    )


FILES = {PATH: CHECKOUT, SEARCH: PLAIN}


def replaced(old: str, new: str) -> Edit:
    assert old in CHECKOUT
    return lambda files: {PATH: files[PATH].replace(old, new)}


ROUTES = [
    pytest.param(replaced("99.95%", "99.9%"), id="a lower target"),
    pytest.param(replaced("window: 28d", "window: 90d"), id="a longer window"),
    pytest.param(replaced("window: 28d", "window: 7d"), id="a shorter window"),
    pytest.param(replaced("window: 28d", "window: {calendar: month}"), id="a calendar's window"),
    pytest.param(replaced("name: latency", "name: slowness"), id="an objective under another name"),
    pytest.param(
        lambda files: {
            PATH: files[PATH].replace(
                files[PATH][files[PATH].index("    - name: latency") : files[PATH].index("  changes")], ""
            )
        },
        id="an objective less",
    ),
    pytest.param(replaced("errors_total{", 'errors_total{code="599",'), id="a query that finds less"),
    pytest.param(replaced("below: 300ms", "below: 3s"), id="a slower answer that is good"),
    pytest.param(
        replaced("window: 28d", "window: 28d\n      method: {timeslices: {target: 50%}}"),
        id="minutes instead of events",
    ),
    pytest.param(replaced('"services/checkout/**", ', ""), id="fewer paths"),
    pytest.param(
        replaced('"ansible/checkout.yml"]', '"ansible/checkout.yml", "!services/checkout/**"]'),
        id="paths taken out again",
    ),
    pytest.param(replaced('[main, "release/*"]', "[main]"), id="fewer branches"),
    pytest.param(replaced(', branches: [main, "release/*"]', ""), id="the default branch alone"),
    pytest.param(replaced("gate:\n", "gate:\n    mode: advise\n"), id="a weaker mode than the default"),
    pytest.param(replaced("below: 30%", "below: 20%"), id="a later caution"),
    pytest.param(replaced("2/day", "20/day"), id="more deployments a day"),
    pytest.param(replaced(", changed_lines: 400", ""), id="changes of any size"),
    pytest.param(replaced("below: 5%", "below: 0%"), id="a later freeze"),
    pytest.param(replaced("freeze: {", "freeze: {burn: off, "), id="no freeze on a fire"),
    pytest.param(replaced("incident_over: 20%, ", ""), id="no postmortem asked for"),
    pytest.param(replaced("at_most: 30d", "at_most: 1d"), id="a freeze that ends by itself"),
    pytest.param(replaced("above: 15%", "above: 6%"), id="an earlier thaw"),
    pytest.param(replaced("96h", "1h"), id="an earlier quiet thaw"),
    pytest.param(replaced("for: 48h", "for: off"), id="no probation"),
    pytest.param(replaced("[reliability]", "[reliability, feature]"), id="another label that exempts"),
    pytest.param(replaced('["docs/**"]', '["docs/**", "services/**"]'), id="more paths that are exempt"),
    pytest.param(replaced("exempt: {", "exempt: {reverts: true, "), id="reverts that are exempt"),
    pytest.param(
        replaced("label: break-glass", "label: feature"), id="an override label that is worn already"
    ),
    pytest.param(replaced('["@acme/sre"]', '["@acme/sre", "@acme/devs"]'), id="more who may override"),
    pytest.param(replaced("lasts: 4h", "lasts: 400d"), id="a longer override"),
    pytest.param(replaced(", reason: required", ""), id="an override without a reason"),
    pytest.param(replaced("hold: 30m", "hold: 30d"), id="a longer hold before what is unknown blocks"),
    pytest.param(replaced(", then: block", ""), id="what is unknown lets pass"),
    pytest.param(replaced("production: enforce", "production: free"), id="an environment without a gate"),
    pytest.param(replaced("instances: 3", "instances: 1"), id="less redundancy"),
    pytest.param(
        lambda files: {
            PATH: files[PATH]
            + "  adjustments: [{from: 2026-11-01T00:00:00Z, to: 2026-11-21T00:00:00Z, reason: x}]\n"
        },
        id="data that count as good",
    ),
    pytest.param(
        lambda files: {
            PATH: files[PATH]
            + "  exceptions: [{objective: availability, target: 90%, until: 2099-01-01, reason: x}]\n"
        },
        id="a lower target for a time",
    ),
    pytest.param(replaced('  owners: ["@acme/product"]\n', ""), id="no owners, but those of the defaults"),
    pytest.param(replaced("@acme/product", "@mallory"), id="other owners"),
    pytest.param(replaced('["@acme/product"]', '["@acme/product", "@mallory"]'), id="one more owner"),
    pytest.param(replaced("name: checkout", "name: checkout-2"), id="renaming the service"),
    pytest.param(lambda _: {PATH: None}, id="deleting the file"),
    pytest.param(
        lambda files: {PATH: None, "old/checkout.yaml": files[PATH]}, id="moving it out of the folder"
    ),
    pytest.param(
        lambda files: {PATH: None, "policies/a.yaml": files[PATH].replace("99.95%", "99%")},
        id="moving it within the folder, and editing it",
    ),
    pytest.param(
        lambda files: {PATH: None, SEARCH: f"{files[SEARCH]}---\n{files[PATH].replace('99.95%', '99%')}"},
        id="moving it into another file, and editing it",
    ),
    pytest.param(
        lambda files: {
            PATH: files[PATH].replace("name: checkout", "name: decoy"),
            "policies/b.yaml": files[PATH].replace("lasts: 4h", "lasts: 40d"),
        },
        id="a decoy in its place, and the true one edited elsewhere",
    ),
]


@pytest.mark.parametrize("edit", ROUTES)
def test_a_loosening_needs_the_owners_in_force(edit: Edit) -> None:
    found = proposed(FILES, edit(FILES))
    assert found.consents == (Consent("checkout", (OWNER,)),)
    loose = [one for one in found.differences if one.direction is Direction.LOOSER]
    assert all(one.why for one in loose)


@pytest.mark.parametrize("edit", ROUTES)
def test_so_it_does_where_more_is_changed_than_can_be_listed(edit: Edit) -> None:
    head = {path: text for path, text in {**FILES, **edit(FILES)}.items() if text is not None}
    found = propose(
        Files(),
        Files(tuple(PolicyFile(path, text) for path, text in head.items() if path.startswith("policies/"))),
        Everything(),
        Before(
            services=in_force(FILES, SHOP),
            organization_defaults=(PolicyFile("policies/defaults.yaml", DEFAULT),),
        ),
        repository=SHOP,
        commit="new",
        central=CENTRAL,
    )
    assert Consent("checkout", (OWNER,)) in found.consents


HELD = [
    pytest.param({PATH: "kind: Service\nspec: ["}, id="a file that is broken"),
    pytest.param({PATH: CHECKOUT.replace("99.95%", "0%")}, id="a value that is refused"),
    pytest.param({"policies/two.yaml": CHECKOUT.replace("99.95%", "99%")}, id="a second file of that name"),
    pytest.param(
        {PATH: f"{CHECKOUT}---\n{CHECKOUT.replace('99.95%', '99%')}"}, id="a second document of that name"
    ),
    pytest.param({PATH: CHECKOUT.replace("acme/shop", "acme/web")}, id="the changes of another repository"),
    pytest.param(
        {OWN: "apiVersion: gatekeeper/v1\nkind: Defaults\nspec: 1\n"}, id="defaults that are broken"
    ),
    pytest.param({OWN: LOOSE, "policies/e.yaml": LOOSE}, id="two defaults"),
]


@pytest.mark.parametrize("edits", HELD)
def test_a_mistake_loosens_nothing_and_is_said(edits: dict[str, str | None]) -> None:
    found = proposed(FILES, edits)
    assert any(one.severity is Severity.ERROR for one in found.problems)
    after = {one.name: one for one in found.after}
    assert all(after[one.name] == one for one in found.before)


def test_a_file_too_large_to_read_loosens_nothing_and_is_said() -> None:
    found = proposed(FILES, {}, left_out=frozenset({PATH}))
    assert [one.path for one in found.problems if one.severity is Severity.ERROR] == [PATH]
    assert (found.after, found.differences) == (found.before, ())


def test_a_name_that_another_repository_has_cannot_be_taken() -> None:
    others = in_force({PATH: CHECKOUT}, CENTRAL)
    found = proposed({SEARCH: PLAIN}, {PATH: CHECKOUT.replace("99.95%", "99%")}, others=others)
    assert any(
        "is declared in acme/.github/policies/checkout.yaml already" in one.message for one in found.problems
    )
    assert [one.name for one in found.after] == ["search"]


def test_a_service_without_owners_is_owned_by_those_of_the_defaults() -> None:
    found = proposed(FILES, {SEARCH: PLAIN.replace("99.9%", "99%")})
    assert found.consents == (Consent("search", ("@acme/leads",)),)


OWN_DEFAULTS = [
    pytest.param(LOOSE, {"spec.gate.mode"}, id="a weaker mode"),
    pytest.param(
        DEFAULT.replace("sre", "devs"), {"spec.gate.override.teams"}, id="other people who may override"
    ),
    pytest.param(DEFAULT.replace("@acme/leads", "@mallory"), {"metadata.owners"}, id="other owners"),
]


@pytest.mark.parametrize(("text", "keys"), OWN_DEFAULTS)
def test_a_repositorys_own_defaults_loosen_what_says_nothing_itself(text: str, keys: set[str]) -> None:
    found = proposed(FILES, {OWN: text})
    assert Consent("search", ("@acme/leads",)) in found.consents
    loose = [
        one for one in found.differences if one.direction is Direction.LOOSER and one.service == "search"
    ]
    assert {one.key for one in loose} == keys


@pytest.mark.parametrize("text", [*(one.values[0] for one in OWN_DEFAULTS), None])
def test_the_organisations_defaults_are_loosened_by_their_owners_alone(text: str | None) -> None:
    found = proposed({OWN: DEFAULT}, {OWN: text}, repository=CENTRAL)
    assert found.consents == (Consent(DEFAULTS, ("@acme/leads",)),)


def test_what_tightens_or_says_the_same_needs_nobody() -> None:
    tighter = CHECKOUT.replace("99.95%", "99.99%").replace("lasts: 4h", "lasts: 1h")
    found = proposed(
        FILES, {PATH: None, "policies/a.yaml": tighter, "policies/new.yaml": PLAIN.replace("search", "new")}
    )
    assert {one.direction for one in found.differences} == {Direction.TIGHTER}
    assert found.consents == ()
    assert proposed(FILES, {PATH: None, "policies/a.yaml": CHECKOUT}).differences == ()
