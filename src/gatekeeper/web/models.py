"""What the JSON API answers, as types: the OpenAPI description is made of them, and every answer is one of them.

Numbers are unrounded, times RFC 3339 UTC, durations seconds, shares fractions; what is not measured is null.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gatekeeper.decide.verdict import Rule, State, Why
from gatekeeper.policy.gate import EnvironmentMode, Mode

VerdictName = Literal["allow", "warn", "block"]


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Error(Answer):
    """Why there is no answer."""

    error: str = Field(description="In words.")
    choices: list[str] | None = Field(
        default=None, description="What could have been meant, as organization/name."
    )


class RawReport(Answer):
    """The window without adjustments, against the target without an exception: shown, and decides nothing."""

    target: float
    good: float
    bad: float
    total: float
    availability: float | None
    budget_remaining: float


class AuditReport(Answer):
    """A UTC day of the ledger beside the source's own count of it. It is reported, and decides nothing."""

    day: date
    at: datetime = Field(description="When it was audited.")
    drifted: bool = Field(description="The two are further apart than is known to be possible.")
    why: Literal["missing", "partial", "no data", "unsupported", "refused", "trued up"] | None = Field(
        description="Why there was nothing to compare; null where there was. Missing: the ledger has nothing of a "
        "day of which the source counts events, which is drift too. Trued up: the ledger of a counter too large to "
        "read was scaled to the source's count of the day, and there is no other."
    )
    detail: str = Field(description="What the source had to say of that; else empty.")
    ledger_total: float | None = Field(description="Events by the ledger.")
    ledger_bad: float | None = Field(description="Bad events by the ledger.")
    source_total: float | None = Field(
        description="Events by one query over the whole day: independent of the ledger for counters read sample "
        "by sample; for a query with $window the one to which the ledger was scaled, asked again."
    )
    source_bad: float | None = Field(description="Bad events by one query over the whole day.")
    tolerance_total: float | None = Field(description="How far the events may be apart for known reasons.")
    tolerance_bad: float | None = Field(description="How far the bad events may be apart for known reasons.")
    availability_drift: float | None = Field(
        description="The day's availability by the ledger less that by the source; null where one has no events."
    )
    budget_drift: float | None = Field(
        description="The same as a share of that day's error budget, (1 - target) of its events."
    )


class ExceptionReport(Answer):
    """A dated change of target."""

    target: float
    since: datetime | None = Field(description="Null for one that has no stated beginning.")
    until: datetime
    reason: str


class AdjustmentReport(Answer):
    """A stretch of the window whose events do not count as they were measured."""

    start: datetime
    end: datetime
    reason: str
    treatment: Literal["up", "excluded"] = Field(
        description="up counts all events as good, excluded leaves them out."
    )
    bad: float = Field(description="Bad events that the ledger has there.")
    total: float


class ObjectiveReport(Answer):
    """An objective (SLO) and what its ledger says of the window that ends now."""

    name: str
    target: float = Field(
        description="Share of events that ought to be good, such as 0.9995; an exception's while it is in force."
    )
    window_seconds: int = Field(description="Length of the window; of a calendar period, its whole length.")
    window_start: datetime = Field(description="The numbers are of the window (window_start, window_end].")
    window_end: datetime
    good: float | None = Field(
        description="Good events (or minutes, if it counts these) in the window; good + bad = total."
    )
    bad: float | None
    total: float | None
    availability: float | None = Field(description="good / total; null without events.")
    budget_remaining: float | None = Field(
        description="Share of the error budget left: 1 - bad / ((1 - target) * total), where a calendar period "
        "counts with the total expected at its end. "
        "Never clamped: below 0 the budget is overspent."
    )
    expected_total: float | None = Field(
        description="Events of the whole window: total, and those expected until a calendar period's end. "
        "The budget is (1 - target) of them."
    )
    resets_at: datetime | None = Field(
        description="The calendar period's end, at which the budget starts anew; null for a rolling window."
    )
    coverage: float = Field(description="Measured slices / expected slices of the window.")
    interpolated: int | None = Field(
        description="Slices of the window that were spread over a gap in the data."
    )
    partial_since: datetime | None = Field(
        description="Where the ledger begins, when that is later than the window does."
    )
    source_short: bool = Field(
        description="The source was asked for the whole window and had nothing older than partial_since."
    )
    redefined: datetime | None = Field(
        description="Since when the numbers come from another query than before, for one window after that."
    )
    watermark: datetime | None = Field(description="End of the newest measured slice.")
    burn: dict[str, float | None] = Field(
        description="Burn rate by span in seconds; 1 spends the budget in exactly one window.",
        examples=[{"300": 0.0, "3600": 0.4, "21600": 1.2}],
    )
    incidents: int | None = Field(description="Failures in the window, one that still lasts included.")
    mtbf_seconds: float | None = Field(
        description="Mean up-time between failures; null until a failure was seen."
    )
    mtbf_at_least_seconds: float | None = Field(
        description="Without a failure: a third of the measured time, a lower bound with 95 % confidence."
    )
    mttr_seconds: float | None = Field(
        description="Mean time to restore; null without a failure, and while one lasts longer than the mean."
    )
    mttr_at_least_seconds: float | None = Field(
        description="While a failure lasts longer than the mean: the mean with it as far as it has lasted."
    )
    time_up: float | None = Field(
        description="MTBF / (MTBF + MTTR), the share of time without failure; null while either is null."
    )
    approximate: bool = Field(
        description="Some numbers come from a query that extrapolates, or from a divided bucket of a histogram."
    )
    query: str = Field(description="The indicator as its policy has it, a line a query.")
    exception: ExceptionReport | None = Field(description="What sets the target; null for the policy's own.")
    adjustments: list[AdjustmentReport] = Field(description="Those of the window, in order of time.")
    raw: RawReport | None = Field(description="Without these two; null when there are none.")
    audits: list[AuditReport] = Field(
        description="The ledger's newest audit, and those of the last 28 days that found drift; newest day first."
    )


class OpeningReport(Answer):
    """A gate that somebody opened to every change for a while, as in an incident."""

    actor: str
    at: datetime
    until: datetime
    reason: str


class ServiceReport(Answer):
    """A service: where its gate stands, and why."""

    name: str
    organization: str
    state: State
    since: datetime | None = Field(description="Since when; null before the first measurement.")
    expected_end: datetime | None = Field(
        description="When a freeze is expected to end, if it can be foreseen."
    )
    reasons: list[str] = Field(description="Why the gate stands there, and what is not known, in sentences.")
    opening: OpeningReport | None = Field(description="Null unless every change passes for now.")
    blocked: list[str] = Field(description="Open pull requests that wait for it, as owner/name#number.")
    objectives: list[ObjectiveReport]


class ServiceList(Answer):
    """All services."""

    services: list[ServiceReport]


class IncidentReport(Answer):
    """A stretch of time in which a service failed."""

    objective: str
    start: datetime
    end: datetime | None = Field(description="Null while it lasts.")
    bad: float = Field(description="Bad events in it.")
    budget_share: float = Field(description="Share of the window's error budget that it spent.")
    adjusted_by: str | None = Field(
        default=None,
        description="The reason of the adjustment that covers some of it: then it is as the ledger has it, "
        "and what is covered counts for nothing.",
    )
    counted_bad: float = Field(
        description="Bad events of what is left of it as an incident once adjustments are laid over it; "
        "bad where none covers any of it."
    )
    counted_budget_share: float = Field(description="The same of budget_share.")


class ReasonReport(Answer):
    """One rule that moved a gate: what was found, and the limit it passed."""

    rule: Rule
    objective: str
    found: float = Field(description="A share of the budget, a burn rate, or seconds, as the rule has it.")
    limit: float
    window_seconds: int | None = Field(description="Of a burn rate: over which span.")
    sentence: str


class TransitionReport(Answer):
    """A gate moved."""

    at: datetime
    before: State | None = Field(description="Null for the first time the service was seen.")
    after: State
    reasons: list[ReasonReport]


class CostReport(Answer):
    """What a deployment cost one objective. What nobody can tell is null: nothing was measured before it, or after."""

    objective: str
    until: datetime | None = Field(description="It was observed from its start until then.")
    bad: float | None = Field(
        description="Bad events beyond what the time before would have brought; below 0 when it went better."
    )
    sigma: float | None = Field(description="The standard deviation of bad.")
    budget_share: float | None = Field(
        description="Share of the window's error budget that it spent, 0 when it went better."
    )
    certain: bool | None = Field(description="Whether bad is beyond chance: above 3 sigma.")
    ambiguous_with: list[str] = Field(
        description="Ids of deployments less than an hour away: what went bad may be the fault of one before, "
        "and what went bad after one that follows may be this one's."
    )


class DeploymentReport(Answer):
    """A deployment that the service's users met."""

    id: str
    repository: str
    environment: str
    ref: str = Field(description="The branch, tag or SHA that was asked for.")
    sha: str
    start: datetime = Field(description="When it began to take effect.")
    url: str | None = Field(description="A page about it, as its sender says.")
    rollback_of: str | None = Field(description="Id of the deployment that it takes back.")
    rolled_back_by: list[str] = Field(description="Ids of the deployments that take it back.")
    costs: list[CostReport] = Field(
        description="By objective whose window it is in; empty for a rollback: its cost is that of what it takes back."
    )


class ReportedDeployment(Answer):
    """A deployment that a pipeline reports: that it began, or that it succeeded."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,199}$",
        description="The pipeline's own name for it, once in the repository; both reports have the same.",
    )
    repository: str = Field(
        pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$",
        description="Where the commit is, as owner/name.",
    )
    service: str | None = Field(
        default=None,
        min_length=1,
        max_length=63,
        description="The only service that it is of, by name; by default it is one of each of the repository's.",
    )
    environment: str = Field(min_length=1, max_length=255)
    sha: str = Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$", description="The commit that is deployed.")
    state: Literal["in_progress", "success"] = Field(
        description="It began, or it succeeded; what only began does not count."
    )
    at: AwareDatetime | None = Field(default=None, description="When it came to this state; now by default.")
    ref: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="The branch or tag that was asked for; the sha by default.",
    )
    task: str = Field(
        default="deploy",
        min_length=1,
        max_length=100,
        description="What is done; rollback takes back the last one.",
    )
    production: bool = Field(
        default=False, description="Users come to this environment, though its name does not begin with prod."
    )
    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s]+$", max_length=2000, description="A page about it."
    )


class DeploymentReceipt(Answer):
    """A deployment is on record."""

    id: str = Field(description="Its id in the answers of this API: the repository, and the pipeline's own.")
    new: bool = Field(description="False where it was reported before.")
    services: list[str] = Field(
        description="Of which services it is one, as organization/name; empty where no policy names the repository."
    )


class OverrideReport(Answer):
    """A ruling on a request to override a freeze."""

    pull_request: str
    actor: str
    granted: bool
    why: str = Field(description="Why it does not count, or not any more; empty when granted.")
    reason: str | None = Field(description="What the actor gave as reason.")
    label: str
    labeled_at: datetime
    until: datetime
    recorded_at: datetime


class StretchReport(Answer):
    """Bad events that leave the window together."""

    start: datetime
    end: datetime
    bad: float
    leaves_from: datetime = Field(description="When the first of them leaves the window.")
    leaves_until: datetime = Field(description="When the last of them has left it.")


class SpreadReport(Answer):
    """When the thaw rule is met if the time to come is like one or another of the last weeks."""

    earliest: datetime | None = Field(description="With the kindest of them; null if with none.")
    latest: datetime | None = Field(description="With the harshest; null if not in sight with that one.")
    weeks: int = Field(description="How many there are, the last one included.")


class ObjectiveForecast(Answer):
    """What is to come for one objective if no new incident does."""

    name: str
    thaw_at: datetime | None = Field(description="When its thaw rule is met; null when that is not foreseen.")
    thaw_by: Literal["above", "quiet"] | None = Field(description="Which half of the rule is met first.")
    thaw_spread: SpreadReport | None = Field(
        description="How far that may be off; null where only one week is known."
    )
    frees: list[StretchReport] = Field(description="What has to leave the window for that.")
    exhausted_at: datetime | None = Field(
        description="When the budget is spent at the burn rate of the last 6 hours; "
        "null if that is not within a window's length, or if it resets before."
    )


class ForecastReport(Answer):
    """What is to come if no new incident does."""

    thaw_at: datetime | None = Field(description="When the freeze is expected to end.")
    objectives: list[ObjectiveForecast]


class AdoptionReport(Answer):
    """How long a policy has been in its mode, what its gate held back or would have, and what to do next."""

    mode: Mode
    since: datetime = Field(description="When the policy came into this mode, as far as Gatekeeper saw.")
    known_since: datetime | None = Field(
        description="From when on every objective was measured, not before since; null while one is not."
    )
    needed_seconds: int | None = Field(
        description="How long it has to stand and be measured before the next mode; null for enforce."
    )
    freezes: int = Field(description="How often the gate was frozen in that time.")
    frozen_seconds: float
    held: list[str] = Field(
        description="Pull requests that a freeze or the pace held back, or would have with mode enforce."
    )
    merged: list[str] = Field(description="Those of them that were merged in a freeze or against the pace.")
    advice: str | None = Field(description="What to do next; null for enforce.")


class ServiceDetail(ServiceReport):
    """A service with its history."""

    incidents: list[IncidentReport]
    transitions: list[TransitionReport] = Field(description="Newest first.")
    deployments: list[DeploymentReport] = Field(description="Newest first.")
    overrides: list[OverrideReport] = Field(description="Newest first.")
    forecast: ForecastReport
    adoption: AdoptionReport | None = Field(
        description="How the policy's mode did; null where it came into force just now."
    )


class GateReport(Answer):
    """What a service's gate says to a deployment into one environment."""

    service: str
    organization: str
    environment: str
    at: datetime = Field(description="When it was so.")
    allowed: bool = Field(description="Whether to deploy: false for block, true for allow and warn.")
    known: bool = Field(description="False where it only warns because availability is not known.")
    verdict: VerdictName = Field(description="What the gate says, whatever mode and environment.")
    effective: VerdictName = Field(description="What counts after the policy's mode and environments.")
    why: Why
    mode: Mode = Field(description="The milder of the policy's mode and what it says of the environment.")
    treated: EnvironmentMode = Field(
        description="What the policy says of the environment; enforce where it does not name it."
    )
    sentence: str
    state: State
    since: datetime | None = Field(description="Since when; null before the first measurement.")
    expected_end: datetime | None = Field(
        description="When a freeze is expected to end, if it can be foreseen."
    )
    reasons: list[str] = Field(description="Why the gate stands there, and what is not known, in sentences.")
    decision: str | None = Field(
        default=None, description="Its id on record; null where it is not kept there: see docs/pipelines.md."
    )


class RulingReport(Answer):
    """What one service's gate says to a change."""

    service: str
    verdict: VerdictName = Field(description="What the gate says, whatever the policy's mode.")
    effective: VerdictName = Field(description="What counts after the policy's mode.")
    why: Why
    mode: Mode
    sentence: str


class DecisionReport(Answer):
    """A decision on a change."""

    id: str
    at: datetime
    subject: str = Field(
        description="owner/name#number, owner/name@environment, or organization/service:environment."
    )
    title: str
    author: str = Field(description="Empty where a pipeline asked the gate.")
    head_sha: str = Field(description="Empty where a pipeline asked the gate.")
    verdict: VerdictName
    rulings: list[RulingReport]


class DecisionList(Answer):
    """Decisions, newest first."""

    decisions: list[DecisionReport]


class DecisionDetail(DecisionReport):
    """A decision with its whole input; `gatekeeper replay` derives it again from that."""

    snapshot: Mapping[str, Any] = Field(description="What was observed: the whole input.")
    decision: Mapping[str, Any] = Field(description="The stored result, as derived from the input.")
