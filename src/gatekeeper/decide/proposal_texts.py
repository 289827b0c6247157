"""The sentences about a policy's proposal (Markdown where not said otherwise)."""

from collections.abc import Iterator, Sequence

from gatekeeper.decide.markdown import code, listed, prose, table
from gatekeeper.decide.study import Reviews, Study
from gatekeeper.policy.compare import DEFAULTS, Difference, Direction
from gatekeeper.policy.problem import Problem, Severity
from gatekeeper.policy.proposal import Consent

MOST_ROWS = 40
MOST_PROBLEMS = 50
_ARROWS = {Direction.LOOSER: "🔓 looser", Direction.TIGHTER: "🔒 tighter", Direction.NEUTRAL: "neither"}
_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️"}


def mistaken(mistakes: Sequence[Problem]) -> str:
    """A title (plain text): how many mistakes there are, and where."""
    paths = sorted({one.path for one in mistakes})
    where = paths[0] if len(paths) == 1 else f"{len(paths)} policy files"
    return f"{_many(len(mistakes), 'mistake')} in {where}"


def waiting(missing: Sequence[Consent]) -> str:
    """A title (plain text): what is loosened, and who has to approve it."""
    first, *others = missing
    who = " or ".join(first.owners) if first.owners else "somebody else who may write here"
    more = f" (and {_many(len(others), 'more service')})" if others else ""
    return f"{_subject(first.service)} looser: waits for the approval of {who}{more}"


def passed(differences: Sequence[Difference], consents: Sequence[Consent], headline: str) -> str:
    """A title (plain text): what a proposal does to which nobody has to say anything more."""
    if consents:
        what = "Looser, and approved" + (" by an owner" if all(one.owners for one in consents) else "")
    elif any(one.direction is Direction.TIGHTER for one in differences):
        what = "Tighter: needs no owner's approval"
    elif differences:
        what = "Neither tighter nor looser"
    else:
        what = "Changes nothing that the policies say"
    return f"{what}. {headline}" if headline else what


def conflicting(branch: str) -> str:
    """A title (plain text): nothing can be said of a merge that is none."""
    return f"Conflicts with {branch}: what a merge would do to policies is not known"


def unmerged(branch: str) -> Iterator[str]:
    """Why nothing passes that has conflicts, and what to do."""
    yield (
        f"⚠️ This has conflicts with {code(branch)}. What a merge would leave of the policy files is known, and judged, "
        "once they are resolved: by the next push, or by *Re-evaluate*."
    )


def verdict(
    conclusion: str, missing: Sequence[Consent], study: Study, reviews: Reviews, head_sha: str
) -> Iterator[str]:
    """What stands in the way and who can take it out of the way; or that nothing does."""
    icons = {"failure": "🔴", "action_required": "🔏", "success": "🟢"}
    lead = study.looked.headline or (
        "What this changes in the policies" if study.differences else "Policy files"
    )
    yield f"### {icons[conclusion]} {prose(lead)}"
    if study.mistakes:
        yield (
            "The files as they are here cannot be put in force. If this were merged, **the last good version would "
            "stay in force**."
        )
    for consent in study.consents:
        yield _consent(consent, reviews, head_sha, given=consent not in missing)
    if missing and reviews.outdated:
        yield (
            f"An approval counts for the commit it was given on: {listed(reviews.outdated, ', ')} approved an "
            "earlier one."
        )
    if missing and reviews.elsewhere:
        yield (
            f"{listed(reviews.elsewhere, ', ')} approved this on its way to another branch. What it changes here may "
            "be something else, so that has to be approved again."
        )
    yield from (f"⚠️ Who may approve cannot be told: {prose(one)}" for one in reviews.unread)


def problems(found: Sequence[Problem]) -> Iterator[str]:
    """Each mistake and warning with its place."""
    if not found:
        return
    lines = [
        f"- {_SIGNS[one.severity]} {code(f'{one.path}:{one.line}:{one.column}')} {prose(one.message, 500)}"
        + (f": *{prose(one.suggestion, 300)}*" if one.suggestion else "")
        for one in found[:MOST_PROBLEMS]
    ]
    if len(found) > MOST_PROBLEMS:
        lines.append(f"- and {len(found) - MOST_PROBLEMS} more, on their lines")
    yield "\n".join(lines)


def changes(differences: Sequence[Difference]) -> Iterator[str]:
    """What changes, key by key, what loosens first."""
    if not differences:
        return
    order = [Direction.LOOSER, Direction.TIGHTER, Direction.NEUTRAL]
    ranked = sorted(differences, key=lambda one: (order.index(one.direction), one.service, one.key))
    rows = [
        (
            code(one.service),
            code(one.key),
            code(one.before, 80) if one.before else "",
            code(one.after, 80) if one.after else "",
            _ARROWS[one.direction],
            prose(one.why),
        )
        for one in ranked[:MOST_ROWS]
    ]
    shown = table(("Service", "Key", "Now", "Proposed", "", "Why"), rows)
    more = len(ranked) - MOST_ROWS
    yield f"#### What changes\n\n{shown}" + (f"\n\nand {more} more" if more > 0 else "")


def notes(said: Sequence[str], branch: str, *, required: bool) -> Iterator[str]:
    """What could not be looked at, and what this check cannot do by itself."""
    yield from (f"ℹ️ {prose(one, 500)}" for one in said)
    if not required:
        yield (
            f"ℹ️ No ruleset requires the check `gatekeeper/policy` on {code(branch)}: GitHub would let this be merged "
            "whatever it says. Until then the policies in force are those of that branch."
        )


def elsewhere(branch: str) -> str:
    """Why a pull request to another branch changes no policy."""
    return (
        f"Policies are read from the default branch. What this changes under `policies/` on {code(branch)} "
        "takes effect, and is looked at, when it is on its way there."
    )


def _consent(consent: Consent, reviews: Reviews, head_sha: str, *, given: bool) -> str:
    name = _subject(consent.service)
    if given:
        by = [one.by for one in reviews.approvals if one.satisfies(consent)]
        whose = " for its owners" if consent.owners else ", who may write to this repository"
        return f"✅ {prose(name)} looser, and {listed(by, ', ')} approved it{whose}."
    owners = listed(consent.owners, " or ")
    who = f"an owner: {owners}" if consent.owners else "anybody else who may write to this repository"
    hint = (
        "" if consent.owners else " The policy in force names no owners: `metadata.owners` says who they are."
    )
    return (
        f"🔏 {prose(name)} looser. That needs an **approving review** of commit {code(head_sha[:7])} by {who}; "
        f"not by {code(reviews.author)}, who proposes it.{hint}"
    )


def _subject(service: str) -> str:
    return "The organisation's defaults get" if service == DEFAULTS else f"{service} gets"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
