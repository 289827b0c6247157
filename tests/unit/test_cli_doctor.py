"""``doctor``: what it finds in a world that is wired up, and in ones that are not."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

import faces
from gatekeeper.availability.filling import LedgerUpdate
from gatekeeper.availability.series import Cursor
from gatekeeper.bootstrap import build
from gatekeeper.cli.program import app
from gatekeeper.demo.github import AppKey, StandIn
from gatekeeper.diagnose.findings import Findings, Level
from gatekeeper.diagnose.github import events, permissions, skew
from gatekeeper.diagnose.sources import retention
from gatekeeper.diagnose.webhook import address, deliveries
from gatekeeper.github.needs import EVENTS, HELPFUL_EVENTS, NEEDED, WANTED
from gatekeeper.github.values import DeliveryAttempt
from gatekeeper.settings import Settings
from gatekeeper.web.app import create_app
from standin import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLIC = "https://gatekeeper.acme.example"


class FakePrometheus:
    """Answers the pages that the doctor asks for."""

    def __init__(self) -> None:
        self.retention = "15d"
        self.status = 200
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages = {
                    "buildinfo": {"version": "3.5.0"},
                    "runtimeinfo": {"storageRetention": fake.retention},
                }
                body = json.dumps({"status": "success", "data": pages[self.path.rpartition("/")[2]]}).encode()
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    fake = FakePrometheus()
    threading.Thread(target=fake.server.serve_forever, daemon=True).start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn() as one:
        one.state.required.clear()
        for check in ("gatekeeper", "gatekeeper/policy"):
            one.state.require_check("acme/shop", "main", check, app_id=one.app_id)
        with Receiver() as receiver:
            one.send_webhooks_to(receiver.url, "s")
            one.deliveries.wait()
        yield one


@pytest.fixture
def environ(tmp_path: Path, github: StandIn, prometheus: FakePrometheus) -> dict[str, str]:
    """A world that is wired up, with checkout measured."""
    assert github.deliveries.hook is not None
    gatekeeper = faces.gatekeeper_at(tmp_path)
    faces.measure(gatekeeper, *faces.put_policies(gatekeeper, "checkout"))
    gatekeeper.close()
    return {
        "GATEKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/gatekeeper.db",
        "GATEKEEPER_GITHUB_API_URL": github.url,
        "GATEKEEPER_GITHUB_APP_ID": str(github.app_id),
        "GATEKEEPER_GITHUB_PRIVATE_KEY": github.app_key.private,
        "GATEKEEPER_WEBHOOK_SECRET": "s",
        "GATEKEEPER_PROMETHEUS_URL": prometheus.url,
        "GATEKEEPER_PUBLIC_URL": github.deliveries.hook.url.removesuffix("/webhooks/github"),
    }


def doctor(environ: dict[str, str]) -> Result:
    result = CliRunner().invoke(app, ["doctor", "--json"], env=environ)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def found(environ: dict[str, str], subject: str) -> list[tuple[str, str]]:
    """(level, text) of the findings on a subject."""
    everything: list[dict[str, Any]] = json.loads(doctor(environ).stdout)
    return [(one["level"], one["text"]) for one in everything if one["subject"] == subject]


def test_a_wired_world_is_healthy(environ: dict[str, str], prometheus: FakePrometheus) -> None:
    prometheus.retention = "30d or 50GiB"
    result = doctor(environ)
    findings = json.loads(result.stdout)
    assert [one["text"] for one in findings if one["level"] != "ok"] == []
    assert result.exit_code == 0
    subjects = {one["subject"] for one in findings}
    assert subjects >= {
        "settings",
        "database",
        "clock",
        "github",
        "permissions",
        "events",
        "prometheus",
        "acme/shop",
    }
    assert subjects >= {"retention", "policies", "acme/checkout, availability"}


def test_what_is_found_is_printed_for_people_with_what_to_do(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(app, ["doctor"], env=environ | {"GATEKEEPER_PUBLIC_URL": ""})
    assert result.exit_code == 0
    assert "WARN" in result.stdout
    assert "→ set it to the address" in result.stdout


def test_retention_shorter_than_a_window_is_a_warning_with_the_flag_to_set(environ: dict[str, str]) -> None:
    ((level, text),) = found(environ, "retention")
    assert (level, "keeps 15 d, and a window reaches 28 d back" in text) == ("warn", True)


def test_a_source_that_had_less_than_the_window_is_a_warning(environ: dict[str, str], tmp_path: Path) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    (entry,) = gatekeeper.stores.catalog.entries()
    ledger = entry.service.objectives[0].indicator.id
    state = gatekeeper.stores.ledger.state(ledger)
    assert state is not None
    ten_days_ago = int((faces.NOW - timedelta(days=10)).timestamp() * 1000)
    gatekeeper.stores.ledger.commit(ledger, LedgerUpdate(replace(state, history_start=ten_days_ago)))
    gatekeeper.close()
    ((level, text),) = found(environ, "acme/checkout, availability")
    assert (level, "nothing older than 2026-11-12 20:03 UTC, 10 d back, and the window is 28 d" in text) == (
        "warn",
        True,
    )


@pytest.mark.parametrize(
    ("state", "level", "told"),
    [
        pytest.param(
            {"too_large": "it has about 9 samples a day"},
            "ok",
            "approximate, counted a minute at a time: it has about 9 samples a day",
            id="one that was too large to read from the beginning",
        ),
        pytest.param(
            {"scrape": 30_000}, "warn", "it has grown to about 2,880 samples a day", id="one that has grown"
        ),
    ],
)
def test_a_counter_with_too_many_samples_is_told(
    state: dict[str, object], level: str, told: str, environ: dict[str, str], tmp_path: Path
) -> None:
    gatekeeper = faces.gatekeeper_at(tmp_path)
    (entry,) = gatekeeper.stores.catalog.entries()
    ledger = entry.service.objectives[0].indicator.id
    before = gatekeeper.stores.ledger.state(ledger)
    assert before is not None
    newest = int(faces.NOW.timestamp() * 1000)
    after = replace(before, newest=newest, **state)  # type: ignore[arg-type]  # fields by name
    gatekeeper.stores.ledger.commit(ledger, LedgerUpdate(after, cursors={1: Cursor(newest, 5.0)}))
    gatekeeper.close()
    environ["GATEKEEPER_PROMETHEUS_RAW_SAMPLES"] = "2879"
    ((found_level, text),) = found(environ, "acme/checkout, availability")
    assert (found_level, told in text) == (level, True)


def test_a_prometheus_that_does_not_answer_is_broken(environ: dict[str, str]) -> None:
    environ["GATEKEEPER_PROMETHEUS_URL"] = "http://user:hush@127.0.0.1:9"
    assert doctor(environ).exit_code == 1
    assert found(environ, "prometheus") == [("fail", "http://127.0.0.1:9 gave no answer (ConnectionError)")]


def test_a_prometheus_that_refuses_is_broken(environ: dict[str, str], prometheus: FakePrometheus) -> None:
    prometheus.status = 401
    assert found(environ, "prometheus") == [("fail", f"{prometheus.url} answered 401")]


def test_a_key_that_is_not_the_apps_is_broken(environ: dict[str, str]) -> None:
    environ["GATEKEEPER_GITHUB_PRIVATE_KEY"] = AppKey().private
    ((level, text),) = found(environ, "github")
    assert (level, "401" in text) == ("fail", True)


def test_a_permission_that_was_not_granted_is_broken(environ: dict[str, str], github: StandIn) -> None:
    (number,) = github.state.installations
    github.state.grant(number, {"metadata": "read", "checks": "read"})
    findings = found(environ, "permissions")
    assert ("ok", "App gatekeeper asks for all that is needed") in findings
    (text,) = (text for level, text in findings if level == "fail")
    assert text.startswith(f"installation {number} granted no checks: write, statuses: write")


def test_a_token_instead_of_an_app_is_said_to_do_less(environ: dict[str, str], github: StandIn) -> None:
    github.state.add_personal_token("ops1", "token")
    environ |= {
        "GATEKEEPER_GITHUB_APP_ID": "",
        "GATEKEEPER_GITHUB_PRIVATE_KEY": "",
        "GATEKEEPER_GITHUB_TOKEN": "token",
    }
    ((level, text),) = found(environ, "github")
    assert (level, "reached as ops1 with a token" in text) == ("warn", True)


def test_a_check_that_nothing_requires_is_a_warning(environ: dict[str, str], github: StandIn) -> None:
    github.state.required.clear()
    (gate, policy) = found(environ, "acme/shop")
    assert (gate[0], "a blocked pull request can be merged" in gate[1]) == ("warn", True)
    assert (policy[0], "a gate can be loosened without its owners" in policy[1]) == ("warn", True)


def test_a_policy_that_names_a_repository_by_its_former_name_is_broken(
    environ: dict[str, str], github: StandIn
) -> None:
    github.state.rename("acme/shop", "store", by="ops1")
    (told,) = found(environ, "acme/shop")
    assert told == (
        "fail",
        "it is called acme/store by now: policies that name acme/shop cover nothing there",
    )


@pytest.mark.parametrize(
    ("app", "level", "told"),
    [
        pytest.param(None, "warn", "from any source: whoever may write statuses can forge it", id="anybody"),
        pytest.param(
            4711, "fail", "from App 4711, which is not this one: it can never pass", id="another App"
        ),
    ],
)
def test_a_check_that_is_not_pinned_to_our_app_is_told(
    environ: dict[str, str], github: StandIn, app: int | None, level: str, told: str
) -> None:
    github.state.required.clear()
    github.state.require_check("acme/shop", "main", "gatekeeper", app_id=app)
    (found_level, text), _ = found(environ, "acme/shop")
    assert (found_level, told in text) == (level, True)


def enforce(folder: Path, environments: str) -> None:
    """Let checkout's policy name environments."""
    gatekeeper = faces.gatekeeper_at(folder)
    given = faces.policy("checkout")
    faces.put_in_force(gatekeeper, replace(given, text=f"{given.text}  environments: {environments}\n"))
    gatekeeper.close()


@pytest.mark.parametrize(
    ("protected", "level", "told"),
    [
        pytest.param("production", "ok", "is enabled for environment production", id="enabled"),
        pytest.param("staging", "warn", "jobs of GitHub Actions deploy into it", id="not for this one"),
        pytest.param(None, "warn", "is not enabled for environment production", id="for none"),
    ],
)
def test_an_enforced_environment_needs_our_rule(
    environ: dict[str, str], github: StandIn, tmp_path: Path, protected: str | None, level: str, told: str
) -> None:
    enforce(tmp_path, "{production: enforce, staging: free, preview: advise}")
    if protected is not None:
        github.state.protect("acme/shop", protected, app_id=github.app_id)
    (rule,) = (one for one in found(environ, "acme/shop") if "protection rule" in one[1])
    assert (rule[0], told in rule[1]) == (level, True)


def test_an_environment_that_may_not_be_looked_at_is_told_with_the_permission(
    environ: dict[str, str], github: StandIn, tmp_path: Path
) -> None:
    enforce(tmp_path, "{production: enforce}")
    (number,) = github.state.installations
    granted = NEEDED | WANTED
    github.state.grant(number, {name: level for name, level in granted.items() if name != "actions"})
    everything: list[dict[str, Any]] = json.loads(doctor(environ).stdout)
    (told,) = (one for one in everything if "Actions: read" in one["advice"])
    assert (told["level"], told["subject"], "403" in told["text"]) == ("fail", "acme/shop", True)


@pytest.mark.parametrize(
    ("told", "public", "level"),
    [
        pytest.param(f"{PUBLIC}/webhooks/github", PUBLIC, Level.OK, id="here"),
        pytest.param(f"{PUBLIC}/hooks", PUBLIC, Level.WARN, id="at another path"),
        pytest.param(f"{PUBLIC}/webhooks/github", None, Level.WARN, id="nobody said where here is"),
        pytest.param(None, PUBLIC, Level.FAIL, id="nowhere"),
    ],
)
def test_the_webhook_goes_here(told: str | None, public: str | None, level: Level) -> None:
    findings = Findings()
    address(told, public, findings)
    assert [one.level for one in findings] == [level]


@pytest.mark.parametrize(
    ("attempts", "level", "told"),
    [
        pytest.param([("a", 202), ("b", 202)], Level.OK, "the last 2 came in", id="all came in"),
        pytest.param(
            [("a", 202), ("a", 502)], Level.OK, "the last 1 came in", id="one came in when repeated"
        ),
        pytest.param([("b", 202), ("a", 502)], Level.WARN, "1 of the last 2", id="one was lost"),
        pytest.param([("a", 401)], Level.FAIL, "another secret", id="the secret is another"),
        pytest.param([], Level.WARN, "nothing in the last 3 days", id="nothing was sent"),
    ],
)
def test_the_last_deliveries_are_judged(attempts: list[tuple[str, int]], level: Level, told: str) -> None:
    findings = Findings()
    deliveries(
        [DeliveryAttempt(1, guid, "push", None, faces.NOW, status) for guid, status in attempts], findings
    )
    ((found_level, text),) = ((one.level, one.text) for one in findings)
    assert (found_level, told in text) == (level, True)


def test_the_page_says_what_the_doctor_says(environ: dict[str, str], github: StandIn) -> None:
    github.state.required.clear()
    gatekeeper = build(Settings.from_env(environ))
    browser = create_app(gatekeeper).test_client()
    page = browser.get("/status").get_data(as_text=True)
    asked = len(github.calls)
    browser.get("/status")
    gatekeeper.close()
    assert "no ruleset requires check gatekeeper on main" in page
    assert page.index("Mind") < page.index("Fine")
    assert len(github.calls) == asked > 0, "GitHub is not asked by each visitor"


def test_nothing_set_at_all_is_said_setting_by_setting(tmp_path: Path) -> None:
    environ = {"GATEKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    assert doctor(environ).exit_code == 1
    assert [level for level, _ in found(environ, "settings")] == ["fail", "fail", "fail", "warn"]
    assert found(environ, "github") == []


def test_a_database_that_cannot_be_used_is_broken(tmp_path: Path) -> None:
    environ = {"GATEKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/no/such/folder.db"}
    ((level, _),) = found(environ, "database")
    assert level == "fail"


def test_settings_that_cannot_be_read_are_wrong_usage() -> None:
    result = doctor({"GATEKEEPER_REFRESH_SECONDS": "soon"})
    assert (result.exit_code, "GATEKEEPER_REFRESH_SECONDS" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("granted", "levels"),
    [
        pytest.param(NEEDED | WANTED, [Level.OK], id="exactly what is needed"),
        pytest.param(NEEDED | WANTED | {"contents": "admin"}, [Level.OK], id="more than what is needed"),
        pytest.param(NEEDED, [Level.WARN], id="nothing for deployments yet"),
        pytest.param(NEEDED | WANTED | {"checks": "read"}, [Level.FAIL], id="read where write is needed"),
        pytest.param({}, [Level.FAIL, Level.WARN], id="nothing at all"),
    ],
)
def test_permissions_are_compared_by_level(granted: dict[str, str], levels: list[Level]) -> None:
    findings = Findings()
    permissions("App x asks for", granted, findings)
    assert [one.level for one in findings] == levels


@pytest.mark.parametrize(
    ("subscribed", "levels"),
    [
        pytest.param(EVENTS | HELPFUL_EVENTS, [Level.OK], id="all that is handled"),
        pytest.param(EVENTS, [Level.WARN], id="not what only saves time"),
        pytest.param(HELPFUL_EVENTS | EVENTS - {"push"}, [Level.FAIL], id="no push, so no new policies"),
        pytest.param(frozenset(), [Level.FAIL, Level.WARN], id="nothing at all"),
    ],
)
def test_events_are_compared_with_those_that_are_handled(
    subscribed: frozenset[str], levels: list[Level]
) -> None:
    findings = Findings()
    events("App x", subscribed, findings)
    assert [one.level for one in findings] == levels


@pytest.mark.parametrize(
    ("apart", "level"),
    [
        pytest.param(timedelta(seconds=30), Level.OK, id="half a minute ahead"),
        pytest.param(-timedelta(seconds=30), Level.OK, id="half a minute behind"),
        pytest.param(timedelta(seconds=31), Level.FAIL, id="more than that ahead"),
        pytest.param(-timedelta(hours=1), Level.FAIL, id="an hour behind"),
    ],
)
def test_clocks_may_differ_a_little(apart: timedelta, level: Level) -> None:
    findings = Findings()
    skew(faces.NOW + apart, faces.NOW, findings)
    assert [one.level for one in findings] == [level]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("15d", timedelta(days=15), id="days"),
        pytest.param("1w3d or 10GiB", timedelta(days=10), id="a time and a size"),
        pytest.param("10GiB", None, id="a size alone"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_retention_is_read_as_prometheus_writes_it(text: str, kept: timedelta | None) -> None:
    assert retention(text) == kept
