"""A pipeline asks ``gatekeeper serve`` in a process of its own, through ``gatekeeper gate`` in another."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests

import faces
from gatekeeper.policy.gate import Mode
from gatekeeper.policy.in_force import InForce
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "gatekeeper"]
PATIENCE = 30.0


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its evidence is of another day, so that only what was frozen is decided."""
    folder = tmp_path_factory.mktemp("served")
    faces.populated(folder).close()
    return folder


@pytest.fixture(scope="module")
def server(database: Path) -> Iterator[str]:
    """The root of a server."""
    with started(database) as (_, url):
        yield url


@contextlib.contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server on the database of this folder, and its root."""
    port = free_port()
    environ = {
        **os.environ,  # noqa: TID251 (an edge: the program's own environment)
        "GATEKEEPER_DATABASE_URL": f"sqlite:///{folder}/gatekeeper.db",
        "GATEKEEPER_PROMETHEUS_URL": "http://127.0.0.1:9",
        "GATEKEEPER_API_TOKEN": "s3cr3t",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*PROGRAM, "serve", "--port", str(port)], env=environ, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        yield process, url
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{url}/healthz", timeout=5).ok:
                return
        time.sleep(0.1)
    pytest.fail(f"no answer within {PATIENCE} s")


def gate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as a pipeline does: in a folder of its own, with no setting."""
    environ = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}  # noqa: TID251 (an edge)
    command = [*PROGRAM, "gate", *arguments, "--environment", "production"]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


@pytest.mark.parametrize(
    ("service", "code", "words"),
    [
        pytest.param("checkout", 1, "blocked: checkout is frozen: ", id="blocked"),
        pytest.param("newsletter", 0, "allowed: newsletter is ", id="allowed"),
        pytest.param("payments", 3, "not known: payments is not measured: ", id="not known"),
    ],
)
def test_a_pipeline_hears_whether_to_deploy(
    server: str, tmp_path: Path, service: str, code: int, words: str
) -> None:
    done = gate(tmp_path, service, "--server", server)
    assert (done.returncode, done.stdout.startswith(words), done.stderr) == (code, True, ""), done
    assert not list(tmp_path.iterdir()), "whoever asks a server needs no database"


def test_json_can_be_piped(server: str, tmp_path: Path) -> None:
    done = gate(tmp_path, "acme/checkout", "--server", server, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["allowed"], told["state"]) == (1, False, "frozen")


def test_an_unknown_service_is_a_mistake_of_the_pipeline(server: str, tmp_path: Path) -> None:
    done = gate(tmp_path, "nope", "--server", server)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no service is named nope" in done.stderr


def test_a_server_that_is_away_opens_no_gate(tmp_path: Path) -> None:
    done = gate(tmp_path, "checkout", "--server", f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (3, "")
    assert "did not answer" in done.stderr


def test_a_pipeline_tells_what_it_deployed_twice_and_it_is_there_once(server: str) -> None:
    report = {"id": "7", "repository": "acme/shop", "environment": "production", "sha": "9" * 40}
    statuses = [
        requests.post(
            f"{server}/api/v1/deployments",
            json=report | {"state": state},
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE,
        ).status_code
        for token, state in (
            ("s3cr3t", "in_progress"),
            ("s3cr3t", "success"),
            ("s3cr3t", "success"),
            ("", "success"),
        )
    ]
    assert statuses == [201, 200, 200, 401]
    known = deployments_of_checkout(server)
    assert known.count("acme/shop:7") == 1


def deployments_of_checkout(server: str) -> list[str]:
    """Their ids, as the API tells them."""
    detail = requests.get(f"{server}/api/v1/services/checkout", timeout=PATIENCE).json()
    return [one["id"] for one in detail["deployments"]]


def test_a_pipeline_that_waits_goes_on_once_the_gate_opens(
    server: str, database: Path, tmp_path: Path
) -> None:
    command = [*PROGRAM, "gate", "checkout", "--environment", "production", "--server", server]
    assert subprocess.run(command, cwd=tmp_path, check=False, timeout=PATIENCE).returncode == 1
    with subprocess.Popen(
        [*command, "--wait", "--deadline", "5m"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        assert waiting.stderr.readline().startswith("waiting: blocked: checkout is frozen: ")
        thaw(database)
        assert waiting.wait(timeout=PATIENCE) == 0


def thaw(database: Path) -> None:
    """checkout only observes from now on: the last test that needs it frozen is over."""
    gatekeeper = faces.gatekeeper_at(database)
    standing = gatekeeper.stores.gates.standing("acme/checkout")
    assert standing is not None
    service = standing.view.service
    observing = service.model_copy(update={"gate": service.gate.model_copy(update={"mode": Mode.OBSERVE})})
    others = tuple(
        (entry.service if entry.service.key != service.key else observing, entry.problem)
        for entry in gatekeeper.stores.catalog.entries()
    )
    gatekeeper.stores.catalog.put_in_force(InForce("acme/shop", "", others, ()), (), faces.NOW)
    gatekeeper.stores.gates.save(
        replace(standing.view, service=observing), standing.view.memory.state, (), faces.NOW
    )
    gatekeeper.close()


def test_a_server_that_stops_answers_who_waits_at_once(tmp_path: Path) -> None:
    faces.populated(tmp_path).close()
    with started(tmp_path) as (process, url), ThreadPoolExecutor(1) as pool:
        path = f"{url}/api/v1/services/checkout/gate?environment=production&wait=25"
        waiting = pool.submit(requests.get, path, timeout=PATIENCE)
        time.sleep(1)
        assert not waiting.done()
        began = time.monotonic()
        process.terminate()
        assert waiting.result().json()["allowed"] is False
        assert time.monotonic() - began < 15, "well before the 25 seconds"
        assert process.wait(timeout=PATIENCE) == 0
