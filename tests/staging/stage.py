"""The stage: stand-in GitHub, Gatekeeper's server and worker in this process, a movable clock."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from flask import Flask
from werkzeug.serving import make_server

from gatekeeper.bootstrap import Gatekeeper, Tempo, build, now
from gatekeeper.demo.github import StandIn
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.github.limiter import Limiter
from gatekeeper.settings import Settings
from gatekeeper.store.work import DEBOUNCE
from gatekeeper.web.webhooks import Door, create_webhooks
from gatekeeper.worker.engine import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SECRET = "stage-secret"
NEVER = timedelta(days=365)

POLICY = """\
apiVersion: gatekeeper/v1
kind: Service
metadata:
  name: {name}
spec:
  objectives:
    - target: {target}
      window: 28d
      indicator:
        prometheus:
          bad: {bad}
          total: {total}
  changes:
    - repository: acme/shop
      paths: ["services/{name}/**"]
  gate:
    mode: {mode}
    exempt: {{labels: [reliability], paths: ["services/{name}/docs/**"]}}
    override: {{teams: ["@acme/sre"], lasts: 24h}}
"""


def policy(name: str, *, bad: str, total: str, target: str = "99.95%", mode: str = "enforce") -> str:
    """A policy file for one service of ``acme/shop``."""
    return POLICY.format(name=name, bad=bad, total=total, target=target, mode=mode)


class Stage:
    """Everything in place while the ``with`` block lasts.

    Attributes:
        github: the stand-in; people's acts are methods of ``github.state``.
        now: the present as Gatekeeper's passes see it; move it with ``at``.
    """

    def __init__(self, folder: Path, *, prometheus: str, now: datetime, policies: Mapping[str, str]) -> None:
        self.github = StandIn()
        self.now = now
        self._folder = folder
        self._prometheus = prometheus
        self._policies = policies
        self._stack = ExitStack()
        self.gatekeeper: Gatekeeper

    def __enter__(self) -> Self:
        self._stack.enter_context(self.github)
        for path, text in self._policies.items():
            self.github.state.update_file("acme/.github", path, text, by="ops1")
        self.gatekeeper = build(
            self.settings(),
            clock=lambda: self.now,
            tempo=Tempo(NEVER, NEVER, NEVER, NEVER, NEVER),
            pace=Pace(workers=2, sweep=timedelta(milliseconds=500)),
            limiter=lambda: Limiter(between_requests=0, between_writes=0),
        )
        self._stack.callback(self.gatekeeper.close)
        self._serve()
        self.gatekeeper.engine.start()
        self._stack.callback(self.gatekeeper.engine.stop)
        self.touch(f"installation:{number}" for number in self.github.state.installations)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def settings(self) -> Settings:
        """How the Gatekeeper on stage is set up."""
        return Settings.from_env(
            {
                "GATEKEEPER_GITHUB_APP_ID": str(self.github.app_id),
                "GATEKEEPER_GITHUB_PRIVATE_KEY": self.github.app_key.private,
                "GATEKEEPER_GITHUB_API_URL": self.github.url,
                "GATEKEEPER_WEBHOOK_SECRET": SECRET,
                "GATEKEEPER_PROMETHEUS_URL": self._prometheus,
                "GATEKEEPER_DATABASE_URL": f"sqlite:///{self._folder / 'gatekeeper.db'}",
                "GATEKEEPER_PUBLIC_URL": "https://gatekeeper.acme.example",
            }
        )

    def _serve(self) -> None:
        door = Door(
            secrets=[SECRET.encode()],
            policy_repository=".github",
            accept=self.gatekeeper.deliveries.accept,
            wake=self.gatekeeper.engine.wake,
            debounce=DEBOUNCE,
            clock=now,
        )
        app = Flask("stage")
        app.register_blueprint(create_webhooks(door))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}/webhooks/github"
        self.github.send_webhooks_to(url, SECRET)

    def at(self, moment: datetime) -> None:
        """Let history move on: every service is looked at again at ``moment``."""
        self.now = moment
        keys = [f"service:{entry.service.key}" for entry in self.gatekeeper.catalog.entries()]
        self.touch(keys)

    def touch(self, keys: Iterable[str]) -> None:
        """Look at these again, and wait for all that follows from it."""
        self.gatekeeper.work.add([Touch(WorkKey.parse(key)) for key in keys], now())
        self.settle()

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until every webhook was delivered and nothing is left to do."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.github.deliveries.wait()
            counts = self.gatekeeper.work.counts(now())
            if not counts.waiting and not counts.running:
                return
            time.sleep(0.05)
        raise AssertionError(f"still at work after {seconds} s: {self.gatekeeper.work.counts(now())}")
