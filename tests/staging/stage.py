"""The stage: stand-in GitHub, Gatekeeper's server and worker in this process, a movable clock."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from deliveries import SECRET
from gatekeeper.bootstrap import Gatekeeper, Tempo, build, now
from gatekeeper.demo.github import StandIn
from gatekeeper.events.keys import WorkKey
from gatekeeper.events.triggers import Touch
from gatekeeper.github.allowance import UNLIMITED
from gatekeeper.github.limiter import Limiter
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.settings import Settings
from gatekeeper.store.tables import work
from gatekeeper.store.work import DEBOUNCE
from gatekeeper.web.webhooks import Door, Webhooks
from gatekeeper.worker.engine import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from gatekeeper.demo.github.entities import CheckRun

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


def fill_ledgers(folder: Path, *, prometheus: str, now: datetime, policies: Mapping[str, str]) -> Path:
    """A database with the policies' ledgers filled, to start stages from: the backfill is paid once."""
    settings = Settings.from_env(
        {
            "GATEKEEPER_PROMETHEUS_URL": prometheus,
            "GATEKEEPER_DATABASE_URL": f"sqlite:///{folder / 'filled.db'}",
        }
    )
    gatekeeper = build(settings)
    try:
        for service in load([PolicyFile(path, text) for path, text in policies.items()]).services:
            for objective in service.objectives:
                gatekeeper.ledgers.refresh(objective.indicator, now - timedelta(days=31), now)
    finally:
        gatekeeper.close()
    return folder / "filled.db"


class Stage:
    """Everything in place while the ``with`` block lasts.

    Attributes:
        github: the stand-in; people's acts are methods of ``github.state``.
        now: the present as Gatekeeper's passes see it; move it with ``at``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        prometheus: str,
        now: datetime,
        policies: Mapping[str, str],
        filled: Path | None = None,
        token: str | None = None,
        database_url: str | None = None,
        workers: int = 2,
        debounce: timedelta = DEBOUNCE / 5,
        limiter: Callable[[], Limiter] = lambda: Limiter(UNLIMITED),
    ) -> None:
        self._token = token
        self._pace = Pace(workers=workers, sweep=timedelta(milliseconds=100))
        self._limiter = limiter
        self._debounce = debounce
        self._database_url = database_url or f"sqlite:///{folder / 'gatekeeper.db'}"
        if filled is not None:
            shutil.copy(filled, folder / "gatekeeper.db")
        self.github = StandIn()
        self.now = now
        self._folder = folder
        self._prometheus = prometheus
        self._policies = policies
        self._stack = ExitStack()
        self._fresh = itertools.count()
        self.gatekeeper: Gatekeeper

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _set_up(self) -> None:
        self._stack.enter_context(self.github)
        for path, text in self._policies.items():
            self.github.state.update_file("acme/.github", path, text, by="ops1")
        self._start()
        if self._token is None:
            self.touch(f"installation:{number}" for number in self.github.state.installations)
        else:
            self.github.state.add_personal_token("ops1", self._token)

    def _start(self) -> None:
        """Wire up Gatekeeper, have it listen, have it work."""
        self.gatekeeper = build(
            Settings.from_env(self.environ()),
            clock=lambda: self.now,
            tempo=Tempo(NEVER, NEVER, NEVER, NEVER, NEVER, runs=NEVER),
            pace=self._pace,
            debounce=self._debounce,
            limiter=self._limiter,
        )
        self._stack.callback(self.gatekeeper.close)
        self._serve()
        self.gatekeeper.engine.start()
        self._stack.callback(self.gatekeeper.engine.stop)

    def environ(self) -> dict[str, str]:
        """How the Gatekeeper on stage is set up."""
        app = {
            "GATEKEEPER_GITHUB_APP_ID": str(self.github.app_id),
            "GATEKEEPER_GITHUB_PRIVATE_KEY": self.github.app_key.private,
        }
        return {
            **(app if self._token is None else {"GATEKEEPER_GITHUB_TOKEN": self._token}),
            "GATEKEEPER_GITHUB_API_URL": self.github.url,
            "GATEKEEPER_WEBHOOK_SECRET": SECRET,
            "GATEKEEPER_PROMETHEUS_URL": self._prometheus,
            "GATEKEEPER_DATABASE_URL": self._database_url,
            "GATEKEEPER_PUBLIC_URL": "https://gatekeeper.acme.example",
        }

    def _serve(self) -> None:
        door = Door(
            secrets=[SECRET.encode()],
            policy_repository=".github",
            accept=self.gatekeeper.stores.deliveries.accept,
            wake=self.gatekeeper.engine.wake,
            debounce=self._debounce,
            clock=now,
        )
        server = make_server("127.0.0.1", 0, Webhooks(door, Flask("stage").wsgi_app), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}/webhooks/github"
        self.github.send_webhooks_to(url, SECRET)

    def open_pull(self, service: str = "checkout", **options: Any) -> int:
        """dev1 opens a pull request that changes a file of a service; its number, once all is settled."""
        files = options.pop("files", {f"services/{service}/{next(self._fresh)}.py": "x = 1\n"})
        pull = self.github.state.open_pull(
            "acme/shop", author="dev1", title="A change", files=files, **options
        )
        self.settle()
        return pull.number

    def checks(self, number: int) -> list[CheckRun]:
        """The check runs on a pull request's head."""
        head = self.github.state.pull("acme/shop", number).head_sha
        return [check for check in self.github.state.checks.values() if check.head_sha == head]

    def check(self, number: int) -> CheckRun:
        """The one check run on a pull request's head."""
        (check,) = self.checks(number)
        return check

    def comments(self, number: int) -> list[str]:
        """The texts of our comments on a pull request."""
        found = self.github.state.comments.values()
        return [one.body for one in found if one.number == number and one.author == "gatekeeper[bot]"]

    def comment(self, number: int) -> str:
        """The text of our one comment."""
        (comment,) = self.comments(number)
        return comment

    def labels(self, number: int) -> tuple[str, ...]:
        """A pull request's labels."""
        return self.github.state.pull("acme/shop", number).labels

    def at(self, moment: datetime, *, failing: str = "") -> None:
        """Let history move on: every service is looked at again at ``moment``."""
        self.now = moment
        keys = [f"service:{entry.service.key}" for entry in self.gatekeeper.stores.catalog.entries()]
        self.touch(keys, failing=failing)

    def touch(self, keys: Iterable[str], *, webhooks: bool = True, failing: str = "") -> None:
        """Look at these again, and wait for all that follows from it."""
        self.gatekeeper.stores.work.add([Touch(WorkKey.parse(key)) for key in keys], now())
        self.settle(webhooks=webhooks, failing=failing)

    def settle(
        self, seconds: float = 60.0, *, webhooks: bool = True, failing: str | tuple[str, ...] = ""
    ) -> None:
        """Wait until every webhook was delivered (unless they are paused) and nothing is left to do.

        Work of the kinds ``failing`` may wait for its next attempt.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if webhooks:
                self.github.deliveries.wait()
            if not self.busy(failing):
                return
            time.sleep(0.05)
        raise AssertionError(f"still at work after {seconds} s: {self.busy(failing)}")

    def busy(self, failing: str | tuple[str, ...] = "") -> list[str]:
        """The keys of what is left to do; without work of the kind ``failing`` that waits for its next attempt."""
        dirty = select(work.c.key, work.c.last_error).where(
            work.c.gen > work.c.done, work.c.parked_at.is_(None)
        )
        with self.gatekeeper.stores.database.read() as connection:
            rows = connection.execute(dirty).all()
        return [row.key for row in rows if not (failing and row.key.startswith(failing) and row.last_error)]
