"""Workflow commands of GitHub Actions, as its page "Workflow commands for GitHub Actions" has them."""

from typing import Literal


def annotation(level: Literal["notice", "warning", "error"], text: str, **properties: object) -> str:
    """One annotation of a job, with what GitHub's own toolkit escapes. No text ends it, or begins another."""
    told = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{level} {told}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
