"""The simulated GitHub as a Flask application: API and pages on one address."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException

from gatekeeper.demo.github import auth
from gatekeeper.demo.github.api import (
    apps,
    checks,
    deployments,
    graphql,
    issues,
    people,
    pulls,
    repositories,
    service,
)
from gatekeeper.demo.github.auth import Caller
from gatekeeper.demo.github.calls import Call, Calls
from gatekeeper.demo.github.errors import DOCS, Refused
from gatekeeper.demo.github.faults import Fault, Faults
from gatekeeper.demo.github.limits import Limits, Quota
from gatekeeper.demo.github.pages import views

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from gatekeeper.demo.github.world import World

APIS = (apps, checks, deployments, graphql, issues, people, pulls, repositories, service)
FREE = frozenset({"/rate_limit"})  # not counted against the rate limit
PASSED_ON = frozenset({"delay", "late", "lost"})  # faults under which the act is done all the same


@dataclass(slots=True)
class GitHub:
    """What the application works on: the world, and what tests turn and read."""

    world: World
    calls: Calls = field(default_factory=Calls)
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)


def create_github(github: GitHub | World) -> Flask:
    """Build the application around a world."""
    app = copy(_application())
    held = github if isinstance(github, GitHub) else GitHub(github)
    app.extensions = {"github": held}
    app.wsgi_app = _by_id(held.world, app.wsgi_app)  # type: ignore[method-assign,assignment] # as Flask's own pages do
    return app


@cache
def _application() -> Flask:
    """What all worlds share: to compile two hundred routes takes longer than most of what is asked of one."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's default provider
    for module in APIS:
        app.register_blueprint(module.blueprint)
    app.register_blueprint(views.blueprint)
    app.before_request(lambda: _before(current_app.extensions["github"]))
    app.after_request(lambda response: _after(current_app.extensions["github"], response))
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http_error)
    return app


_BY_ID = re.compile(r"/repositories/(?P<id>\d+)(?P<rest>/.*)?")


def _by_id(world: World, serve: WSGIApplication) -> WSGIApplication:
    """Serve a repository's addresses by its id too: that is where its former addresses lead."""

    def served(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        found = _BY_ID.fullmatch(environ["PATH_INFO"])
        names = {one.id: name for name, one in [*world.repositories.items()]}
        if found is not None and (name := names.get(int(found["id"]))) is not None:
            environ["PATH_INFO"] = f"/repos/{name}{found['rest'] or ''}"
        return serve(environ, start)

    return served


def _is_page() -> bool:
    """Whether a browser asks: ``/nothing/here`` could be a page's address and is the API's for whoever signs in."""
    return request.blueprint == views.blueprint.name and "Authorization" not in request.headers


def _before(github: GitHub) -> Response | None:
    """Strike with an armed fault, know the caller, charge their quota. A response ends the request here."""
    if _is_page():
        return None
    now, g.came = github.world.now(), time.monotonic()
    g.caller, g.fault, g.headers = Caller(), github.faults.take(request.method, request.path), {}
    g.quota = github.limits.quota("anonymous", now)
    with github.world.lock:
        g.caller = auth.authenticate(github.world, request.headers.get("Authorization"))
    spent = github.limits.quota(str(g.caller), now).remaining == 0
    g.quota = (github.limits.quota if request.path in FREE else github.limits.charge)(str(g.caller), now)
    if g.fault is not None:
        return _strike(github, g.fault)
    return _limited(403) if spent and request.path not in FREE else None


def _strike(github: GitHub, fault: Fault) -> Response | None:
    if fault.kind == "delay":
        time.sleep(fault.seconds)
    if fault.kind in PASSED_ON:
        return None
    if fault.kind == "primary":
        g.quota = github.limits.exhaust(str(g.caller), github.world.now())
        return _limited(fault.status)
    if fault.kind == "secondary":
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        response = _error(fault.status, message)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        return response
    return _error(fault.status, "Server Error")


def _limited(status: int) -> Response:
    return _error(status, f"API rate limit exceeded for {g.caller}.")


def _error(status: int, message: str) -> Response:
    response = jsonify({"message": message, "documentation_url": DOCS, "status": str(status)})
    response.status_code = status
    return response


def _refused(refusal: Refused) -> Response | tuple[str, int]:
    if _is_page():
        return views.refused(refusal)
    response = jsonify(refusal.body())
    response.status_code = refusal.status
    return response


def _http_error(error: HTTPException) -> Response | HTTPException:
    """A path or method GitHub does not have is its 404."""
    if _is_page():
        return error
    code = error.code or 500
    return _error(404, "Not Found") if code in {404, 405} else _error(code, error.name)


def _after(github: GitHub, response: Response) -> Response:
    """Add GitHub's headers, answer 304 where nothing changed, remember the call, lose the answer if so armed."""
    if _is_page():
        return response
    fault: Fault | None = g.fault
    lost = fault is not None and fault.kind == "lost"
    github.calls.add(_call(response, fault, github.world.clock()))
    if fault is not None and fault.kind == "reset":
        _cut()
    if fault is not None and fault.kind == "late":
        time.sleep(fault.seconds)
    if request.method == "GET" and response.status_code == HTTPStatus.OK:
        response.add_etag()
        response.make_conditional(request)
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        g.quota = github.limits.refund(str(g.caller), github.world.now())
    response.headers.update(g.headers | g.quota.headers())
    response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    response.headers["X-GitHub-Request-Id"] = f"{len(github.calls):08X}"
    if lost:
        _hang_up()
    return response


def _call(response: Response, fault: Fault | None, now: datetime) -> Call:
    kind = fault.kind if fault is not None else None
    return Call(
        method=request.method,
        path=urlsplit(request.environ.get("REQUEST_URI", request.path)).path,  # as sent, %2F and all
        query=request.args.to_dict(),
        request=request.get_json(force=True, silent=True) if request.get_data() else None,
        status=response.status_code,
        response=response.get_json(silent=True),
        caller=str(g.caller),
        headers={name: value for name, value in request.headers.items() if name != "Authorization"},
        lost=kind == "lost",
        faulted=kind is not None and kind not in PASSED_ON,
        fault=kind,
        came=g.came,
        answered=time.monotonic(),
        silence=_silence(response, g.quota, now),
    )


def _silence(response: Response, quota: Quota, now: datetime) -> float:
    """The seconds that the answer asks its caller to send nothing."""
    if (told := response.headers.get("Retry-After")) is not None:
        return float(told)
    return 0.0 if quota.remaining else max(0.0, (quota.reset - now).total_seconds())


def _hang_up() -> None:
    """Close the connection under the server, so that the client never sees the answer."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)


def _cut() -> None:
    """Reset the connection under the server, as a proxy does that dies; what is written to it afterwards is lost."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        request.get_data()  # kept, for it cannot be read afterwards
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        nowhere, closed = socket.socketpair()
        with nowhere, closed:
            os.dup2(
                nowhere.fileno(), connection.fileno()
            )  # the last hold on it: the system sends its RST now
