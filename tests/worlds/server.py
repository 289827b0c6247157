"""A real server that holds generated samples, on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Self

import requests

from ports import free_port
from worlds import remote_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from worlds.series import Series

READY_WITHIN = 30.0
STOPPED_WITHIN = 10.0
REQUEST_TIMEOUT = 60.0
WRITERS = 2
"""Requests at a time, which halves the loading; a series is in one request, so its order is kept."""


class Server(ABC):
    """A server on 127.0.0.1 that takes remote write; its `url` stays the same through stops and starts.

    Use it as a context manager, or call `stop` at the end.

    Args:
        directory: Empty, or not there yet; holds data, configuration and log.
        series: What it serves from the beginning.

    Raises:
        RuntimeError: its program is not on PATH, or it does not start.
    """

    PROGRAM: ClassVar[str]
    READY: ClassVar[str]

    def __init__(self, directory: Path, series: Iterable[Series] = ()) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
            if held := list(series):
                self.write(held)
                self.settle()
        except BaseException:
            self.stop()
            raise

    @abstractmethod
    def flags(self) -> Sequence[str]:
        """The command's arguments."""

    def settle(self) -> None:  # noqa: B027 (not all need to)
        """Bring what was written first into the form that production's history has."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start on the data as they are, and wait until it answers."""
        command = [self._executable(), *self.flags()]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Stop cleanly; what was written is there after the next start. Stopping twice does nothing."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @contextmanager
    def down(self) -> Iterator[None]:
        """Connections are refused inside the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Connections are accepted and never answered inside the block."""
        assert self._process is not None, "not running"
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # the last of its threads stops a moment after the signal
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def write(self, series: Iterable[Series]) -> None:
        """Append samples; late ones are taken too.

        Raises:
            requests.HTTPError: the server refused some.
        """
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(self._push, remote_write.requests(series)))

    def put_in(self, series: Iterable[Series]) -> None:
        """Put samples of the past in, behind what is there, as people do who lost some."""
        self.write(series)

    def wait(self) -> None:
        """Wait until the server ends by itself."""
        if self._process is not None:
            self._process.wait()

    def _push(self, body: bytes) -> None:
        self.post("/api/v1/write", body, remote_write.HEADERS)

    def post(
        self, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """POST; refusals are raised.

        Raises:
            requests.HTTPError: it was refused.
        """
        answer = requests.post(self.url + path, data=body, headers=headers, timeout=REQUEST_TIMEOUT)
        if not answer.ok:
            raise requests.HTTPError(f"{path}: {answer.status_code} {answer.text}", response=answer)
        return answer

    def _executable(self) -> str:
        found = shutil.which(self.PROGRAM)
        if found is None:
            raise RuntimeError(f"no {self.PROGRAM} on PATH: apt-get install {self.PROGRAM}")
        return found

    @property
    def _log(self) -> Path:
        return self.directory / f"{self.PROGRAM}.log"

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.PROGRAM} did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            return requests.get(self.url + self.READY, timeout=1).ok
        except (requests.ConnectionError, requests.Timeout):
            return False
