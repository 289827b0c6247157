"""A backtest of a generated world, through a real Prometheus: its known incidents give the known freezes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from gatekeeper.bootstrap import build
from gatekeeper.cli.backtest.command import reports_of
from gatekeeper.decide.verdict import Doubt, State
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.settings import Settings
from worlds.fixtures import END
from worlds.spec import STANDARD

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.cli.backtest.report import Report
    from worlds.prometheus import PrometheusServer

DAYS = 22
MINUTE = timedelta(minutes=1)
POLICY = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {{name: {name}}}
spec:
  objectives:
    - target: 99.95%
      window: 7d
      indicator:
        prometheus:
          bad: http_requests_total{{job="{name}",code=~"5.."}}
          total: http_requests_total{{job="{name}"}}
  changes: [{{repository: acme/shop}}]
  gate: {{mode: enforce, override: {{teams: ["@acme/sre"]}}}}
"""


@pytest.fixture
def reports(tmp_path: Path, prometheus: PrometheusServer) -> dict[str, Report]:
    names = ("steady", "healthy")
    services = load([PolicyFile(f"{name}.yaml", POLICY.format(name=name)) for name in names]).services
    settings = Settings.model_validate(
        {"database_url": f"sqlite:///{tmp_path}/ledger.db", "prometheus_url": prometheus.url}
    )
    gatekeeper = build(settings, clock=lambda: END + MINUTE)
    with Progress(disable=True) as progress:
        found = reports_of(gatekeeper, services, DAYS, progress)
        assert [task.finished for task in progress.tasks] == [True] * len(progress.tasks)
    gatekeeper.close()
    return {report.tested.service.name: report for report in found}


def test_known_incidents_give_known_freezes(reports: dict[str, Report]) -> None:
    result = reports["steady"].tested.result
    steady = next(spec for spec in STANDARD if spec.name == "steady")
    faults = [END - fault.span.ago for fault in steady.faults]
    shut = [move.at for move in result.moves if move.after is State.FROZEN]
    assert len(shut) == len(faults)
    for begun, frozen in zip(faults, shut, strict=True):
        assert begun < frozen <= begun + 10 * MINUTE
    assert result.time_unknown == timedelta(0)
    assert [doubt for one in result.unknown for doubt in one.doubts] == []
    healthy = reports["healthy"].tested.result
    assert healthy.time_in(State.FROZEN) == timedelta(0)
    assert Doubt.NO_DATA not in {doubt for one in healthy.unknown for doubt in one.doubts}
