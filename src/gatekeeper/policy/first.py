"""A first policy: what to count, a target with room, and a file that explains itself. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from gatekeeper.policy.objective import Indicator
from gatekeeper.policy.units import write_share

TARGETS = tuple(Decimal(one) for one in ("0.9999", "0.9995", "0.999", "0.995", "0.99", "0.98", "0.95", "0.9"))
"""The strictest first."""

ROOM = Decimal("0.5")
"""Of the error budget, at least so much would have been left: a promise that was only just kept is broken soon."""


@dataclass(frozen=True)
class Candidate:
    """Something that could be counted.

    Attributes:
        service: a name for the service.
        queries: of the indicator, by key.
        why: what it is, for a person who chooses (plain text).
        events: of the last day, to tell a service from a toy; 0 where minutes are counted.
    """

    service: str
    queries: Mapping[str, str]
    why: str
    events: float = 0.0

    @property
    def indicator(self) -> Indicator:
        """As a policy has it."""
        return Indicator.model_validate({"prometheus": dict(self.queries)})


@dataclass(frozen=True)
class Kept:
    """What the service did over a window.

    Attributes:
        coverage: the share of the window that was measured.
    """

    bad: float
    total: float
    coverage: float
    days: int

    @property
    def availability(self) -> float | None:
        """Good / total; None without events."""
        return 1 - self.bad / self.total if self.total else None


def target_with_room(kept: Kept) -> Decimal | None:
    """The strictest usual target of which at least half the budget would have been left; None if there is none."""
    if not kept.total:
        return None
    spent = Decimal(repr(kept.bad)) / Decimal(repr(kept.total))
    return next((one for one in TARGETS if spent <= (1 - one) * (1 - ROOM)), None)


def first_policy(candidate: Candidate, kept: Kept, target: Decimal, repository: str | None) -> str:
    """A policy file that observes, with what to do next.

    Args:
        candidate: what to count.
        kept: what it did over the window.
        target: what to promise.
        repository: whose changes the gate is for; None: those of the repository that the file lies in.
    """
    queries = "\n".join(f"          {key}: {_quoted(query)}" for key, query in candidate.queries.items())
    unit = "minutes" if "up" in candidate.queries else "events"
    good = f"{kept.availability:.4%}" if kept.availability is not None else "nothing measured"
    changed = f"    - repository: {repository}\n      paths: " if repository else "    - paths: "
    return f"""\
# A first policy, proposed from what the monitoring system has: {candidate.why}.
# Over the last {kept.days} days: {good} of {kept.total:,.0f} {unit} good, {kept.coverage:.0%} of the time measured.
apiVersion: gatekeeper/v1
kind: Service
metadata:
  name: {candidate.service}
  # Who speaks for the customer: what loosens this policy will need the approval of one of them.
  # owners: ["@your-organisation/your-team"]
spec:
  objectives:
    - name: availability
      # The strictest usual target of which half the budget would have been left. What do your users need?
      target: {write_share(target)}
      window: {kept.days}d
      indicator:
        prometheus:
{queries}
  changes:
    # Which changes meet this gate. Narrow it to the service's own folders.
{changed}["**"]
  gate:
    # observe: only records what it would have done. Then advise, then enforce: docs/adoption.md.
    mode: observe
"""


def _quoted(query: str) -> str:
    """A query as a YAML value: a JSON text is one, and needs no thought of quotes, colons and signs."""
    return json.dumps(query, ensure_ascii=False)
