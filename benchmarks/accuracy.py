"""How right the numbers are, and what they cost: the tables of docs/accuracy.md, in one run.

    python benchmarks/accuracy.py [--write]

Needs prometheus. Fifty-one services of known truth, 30 days in one Prometheus: the budget left after 28 days as
Gatekeeper, slo-generator 2.6.0, `increase()` over the whole window and a mean of 5-minute ratios say it. Then a
thousand objectives: what a pass costs. `--write` puts the figures into docs/accuracy.md.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

from refresh_cost import (
    ROOT,
    STEPS,
    WINDOW,
    Ours,
    proxied,
    said_by,
    slo_reports,
)
from rich.console import Console
from scale import scale_tables

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.ledger import ending_at
from gatekeeper.sources.prometheus_api import PrometheusApi
from worlds import ServiceTruth, World
from worlds.demanding import DEMANDING
from worlds.fixtures import END, SEED
from worlds.prometheus import PrometheusServer
from worlds.series import milliseconds

PAGE = ROOT / "docs" / "accuracy.md"
BEGIN, STOP = "<!-- figures -->\n", "<!-- end of figures -->"
MEAN_STEP = "5m"

Said = Mapping[str, float | None]
"""The share of the budget left, by service; None where there is no answer."""


def ours(world: World, url: str, folder: Path) -> Said:
    gatekeeper = Ours(world, url, folder / "accuracy.db")
    gatekeeper.passes("backfill", [END])
    found = {}
    for name, indicator in gatekeeper.indicators.items():
        sums = gatekeeper.ledger.sums(indicator.id, ending_at(END - WINDOW) + 1, ending_at(END) + 1)
        found[name] = remaining(sums.bad, sums.total, 1 - world.services[name].target)
    gatekeeper.database.close()
    return found


def slo_generators(world: World, url: str) -> Said:
    reports, _ = slo_reports(world, url)
    return {
        one["metadata"]["name"]: said_by(one) if one["valid"] else None
        for one in reports
        if one.get("window") == STEPS["28 days"] and "metadata" in one
    }


def whole_window(truth: ServiceTruth, number: Callable[[str], float | None]) -> float | None:
    """`increase()` over 28 days, asked once."""
    bad = number(f"sum(increase({truth.bad_selector}[28d]))")
    total = number(f"sum(increase({truth.total_selector}[28d]))")
    return None if not total else remaining(bad or 0.0, total, 1 - truth.target)


def mean_of_ratios(truth: ServiceTruth, number: Callable[[str], float | None]) -> float | None:
    """As recording rules do it that keep a ratio; minutes without traffic (0/0) are left out."""
    bad, total = (f"sum(rate({one}[{MEAN_STEP}]))" for one in (truth.bad_selector, truth.total_selector))
    mean = number(f"avg_over_time((({bad} or 0 * {total}) / {total} >= 0)[28d:{MEAN_STEP}])")
    return None if mean is None else 1 - mean / (1 - truth.target)


def queried(world: World, api: PrometheusApi, form: Callable[..., float | None]) -> Said:
    def number(query: str) -> float | None:
        answer = api.instant(query, milliseconds(END))
        return float(answer[0]["value"][1]) if answer else None

    return {name: form(truth, number) for name, truth in world.services.items()}


def accuracy_tables(world: World, methods: Mapping[str, Said]) -> Iterator[str]:
    """The summary, and a row a service."""
    truth = {name: one.remaining(END, WINDOW) for name, one in world.services.items()}
    frozen = sum(left <= 0 for left in truth.values())
    yield f"Of {len(truth)} services {frozen} have spent their budget.\n"
    yield row("method", "worst error", "median error", "no answer", "frozen wrongly", "not frozen wrongly")
    yield row("---", *["---:"] * 5)
    for method, said in methods.items():
        known = {name: left for name in truth if (left := said.get(name)) is not None}
        errors = [abs(left - truth[name]) for name, left in known.items()]
        yield row(
            method,
            f"{points(max(errors))} pp",
            f"{points(median(errors))} pp",
            str(len(truth) - len(known)),
            names(name for name, left in known.items() if left <= 0 < truth[name]),
            names(name for name, left in known.items() if left > 0 >= truth[name]),
        )
    yield "\nThe budget left, and each method's error in percentage points of the budget:\n"
    yield row("service", "truth", *methods)
    yield row("---", *["---:"] * (len(methods) + 1))
    for name, left in truth.items():
        yield row(name, f"{left:.2%}", *(cell(said.get(name), left) for said in methods.values()))


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def names(found: Iterator[str]) -> str:
    return ", ".join(sorted(found)) or "none"


def points(share: float) -> str:
    return f"{100 * share:.3f}"


def cell(said: float | None, truth: float) -> str:
    if said is None:
        return "no answer"
    verdict = "" if (said <= 0) == (truth <= 0) else " (wrong verdict)"
    return f"{100 * (said - truth):+.3f}{verdict}"


def figures() -> str:
    """Both halves as Markdown."""
    world = World(SEED, END, specs=DEMANDING)
    with tempfile.TemporaryDirectory() as folder:
        with PrometheusServer(Path(folder) / "world", world.series) as server, proxied(server.url) as url:
            api = PrometheusApi(server.url)
            methods = {
                "Gatekeeper": ours(world, url, Path(folder)),
                "slo-generator 2.6.0": slo_generators(world, url),
                "`increase()[28d]`": queried(world, api, whole_window),
                "mean of 5 min ratios": queried(world, api, mean_of_ratios),
            }
            api.close()
        accuracy = "\n".join(accuracy_tables(world, methods))
        return f"## Right or wrong\n\n{accuracy}\n\n## What it costs\n\n{scale_tables(Path(folder))}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--write", action="store_true", help="put the figures into docs/accuracy.md")
    write, found = parser.parse_args().write, figures()
    Console(soft_wrap=True).print(found, markup=False, highlight=False)
    if write:
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{found}\n{STOP}{rest.split(STOP)[1]}")


if __name__ == "__main__":
    main()
