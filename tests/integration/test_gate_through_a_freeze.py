"""A pipeline that is not GitHub's, through a freeze and out of it, over real HTTP and a real Prometheus."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from canned import serving
from gatekeeper.cli.exits import Code
from gatekeeper.cli.server import Server
from gatekeeper.cli.waiting import ask_until
from gatekeeper.web.app import create_app
from gatekeeper.web.waiting import Waiting
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from worlds.prometheus import PrometheusServer
    from worlds.world import World

ENVIRONMENTS = "spec:\n  environments: {production: enforce, canary: advise, staging: free}\n"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    named = {path: text.replace("spec:\n", ENVIRONMENTS, 1) for path, text in policies.items()}
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=named, filled=filled) as stage:
        stage.settle()
        yield stage


@pytest.fixture
def server(stage: Stage) -> Iterator[Server]:
    app = create_app(stage.gatekeeper, waiting=Waiting(pause=0.05))
    with serving(make_server("127.0.0.1", 0, app, threaded=True)) as port:
        yield Server(f"http://127.0.0.1:{port}")


def codes(server: Server, service: str) -> dict[str, tuple[Code, bool]]:
    """By environment, what a script is told, and whether that is a warning."""
    names = ("production", "canary", "staging", "Prod")
    told = {name: server.gate(service, "acme", name, 0) for name in names}
    return {name: (one.code, one.warns) for name, one in told.items()}


def test_a_freeze_holds_each_environment_as_the_policy_says(server: Server) -> None:
    assert codes(server, "checkout") == {
        "production": (Code.NO, False),
        "canary": (Code.OK, True),
        "staging": (Code.OK, False),
        "Prod": (Code.NO, False),
    }
    assert set(codes(server, "search").values()) == {(Code.OK, False)}


def test_a_pipeline_that_waits_goes_on_with_the_thaw(stage: Stage, server: Server, world: World) -> None:
    heard: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            ask_until, lambda wait: server.gate("checkout", "acme", "production", wait), 60, heard.append
        )
        stage.at(stage.now + timedelta(hours=1))
        assert not waiting.done()
        stage.at(world.end)
        told = waiting.result()
    assert (told.code, told.warns, told.whole["state"]) == (Code.OK, True, "probation")
    assert {line.split(":")[0] for line in heard} == {"blocked"}


def test_once_the_evidence_is_old_nothing_opens_and_nothing_shuts(stage: Stage, server: Server) -> None:
    stage.now += timedelta(hours=6)  # nobody looks at the services: as if the worker were gone
    assert codes(server, "checkout")["production"] == (Code.NO, False)
    assert codes(server, "search") == {
        "production": (Code.UNKNOWN, True),
        "canary": (Code.UNKNOWN, True),
        "staging": (Code.OK, False),
        "Prod": (Code.UNKNOWN, True),
    }
