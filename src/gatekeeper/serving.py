"""Serving: gunicorn with web and worker in one, or a worker alone."""

import fcntl
import gc
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger

from gatekeeper import logs
from gatekeeper.bootstrap import Gatekeeper, build
from gatekeeper.errors import ConfigurationError, TemporaryError
from gatekeeper.settings import Settings
from gatekeeper.web.app import create_app
from gatekeeper.web.metrics import Metrics
from gatekeeper.web.waiting import Waiting

THREADS = 16
"""Requests at once in a process. They wait for the disk more than they compute."""
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between tries of a start whose database does not answer. Gunicorn takes a process for dead after 30."""
GRACEFUL_SECONDS = 30
"""How long a stop waits for requests and passes."""

Wire = Callable[[Settings], Gatekeeper]
"""Makes a Gatekeeper; ``bootstrap.build`` is the one for production."""

log = structlog.get_logger()


def serve(settings: Settings, *, host: str, port: int, workers: int, wire: Wire = build) -> None:
    """Serve until a signal ends it.

    Args:
        settings: how.
        host: the address to listen on.
        port: the port; 0 takes a free one, which the log tells.
        workers: processes; one of them runs the passes too.
        wire: makes the Gatekeeper, in the process that will use it.

    Raises:
        ConfigurationError: a setting is wrong, or does not go with so many processes.
    """
    if workers > 1 and settings.database_url.startswith("sqlite"):
        raise ConfigurationError(
            f"--workers {workers} needs PostgreSQL: SQLite has one writer at a time, and threads of one process share "
            "its commits, so one process is faster. Use --workers 1, or a GATEKEEPER_DATABASE_URL with postgresql://"
        )
    logs.configure(settings.log_format)
    master = os.getpid()
    try:
        _Server(settings, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", workers, wire).run()
    except SystemExit as end:
        # Each process of gunicorn ends here; the master has to hear of it by the code.
        if end.code == Arbiter.APP_LOAD_ERROR and os.getpid() == master:
            raise ConfigurationError("Gatekeeper could not start; the reason stands above") from None
        raise


def work(settings: Settings, *, wire: Wire = build) -> None:
    """Run passes until a signal ends it. Any number of such processes may share a database.

    Args:
        settings: how.
        wire: makes the Gatekeeper.

    Raises:
        ConfigurationError: a setting is wrong.
        TemporaryError: the database cannot be reached.
    """
    logs.configure(settings.log_format)
    gatekeeper = wired(settings, wire)
    ended = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    gatekeeper.engine.start()
    log.info("worker.started")
    ended.wait()
    gatekeeper.engine.stop()
    gatekeeper.close()
    log.info("worker.stopped")


def wired(settings: Settings, wire: Wire, *, sleep: Callable[[float], None] = time.sleep) -> Gatekeeper:
    """Everything, wired, as soon as that can be: a process may come up while its database restarts too.

    Raises:
        ConfigurationError: a setting is wrong.
        TemporaryError: it could not be after some seconds either.
    """
    for pause in PAUSES:
        try:
            return wire(settings)
        except TemporaryError as error:
            log.warning("start.again", error=str(error), after=pause)
        sleep(pause)
    return wire(settings)


class Worker:
    """The engine of this process: started at most once, and watched."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._threads: set[threading.Thread] = set()

    def start(self) -> None:
        """Start the engine's threads."""
        before = set(threading.enumerate())
        self._gatekeeper.engine.start()
        self._threads = set(threading.enumerate()) - before

    def is_alive(self) -> bool:
        """Whether every thread that was started still runs."""
        return bool(self._threads) and all(one.is_alive() for one in self._threads)

    def stop(self) -> None:
        """Finish what runs, then close everything."""
        if self._threads:
            self._gatekeeper.engine.stop()
        self._gatekeeper.close()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn, set up from here and nowhere else."""

    def __init__(self, settings: Settings, address: str, workers: int, wire: Wire) -> None:
        self._settings = settings
        self._wire = wire
        self._options: dict[str, Any] = {
            "bind": address,
            "workers": workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "logger_class": _Logger,
            "proc_name": "gatekeeper",
            "post_fork": self._forked,
            "worker_exit": self._stop,
            "control_socket_disable": True,  # a new gunicorn opens one below the user's home otherwise
        }
        self._worker: Worker | None = None
        self._process: Any = None  # gunicorn's own worker, in the process that answers requests
        # Held by the one process that runs passes; a new one takes over when that dies.
        self._passes_lock = tempfile.TemporaryFile()  # noqa: SIM115 (for as long as the server lives)
        super().__init__()

    def load_config(self) -> None:
        """Settings of ours; no command line, no file, no environment."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Wire everything up, in the process that will use it: no connection may be shared across a fork."""
        try:
            gatekeeper = wired(self._settings, self._wire)
        except (ConfigurationError, TemporaryError) as error:
            raise AppImportError(str(error)) from None
        metrics, self._worker = Metrics(), Worker(gatekeeper)
        logs.configure(self._settings.log_format, taps=[metrics.count_pass])
        alive = None
        if self._runs_passes():
            self._worker.start()
            alive = self._worker.is_alive
        waiting = Waiting(stopping=lambda: not self._process.alive)
        app = create_app(gatekeeper, metrics=metrics, worker_alive=alive, waiting=waiting)
        # What is loaded now stays: looking through it for garbage again and again only delays answers.
        gc.collect()
        gc.freeze()
        return app

    def _runs_passes(self) -> bool:
        """Whether this process is the one; a POSIX lock belongs to a process and ends with it."""
        try:
            fcntl.lockf(self._passes_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _forked(self, _arbiter: object, process: Any) -> None:
        self._process = process

    def _stop(self, _arbiter: object, _worker: object) -> None:
        if self._worker is not None:
            self._worker.stop()


class _Logger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's lines go where ours go; its access log stays off."""

    def setup(self, cfg: Any) -> None:
        """Leave everything to the root logger."""
        super().setup(cfg)
        self.error_log.handlers = []
        self.error_log.propagate = True
