"""``gatekeeper gate``: may a service be deployed into an environment now?"""

import json
from typing import Annotated

import typer

from gatekeeper.bootstrap import build
from gatekeeper.cli.decisions import AsJson
from gatekeeper.cli.exits import readable_errors
from gatekeeper.cli.server import Server
from gatekeeper.cli.told import Told
from gatekeeper.policy.problem import one_line
from gatekeeper.settings import Settings
from gatekeeper.web.reading import Reading


def gate(
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", help="The service, as NAME or ORGANIZATION/NAME.")
    ],
    *,
    environment: Annotated[str, typer.Option(help="Where it is to be deployed, such as production.")],
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="The Gatekeeper to ask; else the database is read here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a service may be deployed into an environment now, and why. For pipelines of any kind.

    Exits with 0 when it may, 1 when it is blocked, 2 when the command or the configuration is wrong,
    3 when the evidence is unknown or the server does not answer.
    """
    organization, _, name = service.rpartition("/")
    with readable_errors():
        if server is None:
            told = _read_here(name, organization or None, environment)
        else:
            told = Server(server).gate(name, organization or None, environment)
    if as_json:
        typer.echo(json.dumps(told.whole, indent=2))
    else:
        _print(told)
    raise typer.Exit(told.code)


def _read_here(name: str, organization: str | None, environment: str) -> Told:
    gatekeeper = build(Settings.from_env())
    try:
        return Told.of(Reading(gatekeeper).gate(name, organization, environment).model_dump(mode="json"))
    finally:
        gatekeeper.close()


def _print(told: Told) -> None:
    typer.echo(f"{told.word}: {one_line(told.sentence)}")
    for reason in told.reasons:
        typer.echo(f"  {one_line(reason)}")
