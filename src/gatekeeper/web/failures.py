"""What is answered when something goes wrong: JSON to programs, a page to people."""

import structlog
from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, Unauthorized

from gatekeeper.errors import NotFoundError, TemporaryError
from gatekeeper.web.api import PREFIX
from gatekeeper.web.models import Error
from gatekeeper.web.reading import AmbiguousError

log = structlog.get_logger()


def answer_failures(app: Flask) -> None:
    """Register the answers to errors."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        answer = _failure(error.code or 500, error.description or error.name)
        if isinstance(error, Unauthorized):
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    @app.errorhandler(NotFoundError)
    def unknown(error: NotFoundError) -> Response:
        return _failure(404, str(error))

    @app.errorhandler(AmbiguousError)
    def ambiguous(error: AmbiguousError) -> Response:
        return _failure(409, str(error), error.choices)

    @app.errorhandler(TemporaryError)
    def unavailable(error: TemporaryError) -> Response:
        log.error("request.failed", path=request.path, error=str(error))
        return _failure(503, "Gatekeeper's database could not be used; try again soon")


def _failure(status: int, why: str, choices: tuple[str, ...] = ()) -> Response:
    if request.path.startswith(f"{PREFIX}/"):
        answer = Error(error=why, choices=list(choices) or None)
        return Response(answer.model_dump_json(exclude_none=True), status, mimetype="application/json")
    return Response(render_template("failure.html", status=status, why=why, choices=choices), status)
