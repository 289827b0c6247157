"""`python -m worlds` serves until it is interrupted, and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_truth_serves_and_stops(ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "worlds", "--days", "1", "--end", "2026-11-02T12:00Z"]
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = ""
        while "serves" not in printed:
            line = process.stdout.readline()
            assert line, f"ended early: {printed}"
            printed += line
        url = re.search(r"http://\S+", printed)
        assert url is not None
        assert "nightzero" in printed
        assert requests.get(f"{url[0]}/-/ready", timeout=5).ok
        process.send_signal(ending)
        assert process.wait(10) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url[0]}/-/ready", timeout=5)
