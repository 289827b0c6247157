"""``check``, ``explain`` and ``replay``: what they print, and the exit codes that scripts rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

import faces
from builders import NOW, a_gate, a_service, a_snapshot, a_view, unmeasured
from gatekeeper.cli.decisions import exit_code
from gatekeeper.cli.exits import Code
from gatekeeper.cli.program import app
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.standing import as_of
from gatekeeper.decide.verdict import State
from gatekeeper.demo.github import StandIn
from gatekeeper.store.decisions import DECISION
from gatekeeper.store.tables import decision as decisions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.decide.snapshot import Snapshot

WRITES = ("POST", "PATCH", "PUT", "DELETE")


@pytest.fixture(scope="module")
def github() -> Iterator[StandIn]:
    with StandIn() as one:
        one.state.add_personal_token("ops1", "token")
        yield one


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, github: StandIn) -> dict[str, str]:
    """A database in which checkout is frozen and payments was never measured, with one decision."""
    folder = tmp_path_factory.mktemp("cli")
    gatekeeper = faces.gatekeeper_at(folder)
    by_name = {one.name: one for one in faces.put_policies(gatekeeper, "checkout", "payments")}
    faces.measure(gatekeeper, by_name["checkout"])
    identity = faces.open_pull(gatekeeper, 12, "Checkout: faster payment", "checkout")
    gatekeeper.close()
    return {
        "DECISION": identity,
        "GATEKEEPER_DATABASE_URL": f"sqlite:///{folder}/gatekeeper.db",
        "GATEKEEPER_GITHUB_API_URL": github.url,
        "GATEKEEPER_GITHUB_TOKEN": "token",
    }


def run(environ: dict[str, str], *arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments), env=environ)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def opened(github: StandIn, *paths: str) -> str:
    """A new pull request that changes these files."""
    pull = github.state.open_pull(
        "acme/shop", author="dev1", title="A change", files=dict.fromkeys(paths, "x\n")
    )
    return f"acme/shop#{pull.number}"


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        pytest.param("services/checkout/a.py", Code.NO, "over its error budget", id="a spent budget blocks"),
        pytest.param(
            "services/payments/a.py", Code.UNKNOWN, "not measured", id="no evidence is its own answer"
        ),
        pytest.param("README.md", Code.OK, "No service is touched", id="what touches nothing may go on"),
    ],
)
def test_check_tells_scripts_by_its_exit_code(
    environ: dict[str, str], github: StandIn, path: str, code: Code, words: str
) -> None:
    pull = opened(github, path)
    github.calls.clear()
    result = run(environ, "check", pull)
    assert (result.exit_code, words in result.output) == (code, True), result.output
    assert [str(call) for call in github.calls if call.method in WRITES] == []


def test_check_speaks_json(environ: dict[str, str], github: StandIn) -> None:
    pull = opened(github, "services/checkout/b.py")
    told = json.loads(run(environ, "check", pull, "--json").stdout)
    assert (told["pull_request"], told["verdict"], told["exit_code"]) == (pull, "block", 1)
    assert told["conclusion"] == "action_required"
    (ruling,) = told["rulings"]
    assert (ruling["service"], ruling["why"]) == ("acme/checkout", "frozen")
    (numbers,) = told["services"]["acme/checkout"]
    assert numbers["good"] + numbers["bad"] == numbers["total"]
    assert numbers["budget_remaining"] < 0
    assert {"window_start", "window_end", "coverage", "watermark", "query"} <= numbers.keys()


@pytest.mark.parametrize(
    ("arguments", "changed", "code", "words"),
    [
        pytest.param(["check", "shop"], {}, Code.USAGE, "OWNER/REPO#NUMBER", id="no pull request"),
        pytest.param(["check", "acme/shop#999"], {}, Code.USAGE, "no such pull request", id="an unknown one"),
        pytest.param(["check", "acme/other#1"], {}, Code.UNKNOWN, "were not read yet", id="unread policies"),
        pytest.param(
            ["check", "acme/shop#1"],
            {"GATEKEEPER_GITHUB_TOKEN": ""},
            Code.USAGE,
            "GATEKEEPER_GITHUB_APP_ID",
            id="nobody to ask GitHub as",
        ),
        pytest.param(
            ["check", "acme/shop#1"],
            {"GATEKEEPER_GITHUB_API_URL": "http://127.0.0.1:9"},
            Code.UNKNOWN,
            "no answer",
            id="GitHub does not answer",
        ),
        pytest.param(
            ["explain", "x"], {"GATEKEEPER_REFRESH_SECONDS": "1"}, Code.USAGE, "REFRESH", id="a wrong setting"
        ),
        pytest.param(["explain", "x"], {}, Code.USAGE, "no decision x", id="an unknown decision to explain"),
        pytest.param(["replay", "x"], {}, Code.USAGE, "no decision x", id="an unknown decision to replay"),
        pytest.param(["decide"], {}, Code.USAGE, "No such command", id="an unknown command"),
    ],
)
def test_what_is_wrong_is_one_readable_line(
    environ: dict[str, str], arguments: list[str], changed: dict[str, str], code: Code, words: str
) -> None:
    result = run(environ | changed, *arguments)
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.output


def test_explain_prints_the_same_sentences_as_the_check(environ: dict[str, str]) -> None:
    result = run(environ, "explain", environ["DECISION"])
    assert result.exit_code == Code.OK
    assert "acme/shop#12: block" in result.stdout
    assert "checkout is frozen: 66.0 % over its error budget" in result.stdout
    assert "24,191,984" in result.stdout


def test_replay_derives_the_same_to_the_bit(environ: dict[str, str]) -> None:
    result = run(environ, "replay", environ["DECISION"])
    assert (result.exit_code, "the same to the bit" in result.stdout) == (Code.OK, True)


def test_replay_shows_what_another_version_decided_otherwise(tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    snapshot = a_snapshot(a_view(State.FROZEN, -0.5))
    decision = decide(snapshot)
    laxer = DECISION.text(replace(decision, rulings=()))
    with gatekeeper.stores.database.write() as connection:
        identity = gatekeeper.stores.decisions.add(connection, "acme/shop#12", snapshot, decision, "")
        connection.execute(update(decisions).values(decision=laxer))
    gatekeeper.close()
    result = run({"GATEKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/gatekeeper.db"}, "replay", identity)
    assert result.exit_code == Code.NO
    assert "--- stored" in result.stdout
    assert '+      "service": "acme/checkout",' in result.stdout


def unknown(**rules: object) -> Snapshot:
    service = a_service(gate=a_gate(**rules))
    return a_snapshot(as_of(a_view(State.OPEN, unmeasured(), service=service), NOW))


@pytest.mark.parametrize(
    ("snapshot", "code"),
    [
        pytest.param(a_snapshot(), Code.OK, id="nothing touched"),
        pytest.param(a_snapshot(a_view(State.CAUTION, 0.1)), Code.OK, id="caution only warns"),
        pytest.param(a_snapshot(a_view(State.FROZEN, -0.1)), Code.NO, id="frozen"),
        pytest.param(unknown(), Code.UNKNOWN, id="not known, advised"),
        pytest.param(
            unknown(unknown={"hold": 0, "then": "block"}), Code.NO, id="not known, blocked by policy"
        ),
        pytest.param(unknown(mode="observe"), Code.OK, id="not known, but the policy only observes"),
    ],
)
def test_an_exit_code_says_what_counts(snapshot: Snapshot, code: Code) -> None:
    assert exit_code(decide(snapshot)) is code
