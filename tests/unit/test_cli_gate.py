"""``gatekeeper gate``: here and over HTTP the same answer, and the exit codes that pipelines rely on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result
from werkzeug.serving import WSGIRequestHandler, make_server

import faces
from canned import CUT_OFF, answering, serving
from gatekeeper.cli.exits import Code
from gatekeeper.cli.program import app
from gatekeeper.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

YES = {"allowed": True, "known": True, "effective": "allow", "sentence": "well", "reasons": []}


class Quiet(WSGIRequestHandler):
    """Logs nothing: the server is in the process whose output is looked at."""

    def log(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gate")
    faces.populated(folder).close()
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    gatekeeper = faces.gatekeeper_at(folder)
    with serving(
        make_server("127.0.0.1", 0, create_app(gatekeeper), threaded=True, request_handler=Quiet)
    ) as port:
        yield f"http://127.0.0.1:{port}/"
    gatekeeper.close()


def run(*arguments: str, folder: Path | None = None) -> Result:
    environ = {} if folder is None else {"GATEKEEPER_DATABASE_URL": f"sqlite:///{folder}/gatekeeper.db"}
    result = CliRunner().invoke(app, ["gate", *arguments], env=environ)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("way", ["here", "over HTTP"])
@pytest.mark.parametrize(
    ("service", "code", "words"),
    [
        pytest.param("checkout", Code.NO, "blocked: checkout is frozen: ", id="a frozen gate"),
        pytest.param("acme/checkout", Code.NO, "blocked: checkout is frozen: ", id="by its whole name"),
        pytest.param("newsletter", Code.OK, "allowed: newsletter is ", id="an observer"),
        pytest.param(
            "recommendations", Code.UNKNOWN, "not known: recommendations is not measured", id="nothing known"
        ),
        pytest.param("nope", Code.USAGE, "no service is named nope", id="no such service"),
        pytest.param("other/checkout", Code.USAGE, "in other", id="none there"),
        pytest.param("../metrics?", Code.USAGE, "no service is named metrics?", id="what is no name"),
    ],
)
def test_the_answer_is_the_exit_code_and_a_line(
    folder: Path, url: str, way: str, service: str, code: Code, words: str
) -> None:
    more = ["--server", url] if way == "over HTTP" else []
    result = run(service, "--environment", "production", *more, folder=folder)
    assert (result.exit_code, words in result.output) == (code, True), result.output


def test_json_is_what_the_api_answers(folder: Path, url: str) -> None:
    there = run("checkout", "--environment", "production", "--json", "--server", url)
    here = run("checkout", "--environment", "production", "--json", folder=folder)
    told, kept = json.loads(there.stdout), json.loads(here.stdout)
    assert (told.pop("at")[:4], kept.pop("at")[:4]) != ("", "")
    assert told["effective"] == "block"
    assert there.exit_code == here.exit_code == Code.NO


def test_the_reasons_stand_below(url: str) -> None:
    lines = run("checkout", "--environment", "production", "--server", url).stdout.splitlines()
    assert any("freeze.below" in line for line in lines[1:])


def asked(status: int, body: object, *more: str) -> Result:
    with answering(status, body) as url:
        return run("checkout", "--environment", "production", "--server", url, *more)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        pytest.param(200, YES, Code.OK, id="yes"),
        pytest.param(200, YES | {"effective": "warn"}, Code.OK, id="yes, with a warning"),
        pytest.param(200, YES | {"more": [1]}, Code.OK, id="yes, of a later version"),
        pytest.param(200, YES | {"known": False}, Code.UNKNOWN, id="not known"),
        pytest.param(200, YES | {"allowed": False}, Code.NO, id="no"),
        pytest.param(200, YES | {"allowed": "true"}, Code.USAGE, id="no truth value"),
        pytest.param(200, {"allowed": True}, Code.USAGE, id="half an answer"),
        pytest.param(200, [], Code.USAGE, id="no answer of ours"),
        pytest.param(200, b"<html>Sign in</html>", Code.USAGE, id="a page to sign in"),
        pytest.param(CUT_OFF, YES, Code.UNKNOWN, id="an answer that is cut off"),
        pytest.param(401, b"", Code.USAGE, id="a proxy that wants to know who asks"),
        pytest.param(404, b"", Code.USAGE, id="a server of something else"),
        pytest.param(429, {"error": "slowly"}, Code.UNKNOWN, id="too many questions"),
        pytest.param(500, b"oops", Code.UNKNOWN, id="a server that fails"),
        pytest.param(
            503, {"error": "its database is away"}, Code.UNKNOWN, id="a server without its database"
        ),
    ],
)
def test_only_a_clear_yes_is_one(status: int, body: object, code: Code) -> None:
    result = asked(status, body)
    assert result.exit_code == code, result.output
    assert result.output.strip()


@pytest.mark.parametrize(
    ("server", "code"),
    [
        pytest.param("http://u:s3cr3t@127.0.0.1:9", Code.UNKNOWN, id="nobody listens"),
        pytest.param("gatekeeper.acme.example", Code.USAGE, id="no scheme"),
        pytest.param("ftp://gatekeeper.acme.example", Code.USAGE, id="another scheme"),
        pytest.param("https://", Code.USAGE, id="no host"),
        pytest.param("https://[::1", Code.USAGE, id="half a host"),
        pytest.param("http://127.0.0.1:99999", Code.USAGE, id="no such port"),
    ],
)
def test_a_server_that_cannot_be_asked(server: str, code: Code) -> None:
    result = run("checkout", "--environment", "production", "--server", server)
    assert result.exit_code == code, result.output
    assert "gatekeeper: " in result.output
    assert "s3cr3t" not in result.output


def test_what_a_server_says_cannot_write_to_the_terminal() -> None:
    result = asked(200, YES | {"sentence": "\x1b[2Jwell\x07"})
    assert result.exit_code == Code.OK
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--deadline", "5m"], "--wait", id="a deadline for nothing"),
        pytest.param(["--wait", "--deadline", "5"], "add a unit", id="a deadline without a unit"),
    ],
)
def test_a_deadline_that_means_nothing_is_refused(folder: Path, arguments: list[str], words: str) -> None:
    result = run("newsletter", "--environment", "production", *arguments, folder=folder)
    assert (result.exit_code, words in result.output) == (Code.USAGE, True), result.output


@pytest.mark.parametrize("way", ["here", "over HTTP"])
def test_at_the_deadline_the_gate_has_its_last_word(folder: Path, url: str, way: str) -> None:
    more = ["--server", url] if way == "over HTTP" else []
    result = run(
        "checkout",
        "--environment",
        "production",
        "--wait",
        "--deadline",
        "1s",
        "--json",
        *more,
        folder=folder,
    )
    assert result.exit_code == Code.NO
    assert json.loads(result.stdout)["state"] == "frozen"
    assert result.stderr.startswith("waiting: blocked: checkout is frozen: ")


def test_what_is_allowed_is_not_waited_for(url: str) -> None:
    result = run("newsletter", "--environment", "production", "--wait", "--server", url)
    assert (result.exit_code, result.stderr) == (Code.OK, "")


@pytest.mark.parametrize(
    ("body", "annotation"),
    [
        pytest.param(YES, "::notice title=Gatekeeper::allowed: well", id="allowed"),
        pytest.param(
            YES | {"effective": "warn"},
            "::warning title=Gatekeeper::allowed, with a warning: well",
            id="warned",
        ),
        pytest.param(YES | {"known": False}, "::warning title=Gatekeeper::not known: well", id="not known"),
        pytest.param(
            YES
            | {"allowed": False, "sentence": "66.0 % over\n::add-mask::x", "reasons": ["::error::a", "b"]},
            "::error title=Gatekeeper::blocked: 66.0 %25 over\\n::add-mask::x%0A  ::error::a%0A  b",
            id="blocked, by a text that would be more",
        ),
    ],
)
def test_in_a_workflow_the_answer_is_one_annotation(body: object, annotation: str) -> None:
    assert asked(200, body, "--github").stdout == f"{annotation}\n"


def test_json_and_an_annotation_together_are_wrong_usage() -> None:
    result = asked(200, YES, "--github", "--json")
    assert (result.exit_code, result.stdout) == (Code.USAGE, "")
