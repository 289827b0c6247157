"""The application: webhooks, API, pages, health and metrics over one Gatekeeper."""

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Flask, Response, request

from gatekeeper.bootstrap import Gatekeeper, now
from gatekeeper.store.work import DEBOUNCE
from gatekeeper.web.access import tell_requests
from gatekeeper.web.answers import AnswersOnRecord
from gatekeeper.web.api import create_api
from gatekeeper.web.dashboard import create_dashboard
from gatekeeper.web.failures import answer_failures
from gatekeeper.web.health import create_health
from gatekeeper.web.metrics import Metrics, create_metrics
from gatekeeper.web.reading import Reading
from gatekeeper.web.reporting import Reporting
from gatekeeper.web.setup import create_setup
from gatekeeper.web.status import create_status
from gatekeeper.web.waiting import Waiting
from gatekeeper.web.webhooks import Door, Webhooks

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: the pages load nothing but their own stylesheet and script."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(
    gatekeeper: Gatekeeper,
    *,
    metrics: Metrics | None = None,
    worker_alive: Callable[[], bool] | None = None,
    real_time: Callable[[], datetime] = now,
    debounce: timedelta = DEBOUNCE,
    waiting: Waiting | None = None,
) -> Flask:
    """The WSGI application. Starts nothing: the engine is whoever serves' to start.

    Args:
        gatekeeper: everything, wired.
        metrics: where passes are counted, if they run in this process.
        worker_alive: whether the worker in this process is running; None when there is none here.
        real_time: the present by which work is queued.
        debounce: how long work waits for the rest of its burst of events, as the Gatekeeper was built with.
        waiting: the requests that wait for a gate to open.
    """
    app = Flask("gatekeeper.web")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    metrics, reading = metrics or Metrics(), Reading(gatekeeper)
    door = Door(
        secrets=gatekeeper.settings.webhook_secrets,
        policy_repository=gatekeeper.settings.policy_repository,
        accept=gatekeeper.stores.deliveries.accept,
        wake=gatekeeper.engine.wake,
        debounce=debounce,
        clock=real_time,
    )
    app.wsgi_app = Webhooks(door, app.wsgi_app, metrics.count_delivery)  # type: ignore[method-assign]  # Flask's own way
    app.register_blueprint(
        create_api(
            reading,
            waiting or Waiting(),
            Reporting.to(gatekeeper),
            AnswersOnRecord(gatekeeper.stores.decisions, gatekeeper.clock),
            metrics.count_gate,
        )
    )
    app.register_blueprint(create_dashboard(reading, gatekeeper.settings))
    app.register_blueprint(create_setup(gatekeeper.settings, POLICY))
    app.register_blueprint(create_status(gatekeeper, real_time))
    app.register_blueprint(create_health(gatekeeper, real_time, worker_alive))
    app.register_blueprint(create_metrics(metrics, gatekeeper, reading, real_time))
    app.after_request(_protect)
    tell_requests(app)
    answer_failures(app)
    return app


def _protect(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
