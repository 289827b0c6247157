"""Plugins of all tests, how Hypothesis runs in them, and logs as if each test were the first."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

pytest_plugins = ["databases", "figures", "worlds.fixtures"]

settings.register_profile("patient", deadline=None)
if (
    settings.get_current_profile_name() == "default"
):  # in CI Hypothesis takes its own, which has no deadline either
    settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _logging_set_up_by_nobody() -> Iterator[None]:
    """The program sets up the logging of its process, which is that of all tests here."""
    root = logging.getLogger()
    before = root.handlers, root.level
    structlog.reset_defaults()
    yield
    root.handlers, root.level = before
