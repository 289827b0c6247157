"""The simulated GitHub as its people use it: every act a person can do in the browser, as a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.demo.github import (
    branches,
    checks,
    conversation,
    hooks,
    installing,
    moving,
    pulls,
    queueing,
    reviewing,
)
from gatekeeper.demo.github.conversation import Actor
from gatekeeper.demo.github.deliveries import Hook
from gatekeeper.demo.github.entities import CheckOutput, CheckRun, Membership, RequiredCheck
from gatekeeper.demo.github.errors import Refused
from gatekeeper.demo.github.pipelines import Pipelines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatekeeper.demo.github.branches import Files
    from gatekeeper.demo.github.entities import (
        App,
        Comment,
        Commit,
        Installation,
        PreparedChange,
        PullRequest,
        QueueEntry,
        Repository,
        Review,
        ReviewState,
        Role,
    )


class World(Pipelines):
    """The records with the acts on them. Repositories are named ``owner/name``, people by login.

    Every method holds the lock, sends the webhooks GitHub would send, and raises ``Refused`` where GitHub refuses.
    """

    __slots__ = ()

    def add_repository(
        self, full_name: str, files: Files, *, author: str, private: bool = True, branch: str = "main"
    ) -> Repository:
        """Create a repository with a first commit."""
        with self.lock:
            return branches.add_repository(
                self, full_name, files, author=author, private=private, branch=branch
            )

    def set_role(self, repository: str, login: str, role: Role) -> None:
        """Make a person a collaborator."""
        with self.lock:
            self.roles[repository, login] = role

    def invite(self, organization: str, team: str, login: str) -> None:
        """Ask a person into a team; until they accept, the membership is pending."""
        with self.lock:
            self.set_membership(organization, team, login, Membership(state="pending"))

    def join(self, organization: str, team: str, login: str) -> None:
        """Make a person an active member of a team."""
        with self.lock:
            self.set_membership(organization, team, login, Membership())

    def leave(self, organization: str, team: str, login: str) -> None:
        """Take a person out of a team."""
        with self.lock:
            self.set_membership(organization, team, login, None)

    def require_check(self, repository: str, branch: str, context: str, *, app_id: int | None = None) -> None:
        """Let a ruleset require a check on a branch."""
        with self.lock:
            self.required.append(RequiredCheck(repository, branch, context, app_id))

    def require_queue(self, repository: str, branch: str) -> None:
        """Let a ruleset require that a branch is merged into by its merge queue."""
        with self.lock:
            self.queued.add((repository, branch))

    def enqueue(self, repository: str, number: int, *, by: str) -> QueueEntry:
        """Click "Merge when ready" on a pull request whose own checks pass (write or above)."""
        with self.lock:
            return queueing.enqueue(self, repository, number, by=by)

    def dequeue(self, repository: str, number: int, *, by: str) -> None:
        """Take a pull request out of the merge queue (write or above)."""
        with self.lock:
            queueing.dequeue(self, repository, number, by=by)

    def add_personal_token(self, login: str, token: str) -> None:
        """Let a person make a personal access token."""
        with self.lock:
            self.personal_tokens[token] = login

    def update_file(
        self,
        repository: str,
        path: str,
        content: str | None,
        *,
        by: str,
        branch: str | None = None,
        message: str | None = None,
    ) -> Commit:
        """Edit (or, with None, delete) a file on a branch: a push."""
        with self.lock:
            target = branch or self.repository(repository).default_branch
            text = message or f"{'Delete' if content is None else 'Update'} {path}"
            return branches.push(self, repository, target, {path: content}, author=by, message=text)

    def push_commit(
        self,
        repository: str,
        branch: str,
        files: Files,
        *,
        by: str,
        message: str = "Work in progress",
        force: bool = False,
    ) -> Commit:
        """Push one commit to a branch, which is created if need be; its pull requests are synchronised.

        With ``force`` it is the only one on the branch then.
        """
        with self.lock:
            made = branches.push(self, repository, branch, files, author=by, message=message, force=force)
            for pull in [*self.pulls.values()]:
                if pull.state == "open" and (pull.source, pull.head_ref) == (repository, branch):
                    queueing.drop(self, pull, by=by)
            return made

    def archive(self, repository: str, *, by: str, archived: bool = True) -> None:
        """Make a repository read-only, or open it again."""
        with self.lock:
            branches.archive(self, repository, archived=archived, by=by)

    def rename(self, repository: str, name: str, *, by: str) -> None:
        """Give a repository another name; its old address leads to it."""
        with self.lock:
            moving.rename(self, repository, name, by=by)

    def transfer(self, repository: str, owner: str, *, by: str) -> None:
        """Give a repository to another account; its old address leads to it."""
        with self.lock:
            moving.transfer(self, repository, owner, by=by)

    def rename_organization(self, login: str, name: str, *, by: str) -> None:
        """Give an organisation another name; the old addresses of its repositories lead to them."""
        with self.lock:
            moving.rename_organization(self, login, name, by=by)

    def delete_repository(self, repository: str, *, by: str) -> None:
        """Delete a repository."""
        with self.lock:
            moving.delete(self, repository, by=by)

    def fork(self, repository: str, owner: str) -> Repository:
        """Fork a repository to another account, where only its owner may push."""
        with self.lock:
            return branches.fork(self, repository, owner)

    def review(
        self, repository: str, number: int, state: ReviewState = "APPROVED", *, by: str, body: str = ""
    ) -> Review:
        """Review the present head (read or above; nobody approves their own)."""
        with self.lock:
            return reviewing.review(self, repository, number, state, by=by, body=body)

    def dismiss_review(self, repository: str, number: int, review_id: int, *, by: str) -> Review:
        """Dismiss somebody's review (write or above)."""
        with self.lock:
            return reviewing.dismiss(self, repository, number, review_id, by=by)

    def open_pull(
        self,
        repository: str,
        *,
        author: str,
        title: str,
        files: Files,
        branch: str | None = None,
        base: str | None = None,
        body: str | None = None,
        labels: Iterable[str] = (),
        draft: bool = False,
        fork: str | None = None,
    ) -> PullRequest:
        """Push ``files`` to a new branch (of a ``fork``) and open a pull request from it."""
        with self.lock:
            target = base or self.repository(repository).default_branch
            head = branch or f"{author}/change-{self.new_id()}"
            branches.push(self, fork or repository, head, files, author=author, message=title, start=target)
            return pulls.open_pull(
                self,
                repository,
                author=author,
                title=title,
                head=head,
                base=target,
                body=body,
                labels=labels,
                draft=draft,
                fork=fork,
            )

    def open_prepared(
        self, change: PreparedChange, *, author: str, title: str | None = None, draft: bool = False
    ) -> PullRequest:
        """Open a pull request from a prepared change."""
        with self.lock:
            files = self.head(change.repository, self.repository(change.repository).default_branch).files
            line = change.line.format(number=self.new_id())
            text = f"{files.get(change.path, b'').decode()}{line}\n"
            return self.open_pull(
                change.repository,
                author=author,
                title=title or change.title,
                files={change.path: text},
                body=change.body,
                draft=draft,
            )

    def edit_pull(
        self,
        repository: str,
        number: int,
        *,
        by: str,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
    ) -> PullRequest:
        """Change title, body or base branch."""
        with self.lock:
            return pulls.edit(self, repository, number, by=by, title=title, body=body, base=base)

    def set_draft(self, repository: str, number: int, *, draft: bool, by: str) -> PullRequest:
        """Turn it into a draft, or mark it ready for review."""
        with self.lock:
            return pulls.set_draft(self, repository, number, draft=draft, by=by)

    def close(self, repository: str, number: int, *, by: str) -> PullRequest:
        """Close a pull request unmerged."""
        with self.lock:
            return pulls.close(self, repository, number, by=by)

    def reopen(self, repository: str, number: int, *, by: str) -> PullRequest:
        """Open a closed pull request again."""
        with self.lock:
            return pulls.reopen(self, repository, number, by=by)

    def merge(self, repository: str, number: int, *, by: str) -> Commit:
        """Merge; refused with 405 while a required check is missing or failing."""
        with self.lock:
            return pulls.merge(self, repository, number, by=by)

    def auto_merge(self, repository: str, number: int, *, by: str, on: bool = True) -> PullRequest:
        """Have it merged as soon as it can be (write or above), or not any more."""
        with self.lock:
            change = pulls.enable_auto_merge if on else pulls.disable_auto_merge
            return change(self, repository, number, by=by)

    def label(self, repository: str, number: int, name: str, *, by: str) -> PullRequest:
        """Add a label (triage or above)."""
        with self.lock:
            self.require_role(repository, by, "triage")
            return conversation.add_labels(self, repository, number, [name], Actor(by))

    def unlabel(self, repository: str, number: int, name: str, *, by: str) -> PullRequest:
        """Remove a label (triage or above)."""
        with self.lock:
            self.require_role(repository, by, "triage")
            return conversation.remove_label(self, repository, number, name, Actor(by))

    def comment_on(self, repository: str, number: int, body: str, *, by: str) -> Comment:
        """Write a comment (read or above)."""
        with self.lock:
            self.require_role(repository, by, "read")
            return conversation.add_comment(self, repository, number, body, Actor(by))

    def edit_comment(self, repository: str, comment_id: int, body: str, *, by: str) -> Comment:
        """Edit a comment: one's own, or with write any."""
        with self.lock:
            if self.comment(repository, comment_id).author != by:
                self.require_role(repository, by, "write")
            return conversation.edit_comment(self, repository, comment_id, body, Actor(by))

    def delete_comment(self, repository: str, comment_id: int, *, by: str) -> None:
        """Delete a comment: one's own, or with write any."""
        with self.lock:
            if self.comment(repository, comment_id).author != by:
                self.require_role(repository, by, "write")
            conversation.delete_comment(self, repository, comment_id, Actor(by))

    def click_rerun(self, repository: str, check_id: int, *, by: str) -> None:
        """Click "Re-run" on a check run (write or above)."""
        with self.lock:
            checks.click_rerun(self, repository, check_id, by=by)

    def click_rerun_all(self, repository: str, suite_id: int, *, by: str) -> None:
        """Click "Re-run all checks" of an App (write or above)."""
        with self.lock:
            checks.click_rerun_all(self, repository, suite_id, by=by)

    def click_action(self, repository: str, check_id: int, identifier: str, *, by: str) -> None:
        """Click a button that the check run's App put there (write or above)."""
        with self.lock:
            checks.click_action(self, repository, check_id, identifier, by=by)

    def report_check(
        self, repository: str, sha: str, name: str, *, app_id: int, conclusion: str | None, title: str = ""
    ) -> CheckRun:
        """Let another App report a check run; without a conclusion it is in progress."""
        with self.lock:
            now = self.now()
            run = CheckRun(
                id=0,
                repository=repository,
                suite_id=0,
                app_id=app_id,
                name=name,
                head_sha=sha,
                status="completed" if conclusion else "in_progress",
                started_at=now,
                conclusion=conclusion,
                completed_at=now if conclusion else None,
                output=CheckOutput(title=title or name, summary=title or name),
            )
            made = checks.create_run(self, run, self.apps[app_id].bot)
            pulls.settle(self, repository, sha)
            return made

    def register_app(
        self,
        slug: str,
        *,
        owner: str,
        public_key: str,
        permissions: Mapping[str, str],
        events: Iterable[str],
        app_id: int | None = None,
    ) -> App:
        """Register an App."""
        with self.lock:
            return installing.register(
                self,
                slug,
                owner=owner,
                public_key=public_key,
                permissions=permissions,
                events=events,
                app_id=app_id,
            )

    def install(
        self, app_id: int, account: str, *, by: str, repositories: Iterable[str] | None = None
    ) -> Installation:
        """Install an App on an account, for all its repositories or for these."""
        with self.lock:
            return installing.install(self, app_id, account, by=by, repositories=repositories)

    def uninstall(self, installation_id: int, *, by: str) -> None:
        """Remove an App from an account."""
        with self.lock:
            installing.uninstall(self, installation_id, by=by)

    def choose_repositories(
        self, installation_id: int, repositories: Iterable[str], *, by: str
    ) -> Installation:
        """Change which repositories an installation covers."""
        with self.lock:
            return installing.choose_repositories(self, installation_id, repositories, by=by)

    def grant(self, installation_id: int, permissions: Mapping[str, str]) -> Installation:
        """Give an installation these permissions instead of the App's."""
        with self.lock:
            return installing.grant(self, installation_id, permissions)

    def accept(self, installation_id: int, permissions: Mapping[str, str], *, by: str) -> Installation:
        """Let an owner accept the permissions that an App asks for."""
        with self.lock:
            return installing.accept(self, installation_id, permissions, by=by)

    def suspend(self, installation_id: int, *, by: str, suspended: bool = True) -> None:
        """Suspend an App on an account, or let it work again."""
        with self.lock:
            installing.suspend(self, installation_id, by=by, suspended=suspended)

    def set_hook(self, hook: Hook, *, by: str) -> None:
        """Configure where webhooks go; GitHub greets with a ping."""
        with self.lock:
            self.deliveries.hook = hook
            if hook.owner == "App":
                hooks.ping(self, hook, by)


__all__ = ["Hook", "Membership", "Refused", "World"]
