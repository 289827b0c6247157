"""Looks at what a proposal would do: a dry run of the queries it changes, and the past under its gates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from gatekeeper.decide.effect import Effect
from gatekeeper.decide.effect_texts import effect_section, headline
from gatekeeper.decide.study import Looked
from gatekeeper.errors import ConfigurationError, SourceError
from gatekeeper.policy.finding import Finding
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.model import Service
from gatekeeper.policy.objective import Indicator, Objective
from gatekeeper.policy.places import place_of
from gatekeeper.policy.problem import Problem
from gatekeeper.policy.proposal import Proposal


class Effects(Protocol):
    """Goes through the past; ``gatekeeper.worker.policy_effect.PolicyEffects`` is the real one."""

    def of(
        self, before: Sequence[Service], after: Sequence[Service], now: datetime, *, may_query: bool
    ) -> Effect:
        """What replacing these services by those would do."""


@runtime_checkable
class Probing(Protocol):
    """A source that can try an indicator's queries."""

    def probe(self, indicator: Indicator, now: datetime) -> Sequence[Finding]:
        """What looks like a mistake in them.

        Raises:
            SourceError: the source did not answer.
        """


class Modes(Protocol):
    """How the modes of the policies in force did."""

    def advice(self, service: Service, now: datetime) -> str | None:
        """What to do next with the mode of a policy in force, in plain text; None where there is nothing to say."""


@dataclass(frozen=True)
class ProposalLook:
    """Tries the queries of a proposal, and goes through the past with its gates.

    Attributes:
        effects: goes through the past.
        source: the source of an indicator; raises ConfigurationError when it is not set up.
        modes: what is said where a mode changes.
    """

    effects: Effects
    source: Callable[[Indicator], object]
    modes: Modes

    def __call__(
        self, proposal: Proposal, files: Sequence[PolicyFile], now: datetime, *, may_query: bool
    ) -> Looked:
        """What it came to. Nothing new is asked of a source unless ``may_query``."""
        problems: list[Problem] = []
        failures: list[str] = []
        notes = [*self._changed_modes(proposal, now)]
        for service, objective in untried(proposal) if may_query else ():
            try:
                source = self.source(objective.indicator)
                problems += dry_run(source, service, objective, files, now)
            except SourceError as error:
                failures.append(str(error))
            except ConfigurationError as error:
                notes.append(f"the queries of {service.name} are not tried: {error}")
        effect = self.effects.of(proposal.before, proposal.after, now, may_query=may_query)
        failures += [effect.failed] if effect.failed is not None else []
        notes += [f"not all could be looked at, and it is tried again soon: {one}" for one in failures]
        return Looked(
            tuple(problems),
            headline(effect),
            effect_section(effect, {one.origin.repository for one in (*proposal.before, *proposal.after)}),
            tuple(dict.fromkeys(notes)),
            "; ".join(dict.fromkeys(failures)) or None,
        )

    def _changed_modes(self, proposal: Proposal, now: datetime) -> Iterator[str]:
        """How the modes did that the proposal changes."""
        after = {service.key: service.gate.mode for service in proposal.after}
        for service in proposal.before:
            mode = after.get(service.key, service.gate.mode)
            if mode is not service.gate.mode and (said := self.modes.advice(service, now)) is not None:
                yield f"{service.name}, of which this makes the mode {mode}: {said}"


def dry_run(
    source: object, service: Service, objective: Objective, files: Sequence[PolicyFile], now: datetime
) -> Iterator[Problem]:
    """What a source says of an objective's queries, at their places in the service's file.

    Raises:
        SourceError: the source did not answer.
    """
    if not isinstance(source, Probing):
        return
    (system,) = objective.indicator.model_fields_set
    above = ("spec", "objectives", objective.name, "indicator", system)
    path = service.origin.path
    file = next((one for one in files if one.path == path), PolicyFile(path, ""))
    for one in source.probe(objective.indicator, now):
        mark = place_of(file, service.name, *above, *one.key)
        yield Problem.at(mark, one.message, one.suggestion, one.severity)


def untried(proposal: Proposal) -> Iterator[tuple[Service, Objective]]:
    """The objectives whose indicator no service in force has."""
    known = {one.indicator.id for service in proposal.before for one in service.objectives}
    for service in proposal.after:
        yield from ((service, one) for one in service.objectives if one.indicator.id not in known)
