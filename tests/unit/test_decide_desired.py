import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from markdown_it import MarkdownIt

from builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    TEAM,
    a_forecast,
    a_gate,
    a_request,
    a_service,
    a_snapshot,
    a_view,
    an_incident,
    an_objective,
    evidence,
    measured,
    unmeasured,
)
from gatekeeper.decide.desired import COMMENT_LIMIT, MARKER, OUTPUT_LIMIT, TITLE_LIMIT, Desired, desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.gate_state import step
from gatekeeper.decide.snapshot import Refusal, ServiceView, Snapshot
from gatekeeper.decide.verdict import Doubt, Gap, Owed, State, Verdict
from gatekeeper.policy.gate import Gate
from gatekeeper.policy.objective import ByTimeslices, CalendarWindow, Timeslices

GITHUB = MarkdownIt("gfm-like", {"html": True}).disable("linkify")
NOBODY = a_gate(override={"teams": []})
EXEMPTING = a_gate(exempt={"labels": ["security"]})
LEFT = {State.OPEN: 0.9, State.CAUTION: 0.2, State.PROBATION: 0.12, State.FROZEN: -0.3}
GAP = Gap("availability", Doubt.STALE, "the newest data are from 2026-11-22 11:00 UTC")


BACKFILL = Gap("availability", Doubt.BACKFILLING, "40 % of the history read")


def desired(snapshot: Snapshot, *, explained: bool = False) -> Desired:
    return desire(snapshot, decide(snapshot), explained=explained)


def view(
    state: State,
    *,
    gate: Gate | None = None,
    name: str = "checkout",
    unknown: timedelta | None = None,
    **values: Any,
) -> ServiceView:
    memory = {"unknown_since": NOW - unknown, "gaps": (GAP,)} if unknown is not None else {}
    return a_view(state, LEFT[state], service=a_service(name, gate=gate), memory=memory, **values)


@pytest.mark.parametrize(
    ("snapshot", "conclusion"),
    [
        pytest.param(a_snapshot(view(State.OPEN)), "success", id="budget fine"),
        pytest.param(a_snapshot(view(State.CAUTION)), "success", id="a warning that budget runs low"),
        pytest.param(a_snapshot(view(State.PROBATION)), "success", id="one at a time"),
        pytest.param(
            a_snapshot(view(State.FROZEN, gate=NOBODY)), "failure", id="frozen, nobody can override"
        ),
        pytest.param(a_snapshot(view(State.FROZEN)), "action_required", id="frozen, override possible"),
        pytest.param(
            a_snapshot(view(State.FROZEN), view(State.FROZEN, gate=NOBODY, name="payments")),
            "failure",
            id="two frozen, one of them without a way out",
        ),
        pytest.param(
            a_snapshot(view(State.FROZEN), requests=(a_request(),)), "success", id="a valid override"
        ),
        pytest.param(
            a_snapshot(view(State.FROZEN), requests=(a_request(teams=()),)),
            "action_required",
            id="a refused override",
        ),
        pytest.param(
            a_snapshot(view(State.FROZEN, gate=EXEMPTING), labels=("security",)), "success", id="an exemption"
        ),
        pytest.param(a_snapshot(view(State.FROZEN, gate=a_gate(mode="advise"))), "neutral", id="advice only"),
        pytest.param(
            a_snapshot(view(State.FROZEN, gate=a_gate(mode="advise")), view(State.CAUTION, name="payments")),
            "neutral",
            id="advice beside caution",
        ),
        pytest.param(
            a_snapshot(view(State.FROZEN, gate=a_gate(mode="observe"))), "success", id="observed only"
        ),
        pytest.param(a_snapshot(view(State.OPEN, unknown=HOUR / 2)), "neutral", id="unknown, held"),
        pytest.param(a_snapshot(view(State.OPEN, unknown=2 * HOUR)), "neutral", id="unknown, open"),
        pytest.param(
            a_snapshot(view(State.OPEN, unknown=2 * HOUR, gate=a_gate(unknown={"then": "block"}))),
            "action_required",
            id="unknown, closed",
        ),
        pytest.param(a_snapshot(view(State.FROZEN, unknown=2 * HOUR)), "action_required", id="frozen, held"),
        pytest.param(a_snapshot(), "skipped", id="no policy covers the change"),
        pytest.param(
            a_snapshot(policy_problems=("policies/a.yml:3:1: what is this",)),
            "neutral",
            id="no policy covers the change, and one is broken",
        ),
    ],
)
def test_the_conclusion(snapshot: Snapshot, conclusion: str) -> None:
    assert desired(snapshot).check.conclusion == conclusion


@pytest.mark.parametrize(
    ("snapshot", "needed"),
    [
        pytest.param(a_snapshot(), False, id="no check where nothing is touched"),
        pytest.param(
            a_snapshot(check_required=True), True, id="but one that is required must not wait for ever"
        ),
        pytest.param(a_snapshot(policy_problems=("a",)), True, id="nor may a broken policy go unseen"),
        pytest.param(a_snapshot(view(State.OPEN)), True, id="a touched service is told"),
    ],
)
def test_a_check_is_needed(snapshot: Snapshot, needed: bool) -> None:  # noqa: FBT001 (a table)
    assert desired(snapshot).check.needed is needed


@pytest.mark.parametrize(
    ("snapshot", "labels"),
    [
        pytest.param(a_snapshot(view(State.OPEN)), set(), id="open"),
        pytest.param(a_snapshot(view(State.CAUTION)), {"slo:caution"}, id="caution"),
        pytest.param(a_snapshot(view(State.PROBATION)), {"slo:caution"}, id="probation is cautious too"),
        pytest.param(a_snapshot(view(State.FROZEN)), {"slo:frozen"}, id="frozen"),
        pytest.param(
            a_snapshot(view(State.FROZEN), view(State.CAUTION, name="a")),
            {"slo:frozen"},
            id="the strictest only",
        ),
        pytest.param(
            a_snapshot(view(State.FROZEN, gate=a_gate(mode="advise"))), {"slo:frozen"}, id="advised"
        ),
        pytest.param(a_snapshot(view(State.FROZEN, gate=a_gate(mode="observe"))), set(), id="observed"),
        pytest.param(
            a_snapshot(view(State.FROZEN), requests=(a_request(),)), {"slo:frozen"}, id="overridden"
        ),
        pytest.param(
            a_snapshot(view(State.FROZEN, gate=EXEMPTING), labels=("security",)), set(), id="exempt"
        ),
        pytest.param(a_snapshot(view(State.OPEN, unknown=HOUR)), set(), id="unknown"),
        pytest.param(a_snapshot(), set(), id="untouched"),
    ],
)
def test_the_labels(snapshot: Snapshot, labels: set[str]) -> None:
    assert desired(snapshot).labels == labels


@pytest.mark.parametrize(
    ("snapshot", "needed"),
    [
        pytest.param(a_snapshot(view(State.OPEN)), False, id="all is well"),
        pytest.param(a_snapshot(view(State.CAUTION)), True, id="a warning"),
        pytest.param(a_snapshot(view(State.FROZEN)), True, id="a block"),
        pytest.param(a_snapshot(view(State.OPEN, unknown=HOUR)), True, id="not knowing"),
        pytest.param(a_snapshot(view(State.FROZEN), requests=(a_request(),)), True, id="an override"),
        pytest.param(a_snapshot(view(State.OPEN), requests=(a_request(teams=()),)), True, id="a refusal"),
        pytest.param(a_snapshot(view(State.FROZEN, gate=a_gate(mode="observe"))), False, id="observed"),
        pytest.param(
            a_snapshot(view(State.FROZEN, gate=EXEMPTING), labels=("security",)), False, id="exempt"
        ),
        pytest.param(a_snapshot(), False, id="untouched"),
    ],
)
def test_a_comment_is_needed(snapshot: Snapshot, needed: bool) -> None:  # noqa: FBT001 (a table)
    assert desired(snapshot).comment.needed is needed


def test_who_asks_gets_a_comment_with_every_number() -> None:
    snapshot = a_snapshot(view(State.OPEN))
    comment = desired(snapshot, explained=True).comment
    assert comment.needed
    assert "| `availability` | 99.95 % over 28 d |" in comment.body
    assert comment.essence != desired(snapshot).comment.essence


def passed(view: ServiceView, left: float, now: datetime, **values: Any) -> ServiceView:
    """The view after another pass of its gate."""
    found = (evidence(measured(left, at=now), **values),)
    pairs = list(zip(view.service.objectives, found, strict=True))
    memory = step(view.memory, pairs, view.service.gate, now)
    return replace(view, memory=memory, objectives=found, expected_end=NOW + 20 * DAY)


def test_numbers_that_tremble_make_no_new_text() -> None:
    one = passed(view(State.FROZEN), -0.3, NOW, thaw=a_forecast(NOW + 20 * DAY))
    first = desired(a_snapshot(one))
    for minute, left in enumerate([-0.3999, -0.2001, -0.35, -0.3], start=1):
        now = NOW + minute * MINUTE
        one = passed(one, left, now, thaw=a_forecast(NOW + 20 * DAY + minute * 5 * HOUR))
        again = desired(a_snapshot(one, now=now))
        assert (again.check.essence, again.comment.essence) == (first.check.essence, first.comment.essence)


FROZEN = passed(view(State.FROZEN), -0.3, NOW, thaw=a_forecast(NOW + 20 * DAY))
REAL_CHANGES = [
    pytest.param(passed(FROZEN, -0.41, NOW), id="ten points of budget"),
    pytest.param(passed(FROZEN, -0.3, NOW, thaw=a_forecast(NOW + 22 * DAY)), id="two days of forecast"),
    pytest.param(replace(FROZEN, memory=replace(FROZEN.memory, since=NOW)), id="a new freeze"),
    pytest.param(replace(FROZEN, memory=replace(FROZEN.memory, gaps=(GAP,))), id="no longer known"),
    pytest.param(replace(FROZEN, policy_problem="line 3"), id="a broken policy"),
    pytest.param(replace(FROZEN, service=a_service(gate=a_gate(mode="advise"))), id="another mode"),
    pytest.param(replace(FROZEN, all_exempt=True), id="only exempt paths"),
    pytest.param(passed(FROZEN, 0.9, NOW), id="a thaw"),
]


@pytest.mark.parametrize("changed", REAL_CHANGES)
def test_a_real_change_makes_a_new_text(changed: ServiceView) -> None:
    first, second = desired(a_snapshot(FROZEN)), desired(a_snapshot(changed))
    assert first.check.essence != second.check.essence
    assert first.comment.essence != second.comment.essence


def test_what_nobody_reads_makes_no_new_text() -> None:
    """A gate seen for the first time is open since now, with every pass."""
    young = view(State.OPEN)
    older = replace(young, memory=replace(young.memory, since=NOW - 9 * DAY), files=("other.py",))
    assert desired(a_snapshot(young)).check.essence == desired(a_snapshot(older)).check.essence


def test_an_override_and_its_reason_are_real_changes() -> None:
    texts = [
        desired(a_snapshot(FROZEN, requests=requests)).check.essence
        for requests in ((), (a_request(),), (a_request(reason="hotfix"),), (a_request("bea"),))
    ]
    assert len(set(texts)) == 4


def test_an_override_that_waits_for_its_reason_is_told() -> None:
    service = a_service(gate=a_gate(override={"teams": [TEAM], "reason": "required"}))
    frozen = a_view(State.FROZEN, -0.3, service=service)
    before, waiting, given = (
        desired(a_snapshot(frozen, requests=requests))
        for requests in ((), (a_request(),), (a_request(reason="hotfix"),))
    )
    asks = (
        "`@alice` asks to let this change through: it waits for a reason, in a comment: `/gatekeeper override"
    )
    assert [asks in one.comment.body for one in (before, waiting, given)] == [False, True, False]
    assert "Without a reason it waits" in waiting.check.summary
    assert waiting.strip == frozenset()
    assert len({one.check.essence for one in (before, waiting, given)}) == 3


def test_a_refusal_is_told_once_and_stays_told_when_the_label_is_gone() -> None:
    before = a_snapshot(FROZEN, requests=(a_request("bob", teams=()),))
    (refused,) = decide(before).refused
    told = (Refusal(refused.label, refused.actor, refused.why, NOW),)
    recorded = replace(before, refusals=told)
    after = a_snapshot(FROZEN, refusals=told)
    comments = [desired(one).comment for one in (before, recorded, after)]
    assert len({comment.essence for comment in comments}) == 1
    for comment in comments:
        sentence = "The label `slo:override` was removed: `@bob` is not an active member of `@acme/sre`."
        assert comment.body.count(sentence) == 1
    assert [desired(one).strip for one in (before, after)] == [{"slo:override"}, set()]
    assert desired(before).check.essence == desired(after).check.essence


def test_refusals_read_the_same_in_whatever_order_they_were_recorded() -> None:
    told = (Refusal("b", "x", "why", NOW), Refusal("a", "y", "why", NOW))
    assert desired(a_snapshot(FROZEN, refusals=told)) == desired(a_snapshot(FROZEN, refusals=told[::-1]))


def test_of_pull_requests_that_share_a_commit_one_check_is_shown() -> None:
    mine, other = desired(a_snapshot(view(State.OPEN))), desired(a_snapshot(FROZEN))
    assert mine.with_check(other.check) == replace(mine, check=other.check)


def titles(*views: ServiceView, **values: Any) -> str:
    return desired(a_snapshot(*views, **values)).check.title


def test_titles() -> None:
    assert titles(view(State.OPEN)) == "checkout is open: 90.0 % of its error budget left"
    assert titles(replace(FROZEN, memory=replace(FROZEN.memory, gaps=()))) == (
        "checkout is frozen: 30.0 % over its error budget; expected end 12 Dec"
    )
    assert titles(view(State.FROZEN), view(State.CAUTION, name="a"), view(State.OPEN, name="b")) == (
        "checkout is frozen: 30.0 % over its error budget (and 1 more service)"
    )
    assert titles(view(State.OPEN), view(State.OPEN, name="zebra")) == (
        "checkout is open: 90.0 % of its error budget left"
    )
    assert (
        titles(a_view(State.FROZEN, 0.0)) == "checkout is frozen: its error budget is spent to the last event"
    )
    assert titles(a_view(State.FROZEN, unmeasured())) == "checkout is frozen: nothing was measured"
    assert titles(view(State.OPEN, unknown=HOUR)) == f"checkout is not measured: {GAP.detail}"


@pytest.mark.parametrize(
    ("incidents", "words"),
    [
        pytest.param(0, "28.4 % over its error budget; expected end 23 Nov", id="only the budget is awaited"),
        pytest.param(
            1, "28.4 % over its error budget; waits for the postmortem of 2026-11-20 12:00 UTC", id="one"
        ),
        pytest.param(3, "waits for the postmortem of 2026-11-20 12:00 UTC and 2 more", id="several"),
    ],
)
def test_a_title_names_the_postmortem_that_a_freeze_waits_for_instead_of_an_end(
    incidents: int, words: str
) -> None:
    starts = [NOW - 2 * DAY + each * HOUR for each in range(incidents)]
    owed = tuple(Owed("availability", at, at + HOUR, 0.3) for at in starts)
    frozen = a_view(State.FROZEN, -0.284, expected_end=NOW + DAY, memory={"owed": owed})
    assert titles(frozen).endswith(words)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (-1e-9, "0.1 % over its error budget"),
        (1e-9, "less than 0.1 % of its error budget left"),
        (0.9999999, "99.9 % of its error budget left"),
        (1.0, "100 % of its error budget left"),
    ],
)
def test_a_title_never_flatters(left: float, words: str) -> None:
    assert titles(a_view(State.FROZEN, left)).endswith(words)


def test_approximate_numbers_are_marked_wherever_they_appear() -> None:
    about = measured(0.2, approximate=True)
    wanted = desired(a_snapshot(a_view(State.CAUTION, about)), explained=True)
    assert "about 20.0 % of its error budget left" in wanted.check.title
    assert "is about 99.9600 %" in wanted.check.summary
    assert "≈ 99.9600 % | ≈ 20.00 %" in wanted.check.text
    assert "is **approximate**" in wanted.check.text


def this_month(left: float, **values: Any) -> ServiceView:
    """A service with a budget of November in Paris, half of which is over."""
    window = CalendarWindow(calendar="month", timezone="Europe/Paris")
    service = a_service("checkout", an_objective().model_copy(update={"window": window}))
    start = datetime(2026, 10, 31, 23, tzinfo=UTC)
    found = measured(
        left, total=500_000, window_start=start, to_come=500_000.0, resets_at=start + 30 * DAY, **values
    )
    return a_view(State.FROZEN, found, service=service, expected_end=start + 30 * DAY + MINUTE)


def test_a_calendar_window_says_which_and_when_it_resets() -> None:
    said = desired(a_snapshot(this_month(-0.2)), explained=True).comment.body
    assert "over this month (Europe/Paris), the target is 99.95 %" in said
    assert "where 500 are allowed until the budget resets on 1 December at 00:00 (Europe/Paris)" in said
    assert "if no new incident comes: the budget resets on 1 December at 00:00 (Europe/Paris)" in said
    assert "99.95 % over a month (Europe/Paris)" in said
    assert "1,000,000 events: 500,000 of them are expected" in said


def test_an_objective_that_counts_minutes_says_minutes() -> None:
    method = ByTimeslices(timeslices=Timeslices(target=Decimal("0.99")))
    service = a_service("checkout", an_objective().model_copy(update={"method": method}))
    found = measured(-0.2, total=40_000, worst=(an_incident(bad=20),))
    said = desired(a_snapshot(a_view(State.FROZEN, found, service=service)), explained=True).comment.body
    assert "24 bad minutes, where 20 are allowed" in said
    assert "20 bad minutes, 80.0 % of the budget" in said
    assert "bad events" not in said
    assert "minutes, bad ones being those with less than 99 % of their events good" in said


def test_a_partial_window_is_said() -> None:
    partial = measured(0.2, partial_since=NOW - 5 * DAY)
    check = desired(a_snapshot(a_view(State.CAUTION, partial))).check
    assert "over the 5 d measured so far" in check.summary
    assert "has a **partial window**: measured since 2026-11-17 12:00 UTC" in check.text


@pytest.mark.parametrize(
    ("end", "gaps", "words"),
    [
        pytest.param(
            NOW + DAY,
            (),
            "2026-11-23 12:00 UTC, if no new incident comes. The freeze ends at 10 %",
            id="ahead",
        ),
        pytest.param(
            NOW, (), "due since 2026-11-22 12:00 UTC, with the next measurement that meets", id="passed"
        ),
        pytest.param(None, (), "not within a whole window, as things stand.", id="not to be foreseen"),
        pytest.param(NOW + DAY, (GAP,), "not to be foreseen while availability is unknown.", id="unknown"),
    ],
)
def test_the_expected_end(end: datetime | None, gaps: tuple[Gap, ...], words: str) -> None:
    frozen = a_view(State.FROZEN, -0.3, expected_end=end, memory={"gaps": gaps})
    assert f"**Expected end:** {words}" in desired(a_snapshot(frozen)).check.summary


def test_a_freeze_by_burn_says_how_fast_and_when_it_has_cooled() -> None:
    hot = measured(0.641, total=50e6, burn={300: 28.0, 3600: 31.24, 21600: 4.6})
    summary = desired(a_snapshot(a_view(State.FROZEN, hot, expected_end=NOW + HOUR))).check.summary
    assert "checkout is frozen: its error budget burns at 31.2× the pace allowed, 64.1 % left" in summary
    assert "no more than 10.8× over 1 h and 4.5× over 6 h" in summary


def test_the_cause_is_the_costliest_incidents_or_none() -> None:
    worst = (an_incident(530, share=1.06), an_incident(40, ago=20 * DAY, share=0.08))
    summary = desired(a_snapshot(a_view(State.FROZEN, measured(-0.3, worst=worst)))).check.summary
    assert "2026-11-20 12:00 to 12:30 UTC (30 min): 530 bad events, 106.0 % of the budget" in summary
    spread = desired(a_snapshot(a_view(State.FROZEN, -0.3))).check.summary
    assert "no single incident stands out" in spread


def test_only_where_something_waits_a_way_out_is_told() -> None:
    assert "Who can let this through" in desired(a_snapshot(view(State.FROZEN))).check.summary
    for snapshot in (
        a_snapshot(view(State.FROZEN), requests=(a_request(),)),
        a_snapshot(view(State.FROZEN, gate=a_gate(mode="observe"))),
        a_snapshot(view(State.CAUTION)),
    ):
        assert "Who can let this through" not in desired(snapshot).check.summary


HOSTILE = (
    "a`b``c|d\n\n# @acme/sre @alice <img src=x> <!-- gatekeeper --> [x](https://evil.example) " + "x" * 5_000
)


def hostile_snapshot() -> Snapshot:
    gate = a_gate(
        exempt={"labels": ["a`b|c @x"], "paths": ["*|`@acme/sre`/**"]},
        override={"teams": [TEAM], "label": "slo`|@acme/sre"},
    )
    service = a_service(gate=gate, description=HOSTILE)
    frozen = a_view(
        State.FROZEN,
        -0.3,
        service=service,
        files=(HOSTILE, "`", "|", "@acme/sre"),
        policy_problem=HOSTILE,
        memory={"gaps": (Gap("availability", Doubt.PROBLEM, HOSTILE),), "unknown_since": NOW},
    )
    broken = replace(frozen, objectives=(evidence(-0.3, problem=HOSTILE),))
    refusals = (Refusal("l`|@acme/sre", "x", "why", NOW),)
    return a_snapshot(broken, refusals=refusals, policy_problems=(HOSTILE,))


def test_hostile_names_mention_nobody_and_mark_nothing_up() -> None:
    wanted = desired(hostile_snapshot(), explained=True)
    for text in (wanted.check.summary, wanted.check.text, wanted.comment.body.removeprefix(MARKER)):
        html = GITHUB.render(text)
        assert not re.search(r"@\w", re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL))
        assert not re.search(r"<(img|a|!--)", html)
        assert set(re.findall(r"<(\w+)", html)) <= {
            *(
                "h3",
                "h4",
                "p",
                "em",
                "strong",
                "code",
                "ul",
                "li",
                "table",
                "thead",
                "tbody",
                "tr",
                "th",
                "td",
                "details",
                "summary",
            )
        }


def many(number: int) -> Snapshot:
    worst = tuple(an_incident(400 + i, ago=i * DAY, share=0.3) for i in (1, 2, 3))
    down = tuple((NOW - (27 - i) * DAY, 1 - i / 20) for i in range(28))
    views = (
        a_view(
            State.FROZEN,
            measured(-0.3, worst=worst),
            service=a_service(f"service-{i}", an_objective("a"), an_objective("b"), description="🔥 " * 150),
            expected_end=NOW + 3 * DAY,
            files=("🔥" * 60,) * 5,
            burn_down=down,
        )
        for i in range(number)
    )
    return a_snapshot(*views)


@pytest.mark.parametrize("number", [1, 5, 60])
def test_every_text_keeps_within_githubs_limits(number: int) -> None:
    wanted = desired(many(number), explained=True)
    assert len(wanted.check.title) <= TITLE_LIMIT
    assert len(wanted.check.summary.encode()) <= OUTPUT_LIMIT
    assert len(wanted.check.text.encode()) <= OUTPUT_LIMIT
    assert len(wanted.comment.body.encode()) <= COMMENT_LIMIT
    assert wanted.comment.body.startswith(MARKER)


def test_five_services_are_told_in_full() -> None:
    wanted = desired(many(5))
    assert wanted.check.summary.count("### 🔴") == 5
    assert wanted.comment.body.count("```mermaid") == 5
    assert "Cut here" not in wanted.check.summary + wanted.comment.body


def test_a_long_title_is_cut_on_one_line() -> None:
    gap = Gap("availability", Doubt.PROBLEM, "no\nsuch\nmetric " * 40)
    title = titles(
        a_view(State.OPEN, 0.9, memory={"gaps": (gap,), "unknown_since": NOW}), view(State.FROZEN, name="a")
    )
    assert len(title) <= TITLE_LIMIT
    assert "\n" not in title


def test_a_broken_policy_is_shown_while_the_last_good_one_stays_in_force() -> None:
    problem = 'policies/checkout.yml:12:5: "cation" is no key; write caution'
    wanted = desired(
        a_snapshot(replace(FROZEN, policy_problem=problem), policy_problems=("policies/x.yml:3:1: no",))
    )
    assert wanted.check.verdict is Verdict.BLOCK
    assert f"A newer version of `policies/checkout.yml` is not in force: {problem}" in wanted.check.summary
    assert "the last good version stays in force" in wanted.check.summary


def test_without_services_the_comment_says_that_nothing_applies_any_more() -> None:
    comment = desired(a_snapshot()).comment
    assert "No service's gate applies to this pull request." in comment.body


def test_only_what_is_not_allowed_is_drawn() -> None:
    down = tuple((NOW - (27 - i) * DAY, 1 - i / 20) for i in range(28))
    assert "```mermaid" in desired(a_snapshot(view(State.FROZEN, burn_down=down))).comment.body
    assert "```mermaid" not in desired(a_snapshot(view(State.OPEN, burn_down=down))).comment.body
    assert "```mermaid" not in desired(a_snapshot(view(State.FROZEN, burn_down=down))).check.summary


def first_measured(*gaps: Gap, ago: timedelta = MINUTE, mode: str = "enforce") -> Desired:
    """A service in its first backfill, unless ``gaps`` say something else."""
    memory = {"unknown_since": NOW - ago, "gaps": gaps or (BACKFILL,)}
    service = a_service(gate=a_gate(mode=mode))
    return desired(a_snapshot(a_view(State.OPEN, unmeasured(), service=service, memory=memory)))


@pytest.mark.parametrize(
    ("found", "conclusion"),
    [
        pytest.param(first_measured(), None, id="in its first minutes an enforcing gate is in progress"),
        pytest.param(first_measured(ago=2 * HOUR), "neutral", id="after the hold the fail mode answers"),
        pytest.param(first_measured(mode="advise"), "neutral", id="an advising gate keeps nobody waiting"),
        pytest.param(first_measured(BACKFILL, GAP), "neutral", id="other doubts take time nobody knows"),
    ],
)
def test_an_answer_that_is_on_its_way_is_waited_for(found: Desired, conclusion: str | None) -> None:
    assert found.check.conclusion == conclusion
    assert found.comment.needed == (conclusion is not None)
