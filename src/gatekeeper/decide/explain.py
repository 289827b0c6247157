"""Sentences about one service: where its gate stands, why, and when that ends.

``headline``, ``how_far`` and ``doubts`` are plain text, since the title of a check is; the others are Markdown.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gatekeeper.availability.burn import Row
from gatekeeper.availability.incidents import Incident
from gatekeeper.availability.measure import Measured
from gatekeeper.decide import burning, lines, outlook, phrases, windows
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.gate_state import ends_by
from gatekeeper.decide.markdown import code
from gatekeeper.decide.phrases import count, instant, overspent, pace, percent
from gatekeeper.decide.snapshot import Culprit, ServiceView
from gatekeeper.decide.verdict import UNKNOWN, Doubt, Gap, Reason, Rule, State, Why
from gatekeeper.policy.gate import Gate, Mode
from gatekeeper.policy.objective import Objective
from gatekeeper.policy.units import format_duration, format_share

SHORT_SHA = 7
_STANDING = {
    State.OPEN: "open",
    State.CAUTION: "in caution",
    State.PROBATION: "in probation",
    State.FROZEN: "frozen",
}
_DOUBTS = {
    Doubt.NO_DATA: "no data were found",
    Doubt.NO_TRAFFIC: "nothing happened in its whole window",
    Doubt.STALE: "the newest data are too old",
    Doubt.THIN: "too little was measured",
    Doubt.BACKFILLING: "its history is being read",
    Doubt.PROBLEM: "the policy has to be mended",
}


def headline(view: ServiceView, ruling: ServiceRuling) -> str:
    """The one line a developer reads first."""
    less = {Mode.OBSERVE: " (only observed)", Mode.ADVISE: " (only advised)"}
    mode = less.get(ruling.mode, "") if ruling.effective is not ruling.verdict else ""
    name = f"{view.service.name} is {_standing(view)}{mode}"
    match ruling.why:
        case Why.OVERRIDDEN if ruling.override is not None:
            return f"{name}; let through by @{ruling.override.actor} until {instant(ruling.override.until)}"
        case Why.OPENED if view.opening is not None:
            until = instant(view.opening.until)
            return f"{name}; open to every change until {until}, by @{view.opening.actor}"
        case Why.EXEMPT_LABEL | Why.EXEMPT_PATHS | Why.EXEMPT_REVERT | Why.FREE:
            return f"{name}; {_passes(ruling)}"
        case Why.FROZEN:
            return f"{name}: {how_far(view)}{_waits_for(view)}"
        case Why.TOO_LARGE | Why.TOO_MANY | Why.TOO_SOON:
            return f"{name}; {_too_much(ruling)}"
        case why if why in UNKNOWN:
            return f"{name}: {doubts(view)}"
    return f"{name}: {how_far(view)}"


def _passes(ruling: ServiceRuling) -> str:
    match ruling.why:
        case Why.EXEMPT_LABEL:
            by = f", set by @{ruling.by}" if ruling.by else ""
            return f"this change passes by its label {ruling.detail}{by}"
        case Why.EXEMPT_PATHS:
            return "this change passes: only exempt paths are touched"
        case Why.EXEMPT_REVERT:
            return f"this change passes: it takes back {ruling.detail} and nothing else"
    return f"deployments to {ruling.detail} are free of its gate"


def _too_much(ruling: ServiceRuling) -> str:
    match ruling.why:
        case Why.TOO_LARGE:
            return f"{ruling.detail} changed lines are too many at once"
        case Why.TOO_MANY:
            return f"enough has landed for a day, the next change may go from {ruling.detail} on"
    return f"one was deployed within the last hour, the next may go from {ruling.detail} on"


def _waits_for(view: ServiceView) -> str:
    """What a freeze waits for, or until when: no date where it would end only if somebody wrote something."""
    if view.memory.owed:
        first, *others = view.memory.owed
        more = f" and {len(others)} more" if others else ""
        return f"; waits for the postmortem of {instant(first.start)}{more}"
    if view.expected_end is None or view.memory.gaps:
        return ""
    return f"; expected end {phrases.day(view.expected_end)}"


def _standing(view: ServiceView) -> str:
    state = view.memory.state
    return "not measured" if view.memory.gaps and state is not State.FROZEN else _STANDING[state]


def how_far(view: ServiceView) -> str:
    """How much budget is left, how far it is overspent, or how fast it burns, for the worst objective."""
    worst = worst_measured(view)
    if worst is None:
        return "nothing was measured"
    remaining = worst[1].remaining
    about = "about " if worst[1].approximate else ""
    if remaining < 0:
        return f"{about}{overspent(remaining)} over its error budget"
    if remaining == 0:
        return "its error budget is spent to the last event"
    left = f"{about}{percent(remaining)}"
    if fires := burns(view):
        return f"its error budget burns at {pace(fires[0].found)} the pace allowed, {left} left"
    return f"{left} of its error budget left"


def worst_measured(view: ServiceView) -> tuple[Objective, Measured] | None:
    """The objective with the least budget left, among those that were measured."""
    return min(measured(view), key=lambda pair: (pair[1].remaining, pair[0].name), default=None)


def measured(view: ServiceView) -> list[tuple[Objective, Measured]]:
    """The objectives that were measured, with their measurements."""
    return [(objective, one.evidence) for objective, one in view.pairs if isinstance(one.evidence, Measured)]


def burns(view: ServiceView) -> list[Reason]:
    """The burn rates that hold the gate in its state, the fastest first; none where the share alone does."""
    gate, state = view.service.gate, view.memory.state
    known = [Known(*pair) for pair in measured(view)]
    match state:
        case State.FROZEN if all(one.measured.remaining > gate.freeze.below for one in known):
            held = [(one, Rule.FREEZE_BURN, _freezing(one, gate)) for one in known]
        case State.CAUTION if all(one.measured.remaining > gate.caution.below for one in known):
            held = [(one, Rule.CAUTION_BURN, burning.cautioning_rows(one.window_s)) for one in known]
        case _:
            return []
    found = [reason for one, rule, rows in held for reason in burning.hot(rule, one, rows) if reason.found]
    return sorted(found, key=lambda reason: -reason.found)


def _freezing(one: Known, gate: Gate) -> tuple[Row, ...]:
    return burning.freezing_rows(one.window_s, one.objective.allowed, gate)


def doubts(view: ServiceView) -> str:
    """What is not known, in a few words."""
    many = len(view.service.objectives) > 1
    return "; ".join(f"{gap.objective}: {_doubt(gap)}" if many else _doubt(gap) for gap in view.memory.gaps)


def _doubt(gap: Gap) -> str:
    return gap.detail or _DOUBTS[gap.doubt]


def because(reason: Reason) -> str:
    """One rule as a sentence: subject, found, wanted."""
    return f"{_found(reason)}; {_wanted(reason)} (`{reason.rule}`)"


def _found(reason: Reason) -> str:
    who = code(reason.objective)
    match reason.rule:
        case Rule.FREEZE_BURN | Rule.CAUTION_BURN:
            burn, length = pace(reason.found, reason.limit), phrases.seconds(reason.window_s)
            return f"{who} burned its budget at {burn} the pace allowed over {length}"
        case Rule.THAW_QUIET:
            return f"{who} had budget left for {phrases.seconds(reason.found)}"
        case Rule.FREEZE_AT_MOST:
            return f"the freeze for {who} had lasted {phrases.seconds(reason.found)}, whatever is left of the budget"
        case Rule.PROBATION_FOR:
            return f"{who} went {phrases.seconds(reason.found)} without a relapse"
    if reason.found < 0:
        return f"{who} was {overspent(reason.found)} over its budget"
    if reason.found == 0:
        return f"{who} had spent its budget to the last event"
    return f"{who} had {percent(reason.found)} of its budget left"


def _wanted(reason: Reason) -> str:
    match reason.rule:
        case Rule.FREEZE_BELOW:
            return f"changes wait at {_line(reason.limit)} and below"
        case Rule.CAUTION_BELOW:
            return f"caution starts below {format_share(reason.limit)}"
        case Rule.FREEZE_BURN | Rule.CAUTION_BURN:
            return f"more than {pace(reason.limit, reason.found)} is too fast"
        case Rule.THAW_ABOVE:
            return f"the freeze ends at {format_share(reason.limit)}"
        case Rule.THAW_QUIET:
            return f"{phrases.seconds(reason.limit)} end the freeze"
        case Rule.FREEZE_AT_MOST:
            return f"a freeze lasts {phrases.seconds(reason.limit)} at most"
        case Rule.PROBATION_FOR:
            return f"probation lasts {phrases.seconds(reason.limit)}"
        case Rule.RECOVERED:
            return f"caution ends at {format_share(reason.limit)}"


def _line(limit: float) -> str:
    """A line of the gate; one below nothing, as noise makes it, is so much over the budget."""
    return format_share(limit) if limit >= 0 else f"{overspent(limit)} over"


def noise(view: ServiceView) -> str:
    """Why a budget as low as freezes does not freeze: chance, or a freeze that ended by its length; else nothing."""
    worst, gate, spared = worst_measured(view), view.service.gate, view.memory.spared
    if worst is None or view.memory.state in {State.FROZEN, State.OPEN}:
        return ""
    one = Known(*worst)
    line = _line(lines.relapse_line(one, gate, spared))
    if any(spare.objective == one.objective.name for spare in spared):
        return f"a freeze ended by its length (`freeze.at_most`), not by the thaw rule; changes wait again at {line}"
    if not lines.in_noise(one, gate):
        return ""
    bad, allowed = count(one.measured.bad), count(one.budget)
    return (
        f"{bad} bad {one.objective.counts}, where {allowed} are allowed, may be chance: so few scatter. "
        f"Changes wait at {line}"
    )


def balance(view: ServiceView) -> str:
    """What was promised and what was kept, in events, for the worst objective; nothing without a measurement."""
    worst = worst_measured(view)
    if worst is None:
        return ""
    objective, found = worst
    about = "about " if found.approximate else ""
    share = phrases.availability(found.availability, objective.target)
    window = windows.present(objective.window, found)
    bad, allowed = count(found.bad), count(Known(objective, found).budget)
    as_of = f" (as of {instant(found.watermark)})" if view.memory.gaps else ""
    return (
        f"{code(objective.name)} is {about}{share} over {window}, the target is {format_share(objective.target)}: "
        f"{about}{bad} bad {objective.counts}, where {allowed} are allowed{_until_renewal(objective, found)}{as_of}"
    )


def _until_renewal(objective: Objective, found: Measured) -> str:
    if found.resets_at is None:
        return ""
    return f" until the budget resets {windows.renewal(objective.window, found.resets_at)}"


def cause(view: ServiceView) -> str:
    """The incidents that cost most, in one sentence; nothing where nothing went bad."""
    return "; ".join(causes(view))


def causes(view: ServiceView) -> list[str]:
    """The incidents that cost most, one each, costliest first."""
    worst = worst_measured(view)
    if worst is None or not worst[1].bad:
        return []
    if not worst[1].worst:
        return ["no single incident stands out, the errors are spread over the window"]
    objective, found = worst
    after = {one.incident: _after(one) for one in view.culprits if one.objective == objective.name}
    return [f"{_cost(one, objective.counts)}{after.get(one.start, '')}" for one in found.worst]


def _cost(one: Incident, counts: str) -> str:
    when = phrases.span(one.start, one.end)
    return f"{when}: {count(one.bad)} bad {counts}, {percent(one.budget_share)} of the budget"


def _after(one: Culprit) -> str:
    commit = code(f"{one.repository}@{one.sha[:SHORT_SHA]}")
    back = f", rolled back at {instant(one.rolled_back_at)}" if one.rolled_back_at else ""
    return f", after {commit} was deployed at {instant(one.at)}{back}"


def until(view: ServiceView, now: datetime) -> str:
    """When the freeze is expected to end, and by which rule."""
    end, rule = view.expected_end, _thaw_rule(view)
    if view.memory.owed:
        rule = f"{rule}, and once the postmortem is linked"
    if view.memory.gaps:
        return f"not to be foreseen while availability is unknown. {rule}"
    if end is None:
        return f"not within a whole window, as things stand. {rule}"
    if end <= now:
        return f"due since {instant(end)}, with the next measurement that meets the rule. {rule}"
    if end == ends_by(view.memory, view.service.gate):
        return f"{instant(end)}, unless the budget burns fast then: longer no freeze lasts (`freeze.at_most`). {rule}"
    return f"{instant(end)}{outlook.between(view)}, if no new incident comes{_leaving(view)}. {rule}"


def postmortems(view: ServiceView) -> list[str]:
    """The postmortems that the freeze waits for, and how to link them."""
    return [
        f"of the incident {phrases.span(one.start, one.end)}, which cost {percent(one.share)} of the budget of "
        f"{code(one.objective)}. "
        f"Link it in {code(view.service.origin.path)}: "
        f"`gate: {{postmortems: [{{incident: {one.start:%Y-%m-%dT%H:%M:%SZ}, link: https://...}}]}}`"
        for one in view.memory.owed
    ]


def _thaw_rule(view: ServiceView) -> str:
    thaw = view.service.gate.thaw
    if fires := burns(view):
        return f"The freeze ends when the budget burns at {_cool(fires)}"
    quiet, below = format_duration(thaw.or_quiet_for), view.service.gate.freeze.below
    some = f"more than {format_share(below)}" if below else "some"
    return (
        f"The freeze ends at {format_share(thaw.above)} of the budget left, or once {some} has been left for {quiet} "
        "and the last 6 h were calm"
    )


def _cool(fires: Sequence[Reason]) -> str:
    spans = {one.window_s: f"{pace(one.limit)} over {phrases.seconds(one.window_s)}" for one in fires}
    return f"no more than {' and '.join(spans[length] for length in sorted(spans))}"


def _leaving(view: ServiceView) -> str:
    """What has to leave the window first, or when a period ends: the reason why a freeze lasts as long as it does."""
    for objective, found in measured(view):
        if (
            found.resets_at is not None
            and view.expected_end is not None
            and view.expected_end > found.resets_at
        ):
            return f": the budget resets {windows.renewal(objective.window, found.resets_at)}"
    frees = [
        (stretch, objective.counts)
        for objective, one in zip(view.service.objectives, view.objectives, strict=True)
        if one.thaw is not None and one.thaw.at == view.expected_end
        for stretch in one.thaw.frees
    ]
    if not frees or burns(view):
        return ""
    most, counts = max(frees, key=lambda free: free[0].bad)
    return f": by then, the {count(most.bad)} bad {counts} of {phrases.span(most.start, most.end)} have left the window"


def caution_ends(view: ServiceView) -> str:
    """What ends a caution, and what would follow it."""
    gate = view.service.gate
    level = max((lines.recovery_level(Known(*pair), gate) for pair in measured(view)), default=None)
    if fires := burns(view):
        end = f"when the budget burns at {_cool(fires)}"
    else:
        end = (
            "when availability is known again" if level is None else f"at {percent(level)} of the budget left"
        )
    return f"{end}. At {_freezes_at(view)}, changes wait"


def probation_ends(view: ServiceView) -> str:
    """When a probation ends, and what would freeze the gate again."""
    end = view.memory.since + (view.service.gate.probation.lasts or timedelta(0))
    when = "not before availability is known again" if view.memory.gaps else instant(end)
    can_be_fast = any(_freezing(Known(*pair), view.service.gate) for pair in measured(view))
    fast = ", or when it burns fast," if can_be_fast else ""
    return f"{when}. At {_freezes_at(view)} of the budget{fast} changes wait again at once"


def _freezes_at(view: ServiceView) -> str:
    worst, gate = worst_measured(view), view.service.gate
    if worst is None:
        return format_share(gate.freeze.below)
    return _line(lines.relapse_line(Known(*worst), gate, view.memory.spared))
