"""``gatekeeper gate``: may a service be deployed into an environment now?"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Literal

import typer

from gatekeeper.bootstrap import build
from gatekeeper.cli.decisions import AsJson
from gatekeeper.cli.exits import Code, errors, readable_errors
from gatekeeper.cli.server import Server
from gatekeeper.cli.told import Told
from gatekeeper.cli.waiting import Ask, ask_until
from gatekeeper.cli.workflow import annotation
from gatekeeper.errors import ConfigurationError
from gatekeeper.policy.mistake import MistakeError
from gatekeeper.policy.problem import one_line
from gatekeeper.policy.units import parse_duration
from gatekeeper.settings import Settings
from gatekeeper.web.reading import Reading

PATIENCE = timedelta(hours=1)


def gate(
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", help="The service, as NAME or ORGANIZATION/NAME.")
    ],
    *,
    environment: Annotated[str, typer.Option(help="Where it is to be deployed, such as production.")],
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="The Gatekeeper to ask; else the database is read here.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is allowed.")] = False,
    deadline: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long to wait at most, such as 90m.")
    ] = None,
    as_json: AsJson = False,
    github: Annotated[
        bool, typer.Option("--github", help="In a GitHub workflow: make the answer an annotation of the job.")
    ] = False,
) -> None:
    """Say whether a service may be deployed into an environment now, and why. For pipelines of any kind.

    Exits with 0 when it may, 1 when it is blocked, 2 when the command or the configuration is wrong,
    3 when the evidence is unknown or the server does not answer. With --wait, it exits once it may, or at the
    deadline (1h unless given).
    """
    with readable_errors():
        if as_json and github:
            raise ConfigurationError("--json and --github cannot be printed together; choose one")
        patience = _patience(deadline, wait=wait)
        with _asking(service, environment, server) as ask:
            told = ask_until(ask, patience.total_seconds(), _tell) if wait else ask(0.0)
    if as_json:
        typer.echo(json.dumps(told.whole, indent=2))
    else:
        text = _text(told)
        typer.echo(annotation(_level(told), text, title="Gatekeeper") if github else text)
    raise typer.Exit(told.code)


@contextmanager
def _asking(service: str, environment: str, server: str | None) -> Iterator[Ask]:
    """Asks a server, or the database here, which answers at once."""
    organization, _, name = service.rpartition("/")
    if server is not None:
        asked = Server(server)
        yield lambda wait: asked.gate(name, organization or None, environment, wait)
        return
    gatekeeper = build(Settings.from_env())
    reading = Reading(gatekeeper)
    try:
        yield lambda _: Told.of(
            reading.gate(name, organization or None, environment).report.model_dump(mode="json")
        )
    finally:
        gatekeeper.close()


def _patience(deadline: str | None, *, wait: bool) -> timedelta:
    if deadline is None:
        return PATIENCE
    if not wait:
        raise ConfigurationError("--deadline says how long to --wait; add that")
    try:
        return parse_duration(deadline)
    except MistakeError as mistake:
        raise ConfigurationError(f"--deadline: {mistake}") from None


def _level(told: Told) -> Literal["notice", "warning", "error"]:
    if told.code is Code.NO:
        return "error"
    return "warning" if told.warns or not told.known else "notice"


def _text(told: Told) -> str:
    reasons = (f"\n  {one_line(reason)}" for reason in told.reasons)
    return f"{told.word}: {one_line(told.sentence)}{''.join(reasons)}"


def _tell(why: str) -> None:
    errors.print(f"waiting: {one_line(why)}")
