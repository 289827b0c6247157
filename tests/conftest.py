"""Plugins of all tests, and how Hypothesis runs in them."""

from hypothesis import settings

pytest_plugins = ["databases", "worlds.fixtures"]

settings.register_profile("patient", deadline=None)
if (
    settings.get_current_profile_name() == "default"
):  # in CI Hypothesis takes its own, which has no deadline either
    settings.load_profile("patient")
