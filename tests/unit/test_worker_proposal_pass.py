"""The pass over a pull request's policy files, around a GitHub in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from databases import opened
from fakes import SHOP, FakeGitHub, Place, head
from gatekeeper.act.apply import POLICY, Applier
from gatekeeper.decide.study import Looked
from gatekeeper.errors import TemporaryError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.github.values import PolicyTree
from gatekeeper.observe.proposals import ProposalObserver
from gatekeeper.policy.loader import PolicyFile
from gatekeeper.policy.proposal import Proposal
from gatekeeper.store.proposals import Proposals
from gatekeeper.worker.proposal_pass import ProposalPass

PATH = "policies/shop.yaml"
FILE = """\
apiVersion: gatekeeper/v1
kind: Service
metadata: {name: shop}
spec:
  objectives: [{target: 99.9%, indicator: {prometheus: {bad: errors_total, total: requests_total}}}]
  changes: [{paths: ["**"]}]
"""
KEY = WorkKey.proposal(SHOP, 1)
AGAIN = [{"button": "recheck", "actor": "dora"}]


@dataclass
class Proposed(FakeGitHub):
    """One pull request makes the target stricter."""

    heads: dict[str, PolicyTree] = field(default_factory=dict)

    def policy_tree(self, repository: str, directory: str = "policies", ref: str | None = None) -> PolicyTree:
        found = super().policy_tree(repository, directory, ref)
        return self.heads.get(ref or "", found)


@dataclass
class Source:
    """What is asked what a proposal would do."""

    failed: str | None = None

    def __call__(
        self, proposal: Proposal, files: Sequence[PolicyFile], now: datetime, *, may_query: bool
    ) -> Looked:
        del proposal, files, now
        return Looked(failed=self.failed, headline="" if self.failed else f"Would do little, {may_query}")


@pytest.fixture
def github() -> Proposed:
    github = Proposed()
    github.create(SHOP, (PATH, FILE))
    github.heads[head("e")] = PolicyTree(head("e"), ((PATH, FILE.replace("99.9%", "99.99%")),))
    github.open(1, paths=[PATH])
    return github


@pytest.fixture
def place(tmp_path: Path, github: Proposed) -> Iterator[Place]:
    with opened(f"sqlite:///{tmp_path}/gatekeeper.db") as database:
        place = Place(database, github)
        place.run(WorkKey(Kind.POLICIES, SHOP))
        yield place


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def proposal_pass(place: Place, source: Source) -> ProposalPass:
    record = Proposals(place.database, place.publications, place.queue)
    return ProposalPass(
        ProposalObserver(place.github, record),
        place.catalog,
        record,
        source,
        Applier(place.github, place.publications, POLICY),
        ".github",
    )


def written(github: FakeGitHub) -> list[str]:
    calls = [one for one in github.calls if one.startswith(("create_", "update_", "edit_"))]
    github.calls.clear()
    return calls


def test_while_a_source_is_away_nothing_is_said_anew_though_somebody_asked(
    proposal_pass: ProposalPass, place: Place, github: Proposed, source: Source
) -> None:
    """Each attempt would write the same words again: what was asked is answered once it can be."""
    source.failed = "no answer"
    with pytest.raises(TemporaryError, match="no answer"):
        proposal_pass(KEY, [], place.now)
    assert written(github) == ["create_check", "create_comment"]
    for _ in range(2):
        with pytest.raises(TemporaryError, match="no answer"):
            proposal_pass(KEY, AGAIN, place.now)
    assert written(github) == []
    source.failed = None
    proposal_pass(KEY, AGAIN, place.now)
    assert written(github) == ["update_check", "edit_comment"]
    proposal_pass(KEY, AGAIN, place.now)
    assert written(github) == ["update_check", "edit_comment"], "somebody asked for the present numbers"
    proposal_pass(KEY, [], place.now)
    assert written(github) == []
