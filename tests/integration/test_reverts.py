"""While frozen, a revert passes that takes back a merged change and nothing else; what only looks like one waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import openapi
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.demo.github import World
    from worlds.prometheus import PrometheusServer

SHOP = "acme/shop"
APP, CARDS = "services/checkout/app.py", "services/checkout/gift_cards.py"
NEW = "def pay(cart):\n    return cart.total - 1\n"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    exempting = {
        path: text.replace("exempt: {", "exempt: {reverts: true, ") for path, text in policies.items()
    }
    with Stage(
        tmp_path, prometheus=prometheus.url, now=frozen_at, policies=exempting, filled=filled
    ) as stage:
        yield stage
        openapi.validate_all(stage.github.calls)


@pytest.fixture
def old(stage: Stage) -> str:
    """What the changed file was before."""
    world = stage.github.state
    return world.objects.commits[world.branches[SHOP, "main"]].files[APP].decode()


@pytest.fixture
def merged(stage: Stage, old: str) -> int:
    """A change that operations let in: it changes a file and adds another."""
    number = stage.open_pull(files={APP: NEW, CARDS: "CARDS = 1\n"})
    stage.github.state.label(SHOP, number, "reliability", by="ops1")
    stage.settle()
    stage.github.state.merge(SHOP, number, by="ops1")
    stage.settle()
    return number


def revert(stage: Stage, files: dict[str, str | None], body: str, title: str = 'Revert "A change"') -> int:
    pull = stage.github.state.open_pull(SHOP, author="dev1", title=title, files=files, body=body)
    stage.settle()
    return pull.number


def test_a_true_revert_is_merged_in_a_freeze(stage: Stage, merged: int, old: str) -> None:
    number = revert(stage, {APP: old, CARDS: None}, f"Reverts {SHOP}#{merged}")
    check = stage.check(number)
    assert check.conclusion == "success"
    assert f"it takes back #{merged} and nothing else" in (check.output.title or "")
    stage.github.state.merge(SHOP, number, by="dev1")


def test_by_the_commit_it_is_found_too_after_other_changes_landed(
    stage: Stage, merged: int, old: str
) -> None:
    world = stage.github.state
    other = stage.open_pull("search")
    world.merge(SHOP, other, by="dev1")
    sha = world.pull(SHOP, merged).merge_commit_sha
    number = revert(stage, {APP: old, CARDS: None}, f"This reverts commit {sha}.")
    assert stage.check(number).conclusion == "success"


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        pytest.param({CARDS: "CARDS = 2\n"}, CARDS, id="it keeps a part of the change"),
        pytest.param({APP: NEW + "# undone\n"}, APP, id="it changes something else in the same file"),
        pytest.param(
            {"services/checkout/feature.py": "x = 1\n"}, "services/checkout/feature.py", id="it adds a file"
        ),
        pytest.param({"README.md": "# Sneaked in\n"}, "README.md", id="it adds a file that no service has"),
    ],
)
def test_a_look_alike_waits_and_says_why(
    stage: Stage, merged: int, old: str, extra: dict[str, str | None], path: str
) -> None:
    files: dict[str, str | None] = {APP: old, CARDS: None}
    number = revert(stage, files | extra, f"Reverts {SHOP}#{merged}")
    assert stage.check(number).conclusion == "action_required"
    assert f"not the exact inverse of `#{merged}`: `{path}`" in stage.comment(number)


def test_a_push_onto_a_true_revert_makes_it_wait(stage: Stage, merged: int, old: str) -> None:
    number = revert(stage, {APP: old, CARDS: None}, f"Reverts {SHOP}#{merged}")
    branch = stage.github.state.pull(SHOP, number).head_ref
    stage.github.state.push_commit(SHOP, branch, {"services/checkout/feature.py": "x = 1\n"}, by="dev1")
    stage.settle()
    assert stage.check(number).conclusion == "action_required"


def test_taking_a_revert_back_is_no_revert(stage: Stage, merged: int, old: str) -> None:
    number = revert(stage, {APP: old, CARDS: None}, f"Reverts {SHOP}#{merged}")
    world: World = stage.github.state
    world.merge(SHOP, number, by="dev1")
    world.edit_pull(SHOP, number, by="dev1", title="Tidy up", body="")
    stage.settle()
    again = revert(stage, {APP: NEW, CARDS: "CARDS = 1\n"}, f"Reverts {SHOP}#{number}")
    assert stage.check(again).conclusion == "action_required"
    assert "took back a change itself" in stage.comment(again)


def test_a_change_that_never_landed_cannot_be_taken_back(stage: Stage) -> None:
    still_open = stage.open_pull(files={APP: NEW})
    number = revert(stage, {CARDS: "CARDS = 4\n"}, f"Reverts {SHOP}#{still_open}")
    assert stage.check(number).conclusion == "action_required"
