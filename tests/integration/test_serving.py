"""``gatekeeper serve`` as in production: gunicorn, web and worker in one, stopped and killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from gatekeeper.demo.github import StandIn
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERVE = [sys.executable, "-m", "gatekeeper", "serve"]
PATIENCE = 30.0


class Served:
    """A running server, and what it has logged."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=10)

    def lines(self) -> list[dict[str, Any]]:
        """What was logged, but for a line that is still being written."""
        whole = self._log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def passed(self) -> set[str]:
        """What a pass went well over, by its line in the log."""
        passes = [line for line in self.lines() if line["event"] == "pass.done"]
        assert all({"outcome", "seconds", "at", "level"} <= set(line) for line in passes)
        return {line["key"] for line in passes}

    def workers(self) -> list[int]:
        """The processes below the master's."""
        listed = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(listed) as children:  # noqa: PTH123 (procfs)
            return [int(child) for child in children.read().split()]


def eventually(what: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError, FileNotFoundError):
            if what():
                return
        time.sleep(0.1)
    pytest.fail(f"not within {PATIENCE} s")


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn() as one:
        yield one


@pytest.fixture
def environ(tmp_path: Path, github: StandIn) -> dict[str, str]:
    return {
        **os.environ,  # noqa: TID251 (an edge: the program's own environment)
        "GATEKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/gatekeeper.db",
        "GATEKEEPER_GITHUB_API_URL": github.url,
        "GATEKEEPER_GITHUB_APP_ID": str(github.app_id),
        "GATEKEEPER_GITHUB_PRIVATE_KEY": github.app_key.private,
        "GATEKEEPER_WEBHOOK_SECRET": "s",
        "GATEKEEPER_PROMETHEUS_URL": "http://127.0.0.1:9",
    }


@pytest.fixture
def served(tmp_path: Path, environ: dict[str, str]) -> Iterator[Served]:
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen([*SERVE, "--port", str(port)], env=environ, stderr=stream)
        one = Served(process, port, log)
        try:
            eventually(lambda: one.get("/healthz").ok)
            yield one
        finally:
            process.kill() if process.poll() is None else None
            process.wait(timeout=PATIENCE)


def test_web_and_worker_run_in_one_and_stop_when_asked(served: Served) -> None:
    assert served.get("/readyz").json()["status"] == "ready"
    assert served.get("/").ok
    eventually(
        lambda: 'gatekeeper_passes_total{kind="policies",outcome="done"}' in served.get("/metrics").text
    )
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=PATIENCE) == 0


def test_a_killed_worker_process_is_replaced_and_the_passes_go_on(served: Served) -> None:
    eventually(lambda: bool(served.passed()))
    (before,) = served.workers()
    os.kill(before, signal.SIGKILL)
    eventually(lambda: len(served.workers()) == 1 and served.workers() != [before])
    eventually(lambda: served.get("/readyz").ok)
    eventually(lambda: "gatekeeper_passes_total{" in served.get("/metrics").text)


def refused(environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    ended = subprocess.run(
        [*SERVE, "--port", "0", *arguments], env=environ, check=False, capture_output=True, timeout=PATIENCE
    )
    return ended.returncode, ended.stderr.decode()


def test_several_processes_on_sqlite_are_refused_with_the_reason(environ: dict[str, str]) -> None:
    code, said = refused(environ, "--workers", "2")
    assert (code, "needs PostgreSQL" in said, "Traceback" in said) == (2, True, False)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"GATEKEEPER_GITHUB_PRIVATE_KEY": "no key"}, "no RSA key", id="a key that cannot sign"),
        pytest.param(
            {"GATEKEEPER_DATABASE_URL": "sqlite:////no/such/folder/x.db"},
            "database",
            id="a database out of reach",
        ),
    ],
)
def test_a_server_that_cannot_start_says_why_and_ends(
    environ: dict[str, str], changed: dict[str, str], words: str
) -> None:
    code, said = refused(environ | changed)
    assert (code, words in said, "Traceback" in said) == (2, True, False), said


ONE_OF_TWO = """
import os, sys
from gatekeeper.bootstrap import build
from gatekeeper.serving import _Server
from gatekeeper.settings import Settings
server = _Server(Settings(), "127.0.0.1:0", 2, build)
assert server._runs_passes()
child = os.fork()
if child == 0:
    os._exit(3 if server._runs_passes() else 0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_of_several_processes_one_runs_the_passes() -> None:
    subprocess.run([sys.executable, "-c", ONE_OF_TWO], check=True, timeout=PATIENCE)


def test_a_worker_alone_runs_passes_and_stops_when_asked(tmp_path: Path, environ: dict[str, str]) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", "gatekeeper", "worker"], env=environ, stderr=stream)
        try:
            eventually(lambda: "pass.done" in log.read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE) == 0
        finally:
            process.kill() if process.poll() is None else None
            process.wait(timeout=PATIENCE)
    assert json.loads(log.read_text().splitlines()[-1])["event"] == "worker.stopped"
