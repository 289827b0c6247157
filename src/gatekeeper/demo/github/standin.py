"""The simulated GitHub running on a free port, for tests and the demo."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from werkzeug.serving import WSGIRequestHandler, make_server

from gatekeeper.demo.github.acme import APP_ID, acme
from gatekeeper.demo.github.app import GitHub, create_github
from gatekeeper.demo.github.deliveries import Hook
from gatekeeper.demo.github.keypair import AppKey

if TYPE_CHECKING:
    from types import TracebackType

    from werkzeug.serving import BaseWSGIServer

    from gatekeeper.demo.github.calls import Calls
    from gatekeeper.demo.github.deliveries import Deliveries
    from gatekeeper.demo.github.faults import Faults
    from gatekeeper.demo.github.limits import Limits
    from gatekeeper.demo.github.world import World

POLL_SECONDS = 0.05  # how soon it notices that it shall stop


def wall_clock() -> datetime:
    """The present; only edges read it."""
    return datetime.now(UTC)  # noqa: TID251 - GitHub has a clock of its own


class _Quiet(WSGIRequestHandler):
    """Serves without a log: what was asked is in ``calls``."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        del type, message, args


class StandIn:
    """A simulated GitHub that listens while the ``with`` block lasts.

    ``StandIn()`` brings the organisation ``acme`` and a key for its App; or give it a world and its key.

    Attributes:
        state: the world; people's acts are its methods.
        app_key: the App's key pair; ``app_id`` goes with it.
        url: API root and pages, without a slash at the end; ``""`` until it listens.
    """

    app_id = APP_ID

    def __init__(
        self,
        state: World | None = None,
        *,
        app_key: AppKey | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.app_key = app_key or AppKey.shared()
        self.state = state or acme(wall_clock, public_key=self.app_key.public)
        self.url = ""
        self._github = GitHub(self.state)
        self._address = host, port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def calls(self) -> Calls:
        """What the API was asked, and answered."""
        return self._github.calls

    @property
    def faults(self) -> Faults:
        """Faults to inject into the API."""
        return self._github.faults

    @property
    def limits(self) -> Limits:
        """The callers' quotas."""
        return self._github.limits

    @property
    def deliveries(self) -> Deliveries:
        """Webhook deliveries, and the faults to inject into them."""
        return self.state.deliveries

    def send_webhooks_to(self, url: str, secret: str, *, by: str = "ops1") -> None:
        """Configure the App's webhook; a ping is sent."""
        self.state.set_hook(Hook(url, secret, self.app_id), by=by)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, and send what is queued."""
        app = create_github(self._github)
        self._server = make_server(*self._address, app, threaded=True, request_handler=_Quiet)
        self.url = self.state.url = f"http://{self._address[0]}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), name="stand-in-github", daemon=True
        )
        self._thread.start()
        self.deliveries.start(self.state.clock)

    def stop(self) -> None:
        """Stop listening and sending; once is enough."""
        self.deliveries.stop()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None
