"""What is said of a pull request that edits policy files: whether it may be merged, and what it would do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gatekeeper.decide import proposal_texts as texts
from gatekeeper.decide.desired import OUTPUT_LIMIT, TITLE_LIMIT, Action, Check, Comment, digest
from gatekeeper.decide.markdown import clip, fit
from gatekeeper.decide.study import Place, Reviews, Study, lacking
from gatekeeper.decide.verdict import Verdict
from gatekeeper.policy.problem import Problem

CHECK_NAME = "gatekeeper/policy"
MARKER = "<!-- gatekeeper/policy -->"
BUTTONS = (Action("Re-evaluate", "Read the files and the reviews again", "recheck"),)
COMMENT_LIMIT = 65_000  # bytes, below GitHub's 65,536 characters, with room for the signature


@dataclass(frozen=True)
class Judged:
    """The check and the comment that ought to be there."""

    check: Check
    comment: Comment


def judge(study: Study, reviews: Reviews, place: Place) -> Judged:
    """What ought to be said: mistakes block, and a loosening that no owner has approved on the newest commit."""
    if not place.in_force or not (place.touched or place.conflicts):
        return _beside(place)
    missing = lacking(study, reviews)
    conclusion: Literal["failure", "action_required", "success"]
    if study.mistakes:
        conclusion, title = "failure", texts.mistaken(study.mistakes)
    elif missing:
        conclusion, title = "action_required", texts.waiting(missing)
    elif place.conflicts:
        conclusion, title = "action_required", texts.conflicting(place.branch)
    else:
        conclusion, title = "success", texts.passed(study.differences, study.consents, study.looked.headline)
    parts = [
        *texts.verdict(conclusion, missing, study, reviews, place.head_sha),
        *(texts.unmerged(place.branch) if place.conflicts else ()),
        *texts.problems(study.problems),
        *texts.changes(study.differences),
        *([study.looked.effect] if study.looked.effect else []),
        *texts.notes(study.looked.notes, place.branch, required=place.required),
    ]
    essence = digest([conclusion, title, parts])
    check = Check(
        conclusion=conclusion,
        title=clip(title, TITLE_LIMIT),
        summary=fit(parts, OUTPUT_LIMIT),
        text="",
        essence=f"{essence}.{_annotated(study.problems)}",
        verdict=Verdict.ALLOW if conclusion == "success" else Verdict.BLOCK,
        annotations=study.problems,
    )
    comment = Comment(fit([MARKER, *parts], COMMENT_LIMIT), essence, needed=bool(study.differences))
    return Judged(check, comment)


def strictest(judged: Judged, rivals: Iterable[tuple[int, Check]], number: int) -> Judged:
    """A check belongs to a commit: of the pull requests that share one, the strictest is shown.

    Else one to a branch where nothing is at stake would pass for the one that loosens a gate. Of equally strict
    ones the lowest number's, whoever looks.
    """
    checks = [(judged.check, number), *((check, other) for other, check in rivals)]
    check, _ = max(checks, key=lambda one: (one[0].verdict, one[0].needed, -one[1]))
    return Judged(check, judged.comment)


def _beside(place: Place) -> Judged:
    """Nothing to judge: said only where the branch waits for it, or where something else was said before."""
    if place.touched:
        title = f"Policies are not read from {place.branch}"
        summary = texts.elsewhere(place.branch)
    else:
        title, summary = "No policy file is changed", "This pull request changes nothing under `policies/`."
    essence = digest([title])
    check = Check(
        conclusion="skipped",
        title=clip(title, TITLE_LIMIT),
        summary=summary,
        text="",
        essence=f"{essence}.",
        verdict=Verdict.ALLOW,
        needed=place.required,
    )
    return Judged(check, Comment(f"{MARKER}\n\n{summary}", essence, needed=False))


def _annotated(problems: Sequence[Problem]) -> str:
    """Tells one set of annotations from another; empty without any."""
    return digest([str(one) for one in problems]) if problems else ""
