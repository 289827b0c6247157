"""What pipelines were told, kept as decisions, as long as nobody makes too many of them."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gatekeeper.decide.change import check_of, judge
from gatekeeper.store.decisions import Decisions
from gatekeeper.web.gate import Answer
from gatekeeper.web.models import GateReport

MOST_KEPT = 60
"""Answers of one service an hour, in one process: whoever can ask needs no token, and names any environment."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class AnswersOnRecord:
    """Keeps answers. One that says the same as the last one to its environment is on record already."""

    decisions: Decisions
    clock: Callable[[], datetime]
    most: int = MOST_KEPT
    _kept: dict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, answer: Answer) -> GateReport:
        """The answer with the id that it has on record; with none when there were too many within an hour."""
        snapshot = answer.snapshot
        decision = judge(snapshot)
        essence = check_of(snapshot, decision).essence
        with self._lock:
            identity = self.decisions.on_record(snapshot, essence)
            if identity is None and self._may(snapshot.view.service.key):
                identity = self.decisions.told(snapshot, decision, essence)
        return answer.report.model_copy(update={"decision": identity})

    def _may(self, service: str) -> bool:
        now, kept = self.clock(), self._kept[service]
        while kept and kept[0] <= now - HOUR:
            kept.popleft()
        if len(kept) >= self.most:
            return False
        kept.append(now)
        return True
