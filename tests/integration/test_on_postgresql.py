"""The main job on PostgreSQL, with several processes that share one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from staging import Served, assert_each_has_one_check_and_one_comment, eventually

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from worlds.prometheus import PrometheusServer
    from worlds.world import World

SHOP = "acme/shop"
MANY = 8


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_workers_share_a_database_and_either_does_the_work_when_the_other_is_killed(
    tmp_path: Path,
    prometheus: PrometheusServer,
    policies: dict[str, str],
    frozen_at: datetime,
    world: World,
    database_url: str,
) -> None:
    with Served(
        tmp_path,
        workers=2,
        prometheus=prometheus.url,
        now=frozen_at,
        policies=policies,
        database_url=database_url,
    ) as stage:
        helper = stage.process("work")
        open_many(stage)
        stage.kill()
        stage.settle()
        assert_each_has_one_check_and_one_comment(stage)

        stage.start()
        open_many(stage)
        stage.kill(helper)
        stage.settle()
        assert_each_has_one_check_and_one_comment(stage)

        stage.process("work")
        stage.at(world.end)
        numbers = range(1, 2 * MANY + 1)
        eventually(lambda: {stage.check(number).conclusion for number in numbers} == {"success"}, 30)
        stage.settle()
        assert {stage.labels(number) for number in numbers} == {("slo:caution",)}
        assert stage.gatekeeper.stores.work.parked() == []
        assert not [line for line in stage.lines() if "Traceback" in line]


def open_many(stage: Served) -> None:
    """People open pull requests all at once; returns when some pass is in the middle of its writes."""
    stage.github.calls.clear()
    stage.github.faults.answer_late("POST", r"/check-runs$", 0.3, times=2)
    for index in range(MANY):
        files = {f"services/checkout/{index}.py": "x = 1\n"}
        stage.github.state.open_pull(SHOP, author="dev1", title="A change", files=files)
    stage.github.deliveries.wait()
    eventually(stage.github.calls.writes)
