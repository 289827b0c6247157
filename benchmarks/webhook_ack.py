"""How fast a webhook is acknowledged: ours, stored durably, beside Probot 14, storing nothing, in one run.

Two more rows are limits. "Floor" is gunicorn as we run it, with an application that reads the body and answers
202; "floor + fsync" has it append 16 KB to a file and wait for the disk first, one at a time, as SQLite does: no
server on gunicorn that keeps its promise can be faster.

    python benchmarks/webhook_ack.py [--seconds 10] [--rounds 5]

Needs wrk, node and npm. All servers get the same signed 25 KB ``pull_request`` deliveries, each with an id of
its own: as fast as they go over 1, 16 and 64 connections (wrk), and paced at 200 a second, timed from the
moment each should have been sent, so that a stall counts against every delivery it holds up. The paced load goes
to one server after the other in rounds, because a shared machine's disk has better and worse minutes: the figures
are the medians of the rounds, and the lowest and highest p99.
"""

import argparse
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gunicorn.app.base import BaseApplication
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from gatekeeper.bootstrap import Gatekeeper, build, now
from gatekeeper.events.delivery import sign
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.serving import THREADS, serve
from gatekeeper.settings import Settings
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.tables import delivery
from gatekeeper.worker.engine import Engine
from gatekeeper.worker.runner import Runner

CACHE = Path(__file__).parent.parent / ".cache" / "webhook-ack"
SECRET = "benchmark"  # noqa: S105 (made up)
PULLS = 256
BODY_BYTES = 25_000
CONNECTIONS = (1, 16, 64)
RATE, SENDERS = 200, 16

STORED_BYTES = 16_384
"""About what SQLite's log grows by with a delivery: four pages."""

PACKAGE = {"private": True, "dependencies": {"probot": "14", "@octokit/webhooks-examples": "7"}}
PROBOT_APP = 'import { run } from "probot";\nrun((app) => { app.on("pull_request", async () => {}); });\n'
WRK_SCRIPT = """
local deliveries = dofile("%(deliveries)s")
local threads = 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function init() count = 0; base = string.format("%%08x-%(run)s-%%04d", os.time(), id) end
function request()
  count = count + 1
  local one = deliveries[count %% #deliveries + 1]
  return wrk.format("POST", "%(path)s", {
    ["Content-Type"] = "application/json", ["X-GitHub-Event"] = "pull_request",
    ["X-GitHub-Delivery"] = base .. "-" .. count, ["X-Hub-Signature-256"] = one[2]}, one[1])
end
"""


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    path: str


@dataclass(frozen=True)
class Figure:
    """What one load gave: answers a second, latencies in milliseconds (medians of rounds; ``p99s`` of each)."""

    rate: float
    p50: float
    p99: float
    p99s: tuple[float, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=10, help="length of each load (default 10)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the paced load (default 5)")
    parser.add_argument("--only", choices=list(SERVERS), action="append", help="run these alone")
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--serve-nothing", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(Settings.from_env(), host="127.0.0.1", port=options.serve, workers=1, wire=_wire)
    elif options.serve_nothing:
        _Floor(options.serve_nothing, options.store).run()
    else:
        _compare(options.seconds, options.rounds, options.only or list(SERVERS))


def _wire(settings: Settings) -> Gatekeeper:
    """All as in production, but for the pass over a pull request, which only waits, as if for GitHub."""
    gatekeeper = build(settings)
    runner = Runner(gatekeeper.stores.work, {Kind.PULL: _pass}, now, random.random)
    engine = Engine(gatekeeper.stores.work, runner, database_url=settings.database_url, clock=now)
    return replace(gatekeeper, engine=engine)


def _pass(_key: WorkKey, _hints: object, _now: datetime) -> None:
    time.sleep(0.1)


class _Floor(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn as we run it, and nothing else; with a file, also the disk."""

    def __init__(self, port: int, file: Path | None) -> None:
        self._port = port
        self._file = file
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"127.0.0.1:{self._port}",
            "worker_class": "gthread",
            "threads": THREADS,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., list[bytes]]:
        store = _stored(self._file) if self._file else bool

        def answer(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
            environ["wsgi.input"].read()
            store()
            start_response("202 Accepted", [("Content-Type", "application/json"), ("Content-Length", "2")])
            return [b"{}"]

        return answer


def _stored(path: Path) -> Callable[[], object]:
    file, turn = path.open("ab", buffering=0), threading.Lock()

    def store() -> None:
        with turn:
            file.write(b"x" * STORED_BYTES)
            os.fsync(file.fileno())

    return store


def _compare(seconds: int, rounds: int, only: list[str]) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    _install_probot()
    bodies = _bodies()
    figures: dict[str, dict[str, Figure]] = {name: {} for name in only}
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        folder = Path(temporary)
        deliveries = _lua_of(bodies, folder / "deliveries.lua")
        for name in only:
            with SERVERS[name](folder) as server:
                _paced(server, bodies, seconds=2)  # warm up
                for connections in CONNECTIONS:
                    script = _script(deliveries, server.path, folder / f"{uuid.uuid4()}.lua")
                    figures[name][f"{connections} connections"] = _wrk(server, script, connections, seconds)
        for name, figure in _in_rounds(only, bodies, seconds, rounds, folder).items():
            figures[name][f"paced {RATE}/s"] = figure
        _check_stored(folder, figures)
    print(f"load of this machine in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    _print(figures)


def _in_rounds(
    names: list[str], bodies: list[bytes], seconds: int, rounds: int, folder: Path
) -> dict[str, Figure]:
    found: dict[str, list[Figure]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            with SERVERS[name](folder) as server:
                _paced(server, bodies, seconds=2)  # warm up
                found[name].append(_paced(server, bodies, seconds=seconds))
    return {name: _median(figures) for name, figures in found.items()}


def _median(figures: list[Figure]) -> Figure:
    rate, p50, p99 = (
        statistics.median(values)
        for values in zip(*((one.rate, one.p50, one.p99) for one in figures), strict=True)
    )
    return Figure(rate, p50, p99, tuple(sorted(one.p99 for one in figures)))


def _install_probot() -> None:
    wanted = json.dumps(PACKAGE)
    package = CACHE / "package.json"
    if not (package.exists() and package.read_text() == wanted and (CACHE / "node_modules").exists()):
        package.write_text(wanted)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=CACHE, check=True)


def _bodies() -> list[bytes]:
    """Real ``pull_request`` payloads (GitHub's sample), each of another pull request, 25 KB long."""
    sample_file = CACHE / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
    events = json.loads(sample_file.read_text())
    (samples,) = [event["examples"] for event in events if event["name"] == "pull_request"]
    sample = next(one for one in samples if one["action"] == "opened")
    bodies = []
    for number in range(1, PULLS + 1):
        sample["number"] = sample["pull_request"]["number"] = number
        sample["pull_request"]["body"] = ""
        sample["pull_request"]["body"] = "x" * (BODY_BYTES - len(json.dumps(sample)))
        bodies.append(json.dumps(sample).encode())
    return bodies


@contextmanager
def _gatekeeper(folder: Path) -> Iterator[Server]:
    port = _free_port()
    environ = {
        "PATH": "/usr/bin:/bin",
        "GATEKEEPER_DATABASE_URL": f"sqlite:///{folder}/gatekeeper.db",
        "GATEKEEPER_WEBHOOK_SECRET": SECRET,
    }
    with _running([sys.executable, __file__, "--serve", str(port)], environ, port):
        yield Server(port, "/webhooks/github")


@contextmanager
def _floor(_folder: Path, *options: str) -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, __file__, "--serve-nothing", str(port), *options]
    with _running(command, {"PATH": "/usr/bin:/bin"}, port):
        yield Server(port, "/webhooks/github")


def _floor_with_disk(folder: Path) -> AbstractContextManager[Server]:
    return _floor(folder, "--store", str(folder / "stored"))


@contextmanager
def _probot(folder: Path) -> Iterator[Server]:
    port, key = _free_port(), rsa.generate_private_key(public_exponent=65537, key_size=2048)
    app = CACHE / "app.mjs"
    app.write_text(PROBOT_APP)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    environ = {
        "PATH": str(Path(shutil.which("node") or "node").parent),
        "NODE_ENV": "production",
        "LOG_LEVEL": "fatal",
        "APP_ID": "1",
        "PRIVATE_KEY": pem.decode(),
        "WEBHOOK_SECRET": SECRET,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "HOME": str(folder),
    }
    with _running(["node", str(app)], environ, port):
        yield Server(port, "/api/github/webhooks")


@contextmanager
def _running(command: list[str], environ: dict[str, str], port: int) -> Iterator[None]:
    with (CACHE / "server.log").open("ab") as output:
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
        try:
            _await_port(port, process)
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}")
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("the server does not listen")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _lua_of(bodies: list[bytes], file: Path) -> Path:
    pairs = (f"{{[==[{body.decode()}]==], '{sign(body, SECRET.encode())}'}}" for body in bodies)
    file.write_text("return {" + ",\n".join(pairs) + "}")
    return file


def _script(deliveries: Path, path: str, file: Path) -> Path:
    file.write_text(WRK_SCRIPT % {"deliveries": deliveries, "path": path, "run": uuid.uuid4().hex[:8]})
    return file


def _wrk(server: Server, script: Path, connections: int, seconds: int) -> Figure:
    command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    target = f"http://127.0.0.1:{server.port}"
    said = subprocess.run(
        [*command, "-s", str(script), target], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"the server refused some:\n{said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate
    return Figure(float(rate[1]), _latency(said, "50%"), _latency(said, "99%"))


def _latency(said: str, share: str) -> float:
    found = re.search(rf"^\s+{share}\s+([\d.]+)(us|ms|s)\s*$", said, re.MULTILINE)
    assert found, said
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def _paced(server: Server, bodies: list[bytes], *, seconds: int) -> Figure:
    """Open loop: delivery ``i`` is due at ``i / RATE``, and its latency counts from then."""
    latencies: list[float] = []
    start, total = time.perf_counter() + 0.2, RATE * seconds

    def send(first: int) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            for number in range(first, total, SENDERS):
                due = start + number / RATE
                time.sleep(max(0.0, due - time.perf_counter()))
                _post(connection, server.path, bodies[number % len(bodies)])
                latencies.append(1000 * (time.perf_counter() - due))

    threads = [threading.Thread(target=send, args=(first,)) for first in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(latencies) == total, f"the server lost {total - len(latencies)} deliveries"
    shares = statistics.quantiles(latencies, n=100)
    return Figure(total / (time.perf_counter() - start), shares[49], shares[98])


def _post(connection: socket.socket, path: str, body: bytes) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {uuid.uuid4()}\r\n"
        f"X-Hub-Signature-256: {sign(body, SECRET.encode())}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head_bytes, _, rest = answer.partition(b"\r\n\r\n")
    assert head_bytes.split()[1] in {b"200", b"202"}, answer
    length = re.search(rb"content-length: (\d+)", head_bytes, re.IGNORECASE)
    missing = int(length[1]) - len(rest) if length else 0
    while missing > 0:
        missing -= len(connection.recv(65536))


def _check_stored(folder: Path, figures: dict[str, dict[str, Figure]]) -> None:
    if GATEKEEPER in figures:
        database = Database(create_store_engine(f"sqlite:///{folder}/gatekeeper.db"))
        with database.read() as connection:
            stored = connection.execute(select(func.count()).select_from(delivery)).scalar_one()
        database.close()
        print(f"{stored} deliveries are in the database")


def _print(figures: dict[str, dict[str, Figure]]) -> None:
    table = Table("load", "server", "req/s", "p50 ms", "p99 ms", "req/s : Probot's", "p99 : Probot's")
    for load in next(iter(figures.values())):
        peer = figures.get(PROBOT, {}).get(load)
        for name, by_load in figures.items():
            one = by_load[load]
            spread = f" ({one.p99s[0]:.1f} to {one.p99s[-1]:.1f})" if one.p99s else ""
            ratios = [f"{one.rate / peer.rate:.2f}", f"{one.p99 / peer.p99:.2f}"] if peer else []
            table.add_row(load, name, f"{one.rate:.0f}", f"{one.p50:.2f}", f"{one.p99:.2f}{spread}", *ratios)
    Console(width=120).print(table)


GATEKEEPER, PROBOT = "gatekeeper", "probot"
SERVERS: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {
    GATEKEEPER: _gatekeeper,
    "floor": _floor,
    "floor+fsync": _floor_with_disk,
    PROBOT: _probot,
}


if __name__ == "__main__":
    main()
