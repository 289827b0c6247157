"""What a change of policies would do, in words, a table and a chart."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from gatekeeper.decide import explain
from gatekeeper.decide.effect import Effect, HoldChange, ServiceEffect, Trial, VerdictChange
from gatekeeper.decide.markdown import code, prose, table
from gatekeeper.decide.phrases import percent
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import Verdict
from gatekeeper.policy.units import format_duration

DAY = timedelta(days=1)
MOST_SERVICES, MOST_CHANGES = 20, 20
POINTS = 56  # of a line: two a day over four weeks
DEEPEST = -2.0  # the chart ends there: further down, what matters would be a straight line at its top
_COLOURS = {Verdict.ALLOW: "🟢", Verdict.WARN: "🟡", Verdict.BLOCK: "🔴"}
_HELD, _LET_GO = "🔴 held", "🟢 let go"
_TURN = {Verdict.ALLOW: "green", Verdict.WARN: "yellow", Verdict.BLOCK: "red"}
NOT_KNOWN = "not known"


def headline(effect: Effect) -> str:
    """The effect in a sentence (plain text); empty where nothing was gone through."""
    parts = [*_past(effect), *_turns(effect.verdicts), *_holds(effect.holds)]
    if not parts:
        return ""
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}"


def effect_section(effect: Effect, here: Collection[str]) -> str:
    """The effect as a section of Markdown; empty where nothing was gone through.

    Args:
        effect: what was gone through.
        here: the repository that it is written in. Who reads there may not be who may read others: of their changes
            only the addresses are told.
    """
    if not effect.services:
        return ""
    parts = [f"#### What it would do\n\n{_table(effect)}"]
    parts += [f"- {code(one.name)}: {prose(note, 500)}" for one in effect.services for note in one.notes]
    if drawn := _chart(effect):
        parts.append(drawn)
    parts.append(_changes(effect, here))
    parts += _deployments(effect, here)
    return "\n\n".join(parts)


def _past(effect: Effect) -> Iterator[str]:
    """What would have been in the past, of the service that it matters most for."""
    tried = [one for one in effect.services if one.after is not None and one.after.known]
    if not tried:
        return
    worst = max(tried, key=lambda one: (one.after.frozen if one.after else timedelta(0), one.name))
    if worst.after is None:
        return
    name = f"{worst.name} " if len(effect.services) > 1 else ""
    frozen, length = worst.after.frozen, _days(effect.length)
    text = f"would have frozen {name}for {_days(frozen)} of the last {length}"
    if not frozen:
        text = f"would not have frozen {'any service ' if name else ''}in the last {length}"
    if worst.before is not None and worst.before.known and worst.before.frozen != frozen:
        text += f" ({_days(worst.before.frozen)} as it is)"
    yield text


def _turns(verdicts: Sequence[VerdictChange]) -> Iterator[str]:
    for verdict in sorted(Verdict, reverse=True):
        number = sum(one.after is verdict for one in verdicts)
        if number:
            noun = "pull request" if number == 1 else "pull requests"
            yield f"{number} open {noun} would turn {_TURN[verdict]}"


def _holds(holds: Sequence[HoldChange]) -> Iterator[str]:
    for held in (True, False):
        number = sum(one.held is held for one in holds)
        if number:
            noun = "deployment" if number == 1 else "deployments"
            yield f"{number} waiting {noun} would be {'held' if held else 'let go'}"


def _table(effect: Effect) -> str:
    shown = effect.services[:MOST_SERVICES]
    rows = [row for one in shown for row in _rows(one)]
    heads = ("Service", "Policy", "Frozen", "Freezes", "Changes made to wait", "Gate today", "Budget left")
    text = f"Over the last {_days(effect.length)}, from the data that there are:\n\n{table(heads, rows)}"
    more = len(effect.services) - len(shown) + effect.beyond
    said = f"{more} more service{'s' if more > 1 else ''}"
    beyond = ", which were not gone through" if effect.beyond else ""
    return text + (f"\n\nand {said}{beyond}" if more else "")


def _rows(one: ServiceEffect) -> Iterator[Sequence[str]]:
    name = code(one.name)
    if one.now is not None or one.before is not None:
        yield (name, "in force", *_figures(one.before), _gate(one.now), _left(one.now))
    if one.then is None:
        yield (name, "proposed", "–", "–", "–", "no gate", "–")
    else:
        yield (name, "**proposed**", *_figures(one.after), _gate(one.then), _left(one.then))


def _figures(tried: Trial | None) -> tuple[str, str, str]:
    if tried is None or not tried.known:
        return (NOT_KNOWN, NOT_KNOWN, NOT_KNOWN)
    return _days(tried.frozen), str(tried.freezes), str(tried.waited)


def _gate(view: ServiceView | None) -> str:
    if view is None:
        return NOT_KNOWN
    state = str(view.memory.state)
    return f"{state} ({view.service.gate.mode})" + (", not measured" if view.memory.gaps else "")


def _left(view: ServiceView | None) -> str:
    worst = explain.worst_measured(view) if view is not None else None
    return NOT_KNOWN if worst is None else percent(worst[1].remaining)


def _changes(effect: Effect, here: Collection[str]) -> str:
    if not effect.verdicts:
        if not effect.changes:
            return "No pull request is open that these services touch."
        if effect.changes == 1:
            return "The open pull request of these services would get no other verdict."
        return f"None of the {effect.changes} open pull requests of these services would get another verdict."
    rows = [
        (
            f"{one.repository}#{one.number}",
            prose(one.title, 80) if one.repository in here else "",
            f"{_COLOURS[one.before]} → {_COLOURS[one.after]}",
        )
        for one in effect.verdicts[:MOST_CHANGES]
    ]
    more = len(effect.verdicts) - MOST_CHANGES
    shown = table(("Pull request", "Title", "Verdict"), rows)
    number = (
        f"{len(effect.verdicts)} of {effect.changes} open pull request{'s' if effect.changes > 1 else ''}"
    )
    return f"{number} would get another verdict:\n\n{shown}" + (f"\n\nand {more} more" if more > 0 else "")


def _deployments(effect: Effect, here: Collection[str]) -> Iterator[str]:
    """Nothing where none waits, as nearly always."""
    if not effect.waiting:
        return
    if not effect.holds:
        yield (
            "The deployment that waits would get no other answer."
            if effect.waiting == 1
            else f"None of the {effect.waiting} deployments that wait would get another answer."
        )
        return
    rows = [
        (
            f"{one.deployment.repository} → {code(one.deployment.environment)}",
            _asked_for(one) if one.deployment.repository in here else f"run {one.run}",
            f"{_LET_GO} → {_HELD}" if one.held else f"{_HELD} → {_LET_GO}",
        )
        for one in effect.holds[:MOST_CHANGES]
    ]
    more = len(effect.holds) - MOST_CHANGES
    shown = table(("Deployment", "Asked for", "Verdict"), rows)
    number = f"{len(effect.holds)} of {effect.waiting} waiting deployment{'s' if effect.waiting > 1 else ''}"
    yield f"{number} would get another answer:\n\n{shown}" + (f"\n\nand {more} more" if more > 0 else "")


def _asked_for(one: HoldChange) -> str:
    return f"{code(one.deployment.ref)} by {prose(one.deployment.actor, 40)} (run {one.run})"


def _chart(effect: Effect) -> str | None:
    """The worst objective's budget under both versions, of the service that the proposal matters most for."""
    drawable = [one for one in effect.services if one.after is not None and one.after.known]
    if not drawable:
        return None
    one = max(drawable, key=lambda found: (_moved(found), found.name))
    lines = [
        ("blue", "in force", "#1f6feb", _line(one.before)),
        ("orange", "proposed", "#bf5700", _line(one.after)),
    ]
    lines = [line for line in lines if len(line[3]) > 1]
    if not lines:
        return None
    below = float(one.then.service.gate.freeze.below) if one.then is not None else 0.0
    values = [value for *_, points in lines for value in points]
    length = effect.length / DAY
    colours = ", ".join([colour for _, _, colour, _ in lines] + ["#cf222e"])
    told = ", ".join(f"{colour}: {what}" for colour, what, _, _ in lines)
    drawn = [f"    line [{', '.join(map(_number, points))}]" for *_, points in lines]
    drawn.append(f"    line [{', '.join([_number(below)] * max(len(points) for *_, points in lines))}]")
    return "\n".join(
        [
            f"Error budget left of {code(one.name)} ({told}, red: changes wait):",
            "",
            "```mermaid",
            f'%%{{init: {{"themeVariables": {{"xyChart": {{"plotColorPalette": "{colours}"}}}}}}}}%%',
            "xychart-beta",
            '    title "Error budget left (%)"',
            f'    x-axis "days ago" {length:.0f} --> 0',
            f'    y-axis "%" {_number(min(0.0, below, *values))} --> {_number(max(1.0, *values))}',
            *drawn,
            "```",
        ]
    )


def _moved(one: ServiceEffect) -> timedelta:
    before = one.before.frozen if one.before is not None else timedelta(0)
    return abs((one.after.frozen if one.after is not None else timedelta(0)) - before)


def _line(tried: Trial | None) -> list[float]:
    """The least budget of any objective in each of so many equal parts; what is not measured repeats the last."""
    if tried is None:
        return []
    start, part = tried.result.start, (tried.result.end - tried.result.start) / POINTS
    least: dict[int, float] = {}
    for budget in tried.result.budgets:
        for at, left in budget.points:
            if left is not None:
                place = _place(at, start, part)
                least[place] = max(min(left, least.get(place, left)), DEEPEST)
    values: list[float] = []
    for place in range(POINTS):
        known = least.get(place, values[-1] if values else None)
        values += [known] if known is not None else []
    return values if not values else [values[0]] * (POINTS - len(values)) + values


def _place(at: datetime, start: datetime, part: timedelta) -> int:
    return min(max(int((at - start) / part), 0), POINTS - 1)


def _number(share: float) -> str:
    """At most one decimal, never an exponent or a negative zero: Mermaid's grammar knows neither."""
    text = f"{share * 100:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _days(length: timedelta) -> str:
    days = length / DAY
    if days != int(days):
        return format_duration(length)
    return "1 day" if days == 1 else f"{days:.0f} days"
