"""``gatekeeper demo`` as somebody types it: it says where it is, gives way on a taken port, and ends cleanly."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY_SECONDS = 60.0


class Demo:
    """A running ``gatekeeper demo``; ``printed`` is what the terminal shows."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed = ""

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        while text not in self.printed:
            line = self.process.stdout.readline()
            assert line, f"it ended with {self.process.wait()}:\n{self.printed}"
            self.printed += line

    def address(self, of: str) -> str:
        found = re.search(rf"{of} +(http://\S+)", self.printed)
        assert found, self.printed
        return found[1]


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[Demo]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gatekeeper", "demo", "--no-browser", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "COLUMNS": "120"},
    )
    try:
        yield Demo(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_everything_and_leaves_nothing_behind(tmp_path: Path, one: signal.Signals) -> None:
    with demo(tmp_path, "--port", "0") as running:
        running.wait_for("Ctrl-C ends it.")
        for place in ("The story", "Gatekeeper", "GitHub"):
            assert requests.get(running.address(place), timeout=READY_SECONDS).status_code == 200
        assert requests.get(f"{running.address('Prometheus')}/-/ready", timeout=READY_SECONDS).ok
        assert list(tmp_path.iterdir())
        running.process.send_signal(one)
        rest, _ = running.process.communicate(timeout=READY_SECONDS)
    assert running.process.returncode == 0
    assert rest.split() == ["Stopping."]
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_told_and_another_one_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with demo(tmp_path, "--port", str(port)) as running:
            running.wait_for("Ctrl-C ends it.")
            assert f"Port {port} is taken by another program" in running.printed
            assert requests.get(running.address("The story"), timeout=READY_SECONDS).status_code == 200


def test_everything_is_green_within_a_minute(tmp_path: Path) -> None:
    """Two minutes are promised from typing ``make demo``, installation included."""
    began = time.monotonic()
    with demo(tmp_path, "--port", "0") as running:
        running.wait_for("Ctrl-C ends it.")
        services = f"{running.address('Gatekeeper')}/api/v1/services"
        states: list[str] = []
        while len(states) < 4 and time.monotonic() < began + READY_SECONDS:
            found = requests.get(services, timeout=READY_SECONDS).json()["services"]
            measured = [one for one in found if one["objectives"][0]["budget_remaining"] is not None]
            states = [one["state"] for one in measured]
            time.sleep(0.2)
    assert states == ["open"] * 4
