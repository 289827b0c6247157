"""``gatekeeper check``, ``explain`` and ``replay``."""

import difflib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from gatekeeper.bootstrap import Gatekeeper, build
from gatekeeper.cli.exits import Code, errors, readable_errors
from gatekeeper.decide.change import check_of, judge
from gatekeeper.decide.desired import Check, desire
from gatekeeper.decide.evaluate import Decision, decide
from gatekeeper.decide.snapshot import Closed, Snapshot
from gatekeeper.decide.verdict import Verdict
from gatekeeper.errors import ConfigurationError, NotFoundError
from gatekeeper.settings import Settings
from gatekeeper.store.decisions import DECISION, Stored
from gatekeeper.web.views import VERDICTS, decision_detail, objective_reports, rulings

WIDE = 128
"""Columns that the tables of numbers need; a log or a file has room for them."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Identity = Annotated[str, typer.Argument(metavar="ID", help="A decision's id, as in the link of a check.")]

_PULL = re.compile(r"([\w.-]+/[\w.-]+)#([1-9]\d{0,17})", re.ASCII)


def check(
    pull: Annotated[str, typer.Argument(metavar="OWNER/REPO#N", help="The pull request.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Decide on a pull request as it is now and print why. Nothing is written on GitHub.

    Exits with 0 when it may go on, 1 when it is blocked, 2 when the command or the configuration is wrong,
    3 when the evidence is unknown. Policies and availability are those that `gatekeeper serve` or `worker` keeps
    in the database.
    """
    with readable_errors(), opened() as gatekeeper:
        snapshot = _observed(gatekeeper, pull)
        decision = decide(snapshot)
    text = desire(snapshot, decision).check
    code = exit_code(decision)
    if as_json:
        typer.echo(json.dumps(_told(pull, snapshot, decision, text, code), indent=2))
    else:
        _print(text)
    raise typer.Exit(code)


def explain(identity: Identity, *, as_json: AsJson = False) -> None:
    """Print a stored decision: verdict, reasons, every number."""
    stored = _found(identity)
    if as_json:
        typer.echo(decision_detail(stored).model_dump_json(indent=2))
        return
    typer.echo(f"{stored.subject}: {VERDICTS[stored.decision.verdict]}")
    _print(check_of(stored.snapshot, stored.decision))


def replay(identity: Identity) -> None:
    """Derive a stored decision again from its stored input.

    Exits with 0 when the two are the same to the bit, and 1 when they are not; then the difference is shown:
    another version decided by other rules.
    """
    stored = _found(identity)
    again = DECISION.text(judge(stored.snapshot))
    if again == stored.decision_text:
        typer.echo(
            f"{stored.id}: the same to the bit ({stored.subject}, {VERDICTS[stored.decision.verdict]})"
        )
        return
    difference = difflib.unified_diff(
        _lines(stored.decision_text), _lines(again), "stored", "derived now", lineterm=""
    )
    typer.echo("\n".join(difference))
    raise typer.Exit(Code.NO)


def exit_code(decision: Decision) -> Code:
    """What a script is told of a decision."""
    if decision.verdict is Verdict.BLOCK:
        return Code.NO
    return Code.UNKNOWN if any(one.undecided for one in decision.rulings) else Code.OK


@contextmanager
def opened() -> Iterator[Gatekeeper]:
    """Gatekeeper on the configured database."""
    gatekeeper = build(Settings.from_env())
    try:
        yield gatekeeper
    finally:
        gatekeeper.close()


def _observed(gatekeeper: Gatekeeper, pull: str) -> Snapshot:
    named = _PULL.fullmatch(pull)
    if named is None:
        raise ConfigurationError(f"{pull!r} names no pull request; write OWNER/REPO#NUMBER")
    if gatekeeper.observer is None:
        raise ConfigurationError(
            "set GATEKEEPER_GITHUB_APP_ID and GATEKEEPER_GITHUB_PRIVATE_KEY (or GATEKEEPER_GITHUB_TOKEN)"
        )
    repository, number = named[1], int(named[2])
    if not gatekeeper.stores.catalog.is_known(repository):
        errors.print(
            f"The policies of {repository} were not read yet: run `gatekeeper serve` or `worker` on this database."
        )
        raise typer.Exit(Code.UNKNOWN)
    seen = gatekeeper.observer.observe(repository, number, gatekeeper.clock())
    if isinstance(seen, Closed):
        raise NotFoundError(f"{pull} is closed, or there is no such pull request")
    return seen.snapshot


def _found(identity: str) -> Stored:
    with readable_errors(), opened() as gatekeeper:
        stored = gatekeeper.stores.decisions.find(identity)
        if stored is None:
            raise NotFoundError(f"there is no decision {identity} in this database")
    return stored


def _print(text: Check) -> None:
    console = Console(emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    console.print(text.title, style="bold", markup=False, highlight=False)
    for part in (text.summary, text.text):
        if part:
            console.print(Markdown(part, hyperlinks=False))


def _told(pull: str, snapshot: Snapshot, decision: Decision, text: Check, code: Code) -> dict[str, object]:
    return {
        "pull_request": pull,
        "head_sha": snapshot.pull.head_sha,
        "verdict": VERDICTS[decision.verdict],
        "exit_code": int(code),
        "title": text.title,
        "conclusion": text.conclusion,
        "rulings": [one.model_dump(mode="json") for one in rulings(snapshot, decision)],
        "services": {
            view.service.key: [report.model_dump(mode="json") for report in objective_reports(view)]
            for view in snapshot.services
        },
        "policy_problems": list(snapshot.policy_problems),
    }


def _lines(canonical: str) -> list[str]:
    return json.dumps(json.loads(canonical), indent=2, ensure_ascii=False).splitlines()
