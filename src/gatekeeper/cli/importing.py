"""``gatekeeper import``: files of other tools, written anew as policy files."""

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.bootstrap import now
from gatekeeper.cli.exits import Code, errors, readable_errors
from gatekeeper.cli.policies import policy_files
from gatekeeper.errors import ConfigurationError
from gatekeeper.policy.foreign.native import Rewritten, are_there, rewritten
from gatekeeper.policy.loader import load
from gatekeeper.policy.problem import Severity


def import_(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Files of other tools, or directories of them.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIRECTORY", help="Write a file for each service there; else print."),
    ] = None,
) -> None:
    """Write files of OpenSLO, Sloth, Pyrra or slo-generator anew as policy files.

    What cannot be carried over is printed with its place, and stands above each policy as a comment. Files that exist
    are not overwritten. Exits with 0 when all could be read, 1 when there are mistakes (then nothing is written), 2
    when there is nothing to import.
    """
    with readable_errors():
        files = policy_files(paths)
        if not are_there(files):
            raise ConfigurationError(
                "no file of another tool there: OpenSLO, Sloth, Pyrra and slo-generator can be read"
            )
        problems = load(files, now=now()).problems
        for problem in problems:
            errors.print(str(problem), style="yellow" if problem.severity is Severity.WARNING else "red")
        if any(one.severity is Severity.ERROR for one in problems):
            raise typer.Exit(Code.NO)
        found = [*rewritten(files)]
        if out is None:
            typer.echo("---\n".join(one.text for one in found), nl=False)
        else:
            _write(out, found)


def _write(directory: Path, found: list[Rewritten]) -> None:
    targets = [(directory / f"{one.service}.yaml", one) for one in found]
    if there := [str(path) for path, _ in targets if path.exists()]:
        raise ConfigurationError(f"{', '.join(there)} exists already; nothing was written")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, one in targets:
            path.write_text(one.text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write to {directory}: {error.strerror}") from None
    errors.print(f"wrote {', '.join(str(path) for path, _ in targets)}")
