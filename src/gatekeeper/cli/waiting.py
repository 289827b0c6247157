"""Asking a gate again and again, until it opens or a deadline is over."""

import time
from collections.abc import Callable

from gatekeeper.cli.exits import Code
from gatekeeper.cli.told import Told
from gatekeeper.errors import TemporaryError
from gatekeeper.web.waiting import MOST_SECONDS

PAUSE = 10.0
"""Seconds from one question to the next, unless the answer took longer."""

Ask = Callable[[float], Told]
"""Asks once; whoever is asked may wait so many seconds before it says no."""


def ask_until(
    ask: Ask,
    seconds: float,
    tell: Callable[[str], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Told:
    """The first answer that allows it, or the last one before the deadline.

    Args:
        ask: asks once.
        seconds: until the deadline, at which it is asked once more.
        tell: is told of each new reason to wait.
        clock: a time in seconds that never goes back.
        sleep: waits for so many seconds.

    Raises:
        TemporaryError: there was no answer to the last question.
    """
    deadline, said = clock() + seconds, ""
    while True:
        began = clock()
        # The first answer comes at once, so that whoever looks on hears what is waited for.
        wait, pause = (min(MOST_SECONDS, deadline - began), PAUSE) if said else (0.0, 0.0)
        try:
            told = ask(max(0.0, wait))
        except TemporaryError as error:
            if began >= deadline:
                raise
            why, pause = str(error), max(PAUSE, error.retry_after or 0.0)
        else:
            if told.code is Code.OK or began >= deadline:
                return told
            why = f"{told.word}: {told.sentence}"
        if why != said:
            tell(why)
            said = why
        sleep(max(0.0, min(began + pause, deadline) - clock()))
