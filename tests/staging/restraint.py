"""Whether GitHub's limits were kept, by what it was asked and when.

Sources: GitHub's "Rate limits for the REST API" and "Best practices for using the REST API": a second between writes,
900 points a minute, 80 requests that create content a minute and 500 an hour, 100 at once; nothing before the time that
``Retry-After`` or ``x-ratelimit-reset`` told. Every POST counts as content here, though it need not, and the points of
REST and GraphQL as one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatekeeper.demo.github import Call

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LIMITED = frozenset({403, 429})


def assert_limits_are_kept(calls: Sequence[Call], *, starts: Sequence[float], faster: float = 1.0) -> int:
    """By each caller; how often one broke a silence that it could not know of, for its process had just started.

    Args:
        calls: what GitHub was asked.
        starts: when processes were started: those know nothing of what was said to the ones before.
        faster: how many times as fast as the real one this GitHub may be asked.
    """
    second, minute, hour = 1 / faster, 60 / faster, 3600 / faster
    unknown = 0
    for caller in sorted({call.caller for call in calls}):
        own = sorted((call for call in calls if call.caller == caller), key=lambda call: call.came)
        writes = [call for call in own if _is_write(call)]
        content = [call for call in writes if call.method == "POST"]
        closest = min((after.came - before.came for before, after in pairwise(writes)), default=second)
        assert closest >= second, f"{caller}: {closest * faster:.2f} s between two writes"
        for name, some, weight, window, most in (
            ("points in a minute", own, _points, minute, 900),
            ("new content in a minute", content, _one, minute, 80),
            ("new content in an hour", content, _one, hour, 500),
        ):
            assert (much := _most(some, weight, window)) <= most, f"{caller}: {much} {name}"
        unknown += _silences_broken(own, starts)
    at_once = max(sum(one.came <= call.came <= one.answered for one in calls) for call in calls)
    assert at_once <= 100
    return unknown


def _silences_broken(calls: Sequence[Call], starts: Sequence[float]) -> int:
    """How often a new process broke a silence.

    Raises:
        AssertionError: one did that had been told of it.
    """
    broken = 0
    for place, told in enumerate(calls):
        end = told.answered + told.silence
        for call in calls[place + 1 :]:
            if call.came >= end:
                break
            if told.status not in LIMITED and call.path.endswith("/graphql"):
                continue  # a quota of its own
            # Who died before the answer came has not been told either.
            assert any(told.came < start < call.came for start in starts), (
                f"{call} came {end - call.came:.2f} s before the end of the silence that {told} told of"
            )
            broken += 1
            break  # it has been told by now
    return broken


def _is_write(call: Call) -> bool:
    return call.method not in SAFE and not call.path.endswith(("/access_tokens", "/graphql"))


def _points(call: Call) -> int:
    return 1 if call.method in SAFE or call.path.endswith("/graphql") else 5


def _one(_: Call) -> int:
    return 1


def _most(calls: Sequence[Call], weight: Callable[[Call], int], window: float) -> int:
    """The most that there was in any window of so many seconds."""
    most = total = first = 0
    for call in calls:
        total += weight(call)
        while call.came - calls[first].came >= window:
            total -= weight(calls[first])
            first += 1
        most = max(most, total)
    return most
