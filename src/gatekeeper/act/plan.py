"""Desired against actual: the fewest writes. Pure, so a dry run is the plan printed."""

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.decide.desired import OUR_LABELS, Check, Comment, Desired


@dataclass(frozen=True)
class Published:
    """Something of ours that is on GitHub, by its id there and the essence of what it says."""

    remote_id: int
    essence: str


@dataclass(frozen=True)
class Nothing:
    """We looked, and there is nothing of ours."""


@dataclass(frozen=True)
class InDoubt:
    """It may be on GitHub or not: we never looked, or nobody wrote down how the last attempt ended."""


@dataclass(frozen=True)
class Actual:
    """What of ours is there now; ``labels`` are all labels of the pull request."""

    check: Published | None
    comment: Published | None
    labels: frozenset[str]


@dataclass(frozen=True)
class PutCheck:
    """Create the check, or update the one with ``remote_id``.

    Attributes:
        annotate: whether to send its annotations: GitHub adds those of an update to those that are there.
        anew: whether there is one whose annotations would stay: a new one of the same name takes its place.
    """

    check: Check
    remote_id: int | None
    annotate: bool = False
    anew: bool = False


@dataclass(frozen=True)
class PutComment:
    """Create the comment, or edit the one with ``remote_id``."""

    comment: Comment
    remote_id: int | None


@dataclass(frozen=True)
class AddLabels:
    """Add these labels in one request."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class RemoveLabel:
    """Take one label away."""

    label: str


Write = PutCheck | PutComment | AddLabels | RemoveLabel


def plan(desired: Desired, actual: Actual, *, may_comment: bool, again: bool = False) -> tuple[Write, ...]:
    """The writes that make ``actual`` into ``desired``, the gate itself first.

    Args:
        desired: what ought to be there.
        actual: what is there.
        may_comment: whether a comment may be written where there is none. False on a fan-out: hundreds of
            comments at once would be noise, and GitHub counts them.
        again: whether somebody asked for the present numbers, so that an unchanged essence is written too.
    """
    writes: list[Write] = []
    if differs(desired.check, actual.check, create=True, again=again):
        writes.append(put_check(desired.check, actual.check))
    writes += _relabel(desired, actual)
    if differs(desired.comment, actual.comment, create=may_comment, again=again):
        writes.append(PutComment(desired.comment, actual.comment.remote_id if actual.comment else None))
    return tuple(writes)


def put_check(check: Check, there: Published | None) -> PutCheck:
    """The write of a check, so that in the end just its annotations are there.

    What a check on GitHub was annotated with is the part of its essence after the dot. Without a dot that is not
    known: somebody was cut off between an update and its answer, or the check is one of those that never have any.
    """
    wanted = bool(check.annotations)
    if there is None:
        return PutCheck(check, None, annotate=wanted)
    _, known, before = there.essence.partition(".")
    now = check.essence.partition(".")[2]
    if known and before == now:
        return PutCheck(check, there.remote_id)
    if before or (wanted and not known):
        return PutCheck(check, None, annotate=wanted, anew=True)
    return PutCheck(check, there.remote_id, annotate=wanted)


def _relabel(desired: Desired, actual: Actual) -> Iterator[Write]:
    """Labels by name whatever its case: GitHub keeps one label for all spellings, and shows the repository's own."""
    worn = {label.casefold(): label for label in actual.labels}
    wanted = {label.casefold(): label for label in desired.labels}
    unwanted = {label.casefold() for label in OUR_LABELS | desired.strip} - wanted.keys()
    if missing := wanted.keys() - worn.keys():
        yield AddLabels(tuple(sorted(wanted[label] for label in missing)))
    yield from (RemoveLabel(worn[label]) for label in sorted(unwanted & worn.keys()))


def differs(wanted: Check | Comment, there: Published | None, *, create: bool, again: bool) -> bool:
    """Whether to write it; where nothing is, only if it is needed and something may be created."""
    if there is None:
        return create and wanted.needed
    return again or wanted.essence != there.essence
