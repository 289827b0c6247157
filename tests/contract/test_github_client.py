"""Every method of the client against the stand-in, over HTTP; each call is held to GitHub's description."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import openapi
from gatekeeper.demo.github import AppKey, StandIn
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.git import blob_sha
from gatekeeper.demo.github.shapes import repositories as shapes
from gatekeeper.errors import ConfigurationError, GitHubRefusedError, PermanentError
from gatekeeper.github import policy_files
from gatekeeper.github.client import GitHub
from gatekeeper.github.values import (
    Annotation,
    CheckContent,
    CommentData,
    DeliveryAttempt,
    DeliveryPage,
    Files,
    PolicyTree,
    RepositoryData,
    ReviewData,
    Update,
)
from gatekeeper.policy.revert import FileChange
from github_clients import Clock, app_client, app_connections, token_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.demo.github import World
    from gatekeeper.demo.github.entities import CheckRun

SHOP = "acme/shop"
KEY = AppKey()  # one for all tests, as making it takes longer than most of them
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn(app_key=KEY) as github:
        yield github
        openapi.validate_all(github.calls)


@pytest.fixture
def client(github: StandIn) -> GitHub:
    return app_client(github)


@pytest.fixture
def world(github: StandIn) -> World:
    return github.state


def open_pull(world: World, files: dict[str, str | None] | None = None, **changes: Any) -> int:
    changed: dict[str, str | None] = files or {"services/checkout/app.py": "fast\n"}
    return world.open_pull(SHOP, author="dev1", title="Faster checkout", files=changed, **changes).number


def content(**changes: Any) -> CheckContent:
    said: CheckContent = {
        "external_id": "essence",
        "conclusion": "failure",
        "title": "checkout is frozen",
        "summary": "Spent.",
        "text": "",
        "details_url": None,
        "actions": (),
        "annotations": [],
        "now": NOW,
    }
    said.update(changes)  # type: ignore[typeddict-item] # each test names keys of it
    return said


def asked(github: StandIn) -> list[str]:
    """What was asked since the last ``clear``, without the one-off questions of a new client."""
    setup = ("/access_tokens", "/installation")
    return [f"{call.method} {call.path}" for call in github.calls if not call.path.endswith(setup)]


def remark(line: int) -> Annotation:
    return Annotation("policies/shop.yaml", line, 3, "failure", "Gatekeeper policy", f"line {line} is wrong")


class TestProposals:
    def test_reviews_are_listed_with_the_commit_they_were_given_on(
        self, client: GitHub, world: World
    ) -> None:
        number = open_pull(world, branch="edit")
        before = world.pull(SHOP, number).head_sha
        first = world.review(SHOP, number, by="ops1")
        world.review(SHOP, number, "COMMENTED", by="po1", body="Hm.")
        world.push_commit(SHOP, "edit", {"a": "b"}, by="dev1", force=True)
        after = world.pull(SHOP, number).head_sha
        world.review(SHOP, number, "CHANGES_REQUESTED", by="po1", body="No.")
        given = first.submitted_at
        assert [replace(one, at=given) for one in client.reviews(SHOP, number)] == [
            ReviewData("ops1", "APPROVED", before, given),
            ReviewData("po1", "COMMENTED", before, given),
            ReviewData("po1", "CHANGES_REQUESTED", after, given),
        ]
        world.dismiss_review(SHOP, number, first.id, by="ops1")
        assert next(iter(client.reviews(SHOP, number))) == ReviewData("ops1", "DISMISSED", before, given)

    def test_when_it_was_sent_to_another_branch_last(self, client: GitHub, world: World) -> None:
        number = open_pull(world)
        assert client.last_retargeted(SHOP, number) is None
        world.push_commit(SHOP, "side", {"a": "b"}, by="dev1")
        moved = world.edit_pull(SHOP, number, by="dev1", base="side")
        assert client.last_retargeted(SHOP, number) == moved.updated_at

    @pytest.mark.parametrize(
        ("login", "may"),
        [("ops1", True), ("dev1", True), ("po1", False), ("outsider", False), ("nobody", False)],
    )
    def test_who_may_write_is_asked_of_the_repository(self, client: GitHub, login: str, *, may: bool) -> None:
        assert client.may_write(SHOP, login) is may

    def test_policy_files_of_a_forks_head_are_read_from_where_it_is_proposed(
        self, client: GitHub, world: World
    ) -> None:
        fork = world.fork(SHOP, "outsider").full_name
        number = open_pull(world, {"policies/shop.yaml": "a: 1\n"})
        theirs = world.open_pull(
            SHOP, author="outsider", title="Mine", files={"policies/shop.yaml": "a: 2\n"}, fork=fork
        )
        for one, text in ((world.pull(SHOP, number), "a: 1\n"), (theirs, "a: 2\n")):
            tree = client.policy_tree(SHOP, ref=one.head_sha)
            assert (tree.commit, tree.files) == (one.head_sha, (("policies/shop.yaml", text),))
        assert client.pull(SHOP, theirs.number).head_repository == "outsider/shop"
        assert client.policy_tree(SHOP, ref="main").files == ()

    def test_what_was_read_before_is_not_asked_for_again(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        for name in "abc":
            world.update_file(SHOP, f"policies/{name}.yaml", f"{name}: 1\n", by="ops1")
        before = client.policy_tree(SHOP, ref="main")
        pull = world.pull(SHOP, open_pull(world, {"policies/b.yaml": "b: 2\n"}))
        github.calls.clear()
        after = client.policy_tree(SHOP, ref=pull.head_sha)
        assert dict(after.files) == {**dict(before.files), "policies/b.yaml": "b: 2\n"}
        assert sum("/git/blobs/" in call.path for call in github.calls) == 1

    def test_no_more_texts_are_kept_than_so_many(self, github: StandIn, world: World) -> None:
        repository = app_connections(github).of_repository(SHOP).repository(SHOP)
        entries = world.objects.walk(world.head(SHOP, "main").tree, recursive=True)
        first, second, third, *_ = [entry.sha for _, entry in entries if entry.kind == "blob"]
        blobs = policy_files.Blobs(most=2)
        read = {sha: blobs.of(repository, sha) for sha in (first, second, third)}
        github.calls.clear()
        assert blobs.of(repository, third) == read[third]
        assert len(github.calls) == 0
        assert blobs.of(repository, first) == read[first]
        assert len(github.calls) == 1, "the oldest made room for the newest"

    def test_annotations_are_sent_fifty_at_a_time_and_all_are_there(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        head = world.pull(SHOP, open_pull(world)).head_sha
        github.calls.clear()
        remarks = [remark(line) for line in range(1, 121)]
        made = client.create_check(SHOP, sha=head, name="gatekeeper/policy", **content(annotations=remarks))
        assert [call.method for call in github.calls.writes()] == ["POST", "PATCH", "PATCH"]
        found = world.check(SHOP, made).output.annotations
        assert [one.start_line for one in found] == [*range(1, 121)]
        assert {(one.path, one.annotation_level) for one in found} == {("policies/shop.yaml", "failure")}


class TestPulls:
    def test_a_pull_is_one_request(self, github: StandIn, client: GitHub, world: World) -> None:
        number = open_pull(world, labels=["slo:override", "bug"])
        opened = world.pull(SHOP, number)
        found = client.pull(SHOP, number)
        assert (found.repository, found.number, found.title) == (SHOP, number, "Faster checkout")
        assert (found.author, found.head_sha, found.head_ref) == ("dev1", opened.head_sha, opened.head_ref)
        assert (found.head_repository, found.base_ref, found.default_branch) == (SHOP, "main", "main")
        assert found.labels == ("bug", "slo:override")
        assert (found.open, found.merged_at, found.draft, found.changed_files) == (True, None, False, 1)
        assert found.changed_lines == 3  # one added, two deleted
        assert found.updated_at == opened.updated_at.replace(microsecond=0)
        assert asked(github) == [f"GET /repos/{SHOP}/pulls/{number}"]

    def test_closed_merged_and_draft_are_told_apart(self, client: GitHub, world: World) -> None:
        closed, draft = open_pull(world), open_pull(world, {"a": "b"}, draft=True)
        world.close(SHOP, closed, by="dev1")
        merged = open_pull(world, {"docs/new.md": "x"})
        head = world.pull(SHOP, merged).head_sha
        client.create_check(SHOP, sha=head, name="gatekeeper", **content(conclusion="success"))
        world.merge(SHOP, merged, by="dev1")
        states = {
            number: (one.open, one.merged_at is not None, one.draft)
            for number in (closed, draft, merged)
            for one in [client.pull(SHOP, number)]
        }
        assert states == {
            closed: (False, False, False),
            draft: (True, False, True),
            merged: (False, True, False),
        }

    def test_a_pull_that_is_not_there_is_refused_with_404(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError, match="Not Found") as refused:
            client.pull(SHOP, 4711)
        assert refused.value.status == 404

    def test_files_are_sorted_with_both_sides_of_a_rename(self, client: GitHub, world: World) -> None:
        number = open_pull(
            world, {"docs/index.md": None, "docs/start.md": "# How the shop works\n", "a.py": "new\n"}
        )
        assert client.files(SHOP, number) == Files(
            ("a.py", "docs/index.md", "docs/start.md"),
            complete=True,
            heads=frozenset({world.pull(SHOP, number).head_sha}),
        )

    @pytest.mark.parametrize(
        ("changed_files", "complete"),
        [
            pytest.param(None, True, id="far fewer than GitHub lists"),
            pytest.param(250, True, id="as many as were changed"),
            pytest.param(251, False, id="one more was changed than is listed"),
        ],
    )
    def test_files_cost_a_request_a_hundred(
        self,
        github: StandIn,
        client: GitHub,
        world: World,
        changed_files: int | None,
        complete: bool,  # noqa: FBT001 - a column of the table
    ) -> None:
        number = open_pull(world, {f"f/{index:03}": "x" for index in range(250)})
        found = client.files(SHOP, number, changed_files=changed_files)
        assert len(found.paths) == 250
        assert found.complete is complete
        assert asked(github) == [f"GET /repos/{SHOP}/pulls/{number}/files"] * 3

    def test_open_pulls_cost_a_request_a_hundred(self, github: StandIn, client: GitHub, world: World) -> None:
        numbers = {open_pull(world, {f"f/{index}": "x"}) for index in range(101)}
        world.close(SHOP, min(numbers), by="dev1")
        found = list(client.open_pulls(SHOP))
        assert {one.number for one in found} == numbers - {min(numbers)}
        assert all(one.open and one.merged_at is None and one.changed_files is None for one in found)
        assert asked(github) == [f"GET /repos/{SHOP}/pulls"]

    def test_pulls_of_a_commit_are_the_open_ones_with_this_head(self, client: GitHub, world: World) -> None:
        number = open_pull(world)
        sha = world.pull(SHOP, number).head_sha
        assert client.pulls_of_commit(SHOP, sha) == (number,)
        world.close(SHOP, number, by="dev1")
        assert client.pulls_of_commit(SHOP, sha) == ()


class TestLandings:
    @pytest.fixture
    def landed(self, world: World) -> int:
        """A merged pull request, with which its branch was changed, and a file of it removed."""
        number = open_pull(world, {"services/checkout/app.py": "fast\n", "docs/index.md": None})
        sha = world.pull(SHOP, number).head_sha
        world.report_check(SHOP, sha, "gatekeeper", app_id=APP_ID, conclusion="success")
        world.merge(SHOP, number, by="dev1")
        return number

    def test_a_merge_is_found_by_what_it_left_and_what_it_changed_is_told_file_by_file(
        self, github: StandIn, client: GitHub, world: World, landed: int
    ) -> None:
        before = world.objects.commits[world.pull(SHOP, landed).base_sha]
        merged = client.pull(SHOP, landed)
        github.calls.clear()
        assert merged.merge_commit is not None
        update = client.merge_into(SHOP, "main", merged.merge_commit)
        assert update == Update(before.sha, merged.merge_commit)
        paths = ("docs/index.md", "services/checkout/app.py")
        index, app = (blob_sha(before.files[path]) for path in paths)
        assert client.differences(SHOP, update.before, update.after) == (
            FileChange("docs/index.md", f"100644 {index}", None),
            FileChange(
                "services/checkout/app.py", f"100644 {app}", f"100644 {blob_sha(b'fast' + bytes([10]))}"
            ),
        )
        assert asked(github) == [
            f"GET /repos/{SHOP}/activity",
            f"GET /repos/{SHOP}/git/trees/{update.before}",
            f"GET /repos/{SHOP}/git/trees/{update.after}",
        ]

    def test_a_push_is_no_merge(self, client: GitHub, world: World, landed: int) -> None:
        pushed = world.push_commit(SHOP, "main", {"a.py": "x"}, by="dev1").sha
        assert client.merge_into(SHOP, "main", pushed) is None
        assert client.merge_into(SHOP, "other", client.pull(SHOP, landed).merge_commit or "") is None

    def test_a_merge_is_found_behind_a_hundred_later_updates(
        self, github: StandIn, client: GitHub, world: World, landed: int
    ) -> None:
        for number in range(100):
            world.push_commit(SHOP, "main", {"a.py": str(number)}, by="dev1")
        github.calls.clear()
        assert client.merge_into(SHOP, "main", client.pull(SHOP, landed).merge_commit or "") is not None
        assert asked(github).count(f"GET /repos/{SHOP}/activity") == 2

    def test_a_branch_forks_where_it_left_the_base_whatever_landed_since(
        self, client: GitHub, world: World
    ) -> None:
        fork = world.branches[SHOP, "main"]
        head = world.pull(SHOP, open_pull(world)).head_sha
        world.push_commit(SHOP, "main", {"a.py": "x"}, by="dev1")
        assert client.fork_point(SHOP, "main", head) == fork

    def test_merged_pulls_of_a_commit(self, client: GitHub, world: World, landed: int) -> None:
        merge = client.pull(SHOP, landed).merge_commit
        assert merge is not None
        assert client.merged_with(SHOP, merge) == (landed,)
        still_open = open_pull(world, {"b.py": "x"})
        assert client.merged_with(SHOP, world.pull(SHOP, still_open).head_sha) == ()
        assert client.pull(SHOP, still_open).merge_commit is None


class TestConversation:
    def test_comments_are_written_edited_and_read_in_order(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        number = open_pull(world)
        theirs = world.comment_on(SHOP, number, "Please look.", by="po1").id
        github.calls.clear()
        ours = client.create_comment(SHOP, number, "Frozen.")
        client.edit_comment(SHOP, ours, "Thawed. 🌤️")
        assert list(client.comments(SHOP, number)) == [
            CommentData(theirs, "po1", "Please look."),
            CommentData(ours, client.login(), "Thawed. 🌤️"),
        ]
        assert len(github.calls.writes()) == 2

    def test_a_comment_that_is_gone_is_refused_with_404(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError) as refused:
            client.edit_comment(SHOP, 4711, "Thawed.")
        assert refused.value.status == 404

    def test_labels_come_and_go_and_going_twice_is_fine(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        number = open_pull(world, labels=["bug"])
        client.add_labels(SHOP, number, ["slo:frozen", "area/checkout & more?"])
        assert client.pull(SHOP, number).labels == ("area/checkout & more?", "bug", "slo:frozen")
        for _ in range(2):
            client.remove_label(SHOP, number, "area/checkout & more?")
        assert client.pull(SHOP, number).labels == ("bug", "slo:frozen")
        assert len(github.calls.writes()) == 3

    def test_whoever_put_a_label_there_last_answers_for_it(self, client: GitHub, world: World) -> None:
        number = open_pull(world)
        assert client.last_labeled(SHOP, number, "slo:override") is None
        client.add_labels(SHOP, number, ["slo:override"])
        by_bot = client.last_labeled(SHOP, number, "slo:override")
        assert by_bot is not None
        assert (by_bot.actor, by_bot.human) == ("gatekeeper[bot]", False)
        client.remove_label(SHOP, number, "slo:override")
        world.label(SHOP, number, "slo:override", by="ops1")
        by_person = client.last_labeled(SHOP, number, "slo:override")
        assert by_person is not None
        assert (by_person.actor, by_person.human) == ("ops1", True)
        assert by_person.at.tzinfo is not None

    def test_a_long_history_is_read_to_its_end(self, github: StandIn, client: GitHub, world: World) -> None:
        number = open_pull(world)
        for _ in range(55):
            world.label(SHOP, number, "bug", by="dev1")
            world.unlabel(SHOP, number, "bug", by="dev1")
        world.label(SHOP, number, "bug", by="po1")
        github.calls.clear()
        found = client.last_labeled(SHOP, number, "bug")
        assert found is not None
        assert found.actor == "po1"
        assert asked(github) == [f"GET /repos/{SHOP}/issues/{number}/events"] * 2


class TestChecks:
    def run(self, world: World, check_id: int) -> CheckRun:
        return world.check(SHOP, check_id)

    def test_a_check_begins_in_progress_and_is_completed_in_place(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        sha = world.pull(SHOP, open_pull(world)).head_sha
        check_id = client.create_check(SHOP, sha=sha, name="gatekeeper", **content(conclusion=None))
        begun = self.run(world, check_id)
        assert (begun.status, begun.conclusion, begun.started_at) == ("in_progress", None, NOW)
        late = (NOW + timedelta(minutes=1)).astimezone(timezone(timedelta(hours=-5)))
        said = content(
            text="Numbers.", details_url="https://example.org/d/1", actions=[("Explain", "All", "explain")]
        )
        client.update_check(SHOP, check_id, sha=sha, name="gatekeeper", **said | {"now": late})
        done = self.run(world, check_id)
        assert (done.status, done.conclusion) == ("completed", "failure")
        assert done.completed_at == NOW + timedelta(minutes=1)
        assert (done.output.title, done.output.summary, done.output.text) == (
            "checkout is frozen",
            "Spent.",
            "Numbers.",
        )
        assert done.details_url == "https://example.org/d/1"
        assert [(one.label, one.description, one.identifier) for one in done.actions] == [
            ("Explain", "All", "explain")
        ]
        assert asked(github) == [
            f"POST /repos/{SHOP}/check-runs",
            f"PATCH /repos/{SHOP}/check-runs/{check_id}",
        ]

    def test_our_runs_are_found_newest_first_and_nobody_elses(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        sha = world.pull(SHOP, open_pull(world)).head_sha
        other = world.register_app(
            "other", owner="acme", public_key=github.app_key.public, permissions={}, events=()
        )
        world.report_check(SHOP, sha, "gatekeeper", app_id=other.id, conclusion="success")
        client.create_check(SHOP, sha=sha, name="gatekeeper/policy", **content())
        ids = [
            client.create_check(SHOP, sha=sha, name="gatekeeper", **content(external_id=one)) for one in "ab"
        ]
        github.calls.clear()
        found = client.check_runs(SHOP, sha, "gatekeeper")
        assert [(one.id, one.external_id) for one in found] == [(ids[1], "b"), (ids[0], "a")]
        assert {(one.head_sha, one.status, one.conclusion) for one in found} == {
            (sha, "completed", "failure")
        }
        assert asked(github) == [f"GET /repos/{SHOP}/commits/{sha}/check-runs"]

    def test_a_check_that_is_gone_is_refused_with_404(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError) as refused:
            client.update_check(SHOP, 4711, sha="f" * 40, name="gatekeeper", **content())
        assert refused.value.status == 404

    def test_a_text_too_long_says_what_is_wrong(self, client: GitHub, world: World) -> None:
        sha = world.pull(SHOP, open_pull(world)).head_sha
        with pytest.raises(GitHubRefusedError, match="422") as refused:
            client.create_check(SHOP, sha=sha, name="gatekeeper", **content(summary="ä" * 40_000))
        assert refused.value.status == 422

    def test_a_missing_permission_is_refused_with_a_hint(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        world.grant(min(world.installations), {"metadata": "read", "checks": "read"})
        sha = world.pull(SHOP, open_pull(world)).head_sha
        with pytest.raises(GitHubRefusedError, match="gatekeeper doctor") as refused:
            client.create_check(SHOP, sha=sha, name="gatekeeper", **content())
        assert refused.value.status == 403


class TestStatuses:
    def test_a_status_is_one_request_and_its_description_fits(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        sha = world.pull(SHOP, open_pull(world)).head_sha
        client.set_status(
            SHOP, sha, context="gatekeeper", state="failure", description="ß" * 141, target_url=None
        )
        client.set_status(
            SHOP,
            sha,
            context="gatekeeper",
            state="success",
            description="ß" * 140,
            target_url="https://x.org/",
        )
        first, second = world.statuses
        assert (first.state, first.description, first.target_url) == ("failure", "ß" * 139 + "…", None)
        assert (second.state, second.description, second.target_url) == (
            "success",
            "ß" * 140,
            "https://x.org/",
        )
        assert asked(github) == [f"POST /repos/{SHOP}/statuses/{sha}"] * 2


class TestPolicyTree:
    def test_a_repository_without_policies_has_none(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        commit = world.head(SHOP, "main").sha
        assert client.policy_tree(SHOP) == PolicyTree(commit, ())
        assert asked(github) == [
            f"GET /repos/{SHOP}",
            f"GET /repos/{SHOP}/branches/main",
            f"GET /repos/{SHOP}/contents/policies",
        ]

    def test_policy_files_are_found_at_every_depth_and_nothing_else(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        files = {
            "policies/shop.yaml": "kind: Service # größer\n",
            "policies/README.md": "no policy",
            "policies/teams/a/one.yml": "one",
            "policies/teams/two.yaml": "two",
            "other/three.yaml": "three",
        }
        commit = world.push_commit(SHOP, "main", files, by="ops1")
        found = client.policy_tree(SHOP, ref="main")
        assert found == PolicyTree(
            commit.sha,
            (
                ("policies/shop.yaml", "kind: Service # größer\n"),
                ("policies/teams/a/one.yml", "one"),
                ("policies/teams/two.yaml", "two"),
            ),
        )
        assert len(asked(github)) == 2 + 1 + 3

    def test_a_branch_is_read_as_it_is_there(self, client: GitHub, world: World) -> None:
        world.push_commit(SHOP, "release/1.0", {"policies/a.yaml": "old"}, by="ops1")
        world.push_commit(SHOP, "main", {"policies/a.yaml": "new"}, by="ops1")
        assert client.policy_tree(SHOP, ref="release/1.0").files == (("policies/a.yaml", "old"),)
        assert client.policy_tree(SHOP).files == (("policies/a.yaml", "new"),)

    def test_a_file_where_the_directory_should_be_holds_no_policies(
        self, client: GitHub, world: World
    ) -> None:
        world.push_commit(SHOP, "main", {"policies": "text"}, by="ops1")
        assert client.policy_tree(SHOP).files == ()

    def test_bytes_that_are_no_text_do_not_stop_the_others(self, client: GitHub, world: World) -> None:
        world.push_commit(SHOP, "main", {"policies/a.yaml": b"a: \xff\n", "policies/b.yaml": "b"}, by="ops1")
        assert client.policy_tree(SHOP).files == (
            ("policies/a.yaml", "a: \ufffd\n"),
            ("policies/b.yaml", "b"),
        )

    def test_what_is_too_large_or_too_many_is_said_and_not_read(self, github: StandIn, world: World) -> None:
        files = {f"policies/{name}.yaml": name for name in "bcde"}
        large = {"policies/a.yaml": "x" * (policy_files.LARGEST + 1)}
        world.push_commit(SHOP, "main", files | large, by="ops1")
        repository = app_connections(github).of_repository(SHOP).repository(SHOP)
        found = policy_files.policy_tree(repository, "policies", "main", blobs=policy_files.Blobs(), most=3)
        assert [text for _, text in found.files] == ["b", "c", "d"]
        assert found.left_out == ("policies/a.yaml", "policies/e.yaml")

    def test_a_file_behind_more_than_github_lists_of_a_folder_is_found(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        filler = {f"policies/{number:04}.txt": "" for number in range(1_000)}
        deep = {"policies/teams/b.yaml": "b", "policies/z.yaml": "z"}
        world.push_commit(SHOP, "main", filler | deep, by="ops1")
        found = client.policy_tree(SHOP, ref="main")
        assert found.files == (("policies/teams/b.yaml", "b"), ("policies/z.yaml", "z"))

    def test_what_github_lists_in_part_is_not_taken_for_all(
        self, client: GitHub, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever is left out would seem to be deleted, and its gate with it."""
        world.push_commit(SHOP, "main", {"policies/teams/b.yaml": "b"}, by="ops1")
        monkeypatch.setattr(shapes, "MOST_ENTRIES", 0)
        with pytest.raises(PermanentError, match="more files below policies/teams than GitHub lists"):
            client.policy_tree(SHOP, ref="main")

    def test_a_submodule_that_is_named_like_a_policy_is_none(self, client: GitHub, world: World) -> None:
        """GitHub lists it as a file, of which there is no content."""
        world.push_commit(SHOP, "main", {"policies/a.yaml": "a", "policies/lib.yaml": "b"}, by="ops1")
        trees = world.objects.trees
        for sha, entries in trees.items():
            trees[sha] = tuple(
                replace(one, kind="commit", sha="5" * 40, size=None) if one.name == "lib.yaml" else one
                for one in entries
            )
        assert client.policy_tree(SHOP, ref="main").files == (("policies/a.yaml", "a"),)

    def test_a_missing_branch_is_refused(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError) as refused:
            client.policy_tree(SHOP, ref="nowhere")
        assert refused.value.status == 404

    def test_a_missing_repository_is_refused(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError, match="not installed on acme/nothing"):
            client.policy_tree("acme/nothing")


class TestPeople:
    @pytest.mark.parametrize(
        ("team", "user", "active"),
        [
            pytest.param("@acme/sre", "ops1", True, id="an active member"),
            pytest.param("acme/sre", "ops1", True, id="the at sign is decoration"),
            pytest.param("@acme/sre", "dev1", False, id="a person outside"),
            pytest.param("@acme/sre", "dev9", False, id="somebody invited"),
            pytest.param("@acme/sre", "nobody", False, id="an unknown login"),
            pytest.param("@acme/nothing", "ops1", False, id="an unknown team"),
            pytest.param("@elsewhere/sre", "ops1", False, id="an organisation without the App"),
            pytest.param("@acme", "ops1", False, id="no team's name"),
            pytest.param("@acme/sre/../checkout-product", "po1", False, id="a path is no name"),
        ],
    )
    def test_only_active_members_count(
        self,
        client: GitHub,
        world: World,
        team: str,
        user: str,
        active: bool,  # noqa: FBT001 - a column of the table
    ) -> None:
        world.add_account("dev9")
        world.invite("acme", "sre", "dev9")
        assert client.is_active_member(team, user) is active

    def test_without_the_permission_it_is_not_taken_for_a_no(self, client: GitHub, world: World) -> None:
        world.grant(min(world.installations), {"metadata": "read"})
        with pytest.raises(GitHubRefusedError) as refused:
            client.is_active_member("@acme/sre", "ops1")
        assert refused.value.status == 403


class TestRepositories:
    def test_required_checks_are_those_of_the_branch(self, client: GitHub, world: World) -> None:
        world.require_check(SHOP, "main", "tests")
        world.require_check(SHOP, "release/1.0", "lint")
        assert client.required_checks(SHOP, "main") == {"gatekeeper", "tests"}
        assert client.required_checks(SHOP, "release/1.0") == {"lint"}
        assert client.required_checks(SHOP, "topic") == frozenset()

    def test_repositories_of_an_installation(self, client: GitHub, world: World) -> None:
        (installation,) = client.installations()
        assert installation == min(world.installations)
        expected = [
            RepositoryData(name, "main", archived=False, installation_id=installation)
            for name in ("acme/.github", SHOP)
        ]
        assert list(client.installation_repositories(installation)) == expected
        assert client.repository(SHOP) == expected[1]

    def test_where_the_app_is_not_installed_there_is_nothing(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError, match="not installed on elsewhere/shop"):
            client.pull("elsewhere/shop", 1)

    def test_a_known_installation_is_not_asked_for(self, github: StandIn, world: World) -> None:
        known = {SHOP: min(world.installations)}
        client = GitHub(app_connections(github, installation_of=known.get))
        client.repository(SHOP)
        assert [call.path for call in github.calls] == [
            f"/app/installations/{known[SHOP]}/access_tokens",
            f"/repos/{SHOP}",
        ]

    def test_an_installation_is_asked_for_once_until_it_is_forgotten(
        self, github: StandIn, world: World
    ) -> None:
        connections = app_connections(github)
        client = GitHub(connections)
        for _ in range(2):
            client.repository(SHOP)
        old = min(world.installations)
        assert [call.path for call in github.calls].count(f"/repos/{SHOP}/installation") == 1
        world.uninstall(old, by="ops1")
        world.install(github.app_id, "acme", by="ops1")
        connections.forget(old)
        assert client.repository(SHOP).installation_id == min(world.installations) != old

    def test_a_suspended_or_removed_installation_is_refused(self, client: GitHub, world: World) -> None:
        client.repository(SHOP)
        world.uninstall(min(world.installations), by="ops1")
        with pytest.raises(GitHubRefusedError) as refused:
            client.repository(SHOP)
        assert refused.value.status == 404


class TestOurselves:
    def test_the_app_knows_itself(self, client: GitHub, github: StandIn) -> None:
        assert client.mode == "app"
        assert client.app()["id"] == github.app_id
        assert client.login() == "gatekeeper[bot]"

    def test_the_app_learns_of_its_new_name_in_ten_minutes(self, github: StandIn, world: World) -> None:
        clock = Clock()
        client = GitHub(app_connections(github, clock=lambda: clock() + passed))
        for minutes, renamed, login in [
            (0, False, "gatekeeper"),
            (9, True, "gatekeeper"),
            (10, True, "warden"),
            (11, True, "warden"),
        ]:
            passed = timedelta(minutes=minutes)
            if renamed:
                world.apps[github.app_id] = replace(world.apps[github.app_id], slug="warden")
            assert client.login() == f"{login}[bot]"
        assert [call.path for call in github.calls].count("/app") == 2

    def test_granted_permissions_are_those_of_the_token(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        installation = min(world.installations)
        world.grant(installation, {"metadata": "read", "checks": "write"})
        assert client.permissions(installation) == {"metadata": "read", "checks": "write"}
        assert client.permissions(installation) == {"metadata": "read", "checks": "write"}
        assert [call.method for call in github.calls] == ["POST"]

    def test_the_quota_is_known_from_the_last_answer(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        assert client.rates() == {}
        client.repository(SHOP)
        before = len(github.calls)
        ((installation, rate),) = client.rates().items()
        assert installation == min(world.installations)
        assert (rate.limit, rate.remaining) == (5000, 4999)
        assert rate.reset_at > Clock()()
        assert len(github.calls) == before


class TestDeliveries:
    @pytest.fixture
    def client(self, github: StandIn, world: World) -> GitHub:
        """250 deliveries that nobody took, and a ping before them."""
        world.open_pull(SHOP, author="dev1", title="A change", files={"a.py": "x\n"})
        github.send_webhooks_to("http://127.0.0.1:9/", "secret")
        for _ in range(125):
            world.label(SHOP, 1, "bug", by="dev1")
            world.unlabel(SHOP, 1, "bug", by="dev1")
        github.deliveries.wait()
        github.calls.clear()
        return app_client(github)

    def test_attempts_are_read_newest_first_a_request_a_hundred(
        self, github: StandIn, client: GitHub
    ) -> None:
        found: list[DeliveryAttempt] = []
        cursor = None
        while cursor is not None or not found:
            page = client.deliveries(cursor)
            found, cursor = [*found, *page.attempts], page.following
        logged = [(one.id, one.guid) for one in reversed(github.deliveries.log)]
        assert [(one.id, one.guid) for one in found] == logged
        assert (found[0].event, found[0].action, found[-1].event, found[-1].action) == (
            "pull_request",
            "unlabeled",
            "ping",
            None,
        )
        assert abs(found[0].delivered_at - Clock()()) < timedelta(minutes=1)
        assert asked(github) == ["GET /app/hook/deliveries"] * 3
        assert {call.query["per_page"] for call in github.calls} == {"100"}

    def test_what_is_asked_for_is_sent_again_under_its_guid(self, github: StandIn, client: GitHub) -> None:
        lost = client.deliveries().attempts[0]
        client.redeliver(lost.id)
        github.deliveries.wait()
        again = client.deliveries().attempts[0]
        assert (again.guid, again.id > lost.id) == (lost.guid, True)

    def test_after_three_days_github_has_it_no_more(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        lost = client.deliveries().attempts[0]
        world.signing_clock = Clock()
        world.clock = lambda: Clock()() + timedelta(days=3, minutes=1)
        with pytest.raises(GitHubRefusedError) as refused:
            client.redeliver(lost.id)
        assert refused.value.status == 404
        assert client.deliveries() == DeliveryPage((), None)

    def test_a_cursor_that_is_none_is_refused(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError) as refused:
            client.deliveries("nowhere")
        assert refused.value.status == 400


class TestToken:
    @pytest.fixture
    def client(self, github: StandIn, world: World) -> GitHub:
        world.add_personal_token("ops1", "secret")
        return token_client(github, "secret")

    def test_a_token_sets_statuses_and_reads_and_comments(
        self, github: StandIn, client: GitHub, world: World
    ) -> None:
        number = open_pull(world)
        sha = client.pull(SHOP, number).head_sha
        client.set_status(
            SHOP, sha, context="gatekeeper", state="failure", description="frozen", target_url=None
        )
        comment = client.create_comment(SHOP, number, "Frozen.")
        client.add_labels(SHOP, number, ["slo:frozen"])
        assert [one.state for one in world.statuses] == ["failure"]
        assert list(client.comments(SHOP, number)) == [CommentData(comment, "ops1", "Frozen.")]
        assert client.is_active_member("@acme/sre", "ops1")
        assert client.repository(SHOP).installation_id is None
        assert client.login() == "ops1"
        assert client.mode == "token"

    def test_a_token_has_no_check_runs_and_asks_for_none(self, github: StandIn, client: GitHub) -> None:
        assert client.check_runs(SHOP, "f" * 40, "gatekeeper") == ()
        assert list(client.installations()) == []
        assert len(github.calls) == 0

    def test_a_repository_out_of_sight_is_not_one_without_policies(self, client: GitHub) -> None:
        with pytest.raises(GitHubRefusedError) as refused:
            client.policy_tree("acme/nothing")
        assert refused.value.status == 404

    def test_check_runs_are_refused(self, client: GitHub, world: World) -> None:
        sha = world.pull(SHOP, open_pull(world)).head_sha
        with pytest.raises(GitHubRefusedError) as refused:
            client.create_check(SHOP, sha=sha, name="gatekeeper", **content())
        assert refused.value.status == 403

    def test_what_only_an_app_has_is_a_mistake_of_configuration(self, client: GitHub) -> None:
        for ask in (client.app, lambda: client.permissions(1)):
            with pytest.raises(ConfigurationError, match="needs a GitHub App"):
                ask()

    def test_a_wrong_token_says_what_to_look_at(self, github: StandIn) -> None:
        with pytest.raises(GitHubRefusedError, match="is the token valid") as refused:
            token_client(github, "nonsense").pull(SHOP, 1)
        assert refused.value.status == 401
