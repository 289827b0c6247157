"""A stored decision replays to the bit after the process that made it was killed, and after the schema has grown."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.store.snapshots import FORMAT

FOLDER = Path(__file__).parents[1] / "contract" / "snapshots" / f"format-{FORMAT}"
STORED = sorted(FOLDER.glob("*.json"))

DECIDES_AND_WAITS = """
import json, sys
from gatekeeper.bootstrap import build
from gatekeeper.decide.evaluate import decide
from gatekeeper.settings import Settings
from gatekeeper.store.snapshots import SNAPSHOT

decisions = build(Settings.from_env()).decisions
for path in sys.argv[1:]:
    one = json.load(open(path, encoding="utf-8"))
    snapshot = SNAPSHOT.parse(one["snapshot"])
    decisions.add(one["subject"], snapshot, decide(snapshot), "essence")
print("stored", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    url = f"sqlite:///{tmp_path}/gatekeeper.db"
    return os.environ | {"GATEKEEPER_DATABASE_URL": url}  # noqa: TID251 (for a process of its own)


def killed_after_deciding(environ: dict[str, str]) -> None:
    """A process that makes every example's decision and is killed without a chance to say goodbye."""
    command = [sys.executable, "-c", DECIDES_AND_WAITS, *map(str, STORED)]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"stored\n" in iter(process.stdout.readline, b""), "after what it logs"
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL


def replayed(environ: dict[str, str], identity: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gatekeeper", "replay", identity]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_replay_equals_the_original_after_a_kill_and_after_the_schema_grew(
    environ: dict[str, str], tmp_path: Path
) -> None:
    killed_after_deciding(environ)
    blocked = json.loads((FOLDER / "two-services.json").read_text(encoding="utf-8"))
    first = replayed(environ, blocked["id"])
    assert (first.returncode, first.stdout) == (
        0,
        f"{blocked['id']}: the same to the bit (acme/shop#12, block)\n",
    ), first.stderr
    with sqlite3.connect(tmp_path / "gatekeeper.db") as connection:
        stored = dict(connection.execute("SELECT id, decision FROM decision"))
        connection.execute("ALTER TABLE decision ADD COLUMN of_a_later_version TEXT DEFAULT 'x'")
    connection.close()
    assert stored == {one["id"]: one["decision"] for one in (json.loads(p.read_text()) for p in STORED)}
    assert replayed(environ, blocked["id"]).stdout == first.stdout


def test_replay_shows_a_decision_that_other_rules_would_make(environ: dict[str, str], tmp_path: Path) -> None:
    killed_after_deciding(environ)
    one = json.loads((FOLDER / "caution.json").read_text(encoding="utf-8"))
    with sqlite3.connect(tmp_path / "gatekeeper.db") as connection:
        tampered = one["decision"].replace('"verdict":1', '"verdict":0', 1)
        connection.execute("UPDATE decision SET decision = ? WHERE id = ?", (tampered, one["id"]))
    connection.close()
    result = replayed(environ, one["id"])
    assert (result.returncode, '-  "verdict": 0,' in result.stdout) == (1, True), result.stdout
