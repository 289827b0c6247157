"""The stored form of a snapshot: canonical JSON that begins with the number of its format.

A decision is derived again from what was stored, whatever version stored it. So a format that was once released is
read for ever: a new one is a new number here, a new reader, and its own folder of examples beside
``tests/contract/test_snapshot_formats.py``, which replays them all. Adding a field with a default that says "nothing"
is no new format.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from gatekeeper.decide.change import Change
from gatekeeper.decide.exemptions import on_trust
from gatekeeper.decide.snapshot import Snapshot
from gatekeeper.errors import ConfigurationError
from gatekeeper.store.rows import Codec, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 2
"""The format that is written. Before 2, every exempting label counted, whoever had set it."""

_HEAD = re.compile(r'\{"format":(\d{1,9}),')


class SnapshotCodec(Codec[Value]):
    """``Codec`` of snapshots; ``text`` and ``parse`` write and heed the format's number."""

    def __init__(self, type_: Any, trusting: Callable[[Value], Value]) -> None:
        """Encode ``type_``; of format 1 is read what ``trusting`` makes of it."""
        super().__init__(type_)
        self._trusting = trusting
        self._readers: Mapping[int, Callable[[str], Value]] = {1: self._parse_trusting, 2: super().parse}

    def text(self, value: Value) -> str:
        """The canonical JSON text, its format first."""
        return f'{{"format":{FORMAT},{super().text(value)[1:]}'

    def parse(self, text: str) -> Value:
        """The snapshot of a stored text. One without a number is of format 1.

        Raises:
            ConfigurationError: a later version stored it, in a format that this one does not know.
        """
        head = _HEAD.match(text)
        number = int(head[1]) if head else 1
        reader = self._readers.get(number)
        if reader is None:
            raise ConfigurationError(
                f"this decision was stored in format {number} by a later version; this one reads up to {FORMAT}"
            )
        return reader(text)

    def _parse_trusting(self, text: str) -> Value:
        return self._trusting(super().parse(text))


def _on_trust(change: Change) -> Change:
    return on_trust(change) if isinstance(change, Snapshot) else change


SNAPSHOT: SnapshotCodec[Snapshot] = SnapshotCodec(Snapshot, on_trust)
CHANGE: SnapshotCodec[Change] = SnapshotCodec(Annotated[Change, Field(union_mode="left_to_right")], _on_trust)
"""Of whatever kind of change; each has a field that the other lacks."""
