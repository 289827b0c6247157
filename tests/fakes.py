"""A GitHub in memory that keeps what is written, and the passes over it with the real stores.

``tests/contract/test_fake_github.py`` holds it to the real client on the simulated GitHub.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack

from builders import NOW
from gatekeeper.act.apply import Applier
from gatekeeper.decide.snapshot import ServiceView
from gatekeeper.errors import GitHubRefusedError
from gatekeeper.events.keys import Kind, WorkKey
from gatekeeper.github.values import (
    CheckContent,
    CheckRunData,
    CommentData,
    Files,
    GroupData,
    HeadData,
    LabelEvent,
    PolicyTree,
    PullData,
    RepositoryData,
    ReviewData,
    Update,
)
from gatekeeper.observe.installations import InstallationObserver
from gatekeeper.observe.pulls import Observed, OpenPulls, PullObserver
from gatekeeper.policy.in_force import InForce
from gatekeeper.policy.revert import FileChange, changes
from gatekeeper.store.catalog import Catalog
from gatekeeper.store.decisions import Decisions
from gatekeeper.store.deployments import Deployments
from gatekeeper.store.engine import Database
from gatekeeper.store.gates import Gates
from gatekeeper.store.groups import Groups
from gatekeeper.store.installations import Installations
from gatekeeper.store.overrides import Overrides
from gatekeeper.store.publications import Publications
from gatekeeper.store.pull_record import PullRecord
from gatekeeper.store.pulls import Pulls
from gatekeeper.store.queue import Queue
from gatekeeper.store.runs import Runs
from gatekeeper.store.service_record import ServiceRecord
from gatekeeper.store.work import Claim, Work
from gatekeeper.worker.announcement_pass import AnnouncementPass
from gatekeeper.worker.policy_pass import PolicyPass
from gatekeeper.worker.pull_pass import PullPass, TidyPass
from gatekeeper.worker.sweeps import CommitPass, InstallationPass, RepositoryPass

if TYPE_CHECKING:
    from gatekeeper.policy.model import Service

SHOP, CENTRAL, BOT = "acme/shop", "acme/.github", "gatekeeper[bot]"
INSTALLATION = 7
Key = TypeVar("Key")
Thing = TypeVar("Thing")


def head(letter: str) -> str:
    return letter * 40


@dataclass
class FakeGitHub:
    """Keeps state. ``refusing``: by method, the status it is refused with; ``meanwhile``: what happens in between."""

    mode: Literal["app", "token"] = "app"
    pulls: dict[tuple[str, int], PullData] = field(default_factory=dict)
    changed: dict[tuple[str, int], Files] = field(default_factory=dict)
    tips: dict[str, str] = field(default_factory=dict)
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    said: dict[int, tuple[str, int, CommentData]] = field(default_factory=dict)
    labeled: list[tuple[str, int, str, LabelEvent]] = field(default_factory=list)
    reviewed: list[tuple[str, int, ReviewData]] = field(default_factory=list)
    members: dict[str, set[str]] = field(default_factory=lambda: {"@acme/sre": {"alice", "bob"}})
    writers: set[str] = field(default_factory=lambda: {"alice", "bob"})
    retargeted: dict[tuple[str, int], datetime] = field(default_factory=dict)
    merges: dict[tuple[str, str], Update] = field(default_factory=dict)
    fork_points: dict[str, str] = field(default_factory=dict)
    trees: dict[str, dict[str, str] | None] = field(default_factory=dict)
    required: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    repositories: dict[str, RepositoryData] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    policies: dict[str, PolicyTree] = field(default_factory=dict)
    refusing: dict[str, int] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    # What people do

    def open(
        self, number: int, *, sha: str = head("a"), paths: Sequence[str] = ("src/app.py",), **values: Any
    ) -> None:
        pull = PullData(
            repository=SHOP,
            number=number,
            title="Add a button",
            author="dora",
            head_sha=sha,
            head_ref="topic",
            head_repository=SHOP,
            base_ref="main",
            labels=(),
            open=True,
            merged_at=None,
            draft=False,
            updated_at=NOW,
            default_branch="main",
            changed_files=len(paths),
            mergeable=True,
            test_merge=head("e"),
        )
        pull = replace(pull, **values)
        self.pulls[pull.repository, number] = pull
        self.changed[pull.repository, number] = Files(tuple(sorted(paths)), complete=True)
        for label in pull.labels:  # chosen in the form, by somebody of the team
            self.labeled.append((SHOP, number, label, LabelEvent("alice", human=True, at=NOW)))

    def change(self, number: int, **values: Any) -> None:
        self.pulls[SHOP, number] = replace(self.pulls[SHOP, number], **values)

    def label(self, number: int, label: str, by: str, at: datetime = NOW, *, human: bool = True) -> None:
        worn = {*self.pulls[SHOP, number].labels, label}
        self.change(number, labels=tuple(sorted(worn)))
        self.labeled.append((SHOP, number, label, LabelEvent(by, human, at)))

    def review(self, number: int, state: str, by: str) -> None:
        one = ReviewData(by, state, self.pulls[SHOP, number].head_sha, NOW)
        self.reviewed.append((SHOP, number, one))

    def unlabel(self, number: int, label: str) -> None:
        self.change(number, labels=tuple(one for one in self.pulls[SHOP, number].labels if one != label))

    def say(self, number: int, body: str, by: str) -> None:
        identity = next(self.ids)
        self.said[identity] = (SHOP, number, CommentData(identity, by, body))

    def rename(self, old: str, new: str) -> None:
        self.renamed[old] = new
        self.repositories[new] = replace(self.repositories.pop(old), full_name=new)
        self.policies[new] = self.policies.pop(old, PolicyTree("c0", ()))
        for key in [key for key in self.pulls if key[0] == old]:
            self.pulls[new, key[1]] = replace(self.pulls.pop(key), repository=new)
            self.changed[new, key[1]] = self.changed.pop(key)

    def create(self, name: str, *files: tuple[str, str], **values: Any) -> None:
        data = RepositoryData(name, "main", archived=False, installation_id=INSTALLATION)
        self.repositories[name] = replace(data, **values)
        self.commit(name, *files)

    def commit(self, name: str, *files: tuple[str, str], left_out: tuple[str, ...] = ()) -> None:
        self.policies[name] = PolicyTree(f"c{next(self.ids)}", tuple(sorted(files)), left_out)

    # What is there

    def conclusion(self, sha: str = head("a")) -> str | None:
        """Of the newest check on a commit; it has to have one."""
        newest = max(number for number, run in self.checks.items() if run["sha"] == sha)
        found: str | None = self.checks[newest]["conclusion"]
        return found

    def ours(self, number: int = 1) -> list[str]:
        return [one.body for _, of, one in self.said.values() if (of, one.author) == (number, BOT)]

    def labels(self, number: int = 1) -> tuple[str, ...]:
        return self.pulls[SHOP, number].labels

    @property
    def writes(self) -> list[str]:
        kinds = ("create", "update", "set", "edit", "delete", "add", "remove")
        return [call for call in self.calls if call.split("_")[0] in kinds]

    # The client's methods

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        if name in self.meanwhile:
            self.meanwhile.pop(name)()
        if name in self.failing:
            raise self.failing.pop(name)
        if name in self.refusing:
            raise GitHubRefusedError(f"{name}: {self.refusing[name]}", status=self.refusing[name])
        yield

    def _name(self, repository: str) -> str:
        return self.renamed.get(repository, repository)

    def pull(self, repository: str, number: int) -> PullData:
        with self._call("pull"):
            return _found(self.pulls, (self._name(repository), number))

    def files(self, repository: str, number: int, *, changed_files: int | None = None) -> Files:
        with self._call("files"):
            return self.changed[repository, number]

    def open_groups(self, repository: str) -> tuple[GroupData, ...]:
        return ()

    def check_runs(self, repository: str, sha: str, name: str) -> tuple[CheckRunData, ...]:
        with self._call("check_runs"):
            runs = [
                (number, run)
                for number, run in self.checks.items()
                if (run["sha"], run["name"]) == (sha, name)
            ]
            return tuple(
                CheckRunData(number, name, sha, run["external_id"], "completed", run["conclusion"])
                for number, run in sorted(runs, reverse=True)
            )

    def comments(self, repository: str, number: int) -> Iterator[CommentData]:
        with self._call("comments"):
            return iter([one for name, of, one in self.said.values() if (name, of) == (repository, number)])

    def parents(self, repository: str, commit: str) -> tuple[str, ...]:
        with self._call("parents"):
            name = self._name(repository)
            (pull,) = (
                one for one in self.pulls.values() if (one.repository, one.test_merge) == (name, commit)
            )
            return self.policies[name].commit, pull.head_sha

    def reviews(self, repository: str, number: int) -> Iterator[ReviewData]:
        with self._call("reviews"):
            return iter([one for name, of, one in self.reviewed if (name, of) == (repository, number)])

    def last_labeled(self, repository: str, number: int, label: str) -> LabelEvent | None:
        with self._call("last_labeled"):
            wanted = (repository, number, label.casefold())
            found = [one for name, of, what, one in self.labeled if (name, of, what.casefold()) == wanted]
            return found[-1] if found else None

    def is_active_member(self, team: str, user: str) -> bool:
        with self._call("is_active_member"):
            return user in self.members.get(team, set())

    def may_write(self, repository: str, login: str) -> bool:
        with self._call("may_write"):
            return login in self.writers

    def merged_with(self, repository: str, sha: str) -> tuple[int, ...]:
        with self._call("merged_with"):
            return tuple(sorted(number for (_, number), one in self.pulls.items() if one.merge_commit == sha))

    def merge_into(self, repository: str, branch: str, commit: str) -> Update | None:
        with self._call("merge_into"):
            return self.merges.get((branch, commit))

    def fork_point(self, repository: str, branch: str, head: str) -> str:
        with self._call("fork_point"):
            return self.fork_points[head]

    def differences(self, repository: str, before: str, after: str) -> tuple[FileChange, ...] | None:
        with self._call("differences"):
            trees = [self.trees[commit] for commit in (before, after)]
            listed = [tree for tree in trees if tree is not None]
            return changes(*listed) if len(listed) == len(trees) else None

    def last_retargeted(self, repository: str, number: int) -> datetime | None:
        with self._call("last_retargeted"):
            return self.retargeted.get((repository, number))

    def required_checks(self, repository: str, branch: str) -> frozenset[str]:
        with self._call("required_checks"):
            return self.required.get((repository, branch), frozenset())

    def head(self, repository: str) -> HeadData | None:
        with self._call("head"):
            sha = self.tips.get(self._name(repository))
            return (
                None if sha is None else HeadData(_found(self.repositories, repository).default_branch, sha)
            )

    def login(self) -> str:
        return BOT

    def open_pulls(self, repository: str) -> Iterator[PullData]:
        with self._call("open_pulls"):
            name = self._name(repository)
            _found(self.repositories, name)
            listed = [one for one in self.pulls.values() if one.repository == name and one.open]
            return iter([replace(one, changed_files=None) for one in listed])

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        with self._call("pulls_of_commit"):
            name = self._name(repository)
            return tuple(
                sorted(
                    number
                    for (of, number), one in self.pulls.items()
                    if of == name and one.head_sha == sha and one.open
                )
            )

    def repository(self, repository: str) -> RepositoryData:
        with self._call("repository"):
            return _found(self.repositories, self._name(repository))

    def policy_tree(self, repository: str, directory: str = "policies", ref: str | None = None) -> PolicyTree:
        with self._call("policy_tree"):
            return _found(self.policies, self._name(repository))

    def installation_repositories(self, installation_id: int) -> Iterator[RepositoryData]:
        with self._call("installation_repositories"):
            found = [one for one in self.repositories.values() if one.installation_id == installation_id]
            return iter(found)

    def create_check(self, repository: str, *, sha: str, name: str, **content: Unpack[CheckContent]) -> int:
        with self._call("create_check"):
            number = next(self.ids)
            self.checks[number] = {"sha": sha, "name": name, **content}
            return number

    def update_check(
        self, repository: str, check_id: int, *, sha: str, name: str, **content: Unpack[CheckContent]
    ) -> None:
        with self._call("update_check"):
            _found(self.checks, check_id)
            self.checks[check_id] = {"sha": sha, "name": name, **content}

    def set_status(
        self,
        repository: str,
        sha: str,
        *,
        context: str,
        state: str,
        description: str,
        target_url: str | None = None,
    ) -> None:
        with self._call("set_status"):
            self.statuses.append({"sha": sha, "context": context, "state": state})

    def create_comment(self, repository: str, number: int, body: str) -> int:
        with self._call("create_comment"):
            identity = next(self.ids)
            self.said[identity] = (repository, number, CommentData(identity, BOT, body))
            return identity

    def edit_comment(self, repository: str, comment_id: int, body: str) -> None:
        with self._call("edit_comment"):
            of, number, one = _found(self.said, comment_id)
            self.said[comment_id] = (of, number, replace(one, body=body))

    def delete_comment(self, repository: str, comment_id: int) -> None:
        with self._call("delete_comment"):
            self.said.pop(comment_id, None)

    def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> None:
        with self._call("add_labels"):
            worn = {*self.pulls[repository, number].labels, *labels}
            self.change(number, labels=tuple(sorted(worn)))

    def remove_label(self, repository: str, number: int, label: str) -> None:
        with self._call("remove_label"):
            self.unlabel(number, label)


def _found(things: Mapping[Key, Thing], key: Key) -> Thing:
    if key not in things:
        raise GitHubRefusedError(f"{key}: 404 Not Found", status=404)
    return things[key]


@dataclass
class Connections:
    """Which connections were renewed and dropped, by installation."""

    renewed: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def renew(self, installation_id: int) -> None:
        self.renewed.append(installation_id)

    def forget(self, installation_id: int) -> None:
        self.dropped.append(installation_id)


class Place:
    """The real stores and passes around a GitHub in memory, at an instant that tests move.

    Attributes:
        now: what passes take for the present.
    """

    def __init__(self, database: Database, github: FakeGitHub | None = None) -> None:
        self.now = NOW
        self.database = database
        self.github = github or FakeGitHub()
        self.work = Work(database, debounce=timedelta(0))
        self.queue = Queue(self.work, lambda: self.now)
        self.catalog, self.gates = Catalog(database, self.queue), Gates(database, self.queue)
        self.pulls, self.publications = Pulls(database, self.queue), Publications(database)
        self.decisions, self.overrides = Decisions(database), Overrides(database)
        self.groups = Groups(database)
        self.installations, self.deployments = Installations(database), Deployments(database)
        self.record = PullRecord(
            database,
            pulls=self.pulls,
            publications=self.publications,
            decisions=self.decisions,
            overrides=self.overrides,
            gates=self.gates,
            groups=self.groups,
            runs=Runs(database),
            catalog=self.catalog,
            queue=self.queue,
        )
        self.services = ServiceRecord(
            self.catalog,
            self.gates,
            self.pulls,
            self.groups,
            Runs(database),
            self.deployments,
            self.overrides,
        )
        self.observer = PullObserver(self.github, self.catalog, self.gates, self.record)
        listing = OpenPulls(self.github)
        self.connections = Connections()
        installed = InstallationObserver(self.github, self.installations, self.connections, self.catalog)
        applier = Applier(self.github, self.publications)
        pulls = PullPass(self.observer, self.record, applier, lambda one: f"https://gate/{one}")
        self.passes: dict[Kind, Callable[..., Any]] = {
            Kind.PULL: pulls,
            Kind.TIDY: TidyPass(pulls),
            Kind.POLICIES: PolicyPass(
                self.github, self.catalog, ".github", installation_of=self.installations.installation_of
            ),
            Kind.REPOSITORY: RepositoryPass(
                listing, self.record, self.record, self.installations.is_archived
            ),
            Kind.INSTALLATION: InstallationPass(installed, self.record),
            Kind.COMMIT: CommitPass(listing, self.record, self.record),
            Kind.ANNOUNCEMENT: AnnouncementPass(self.github, self.publications, self.catalog, None),
        }

    def put(self, *views: ServiceView, repository: str = SHOP, problems: tuple[str, ...] = ()) -> None:
        """Services in force in a repository, and where their gates stand."""
        services: tuple[tuple[Service, str | None], ...] = tuple((view.service, None) for view in views)
        self.catalog.put_in_force(InForce(repository, "c0", services, problems), (), self.now)
        self.stand(*views)

    def stand(self, *views: ServiceView) -> None:
        for view in views:
            self.gates.save(view, None, (), self.now)

    def run(self, key: WorkKey | int, *hints: Any) -> Any:
        """One pass; a number is a pull request of ``acme/shop``."""
        key = WorkKey.pull(SHOP, key) if isinstance(key, int) else key
        return self.passes[key.kind](key, hints, self.now)

    def observe(self, number: int = 1) -> Observed:
        seen = self.observer.observe(SHOP, number, self.now)
        assert isinstance(seen, Observed)
        return seen

    def settle(self, most: int = 50) -> list[str]:
        """Run passes until nothing is left to do (services' and deployments' are left out); which were run."""
        run = []
        while claim := self.claim():
            if claim.key.kind not in {Kind.SERVICE, Kind.RUNS}:
                self.passes[claim.key.kind](claim.key, claim.hints, self.now)
            self.work.finish(claim, self.now)
            run.append(str(claim.key))
            assert len(run) < most, f"no end: {run}"
        return run

    def claim(self, *, proposals: bool = False) -> Claim | None:
        """The next piece of work; looks at policy files are left out (none is changed here) unless asked for."""
        while claim := self.work.claim(self.now, timedelta(minutes=1)):
            if proposals or claim.key.kind is not Kind.PROPOSAL:
                return claim
            self.work.finish(claim, self.now)
        return None

    def touched(self, *, proposals: bool = False) -> dict[str, list[Any]]:
        """What is to be done, with its hints; taken off the queue."""
        found: dict[str, list[Any]] = {}
        while claim := self.claim(proposals=proposals):
            found[str(claim.key)] = list(claim.hints)
            self.work.finish(claim, self.now)
        return found
