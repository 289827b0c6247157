"""Sentences about one service: where its gate stands, why, what may pass, and when it ends."""

from gatekeeper.availability.measure import Measured
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.phrases import code, count, duration, factor, instant, percent, some, target
from gatekeeper.decide.snapshot import ObjectiveEvidence, ServiceView
from gatekeeper.decide.verdict import Reason, Rule, State, Why
from gatekeeper.policy.model import Mode, Objective


def headline(view: ServiceView, ruling: ServiceRuling) -> str:
    """The one line a developer reads first."""
    name = view.service.name
    match ruling.why:
        case Why.OVERRIDDEN if ruling.override is not None:
            return f"{name}: overridden by @{ruling.override.actor} until {instant(ruling.override.until)}"
        case Why.EXEMPT_LABEL:
            return f"{name} is {view.memory.state}; exempt by label {ruling.detail}"
        case Why.EXEMPT_PATHS:
            return f"{name} is {view.memory.state}; only exempt paths are changed"
        case Why.UNKNOWN_HELD | Why.UNKNOWN_ADVISE | Why.UNKNOWN_BLOCK:
            return f"{name}: availability is not known at the moment ({doubts(view)})"
        case Why.FROZEN:
            return f"{name} is frozen: {how_far(view)}"
        case Why.CAUTION:
            return f"{name} asks for caution: {how_far(view)}"
        case _:
            return f"{name} is open: {how_far(view)}"


def how_far(view: ServiceView) -> str:
    """How much budget is left, or how far it is overspent, for the worst objective."""
    worst = worst_measured(view)
    if worst is None:
        return "no measurement"
    remaining = worst[1].remaining
    if remaining < 0:
        return f"{percent(-remaining)} over its error budget"
    if remaining == 0:
        return "its error budget is spent to the last event"
    return f"{percent(remaining)} of its error budget left"


def worst_measured(view: ServiceView) -> tuple[Objective, Measured] | None:
    """The objective with the least budget left, among those that were measured."""
    measured = [
        (objective, one.evidence)
        for objective, one in zip(view.service.objectives, view.objectives, strict=True)
        if isinstance(one.evidence, Measured)
    ]
    return min(measured, key=lambda pair: (pair[1].remaining, pair[0].name), default=None)


def doubts(view: ServiceView) -> str:
    """What is not known, in a few words."""
    return "; ".join(
        f"{gap.objective}: {gap.doubt}{f', {gap.detail}' if gap.detail else ''}" for gap in view.memory.gaps
    )


def because(reason: Reason) -> str:
    """One rule as a sentence: subject, found, wanted."""
    match reason.rule:
        case Rule.FREEZE_BELOW:
            wanted = f"changes wait at {percent(reason.limit)} and below"
        case Rule.CAUTION_BELOW:
            wanted = f"caution starts below {percent(reason.limit)}"
        case Rule.THAW_ABOVE:
            wanted = f"the freeze ends from {percent(reason.limit)} on"
        case Rule.RECOVERED:
            wanted = f"caution ends from {percent(reason.limit)} on"
        case Rule.FREEZE_BURN | Rule.CAUTION_BURN:
            found = f"{reason.objective} burned its budget at {factor(reason.found)} over {duration(reason.window_s)}"
            return f"{found}; more than {factor(reason.limit)} is too fast (`{reason.rule}`)"
        case Rule.THAW_QUIET:
            found = f"{reason.objective} stayed within its budget for {duration(reason.found)}"
            return f"{found}; {duration(reason.limit)} ends the freeze (`{reason.rule}`)"
    return f"{reason.objective} had {percent(reason.found)} of its budget left; {wanted} (`{reason.rule}`)"


def cause(view: ServiceView) -> str | None:
    """The incidents that cost most, or None when the budget went in small change."""
    worst = worst_measured(view)
    if worst is None or not worst[1].worst:
        return None
    return "; ".join(
        f"{instant(one.start)} to {instant(one.end) if one.end else 'now'}: {count(one.bad)} bad events, "
        f"{percent(one.budget_share)} of the budget"
        for one in worst[1].worst
    )


def way_out(view: ServiceView) -> list[str]:
    """What still may pass, and who can let more through."""
    gate = view.service.gate
    lines = []
    if gate.exempt.labels:
        lines.append(f"Changes labelled {some(gate.exempt.labels, ' or ')} pass.")
    if gate.exempt.paths:
        lines.append(f"Changes only under {some(gate.exempt.paths, ' and ')} pass.")
    if gate.override.teams:
        who = some(gate.override.teams, " or ")
        lasts = duration(gate.override.lasts)
        lines.append(
            f"An active member of {who} can apply the label {code(gate.override.label)}; it holds for {lasts}."
        )
    return lines or ["This policy has no exemptions and names nobody who may override."]


def until(view: ServiceView) -> str:
    """When the freeze is expected to end, and by which rule."""
    thaw = view.service.gate.thaw
    rule = f"at {percent(float(thaw.above))} left, or after {duration(thaw.or_quiet_for)} within budget"
    if view.memory.gaps:
        return f"Not foreseeable while availability is unknown ({doubts(view)}). It ends {rule}."
    if view.expected_end is None:
        return f"Not foreseeable from what has been measured. It ends {rule}."
    return f"{instant(view.expected_end)}, if nothing new goes bad ({rule})."


def numbers(objective: Objective, one: ObjectiveEvidence) -> str:
    """All that is needed to derive an objective's number again."""
    aim = f"{code(objective.name)}: {target(float(objective.target))} over {duration(objective.window)}"
    evidence = one.evidence
    if not isinstance(evidence, Measured):
        return f"- {aim}. Not measured: {one.problem or evidence.reason}."
    parts = [
        f"- {aim}. {count(evidence.good)} good and {count(evidence.bad)} bad of {count(evidence.total)} events",
        f"availability {percent(evidence.availability, 4)}",
        f"budget left {percent(evidence.remaining, 2)}",
        f"coverage {percent(evidence.coverage)}",
        f"data until {instant(evidence.watermark)}",
    ]
    if evidence.approximate:
        parts.append("**approximate** (from a free query, not from raw samples)")
    if evidence.partial_since is not None:
        parts.append(f"**partial window**: data only since {instant(evidence.partial_since)}")
    return ", ".join(parts) + f". Query: {queries(objective)}"


def queries(objective: Objective) -> str:
    """The indicator's queries, as the policy has them."""
    prometheus = objective.indicator.prometheus
    pairs = (("good", prometheus.good), ("bad", prometheus.bad), ("total", prometheus.total))
    return ", ".join(f"{name} {code(query)}" for name, query in pairs if query)


def mode_note(view: ServiceView, ruling: ServiceRuling) -> str | None:
    """What the policy's mode made of the verdict, when it made less of it."""
    if ruling.effective == ruling.verdict:
        return None
    would = {1: "warn about", 2: "block"}[ruling.verdict]
    if view.service.gate.mode is Mode.OBSERVE:
        return f"The policy only observes: in `enforce` this gate would {would} the change."
    return f"The policy advises: in `enforce` this gate would {would} the change."


def since(view: ServiceView) -> str:
    """Since when the gate stands where it stands."""
    verb = {State.OPEN: "Open", State.CAUTION: "In caution", State.FROZEN: "Frozen"}[view.memory.state]
    return f"{verb} since {instant(view.memory.since)}"
