"""Slices add up to the same whatever way they are cut, and what was not measured stays known as such."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.availability.ledger import Cumulative, Flag, Slices, end_of, ending_at, slice_of, steps_in
from ledgers import FIRST, MIDNIGHT, drawn, followed, stretch, stretches

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "end"),
    [
        pytest.param(NOON, NOON, id="a slice contains its end"),
        pytest.param(
            NOON + timedelta(microseconds=1), NOON + timedelta(minutes=1), id="but not its beginning"
        ),
        pytest.param(
            NOON + timedelta(seconds=59), NOON + timedelta(minutes=1), id="what is between belongs to it"
        ),
        pytest.param(
            NOON.astimezone(timezone(timedelta(hours=5, minutes=30))),
            NOON,
            id="the time zone does not matter",
        ),
    ],
)
def test_every_instant_is_in_one_slice(instant: datetime, end: datetime) -> None:
    assert end_of(slice_of(instant)) == end
    assert slice_of(instant.timestamp()) == slice_of(instant)


def test_a_slice_is_named_by_its_end() -> None:
    assert ending_at(NOON) == slice_of(NOON)


@pytest.mark.parametrize(
    "instant",
    [
        pytest.param(NOON + timedelta(seconds=30), id="half a minute"),
        pytest.param(NOON + timedelta(microseconds=1), id="just past the end"),
        pytest.param(NOON.replace(tzinfo=None), id="no time zone"),
    ],
)
def test_what_ends_no_slice_is_refused(instant: datetime) -> None:
    with pytest.raises(ValueError, match="not the end of a slice"):
        ending_at(instant)


def test_spans_are_whole_slices() -> None:
    assert steps_in(28 * 86400) == 40320
    for seconds in (90, -60):
        with pytest.raises(ValueError, match="not a whole number of slices"):
            steps_in(seconds)


@given(stretches(), st.data())
def test_sums_do_not_depend_on_where_a_stretch_is_split(slices: Slices, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(slices.first, slices.stop), min_size=2, max_size=2)))
    one, two, three = (
        slices.between(first, stop).sums()
        for first, stop in zip([slices.first, *cuts], [*cuts, slices.stop], strict=True)
    )
    assert (one + two) + three == one + (two + three) == slices.sums()


@given(stretches(min_size=1), st.data())
def test_running_sums_are_the_sums_of_every_part(slices: Slices, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(slices)))
    first, stop = slices.first + length - 1, slices.stop
    bad, total = Cumulative.of(slices).ending(first, stop, length)
    parts = [slices.between(end + 1 - length, end + 1).sums() for end in range(first, stop)]
    assert list(zip(bad.tolist(), total.tolist(), strict=True)) == [(one.bad, one.total) for one in parts]


def test_what_lies_outside_a_stretch_is_unknown() -> None:
    wider = drawn("x.").between(FIRST - 2, FIRST + 3)
    assert wider.first == FIRST - 2
    assert wider.bad.tolist() == [0, 0, 100, 0, 0]
    assert wider.having(Flag.MEASURED).tolist() == [False, False, True, True, False]


def test_a_part_taken_with_between_can_be_changed_alone() -> None:
    whole = drawn("..")
    whole.between(FIRST, FIRST + 1).total[0] = 7
    assert whole.total.tolist() == [1000, 1000]


def test_the_latest_slices_end_where_the_stretch_ends() -> None:
    latest = drawn("?.x").latest(2)
    assert (latest.first, latest.stop) == (FIRST + 1, FIRST + 3)
    assert latest.bad.tolist() == [0, 100]


def test_no_traffic_is_measured_and_no_data_is_not() -> None:
    sums = drawn("__??").sums()
    assert (sums.total, sums.expected, sums.measured, sums.coverage) == (0, 4, 2, 0.5)
    assert drawn("").sums().coverage == 0


def test_flags_are_counted_apart() -> None:
    sums = stretch([(5, 0, 1), (5, 0, 3), (5, 0, 5), (5, 0, 7), (0, 0, 0)]).sums()
    assert (sums.measured, sums.interpolated, sums.approximate) == (4, 2, 2)


@pytest.mark.parametrize(
    ("picture", "minute"),
    [
        pytest.param("..?.", 4, id="the last slice is measured"),
        pytest.param("_.??", 2, id="the source is behind"),
        pytest.param("_???", 1, id="no traffic is a measurement"),
    ],
)
def test_the_watermark_is_the_end_of_what_was_measured(picture: str, minute: int) -> None:
    assert drawn(picture).watermark == MIDNIGHT + timedelta(minutes=minute)


@pytest.mark.parametrize("picture", ["", "???"])
def test_without_measurements_there_is_no_watermark(picture: str) -> None:
    assert drawn(picture).watermark is None


def test_stretches_join() -> None:
    assert followed(drawn("x."), drawn("?")).flags.tolist() == [1, 1, 0]
