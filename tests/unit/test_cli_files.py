"""``validate`` and ``settings``, the help, the version, and what a log line looks like."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from typer.testing import CliRunner, Result

import faces
from gatekeeper import logs
from gatekeeper.cli.program import PANELS, app
from gatekeeper.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
GOOD = faces.policy("checkout").text
BROKEN = GOOD.replace("99.95%", "99.95")


def run(*arguments: str, **environ: str) -> Result:
    result = CliRunner().invoke(app, list(arguments), env=environ)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies" / "more").mkdir(parents=True)
    (tmp_path / "policies" / "checkout.yaml").write_text(GOOD)
    (tmp_path / "policies" / "more" / "search.yml").write_text(faces.policy("search").text)
    (tmp_path / "policies" / "README.md").write_text("no policy")
    return tmp_path


def test_good_files_are_counted_and_their_services_named(folder: Path) -> None:
    result = run("validate", str(folder / "policies"))
    assert (result.exit_code, result.stdout) == (0, "2 files, no mistakes; services: checkout, search\n")


def test_a_mistake_has_its_place_and_what_to_write(folder: Path) -> None:
    file = folder / "policies" / "checkout.yaml"
    file.write_text(BROKEN)
    result = run("validate", str(folder / "policies"))
    assert result.exit_code == 1
    assert f'{file}:9:15: "99.95" is not a percentage; write 99.95%\n' in result.stdout
    assert "2 files, 1 mistake; services: search" in result.stdout


def test_mistakes_as_json(folder: Path) -> None:
    file = folder / "policies" / "checkout.yaml"
    file.write_text(BROKEN)
    told = json.loads(run("validate", "--json", str(file)).stdout)
    assert told == {
        "ok": False,
        "files": [str(file)],
        "services": [],
        "problems": [
            {
                "path": str(file),
                "line": 9,
                "column": 15,
                "severity": "error",
                "message": '"99.95" is not a percentage',
                "suggestion": "write 99.95%",
            }
        ],
    }


def test_in_a_workflow_mistakes_are_annotations_on_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "a,b.yaml"
    file.write_text(BROKEN)
    result = run("validate", "--github", str(file), FORCE_COLOR="1")
    annotation, summary = result.stdout.splitlines()
    place = f"file={tmp_path}/a%2Cb.yaml,line=9,col=15,title=Gatekeeper policy"
    assert annotation == f'::error {place}::{file}:9:15: "99.95" is not a percentage; write 99.95%25'
    assert "1 file, 1 mistake; services: none" in summary
    assert result.exit_code == 1


@pytest.mark.parametrize("how", [[], ["--github"]], ids=["for people", "in a workflow"])
def test_a_value_cannot_forge_a_line_of_its_own(tmp_path: Path, how: list[str]) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(GOOD.replace("name: checkout", 'name: "a\\n::add-mask::y\\e[2J"', 1))
    problem, summary = run("validate", *how, str(file)).stdout.splitlines()
    assert "a\\n::add-mask::y\\x1b[2J" in problem
    assert summary == "1 file, 1 mistake; services: none"


def test_a_warning_is_annotated_as_one_and_does_not_fail(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(re.sub("^ +override:.*\n", "", GOOD, flags=re.MULTILINE))
    result = run("validate", "--github", str(file))
    assert "::warning file=" in result.stdout
    assert result.exit_code == 0


def test_a_file_in_another_encoding_has_a_mistake_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(GOOD.replace("kind: Service", "kind: Service # für Käufer").encode("latin-1"))
    result = run("validate", str(file))
    assert f"{file}:2:18: a character that is not UTF-8 is here; save the file as UTF-8" in result.stdout
    assert result.exit_code == 1


def test_json_and_annotations_together_are_wrong_usage(folder: Path) -> None:
    result = run("validate", "--json", "--github", str(folder / "policies"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "choose one" in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("missing.yaml", None, "there is no", id="a path that is not there"),
        pytest.param("folder", {}, "no policy files", id="a folder without policy files"),
    ],
)
def test_nothing_to_check_is_wrong_usage(tmp_path: Path, name: str, content: Any, words: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
    result = run("validate", str(path))
    assert (result.exit_code, words in result.stderr) == (2, True)


def test_a_file_named_twice_counts_once(folder: Path) -> None:
    file = str(folder / "policies" / "checkout.yaml")
    assert run("validate", file, file, str(folder / "policies")).stdout.startswith("2 files, no mistakes")


def test_the_shipped_examples_are_valid() -> None:
    assert run("validate", str(ROOT / "policies")).exit_code == 0


def test_every_setting_is_listed_and_no_secret_shown() -> None:
    result = run(
        "settings", GATEKEEPER_WEBHOOK_SECRET="hush-hush", GATEKEEPER_DATABASE_URL="sqlite:///hush.db"
    )
    assert result.exit_code == 0
    for name in Settings.model_fields:
        assert PREFIX + name.upper() in result.stdout
    assert "hush" not in result.stdout
    (line,) = (line for line in result.stdout.splitlines() if "GATEKEEPER_WEBHOOK_SECRET" in line)
    assert line.split()[-1] == "yes"


def test_every_command_has_help_that_says_what_it_does() -> None:
    listing = run("--help").stdout
    for commands in PANELS.values():
        for command in commands:
            assert command.__name__.rstrip("_") in listing
            result = run(command.__name__.rstrip("_"), "--help")
            assert result.exit_code == 0
            assert (command.__doc__ or "").split(".")[0].split()[0] in result.stdout


def test_the_installed_program_tells_its_version() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "--version"], check=True, capture_output=True, text=True
    )
    assert told.stdout == f"gatekeeper {version('gatekeeper-slo')}\n"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """What was written to standard error."""

    def written() -> list[str]:
        return capsys.readouterr().err.splitlines()

    return written


def test_our_lines_and_the_libraries_are_json_alike(lines: Callable[[], list[str]]) -> None:
    logs.configure("json")
    with structlog.contextvars.bound_contextvars(key="pull:acme/shop#12"):
        structlog.get_logger().info("pass.done", seconds=0.5)
        logging.getLogger("gunicorn.error").warning("Worker (pid:%s) was sent %s!", 7, "SIGTERM")
    ours, theirs = (json.loads(line) for line in lines())
    assert (ours["event"], ours["level"], ours["seconds"]) == ("pass.done", "info", 0.5)
    assert (theirs["event"], theirs["logger"]) == ("Worker (pid:7) was sent SIGTERM!", "gunicorn.error")
    assert ours["key"] == theirs["key"] == "pull:acme/shop#12"
    assert ours["at"].endswith("Z")


def test_a_traceback_stays_on_its_line(lines: Callable[[], list[str]]) -> None:
    logs.configure("json")
    try:
        int("what")
    except ValueError:
        structlog.get_logger().exception("pass.failed")
    (line,) = lines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_lines_for_people_are_no_json(lines: Callable[[], list[str]]) -> None:
    logs.configure("console")
    structlog.get_logger().info("pass.done", seconds=0.5)
    (line,) = lines()
    assert "pass.done" in line
    assert not line.startswith("{")


def test_a_tap_hears_our_lines_with_their_context(lines: Callable[[], list[str]]) -> None:
    heard: list[tuple[str, object]] = []
    logs.configure("json", taps=[lambda event, fields: heard.append((event, fields.get("key")))])
    with structlog.contextvars.bound_contextvars(key="pull:acme/shop#12"):
        structlog.get_logger().info("pass.done")
    logging.getLogger("other").warning("not ours")
    assert heard == [("pass.done", "pull:acme/shop#12")]


def test_what_is_less_important_than_asked_for_is_left_out(lines: Callable[[], list[str]]) -> None:
    logs.configure("json", level=logging.WARNING)
    structlog.get_logger().info("database.migrated")
    assert lines() == []
