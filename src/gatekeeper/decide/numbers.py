"""Every number behind a verdict, so that anybody can derive it again."""

from collections.abc import Sequence

from gatekeeper.availability.incidents import Reliability
from gatekeeper.availability.measure import Measured
from gatekeeper.decide import corrections, definitions, outlook, phrases, windows
from gatekeeper.decide.markdown import code, prose, table
from gatekeeper.decide.phrases import count, instant, pace, pair, percent
from gatekeeper.decide.snapshot import ObjectiveEvidence, ServiceView
from gatekeeper.policy.gate import Gate, Pace
from gatekeeper.policy.objective import ByTimeslices, Objective
from gatekeeper.policy.units import format_duration, format_share, write_delay

_HEADER = (
    "objective",
    "target",
    "availability",
    "budget left",
    "good",
    "bad",
    "all",
    "measured",
    "data until",
)
_LONGEST_QUERY = 1_000
SHORT = "The source has nothing older; either it keeps no more, or nothing was counted before"


DEFINITIONS = (
    "MTBF is the measured time outside incidents, divided by their number; without any, a third of it is a lower bound "
    "(95 % confidence). MTTR is their mean length. ≥: one still lasts, or none was seen yet"
)


def numbers(view: ServiceView) -> str:
    """A table of a service's objectives, and below it what qualifies them and how they were measured."""
    origin = view.service.origin
    commit = f" at {code(origin.commit[:12])}" if origin.commit else ""
    notes = [note for objective, one in view.pairs for note in _notes(objective, one)]
    plain = [
        f"{code(one.name)} {corrections.raw(objective, one.raw)}"
        for objective, one in zip(view.service.objectives, view.objectives, strict=True)
        if one.raw is not None
    ]
    return "\n\n".join(
        [
            f"**{view.service.name}**, policy {code(origin.path)}{commit}",
            table(_HEADER, [_row(objective, one) for objective, one in view.pairs]),
            "\n".join(
                f"- {note}"
                for note in [
                    rules(view.service.gate),
                    *definitions.notes(view),
                    *notes,
                    *plain,
                    *_legend(view.pairs),
                ]
            ),
        ]
    )


def rules(gate: Gate) -> str:
    """When the gate moves, as the policy says it."""
    burn = ", or when a fast burn would soon get there" if gate.freeze.burn == "fast" else ""
    quiet, below = format_duration(gate.thaw.or_quiet_for), format_share(gate.freeze.below)
    some = f"more than {below} of the budget" if gate.freeze.below else "some budget"
    return (
        f"mode `{gate.mode}`: caution below {format_share(gate.caution.below)}; changes wait at {below}{burn}; "
        f"the freeze ends at {format_share(gate.thaw.above)}, or once {some} has been left for {quiet}"
        f"{_more_rules(gate)}"
    )


def _more_rules(gate: Gate) -> str:
    """What a policy adds to the rule of the freeze."""
    freeze = gate.freeze
    rules = [
        freeze.incident_over is not None
        and f"a postmortem of each incident that cost more than {format_share(freeze.incident_over)} comes first",
        freeze.at_most is not None and f"it lasts {format_duration(freeze.at_most)} at most",
        gate.probation.lasts and f"then {format_duration(gate.probation.lasts)} of probation",
        _paced(gate.caution.pace),
    ]
    return "".join(f"; {rule}" for rule in rules if rule)


def _paced(pace: Pace) -> str:
    limits = [
        pace.deployments is not None and f"{pace.deployments} changes a day",
        pace.changed_lines is not None and f"{pace.changed_lines:,} changed lines a change",
    ]
    said = " and ".join(limit for limit in limits if limit)
    return said and f"in caution and probation at most {said}"


def _row(objective: Objective, one: ObjectiveEvidence) -> list[str]:
    found = one.evidence
    aim = f"{format_share(objective.target)} over {windows.length(objective.window)}"
    if not isinstance(found, Measured):
        until = instant(found.watermark) if found.watermark else "–"
        return [code(objective.name), aim, "–", "–", "–", "–", "–", percent(found.coverage), until]
    about = "≈ " if found.approximate else ""
    figures = [
        phrases.availability(found.availability, objective.target),
        percent(found.remaining, 2),
        count(found.good),
        count(found.bad),
        count(found.total),
    ]
    measured = [percent(found.coverage), instant(found.watermark)]
    return [code(objective.name), aim, *(about + figure for figure in figures), *measured]


def _notes(objective: Objective, one: ObjectiveEvidence) -> list[str]:
    name, found = code(objective.name), one.evidence
    notes = [f"{name} is measured over the window {pair(found.window_start, found.window_end)}"]
    if one.problem:
        notes.append(f"{name} cannot be measured: {prose(one.problem)}")
    if isinstance(found, Measured):
        burns = [
            f"{phrases.seconds(span)} {pace(burn)}" if burn is not None else f"{phrases.seconds(span)} –"
            for span, burn in found.burn
        ]
        notes.append(f"{name} burn rates: {', '.join(burns)}")
        notes.append(f"{name} {_reliability(found.reliability)}")
        if found.resets_at is not None:
            renewal = windows.renewal(objective.window, found.resets_at)
            notes.append(f"{name} {_period(found, objective.counts, renewal)}")
        if found.interpolated:
            notes.append(f"{name} has {found.interpolated} minutes spread over gaps in the data")
        if found.partial_since is not None:
            notes.append(
                f"{name} has a **partial window**: measured since "
                f"{instant(found.partial_since)}, {phrases.part(found)}{_short(one)}"
            )
        if found.approximate:
            notes.append(f"{name} is **approximate**: {_approximate(objective)}")
    return [*notes, *outlook.notes(objective, one), f"{name} counts {_method(objective)}{queries(objective)}"]


def _approximate(objective: Objective) -> str:
    indicator = objective.indicator.prometheus
    if indicator.counters is not None:
        return (
            "its samples are too many to read each, so the server counts them a minute at a time; known error of the "
            "budget left: some hundredths of a point, and on Prometheus more where series are born with errors "
            "already counted"
        )
    latency = indicator.latency
    if latency is None:
        return "its query extrapolates, it does not count single samples"
    below = write_delay(latency.below)
    return f"{below} lies inside a bucket of its histogram, whose events are divided in proportion"


def _method(objective: Objective) -> str:
    if not isinstance(objective.method, ByTimeslices):
        return ""
    target = format_share(objective.method.timeslices.target)
    return f"minutes, bad ones being those with less than {target} of their events good: "


def _legend(pairs: Sequence[tuple[Objective, ObjectiveEvidence]]) -> list[str]:
    return [DEFINITIONS] if any(isinstance(one.evidence, Measured) for _, one in pairs) else []


def _short(one: ObjectiveEvidence) -> str:
    asked = instant(one.evidence.window_start)
    return f". {SHORT}: it was asked for everything since {asked}" if one.source_short else ""


def _period(found: Measured, counts: str, renewal: str) -> str:
    whole, ahead = count(found.total + found.to_come), count(found.to_come)
    return (
        f"has the budget of its whole period, {whole} {counts}: {ahead} of them are expected, "
        f"as traffic repeats its last seven days. It resets {renewal}"
    )


def _reliability(found: Reliability) -> str:
    incidents = f"{found.incidents} incident{'' if found.incidents == 1 else 's'}"
    between, restore = found.mtbf_s, found.mttr_s
    mtbf = f", MTBF {phrases.bound(between, found.mtbf_is_lower_bound)}" if between else ""
    mttr = f", MTTR {phrases.bound(restore, found.mttr_is_lower_bound)}" if restore else ""
    share = found.time_up
    up = f"; up for {percent(share, 4)} of the time, MTBF / (MTBF + MTTR)" if share is not None else ""
    return f"had {incidents}{mtbf}{mttr}{up}"


def queries(objective: Objective) -> str:
    """The indicator's queries, as the policy has them."""
    asked = objective.indicator.prometheus.queries
    return ", ".join(f"{name} {code(query, _LONGEST_QUERY)}" for name, query in asked.items())
