"""The pages a person clicks: repositories, pull requests, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

if TYPE_CHECKING:
    from gatekeeper.demo.github.errors import Refused

blueprint = Blueprint("pages", __name__)


def refused(refusal: Refused) -> tuple[str, int]:
    """A refusal, as a page."""
    return refusal.message, refusal.status
