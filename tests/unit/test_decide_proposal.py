"""What is said of a proposal: whether it may be merged, who is asked, and that no file puts words into our mouth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.act.plan import Published, PutCheck, put_check
from gatekeeper.decide.desired import OUTPUT_LIMIT, TITLE_LIMIT, Check
from gatekeeper.decide.proposal import judge, strictest
from gatekeeper.decide.study import Approval, Looked, Place, Reviews, Study
from gatekeeper.decide.verdict import Verdict
from gatekeeper.policy.compare import DEFAULTS, Difference, Direction
from gatekeeper.policy.problem import Problem, Severity
from gatekeeper.policy.proposal import Consent, Proposal

HEAD = "0123456789abcdef0123456789abcdef01234567"
PLACE = Place("main", HEAD, required=True)
OWNER = "@acme/product"
MISTAKE = Problem("policies/shop.yaml", 3, 5, "this is wrong", "write that")
WARNING = replace(MISTAKE, severity=Severity.WARNING)
NOBODY = Reviews("dev1")
APPROVED = Reviews("dev1", (Approval("po1", frozenset({OWNER})),))
HOSTILE = "x`|<b>@all</b>\n# [a](http://b.example) #1"


def difference(direction: Direction, **changes: Any) -> Difference:
    return replace(
        Difference("shop", "spec.gate.mode", "enforce", "advise", direction, "it does less"), **changes
    )


LOOSER = (difference(Direction.LOOSER),)
TIGHTER = (difference(Direction.TIGHTER),)


def study(
    differences: tuple[Difference, ...] = (),
    *problems: Problem,
    owners: tuple[str, ...] = (OWNER,),
    looked: Looked | None = None,
) -> Study:
    names = sorted({one.service for one in differences if one.direction is Direction.LOOSER})
    consents = tuple(Consent(name, owners) for name in names)
    proposal = Proposal(differences=differences, problems=problems, consents=consents)
    return Study(proposal, looked or Looked())


@pytest.mark.parametrize(
    ("found", "reviews", "conclusion", "title"),
    [
        pytest.param(study(), NOBODY, "success", "Changes nothing that the policies say", id="nothing"),
        pytest.param(study(TIGHTER), NOBODY, "success", "Tighter: needs no owner's approval", id="tighter"),
        pytest.param(
            study((difference(Direction.NEUTRAL),)), NOBODY, "success", "Neither tighter nor", id="neither"
        ),
        pytest.param(
            study(LOOSER),
            NOBODY,
            "action_required",
            f"shop gets looser: waits for the approval of {OWNER}",
            id="looser",
        ),
        pytest.param(study(LOOSER), APPROVED, "success", "Looser, and approved", id="looser and approved"),
        pytest.param(
            study(LOOSER, owners=("@other",)),
            APPROVED,
            "action_required",
            "waits for the approval of @other",
            id="approved by somebody who owns something else",
        ),
        pytest.param(
            study(LOOSER, owners=()),
            APPROVED,
            "action_required",
            "somebody else who may write here",
            id="no owners, approved by somebody who may not write",
        ),
        pytest.param(
            study(LOOSER, owners=()),
            Reviews("dev1", (Approval("ops1", may_write=True),)),
            "success",
            "Looser, and approved",
            id="no owners, approved by somebody who may write",
        ),
        pytest.param(
            study((*LOOSER, difference(Direction.LOOSER, service=DEFAULTS))),
            Reviews("dev1", (Approval("po1"),)),
            "action_required",
            "The organisation's defaults get looser",
            id="the defaults",
        ),
        pytest.param(
            study(LOOSER, MISTAKE), APPROVED, "failure", "1 mistake in policies/shop.yaml", id="a mistake"
        ),
        pytest.param(study(TIGHTER, WARNING), NOBODY, "success", "Tighter", id="a warning"),
    ],
)
def test_the_check(found: Study, reviews: Reviews, conclusion: str, title: str) -> None:
    check = judge(found, reviews, PLACE).check
    assert check.conclusion == conclusion
    assert title in check.title
    assert check.verdict is (Verdict.ALLOW if conclusion == "success" else Verdict.BLOCK)


@pytest.mark.parametrize(
    ("place", "needed", "title"),
    [
        pytest.param(replace(PLACE, touched=False), True, "No policy file", id="no policy file"),
        pytest.param(replace(PLACE, in_force=False), True, "not read from main", id="another branch"),
        pytest.param(replace(PLACE, touched=False, required=False), False, "No policy", id="not required"),
    ],
)
def test_where_nothing_is_at_stake_it_is_skipped(place: Place, needed: bool, title: str) -> None:  # noqa: FBT001 (a column)
    judged = judge(study(LOOSER), NOBODY, place)
    assert (judged.check.conclusion, judged.check.needed) == ("skipped", needed)
    assert title in judged.check.title
    assert not judged.comment.needed


@pytest.mark.parametrize(
    ("found", "reviews", "place", "said"),
    [
        pytest.param(study(LOOSER), NOBODY, PLACE, "not by `dev1`, who proposes it", id="not the author"),
        pytest.param(
            study(LOOSER),
            replace(NOBODY, outdated=("po1",)),
            PLACE,
            "`po1` approved an earlier",
            id="too early",
        ),
        pytest.param(
            study(LOOSER),
            replace(NOBODY, elsewhere=("po1",)),
            PLACE,
            "`po1` approved this on its way to another branch",
            id="for another branch",
        ),
        pytest.param(
            study(LOOSER, owners=()),
            Reviews("dev1", (Approval("ops1", may_write=True),)),
            PLACE,
            "`ops1` approved it, who may write to this repository",
            id="nobody owns it",
        ),
        pytest.param(
            study(LOOSER),
            replace(NOBODY, unread=("forbidden",)),
            PLACE,
            "cannot be told: forbidden",
            id="unread",
        ),
        pytest.param(
            study(LOOSER), NOBODY, replace(PLACE, required=False), "No ruleset requires", id="not required"
        ),
        pytest.param(study(LOOSER, MISTAKE), NOBODY, PLACE, "last good version would", id="what would be"),
        pytest.param(
            study(TIGHTER, looked=Looked(notes=("no answer",))),
            NOBODY,
            PLACE,
            "ℹ️ no answer",
            id="not looked at",
        ),
        pytest.param(
            study(TIGHTER, looked=Looked(headline="Would freeze", effect="#### What")),
            NOBODY,
            PLACE,
            "### 🟢 Would freeze",
            id="the effect",
        ),
    ],
)
def test_what_is_said_beside(found: Study, reviews: Reviews, place: Place, said: str) -> None:
    judged = judge(found, reviews, place)
    assert said in judged.check.summary
    assert said in judged.comment.body


def test_no_file_puts_words_into_our_mouth() -> None:
    hostile = difference(
        Direction.LOOSER, service="shop", key=HOSTILE, before=HOSTILE, after=HOSTILE, why=HOSTILE
    )
    found = study(
        (hostile,),
        Problem(HOSTILE, 1, 1, HOSTILE, HOSTILE),
        owners=(HOSTILE,),
        looked=Looked(notes=(HOSTILE,)),
    )
    judged = judge(
        found,
        Reviews(HOSTILE, outdated=(HOSTILE,), elsewhere=(HOSTILE,), unread=(HOSTILE,)),
        replace(PLACE, branch=HOSTILE),
    )
    for line in judged.comment.body.splitlines():
        assert not line.startswith("# [a]")
        outside = "".join(part for at, part in enumerate(line.split("``")) if at % 2 == 0)
        assert "<b>" not in outside.replace("&lt;b&gt;", "")
        assert "@all" not in outside
    rows = [line for line in judged.comment.body.splitlines() if line.startswith("| `shop`")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 7


def test_githubs_limits_hold_for_the_longest_texts() -> None:
    many = tuple(difference(Direction.LOOSER, service=f"service-{at}", before="ä" * 500) for at in range(300))
    problems = [replace(MISTAKE, line=at, message="ö" * 900) for at in range(1, 400)]
    for found in (study(many, owners=(OWNER * 9,)), study(many, *problems)):
        judged = judge(found, NOBODY, PLACE)
        assert len(judged.check.title) <= TITLE_LIMIT
        assert len(judged.check.summary.encode()) <= OUTPUT_LIMIT
        assert len(judged.comment.body.encode()) <= OUTPUT_LIMIT


@pytest.mark.parametrize(
    "touched", [True, False], ids=["policies are changed", "none is, as far as one sees"]
)
def test_nothing_passes_with_conflicts_since_nobody_knows_what_a_merge_leaves(*, touched: bool) -> None:
    place = replace(PLACE, touched=touched, conflicts=True)
    check = judge(Study(), Reviews("dora"), place).check
    assert (check.conclusion, check.verdict) == ("action_required", Verdict.BLOCK)
    assert check.title == "Conflicts with main: what a merge would do to policies is not known"
    assert judge(Study(), Reviews("dora"), replace(place, in_force=False)).check.conclusion == "skipped"


def test_of_pull_requests_that_share_a_commit_the_strictest_is_shown_whoever_looks() -> None:
    loose, harmless = (
        judge(study(LOOSER), NOBODY, PLACE),
        judge(study(), NOBODY, replace(PLACE, touched=False)),
    )
    assert strictest(harmless, [(1, loose.check)], 2).check == loose.check
    assert strictest(loose, [(2, harmless.check)], 1).check == loose.check
    assert strictest(harmless, [(1, loose.check)], 2).comment == harmless.comment


def check_with(*problems: Problem) -> Check:
    return judge(study(TIGHTER, *problems), NOBODY, PLACE).check


NONE, ONE, OTHER = check_with(), check_with(WARNING), check_with(replace(WARNING, line=9))


@pytest.mark.parametrize(
    ("wanted", "there", "write"),
    [
        pytest.param(NONE, None, PutCheck(NONE, None), id="the first, without annotations"),
        pytest.param(ONE, None, PutCheck(ONE, None, annotate=True), id="the first, with annotations"),
        pytest.param(ONE, ONE.essence, PutCheck(ONE, 7), id="the same ones: they are not sent again"),
        pytest.param(ONE, NONE.essence, PutCheck(ONE, 7, annotate=True), id="none were there"),
        pytest.param(
            OTHER,
            ONE.essence,
            PutCheck(OTHER, None, annotate=True, replaces=7),
            id="others, which would stay",
        ),
        pytest.param(NONE, ONE.essence, PutCheck(NONE, None, replaces=7), id="none any more"),
        pytest.param(
            ONE,
            "",
            PutCheck(ONE, None, annotate=True, replaces=7),
            id="nobody knows what is there, after a kill",
        ),
        pytest.param(NONE, "", PutCheck(NONE, 7), id="nobody knows, and none are wanted"),
    ],
)
def test_annotations_are_there_once(wanted: Check, there: str | None, write: PutCheck) -> None:
    assert put_check(wanted, None if there is None else Published(7, there)) == write
