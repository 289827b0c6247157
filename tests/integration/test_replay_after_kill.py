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

gatekeeper = build(Settings.from_env())
ids = {}
for path in sys.argv[1:]:
    one = json.load(open(path, encoding="utf-8"))
    snapshot = SNAPSHOT.parse(one["snapshot"])
    with gatekeeper.stores.database.write() as connection:
        identity = gatekeeper.stores.decisions.add(connection, one["subject"], snapshot, decide(snapshot), "essence")
    ids[path.rsplit("/", 1)[1]] = identity
print("stored", json.dumps(ids), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    url = f"sqlite:///{tmp_path}/gatekeeper.db"
    return os.environ | {"GATEKEEPER_DATABASE_URL": url}  # noqa: TID251 (for a process of its own)


def killed_after_deciding(environ: dict[str, str]) -> dict[str, str]:
    """A process that makes every example's decision and is killed without a chance to say goodbye; their ids."""
    command = [sys.executable, "-c", DECIDES_AND_WAITS, *map(str, STORED)]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = next(line for line in iter(process.stdout.readline, b"") if line.startswith(b"stored "))
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    ids: dict[str, str] = json.loads(said.removeprefix(b"stored "))
    return ids


def replayed(environ: dict[str, str], identity: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gatekeeper", "replay", identity]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_replay_equals_the_original_after_a_kill_and_after_the_schema_grew(
    environ: dict[str, str], tmp_path: Path
) -> None:
    ids = killed_after_deciding(environ)
    blocked = ids["two-services.json"]
    first = replayed(environ, blocked)
    assert (first.returncode, first.stdout) == (
        0,
        f"{blocked}: the same to the bit (acme/shop#12, block)\n",
    ), first.stderr
    with sqlite3.connect(tmp_path / "gatekeeper.db") as connection:
        stored = dict(connection.execute("SELECT id, decision FROM decision"))
        connection.execute("ALTER TABLE decision ADD COLUMN of_a_later_version TEXT DEFAULT 'x'")
    connection.close()
    assert stored == {
        ids[path.name]: json.loads(path.read_text(encoding="utf-8"))["decision"] for path in STORED
    }
    assert replayed(environ, blocked).stdout == first.stdout


def test_replay_shows_a_decision_that_other_rules_would_make(environ: dict[str, str], tmp_path: Path) -> None:
    caution = killed_after_deciding(environ)["caution.json"]
    with sqlite3.connect(tmp_path / "gatekeeper.db") as connection:
        tampered = """UPDATE decision SET decision = replace(decision, '{"verdict":1', '{"verdict":0') WHERE id = ?"""
        connection.execute(tampered, (caution,))
    connection.close()
    result = replayed(environ, caution)
    assert (result.returncode, '-  "verdict": 0,' in result.stdout) == (1, True), result.stdout
