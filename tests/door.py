"""The webhook's door alone, on a database of its own: gunicorn's target in tests, ``door:create_app()``."""

from datetime import UTC, datetime

from flask import Flask

from gatekeeper.settings import Settings
from gatekeeper.store.deliveries import Deliveries
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.tables import metadata
from gatekeeper.store.work import DEBOUNCE, Work
from gatekeeper.web.webhooks import Door, Webhooks


def create_app() -> Flask:
    settings = Settings.from_env()
    database = Database(create_store_engine(settings.database_url))
    metadata.create_all(database.engine)
    app = Flask(__name__)
    door = Door(
        secrets=settings.webhook_secrets,
        policy_repository=settings.policy_repository,
        accept=Deliveries(database, Work(database)).accept,
        wake=lambda _after: None,
        debounce=DEBOUNCE,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 (a process of its own)
    )
    app.wsgi_app = Webhooks(door, app.wsgi_app)  # type: ignore[method-assign]  # Flask's own way
    return app
