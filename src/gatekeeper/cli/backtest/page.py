"""A backtest as an SVG, and as a page around it. One file each, without scripts."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gatekeeper.cli.backtest import report as words
from gatekeeper.cli.backtest.plot import plot
from gatekeeper.cli.backtest.report import Report
from gatekeeper.decide.verdict import State

_TEMPLATES = Environment(
    loader=PackageLoader("gatekeeper.cli.backtest"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


def svg(report: Report, identity: str = "backtest") -> str:
    """The plot; ``identity`` tells several on one page apart."""
    result, service = report.tested.result, report.tested.service
    drawn = plot(result, service.gate, report.beside.result if report.beside else None)
    return _TEMPLATES.get_template("plot.svg").render(
        id=identity,
        plot=drawn,
        title=f"{service.name}: error budget and gate, {span(report)}",
        description=" ".join([words.says(report), *(f"{'; '.join(row)}." for row in words.moves(result))]),
        legend=_legend([line.name for line in drawn.lines], has_unknown=bool(drawn.unknown)),
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
        "svg": Markup(svg(report, identity)),  # noqa: S704 (made by the template above, which escapes)
        "heads": [name for name, _ in report.columns],
        "rows": list(words.rows(report)),
        "moves": list(words.moves(report.tested.result)),
        "tables": [
            ("Pull requests that would have met a freeze", words.WAITS, list(words.waits(report))),
            ("Merges that the pace would have held back", words.HELD, list(words.held(report))),
        ],
        "notes": list(words.notes(report)),
    }


def _legend(objectives: Sequence[str], *, has_unknown: bool) -> Sequence[Mapping[str, Any]]:
    entries: list[dict[str, Any]] = [
        {"kind": "", "line": place + 1, "label": name} for place, name in enumerate(objectives)
    ]
    entries += [{"kind": str(state), "line": 0, "label": str(state)} for state in State]
    if has_unknown:
        entries.append({"kind": "unknown", "line": 0, "label": "evidence missing"})
    x = 72
    for entry in entries:
        entry["x"] = x
        x += 48 + 7 * len(str(entry["label"]))
    return entries
