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
class Spare:
    """A check run of ours beside the one that counts; it cannot be deleted, so it has to say the same.

    ``conclusion`` is what it says: None while in progress, empty when nobody knows.
    """

    remote_id: int
    conclusion: str | None


@dataclass(frozen=True)
class Nothing:
    """We looked, and there is nothing of ours."""


@dataclass(frozen=True)
class InDoubt:
    """It may be on GitHub or not: we never looked, or nobody wrote down how the last attempt ended."""


@dataclass(frozen=True)
class Actual:
    """What of ours is there now.

    Attributes:
        labels: all labels of the pull request.
        spares: other check runs of ours on its head.
        surplus: ids of other comments of ours.
    """

    check: Published | None
    comment: Published | None
    labels: frozenset[str]
    spares: tuple[Spare, ...] = ()
    surplus: tuple[int, ...] = ()


@dataclass(frozen=True)
class PutCheck:
    """Create the check, or update the one with ``remote_id``.

    Attributes:
        annotate: whether to send its annotations: GitHub adds those of an update to those that are there.
        replaces: the one whose annotations would stay: a new one of the same name takes its place, and it is a spare.
    """

    check: Check
    remote_id: int | None
    annotate: bool = False
    replaces: int | None = None


@dataclass(frozen=True)
class AlignCheck:
    """Have a spare check run conclude as the check does."""

    check: Check
    remote_id: int


@dataclass(frozen=True)
class PutComment:
    """Create the comment, or edit the one with ``remote_id``."""

    comment: Comment
    remote_id: int | None


@dataclass(frozen=True)
class DeleteComment:
    """Delete a comment of ours that there is another one of."""

    remote_id: int


@dataclass(frozen=True)
class AddLabels:
    """Add these labels in one request."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class RemoveLabel:
    """Take one label away."""

    label: str


_UNKNOWN = ""
"""The conclusion of a check run that nobody has looked at."""

Write = PutCheck | AlignCheck | PutComment | DeleteComment | AddLabels | RemoveLabel


def plan(desired: Desired, actual: Actual, *, may_comment: bool, again: bool = False) -> tuple[Write, ...]:
    """The writes that make ``actual`` into ``desired``, the gate itself first.

    Args:
        desired: what ought to be there.
        actual: what is there.
        may_comment: whether a comment may be written where there is none. False on a fan-out: hundreds of
            comments at once would be noise, and GitHub counts them.
        again: whether somebody asked for the present numbers, so that an unchanged essence is written too.
    """
    return (
        *checks(desired.check, actual, again=again),
        *_relabel(desired, actual),
        *comments(desired.comment, actual, create=may_comment, again=again),
    )


def checks(wanted: Check, actual: Actual, *, again: bool) -> Iterator[PutCheck | AlignCheck]:
    """The writes of a check, and of its spares: whichever of them a rule may look at, they conclude alike."""
    spares = list(actual.spares)
    if differs(wanted, actual.check, create=True, again=again):
        put = put_check(wanted, actual.check)
        yield put
        spares += [] if put.replaces is None else [Spare(put.replaces, _UNKNOWN)]
    yield from (AlignCheck(wanted, one.remote_id) for one in spares if one.conclusion != wanted.conclusion)


def comments(
    wanted: Comment, actual: Actual, *, create: bool, again: bool
) -> Iterator[PutComment | DeleteComment]:
    """The writes of a comment. Others of ours go first: once it is written nobody looks for them any more."""
    yield from (DeleteComment(one) for one in actual.surplus)
    if differs(wanted, actual.comment, create=create, again=again):
        yield PutComment(wanted, actual.comment.remote_id if actual.comment else None)


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
        return PutCheck(check, None, annotate=wanted, replaces=there.remote_id)
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
