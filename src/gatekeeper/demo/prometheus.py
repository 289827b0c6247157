"""A simulated Prometheus: the part of its HTTP API that asks for counters as they are.

Its answers are those of a real Prometheus 2 that holds the same samples; expressions are refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import promql_parser
from flask import Blueprint, Flask, Response, request

from gatekeeper.demo.history import Counter, Counts, History, Instants
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.selector import BareSelector, classify

VERSION = "2.42.0"
LOOK_BACK_MS = 300_000
"""How old a sample may be that answers for an instant: Prometheus's default."""
MOST_POINTS = 11_000

Labels = Mapping[str, str]


class _RefusedError(Exception):
    """What Prometheus answers with status 400."""


def create_prometheus(history: History, clock: Callable[[], datetime]) -> Flask:
    """The application: answers from the history, as far as the clock has come."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined] # of Flask's default provider
    app.register_blueprint(_api(history, clock))
    app.register_error_handler(_RefusedError, _refuse)
    for path in ("/-/ready", "/-/healthy"):
        app.add_url_rule(
            path, path, lambda: Response("Simulated Prometheus is ready.\n", mimetype="text/plain")
        )
    return app


def _api(history: History, clock: Callable[[], datetime]) -> Blueprint:
    api = Blueprint("api", __name__, url_prefix="/api/v1")

    def chosen(selector: BareSelector) -> Iterator[tuple[Labels, Counter]]:
        for counter in history.counters(clock()):
            labels = dict(counter.labels)
            if selector.matches(labels):
                yield labels, counter

    @api.route("/query", methods=["GET", "POST"])
    def query() -> dict[str, Any]:
        at = _milliseconds("time", default=clock())
        selector, width = _parse(request.values.get("query", ""))
        if width is not None:
            return _answer("matrix", [_matrix(*one, at - width, at) for one in chosen(selector)])
        return _answer("vector", [_vector(*one, at) for one in chosen(selector)])

    @api.route("/query_range", methods=["GET", "POST"])
    def query_range() -> dict[str, Any]:
        first, last = _milliseconds("start"), _milliseconds("end")
        step = _step(request.values.get("step", ""))
        if (last - first) // step > MOST_POINTS:
            raise _RefusedError(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        selector, width = _parse(request.values.get("query", ""))
        if width is not None:
            raise _RefusedError(
                'invalid expression type "range vector" for range query, must be Scalar or instant Vector'
            )
        instants = np.arange(first, last + 1, step, dtype=np.int64)
        return _answer("matrix", [_stepped(*one, instants) for one in chosen(selector)])

    @api.get("/status/buildinfo")
    def buildinfo() -> dict[str, Any]:
        return {"status": "success", "data": {"version": VERSION, "revision": "simulated"}}

    return api


def _refuse(error: _RefusedError) -> tuple[dict[str, Any], int]:
    return {"status": "error", "errorType": "bad_data", "error": str(error)}, 400


def _answer(kind: str, result: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    found = [one for one in result if one is not None]
    return {"status": "success", "data": {"resultType": kind, "result": found}}


def _matrix(labels: Labels, counter: Counter, first: int, last: int) -> dict[str, Any] | None:
    """The samples in [first, last]: Prometheus 2 includes both ends."""
    begin = int(np.searchsorted(counter.times, first, side="left"))
    end = int(np.searchsorted(counter.times, last, side="right"))
    return _points(labels, counter.times[begin:end], counter.values[begin:end])


def _vector(labels: Labels, counter: Counter, at: int) -> dict[str, Any] | None:
    found = _stepped(labels, counter, np.array([at], dtype=np.int64))
    return found and {"metric": labels, "value": found["values"][0]}


def _stepped(labels: Labels, counter: Counter, instants: Instants) -> dict[str, Any] | None:
    """At each instant the newest sample, unless it is too old."""
    place = np.searchsorted(counter.times, instants, side="right") - 1
    known = place >= 0
    known[known] = instants[known] - counter.times[place[known]] <= LOOK_BACK_MS
    return _points(labels, instants[known], counter.values[place[known]])


def _points(labels: Labels, times: Instants, values: Counts) -> dict[str, Any] | None:
    if not len(times):
        return None
    pairs = zip(times.tolist(), values.tolist(), strict=True)
    return {"metric": labels, "values": [[time / 1000, f"{value:.0f}"] for time, value in pairs]}


def _parse(query: str) -> tuple[BareSelector, int | None]:
    """The selector, and the width of its range in milliseconds if it has one."""
    try:
        tree = promql_parser.parse(query)
        if isinstance(tree, promql_parser.MatrixSelector):
            width = round(tree.range.total_seconds() * 1000)
            return _selector(query[: query.rindex("[")]), width
    except ValueError as error:
        raise _RefusedError(f'invalid parameter "query": {error}') from error
    return _selector(query), None


def _selector(query: str) -> BareSelector:
    try:
        found = classify(query)
    except MistakeError as error:
        raise _RefusedError(f"the simulated Prometheus knows counters only: {error}") from error
    if not isinstance(found, BareSelector):
        raise _RefusedError("the simulated Prometheus knows counters only")
    return found


def _milliseconds(name: str, *, default: datetime | None = None) -> int:
    given = request.values.get(name)
    if given is None and default is not None:
        return int(default.timestamp() * 1000)
    try:
        return round(float(given or "") * 1000)
    except ValueError:
        pass
    try:
        return round(datetime.fromisoformat(given or "").astimezone(UTC).timestamp() * 1000)
    except ValueError as error:
        raise _RefusedError(
            f'invalid parameter "{name}": cannot parse "{given}" to a valid timestamp'
        ) from error


def _step(given: str) -> int:
    try:
        milliseconds = round(float(given) * 1000)
    except ValueError as error:
        raise _RefusedError(
            f'invalid parameter "step": cannot parse "{given}" to a valid duration'
        ) from error
    if milliseconds <= 0:
        raise _RefusedError(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    return milliseconds
