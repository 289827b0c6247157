"""A backtest as an SVG, and as a page around it. One file each, without scripts."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gatekeeper.cli.backtest import report as words
from gatekeeper.cli.backtest.plot import NARROW, WIDE, plot
from gatekeeper.cli.backtest.report import Report

_TEMPLATES = Environment(
    loader=PackageLoader("gatekeeper.cli.backtest"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


def svg(report: Report, identity: str = "backtest", width: float = WIDE) -> str:
    """The plot, as wide as ``plot`` says; ``identity`` tells several on one page apart."""
    result, service = report.tested.result, report.tested.service
    title = (f"{service.name}: error budget and gate", span(report))
    beside = report.beside.result if report.beside else None
    return _TEMPLATES.get_template("plot.svg").render(
        id=identity,
        plot=plot(result, service.gate, beside, title, width),
        title=", ".join(title),
        description=" ".join([words.says(report), *(f"{'; '.join(row)}." for row in words.moves(result))]),
    )


def page(reports: Sequence[Report]) -> str:
    """All services of a backtest on one page."""
    return _TEMPLATES.get_template("page.html").render(
        names=", ".join(report.tested.service.name for report in reports),
        span=span(reports[0]),
        reports=[_section(report, f"plot-{place}") for place, report in enumerate(reports)],
    )


def span(report: Report) -> str:
    """From when to when."""
    result = report.tested.result
    return f"{result.start:%Y-%m-%d %H:%M} to {result.end:%Y-%m-%d %H:%M} UTC"


def _section(report: Report, identity: str) -> Mapping[str, Any]:
    return {
        "name": report.tested.service.name,
        "says": words.says(report),
        "plots": [
            (name, Markup(svg(report, f"{identity}-{name}", width)))  # noqa: S704 (by the template, which escapes)
            for name, width in (("wide", WIDE), ("narrow", NARROW))
        ],
        "heads": [name for name, _ in report.columns],
        "rows": list(words.rows(report)),
        "tables": [
            ("Transitions", words.MOVES, list(words.moves(report.tested.result))),
            ("Pull requests that would have met a freeze", words.WAITS, list(words.waits(report))),
            ("Merges that the pace would have held back", words.HELD, list(words.held(report))),
        ],
        "notes": list(words.notes(report)),
    }
