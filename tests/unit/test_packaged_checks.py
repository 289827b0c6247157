"""The pre-commit hook and the GitHub Action: what their definitions run, run as they are."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import faces

ROOT = Path(__file__).parents[2]
GOOD = faces.policy("checkout").text
BROKEN = GOOD.replace("99.95%", "99.95")
BIN = Path(sys.executable).parent


def definition(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def run(command: list[str], folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{BIN}{os.pathsep}{os.defpath}", "LANG": "C.UTF-8", **environ}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "search.yaml").write_text(faces.policy("search").text)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "code"), [pytest.param(GOOD, 0, id="a good file"), pytest.param(BROKEN, 1, id="a broken file")]
)
def test_the_hook_checks_the_folder(folder: Path, text: str, code: int) -> None:
    (folder / "policies" / "checkout.yaml").write_text(text)
    (hook,) = definition(".pre-commit-hooks.yaml")
    done = run([*hook["entry"].split(), *hook["args"]], folder)
    assert done.returncode == code, done.stderr
    assert ("policies/checkout.yaml:9:15:" in done.stdout) is bool(code)


def validated(folder: Path, paths: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the Action's last step as a runner does, in a folder that stands for the checkout."""
    action = definition("action.yml")
    *_, step = action["runs"]["steps"]
    assert step["env"] == {"PATHS": "${{ inputs.paths }}"}
    (folder / "temp").mkdir()
    (folder / "temp" / "gatekeeper").mkdir()
    (folder / "temp" / "gatekeeper" / "bin").symlink_to(BIN)
    given = action["inputs"]["paths"]["default"] if paths is None else paths
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return run(shell, folder, PATHS=given, RUNNER_TEMP=str(folder / "temp"))


def test_the_action_annotates_the_line_and_fails(folder: Path) -> None:
    (folder / "policies" / "checkout.yaml").write_text(BROKEN)
    done = validated(folder)
    assert "::error file=policies/checkout.yaml,line=9,col=15," in done.stdout
    assert done.returncode == 1


def test_the_action_takes_several_paths(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "checkout.yaml").write_text(GOOD)
    done = validated(folder, "policies\nmore  \n")
    assert "2 files, no mistakes; services: checkout, search" in done.stdout
    assert done.returncode == 0


def test_the_action_runs_nothing_that_its_input_says(folder: Path) -> None:
    done = validated(folder, "$(touch here) `touch here` --help ;touch here")
    assert done.returncode == 2, done.stdout
    assert not (folder / "here").exists()
