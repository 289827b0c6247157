"""The stored form of a snapshot: canonical JSON that begins with the number of its format.

A decision is derived again from what was stored, whatever version stored it. So a format that was once released is
read for ever: a new one is a new number here, a new reader, and its own folder of examples beside
``tests/contract/test_snapshot_formats.py``, which replays them all. Adding a field with a default that says "nothing"
is no new format.
"""

import re
from typing import TYPE_CHECKING

from gatekeeper.decide.exemptions import on_trust
from gatekeeper.decide.snapshot import Snapshot
from gatekeeper.errors import ConfigurationError
from gatekeeper.store.rows import Codec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORMAT = 2
"""The format that is written. Before 2, every exempting label counted, whoever had set it."""

_HEAD = re.compile(r'\{"format":(\d{1,9}),')


class SnapshotCodec(Codec[Snapshot]):
    """``Codec`` of snapshots; ``text`` and ``parse`` write and heed the format's number."""

    def __init__(self) -> None:
        super().__init__(Snapshot)
        self._readers: Mapping[int, Callable[[str], Snapshot]] = {1: self._parse_trusting, 2: super().parse}

    def text(self, value: Snapshot) -> str:
        """The canonical JSON text, its format first."""
        return f'{{"format":{FORMAT},{super().text(value)[1:]}'

    def parse(self, text: str) -> Snapshot:
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

    def _parse_trusting(self, text: str) -> Snapshot:
        return on_trust(super().parse(text))


SNAPSHOT = SnapshotCodec()
