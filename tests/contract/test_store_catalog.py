"""Policies in force, gates, installations and publications as stored, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from builders import HOUR, MINUTE, NOW, SHA, a_gate, a_service, a_view
from fakes import CENTRAL, SHOP, head
from gatekeeper.act.apply import Kind
from gatekeeper.act.plan import InDoubt, Nothing, Published
from gatekeeper.decide.verdict import Reason, Rule, State
from gatekeeper.errors import TemporaryError
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.github.values import RepositoryData
from gatekeeper.policy.in_force import InForce
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.model import Service
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.deployments import Deployments
from gatekeeper.store.engine import Database
from gatekeeper.store.gates import Gates
from gatekeeper.store.installations import Installations
from gatekeeper.store.overrides import OverrideRecord, Overrides
from gatekeeper.store.publications import LONGEST_WRITE, Publications
from gatekeeper.store.queue import Queue
from gatekeeper.store.tables import let_go
from gatekeeper.store.work import Work

TOUCH = Touch(WorkKey.pull(SHOP, 1))


@pytest.fixture
def work(database: Database) -> Work:
    return Work(database, debounce=timedelta(0))


@pytest.fixture
def catalog(database: Database, work: Work) -> Catalog:
    return Catalog(database, Queue(work, lambda: NOW))


@pytest.fixture
def gates(database: Database, work: Work) -> Gates:
    return Gates(database, Queue(work, lambda: NOW))


@pytest.fixture
def installations(database: Database) -> Installations:
    return Installations(database)


@pytest.fixture
def publications(database: Database) -> Publications:
    return Publications(database)


def service(name: str, organization: str = "acme", repository: str = SHOP) -> Service:
    one = a_service(name, gate=a_gate())
    origin = one.origin.model_copy(update={"repository": repository})
    return one.model_copy(update={"organization": organization, "origin": origin})


def put(catalog: Catalog, repository: str, *services: Service, touches: tuple[Touch, ...] = ()) -> None:
    in_force = InForce(repository, "c1", tuple((one, None) for one in services))
    catalog.put_in_force(in_force, touches, NOW)


# Policies


def test_what_is_put_in_force_is_in_force_with_what_is_wrong(catalog: Catalog) -> None:
    files = (PolicyFile("policies/defaults.yaml", "kind: Defaults ü\n"),)
    services = ((service("checkout"), None), (service("search"), "policies/search.yaml:1:1: x"))
    catalog.put_in_force(InForce(SHOP, "c1", services, ("x", "y"), files), (), NOW)
    assert [(one.service, one.problem) for one in catalog.entries()] == list(services)
    assert catalog.entry("acme/search") == catalog.entries()[1]
    assert catalog.in_force("acme") == services
    assert (catalog.problems(SHOP), catalog.defaults_of(SHOP)) == (("x", "y"), files)
    (source,) = catalog.sources()
    assert (source.repository, source.commit, source.read_at, source.problems) == (
        SHOP,
        "c1",
        NOW,
        ("x", "y"),
    )


def test_a_repository_of_another_name_has_its_services_and_nobody_elses(catalog: Catalog, work: Work) -> None:
    put(catalog, SHOP, service("checkout"))
    put(catalog, "acme/store")  # read first under its new name, where the service was another's still
    put(catalog, CENTRAL, service("search", repository=CENTRAL))
    catalog.rename(SHOP, "acme/store", [TOUCH], NOW)
    assert catalog.services_of(SHOP) == ()
    assert catalog.services_of("acme/store") == (service("checkout", repository="acme/store"),)
    assert [one.repository for one in catalog.sources()] == [CENTRAL, "acme/store"]
    assert catalog.services_of(CENTRAL) == (service("search", repository=CENTRAL),)
    claim = work.claim(NOW, HOUR)
    assert claim is not None
    assert claim.key == TOUCH.key


def an_override(number: int = 1, **values: Any) -> OverrideRecord:
    fields: dict[str, Any] = {
        "repository": SHOP,
        "number": number,
        "label": "slo:override",
        "actor": "alice",
        "granted": True,
        "why": "",
        "reason": None,
        "head_sha": SHA,
        "labeled_at": NOW,
        "until": NOW + HOUR,
        "recorded_at": NOW,
    }
    return OverrideRecord(**fields | values)


def test_what_is_in_force_goes_with_the_name(catalog: Catalog, database: Database) -> None:
    overrides = Overrides(database)
    forged = {"status": "gatekeeper", "id": 7, "sha": SHA, "actor": "mallory"}
    overrides.add_new(
        [
            an_override(),
            an_override(2, until=NOW),
            an_override(label="/gatekeeper open acme/checkout"),
            an_override(3),
            an_override(3, repository="acme/store", granted=False, why="looked at already"),
        ]
    )
    overrides.forged(SHOP, 1, forged, NOW)
    for _ in range(2):
        catalog.rename(SHOP, "acme/store", [], NOW)
    assert overrides.of_pull("acme/store", 1) == (an_override(repository="acme/store"),)
    assert overrides.of_pull("acme/store", 2) == ()
    assert [one.why for one in overrides.of_pull("acme/store", 3)] == ["looked at already"]
    assert len(overrides.of_pull(SHOP, 1)) == 3
    assert overrides.verify().broken_at is None


def test_what_was_deployed_goes_with_the_name(catalog: Catalog, database: Database) -> None:
    deployments = Deployments(database)
    status = DeploymentStatus(
        "1",
        "production",
        production=True,
        task="deploy",
        ref="main",
        sha=SHA,
        state="success",
        at=NOW,
        url=None,
    )
    deployments.report(SHOP, status)
    row = {"repository": SHOP, "at": NOW}
    with database.write() as connection:
        connection.execute(
            insert(let_go),
            [
                row | {"environment": "production", "sha": "old"},
                row | {"environment": "staging", "sha": "old"},
                row | {"environment": "staging", "sha": "new", "repository": "acme/store"},
            ],
        )
    for _ in range(2):
        catalog.rename(SHOP, "acme/store", [], NOW)
    assert [one.repository for one in deployments.of(["acme/store"])] == ["acme/store"]
    assert deployments.of([SHOP]) == ()
    with database.read() as connection:
        found = {(one.repository, one.environment, one.sha) for one in connection.execute(select(let_go))}
    assert found >= {("acme/store", "production", "old"), ("acme/store", "staging", "new")}


def test_an_organisation_of_another_name_keeps_its_services_gates_and_overrides(
    catalog: Catalog, database: Database
) -> None:
    gates, overrides = Gates(database, Queue(Work(database), lambda: NOW)), Overrides(database)
    gate = a_gate(override={"teams": ["@Acme/sre", "@acmeric/sre"]})
    named = {"gate": gate, "owners": ("@acme/checkout-product", "@acme")}
    put(catalog, SHOP, service("checkout").model_copy(update=named))
    put(catalog, "acmeric/shop", service("other", organization="acmeric", repository="acmeric/shop"))
    (mine, _), *_ = catalog.in_force("acme")
    frozen = a_view(State.FROZEN, -0.5, service=mine)
    gates.save(frozen, None, (), NOW)
    overrides.add_new([an_override()])
    for _ in range(2):
        catalog.rename_organization("acme", "globex", NOW)
    (entry,) = catalog.entries("globex")
    assert (entry.service.key, entry.service.origin.repository) == ("globex/checkout", "globex/shop")
    assert entry.service.gate.override.teams == ("@globex/sre", "@acmeric/sre")
    assert entry.service.owners == ("@globex/checkout-product", "@acme"), "the second is a person"
    assert [one.repository for one in catalog.sources()] == ["acmeric/shop", "globex/shop"]
    standing = gates.standing("globex/checkout")
    assert standing is not None
    assert (standing.view.service.key, standing.view.memory) == ("globex/checkout", frozen.memory)
    assert gates.standing("acme/checkout") is None
    assert overrides.of_pull("globex/shop", 1) == (an_override(repository="globex/shop"),)
    assert [one.service.key for one in catalog.entries("acmeric")] == ["acmeric/other"]


def test_what_is_left_out_the_next_time_is_gone(catalog: Catalog) -> None:
    put(catalog, SHOP, service("checkout"), service("search"))
    put(catalog, SHOP, service("search"))
    assert [one.service.name for one in catalog.entries()] == ["search"]
    put(catalog, SHOP)
    assert catalog.entries() == ()
    assert catalog.is_known(SHOP)


def test_repositories_do_not_touch_each_others_services(catalog: Catalog) -> None:
    put(catalog, SHOP, service("checkout"))
    put(catalog, CENTRAL, service("search", repository=CENTRAL))
    put(catalog, SHOP)
    assert (
        catalog.services_of(CENTRAL)
        == catalog.others("acme", SHOP)
        == (service("search", repository=CENTRAL),)
    )


@pytest.mark.parametrize("other", ["acme2", "acm", "acme-x", "a_me", "%"])
def test_organizations_are_kept_apart(catalog: Catalog, other: str) -> None:
    put(catalog, SHOP, service("checkout"))
    put(catalog, f"{other}/shop", service("checkout", other, f"{other}/shop"))
    assert [one.service.organization for one in catalog.entries("acme")] == ["acme"]
    assert [one.service.organization for one in catalog.entries(other)] == [other]
    assert catalog.sources_of("acme") == (SHOP,)


@pytest.mark.parametrize(
    ("name", "organization", "keys"),
    [
        pytest.param("checkout", None, ["acme/checkout", "other/checkout"], id="in all organizations"),
        pytest.param("checkout", "other", ["other/checkout"], id="in one"),
        pytest.param("checkout", "none", [], id="in one that has none"),
        pytest.param("out", None, [], id="the end of a name is none"),
        pytest.param("%", None, [], id="a pattern is no name"),
        pytest.param("CHECKOUT", None, [], id="names have their case"),
        pytest.param("acme/checkout", None, [], id="a key is no name"),
    ],
)
def test_services_are_found_by_name(
    catalog: Catalog, name: str, organization: str | None, keys: list[str]
) -> None:
    put(catalog, SHOP, service("checkout"), service("search"))
    put(catalog, "other/shop", service("checkout", "other", "other/shop"))
    assert [entry.service.key for entry in catalog.named(name, organization)] == keys


def test_a_forgotten_repository_leaves_nothing(catalog: Catalog) -> None:
    put(catalog, SHOP, service("checkout"))
    put(catalog, CENTRAL, service("search", repository=CENTRAL))
    catalog.forget(SHOP, ())
    assert not catalog.is_known(SHOP)
    assert [one.service.name for one in catalog.entries()] == ["search"]
    assert catalog.problems(SHOP) == ()


def test_what_follows_is_touched_if_and_only_if_it_is_stored(catalog: Catalog, work: Work) -> None:
    put(catalog, SHOP, service("checkout"), touches=(TOUCH,))
    assert work.claim(NOW, MINUTE) is not None
    broken = InForce(SHOP, None, ())  # type: ignore[arg-type]  # the database refuses it
    with pytest.raises(Exception, match=r"(?i)null"):
        catalog.put_in_force(broken, (Touch(WorkKey.pull(SHOP, 2)),), NOW)
    assert work.claim(NOW + HOUR, MINUTE) is not None, "only the lease that ran out"
    assert work.claim(NOW + HOUR, MINUTE) is None
    assert len(catalog.entries()) == 1


# Gates


def test_a_gate_is_kept_as_its_pass_left_it(gates: Gates) -> None:
    view = a_view(State.FROZEN, -0.5, burn_down=((NOW, None), (NOW + HOUR, 0.5)))
    gates.save(view, None, (), NOW)
    standing = gates.standing(view.service.key)
    assert standing is not None
    assert (standing.view, standing.at) == (view, NOW)
    assert gates.view(view.service.key) == view
    assert gates.standings() == {view.service.key: standing}
    assert gates.standing("acme/other") is None


@pytest.mark.parametrize(
    ("before", "after", "recorded"),
    [
        pytest.param(None, State.OPEN, True, id="seen for the first time"),
        pytest.param(State.OPEN, State.OPEN, False, id="it stays"),
        pytest.param(State.OPEN, State.FROZEN, True, id="it moves"),
    ],
)
def test_a_transition_is_recorded_with_its_reasons(
    gates: Gates, before: State | None, after: State, *, recorded: bool
) -> None:
    reasons = (Reason(Rule.FREEZE_BELOW, "availability", -0.5, 0.0),)
    view = a_view(after, -0.5, memory={"reasons": reasons})
    gates.save(view, before, (), NOW)
    found = gates.transitions(view.service.key)
    assert [(one.at, one.before, one.after, one.reasons) for one in found] == (
        [(NOW, before, after, reasons)] if recorded else []
    )


def test_transitions_come_newest_first_and_outlive_the_gate(gates: Gates) -> None:
    view = a_view(State.FROZEN)
    gates.save(view, None, (), NOW)
    gates.save(a_view(State.OPEN), State.FROZEN, (), NOW + HOUR)
    gates.forget(view.service.key)
    assert gates.standing(view.service.key) is None
    assert [one.after for one in gates.transitions(view.service.key)] == [State.OPEN, State.FROZEN]
    assert [one.after for one in gates.transitions(view.service.key, most=1)] == [State.OPEN]


def test_a_gate_and_what_follows_are_stored_together(gates: Gates, work: Work) -> None:
    gates.save(a_view(), None, (TOUCH,), NOW)
    claim = work.claim(NOW, MINUTE)
    assert claim is not None
    assert claim.key == TOUCH.key


# Installations


def a_repository(name: str = SHOP, **values: object) -> RepositoryData:
    return replace(RepositoryData(name, "main", archived=False, installation_id=7), **values)  # type: ignore[arg-type]  # any of its fields


def test_an_installation_has_the_repositories_that_it_had_last(installations: Installations) -> None:
    assert installations.replace(7, [a_repository(), a_repository("acme/web")]) == ()
    assert installations.replace(7, [a_repository(default_branch="trunk"), a_repository("acme/new")]) == (
        "acme/web",
    )
    known = installations.repository(SHOP)
    assert known is not None
    assert (known.installation, known.default_branch) == (7, "trunk")
    assert installations.installation_of("acme/web") is None
    assert installations.numbers() == (7,)


def test_an_archived_repository_is_known_and_not_listed(installations: Installations) -> None:
    installations.replace(7, [a_repository(archived=True), a_repository("acme/web")])
    assert [installations.is_archived(name) for name in (SHOP, "acme/web", "acme/new")] == [
        True,
        False,
        False,
    ]
    assert [one.full_name for one in installations.repositories()] == ["acme/web"]
    assert installations.installation_of(SHOP) == 7


def test_an_installation_that_took_a_repository_over_keeps_it_when_the_old_one_goes(
    installations: Installations,
) -> None:
    installations.replace(7, [a_repository()])
    installations.replace(8, [a_repository()])
    assert installations.replace(7, []) == ()
    assert installations.forget(7) == ()
    assert installations.installation_of(SHOP) == 8


def test_a_forgotten_installation_names_what_it_had(installations: Installations) -> None:
    installations.replace(7, [a_repository("acme/web"), a_repository()])
    assert installations.forget(7) == (SHOP, "acme/web")
    assert installations.numbers() == ()
    assert installations.repositories() == ()


# Publications


def test_what_is_published_is_known_from_intent_to_oblivion(publications: Publications) -> None:
    place = (SHOP, Kind.CHECK, head("a"))
    assert publications.find(*place) == InDoubt()
    publications.found_nothing(*place, NOW)
    assert publications.find(*place) == Nothing()
    publications.intend(*place, NOW, by="#1")
    assert publications.find(*place) == InDoubt(), "it may have been created"
    publications.record(*place, 42, "e1", NOW)
    assert publications.find(*place) == Published(42, "e1")
    publications.record(*place, 42, "", NOW)
    assert publications.find(*place) == Published(42, "")
    publications.forget(*place)
    assert publications.find(*place) == InDoubt()


def test_what_another_worker_published_meanwhile_is_not_created_again(publications: Publications) -> None:
    place = (SHOP, Kind.COMMENT, "1")
    publications.found_nothing(*place, NOW)
    publications.record(*place, 42, "e", NOW)
    with pytest.raises(TemporaryError, match="another worker"):
        publications.intend(*place, NOW, by="#1")
    assert publications.find(*place) == Published(42, "e")


def test_of_two_that_were_created_the_first_to_be_recorded_is_the_known_one(
    publications: Publications,
) -> None:
    place = (SHOP, Kind.COMMENT, "1")
    publications.intend(*place, NOW, by="#1")
    assert publications.record_first(*place, 42, "e", NOW)
    assert not publications.record_first(*place, 43, "f", NOW)
    assert publications.record_first(*place, 42, "f", NOW), "found and recorded by somebody else"
    assert publications.find(*place) == Published(42, "e")


def test_of_two_that_share_a_commit_one_creates_its_check_and_the_other_comes_back(
    publications: Publications,
) -> None:
    place = (SHOP, Kind.CHECK, head("a"))
    publications.intend(*place, NOW, by="#1")
    publications.found_nothing(*place, NOW)
    with pytest.raises(TemporaryError, match="another worker"):
        publications.intend(*place, NOW, by="#2")
    publications.intend(*place, NOW, by="#1")  # its own next attempt
    publications.record(*place, 42, "e", NOW)
    assert publications.find(*place) == Published(42, "e")


def test_what_a_dead_worker_was_about_to_create_is_left_to_others_in_the_end(
    publications: Publications,
) -> None:
    place = (SHOP, Kind.CHECK, head("a"))
    publications.intend(*place, NOW, by="#1")
    publications.intend(*place, NOW + LONGEST_WRITE, by="#2")
    assert publications.find(*place) == InDoubt()


def test_a_status_has_no_id_and_is_published_all_the_same(publications: Publications) -> None:
    publications.record(SHOP, Kind.CHECK, head("a"), 0, "e", NOW)
    assert publications.find(SHOP, Kind.CHECK, head("a")) == Published(0, "e")


def test_publications_are_kept_apart(publications: Publications) -> None:
    publications.record(SHOP, Kind.COMMENT, "1", 42, "e", NOW)
    for place in ((SHOP, Kind.CHECK, "1"), (SHOP, Kind.COMMENT, "2"), ("acme/web", Kind.COMMENT, "1")):
        assert publications.find(*place) == InDoubt()
