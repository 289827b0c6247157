"""Reading GitHub by ``owner/name`` and number, in plain values."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from github.CheckRun import CheckRun
from github.Issue import Issue
from github.PaginatedList import PaginatedList
from github.Repository import Repository
from github.WorkflowRun import WorkflowRun

from gatekeeper.errors import GitHubRefusedError
from gatekeeper.github import landings, merge_queue, runs, shapes
from gatekeeper.github.auth import InstallationAuth
from gatekeeper.github.connections import Connections, Mode
from gatekeeper.github.limiter import Load
from gatekeeper.github.policy_files import Blobs, policy_tree
from gatekeeper.github.transport import PER_PAGE
from gatekeeper.github.values import (
    CheckRunData,
    CommentData,
    Comparison,
    DeliveryPage,
    DeploymentData,
    Files,
    GroupData,
    HeadData,
    LabelEvent,
    PolicyTree,
    PullData,
    QueueEntry,
    Rate,
    RepositoryData,
    ReviewData,
    RunData,
    Update,
)
from gatekeeper.policy.revert import FileChange

_NOT_FOUND, _CONFLICT = 404, 409
_TEAM = re.compile(r"@?(?P<organization>[\w-]+)/(?P<slug>[\w.-]+)", re.ASCII)


class Reader:
    """GitHub as Gatekeeper reads it. Safe between threads; an iterator belongs to the thread that made it.

    Raises (each method):
        GitHubError: later: GitHub failed, or the connection to it did.
        RateLimitedError: later, and when.
        GitHubRefusedError: never, with the HTTP status; 404 also where the App is not installed.
        NotFoundError: what was given as ``owner/name`` is none.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._blobs = Blobs()

    @property
    def mode(self) -> Mode:
        """``app`` (check runs) or ``token`` (commit statuses only)."""
        return self._connections.mode

    # Reading pull requests

    def pull(self, repository: str, number: int) -> PullData:
        """A pull request as it is now."""
        return shapes.pull_data(self._repository(repository).get_pull(number).complete(), alone=True)

    def files(self, repository: str, number: int, *, changed_files: int | None = None) -> Files:
        """The paths it touches, one request for each hundred.

        Args:
            repository: ``owner/name``.
            number: of the pull request.
            changed_files: how many there should be (``PullData.changed_files``), to know whether the list is complete;
                without it, a list of as many as GitHub ever gives counts as incomplete.
        """
        listed = self._repository(repository).get_pull(number).get_files()
        return shapes.files_of(listed, changed_files=changed_files)

    def open_pulls(self, repository: str) -> Iterator[PullData]:
        """The open pull requests, most recently updated first, one request for each hundred."""
        listed = self._repository(repository).get_pulls(state="open", sort="updated", direction="desc")
        return (shapes.pull_data(one, alone=False) for one in listed)

    def pulls_of_commit(self, repository: str, sha: str) -> tuple[int, ...]:
        """The numbers of the open pull requests whose head a commit is, in order."""
        listed = self._repository(repository).get_commit(sha).get_pulls()
        return tuple(sorted(one.number for one in listed if one.state == "open" and one.head.sha == sha))

    def merged_with(self, repository: str, sha: str) -> tuple[int, ...]:
        """The numbers of the merged pull requests that a commit came with, in order."""
        listed = self._repository(repository).get_commit(sha).get_pulls()
        return tuple(sorted(one.number for one in listed if one.merged_at is not None))

    def merge_into(self, repository: str, branch: str, commit: str) -> Update | None:
        """The merge that moved a branch to a commit, by GitHub's record of the branch; None without one."""
        return landings.merge_into(self._repository(repository), branch, commit)

    def fork_point(self, repository: str, branch: str, head: str) -> str:
        """The commit at which ``head`` left a branch."""
        return landings.fork_point(self._repository(repository), branch, head)

    def differences(self, repository: str, before: str, after: str) -> tuple[FileChange, ...] | None:
        """What differs between two commits; None where GitHub does not list all of their files."""
        return landings.differences(self._repository(repository), before, after)

    def parents(self, repository: str, commit: str) -> tuple[str, ...]:
        """The commits that a commit was made of; of a merge the branch's own first."""
        return tuple(one.sha for one in self._repository(repository).get_commit(commit).parents)

    def pulls_with(self, repository: str, sha: str) -> tuple[int, ...]:
        """The numbers of the pull requests, open or merged, that a commit came with, in order."""
        listed = self._repository(repository).get_commit(sha).get_pulls()
        return tuple(sorted(one.number for one in listed if one.state == "open" or one.merged_at))

    def compare(self, repository: str, base: str, head: str) -> Comparison:
        """The commits that ``head`` has and ``base`` has not: the first hundred."""
        found = self._repository(repository)
        url = f"{found.url}/compare/{quote(base, safe='')}...{quote(head, safe='')}"
        _, told = found.requester.requestJsonAndCheck("GET", url, parameters={"per_page": PER_PAGE})
        commits = tuple(one["sha"] for one in told["commits"])
        return Comparison(commits, complete=len(commits) == told["total_commits"])

    def comments(self, repository: str, number: int) -> Iterator[CommentData]:
        """The conversation, oldest first, one request for each hundred."""
        return (shapes.comment_data(one) for one in self._issue(repository, number).get_comments())

    def reviews(self, repository: str, number: int) -> Iterator[ReviewData]:
        """The reviews, oldest first, one request for each hundred."""
        listed = self._repository(repository).get_pull(number).get_reviews()
        return (shapes.review_data(one) for one in listed)

    def last_labeled(self, repository: str, number: int, label: str) -> LabelEvent | None:
        """Who put a label there last, None when nobody did."""
        transport = self._connections.of_repository(repository).transport
        return shapes.last_labeled(
            shapes.pages(transport, f"{self._issue(repository, number).url}/events"), label
        )

    def last_retargeted(self, repository: str, number: int) -> datetime | None:
        """When it was sent to another branch last, None when it never was."""
        transport = self._connections.of_repository(repository).transport
        return shapes.last_retargeted(
            shapes.pages(transport, f"{self._issue(repository, number).url}/events")
        )

    def check_runs(self, repository: str, sha: str, name: str) -> tuple[CheckRunData, ...]:
        """Our check runs of this name on a commit, newest first; none with a token, which cannot make any."""
        if self.mode == "token":
            return ()
        connection, ours = self._connections.of_repository(repository), self._connections.app_number()
        listed = PaginatedList(
            CheckRun,
            connection.transport,
            f"{self._repository(repository).get_commit(sha).url}/check-runs",
            {"check_name": name, "filter": "all", "app_id": ours},
            list_item="check_runs",
        )
        # Checked again, because the query is lost when a renamed repository's address is followed.
        found = [run for run in listed if run.name == name and run.app.id == ours]
        return tuple(
            shapes.check_run_data(run) for run in sorted(found, key=lambda run: run.id, reverse=True)
        )

    # Reading workflow runs

    def workflow_run(self, repository: str, number: int) -> RunData:
        """A workflow run as it is now."""
        return runs.run_data(self._repository(repository).get_workflow_run(number).complete())

    def waiting_runs(self, repository: str) -> tuple[int, ...]:
        """The workflow runs that wait for something that protects an environment, in order."""
        listed = PaginatedList(
            WorkflowRun,
            self._connections.of_repository(repository).transport,
            f"{self._repository(repository).url}/actions/runs",
            {"status": "waiting"},
            list_item="workflow_runs",
        )
        return tuple(sorted(one.id for one in listed))

    def pending_environments(self, repository: str, run: int) -> tuple[str, ...]:
        """The environments that a workflow run waits for, by name."""
        found = self._repository(repository)
        url = f"{found.url}/actions/runs/{run}/pending_deployments"
        _, told = found.requester.requestJsonAndCheck("GET", url)
        return runs.environments(told)

    def guards(self, repository: str, environment: str) -> bool:
        """Whether our own protection rule is enabled for an environment; a token has none."""
        if self.mode == "token":
            return False
        found = self._repository(repository)
        url = f"{found.url}/environments/{quote(environment, safe='')}/deployment_protection_rules"
        try:
            _, told = found.requester.requestJsonAndCheck("GET", url)
        except GitHubRefusedError as error:
            if error.status == _NOT_FOUND:
                return False
            raise
        return runs.has_rule_of(told, self._connections.app_number())

    def head(self, repository: str) -> HeadData | None:
        """The newest commit of the default branch; None for a repository without commits."""
        found = self._repository(repository)
        branch = found.default_branch
        try:
            url = f"{found.url}/git/ref/heads/{quote(branch)}"
            _, told = found.requester.requestJsonAndCheck("GET", url)
        except GitHubRefusedError as error:
            if error.status in {_NOT_FOUND, _CONFLICT}:
                return None
            raise
        return HeadData(branch, told["object"]["sha"])

    def deployment(self, repository: str, number: int) -> DeploymentData:
        """A deployment with the newest of its statuses."""
        found = self._repository(repository)
        url = f"{found.url}/deployments/{number}"
        _, told = found.requester.requestJsonAndCheck("GET", url)
        _, statuses = found.requester.requestJsonAndCheck("GET", f"{url}/statuses")
        return runs.deployment_data(repository, told, statuses)

    # Reading repositories and people

    def repository(self, repository: str) -> RepositoryData:
        """A repository's settings."""
        connection = self._connections.of_repository(repository)
        # Complete first: otherwise PyGithub takes the name from the address, which may be a former one.
        return shapes.repository_data(
            connection.repository(repository).complete(), connection.installation_id
        )

    def installations(self) -> Iterator[int]:
        """Where the App is installed; a token is installed nowhere."""
        if self.mode == "token":
            return iter(())
        return (int(one["id"]) for one in shapes.pages(self._connections.app, "/app/installations"))

    def installation_repositories(self, installation_id: int) -> Iterator[RepositoryData]:
        """The repositories that an installation covers."""
        listed = PaginatedList(
            Repository,
            self._connections.of_installation(installation_id).transport,
            "/installation/repositories",
            None,
            list_item="repositories",
        )
        return (shapes.repository_data(one, installation_id) for one in listed)

    def policy_tree(self, repository: str, directory: str = "policies", ref: str | None = None) -> PolicyTree:
        """The policy files at a commit, or at a branch's present one.

        Args:
            repository: ``owner/name``.
            directory: where they are; when it is missing there are none.
            ref: the branch, by default the repository's default branch (which costs a request to learn); or a commit's
                SHA. GitHub knows the head of a fork's pull request in the repository that it was opened in, too.
        """
        found = self._repository(repository)
        branch = ref or found.default_branch
        try:
            return policy_tree(found, directory, branch, blobs=self._blobs)
        except GitHubRefusedError as error:
            if ref is None and error.status == _NOT_FOUND:
                return PolicyTree("", ())  # a repository without commits has a default branch only by name
            raise

    def merge_queue(self, repository: str, branch: str) -> tuple[QueueEntry, ...]:
        """The entries of a branch's merge queue, the next to be merged first; none where it has no queue."""
        transport = self._connections.of_repository(repository).transport
        return tuple(merge_queue.entries(transport, repository, branch))

    def open_groups(self, repository: str) -> tuple[GroupData, ...]:
        """The merge groups that are built at the moment, on whatever branch."""
        try:
            found = self._repository(repository)
            # Not PyGithub's get_git_matching_refs, which asks for pages that this list does not have.
            url = f"{found.url}/git/matching-refs/{merge_queue.GROUPS}"
            _, refs = found.requester.requestJsonAndCheck("GET", url)
            return tuple(merge_queue.groups(refs))
        except GitHubRefusedError as error:
            if error.status == _CONFLICT:  # a repository without commits has no refs to list
                return ()
            raise

    def required_checks(self, repository: str, branch: str) -> frozenset[str]:
        """The names of the checks that rulesets require on a branch (classic branch protection is not visible)."""
        return frozenset(self.required_sources(repository, branch))

    def required_sources(self, repository: str, branch: str) -> Mapping[str, frozenset[int | None]]:
        """The same with the Apps that each has to come from; None where a rule takes it from anybody."""
        found = self._repository(repository)
        rules = shapes.pages(found.requester, f"{found.url}/rules/branches/{quote(branch, safe='')}")
        return shapes.required_sources(rules)

    def may_write(self, repository: str, login: str) -> bool:
        """Whether a user may push to a repository; False for one that GitHub does not know."""
        found = self._repository(repository)
        try:
            url = f"{found.url}/collaborators/{quote(login, safe='')}/permission"
            _, told = found.requester.requestJsonAndCheck("GET", url)
        except GitHubRefusedError as error:
            if error.status == _NOT_FOUND:
                return False
            raise
        # "maintain" is told as "write"; custom roles as the one they are made from.
        return told["permission"] in {"admin", "write"}

    def is_active_member(self, team: str, user: str) -> bool:
        """Whether a person is an active member of ``@organization/slug`` or a team below it.

        False as well when the team, or the App in that organisation, does not exist: nobody vouches for them.
        """
        named = _TEAM.fullmatch(team)
        if named is None:
            return False
        organization, slug = quote(named["organization"]), quote(named["slug"])
        try:
            transport = self._connections.of_organization(organization).transport
            url = f"/orgs/{organization}/teams/{slug}/memberships/{quote(user, safe='')}"
            _, told = transport.requestJsonAndCheck("GET", url)
        except GitHubRefusedError as error:
            if error.status == _NOT_FOUND:
                return False
            raise
        return bool(told["state"] == "active")

    # Reading about ourselves

    def app(self) -> dict[str, Any]:
        """The App's registration, as GitHub tells it.

        Raises:
            ConfigurationError: there is no App.
        """
        _, told = self._connections.app.requestJsonAndCheck("GET", "/app")
        return dict(told)

    def app_number(self) -> int:
        """The App's number, as rulesets and check runs name it.

        Raises:
            ConfigurationError: there is no App.
        """
        return self._connections.app_number()

    def hook_url(self) -> str | None:
        """Where the App's events go, None when it has no webhook.

        Raises:
            ConfigurationError: there is no App.
        """
        _, told = self._connections.app.requestJsonAndCheck("GET", "/app/hook/config")
        return told.get("url") or None

    def deliveries(self, cursor: str | None = None) -> DeliveryPage:
        """A hundred attempts to deliver events to the App's webhook, newest first; GitHub keeps those of 3 days.

        Raises:
            ConfigurationError: there is no App.
        """
        transport = self._connections.app
        parameters = {"per_page": transport.per_page} | ({} if cursor is None else {"cursor": cursor})
        headers, listed = transport.requestJsonAndCheck("GET", "/app/hook/deliveries", parameters=parameters)
        return shapes.delivery_page(listed, headers.get("link", ""))

    def login(self) -> str:
        """The login that our comments appear under."""
        return self._connections.login()

    def permissions(self, installation_id: int) -> Mapping[str, str]:
        """What an installation was granted when its present token was made: name → level."""
        auth = self._connections.of_installation(installation_id).transport.auth
        return auth.permissions if isinstance(auth, InstallationAuth) else {}

    def rates(self) -> dict[int | None, Rate]:
        """What the last answers said of the quotas, by installation; no request."""
        opened = self._connections.open().items()
        return {one: rate for one, connection in opened if (rate := connection.rate()) is not None}

    def loads(self) -> dict[int | None, Load]:
        """How busy the way to each installation is; no request."""
        opened = self._connections.open().items()
        return {one: connection.transport.limiter.load() for one, connection in opened}

    def _repository(self, full_name: str) -> Repository:
        return self._connections.of_repository(full_name).repository(full_name)

    def _issue(self, repository: str, number: int) -> Issue:
        return self._repository(repository).get_issue(number)
