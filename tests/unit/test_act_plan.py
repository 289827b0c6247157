from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_request, a_snapshot, a_view
from gatekeeper.act.plan import Actual, AddLabels, Published, PutCheck, PutComment, RemoveLabel, Write, plan
from gatekeeper.decide.desired import Check, Comment, Desired, desire
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.verdict import State, Verdict

CHECK = Check("failure", "shop is frozen", "why", "numbers", "new", Verdict.BLOCK)
COMMENT = Comment("<!-- gatekeeper -->", "new", needed=True)
FROZEN = Desired(CHECK, COMMENT, labels=frozenset({"slo:frozen"}), strip=frozenset())
CLEAN = Desired(
    replace(CHECK, needed=False), replace(COMMENT, needed=False), labels=frozenset(), strip=frozenset()
)
OLD, NEW = Published(7, "old"), Published(7, "new")


def there(
    check: Published | None = None, comment: Published | None = None, labels: tuple[str, ...] = ()
) -> Actual:
    return Actual(check, comment, frozenset(labels))


def planned(
    desired: Desired, actual: Actual, *, may_comment: bool = True, again: bool = False
) -> list[Write]:
    return list(plan(desired, actual, may_comment=may_comment, again=again))


@pytest.mark.parametrize(
    ("desired", "actual", "expected"),
    [
        pytest.param(
            FROZEN,
            there(),
            [PutCheck(CHECK, None), AddLabels(("slo:frozen",)), PutComment(COMMENT, None)],
            id="a first block is told by check, label and comment, the gate itself first",
        ),
        pytest.param(
            FROZEN, there(NEW, NEW, ("slo:frozen", "bug")), [], id="what is there is not written again"
        ),
        pytest.param(
            FROZEN,
            there(OLD, OLD, ("slo:caution",)),
            [
                PutCheck(CHECK, 7),
                AddLabels(("slo:frozen",)),
                RemoveLabel("slo:caution"),
                PutComment(COMMENT, 7),
            ],
            id="what changed is edited in place, by its id",
        ),
        pytest.param(CLEAN, there(), [], id="what nobody needs is not written where there is none"),
        pytest.param(
            CLEAN,
            there(OLD, OLD, ("slo:frozen", "bug")),
            [PutCheck(CLEAN.check, 7), RemoveLabel("slo:frozen"), PutComment(CLEAN.comment, 7)],
            id="but it replaces what is there, and other people's labels stay",
        ),
        pytest.param(
            replace(CLEAN, strip=frozenset({"slo:override"})),
            there(labels=("slo:override", "bug")),
            [RemoveLabel("slo:override")],
            id="a refused label is taken away",
        ),
        pytest.param(
            replace(CLEAN, strip=frozenset({"slo:override"})), there(), [], id="unless it is gone already"
        ),
    ],
)
def test_the_plan_is_the_difference(desired: Desired, actual: Actual, expected: list[Write]) -> None:
    assert planned(desired, actual) == expected


@pytest.mark.parametrize(
    ("desired", "worn", "expected"),
    [
        pytest.param(
            FROZEN, "SLO:Frozen", [], id="a label of ours that the repository spells its own way is there"
        ),
        pytest.param(CLEAN, "SLO:Frozen", [RemoveLabel("SLO:Frozen")], id="and is removed as it is spelled"),
        pytest.param(
            replace(CLEAN, strip=frozenset({"slo:override"})),
            "Slo:Override",
            [RemoveLabel("Slo:Override")],
            id="a refused one too",
        ),
    ],
)
def test_labels_are_the_same_whatever_their_case(desired: Desired, worn: str, expected: list[Write]) -> None:
    """GitHub keeps one label for all spellings; comparing them by case would add the label with every pass."""
    assert planned(desired, there(NEW, NEW, (worn,))) == expected


def test_on_a_fan_out_no_first_comment_is_written() -> None:
    assert planned(FROZEN, there(OLD, None, ("slo:frozen",)), may_comment=False) == [PutCheck(CHECK, 7)]


def test_on_a_fan_out_a_comment_that_is_there_follows() -> None:
    writes = planned(FROZEN, there(OLD, OLD, ("slo:frozen",)), may_comment=False)
    assert writes == [PutCheck(CHECK, 7), PutComment(COMMENT, 7)]


def test_asked_again_the_same_is_written_again_where_it_is() -> None:
    assert planned(FROZEN, there(NEW, NEW, ("slo:frozen",)), again=True) == [
        PutCheck(CHECK, 7),
        PutComment(COMMENT, 7),
    ]
    assert planned(CLEAN, there(), again=True) == []


def applied(writes: list[Write], actual: Actual) -> Actual:
    """What is on GitHub after the writes."""
    for write in writes:
        match write:
            case PutCheck(check, remote_id):
                actual = replace(actual, check=Published(remote_id or 1, check.essence))
            case PutComment(comment, remote_id):
                actual = replace(actual, comment=Published(remote_id or 2, comment.essence))
            case AddLabels(labels):
                actual = replace(actual, labels=actual.labels | set(labels))
            case RemoveLabel(label):
                actual = replace(actual, labels=actual.labels - {label})
    return actual


STATES = st.sampled_from([State.OPEN, State.CAUTION, State.FROZEN])
LABELS = st.frozensets(st.sampled_from(["slo:frozen", "SLO:Caution", "slo:override", "bug"]))
THERE = st.builds(Actual, st.sampled_from([None, OLD]), st.sampled_from([None, OLD]), LABELS)


@given(STATES, THERE, st.booleans(), st.booleans())
def test_a_second_plan_is_empty(state: State, actual: Actual, may_comment: bool, entitled: bool) -> None:  # noqa: FBT001 (drawn)
    requests = (
        (a_request(teams=("@acme/sre",) if entitled else ()),) if "slo:override" in actual.labels else ()
    )
    snapshot = a_snapshot(
        a_view(state, {State.OPEN: 0.9, State.CAUTION: 0.2, State.FROZEN: -0.2}[state]), requests=requests
    )
    desired = desire(snapshot, decide(snapshot))
    after = applied(planned(desired, actual, may_comment=may_comment), actual)
    assert planned(desired, after, may_comment=may_comment) == []
