"""Numbers and times of which only bounds are known.

The rules that judge one instant judge a whole stretch of them when they are given intervals instead of numbers: a
comparison that holds for all of an interval is answered, any other raises. So wherever no rule raises, every instant
of the stretch takes the same branches, whatever the rules are.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NoReturn


class UndecidedError(ArithmeticError):
    """The bounds do not decide what was asked; ask about a shorter stretch."""


def _refuse(*_: object) -> NoReturn:
    raise UndecidedError


_UNDECIDED: Any = _refuse


class Unbounded:
    """A value of which nothing is known: whatever is asked of it is undecided."""

    __slots__ = ()

    __getattr__ = __getitem__ = __iter__ = __len__ = __contains__ = _UNDECIDED
    __bool__ = __float__ = __int__ = __index__ = __round__ = __format__ = __str__ = _UNDECIDED
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _UNDECIDED
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _UNDECIDED
    __truediv__ = __rtruediv__ = __pow__ = __neg__ = __abs__ = _UNDECIDED


class Interval(Unbounded):
    """Every value from ``low`` to ``high``: numbers, instants or lengths of time. ``between`` makes them."""

    __slots__ = ("high", "low")

    def __init__(self, low: Any, high: Any) -> None:
        self.low = low
        self.high = high

    def __lt__(self, other: Any) -> bool:
        low, high = _bounds(other)
        return _decide(yes=self.high < low, no=self.low >= high)

    def __le__(self, other: Any) -> bool:
        low, high = _bounds(other)
        return _decide(yes=self.high <= low, no=self.low > high)

    def __gt__(self, other: Any) -> bool:
        return not self <= other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __eq__(self, other: object) -> bool:
        if other is None:
            return False
        low, high = _bounds(other)
        return _decide(yes=False, no=self.high < low or self.low > high)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Unbounded.__hash__

    def __neg__(self) -> Any:
        return between(-self.high, -self.low)

    def __add__(self, other: Any) -> Any:
        low, high = _bounds(other)
        return between(self.low + low, self.high + high)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        low, high = _bounds(other)
        return between(self.low - high, self.high - low)

    def __rsub__(self, other: Any) -> Any:
        low, high = _bounds(other)
        return between(low - self.high, high - self.low)

    def __mul__(self, other: Any) -> Any:
        return _corners(lambda one, two: one * two, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return _corners(lambda one, two: one / two, self, _without_zero(other))

    def __rtruediv__(self, other: Any) -> Any:
        return _corners(lambda one, two: one / two, other, _without_zero(self))

    def __pow__(self, exponent: Any) -> Any:
        if self.low < 0 or exponent < 0:
            raise UndecidedError
        return between(self.low**exponent, self.high**exponent)

    def __bool__(self) -> bool:
        _without_zero(self)
        return True

    def total_seconds(self) -> Any:
        """As of a ``timedelta``."""
        return between(self.low.total_seconds(), self.high.total_seconds())


class Fixed(Interval):
    """An instant that stands still while a stretch is taken as its first instant: two of them move alike."""

    __slots__ = ("instant",)

    def __init__(self, instant: datetime, length: timedelta) -> None:
        super().__init__(instant - length, instant)
        self.instant = instant

    def __eq__(self, other: object) -> bool:
        return self.instant == other.instant if isinstance(other, Fixed) else super().__eq__(other)

    __hash__ = Unbounded.__hash__

    def __lt__(self, other: Any) -> bool:
        return self.instant < other.instant if isinstance(other, Fixed) else super().__lt__(other)

    def __le__(self, other: Any) -> bool:
        return self.instant <= other.instant if isinstance(other, Fixed) else super().__le__(other)

    def __sub__(self, other: Any) -> Any:
        return self.instant - other.instant if isinstance(other, Fixed) else super().__sub__(other)


def between(low: Any, high: Any) -> Any:
    """All from ``low`` to ``high``: an interval, or the value itself where it is but one."""
    return low if low == high else Interval(low, high)


def _bounds(value: Any) -> tuple[Any, Any]:
    return (value.low, value.high) if isinstance(value, Interval) else (value, value)


def _decide(*, yes: bool, no: bool) -> bool:
    if not yes and not no:
        raise UndecidedError
    return yes


def _corners(operation: Callable[[Any, Any], Any], one: Any, two: Any) -> Any:
    """Of an operation that is monotone in both, in either direction: its extremes are at the corners."""
    found = [operation(left, right) for left in _bounds(one) for right in _bounds(two)]
    return between(min(found), max(found))


def _without_zero(value: Any) -> Any:
    low, high = _bounds(value)
    nothing = low - low if not hasattr(low, "tzinfo") else None  # an instant is never nothing
    if nothing is not None and low <= nothing <= high:
        raise UndecidedError
    return value
