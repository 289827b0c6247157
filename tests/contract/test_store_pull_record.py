"""A decision and what is known of its pull request are stored together or not at all, on SQLite and PostgreSQL."""

from typing import Any

import pytest

from builders import MINUTE, a_view
from fakes import SHOP, Place
from gatekeeper.decide.evaluate import decide
from gatekeeper.decide.verdict import State
from gatekeeper.errors import TemporaryError
from gatekeeper.store.engine import Database
from gatekeeper.store.pull_record import PullRecord
from gatekeeper.store.pulls import KnownPull, Pulls
from gatekeeper.store.runs import Runs

SUBJECT = f"{SHOP}#1"


@pytest.fixture
def place(database: Database) -> Place:
    """acme/shop#1 is open, and its service is frozen."""
    place = Place(database)
    place.github.create(SHOP)
    place.put(a_view(State.FROZEN, -0.5))
    place.github.open(1)
    return place


def decided(place: Place, known: KnownPull | None) -> str:
    seen = place.observe(1)
    return place.record.decided(seen, decide(seen.snapshot), "essence", asked=False, known=known)


def on_record(place: Place) -> list[str]:
    return [one.id for one in place.decisions.latest(SUBJECT)]


def test_a_decision_comes_into_force_as_it_is_put_on_record(place: Place) -> None:
    identity = decided(place, None)
    known = place.pulls.known(SHOP, 1)
    assert known is not None
    assert (known.decision, on_record(place)) == (identity, [identity])


@pytest.mark.parametrize("first", [True, False], ids=["never decided on before", "decided on before"])
def test_what_was_overtaken_leaves_nothing_on_record(place: Place, *, first: bool) -> None:
    if not first:
        decided(place, None)
    before = place.pulls.known(SHOP, 1)
    place.now += MINUTE
    place.stand(a_view(State.OPEN, 0.9))
    decided(place, before)
    theirs, recorded = place.pulls.known(SHOP, 1), on_record(place)
    place.now += MINUTE
    place.stand(a_view(State.FROZEN, -0.5))
    with pytest.raises(TemporaryError, match="another worker looked at acme/shop#1 meanwhile"):
        decided(place, before)
    assert (place.pulls.known(SHOP, 1), on_record(place)) == (theirs, recorded)


class FullDisk(Pulls):
    """Fails after it has written, as a disk that is full on commit."""

    def save(self, *args: Any, **kwargs: Any) -> bool:
        super().save(*args, **kwargs)
        raise TemporaryError("the disk is full")


def test_a_failure_half_way_leaves_nothing_of_either(place: Place) -> None:
    record = PullRecord(
        place.database,
        pulls=FullDisk(place.database, place.queue),
        publications=place.publications,
        decisions=place.decisions,
        overrides=place.overrides,
        gates=place.gates,
        groups=place.groups,
        runs=Runs(place.database),
        catalog=place.catalog,
        queue=place.queue,
    )
    seen = place.observe(1)
    with pytest.raises(TemporaryError, match="full"):
        record.decided(seen, decide(seen.snapshot), "essence", asked=False, known=None)
    assert (place.pulls.known(SHOP, 1), on_record(place)) == (None, [])
