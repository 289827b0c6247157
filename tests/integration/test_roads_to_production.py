"""Roads by which a change could reach a branch or an environment while its service is frozen: each ends at the gate.

Each road is what people do on GitHub, or try; the simulated GitHub lets pass whatever GitHub would. ``arrived`` looks
at the branch and the environment themselves, not at what was said on the way.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from gatekeeper.demo.github import conversation
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.conversation import Actor
from gatekeeper.demo.github.errors import Refused
from gatekeeper.web.app import create_app
from staging import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.demo.github import World
    from worlds.prometheus import PrometheusServer

SHOP, CENTRAL = "acme/shop", "acme/.github"
OTHER_APP = 77
PAYLOAD = "services/checkout/payload.py"
NEW = {PAYLOAD: "x = 1\n"}
LABEL, COMMAND = "slo:override", "/gatekeeper override let it through"


@pytest.fixture
def stage(
    tmp_path: Path, prometheus: PrometheusServer, policies: dict[str, str], frozen_at: datetime, filled: Path
) -> Iterator[Stage]:
    """checkout is frozen; the branch wants our check, the environment our answer, and another App is there too."""
    with Stage(tmp_path, prometheus=prometheus.url, now=frozen_at, policies=policies, filled=filled) as stage:
        world = stage.github.state
        world.protect(SHOP, "production", app_id=APP_ID)
        world.register_app("helper", owner="acme", public_key="", permissions={}, events=[], app_id=OTHER_APP)
        world.add_account("helper[bot]", "Bot")
        yield stage


def arrived(stage: Stage) -> bool:
    """Whether the change is on the branch, or a deployment has reached production."""
    world = stage.github.state
    deployed = any(job.result == "success" for run in world.runs.values() for job in run.jobs)
    return PAYLOAD in world.head(SHOP, "main").files or deployed


def merged(stage: Stage, number: int, by: str = "dev1") -> None:
    """Click the button, whatever comes of it."""
    stage.settle()
    with suppress(Refused):
        stage.github.state.merge(SHOP, number, by=by)
    stage.settle()


def opened(stage: Stage, files: Mapping[str, str | None] | None = None, **options: object) -> int:
    values: dict[str, object] = {"author": "dev1", "title": "A change", "files": files or NEW} | options
    made = stage.github.state.open_pull(SHOP, **values)  # type: ignore[arg-type] # passed on
    stage.settle()
    return made.number


def head(world: World, number: int) -> str:
    return world.pull(SHOP, number).head_sha


def button(stage: Stage) -> None:
    merged(stage, opened(stage))


def api(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.add_personal_token("dev1", "ghp_dev1")
    requests.put(
        f"{stage.github.url}/repos/{SHOP}/pulls/{number}/merge",
        json={},
        headers={"Authorization": "Bearer ghp_dev1"},
        timeout=10,
    )


def auto_merge(stage: Stage) -> None:
    stage.github.state.auto_merge(SHOP, opened(stage), by="dev1")
    stage.settle()


def auto_merge_before_the_freeze(stage: Stage) -> None:
    """It waits for a check of somebody else's, which comes when the gate is shut."""
    frozen_at, world = stage.now, stage.github.state
    stage.at(frozen_at + timedelta(days=2))
    world.require_check(SHOP, "main", "ci")
    number = opened(stage)
    assert stage.check(number).conclusion == "success"
    world.auto_merge(SHOP, number, by="dev1")
    stage.settle()
    stage.at(frozen_at)
    world.report_check(SHOP, head(world, number), "ci", app_id=OTHER_APP, conclusion="success")
    stage.settle()


def maintainer(stage: Stage) -> None:
    merged(stage, opened(stage), by="ops1")


def green_before_the_freeze(stage: Stage) -> None:
    frozen_at = stage.now
    stage.at(frozen_at + timedelta(days=2))
    number = opened(stage)
    assert stage.check(number).conclusion == "success"
    stage.at(frozen_at)
    merged(stage, number)


def draft(stage: Stage) -> None:
    number = opened(stage, draft=True)
    stage.github.state.set_draft(SHOP, number, draft=False, by="dev1")
    merged(stage, number)


def reopened(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.close(SHOP, number, by="dev1")
    stage.settle()
    stage.github.state.reopen(SHOP, number, by="dev1")
    merged(stage, number)


def another_base(stage: Stage) -> None:
    stage.github.state.push_commit(SHOP, "topic", {"topic.txt": "x"}, by="dev1")
    number = opened(stage, base="topic")
    stage.github.state.edit_pull(SHOP, number, base="main", by="dev1")
    merged(stage, number)


def fork(stage: Stage) -> None:
    made = stage.github.state.fork(SHOP, "outsider").full_name
    merged(stage, opened(stage, author="outsider", fork=made, branch="mine"))


def pushed_after_green(stage: Stage) -> None:
    number = opened(stage, {"services/search/x.py": "x"}, branch="mine")
    assert stage.check(number).conclusion == "success"
    stage.github.state.push_commit(SHOP, "mine", NEW, by="dev1")
    merged(stage, number)


def renamed_away(stage: Stage) -> None:
    """The file leaves the service's folder: what it was part of has changed all the same."""
    world = stage.github.state
    text = world.head(SHOP, "main").files["services/checkout/app.py"].decode()
    files = {"services/checkout/app.py": None, "docs/app.py": text}
    number = opened(stage, files)
    merged(stage, number)
    assert "docs/app.py" not in world.head(SHOP, "main").files


def exempt_label_by_a_developer(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.label(SHOP, number, "reliability", by="dev1")
    merged(stage, number)


def override_by_a_triager(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.label(SHOP, number, LABEL, by="po1")
    merged(stage, number)


def override_by_a_bot(stage: Stage) -> None:
    number = opened(stage)
    conversation.add_labels(stage.github.state, SHOP, number, [LABEL], Actor("helper[bot]", OTHER_APP))
    merged(stage, number)


def command_by_an_outsider(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.comment_on(SHOP, number, COMMAND, by="outsider")
    merged(stage, number)


def service_opened_by_a_developer(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.comment_on(SHOP, number, "/gatekeeper open checkout let me", by="dev1")
    merged(stage, number)


def somebody_elses_words(stage: Stage) -> None:
    number = opened(stage)
    comment = stage.github.state.comment_on(SHOP, number, "Fine.", by="ops1")
    stage.github.state.edit_comment(SHOP, comment.id, COMMAND, by="dev1")
    merged(stage, number)


def pushed_after_the_override(stage: Stage) -> None:
    number = opened(stage, {"services/checkout/small.py": "x"}, branch="mine")
    stage.github.state.comment_on(SHOP, number, COMMAND, by="ops1")
    stage.settle()
    assert stage.check(number).conclusion == "success"
    stage.github.state.push_commit(SHOP, "mine", NEW, by="dev1")
    merged(stage, number)


def check_by_another_app(stage: Stage) -> None:
    number = opened(stage)
    world = stage.github.state
    world.report_check(SHOP, head(world, number), "gatekeeper", app_id=OTHER_APP, conclusion="success")
    merged(stage, number)


def looser_policy_in_the_same_pull_request(stage: Stage) -> None:
    policy = "apiVersion: gatekeeper/v1\nkind: Service\nmetadata: {name: checkout}\n"
    merged(stage, opened(stage, NEW | {"policies/checkout.yaml": policy}))


def revert_look_alike(stage: Stage) -> None:
    number = opened(stage, title='Revert "A change"', body="Reverts acme/shop#1", branch="revert-1")
    merged(stage, number)


def queue_at_its_end(stage: Stage) -> None:
    stage.github.state.require_queue(SHOP, "main")
    number = opened(stage)
    with suppress(Refused):
        stage.github.state.enqueue(SHOP, number, by="dev1")
    stage.settle()


def queue_before_the_freeze(stage: Stage) -> None:
    """Another App's tests are slow, so that the group is in the queue when the budget is spent."""
    world, frozen_at = stage.github.state, stage.now
    world.require_queue(SHOP, "main")
    world.require_check(SHOP, "main", "tests", app_id=OTHER_APP)
    stage.at(frozen_at + timedelta(days=2))
    number = opened(stage)
    world.report_check(SHOP, head(world, number), "tests", app_id=OTHER_APP, conclusion="success")
    group = world.enqueue(SHOP, number, by="dev1")
    stage.settle()
    stage.at(frozen_at)
    world.report_check(SHOP, group.head_sha, "tests", app_id=OTHER_APP, conclusion="success")
    stage.settle()


def around_the_queue(stage: Stage) -> None:
    stage.github.state.require_queue(SHOP, "main")
    merged(stage, opened(stage), by="ops1")


def deployment(stage: Stage) -> None:
    stage.github.state.run_workflow(SHOP, by="dev1")
    stage.settle()


def deployment_nobody_told_us_of(stage: Stage) -> None:
    stage.github.deliveries.drop(10)
    stage.github.state.run_workflow(SHOP, by="dev1")
    stage.settle()
    stage.touch([f"runs:{SHOP}"])


def hidden(stage: Stage) -> int:
    """dev1 opens a pull request that takes its own change back; a branch stays at the change."""
    world = stage.github.state
    let_go(stage)
    number = opened(stage)
    world.branches[SHOP, "half"] = head(world, number)
    undone = dict.fromkeys(NEW) | {"docs/a.md": "x\n"}
    world.push_commit(SHOP, world.pull(SHOP, number).head_ref, undone, by="dev1")
    stage.settle()
    assert stage.check(number).conclusion == "skipped"
    return number


def let_go(stage: Stage) -> None:
    """What is on main runs in production, as far as we know."""
    newest = stage.github.state.head(SHOP, "main").sha
    stage.gatekeeper.stores.run_record.allowed(SHOP, "production", newest, stage.now)


def deployment_of_half_a_pull_request(stage: Stage) -> None:
    hidden(stage)
    stage.github.state.run_workflow(SHOP, by="dev1", branch="half")
    stage.settle()


def rollback_to_half_a_pull_request(stage: Stage) -> None:
    stage.github.state.merge(SHOP, hidden(stage), by="dev1")
    let_go(stage)
    stage.github.state.run_workflow(SHOP, by="dev1", branch="half")
    stage.settle()


def pipeline(stage: Stage) -> None:
    """A pipeline that is not GitHub's asks; nothing arrives as long as it is told no."""
    answer = (
        create_app(stage.gatekeeper)
        .test_client()
        .get("/api/v1/services/checkout/gate?environment=production")
    )
    assert answer.json is not None
    assert answer.json["verdict"] == "block", answer.json


ROADS: tuple[Callable[[Stage], None], ...] = (
    button,
    api,
    auto_merge,
    auto_merge_before_the_freeze,
    maintainer,
    green_before_the_freeze,
    draft,
    reopened,
    another_base,
    fork,
    pushed_after_green,
    renamed_away,
    exempt_label_by_a_developer,
    override_by_a_triager,
    override_by_a_bot,
    command_by_an_outsider,
    service_opened_by_a_developer,
    somebody_elses_words,
    pushed_after_the_override,
    check_by_another_app,
    looser_policy_in_the_same_pull_request,
    revert_look_alike,
    queue_at_its_end,
    queue_before_the_freeze,
    around_the_queue,
    deployment,
    deployment_nobody_told_us_of,
    deployment_of_half_a_pull_request,
    rollback_to_half_a_pull_request,
    pipeline,
)


@pytest.mark.parametrize("road", [pytest.param(one, id=one.__name__.replace("_", " ")) for one in ROADS])
def test_nothing_arrives_while_frozen(stage: Stage, road: Callable[[Stage], None]) -> None:
    road(stage)
    assert not arrived(stage)


def overridden_in_a_comment(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.comment_on(SHOP, number, COMMAND, by="ops1")
    merged(stage, number)


def overridden_by_label(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.label(SHOP, number, LABEL, by="ops1")
    merged(stage, number)


def exempt_by_a_label_of_somebody_entitled(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.label(SHOP, number, "reliability", by="ops1")
    merged(stage, number)


def overridden_in_the_queue(stage: Stage) -> None:
    stage.github.state.require_queue(SHOP, "main")
    number = opened(stage)
    stage.github.state.comment_on(SHOP, number, COMMAND, by="ops1")
    stage.settle()
    stage.github.state.enqueue(SHOP, number, by="dev1")
    stage.settle()


def service_opened_in_an_incident(stage: Stage) -> None:
    number = opened(stage)
    stage.github.state.comment_on(SHOP, number, "/gatekeeper open checkout an outage", by="ops1")
    merged(stage, number)


def deployed_while_the_service_is_open(stage: Stage) -> None:
    stage.github.state.run_workflow(SHOP, by="dev1")
    stage.settle()
    stage.github.state.comment_on(SHOP, opened(stage), "/gatekeeper open checkout an outage", by="ops1")
    stage.settle()


def auto_merged_after_the_thaw(stage: Stage) -> None:
    auto_merge(stage)
    stage.at(stage.now + timedelta(days=2))


def deployed_after_the_thaw(stage: Stage) -> None:
    stage.github.state.run_workflow(SHOP, by="dev1")
    stage.settle()
    stage.at(stage.now + timedelta(days=2))


OPEN_ROADS = (
    overridden_in_a_comment,
    overridden_by_label,
    exempt_by_a_label_of_somebody_entitled,
    overridden_in_the_queue,
    service_opened_in_an_incident,
    deployed_while_the_service_is_open,
    auto_merged_after_the_thaw,
    deployed_after_the_thaw,
)


@pytest.mark.parametrize("road", [pytest.param(one, id=one.__name__.replace("_", " ")) for one in OPEN_ROADS])
def test_what_may_pass_arrives(stage: Stage, road: Callable[[Stage], None]) -> None:
    """So that the roads above end at the gate, and not somewhere before it."""
    road(stage)
    assert arrived(stage)
