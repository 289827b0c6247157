"""One line in the log for each request by a person or a program; probes and files leave none."""

import time

import structlog
from flask import Flask, Response, g, request

SILENT = frozenset({"static", "health.healthz", "health.readyz", "metrics.scrape"})

log = structlog.get_logger()


def tell_requests(app: Flask) -> None:
    """Log each request when it is answered."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def tell(response: Response) -> Response:
        if request.endpoint not in SILENT:
            log.info(
                "request.done",
                method=request.method,
                path=request.path,
                status=response.status_code,
                seconds=round(time.perf_counter() - g.began, 4),
            )
        return response
