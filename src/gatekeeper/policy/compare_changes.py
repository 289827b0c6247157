"""Whether what a policy says of the changes that meet its gate still covers all that met it before."""

from gatekeeper.policy.model import Change, Service
from gatekeeper.policy.strictness import Judgement, excludes, including, looser, neutral, tighter


def changes(before: Service, after: Service) -> Judgement | None:
    """What other ``changes`` do to the gate, or None where they say the same.

    An entry counts as covered where one other entry is shown to cover it; what several would cover together does not.
    """
    old, new = _normal(before), _normal(after)
    if old == new:
        return None
    if not all(any(_covers(wide, one) for wide in new) for one in old):
        return looser("changes that meet the gate now may not meet it any more")
    if not all(any(_covers(wide, one) for wide in old) for one in new):
        return tighter("more changes meet the gate")
    return neutral("the same changes meet the gate")


def overlap(one: Service, other: Service) -> bool:
    """Whether some change is shown to meet both gates: an entry of one covers an entry of the other."""
    return any(
        _covers(wide, narrow) or _covers(narrow, wide) for wide in _normal(one) for narrow in _normal(other)
    )


def _normal(service: Service) -> tuple[Change, ...]:
    """The changes with the repository that is meant: the policy file's own where none is said."""
    own = service.origin.repository
    return tuple(
        one.model_copy(update={"repository": (one.repository or own).casefold()}) for one in service.changes
    )


def _covers(wide: Change, narrow: Change) -> bool:
    """Whether all that one entry matches, the other matches too; False where that cannot be shown."""
    return (
        wide.repository == narrow.repository
        and _covers_branches(wide.branches, narrow.branches)
        and _covers_paths(wide.paths, narrow.paths)
    )


def _covers_branches(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    # No branches means the default one, which no file names.
    return wide == narrow or "**" in wide or (bool(narrow) and set(narrow) <= set(wide))


def _covers_paths(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    if wide == narrow:
        return True
    # Whatever a list with exclusions matches, it matches without them.
    return not excludes(wide) and ("**" in wide or including(narrow) <= including(wide))
