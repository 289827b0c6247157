"""What a freeze waits for beside the budget: a postmortem of each incident that cost more than the policy lets pass."""

from collections.abc import Iterable, Sequence

from gatekeeper.decide.evidence import Known
from gatekeeper.decide.verdict import Owed
from gatekeeper.policy.gate import Gate


def owed(before: Iterable[Owed], known: Sequence[Known], gate: Gate) -> tuple[Owed, ...]:
    """The incidents whose postmortem is missing, in order of time.

    An incident that has begun to leave the window is remembered as it was: a budget that is spent by one incident
    comes back just when that one is gone.

    Args:
        before: those that were missing so far in this freeze.
        known: the objectives that are known now; of the others nothing changes.
        gate: says from which share of the budget on, and which postmortems there are.
    """
    limit = gate.freeze.incident_over
    if limit is None:
        return ()
    starts = {one.objective.name: one.measured.window_start for one in known}
    kept = [one for one in before if one.objective not in starts or one.start <= starts[one.objective]]
    seen = [
        Owed(one.objective.name, incident.start, incident.end, incident.budget_share)
        for one in known
        for incident in one.measured.incidents
        if incident.start > starts[one.objective.name]
    ]
    missing = [one for one in (*kept, *seen) if one.share > float(limit) and not _linked(one, gate)]
    return tuple(sorted(missing, key=lambda one: (one.start, one.objective)))


def _linked(one: Owed, gate: Gate) -> bool:
    """Whether a postmortem names an instant of the incident."""
    named = (postmortem.incident for postmortem in gate.postmortems)
    return any(one.start <= at and (one.end is None or at <= one.end) for at in named)
