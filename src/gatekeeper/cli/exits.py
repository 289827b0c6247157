"""Exit codes, and errors as one readable line."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from rich.console import Console
from typer import Exit

from gatekeeper.errors import GatekeeperError, TemporaryError

errors = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


class Code(IntEnum):
    """What a command's end means to the script that called it."""

    OK = 0
    NO = 1
    """Blocked; a policy file has mistakes; a replay differs; the doctor found something broken."""
    USAGE = 2
    """The command line or the configuration is wrong."""
    UNKNOWN = 3
    """There is no evidence to decide by, or somebody it takes did not answer."""


@contextmanager
def readable_errors() -> Iterator[None]:
    """End with a line instead of a traceback for what goes wrong on purpose."""
    try:
        yield
    except TemporaryError as error:
        errors.print(f"gatekeeper: {error}", style="red")
        raise Exit(Code.UNKNOWN) from None
    except GatekeeperError as error:
        errors.print(f"gatekeeper: {error}", style="red")
        raise Exit(Code.USAGE) from None
