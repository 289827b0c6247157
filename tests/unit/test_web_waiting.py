"""Long polls: answered when it is so, after a while, or at once when too many wait."""

import threading
import time
from collections.abc import Iterator

import pytest

from gatekeeper.web.waiting import Waiting


def answers(*, no: int) -> Iterator[bool]:
    """So many times no, then yes for ever."""
    yield from [False] * no
    while True:
        yield True


def test_it_is_answered_once_it_is_so() -> None:
    found = answers(no=3)
    assert Waiting(pause=0.001).until(lambda: next(found), bool, 10) is True


def test_after_so_long_it_is_answered_as_it_is() -> None:
    began = time.monotonic()
    assert Waiting(pause=0.01).until(lambda: False, bool, 0.1) is False
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize(
    ("no", "seconds"),
    [pytest.param(0, 10, id="it is so already"), pytest.param(1, 0, id="nobody wants to wait")],
)
def test_it_is_looked_once(no: int, seconds: float) -> None:
    looks: list[bool] = []
    found = answers(no=no)

    def look() -> bool:
        looks.append(next(found))
        return looks[-1]

    Waiting(pause=0.001).until(look, bool, seconds)
    assert len(looks) == 1


def test_one_too_many_is_answered_at_once_and_a_seat_is_free_again_afterwards() -> None:
    waiting, seated, opened = Waiting(most=1, pause=0.001), threading.Event(), threading.Event()
    looks = iter([False])

    def look() -> bool:
        if next(looks, None) is None:
            seated.set()  # the second look: it waits
        return opened.is_set()

    thread = threading.Thread(target=waiting.until, args=(look, bool, 10))
    thread.start()
    assert seated.wait(10)
    assert waiting.until(lambda: False, bool, 10) is False
    opened.set()
    thread.join()
    found = answers(no=1)
    assert waiting.until(lambda: next(found), bool, 10) is True


def test_a_look_that_fails_frees_its_seat() -> None:
    waiting, found = Waiting(most=1, pause=0.001), iter([False])
    with pytest.raises(StopIteration):
        waiting.until(lambda: next(found), bool, 10)
    later = answers(no=1)
    assert waiting.until(lambda: next(later), bool, 10) is True


def test_nobody_is_kept_waiting_by_a_process_that_stops() -> None:
    looks: list[bool] = []
    waiting = Waiting(pause=0.001, stopping=lambda: len(looks) >= 3)

    def look() -> bool:
        looks.append(False)
        return False

    assert waiting.until(look, bool, 10) is False
    assert len(looks) == 3
