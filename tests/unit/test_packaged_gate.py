"""The Action that asks a gate: its last step, run as a runner does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from canned import answering

ROOT = Path(__file__).parents[2]
ACTION: Any = yaml.safe_load((ROOT / "gate" / "action.yml").read_text())
BIN = Path(sys.executable).parent
YES = {"allowed": True, "known": True, "effective": "allow", "sentence": "well", "reasons": []}
DARK = YES | {"known": False}
NO = YES | {"allowed": False}


def ask(folder: Path, server: str, **inputs: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """What became of the step, and what it put out."""
    *_, step = ACTION["runs"]["steps"]
    assert step["env"] == {
        key.replace("-", "_").upper(): f"${{{{ inputs.{key} }}}}" for key in ACTION["inputs"]
    }
    given = {"service": "checkout", "environment": "production", "server": server} | inputs
    values = {key: given.get(key, one.get("default")) for key, one in ACTION["inputs"].items()}
    (folder / "gatekeeper").mkdir(exist_ok=True)
    if not (folder / "gatekeeper" / "bin").exists():
        (folder / "gatekeeper" / "bin").symlink_to(BIN)
    output = folder / "output"
    output.touch()
    environ = {
        "PATH": f"{BIN}{os.pathsep}{os.defpath}",
        "LANG": "C.UTF-8",
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(output),
        "PYTHONPATH": os.pathsep.join(sys.path),
        **{key.replace("-", "_").upper(): value for key, value in values.items()},
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return done, output.read_text()


@pytest.mark.parametrize(
    ("body", "unknown", "codes", "annotation"),
    [
        pytest.param(YES, "stop", (0, 0), "::notice", id="allowed"),
        pytest.param(NO, "go", (1, 1), "::error", id="blocked"),
        pytest.param(DARK, "stop", (3, 3), "::warning", id="not known"),
        pytest.param(DARK, "go", (0, 3), "::warning", id="not known, and let pass"),
    ],
)
def test_the_step_fails_as_the_gate_says(
    tmp_path: Path, body: object, unknown: str, codes: tuple[int, int], annotation: str
) -> None:
    with answering(200, body) as url:
        done, output = ask(tmp_path, url, **{"when-unknown": unknown})
    assert (done.returncode, output) == (codes[0], f"exit-code={codes[1]}\n"), done.stderr
    assert done.stdout.startswith(f"{annotation} title=Gatekeeper::")


def test_it_waits_until_the_deadline_and_no_longer(tmp_path: Path) -> None:
    with answering(200, NO) as url:
        done, _ = ask(tmp_path, url, deadline="1s")
    assert done.returncode == 1
    assert done.stderr.startswith("waiting: blocked: ")


@pytest.mark.parametrize("name", ["service", "environment", "deadline", "when-unknown"])
def test_it_runs_nothing_that_its_inputs_say(tmp_path: Path, name: str) -> None:
    with answering(404, {"error": "no such service"}) as url:
        done, _ = ask(tmp_path, url, **{name: "--help; $(touch here) `touch here`"})
    assert done.returncode == 2, done.stdout
    assert not (tmp_path / "here").exists()


def test_it_is_installed_from_the_repository_that_it_is_in() -> None:
    _, install, _ = ACTION["runs"]["steps"]
    assert '"$ACTION_PATH/.."' in install["run"]
    assert (ROOT / "gate" / ".." / "pyproject.toml").exists()
