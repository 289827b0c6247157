"""What a deployment is told: a report of at most 1,024 characters while it waits, a comment when it goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.decide import advice, explain
from gatekeeper.decide.deployment import DeploymentSnapshot, held_by, waits
from gatekeeper.decide.desired import OUTPUT_LIMIT, TITLE_LIMIT, Check, digest, facts
from gatekeeper.decide.environment import EnvironmentSnapshot
from gatekeeper.decide.evaluate import Decision, ServiceRuling
from gatekeeper.decide.markdown import bullets, clip, code, fit, listed, prose
from gatekeeper.decide.numbers import numbers
from gatekeeper.decide.phrases import instant
from gatekeeper.decide.sections import ICONS, section
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.decide.verdict import State, Verdict

REPORT_LIMIT = 1024
"""GitHub counts characters; as bytes these are never more."""

_WAITS = "It waits, and goes on by itself as soon as it may: nothing has to be started again."
_UNLESS = "If it waits until {}, it is rejected (`deployments.reject_after`)."
_REJECTED = (
    "It is rejected: the policy lets no deployment wait for longer (`deployments.reject_after`). Start it again when "
    "the gate is open."
)


@dataclass(frozen=True)
class Report:
    """What is told; ``essence`` changes only when a person would want to read it again (``text`` is Markdown)."""

    text: str
    essence: str


def report(
    snapshot: DeploymentSnapshot, decision: Decision, page: str | None, ends: datetime | None = None
) -> Report:
    """What a deployment is told.

    Args:
        snapshot: what the decision was made from.
        decision: the verdict and its rulings.
        page: where every number is; None when nobody can reach this server.
        ends: from when it is rejected, if it waits until then; None where it is held however long that takes.
    """
    holds, views = waits(snapshot, decision), snapshot.pairs
    pairs = [(views[ruling.service], ruling) for ruling in decision.rulings]
    said = [
        f"{ICONS[ruling.effective]} **{prose(explain.headline(*pair))}**"
        for pair in pairs
        for ruling in pair[1:]
    ]
    if not pairs:
        said = [_nothing_touched(snapshot)]
    link = [f"[Every number behind this]({page})"] if page is not None else []
    more = [bullets(_facts(*pairs[0], snapshot))] if holds else []
    text = fit(
        [said[0], *([_becomes(snapshot.now, ends)] if holds else []), *more, *link, *said[1:]], REPORT_LIMIT
    )
    return Report(
        text, digest([holds, ends and ends.isoformat(), *(facts(*pair, snapshot.now) for pair in pairs)])
    )


def deployment_check(snapshot: DeploymentSnapshot, decision: Decision) -> Check:
    """The decision as a check would say it: for pages, the terminal, and statuses of commits."""
    views = snapshot.pairs
    pairs = [(views[ruling.service], ruling) for ruling in decision.rulings]
    essence = digest([waits(snapshot, decision), *(facts(*pair, snapshot.now) for pair in pairs)])
    at = f"Decided at {instant(snapshot.now)}."
    if not pairs:
        said = _nothing_touched(snapshot)
        return Check("success", clip(said, TITLE_LIMIT), said, at, essence, decision.verdict)
    title = clip(explain.headline(*pairs[0]), TITLE_LIMIT)
    summary = fit([section(*pair, snapshot.now) for pair in pairs], OUTPUT_LIMIT)
    text = fit(["### The numbers", *(numbers(view) for view, _ in pairs), at], OUTPUT_LIMIT)
    return Check(_conclusion(snapshot, decision), title, summary, text, essence, decision.verdict)


def environment_check(snapshot: EnvironmentSnapshot, decision: Decision) -> Check:
    """What a pipeline was told, as a check would say it."""
    (ruling,), view = decision.rulings, snapshot.view
    return Check(
        conclusion="failure" if decision.verdict is Verdict.BLOCK else "success",
        title=clip(explain.headline(view, ruling), TITLE_LIMIT),
        summary=fit([section(view, ruling, snapshot.now)], OUTPUT_LIMIT),
        text=fit(["### The numbers", numbers(view), f"Decided at {instant(snapshot.now)}."], OUTPUT_LIMIT),
        essence=digest(facts(view, ruling, snapshot.now)),
        verdict=decision.verdict,
    )


def _conclusion(snapshot: DeploymentSnapshot, decision: Decision) -> str | None:
    if decision.verdict is Verdict.BLOCK:
        return "failure"
    return None if waits(snapshot, decision) else "success"


def _becomes(now: datetime, ends: datetime | None) -> str:
    if ends is None:
        return _WAITS
    return _REJECTED if now >= ends else f"{_WAITS} {_UNLESS.format(instant(ends))}"


def _nothing_touched(snapshot: DeploymentSnapshot) -> str:
    if snapshot.services:
        return "Nothing that it brings touches a service with a policy."
    return f"No service's policy covers {snapshot.deployment.repository}."


def _facts(
    view: ServiceView, ruling: ServiceRuling, snapshot: DeploymentSnapshot
) -> Iterator[tuple[str, list[str]]]:
    """What somebody who waits wants to know first."""
    if view.memory.state is State.FROZEN:
        yield "Expected end", [explain.until(view, snapshot.now)]
    if holding := [f"{one.repository}#{one.number}" for one in held_by(snapshot, view)]:
        yield "What is held", [listed(holding, ", ")]
    if snapshot.content is None:
        environment = code(snapshot.deployment.environment)
        said = f"what it brings to {environment}, so it may touch every service of the repository"
        yield (
            "Not known",
            [f"{said}, and nothing exempts it. An administrator of the repository can start it"],
        )
    elif ruling.effective is Verdict.BLOCK:
        yield "What may pass", [advice.passes(view)]
        yield "Who can let this through", [f"on each of them, {advice.overriders(view)}"]
