"""A chain of hashes over rows that are only ever added: who changes or removes one breaks all that follow.

Each row's hash is the SHA-256 of the one before it and of the row as canonical JSON (keys sorted, no spaces, times in
RFC 3339 UTC with microseconds). Cutting rows off the end leaves a shorter chain that is whole: keep the last hash
elsewhere, and it is missed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What stands before the first row."""


@dataclass(frozen=True)
class Verified:
    """What a look at a whole chain came to.

    Attributes:
        rows: how many there are.
        last: the hash of the last; ``GENESIS`` without rows.
        broken_at: the id of the first row that does not follow from the one before it, or None.
    """

    rows: int
    last: str
    broken_at: int | None = None


def link(previous: str, fields: Mapping[str, Any]) -> str:
    """The hash of a row."""
    text = json.dumps(_plain(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def verify(rows: Iterable[tuple[int, str, str, Mapping[str, Any]]]) -> Verified:
    """Walk a chain.

    Args:
        rows: (id, previous, hash, fields) in order of id.
    """
    count, last = 0, GENESIS
    for identity, previous, found, fields in rows:
        if previous != last or found != link(previous, fields):
            return Verified(count, last, identity)
        count, last = count + 1, found
    return Verified(count, last)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
