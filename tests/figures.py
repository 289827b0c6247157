"""The last lines of a run's report: figures that a person wants to see, whichever process has found them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_SAID = pytest.StashKey[list[str]]()
_OF_A_WORKER = "figures"


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Adds a line to the end of the run's report."""
    return pytestconfig.stash[_SAID].append


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SAID] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist has no terminal: its lines go to the process that has."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_OF_A_WORKER] = session.config.stash[_SAID]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over a worker's lines; one that has crashed leaves none."""
    node.config.stash[_SAID] += getattr(node, "workeroutput", {}).get(_OF_A_WORKER, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash[_SAID]:
        terminalreporter.write_line(line)
