"""A backtest for scripts: unrounded, times in RFC 3339, lengths in seconds, shares as fractions."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from gatekeeper.cli.backtest import report as words
from gatekeeper.cli.backtest.report import Report, Trial
from gatekeeper.decide.backtest.held import Held
from gatekeeper.decide.backtest.result import Move, Unknown
from gatekeeper.decide.backtest.waiting import Waiting
from gatekeeper.decide.verdict import State

_PARTS: TypeAdapter[Any] = TypeAdapter(
    tuple[tuple[Move, ...], tuple[Unknown, ...], tuple[Waiting, ...], tuple[Held, ...]]
)


def as_json(report: Report) -> Mapping[str, Any]:
    """One service."""
    result = report.tested.result
    return {
        "service": report.tested.service.name,
        "start": result.start.isoformat(),
        "end": result.end.isoformat(),
        "policy": _told(report.tested),
        "in_force": _told(report.beside) if report.beside is not None else None,
        "pull_requests_on_record": report.recorded,
        "notes": list(words.notes(report)),
    }


def _told(tested: Trial) -> Mapping[str, Any]:
    result = tested.result
    parts = (result.moves, result.unknown, tested.waiting, tested.held)
    moves, unknown, waiting, held = _PARTS.dump_python(parts, mode="json")
    return {
        "path": tested.service.origin.path,
        "states": {
            str(state): {"seconds": result.time_in(state).total_seconds(), "share": result.share_of(state)}
            for state in State
        },
        "unknown_seconds": result.time_unknown.total_seconds(),
        "flips": result.flips,
        "transitions": moves,
        "unknown": unknown,
        "waiting": waiting,
        "held_back_by_the_pace": held,
        "blocked_without_evidence": [one.subject for one in tested.unproven],
    }
