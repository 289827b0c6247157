"""Decisions as earlier versions stored them replay to the bit.

The files in ``snapshots/format-N`` are what a database holds; they are never edited. Who changes a rule so that one of
them decides otherwise has changed what was decided in the past: a stored decision has to be derived by the rules it
was made by. Who changes the format adds a folder.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from builders import NOW, a_snapshot, a_view
from gatekeeper.decide.change import check_of, judge
from gatekeeper.decide.evaluate import decide
from gatekeeper.errors import ConfigurationError
from gatekeeper.store.decisions import DECISION, Decisions
from gatekeeper.store.engine import Database
from gatekeeper.store.snapshots import FORMAT, SNAPSHOT
from gatekeeper.store.tables import decision as table

FOLDER = Path(__file__).parent / "snapshots"
FILES = sorted(FOLDER.glob("format-*/*.json"))
STORED = [pytest.param(path, id=f"{path.parent.name}: {path.stem.replace('-', ' ')}") for path in FILES]


def stored(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("path", STORED)
def test_replay_equals_the_original_whatever_version_stored_it(path: Path) -> None:
    one = stored(path)
    assert DECISION.text(decide(SNAPSHOT.parse(one["snapshot"]))) == one["decision"]


@pytest.mark.parametrize("path", STORED)
def test_a_row_of_an_earlier_version_is_found_explained_and_replayed(path: Path, database: Database) -> None:
    one = stored(path)
    row = one | {"at": NOW, "verdict": 0, "essence": "e"}
    with database.write() as connection:
        connection.execute(insert(table).values(row))
    found = Decisions(database).find(one["id"])
    assert found is not None
    assert (found.decision_text, DECISION.text(found.decision)) == (one["decision"], one["decision"])
    assert DECISION.text(judge(found.snapshot)) == one["decision"]
    assert check_of(found.snapshot, found.decision).title


@pytest.mark.parametrize("path", STORED)
def test_an_example_was_not_edited(path: Path) -> None:
    one = stored(path)
    assert one["id"] == hashlib.sha256(f"{one['subject']}\n{one['snapshot']}".encode()).hexdigest()[:16]
    assert one["snapshot"].startswith(f'{{"format":{path.parent.name.removeprefix("format-")},')


def test_the_format_that_is_written_has_examples_of_every_ruling() -> None:
    whys = {
        ruling["why"]
        for path in (FOLDER / f"format-{FORMAT}").glob("*.json")
        for ruling in json.loads(stored(path)["decision"]).get("rulings", ())
    }
    assert whys >= {
        "open",
        "caution",
        "frozen",
        "exempt by label",
        "exempt by paths",
        "exempt as a revert",
        "overridden",
        "unknown, last state held",
        "unknown, advised",
        "unknown, blocked",
    }


def test_what_is_written_says_its_format_and_is_read_back() -> None:
    snapshot = a_snapshot(a_view())
    text = SNAPSHOT.text(snapshot)
    assert json.loads(text)["format"] == FORMAT
    assert SNAPSHOT.parse(text) == snapshot
    unnumbered = text.replace(f'"format":{FORMAT},', "", 1)
    assert SNAPSHOT.parse(unnumbered) == snapshot


def test_a_format_of_the_future_is_refused_and_not_guessed_at() -> None:
    text = SNAPSHOT.text(a_snapshot()).replace(f'"format":{FORMAT}', f'"format":{FORMAT + 1}', 1)
    with pytest.raises(ConfigurationError, match=f"format {FORMAT + 1} by a later version"):
        SNAPSHOT.parse(text)
