"""Which policies stand after a repository's files were read: mistakes never open a gate."""

import pytest

from gatekeeper.policy.in_force import Before, InForce, put_in_force, unreadable
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.policy.model import Service

SHOP, CENTRAL = "acme/shop", "acme/.github"
FILE = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: NAME}
spec:
  objectives: [{target: 99.9%, indicator: {prometheus: {bad: errors_total, total: requests_total}}}]
  changes: [CHANGE]
"""
DEFAULTS = """\
apiVersion: gatekeeper/v1
kind: Defaults
spec:
  gate: {mode: enforce}
"""
BROKEN = "apiVersion: gatekeeper/v1\nkind: Service\nmetadata: {name: checkout}\nspec: {objectives: 3}\n"


def file(name: str, *, change: str = "{paths: [src/**]}", path: str = "", more: str = "") -> PolicyFile:
    text = FILE.replace("NAME", name).replace("CHANGE", change)
    return PolicyFile(path or f"policies/{name}.yaml", text + more)


def services(*files: PolicyFile, repository: str = SHOP, commit: str = "old") -> tuple[Service, ...]:
    loaded = load(files, organization="acme", repository=repository, commit=commit)
    assert loaded.ok, loaded.problems
    return loaded.services


def read(
    *files: PolicyFile, before: Before | None = None, repository: str = SHOP, left_out: tuple[str, ...] = ()
) -> InForce:
    return put_in_force(
        files, before or Before(), repository=repository, commit="new", central=CENTRAL, left_out=left_out
    )


def standing(policies: InForce) -> dict[str, str | None]:
    return {service.name: problem for service, problem in policies.services}


def stood(*files: PolicyFile, defaults: tuple[PolicyFile, ...] = ()) -> Before:
    return Before(services=services(*files), defaults=defaults)


ELSEWHERE = file("checkout", path="policies/elsewhere.yaml")
TAKEN = Before(services=services(file("checkout")), others=services(ELSEWHERE, repository=CENTRAL))


@pytest.mark.parametrize(
    ("files", "before", "kept"),
    [
        pytest.param((file("checkout"),), Before(), {"checkout": ""}, id="a good file"),
        pytest.param((), stood(file("checkout")), {}, id="a file that was removed ends its service"),
        pytest.param(
            (PolicyFile("policies/checkout.yaml", BROKEN),),
            stood(file("checkout")),
            {"checkout": "policies/checkout.yaml:"},
            id="a broken file keeps its last good version",
        ),
        pytest.param(
            (file("checkout"), PolicyFile("policies/search.yaml", BROKEN.replace("checkout", "search"))),
            stood(file("checkout"), file("search")),
            {"checkout": "", "search": "policies/search.yaml:"},
            id="a mistake in one file is not said of another that did not change",
        ),
        pytest.param(
            (PolicyFile("policies/renamed.yaml", BROKEN),),
            stood(file("checkout")),
            {"checkout": "policies/renamed.yaml:"},
            id="a service moved to another file with a mistake is kept",
        ),
        pytest.param(
            (file("checkout", path="policies/moved.yaml"),),
            stood(file("checkout")),
            {"checkout": ""},
            id="a service may move to another file",
        ),
        pytest.param(
            (file("checkout", change="{repository: acme/web}"),),
            stood(file("checkout")),
            {"checkout": "only policies in acme/.github may cover other repositories"},
            id="a version that reaches out keeps the last good one",
        ),
        pytest.param(
            (file("checkout", change="{repository: acme/web}"),),
            Before(),
            {},
            id="a first version that reaches out is not in force",
        ),
        pytest.param(
            (file("checkout", change="{repository: ACME/Shop}"),),
            Before(),
            {"checkout": ""},
            id="its own repository in other letters is not foreign",
        ),
        pytest.param(
            (file("payments", path="policies/checkout.yaml"),),
            Before(
                services=services(file("checkout")), others=services(file("payments"), repository=CENTRAL)
            ),
            {"checkout": "service payments is declared in acme/.github/policies/payments.yaml already"},
            id="a service renamed to a name that is taken stands under its old one",
        ),
        pytest.param(
            (file("checkout"),), TAKEN, {}, id="a name that another repository has is never doubled"
        ),
        pytest.param(
            (PolicyFile("policies/defaults.yaml", DEFAULTS.replace("enforce", "enforced")), file("checkout")),
            stood(file("checkout")),
            {"checkout": "policies/defaults.yaml:"},
            id="broken defaults hold back every service, and are named",
        ),
    ],
)
def test_what_stands(files: tuple[PolicyFile, ...], before: Before, kept: dict[str, str]) -> None:
    found = standing(read(*files, before=before))
    assert found.keys() == kept.keys()
    for name, said in kept.items():
        assert said in (found[name] or ""), name
        assert bool(said) == (found[name] is not None), name


def test_what_is_wrong_is_listed_whether_or_not_an_older_version_stands() -> None:
    reaching = file("checkout", change="{repository: acme/web}")
    (problem,) = read(reaching, before=stood(file("checkout"))).problems
    assert "covers changes of acme/web" in problem


def test_policies_of_the_policy_repository_may_cover_any_repository() -> None:
    reaching = file("checkout", change="{repository: acme/web}")
    policies = put_in_force([reaching], Before(), repository=CENTRAL, commit="new", central=CENTRAL)
    assert standing(policies) == {"checkout": None}


def test_the_commit_stays_while_a_policy_says_the_same() -> None:
    before = stood(file("checkout"))
    ((same, _),) = read(file("checkout"), before=before).services
    ((other, _),) = read(file("checkout", change="{paths: [lib/**]}"), before=before).services
    assert (same.origin.commit, other.origin.commit) == ("old", "new")


def test_a_file_that_was_not_read_leaves_its_services_in_force_and_says_so() -> None:
    before = stood(file("checkout"), file("search"))
    policies = read(file("search"), before=before, left_out=("policies/checkout.yaml",))
    found = standing(policies)
    assert found.keys() == {"checkout", "search"}
    assert found["search"] is None
    assert "policies/checkout.yaml:1:1: this file is too large" in (found["checkout"] or "")
    assert len(policies.problems) == 1


def test_defaults_that_were_not_read_stand_as_they_last_were() -> None:
    defaults = PolicyFile("policies/defaults.yaml", DEFAULTS)
    before = stood(file("checkout"), defaults=(defaults,))
    policies = read(file("checkout"), before=before, left_out=(defaults.path,))
    assert policies.defaults == (defaults,)
    ((service, _),) = policies.services
    assert service.gate.mode == "enforce"


@pytest.mark.parametrize(
    ("text", "defaults"),
    [
        pytest.param(DEFAULTS.replace("enforce", "advise"), "advise", id="good defaults replace the old"),
        pytest.param(DEFAULTS.replace("enforce", "advised"), "enforce", id="broken ones leave the old"),
        pytest.param(None, "", id="removed ones are gone"),
    ],
)
def test_defaults_as_they_last_were_without_a_mistake(text: str | None, defaults: str) -> None:
    path = "policies/defaults.yaml"
    files = [] if text is None else [PolicyFile(path, text)]
    before = Before(defaults=(PolicyFile(path, DEFAULTS),))
    found = read(*files, before=before).defaults
    assert [defaults in one.text for one in found] == ([True] if defaults else [])


def test_the_organizations_defaults_lie_under_a_repositorys_own() -> None:
    above = PolicyFile("policies/defaults.yaml", DEFAULTS.replace("mode: enforce", "caution: {below: 40%}"))
    before = Before(organization_defaults=(PolicyFile("policies/defaults.yaml", DEFAULTS),))
    ((service, _),) = read(above, file("checkout"), before=before).services
    assert (service.gate.mode, str(service.gate.caution.below)) == ("enforce", "0.40")


@pytest.mark.parametrize(
    ("before", "problems"),
    [
        pytest.param(Before(), 0, id="nothing stood, so nothing is amiss"),
        pytest.param(stood(file("checkout")), 1, id="a service stood"),
        pytest.param(Before(defaults=(PolicyFile("d.yaml", DEFAULTS),)), 1, id="defaults stood"),
    ],
)
def test_a_repository_that_cannot_be_read_keeps_everything(before: Before, problems: int) -> None:
    policies = unreadable(before, SHOP, "404")
    assert [service for service, _ in policies.services] == list(before.services)
    assert policies.defaults == before.defaults
    assert len(policies.problems) == problems
    assert all(problem == policies.problems[0] for _, problem in policies.services)


def test_a_warning_keeps_nothing_back_and_is_no_problem_of_every_pull_request() -> None:
    policies = read(file("checkout", more="  review: {from: 2026-11-02}\n"))
    assert standing(policies) == {"checkout": None}
    assert policies.problems == ()
    assert [problem.severity for problem in policies.found] == ["warning"]
