"""What is told of audits: agreement in a line, drift where people look, and why a day was not compared."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

import faces
from builders import an_objective
from gatekeeper.availability.audit import Audit, Audited, DayAudit, Recount, Unaudited, Why
from gatekeeper.availability.filling import Totals
from gatekeeper.policy.objective import Indicator
from gatekeeper.web.app import create_app
from gatekeeper.web.audits import audit_report, lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

    from gatekeeper.bootstrap import Gatekeeper

DAY = date(2026, 10, 31)
NOTHING = Totals(0, 0)
CLOSE = Audited(Totals(1_234_567, 617), Recount(Totals(1_234_560, 617), NOTHING, 0.005))
DRIFT = Audited(Totals(1_000_000, 1000), Recount(Totals(1_000_000, 1250), NOTHING, 0.001))


@pytest.mark.parametrize(
    ("audit", "text"),
    [
        pytest.param(
            CLOSE,
            "Audited 2026-10-31: the ledger has 1,234,567 events, 617 of them bad, an independent query 1,234,560 "
            "events, 617 of them bad: within 0.01 %.",
            id="agreement",
        ),
        pytest.param(
            Audited(Totals(10, 1), Recount(Totals(10, 1), NOTHING, 0)),
            "Audited 2026-10-31: the ledger has 10 events, 1 of them bad, an independent query 10 events, 1 of them "
            "bad: the same.",
            id="no difference at all",
        ),
        pytest.param(
            Audited(Totals(1000, 100), Recount(Totals(900, 5), Totals(100, 95), 0.005)),
            "Audited 2026-10-31: the ledger has 1,000 events, 100 of them bad, an independent query 900 events, 5 of "
            "them bad: within 95.00 %; up to 100 of them and 95 bad ones are first values of new series, which the "
            "query may leave out.",
            id="series that were born explain it",
        ),
        pytest.param(
            DRIFT,
            "Drift on 2026-10-31: the ledger has 1,000,000 events, 1,000 of them bad, an independent query 1,000,000 "
            "events, 1,250 of them bad; up to 1,002 and 3.2 apart would be explained. By the ledger more of that "
            "day's error budget was left, by 50.0 % of it.",
            id="drift, with its share of the budget",
        ),
        pytest.param(
            Unaudited(Why.MISSING, "1,440 events"),
            "The ledger has nothing of 2026-10-31, and an independent query counts 1,440 events.",
            id="a lost day",
        ),
        pytest.param(
            Unaudited(Why.REFUSED, "too many samples"),
            "Not audited for 2026-10-31: the source refuses the query: too many samples.",
            id="in the source's words",
        ),
        pytest.param(
            Unaudited(Why.UNSUPPORTED),
            "Not audited for 2026-10-31: there is no independent count of a gauge or a native histogram.",
            id="not to be counted",
        ),
        pytest.param(
            Unaudited(Why.TRUED_UP),
            "Not audited for 2026-10-31: its minutes were scaled to the source's count of the day when it was over, "
            "and there is no other.",
            id="nothing else to be compared with",
        ),
    ],
)
def test_an_audit_in_words(audit: Audit, text: str) -> None:
    (line,) = lines([DayAudit(DAY, faces.NOW, audit)], an_objective())
    assert (line.text, line.drifted) == (text, audit.drifted)


def test_a_free_query_is_no_independent_one() -> None:
    queries = {"bad": "sum(increase(b[$window]))", "total": "sum(increase(t[$window]))"}
    free = an_objective().model_copy(update={"indicator": Indicator.model_validate({"prometheus": queries})})
    (line,) = lines([DayAudit(DAY, faces.NOW, CLOSE)], free)
    assert "617 of them bad, its query, asked again, 1,234,560 events" in line.text


@pytest.mark.parametrize("why", Why)
def test_there_are_words_for_every_reason(why: Why) -> None:
    (line,) = lines([DayAudit(DAY, faces.NOW, Unaudited(why))], an_objective())
    assert DAY.isoformat() in line.text


def test_a_report_measures_drift_by_the_objectives_budget() -> None:
    report = audit_report(DayAudit(DAY, faces.NOW, DRIFT), float(1 - Decimal("0.9995")))
    assert report.availability_drift == pytest.approx(0.00025)
    assert report.budget_drift == pytest.approx(0.5)
    assert (report.tolerance_total, report.tolerance_bad) == (1002, 3.25)


def test_a_report_of_a_day_that_was_not_compared_has_no_number() -> None:
    report = audit_report(DayAudit(DAY, faces.NOW, Unaudited(Why.MISSING, "7 events")), 0.1)
    assert (report.drifted, report.why, report.detail) == (True, "missing", "7 events")
    told = report.model_dump(exclude={"day", "at", "drifted", "why", "detail"})
    assert set(told.values()) == {None}


@pytest.fixture(scope="module")
def gatekeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatekeeper]:
    folder: Path = tmp_path_factory.mktemp("audits")
    gatekeeper = faces.gatekeeper_at(folder, github_token="t")
    checkout, search = faces.put_policies(gatekeeper, "checkout", "search")
    today = faces.NOW.date()
    for service, audits in ((checkout, [CLOSE, DRIFT]), (search, [CLOSE])):
        for ago, audit in enumerate(audits, 1):
            day = DayAudit(today - timedelta(days=ago), faces.NOW, audit)
            gatekeeper.stores.audits.save(service.objectives[0].indicator.id, day)
    yield gatekeeper
    gatekeeper.close()


@pytest.fixture(scope="module")
def client(gatekeeper: Gatekeeper) -> FlaskClient:
    return create_app(gatekeeper).test_client()


def test_the_services_page_has_the_newest_audit_and_the_drift_of_late(client: FlaskClient) -> None:
    text = client.get("/services/checkout").text
    assert "Audited 2026-11-21: the ledger has 1,234,567 events" in text
    assert '<p class="over">Drift on 2026-11-20' in text


def test_drift_needs_attention_and_agreement_does_not(client: FlaskClient) -> None:
    text = client.get("/").text
    assert "acme/checkout, availability:" in text
    assert "When an audit finds drift" in text
    assert "acme/search, availability:" not in text


def test_the_api_tells_of_both(client: FlaskClient) -> None:
    (objective,) = client.get("/api/v1/services/checkout").json["objectives"]  # type: ignore[index]  # it is JSON
    assert [(one["day"], one["drifted"]) for one in objective["audits"]] == [
        ("2026-11-21", False),
        ("2026-11-20", True),
    ]


def test_the_metrics_count_the_days_that_drifted(client: FlaskClient) -> None:
    samples = {
        (one.name, one.labels.get("service")): one.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for one in family.samples
    }
    assert samples["gatekeeper_audit_drifted_days", "checkout"] == 1
    assert samples["gatekeeper_audit_drifted_days", "search"] == 0
    assert samples["gatekeeper_audit_timestamp_seconds", "checkout"] == 1_795_305_600
    assert abs(samples["gatekeeper_audit_drift_ratio", "checkout"]) < 0.0001
