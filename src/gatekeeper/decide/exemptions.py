"""Exemptions that have to be shown: who set an exempting label (docs/adr/0010), what a revert does (docs/adr/0011)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from gatekeeper.decide.markdown import code, listed, prose
from gatekeeper.decide.snapshot import ExemptLabel, Pull, Revert, ServiceView, Snapshot
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.revert import differing, takes_back


@dataclass(frozen=True)
class LabelRuling:
    """What an exempting label comes to at one gate: it counts, or not and ``why`` (Markdown)."""

    label: str
    actor: str
    counts: bool
    why: str = ""


def label_rulings(view: ServiceView, snapshot: Snapshot) -> tuple[LabelRuling, ...]:
    """Rulings on the exempting labels of this gate, by label. Of one that nobody stands behind yet there is none."""
    gate = view.service.gate
    exempting = {label.casefold() for label in gate.exempt.labels}  # GitHub ignores the case of labels
    worn = {label.casefold() for label in snapshot.pull.labels} & exempting
    found = [_judge(one, gate) for one in snapshot.exempting if one.label.casefold() in worn]
    return tuple(sorted(found, key=lambda ruling: ruling.label))


def unentitled(rulings: Iterable[LabelRuling]) -> tuple[LabelRuling, ...]:
    """One refusal a label, with the objection of every service: a label cannot be half removed."""
    by_label: dict[str, list[LabelRuling]] = {}
    for ruling in rulings:
        by_label.setdefault(ruling.label, []).append(ruling)
    return tuple(
        replace(group[0], why="; ".join(sorted({ruling.why for ruling in group})))
        for _, group in sorted(by_label.items())
    )


@dataclass(frozen=True)
class RevertRuling:
    """What a revert comes to: it takes back ``number`` and nothing else, or not and ``why`` (Markdown)."""

    number: int
    counts: bool
    why: str = ""


def revert_ruling(view: ServiceView, snapshot: Snapshot) -> RevertRuling | None:
    """The ruling on what the change says that it takes back, the best of several; None where it says nothing."""
    if not view.service.gate.exempt.reverts:
        return None
    rulings = [_judge_revert(one, snapshot.pull) for one in snapshot.reverts]
    return next((one for one in rulings if one.counts), rulings[0] if rulings else None)


def _judge_revert(one: Revert, pull: Pull) -> RevertRuling:
    why = _no_revert(one, pull)
    return RevertRuling(one.number, counts=not why, why=why)


def _no_revert(one: Revert, pull: Pull) -> str:
    name = code(f"#{one.number}")
    if one.problem:
        return f"it cannot be compared with {name}: {prose(one.problem)}"
    if one.base_ref != pull.base_ref:
        return f"{name} went to another branch, {code(one.base_ref)}"
    if one.again:
        return f"{name} took back a change itself, which this would bring in again"
    if takes_back(one.here, one.there):
        return ""
    differ = listed(differing(one.here, one.there), ", ", most=3)
    return (
        f"it is not the exact inverse of {name}: {differ} would not be as before it"
        if differ
        else (f"neither it nor {name} changes anything")
    )


def on_trust(snapshot: Snapshot) -> Snapshot:
    """The same, with each exempting label counting that nobody has looked into."""
    return replace(
        snapshot, exempting=trusted(snapshot.pull, snapshot.exempting, snapshot.services, snapshot.now)
    )


def trusted(
    pull: Pull, exempting: tuple[ExemptLabel, ...], views: Iterable[ServiceView], now: datetime
) -> tuple[ExemptLabel, ...]:
    """A pull request's exempting labels, with those of these gates that nobody has looked into counting."""
    known = {one.label.casefold() for one in exempting}
    worn = {label.casefold() for label in pull.labels} - known
    named = {label for view in views for label in view.service.gate.exempt.labels}
    unseen = tuple(
        ExemptLabel(label, "", human=True, labeled_at=now, trusted=True)
        for label in sorted(named)
        if label.casefold() in worn
    )
    return (*exempting, *unseen)


def _judge(one: ExemptLabel, gate: Gate) -> LabelRuling:
    why = "" if one.trusted else _objection(one, gate)
    return LabelRuling(one.label, one.actor, counts=not why, why=why)


def _objection(one: ExemptLabel, gate: Gate) -> str:
    who = code(f"@{one.actor}") if one.actor else "whoever applied it"
    teams = gate.override.teams
    if not one.human:
        return f"{who} is a bot, and only people can say what kind of change this is"
    if teams and not set(teams) & set(one.teams):
        return f"{who} is not an active member of {listed(teams, ' or ')}"
    if not teams and not one.writes:
        return f"{who} may not write to this repository"
    return ""
