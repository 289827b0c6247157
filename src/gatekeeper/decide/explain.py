"""Sentences about one service: where its gate stands, why, what may pass, and when it ends.

``headline``, ``how_far`` and ``doubts`` are plain text, since the title of a check is; the others are Markdown.
"""

from datetime import datetime

from gatekeeper.availability.incidents import Incident
from gatekeeper.availability.measure import Measured
from gatekeeper.decide import burning, phrases
from gatekeeper.decide.evaluate import ServiceRuling
from gatekeeper.decide.evidence import Known
from gatekeeper.decide.gate_state import recovery_level
from gatekeeper.decide.markdown import code, listed
from gatekeeper.decide.phrases import count, instant, overspent, pace, percent
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import Doubt, Gap, Reason, Rule, State, Verdict, Why
from gatekeeper.policy.model import Mode, Objective
from gatekeeper.policy.units import format_duration, format_share

_STANDING = {State.OPEN: "open", State.CAUTION: "in caution", State.FROZEN: "frozen"}
_DOUBTS = {
    Doubt.NO_DATA: "no data were found",
    Doubt.NO_TRAFFIC: "nothing happened in its whole window",
    Doubt.STALE: "the newest data are too old",
    Doubt.THIN: "too little was measured",
    Doubt.BACKFILLING: "its history is being read",
    Doubt.PROBLEM: "the policy has to be mended",
}
_UNKNOWN = frozenset({Why.UNKNOWN_HELD, Why.UNKNOWN_ADVISE, Why.UNKNOWN_BLOCK})


def headline(view: ServiceView, ruling: ServiceRuling) -> str:
    """The one line a developer reads first."""
    less = {Mode.OBSERVE: " (only observed)", Mode.ADVISE: " (only advised)"}
    mode = less.get(ruling.mode, "") if ruling.effective is not ruling.verdict else ""
    name = f"{view.service.name} is {_standing(view)}{mode}"
    match ruling.why:
        case Why.OVERRIDDEN if ruling.override is not None:
            return f"{name}; let through by @{ruling.override.actor} until {instant(ruling.override.until)}"
        case Why.EXEMPT_LABEL:
            return f"{name}; this change passes by its label {ruling.detail}"
        case Why.EXEMPT_PATHS:
            return f"{name}; this change passes: only exempt paths are touched"
        case Why.FROZEN if view.expected_end is not None and not view.memory.gaps:
            return f"{name}: {how_far(view)}; expected end {phrases.day(view.expected_end)}"
        case why if why in _UNKNOWN:
            return f"{name}: {doubts(view)}"
    return f"{name}: {how_far(view)}"


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
    left = f"{about}{percent(remaining)} of its error budget left"
    fires = burns(view)
    return f"burning its error budget at {pace(fires[0].found)} the pace allowed, {left}" if fires else left


def worst_measured(view: ServiceView) -> tuple[Objective, Measured] | None:
    """The objective with the least budget left, among those that were measured."""
    return min(measured(view), key=lambda pair: (pair[1].remaining, pair[0].name), default=None)


def measured(view: ServiceView) -> list[tuple[Objective, Measured]]:
    """The objectives that were measured, with their measurements."""
    return [
        (objective, one.evidence)
        for objective, one in zip(view.service.objectives, view.objectives, strict=True)
        if isinstance(one.evidence, Measured)
    ]


def burns(view: ServiceView) -> list[Reason]:
    """The burn rates that hold the gate in its state, the fastest first; none where the share alone does."""
    gate, state = view.service.gate, view.memory.state
    known = [Known(*pair) for pair in measured(view)]
    line = {State.FROZEN: gate.freeze.below, State.CAUTION: gate.caution.below}.get(state)
    if line is None or any(one.measured.remaining <= line for one in known):
        return []
    if state is State.FROZEN:
        held = [(one, Rule.FREEZE_BURN, burning.freezing_rows(one.objective, gate)) for one in known]
    else:
        held = [(one, Rule.CAUTION_BURN, burning.cautioning_rows(one.objective)) for one in known]
    found = [reason for one, rule, rows in held for reason in burning.hot(rule, one, rows) if reason.found]
    return sorted(found, key=lambda reason: -reason.found)


def doubts(view: ServiceView) -> str:
    """What is not known, in a few words."""
    many = len(view.service.objectives) > 1
    return "; ".join(f"{gap.objective}: {_doubt(gap)}" if many else _doubt(gap) for gap in view.memory.gaps)


def _doubt(gap: Gap) -> str:
    return gap.detail or _DOUBTS[gap.doubt]


def because(reason: Reason) -> str:
    """One rule as a sentence: subject, found, wanted."""
    who, limit = code(reason.objective), format_share(reason.limit)
    match reason.rule:
        case Rule.FREEZE_BURN | Rule.CAUTION_BURN:
            burned = f"{who} burned its budget at {pace(reason.found, reason.limit)} the pace allowed"
            length = phrases.seconds(reason.window_s)
            fast = f"more than {pace(reason.limit, reason.found)} is too fast"
            return f"{burned} over {length}; {fast} (`{reason.rule}`)"
        case Rule.THAW_QUIET:
            quiet, asked = phrases.seconds(reason.found), phrases.seconds(reason.limit)
            return f"{who} had budget left for {quiet}; {asked} end the freeze (`{reason.rule}`)"
        case Rule.FREEZE_BELOW:
            wanted = f"changes wait at {limit} and below"
        case Rule.CAUTION_BELOW:
            wanted = f"caution starts below {limit}"
        case Rule.THAW_ABOVE:
            wanted = f"the freeze ends at {limit}"
        case Rule.RECOVERED:
            wanted = f"caution ends at {limit}"
    left = f"{percent(reason.found)} of its budget left" if reason.found > 0 else "no budget left"
    over = f", {overspent(reason.found)} over" if reason.found < 0 else ""
    return f"{who} had {left}{over}; {wanted} (`{reason.rule}`)"


def balance(objective: Objective, found: Measured) -> str:
    """What was promised and what was kept, in events."""
    about = "about " if found.approximate else ""
    share = phrases.availability(found.availability, objective.target)
    length = format_duration(found.window_end - (found.partial_since or found.window_start))
    window = f"the {length} measured so far" if found.partial_since else f"the last {length}"
    allowed = count(objective.allowed * found.total)
    return (
        f"{code(objective.name)} is {about}{share} over {window}, the target is {format_share(objective.target)}: "
        f"{about}{count(found.bad)} bad events, where {allowed} are allowed"
    )


def since(view: ServiceView) -> str:
    """Since when the gate stands where it stands, and why it went there."""
    why = "; ".join(because(reason) for reason in view.memory.reasons)
    return instant(view.memory.since) + (f": {why}" if why else "")


def cause(view: ServiceView) -> str:
    """The incidents that cost most; nothing where nothing went bad."""
    worst = worst_measured(view)
    if worst is None or not worst[1].bad:
        return ""
    if not worst[1].worst:
        return "no single incident stands out, the errors are spread over the window"
    return "; ".join(_cost(one) for one in worst[1].worst)


def _cost(one: Incident) -> str:
    when = phrases.span(one.start, one.end)
    return f"{when}: {count(one.bad)} bad events, {percent(one.budget_share)} of the budget"


def passes(view: ServiceView) -> str:
    """What still may pass a frozen gate."""
    exempt = view.service.gate.exempt
    ways = []
    if exempt.labels:
        ways.append(f"changes labelled {listed(exempt.labels, ' or ')}")
    if exempt.paths:
        ways.append(f"changes to nothing but {listed(exempt.paths, ' and ')}")
    return "; ".join(ways) or "nothing: this policy has no exemptions"


def overriders(view: ServiceView) -> str:
    """Who can let a change through a frozen gate, and how."""
    override = view.service.gate.override
    if not override.teams:
        return "nobody: this policy names no team"
    who, label = listed(override.teams, " or "), code(override.label)
    return f"an active member of {who}, by the label {label}; it holds for {format_duration(override.lasts)}"


def until(view: ServiceView, now: datetime) -> str:
    """When the freeze is expected to end, and by which rule."""
    thaw = view.service.gate.thaw
    rule = (
        f"It ends at {format_share(thaw.above)} of the budget left, or after "
        f"{format_duration(thaw.or_quiet_for)} with some left and a calm last 6 h"
    )
    if view.memory.gaps:
        return f"not to be foreseen while availability is unknown. {rule}"
    if view.expected_end is None:
        return f"not within a whole window, as things stand. {rule}"
    if view.expected_end <= now:
        return (
            f"due since {instant(view.expected_end)}, with the next measurement that meets the rule. {rule}"
        )
    return f"{instant(view.expected_end)}, if no new incident comes{_leaving(view)}. {rule}"


def _leaving(view: ServiceView) -> str:
    """What has to leave the window first: the reason why a freeze lasts as long as it does."""
    last = max(
        (one.thaw for one in view.objectives if one.thaw is not None and one.thaw.at == view.expected_end),
        key=lambda thaw: len(thaw.frees),
        default=None,
    )
    if last is None or not last.frees:
        return ""
    stretch = max(last.frees, key=lambda one: one.bad)
    return f": by then, {count(stretch.bad)} bad events of {instant(stretch.start)} and after have left the window"


def caution_ends(view: ServiceView) -> str:
    """What ends a caution."""
    gate = view.service.gate
    level = max((recovery_level(Known(*pair), gate) for pair in measured(view)), default=None)
    share = "when availability is known again" if level is None else f"at {percent(level)} of the budget left"
    return f"{share}, with no slow burn. At {format_share(gate.freeze.below)}, changes wait"


def mode_note(view: ServiceView, ruling: ServiceRuling) -> str:
    """What the policy's mode made of the verdict, when it made less of it."""
    if ruling.effective == ruling.verdict:
        return ""
    would = "block" if ruling.verdict is Verdict.BLOCK else "warn about"
    does = "observes" if view.service.gate.mode is Mode.OBSERVE else "advises"
    return f"The policy only {does}: with `mode: enforce` this gate would {would} the change."


def unknown_note(view: ServiceView, ruling: ServiceRuling) -> str:
    """What not knowing means for the change."""
    memory, unknown = view.memory, view.service.gate.unknown
    match ruling.why:
        case Why.FROZEN:
            return "The freeze is held: it does not end on a guess."
        case Why.UNKNOWN_HELD if memory.unknown_since is not None:
            then = "changes wait" if unknown.then == "block" else "this stays a warning"
            turn = instant(memory.unknown_since + unknown.hold)
            return f"No data are no 100 %, so this is a warning. From {turn} on, {then} (`unknown.then`)."
        case Why.UNKNOWN_ADVISE:
            return (
                "Nothing waits for that (`unknown.then: advise`), but nobody can say what the budget allows."
            )
        case Why.UNKNOWN_BLOCK:
            return "Changes wait until it is known again (`unknown.then: block`)."
    return ""
