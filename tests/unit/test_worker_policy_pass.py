"""The pass over a repository's policy files: what is in force, and who has to look again because of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import a_service, a_view
from databases import opened
from fakes import CENTRAL, SHOP, FakeGitHub, Place
from gatekeeper.decide.verdict import State
from gatekeeper.errors import GitHubError, GitHubRefusedError, TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.worker.policy_pass import LOST, PolicyPass
from gatekeeper.worker.pull_pass import FAN_OUT

FILE = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: NAME}
spec:
  objectives: [{target: 99.9%, indicator: {prometheus: {bad: errors_total, total: requests_total}}}]
  changes: [{repository: REPOSITORY, paths: [src/**]}]
"""
DEFAULTS = "apiVersion: gatekeeper/v1\nkind: Defaults\nspec: {gate: {mode: MODE}}\n"
BROKEN = ("policies/checkout.yaml", "kind: Service\nmetadata: {name: checkout}\n")


def policy(name: str = "checkout", repository: str = SHOP) -> tuple[str, str]:
    return f"policies/{name}.yaml", FILE.replace("NAME", name).replace("REPOSITORY", repository)


def defaults(mode: str = "enforce") -> tuple[str, str]:
    return "policies/defaults.yaml", DEFAULTS.replace("MODE", mode)


def policies(repository: str = SHOP) -> WorkKey:
    return WorkKey(Kind.POLICIES, repository)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        yield Place(database)


@pytest.fixture
def github(place: Place) -> FakeGitHub:
    return place.github


@pytest.fixture
def standing(place: Place) -> Place:
    """checkout is in force, read from the shop; the organisation has no policy repository."""
    place.github.create(SHOP, policy())
    place.run(policies())
    place.touched()
    return place


def services(place: Place) -> dict[str, str]:
    """Where each service's policy was read."""
    return {entry.service.name: entry.service.origin.repository for entry in place.catalog.entries()}


def test_a_second_pass_changes_and_touches_nothing(standing: Place) -> None:
    assert standing.run(policies()) == {"services": 1, "problems": 0}
    assert standing.touched() == {}


def test_a_policy_comes_into_force_and_its_service_and_pull_requests_are_looked_at(
    place: Place, github: FakeGitHub
) -> None:
    github.create(SHOP, policy())
    place.run(policies())
    assert services(place) == {"checkout": SHOP}
    touched = place.touched()
    assert touched[f"repository:{SHOP}"] == [FAN_OUT]
    assert "service:acme/checkout" in touched


def test_a_deleted_service_has_its_pull_requests_looked_at(standing: Place) -> None:
    standing.github.commit(SHOP)
    standing.run(policies())
    assert services(standing) == {}
    assert standing.touched() == {f"repository:{SHOP}": [FAN_OUT], "service:acme/checkout": []}


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        pytest.param(404, False, id="not found"),
        pytest.param(403, False, id="forbidden"),
        pytest.param(409, False, id="empty"),
        pytest.param(422, True, id="something nobody knows is not believed"),
    ],
)
@pytest.mark.parametrize("method", ["repository", "policy_tree"])
def test_a_repository_that_cannot_be_read_keeps_its_policies_and_says_so(
    standing: Place, status: int, method: str, *, raised: bool
) -> None:
    standing.github.refusing[method] = status
    if raised:
        with pytest.raises(GitHubRefusedError):
            standing.run(policies())
    else:
        standing.run(policies())
        assert "cannot be read" in standing.catalog.problems(SHOP)[0]
    assert services(standing) == {"checkout": SHOP}


def test_a_failure_changes_nothing(standing: Place) -> None:
    standing.github.failing["policy_tree"] = GitHubError("502")
    with pytest.raises(GitHubError):
        standing.run(policies())
    assert services(standing) == {"checkout": SHOP}
    assert standing.touched() == {}


def test_mistakes_are_shown_where_they_matter_and_taken_back_when_mended(standing: Place) -> None:
    standing.github.commit(SHOP, BROKEN)
    standing.run(policies())
    (entry,) = standing.catalog.entries()
    assert entry.problem is not None
    assert standing.touched() == {f"repository:{SHOP}": [FAN_OUT]}
    standing.run(policies())
    assert standing.touched() == {}, "said once"
    standing.github.commit(SHOP, policy())
    standing.run(policies())
    (entry,) = standing.catalog.entries()
    assert entry.problem is None
    assert standing.touched() == {f"repository:{SHOP}": [FAN_OUT]}


def test_a_file_too_large_to_be_read_ends_no_gate(standing: Place) -> None:
    standing.github.commit(SHOP, left_out=("policies/checkout.yaml",))
    standing.run(policies())
    assert services(standing) == {"checkout": SHOP}


# The organisation's policy repository


def test_without_a_policy_repository_it_is_asked_for_once(standing: Place) -> None:
    standing.github.calls.clear()
    standing.run(policies())
    assert standing.github.calls == ["repository", "policy_tree"]


def test_the_organizations_defaults_are_read_first_and_lie_under_all(
    place: Place, github: FakeGitHub
) -> None:
    github.create(CENTRAL, defaults())
    github.create(SHOP, policy())
    place.run(policies())
    (entry,) = place.catalog.entries()
    assert entry.service.gate.mode == "enforce"


@pytest.mark.parametrize(
    ("files", "mode", "again"),
    [
        pytest.param([defaults("advise")], "advise", True, id="changed"),
        pytest.param([defaults("loudly")], "enforce", False, id="broken: the last good ones stay"),
        pytest.param([defaults()], "enforce", False, id="unchanged"),
        pytest.param([], "observe", True, id="removed"),
    ],
)
def test_defaults_reach_every_repository(
    place: Place, github: FakeGitHub, files: list[tuple[str, str]], mode: str, *, again: bool
) -> None:
    github.create(CENTRAL, defaults())
    github.create(SHOP, policy())
    place.run(policies())
    place.touched()
    github.commit(CENTRAL, *files)
    place.run(policies(CENTRAL))
    assert (f"policies:{SHOP}" in place.touched()) is again
    place.run(policies())
    (entry,) = place.catalog.entries()
    assert entry.service.gate.mode == mode


def test_defaults_have_what_is_proposed_elsewhere_looked_at(place: Place, github: FakeGitHub) -> None:
    """A floor may forbid what a pull request there says, though no service in force is touched by it."""
    github.create(CENTRAL, defaults())
    github.create(SHOP, policy())
    place.run(policies())
    place.touched()
    github.commit(CENTRAL, defaults("advise"))
    numbers = {SHOP: [7]}
    read = PolicyPass(github, place.catalog, ".github", lambda repository: numbers.get(repository, []))
    read(policies(CENTRAL), [], place.now)
    assert f"proposal:{SHOP}#7" in place.touched(proposals=True)


def test_a_file_that_is_too_wrong_to_change_anything_has_what_is_proposed_looked_at(
    place: Place, github: FakeGitHub
) -> None:
    """It may have come from where a pull request edits it, unseen until now."""
    github.create(SHOP, policy())
    read = PolicyPass(github, place.catalog, ".github", lambda _: [7])
    read(policies(), [], place.now)
    place.touched()
    github.commit(SHOP, policy(), ("policies/moved.yaml", "kind: Nonsense\n"))
    for again in (True, False):
        read(policies(), [], place.now)
        assert (f"proposal:{SHOP}#7" in place.touched(proposals=True)) is again


def test_defaults_that_cannot_be_read_are_not_put_in_force_without(place: Place, github: FakeGitHub) -> None:
    github.create(CENTRAL, defaults())
    github.create(SHOP, policy())
    github.failing["repository"] = GitHubError("502")
    with pytest.raises(GitHubError):
        place.run(policies())
    assert services(place) == {}


# One name in two repositories


def test_of_two_repositories_that_name_one_service_the_first_has_it(standing: Place) -> None:
    standing.github.create(CENTRAL, policy())
    standing.run(policies(CENTRAL))
    assert services(standing) == {"checkout": SHOP}
    assert "is declared in acme/shop/policies/checkout.yaml already" in standing.catalog.problems(CENTRAL)[0]


def test_a_policy_moved_to_another_repository_is_taken_up_there_at_once(standing: Place) -> None:
    github = standing.github
    github.create(CENTRAL, policy())
    standing.run(policies(CENTRAL))
    standing.touched()
    github.commit(SHOP)
    standing.run(policies())
    assert f"policies:{CENTRAL}" in standing.touched()
    standing.run(policies(CENTRAL))
    assert services(standing) == {"checkout": CENTRAL}
    assert standing.catalog.problems(CENTRAL) == ()


# Repositories come and go


def _gone(github: FakeGitHub) -> None:
    github.repositories.pop(SHOP)
    github.policies.pop(SHOP)


@pytest.mark.parametrize(
    ("hints", "act", "left"),
    [
        pytest.param([LOST], _gone, {}, id="lost, and not there any more"),
        pytest.param([], _gone, {"checkout": SHOP}, id="not there, but nobody said that it was lost"),
        pytest.param([LOST], lambda _: None, {"checkout": SHOP}, id="lost, and added again meanwhile"),
        pytest.param(
            [LOST],
            lambda github: github.refusing.update(repository=403),
            {"checkout": SHOP},
            id="lost, or forbidden",
        ),
    ],
)
def test_a_lost_repository(
    standing: Place, hints: list[Any], act: Callable[[FakeGitHub], None], left: dict[str, str]
) -> None:
    act(standing.github)
    standing.run(policies(), *hints)
    assert services(standing) == left
    assert standing.catalog.is_known(SHOP) is bool(left)
    if not left:
        assert standing.touched().keys() >= {"service:acme/checkout", f"repository:{SHOP}"}


def test_a_renamed_repository_takes_its_policies_along(standing: Place) -> None:
    standing.github.rename(SHOP, "acme/store")
    standing.github.commit("acme/store", policy(repository="acme/store"))
    standing.run(policies("acme/store"))  # GitHub's event names the new one first
    assert services(standing) == {"checkout": "acme/store"}, "in one step: in between nothing would be held"
    assert "service:acme/checkout" not in standing.touched()
    standing.run(policies("acme/store"))
    standing.run(policies(), LOST)
    assert "policies:acme/store" in standing.touched()
    standing.run(policies("acme/store"))
    assert services(standing) == {"checkout": "acme/store"}
    assert [source.repository for source in standing.catalog.sources() if source.repository != CENTRAL] == [
        "acme/store"
    ]


def test_a_pass_that_another_one_overtook_puts_nothing_in_force(standing: Place) -> None:
    """What it read meant something else by then: a service would be gone, and with it all that it holds."""
    before = services(standing)

    def renamed() -> None:
        standing.catalog.rename(SHOP, "acme/store", (), standing.now)

    standing.github.create("acme/store")
    standing.github.meanwhile["policy_tree"] = renamed
    with pytest.raises(TemporaryError, match="another pass"):
        standing.run(policies("acme/store"))
    assert services(standing) == dict.fromkeys(before, "acme/store")


def test_until_the_new_name_is_read_a_renamed_repositorys_gates_stay_as_they_are(standing: Place) -> None:
    """A pass over a service without a policy forgets its gate, and with it that it is frozen or in probation."""
    standing.github.rename(SHOP, "acme/store")
    standing.run(policies(), LOST)
    assert "service:acme/checkout" not in standing.touched()
    standing.github.commit("acme/store", policy(repository="acme/store"))
    standing.run(policies("acme/store"))
    assert "service:acme/checkout" in standing.touched()


@pytest.mark.parametrize(
    "present",
    [
        pytest.param("acme/store", id="where its policies are gone"),
        pytest.param("globex/shop", id="with another owner, where it is another service"),
    ],
)
def test_the_gates_of_what_was_moved_and_is_no_service_any_more_are_let_go(
    standing: Place, present: str
) -> None:
    standing.github.rename(SHOP, present)
    standing.run(policies(), LOST)
    before = standing.touched()
    standing.github.commit(present)
    standing.run(policies(present))
    assert "service:acme/checkout" in before | standing.touched()


def test_a_name_in_other_letters_is_not_another_repository(standing: Place) -> None:
    standing.github.renamed["acme/Shop"] = SHOP
    standing.run(policies("acme/Shop"))
    assert services(standing) == {"checkout": SHOP}
    assert not standing.catalog.is_known("acme/Shop")


def test_a_pull_request_of_a_repository_out_of_sight_leaves_no_record(place: Place) -> None:
    place.run(policies("acme/secret"))
    assert not place.catalog.is_known("acme/secret")
    assert place.catalog.is_known(CENTRAL), "a policy repository that is missing is not asked for each time"


def test_a_changed_policy_has_the_repositories_of_both_versions_looked_at(
    place: Place, github: FakeGitHub
) -> None:
    github.create(CENTRAL, policy(repository="acme/web"))
    place.run(policies(CENTRAL))
    place.touched()
    github.commit(CENTRAL, policy(repository=SHOP))
    place.run(policies(CENTRAL))
    assert place.touched().keys() == {"repository:acme/web", f"repository:{SHOP}", "service:acme/checkout"}


def test_a_forgotten_gate_keeps_its_transitions(place: Place) -> None:
    view = a_view(State.FROZEN, -0.5, service=a_service())
    place.put(view)
    place.services.forget(view.service.key)
    assert place.gates.standing(view.service.key) is None
    assert len(place.gates.transitions(view.service.key)) == 1
