"""``gatekeeper validate``: policy files, checked as they would be read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gatekeeper.bootstrap import Sources, now
from gatekeeper.cli.exits import Code, errors, readable_errors
from gatekeeper.cli.workflow import annotation
from gatekeeper.errors import ConfigurationError
from gatekeeper.policy.loader import Loaded, PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.problem import Problem, Severity
from gatekeeper.settings import Settings
from gatekeeper.worker.proposal_look import dry_run

SUFFIXES = frozenset({".yaml", ".yml"})


def validate(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Policy files, or directories of them.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    queries: Annotated[
        bool, typer.Option("--queries", help="Also try the queries on the monitoring system.")
    ] = False,
    github: Annotated[
        bool,
        typer.Option("--github", help="In a GitHub workflow: make each mistake an annotation of its line."),
    ] = False,
) -> None:
    """Check policy files: each mistake with its file, line and column, and what to write instead.

    With --queries each query is tried too: metrics that nobody exports, labels without such a value, counts that do not
    fit together. It asks the monitoring system that the settings name.

    Exits with 0 when all is well (warnings are), 1 when there are mistakes, 2 when there is nothing to check, 3 when
    the monitoring system does not answer.
    """
    with readable_errors():
        if as_json and github:
            raise ConfigurationError("--json and --github cannot be printed together; choose one")
        files = policy_files(paths)
        loaded = load(files, now=now())
        if queries:
            loaded = _tried(files, loaded)
    if as_json:
        typer.echo(json.dumps(_told(files, loaded), indent=2))
    else:
        _print(files, loaded, github=github)
    raise typer.Exit(Code.OK if loaded.ok else Code.NO)


def _tried(files: Sequence[PolicyFile], loaded: Loaded) -> Loaded:
    """What was loaded, with what the monitoring system says of its queries."""
    sources = Sources(Settings.from_env())
    try:
        found = [
            problem
            for service in loaded.services
            for one in service.objectives
            for problem in dry_run(sources.of(one.indicator), service, one, files, now())
        ]
    finally:
        sources.close()
    return replace(loaded, problems=tuple(sorted({*loaded.problems, *found})))


def schema() -> None:
    """Print the JSON Schema of policy files, from which editors complete and check them.

    A file names it in a line of its own: `# yaml-language-server: $schema=`, and where it is.
    """
    typer.echo(resources.files("gatekeeper.policy").joinpath("schema.json").read_text("utf-8"), nl=False)


def checked(paths: Sequence[Path]) -> Sequence[Service]:
    """The services of policy files without mistakes.

    Raises:
        ConfigurationError: there are no files, or no services in them.
        Exit: there are mistakes; they are printed.
    """
    files = policy_files(paths)
    loaded = load(files)
    if not loaded.ok:
        for problem in loaded.problems:
            errors.print(str(problem), style="red")
        raise typer.Exit(Code.NO)
    if not loaded.services:
        raise ConfigurationError(f"no service in {', '.join(file.path for file in files)}")
    return loaded.services


def policy_files(paths: Sequence[Path]) -> list[PolicyFile]:
    """The policy files at these paths, and in directories among them.

    Raises:
        ConfigurationError: there are none, or one cannot be read.
    """
    found = sorted({file for path in paths for file in _below(path)})
    if not found:
        raise ConfigurationError(f"no policy files (.yaml, .yml) in {', '.join(map(str, paths))}")
    return [PolicyFile(str(file), _text(file)) for file in found]


def _below(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    elif path.is_file():
        yield path
    else:
        raise ConfigurationError(f"there is no {path}")


def _text(file: Path) -> str:
    """The file as text; bytes that are not UTF-8 become U+FFFD, which the loader points at."""
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None


def _print(files: Sequence[PolicyFile], loaded: Loaded, *, github: bool) -> None:
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for problem in loaded.problems:
        if github:
            typer.echo(_annotation(problem))  # a colour before it would hide it from the runner
        else:
            console.print(str(problem), style="yellow" if problem.severity is Severity.WARNING else "red")
    mistakes = sum(problem.severity is Severity.ERROR for problem in loaded.problems)
    names = ", ".join(service.name for service in loaded.services) or "none"
    verdict = f"{mistakes} mistake{'s' if mistakes > 1 else ''}" if mistakes else "no mistakes"
    noun = "file" if len(files) == 1 else "files"
    console.print(f"{len(files)} {noun}, {verdict}; services: {names}", style="bold")


def _told(files: Sequence[PolicyFile], loaded: Loaded) -> dict[str, object]:
    return {
        "ok": loaded.ok,
        "files": [file.path for file in files],
        "services": [service.name for service in loaded.services],
        "problems": [_problem(problem) for problem in loaded.problems],
    }


def _annotation(problem: Problem) -> str:
    """On the problem's line. The text names the place again, since the job's log shows the text alone."""
    return annotation(
        problem.severity.value,
        str(problem),
        file=problem.path,
        line=problem.line,
        col=problem.column,
        title="Gatekeeper policy",
    )


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "severity": str(problem.severity),
        "message": problem.message,
        "suggestion": problem.suggestion,
    }
