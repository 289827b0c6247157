"""What somebody has to look at: parked work, sources that fail, policies with mistakes, a half set up server. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatekeeper.decide import phrases
from gatekeeper.decide.evaluate import opened
from gatekeeper.diagnose.examine import missing
from gatekeeper.events.keys import Kind
from gatekeeper.settings import Settings
from gatekeeper.store.catalog import Source
from gatekeeper.store.work import Parked
from gatekeeper.web.audits import ADVICE, lines
from gatekeeper.web.standing import Standing

NAMES = {
    Kind.PULL: "Pull request",
    Kind.POLICIES: "Policies of",
    Kind.SERVICE: "Service",
    Kind.AUDIT: "Audit of",
    Kind.DEPLOYMENTS: "Deployments of",
}
WHAT_NEXT = {
    Kind.PULL: "Once that is mended: /gatekeeper recheck in a comment there.",
    Kind.POLICIES: "Tried again with the next push to the policy files.",
    Kind.SERVICE: "Tried again with the next refresh.",
    Kind.AUDIT: "Tried again within ten minutes.",
}


@dataclass(frozen=True)
class Notice:
    """One thing to look at: what, what is known of it, and what to do."""

    subject: str
    text: str
    advice: str = ""


def notices(
    services: Sequence[Standing], parked: Sequence[Parked], sources: Sequence[Source], settings: Settings
) -> tuple[Notice, ...]:
    """Everything to look at, what stops everything first."""
    return (
        *_half_set_up(settings),
        *_opened(services),
        *_failing(services),
        *_drifted(services),
        *(_parked(one) for one in parked),
        *(_mistaken(one) for one in sources if one.problems),
    )


def _half_set_up(settings: Settings) -> Iterator[Notice]:
    for names, consequence in missing(settings):
        how = "/setup registers the App; " if settings.github_app_id is None else ""
        yield Notice(
            "Settings", f"{names} not set: {consequence}", f"{how}gatekeeper doctor says what to do."
        )


def _opened(services: Iterable[Standing]) -> Iterator[Notice]:
    for seen in services:
        one = seen.view.opening
        if one is not None and opened(seen.view, seen.now):
            text = f"open to every change until {phrases.instant(one.until)}, by @{one.actor}: {one.reason}"
            ends = f"/gatekeeper close {seen.service.name} in a comment on a pull request ends that."
            yield Notice(seen.service.key, text, ends)


def _failing(services: Iterable[Standing]) -> Iterator[Notice]:
    for seen in services:
        for objective, ledger in sorted(seen.ledgers.items()):
            if ledger.error is not None:
                since = f" since {phrases.instant(ledger.error_since)}" if ledger.error_since else ""
                yield Notice(
                    f"{seen.service.key}, {objective}",
                    f"its source fails{since}: {ledger.error}",
                    "The gate holds its state until it answers again.",
                )


def _drifted(services: Iterable[Standing]) -> Iterator[Notice]:
    for seen in services:
        for objective in seen.service.objectives:
            for line in lines(seen.audits[objective.name], objective):
                if line.drifted:
                    yield Notice(f"{seen.service.key}, {objective.name}", line.text, ADVICE)


def _parked(work: Parked) -> Notice:
    attempts = f"{work.attempts} attempt{'s' if work.attempts > 1 else ''}"
    text = f"given up at {phrases.instant(work.since)} after {attempts}: {work.error}"
    return Notice(
        f"{NAMES.get(work.key.kind, work.key.kind)} {work.key.subject}",
        text,
        WHAT_NEXT.get(work.key.kind, ""),
    )


def _mistaken(source: Source) -> Notice:
    count = len(source.problems)
    text = f"{count} problem{'s' if count > 1 else ''} in its policy files: {source.problems[0]}"
    return Notice(source.repository, text, "See Policies.")
