"""What becomes of the gate when Prometheus, GitHub or a policy file fails: nothing is lost, nothing opens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import openapi
from gatekeeper.decide.verdict import State
from staging import Stage, policy
from worlds.prometheus import PrometheusServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from worlds.world import World

SHOP = "acme/shop"


@pytest.fixture(scope="module")
def own_prometheus(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A server that these tests may take down."""
    with PrometheusServer(tmp_path_factory.mktemp("own"), world.series) as server:
        yield server


@pytest.fixture
def stage(
    tmp_path: Path,
    own_prometheus: PrometheusServer,
    policies: dict[str, str],
    frozen_at: datetime,
    filled: Path,
) -> Iterator[Stage]:
    with Stage(
        tmp_path, prometheus=own_prometheus.url, now=frozen_at, policies=policies, filled=filled
    ) as stage:
        yield stage
        openapi.validate_all(call for call in stage.github.calls if not call.faulted)


def state_of(stage: Stage, service: str) -> State:
    standing = stage.gatekeeper.stores.gates.standing(f"acme/{service}")
    assert standing is not None
    return standing.view.memory.state


def test_without_prometheus_states_are_held_and_said_to_be_stale(
    stage: Stage, own_prometheus: PrometheusServer, frozen_at: datetime
) -> None:
    frozen, free = stage.open_pull("checkout"), stage.open_pull("search")
    with own_prometheus.down():
        stage.at(frozen_at + timedelta(minutes=30), failing="service:")
        assert state_of(stage, "checkout") is State.FROZEN, "absence never thaws"
        assert state_of(stage, "search") is State.OPEN, "absence never freezes"
        assert stage.check(frozen).conclusion == "action_required"
        assert stage.check(free).conclusion == "neutral", "what is not known is not approved"
        for number in (frozen, free):
            assert "the newest data" in (stage.check(number).output.summary or "")
        stage.at(frozen_at + timedelta(hours=3), failing="service:")
        assert stage.check(frozen).conclusion == "action_required", "held for as long as it lasts"
        assert stage.check(free).conclusion == "neutral", "after the hold the fail mode: advise"
    stage.at(frozen_at + timedelta(hours=3))
    assert stage.check(free).conclusion == "success"
    assert "the newest data" not in (stage.check(frozen).output.summary or "")


def test_a_broken_policy_leaves_the_last_good_one_in_force_and_shows_the_mistake(stage: Stage) -> None:
    number = stage.open_pull("checkout")
    broken = policy("checkout", bad="up{", total="up")
    stage.github.state.update_file("acme/.github", "policies/checkout.yaml", broken, by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "action_required"
    entry = stage.gatekeeper.stores.catalog.entry("acme/checkout")
    assert entry is not None
    assert entry.problem is not None
    assert entry.problem.startswith("policies/checkout.yaml:11:")
    later = stage.open_pull("checkout")
    assert stage.check(later).conclusion == "action_required"
    assert "policies/checkout.yaml:11:" in (stage.check(later).output.summary or "")


def test_mending_the_policy_puts_the_new_version_in_force(stage: Stage, policies: dict[str, str]) -> None:
    number = stage.open_pull("checkout")
    mended = policies["policies/checkout.yaml"].replace("mode: enforce", "mode: advise")
    stage.github.state.update_file("acme/.github", "policies/checkout.yaml", mended, by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "neutral"


def test_a_deleted_policy_ends_the_gate_of_its_service(stage: Stage) -> None:
    number = stage.open_pull("checkout")
    stage.github.state.update_file("acme/.github", "policies/checkout.yaml", None, by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "skipped"
    assert stage.labels(number) == ()


def test_a_repository_that_cannot_be_read_keeps_its_policies(stage: Stage) -> None:
    stage.github.faults.fail("GET", r"/repos/acme/\.github", status=404, times=1)
    stage.touch(["policies:acme/.github"])
    assert stage.gatekeeper.stores.catalog.entry("acme/checkout") is not None
    (source,) = [one for one in stage.gatekeeper.stores.catalog.sources() if one.repository == "acme/.github"]
    assert "cannot be read" in source.problems[0]


FAULTS: list[object] = [
    pytest.param(lambda faults: faults.fail("GET", "/pulls/1$", status=502, times=2), id="502 on reading"),
    pytest.param(lambda faults: faults.fail("POST", "/check-runs", status=500), id="500 on the check"),
    pytest.param(lambda faults: faults.fail("POST", "/comments", status=503), id="503 on the comment"),
    pytest.param(lambda faults: faults.lose_answer("POST", "/check-runs"), id="the check's answer is lost"),
    pytest.param(lambda faults: faults.lose_answer("POST", "/comments"), id="the comment's answer is lost"),
    pytest.param(lambda faults: faults.lose_answer("POST", "/labels"), id="the label's answer is lost"),
    pytest.param(
        lambda faults: faults.secondary_limit("POST", "/check-runs", retry_after=2), id="403, Retry-After 2"
    ),
    pytest.param(
        lambda faults: faults.secondary_limit("POST", "/comments", retry_after=1, status=429),
        id="429, Retry-After 1",
    ),
]


@pytest.mark.parametrize("arm", FAULTS)
def test_github_fails_and_all_converges_to_one_check_and_one_comment(
    stage: Stage, arm: Callable[[object], None]
) -> None:
    arm(stage.github.faults)
    stage.github.state.open_pull(
        SHOP, author="dev1", title="A change", files={"services/checkout/new.py": "x = 1\n"}
    )
    stage.settle()
    assert stage.github.faults.pending() == 0, "the fault never struck"
    assert stage.check(1).conclusion == "action_required"
    assert len(stage.comments(1)) == 1
    assert stage.labels(1) == ("slo:frozen",)


def test_a_comment_that_somebody_deleted_is_written_anew_when_there_is_news(
    stage: Stage, world: World
) -> None:
    number = stage.open_pull("checkout")
    (identity,) = [one.id for one in stage.github.state.comments.values() if one.author == "gatekeeper[bot]"]
    stage.github.state.delete_comment(SHOP, identity, by="ops1")
    stage.at(world.end)
    assert stage.check(number).conclusion == "success"
    assert len(stage.comments(number)) <= 1


def test_a_lost_event_is_healed_by_the_sweep(stage: Stage) -> None:
    stage.github.deliveries.drop(3)  # the push, the pull request, the check suite
    stage.github.state.open_pull(
        SHOP, author="dev1", title="A change", files={"services/checkout/new.py": "x = 1\n"}
    )
    stage.settle()
    assert stage.checks(1) == []
    stage.touch([f"repository:{SHOP}"])
    assert stage.check(1).conclusion == "action_required"
    assert len(stage.comments(1)) == 1
