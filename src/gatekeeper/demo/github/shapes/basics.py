"""What all shapes use: time stamps and node ids."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from datetime import datetime


@overload
def stamp(moment: datetime) -> str: ...
@overload
def stamp(moment: datetime | None) -> str | None: ...
def stamp(moment: datetime | None) -> str | None:
    """GitHub's form of a time: ``2026-11-02T09:00:00Z``."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int | str) -> str:
    """An opaque GraphQL id."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()
