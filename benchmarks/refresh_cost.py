"""What keeping error budgets up to date costs Prometheus: ours beside slo-generator 2.6.0, in one run.

    python benchmarks/refresh_cost.py [--minutes 60]

Needs prometheus. The same objectives over the same 30 days of history of known truth, in the same server, through
the same proxy; it counts requests, and the samples that Prometheus says each one loaded (``stats=all``).
slo-generator can only ask about now, so the proxy sets the time of its queries to the end of the history. Its
process is warm when it is timed; its error budget policy is that of its examples: 1 hour, 12 hours, 7 and 28 days.
"""

import argparse
import json
import multiprocessing
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import with_tests  # noqa: F401 (for what is imported from there below)
from rich.console import Console
from rich.table import Table

from gatekeeper.availability.budget import remaining
from gatekeeper.availability.ledger import ending_at
from gatekeeper.policy.objective import Indicator, PrometheusIndicator
from gatekeeper.sources.prometheus import PrometheusSource
from gatekeeper.sources.prometheus_api import PrometheusApi
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.ledger import SqlLedger
from gatekeeper.store.tables import metadata
from gatekeeper.worker.refresh import SETTLE, refresh
from worlds import ServiceTruth, World
from worlds.fixtures import END, SEED
from worlds.prometheus import PrometheusServer
from worlds.series import milliseconds

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".cache" / "slo-generator"
WINDOW = timedelta(days=28)
MINUTE = timedelta(minutes=1)
STEPS = {"1 hour": 3_600, "12 hours": 43_200, "7 days": 604_800, "28 days": 2_419_200}
BILL = "/bill"
AT_THE_END = "/at-the-end"
"""Where the proxy sets the time of each query to the end of the history."""

DRIVER = """
import json, logging, sys, time
from slo_generator.compute import compute
logging.disable(logging.CRITICAL)
given = json.load(sys.stdin)
run = lambda: [compute(slo, given["config"]) for slo in given["slos"]]
run()
import urllib.request
urllib.request.urlopen(given["bill"]).read()
began = time.perf_counter()
reports = run()
print(json.dumps({"seconds": time.perf_counter() - began, "reports": reports}))
"""


@dataclass(frozen=True)
class Cost:
    """What keeping all objectives up to date came to, an objective and pass."""

    name: str
    requests: float
    samples: float
    milliseconds: float
    worst_error: float | None = None


class Proxy(BaseHTTPRequestHandler):
    """Forwards to Prometheus, counts, and hands the bill to whoever asks for it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True  # header and body in two packets would wait 40 ms for each other
    upstream: str
    end: float
    bill: dict[str, int]
    lock = threading.Lock()
    kept = threading.local()

    def do_GET(self) -> None:
        """Forward the request, or hand over the bill."""
        if self.path == BILL:
            with self.lock:
                body = json.dumps(self.bill).encode()
                self.bill.update(requests=0, samples=0)
            self._answer(200, body)
            return
        status, body = self._forwarded()
        loaded = json.loads(body).get("data", {}).get("stats", {}).get("samples", {})
        with self.lock:
            self.bill["requests"] += 1
            self.bill["samples"] += loaded.get("totalQueryableSamples", 0)
        self._answer(status, body)

    def _forwarded(self) -> tuple[int, bytes]:
        if not hasattr(self.kept, "connection"):
            self.kept.connection = HTTPConnection(self.upstream)
        parts = urlsplit(self.path)
        at_the_end = {"time": str(self.end)} if parts.path.startswith(AT_THE_END) else {}
        asked = dict(parse_qsl(parts.query)) | at_the_end | {"stats": "all"}
        self.kept.connection.request("GET", f"{parts.path.removeprefix(AT_THE_END)}?{urlencode(asked)}")
        answer = self.kept.connection.getresponse()
        return answer.status, answer.read()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Say nothing."""


def serve_proxy(port: int, upstream: str, end: float) -> None:
    Proxy.upstream, Proxy.end, Proxy.bill = upstream, end, {"requests": 0, "samples": 0}
    ThreadingHTTPServer(("127.0.0.1", port), Proxy).serve_forever()


@contextmanager
def proxied(upstream: str) -> Iterator[str]:
    """The url of a proxy in a process of its own, so that it takes no turn of ours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = (port, urlsplit(upstream).netloc, END.timestamp())
    process = multiprocessing.get_context("spawn").Process(target=serve_proxy, args=arguments, daemon=True)
    process.start()
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


def bill_of(url: str) -> dict[str, int]:
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", BILL)
    found: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return found


class Ours:
    """Gatekeeper on a SQLite file."""

    def __init__(self, world: World, url: str, file: Path) -> None:
        self.world, self.url = world, url
        self.database = Database(create_store_engine(f"sqlite:///{file}"))
        metadata.create_all(self.database.engine)
        self.source, self.ledger = PrometheusSource(PrometheusApi(url)), SqlLedger(self.database)
        self.indicators = {name: indicator_of(truth) for name, truth in world.services.items()}

    def passes(self, name: str, moments: list[datetime]) -> Cost:
        """Refresh all objectives at these moments."""
        bill_of(self.url)
        began = time.perf_counter()
        for now in moments:
            for indicator in self.indicators.values():
                refresh(
                    indicator,
                    needed_since=END - WINDOW,
                    now=now + SETTLE,
                    source=self.source,
                    ledger=self.ledger,
                )
        return cost(name, bill_of(self.url), time.perf_counter() - began, len(self.indicators) * len(moments))

    def worst_error(self) -> float:
        """The largest error of a budget left at the end, as a share of the budget."""
        errors = []
        for name, indicator in self.indicators.items():
            truth = self.world.services[name]
            sums = self.ledger.sums(indicator.id, ending_at(END - WINDOW) + 1, ending_at(END) + 1)
            left = remaining(sums.bad, sums.total, 1 - truth.target)
            errors.append(abs(left - truth.remaining(END, WINDOW)))
        return max(errors)


def cost(name: str, bill: Mapping[str, int], seconds: float, times: int, error: float | None = None) -> Cost:
    return Cost(name, bill["requests"] / times, bill["samples"] / times, 1000 * seconds / times, error)


def indicator_of(truth: ServiceTruth) -> Indicator:
    return Indicator(prometheus=PrometheusIndicator(bad=truth.bad_selector, total=truth.total_selector))


def slo_generator(world: World, url: str) -> Cost:
    """One pass over all objectives, the second of its process."""
    reports, seconds = slo_reports(world, url)
    if invalid := [report["errors"] for report in reports if not report["valid"]]:
        print(f"slo-generator could not make {len(invalid)} of {len(reports)} reports: {invalid[0]}")
    errors = [error_of(world, one) for one in reports if one["valid"] and one["window"] == STEPS["28 days"]]
    return cost("slo-generator 2.6.0", bill_of(url), seconds, len(world.services), max(errors, default=None))


def slo_reports(world: World, url: str) -> tuple[list[dict[str, Any]], float]:
    """slo-generator's reports on every service and window, and the seconds they took."""
    given = {
        "bill": url + BILL,
        "slos": [slo_of(truth) for truth in world.services.values()],
        "config": {
            "backends": {"prometheus": {"url": url + AT_THE_END}},
            "error_budget_policies": {"default": {"steps": steps()}},
        },
    }
    run = subprocess.run(
        [installed(), "-c", DRIVER], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    done = json.loads(run.stdout.splitlines()[-1])
    return [report for reports in done["reports"] for report in reports], float(done["seconds"])


def installed() -> str:
    python = VENV / "bin" / "python"
    if not (VENV / "bin" / "slo-generator").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        packages = ["setuptools<80", "slo-generator[prometheus]==2.6.0"]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


def slo_of(truth: ServiceTruth) -> dict[str, Any]:
    return {
        "apiVersion": "sre.google.com/v2",
        "kind": "ServiceLevelObjective",
        "metadata": {
            "name": truth.name,
            "labels": {"service_name": truth.name, "feature_name": "x", "slo_name": "x"},
        },
        "spec": {
            "description": truth.name,
            "backend": "prometheus",
            "method": "good_bad_ratio",
            "exporters": [],
            "service_level_indicator": {
                "filter_good": truth.bad_selector.replace("=~", "!~"),
                "filter_valid": truth.total_selector,
            },
            "goal": truth.target,
        },
    }


def steps() -> list[dict[str, Any]]:
    words = {"message_alert": "x", "message_ok": "x", "alert": True, "burn_rate_threshold": 1}
    return [{"name": name, "window": seconds, **words} for name, seconds in STEPS.items()]


def error_of(world: World, report: Mapping[str, Any]) -> float:
    truth = world.services[report["metadata"]["name"]]
    return abs(said_by(report) - truth.remaining(END, WINDOW))


def said_by(report: Mapping[str, Any]) -> float:
    """The share of the budget left."""
    return 1 - float(report["error_budget_consumed_ratio"]) / 100


def ingested(world: World, minutes: int) -> float:
    """Samples an objective that arrived in the last minutes and can be loaded: stale markers cannot."""
    after = milliseconds(END - minutes * MINUTE)
    return sum(int(((s.times > after) & (s.values == s.values)).sum()) for s in world.series) / len(
        world.services
    )


def table(costs: list[Cost], theirs: Cost, per_minute: float) -> Table:
    found = Table(title="An objective and pass (×: slo-generator / Gatekeeper)")
    for column in ("", "requests", "samples", "per new", "ms", "requests ×", "samples ×", "ms ×", "error"):
        found.add_column(column, justify="right" if column else "left", no_wrap=True)
    for one in costs:
        new = {"1 min": per_minute, "5 min": 5 * per_minute}.get(one.name[-5:])
        found.add_row(
            one.name,
            f"{one.requests:.2f}",
            f"{one.samples:,.{1 if one.samples < 100 else 0}f}",
            "" if new is None else f"{one.samples / new:.2f}",
            f"{one.milliseconds:.1f}",
            f"{theirs.requests / one.requests:.1f}",
            f"{theirs.samples / one.samples:,.0f}",
            f"{theirs.milliseconds / one.milliseconds:.1f}",
            "" if one.worst_error is None else f"{100 * one.worst_error:.2f} pp",
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--minutes", type=int, default=60, help="how much of the history's end to live through"
    )
    minutes = parser.parse_args().minutes // 10 * 10
    installed()
    world = World(SEED, END)
    with (
        tempfile.TemporaryDirectory() as folder,
        PrometheusServer(Path(folder) / "prometheus", world.series) as server,
        proxied(server.url) as url,
    ):
        theirs = slo_generator(world, url)
        ours = Ours(world, url, Path(folder) / "gatekeeper.db")
        begin, half = END - minutes * MINUTE, minutes // 2
        costs = [
            ours.passes("Gatekeeper, backfill 28 d", [begin]),
            ours.passes("Gatekeeper, each 5 min", [begin + m * MINUTE for m in range(5, half + 1, 5)]),
            ours.passes("Gatekeeper, each 1 min", [begin + m * MINUTE for m in range(half + 1, minutes + 1)]),
        ]
        costs[-1] = replace(costs[-1], worst_error=ours.worst_error())
        ours.database.close()
    Console(width=110).print(table([theirs, *costs], theirs, ingested(world, minutes) / minutes))
    new = {"5 min": 5, "1 min": 1}
    assert all(
        one.samples <= 1.3 * new[one.name[-5:]] * ingested(world, minutes) / minutes for one in costs[1:]
    ), "a refresh loaded more than 1.3 × the new samples"


if __name__ == "__main__":
    main()
