"""On whose behalf a request is sent: the pass says it once, and no port between carries it along."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gatekeeper.events.triggers import Priority

RESERVED_FOR = Priority.QUEUED
"""From here on the reserve may be used: merge groups, and deployments that wait.

People's own acts go first as well, but not so far: anybody may write a comment, and a thousand of them must not keep a
deployment waiting.
"""

_PRIORITY: ContextVar[int] = ContextVar("priority", default=Priority.EVENT)


@contextmanager
def on_behalf_of(priority: int) -> Iterator[None]:
    """While this lasts, requests of this thread are as urgent as that."""
    token = _PRIORITY.set(priority)
    try:
        yield
    finally:
        _PRIORITY.reset(token)


def present() -> int:
    """How urgent what is sent now is; as an event where nobody said."""
    return _PRIORITY.get()
