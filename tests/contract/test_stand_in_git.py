"""The stand-in's git against real git, and its merges against what merging means."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from gatekeeper.demo.github import Refused, acme, merging
from gatekeeper.demo.github.acme import APP_ID
from gatekeeper.demo.github.git import Objects, diff_files, merge_files
from gatekeeper.demo.github.shapes.pulls import pull_request

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
NAMES = some.sampled_from(["a", "b", "a.b", "a-b", "c/d", "c/e", "c.d", "c/f/g"])
CONTENTS = some.sampled_from([b"", b"one\n", b"two\n", b"one\ntwo\n", b"\xff\x00"])
FILES = some.dictionaries(NAMES, CONTENTS, max_size=6)


def commit(objects: Objects, files: dict[str, bytes], *parents: str) -> str:
    made = objects.commit(files, message="x", author="dev1", date=NOON, parents=parents)
    return made.sha


def test_trees_and_blobs_have_gits_own_names(tmp_path: Path) -> None:
    files = {"README.md": b"# shop\n", "a/b/c.py": b"x = 1\n", "a.txt": b"", "a-b": b"\x00\xff", "a0/x": b"y"}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)

    def git(*words: str) -> str:
        quiet = ("-c", "core.autocrlf=false", "-c", "core.excludesFile=")
        return subprocess.run(
            ["git", *quiet, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    git("init", "--quiet")
    git("add", ".")
    tree = git("write-tree").strip()
    objects = Objects()
    sha = commit(objects, files)
    assert objects.commits[sha].tree == tree
    theirs = {line.split("\t")[1]: line.split()[2] for line in git("ls-tree", "-r", tree).splitlines()}
    ours = {path: entry.sha for path, entry in objects.walk(tree, recursive=True) if entry.kind == "blob"}
    assert ours == theirs


@given(before=FILES, after=FILES)
def test_a_diff_leads_from_before_to_after(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    files = dict(before)
    changes = diff_files(before, after)
    for change in changes:
        if change.status == "removed":
            del files[change.path]
    for change in changes:
        if change.status == "renamed":
            assert change.previous_path is not None
            assert after[change.path] == before[change.previous_path]
            del files[change.previous_path]
    for change in changes:
        if change.status != "removed":
            files[change.path] = after[change.path]
    assert files == after
    assert [change.path for change in changes] == sorted({change.path for change in changes})


def test_a_diff_is_taken_from_where_the_branch_left() -> None:
    objects = Objects()
    root = commit(objects, {"a": b"1", "b": b"1"})
    base = commit(objects, {"a": b"2", "b": b"1"}, root)
    head = commit(objects, {"a": b"1", "b": b"2"}, root)
    assert [change.path for change in objects.diff(base, head)] == ["b"]


@settings(max_examples=60, deadline=None)
@given(root=FILES, ours=FILES, theirs=FILES)
def test_a_merge_takes_both_sides_or_is_refused(
    root: dict[str, bytes], ours: dict[str, bytes], theirs: dict[str, bytes]
) -> None:
    assume(not any(one.status == "renamed" for side in (ours, theirs) for one in diff_files(root, side)))
    world = acme(lambda: NOON, public_key="", check="x")
    shop = "acme/shop"
    start: dict[str, str | bytes | None] = dict.fromkeys(world.head(shop, "main").files)
    world.push_commit(shop, "main", start | root, by="ops1")
    remove = dict.fromkeys(root)
    pull = world.open_pull(shop, author="dev1", title="x", files={**remove, **ours, "mine": b"m"})
    world.push_commit(shop, "main", {**remove, **theirs, "other": b"o"}, by="ops1")
    world.report_check(shop, pull.head_sha, "x", app_id=APP_ID, conclusion="success")
    paths = root.keys() | ours.keys() | theirs.keys()
    if any(
        ours.get(path) != theirs.get(path) and root.get(path) not in {ours.get(path), theirs.get(path)}
        for path in paths
    ):
        with pytest.raises(Refused, match="not mergeable"):
            world.merge(shop, pull.number, by="dev1")
        return
    world.merge(shop, pull.number, by="dev1")
    merged = world.head(shop, "main").files
    wanted = {
        path: theirs.get(path) if ours.get(path) == root.get(path) else ours.get(path) for path in paths
    }
    assert {path: merged.get(path) for path in paths} == wanted
    assert (merged["mine"], merged["other"]) == (b"m", b"o")


@pytest.mark.parametrize(
    ("ours", "theirs", "files", "conflicts"),
    [
        pytest.param({"b": "1"}, {"a": "2"}, {"b": "2"}, set(), id="what the branch moved is changed there"),
        pytest.param(
            {"a": "2"}, {"b": "1"}, {"b": "2"}, set(), id="what moves takes along what the branch changed"
        ),
        pytest.param({"b": "1"}, {"b": "1"}, {"b": "1"}, set(), id="moved alike"),
        pytest.param({"b": "1"}, {"c": "1"}, {"c": "1"}, {"c"}, id="moved to two places"),
        pytest.param({}, {"a": "2"}, {"a": "2"}, {"a"}, id="deleted there, changed here"),
        pytest.param({}, {"b": "1"}, {"b": "1"}, {"b"}, id="deleted there, moved here"),
        pytest.param({"a": "2"}, {"a": "3"}, {"a": "3"}, {"a"}, id="changed on both sides"),
        pytest.param({"b": "1"}, {"a": "1", "b": "2"}, {"b": "2"}, {"b"}, id="moved to where another is put"),
    ],
)
def test_a_merge_follows_what_one_side_moved(
    ours: dict[str, str], theirs: dict[str, str], files: dict[str, str], conflicts: set[str]
) -> None:
    fork, one, other = (
        {path: text.encode() for path, text in side.items()} for side in ({"a": "1"}, ours, theirs)
    )
    found = merge_files(fork, one, other)
    assert {path: content.decode() for path, content in found.files.items()} == files
    assert found.conflicts == conflicts


def test_a_merge_is_worked_out_once_somebody_asked() -> None:
    world = acme(lambda: NOON, public_key="")
    world.slow_merges = True
    pull = world.open_pull("acme/shop", author="dev1", title="x", files={"README.md": "mine\n"})

    def asked() -> tuple[bool | None, str | None]:
        told = pull_request(world, world.pull("acme/shop", pull.number))
        assert told == pull_request(world, world.pull("acme/shop", pull.number)), (
            "what an event tells asks nothing"
        )
        merging.work_out(world, world.pull("acme/shop", pull.number))
        return told["mergeable"], told["merge_commit_sha"]

    assert asked() == (None, None)
    mergeable, sha = asked()
    assert (mergeable, asked()) == (True, (True, sha))
    assert sha is not None
    made = world.objects.commits[sha]
    assert made.parents == (world.head("acme/shop", "main").sha, pull.head_sha)
    assert made.files["README.md"] == b"mine\n"
    world.update_file("acme/shop", "other", "x", by="ops1")
    assert asked() == (None, None)
    assert asked()[1] not in {None, sha}
    world.update_file("acme/shop", "README.md", "theirs\n", by="ops1")
    assert [asked(), asked()] == [(None, None), (False, None)]


def test_a_conflict_is_told_and_refused() -> None:
    world = acme(lambda: NOON, public_key="")
    pull = world.open_pull("acme/shop", author="dev1", title="x", files={"README.md": "mine\n"})
    world.update_file("acme/shop", "README.md", "theirs\n", by="ops1")
    with pytest.raises(Refused) as refusal:
        world.merge("acme/shop", pull.number, by="dev1")
    assert (refusal.value.status, refusal.value.message) == (405, "Pull Request is not mergeable")
