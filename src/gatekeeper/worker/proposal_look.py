"""Looks at what a proposal would do: a dry run of the queries it changes, and the past under its gates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.decide.effect import Effect
from gatekeeper.decide.effect_texts import effect_section, headline
from gatekeeper.decide.study import Looked
from gatekeeper.policy.model import Service
from gatekeeper.policy.proposal import Proposal


class Effects(Protocol):
    """Goes through the past; ``gatekeeper.worker.policy_effect.PolicyEffects`` is the real one."""

    def of(
        self, before: Sequence[Service], after: Sequence[Service], now: datetime, *, may_query: bool
    ) -> Effect:
        """What replacing these services by those would do."""


@dataclass(frozen=True)
class ProposalLook:
    """Asks the sources what the queries of a proposal give, and goes through the past with its gates."""

    effects: Effects

    def __call__(self, proposal: Proposal, now: datetime, *, may_query: bool) -> Looked:
        """What it came to. Nothing new is asked of a source unless ``may_query``."""
        effect = self.effects.of(proposal.before, proposal.after, now, may_query=may_query)
        return Looked(headline=headline(effect), effect=effect_section(effect), failed=effect.failed)
