"""What a look at a proposal says of the modes that it changes."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from builders import DAY, NOW, a_gate, a_service
from gatekeeper.decide.effect import Effect
from gatekeeper.policy.model import Service
from gatekeeper.policy.proposal import Proposal
from gatekeeper.worker.proposal_look import ProposalLook


class NoEffects:
    def of(
        self, before: Sequence[Service], after: Sequence[Service], now: datetime, *, may_query: bool
    ) -> Effect:
        return Effect(28 * DAY)


class Advising:
    """Says of each mode that it stood for too short, but nothing of one that enforces."""

    def advice(self, service: Service, now: datetime) -> str | None:
        mode = service.gate.mode
        return None if mode == "enforce" else f"not yet: 12 of 60 days in {mode}"


def service(mode: str) -> Service:
    return a_service("checkout", gate=a_gate(mode=mode))


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        pytest.param(
            "observe",
            "enforce",
            ("checkout, of which this makes the mode enforce: not yet: 12 of 60 days in observe",),
            id="a step up",
        ),
        pytest.param("enforce", "observe", (), id="a step down"),
        pytest.param("observe", "observe", (), id="another change"),
        pytest.param("observe", None, (), id="a service removed"),
        pytest.param(None, "enforce", (), id="a service added"),
    ],
)
def test_a_mode_that_changes_is_told_how_it_did(
    before: str | None, after: str | None, notes: tuple[str, ...]
) -> None:
    proposal = Proposal(before=(service(before),) if before else (), after=(service(after),) if after else ())
    look = ProposalLook(NoEffects(), lambda _: None, Advising())
    assert look(proposal, (), NOW, may_query=False).notes == notes
