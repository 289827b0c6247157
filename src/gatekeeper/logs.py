"""Logs: one JSON object a line (or a readable line, for people), ours and the libraries' alike, to standard error."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Tap = Callable[[str, Mapping[str, Any]], None]
"""Hears of each of our own log lines: its event and its fields."""


def configure(
    log_format: Literal["json", "console"], *, taps: Sequence[Tap] = (), level: int = logging.INFO
) -> None:
    """Set up structlog and route the standard library's logging through it.

    Args:
        log_format: JSON lines, or lines for people.
        taps: hear of each of our own lines before it is written.
        level: of the least important line that is written.
    """
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[*common, *(_heard_by(tap) for tap in taps), *_rendering(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


def _rendering(log_format: Literal["json", "console"]) -> list[Processor]:
    if log_format == "console":
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _heard_by(tap: Tap) -> Processor:
    def hear(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
        tap(str(fields.get("event")), fields)
        return fields

    return hear
