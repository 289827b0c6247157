"""The demo in place: Gatekeeper as in production, with other adapters and one clock for everybody."""

import secrets
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self

from flask import Response
from werkzeug.middleware.shared_data import SharedDataMiddleware

from gatekeeper.bootstrap import Tempo, build
from gatekeeper.demo import cast
from gatekeeper.demo.clock import DemoClock, real_time
from gatekeeper.demo.github import AppKey, Hook, create_github
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.panel import add_panel
from gatekeeper.demo.prometheus import create_prometheus
from gatekeeper.demo.site import WSGI, Site
from gatekeeper.demo.story import Story
from gatekeeper.github.allowance import UNLIMITED
from gatekeeper.github.limiter import Limiter
from gatekeeper.settings import Settings
from gatekeeper.web.app import create_app
from gatekeeper.worker.engine import Pace

WATCH_SECONDS = 0.25
TEMPO = Tempo(services=timedelta(seconds=0.5), overrides=timedelta(seconds=2))
"""In real time, of which a second can be a minute of the demo's."""
PACE = Pace(sweep=timedelta(seconds=0.25), grace=timedelta(seconds=3))


class Stage:
    """Everything runs while the ``with`` block lasts.

    Args:
        folder: for the database.
        port: of Gatekeeper; a free one if it is taken.

    Attributes:
        panel: the address of the story.
        gatekeeper: the address of Gatekeeper's pages.
        github: the address of the simulated GitHub.
        prometheus: the address of the simulated Prometheus.
        story: what happens.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        present = real_time()
        key = AppKey()
        self.clock = DemoClock(present)
        self.world = cast.world(self.clock, public_key=key.public, signing_clock=real_time)
        self.history = cast.history(present)
        self._sites = Site(port), Site(), Site()
        self.gatekeeper, self.github, self.prometheus = (site.url for site in self._sites)
        self.port = self._sites[0].port
        self.panel = f"{self.gatekeeper}/demo/"
        self.world.url = self.github
        secret = secrets.token_hex()
        self._wired = build(
            Settings.from_env(
                {
                    "GATEKEEPER_GITHUB_APP_ID": str(APP_ID),
                    "GATEKEEPER_GITHUB_PRIVATE_KEY": key.private,
                    "GATEKEEPER_GITHUB_API_URL": self.github,
                    "GATEKEEPER_WEBHOOK_SECRET": secret,
                    "GATEKEEPER_PROMETHEUS_URL": self.prometheus,
                    "GATEKEEPER_PROMETHEUS_RAW_SAMPLES": "0",  # it cannot count them
                    "GATEKEEPER_DATABASE_URL": f"sqlite:///{folder / 'gatekeeper.db'}",
                    "GATEKEEPER_PUBLIC_URL": self.gatekeeper,
                }
            ),
            clock=self.clock,
            tempo=TEMPO,
            pace=PACE,
            limiter=lambda: Limiter(UNLIMITED),
        )
        self.world.deliveries.hook = Hook(f"{self.gatekeeper}/webhooks/github", secret, APP_ID)
        self.story = Story(
            self.world, self.history, self.clock, lambda: self._wired.stores.gates.view(cast.KEY)
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        apps: tuple[WSGI, ...] = (
            self._gatekeeper(),
            self._github(),
            create_prometheus(self.history, self.clock),
        )
        with self._stack as stack:
            stack.callback(self._wired.close)
            for site, app in zip(self._sites, apps, strict=True):
                stack.callback(site.start(app).stop)
            self.world.deliveries.start(self.clock)
            stack.callback(self.world.deliveries.stop)
            self._wired.engine.start()
            stack.callback(self._wired.engine.stop)
            self._watch(stack)
            self._stack = stack.pop_all()  # all went well: what is running ends with the block
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _gatekeeper(self) -> WSGI:
        app = create_app(self._wired, real_time=real_time)
        add_panel(app, self.story, gatekeeper=self.gatekeeper, github=self.github)
        return app

    def _github(self) -> WSGI:
        """The simulated GitHub, which draws diagrams as the real one does and lets the story frame it."""
        app = create_github(self.world)
        app.config["SCRIPTS"] = ("/drawing/draw.js",)

        @app.after_request
        def let_it_be_framed(response: Response) -> Response:
            if policy := response.headers.get("Content-Security-Policy"):
                framed = policy.replace("frame-ancestors 'none'", f"frame-ancestors {self.gatekeeper}")
                response.headers["Content-Security-Policy"] = framed
            return response

        return SharedDataMiddleware(app, {"/drawing": ("gatekeeper.demo", "static")})

    def _watch(self, stack: ExitStack) -> None:
        stopped = threading.Event()

        def watch() -> None:
            while not stopped.wait(WATCH_SECONDS):
                self.story.watch()

        thread = threading.Thread(target=watch, name="story", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(stopped.set)
