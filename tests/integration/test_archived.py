"""A repository that is archived and opened again, from GitHub's webhooks to our record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.bootstrap import now
from gatekeeper.errors import GitHubRefusedError
from staging import Stage

if TYPE_CHECKING:
    from pathlib import Path

SHOP = "acme/shop"


def test_an_archived_repository_has_no_open_pull_requests_until_it_is_opened_again(tmp_path: Path) -> None:
    with Stage(tmp_path, prometheus="http://127.0.0.1:9", now=now(), policies={}) as stage:
        number = stage.open_pull()
        pulls = stage.gatekeeper.stores.pulls
        assert pulls.open(SHOP).keys() == {number}
        stage.github.state.archive(SHOP, by="ops1")
        stage.settle()
        assert pulls.open(SHOP).keys() == set()
        assert stage.gatekeeper.github is not None
        with pytest.raises(GitHubRefusedError, match="read-only"):
            stage.gatekeeper.github.add_labels(SHOP, number, ["slo:frozen"])
        stage.github.state.archive(SHOP, by="ops1", archived=False)
        stage.settle()
        assert pulls.open(SHOP).keys() == {number}
        assert stage.gatekeeper.stores.work.parked() == []
