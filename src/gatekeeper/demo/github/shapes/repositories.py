"""Repositories and what git has in them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from gatekeeper.demo.github.git import FILE_MODE, SUBMODULE_MODE, TREE_MODE
from gatekeeper.demo.github.shapes.basics import node_id, stamp
from gatekeeper.demo.github.shapes.people import simple_user

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.demo.github.entities import Activity, Commit, FileChange, RequiredCheck
    from gatekeeper.demo.github.git import TreeEntry
    from gatekeeper.demo.github.records import Records

COMPARED_FILES = 300  # GitHub lists no more in a comparison
LISTED_FILES = 1_000  # of a directory, by its contents; GitHub says no word of the others
MOST_ENTRIES = 100_000  # of a tree; GitHub says when there are more

MODES = {"blob": FILE_MODE, "tree": TREE_MODE, "commit": SUBMODULE_MODE}

# URI templates of a repository's parts, after its own address
TEMPLATES = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}

# What all repositories of this world have in common
ALIKE = {
    "fork": False,
    "homepage": None,
    "language": None,
    "mirror_url": None,
    "license": None,
    "disabled": False,
    "is_template": False,
    "allow_forking": True,
    "web_commit_signoff_required": False,
    "has_issues": True,
    "has_projects": False,
    "has_downloads": True,
    "has_wiki": False,
    "has_pages": False,
    "has_discussions": False,
    "stargazers_count": 0,
    "watchers_count": 0,
    "watchers": 0,
    "forks_count": 0,
    "forks": 0,
}


def repository_url(records: Records, full_name: str) -> str:
    """The API's address of a repository."""
    return f"{records.url}/repos/{full_name}"


def repository(records: Records, full_name: str) -> dict[str, Any]:
    """``repository``; also satisfies ``minimal-repository``."""
    one = records.repository(full_name)
    url, html = repository_url(records, full_name), f"{records.url}/{full_name}"
    opened = len(records.pulls_of(full_name, state="open"))
    return {
        "id": one.id,
        "node_id": node_id("Repository", one.id),
        "name": one.name,
        "full_name": full_name,
        "private": one.private,
        "owner": simple_user(records, one.owner),
        "html_url": html,
        "description": one.description,
        "url": url,
        **{name: url + template for name, template in TEMPLATES.items()},
        "git_url": f"git:{html.partition(':')[2]}.git",
        "ssh_url": f"git@{html.partition('//')[2]}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        **ALIKE,
        "archived": one.archived,
        "topics": [],
        "size": 1,
        "open_issues_count": opened,
        "visibility": "private" if one.private else "public",
        "open_issues": opened,
        "default_branch": one.default_branch,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "pushed_at": stamp(records.head(full_name, one.default_branch).date),
    }


def hook_repository(records: Records, full_name: str) -> dict[str, Any]:
    """``repository`` as webhooks carry it."""
    return repository(records, full_name) | {"custom_properties": {}}


def full_repository(records: Records, full_name: str) -> dict[str, Any]:
    """``full-repository``."""
    owner = simple_user(records, records.repository(full_name).owner)
    return repository(records, full_name) | {
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
        "organization": owner,
        "subscribers_count": 0,
        "network_count": 0,
    }


def person(records: Records, commit: Commit) -> dict[str, Any]:
    """Who made a commit, as git knows them."""
    mail = f"{records.account(commit.author).id}+{commit.author}@users.noreply.example.com"
    return {"name": records.account(commit.author).name, "email": mail, "date": stamp(commit.date)}


def commit(
    records: Records, full_name: str, one: Commit, changes: Iterable[FileChange] | None = None
) -> dict[str, Any]:
    """``commit``, with statistics and files when asked for a single one."""
    url = f"{repository_url(records, full_name)}/commits/{one.sha}"
    html = f"{records.url}/{full_name}/commit"
    parents = [
        {
            "sha": sha,
            "url": f"{repository_url(records, full_name)}/commits/{sha}",
            "html_url": f"{html}/{sha}",
        }
        for sha in one.parents
    ]
    answer = {
        "sha": one.sha,
        "node_id": node_id("Commit", one.sha),
        "commit": _git_commit(records, full_name, one),
        "url": url,
        "html_url": f"{html}/{one.sha}",
        "comments_url": f"{url}/comments",
        "author": simple_user(records, one.author),
        "committer": simple_user(records, one.author),
        "parents": parents,
    }
    if changes is not None:
        files = [diff_entry(records, full_name, one.sha, change) for change in changes]
        added, removed = (sum(entry[name] for entry in files) for name in ("additions", "deletions"))
        answer |= {
            "stats": {"additions": added, "deletions": removed, "total": added + removed},
            "files": files,
        }
    return answer


def comparison(records: Records, full_name: str, base: Commit, head: Commit) -> dict[str, Any]:
    """``commit-comparison``: three dots, at most 300 files."""
    objects = records.objects
    fork = objects.commits[objects.merge_base(base.sha, head.sha)]
    before, after = set(objects.ancestors(base.sha)), list(objects.ancestors(head.sha))
    ahead = [objects.commits[sha] for sha in reversed(after) if sha not in before]
    behind = len(before - set(after))
    html = f"{records.url}/{full_name}/compare/{base.sha}...{head.sha}"
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    return {
        "url": f"{repository_url(records, full_name)}/compare/{base.sha}...{head.sha}",
        **dict.fromkeys(("html_url", "permalink_url"), html),
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": commit(records, full_name, base),
        "merge_base_commit": commit(records, full_name, fork),
        "status": status.get((bool(ahead), bool(behind)), "diverged"),
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": [commit(records, full_name, one) for one in ahead],
        "files": [
            diff_entry(records, full_name, head.sha, one)
            for one in objects.diff(base.sha, head.sha)[:COMPARED_FILES]
        ],
    }


def activity(records: Records, one: Activity) -> dict[str, Any]:
    """``activity``."""
    return {
        "id": one.id,
        "node_id": node_id("RepositoryActivity", one.id),
        "before": one.before,
        "after": one.after,
        "ref": f"refs/heads/{one.branch}",
        "timestamp": stamp(one.at),
        "activity_type": one.kind,
        "actor": simple_user(records, one.actor),
    }


def _git_commit(records: Records, full_name: str, one: Commit) -> dict[str, Any]:
    git = f"{repository_url(records, full_name)}/git"
    who = person(records, one)
    verification = {
        "verified": False,
        "reason": "unsigned",
        "signature": None,
        "payload": None,
        "verified_at": None,
    }
    return {
        "author": who,
        "committer": who,
        "message": one.message,
        "tree": {"sha": one.tree, "url": f"{git}/trees/{one.tree}"},
        "url": f"{git}/commits/{one.sha}",
        "comment_count": 0,
        "verification": verification,
    }


def diff_entry(records: Records, full_name: str, sha: str, change: FileChange) -> dict[str, Any]:
    """``diff-entry``: one changed file."""
    html = f"{records.url}/{full_name}"
    entry: dict[str, Any] = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{html}/blob/{sha}/{change.path}",
        "raw_url": f"{html}/raw/{sha}/{change.path}",
        "contents_url": f"{repository_url(records, full_name)}/contents/{change.path}?ref={sha}",
    }
    if change.patch:
        entry["patch"] = change.patch
    if change.previous_path is not None:
        entry["previous_filename"] = change.previous_path
    return entry


def content_entry(records: Records, full_name: str, ref: str, path: str, entry: TreeEntry) -> dict[str, Any]:
    """An item of ``content-directory``; a submodule is listed as a file that has no content."""
    api = repository_url(records, full_name)
    url = f"{api}/contents/{path}?ref={ref}"
    git = f"{api}/git/{entry.kind}s/{entry.sha}"
    file = entry.kind == "blob"
    html = f"{records.url}/{full_name}/{'blob' if file else 'tree'}/{ref}/{path}"
    return {
        "name": entry.name,
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": url,
        "html_url": html,
        "git_url": None if entry.kind == "commit" else git,
        "download_url": f"{records.url}/{full_name}/raw/{ref}/{path}" if file else None,
        "type": "dir" if entry.kind == "tree" else "file",
        "_links": {"self": url, "git": git, "html": html},
    }


def content_file(records: Records, full_name: str, ref: str, path: str, entry: TreeEntry) -> dict[str, Any]:
    """``content-file``."""
    content = base64.encodebytes(records.objects.blobs[entry.sha]).decode()
    return content_entry(records, full_name, ref, path, entry) | {"content": content, "encoding": "base64"}


def git_tree(records: Records, full_name: str, sha: str, *, recursive: bool) -> dict[str, Any]:
    """``git-tree``."""
    git = f"{repository_url(records, full_name)}/git"
    entries = [
        {
            "path": path,
            "mode": MODES[entry.kind],
            "type": entry.kind,
            "sha": entry.sha,
            "url": f"{git}/{entry.kind}s/{entry.sha}",
        }
        | ({"size": entry.size} if entry.size is not None else {})
        for path, entry in records.objects.walk(sha, recursive=recursive)
    ]
    return {
        "sha": sha,
        "url": f"{git}/trees/{sha}",
        "tree": entries[:MOST_ENTRIES],
        "truncated": len(entries) > MOST_ENTRIES,
    }


def blob(records: Records, full_name: str, sha: str) -> dict[str, Any]:
    """``blob``."""
    content = records.objects.blobs[sha]
    return {
        "sha": sha,
        "node_id": node_id("Blob", sha),
        "size": len(content),
        "url": f"{repository_url(records, full_name)}/git/blobs/{sha}",
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }


def git_ref(records: Records, full_name: str, branch: str, sha: str) -> dict[str, Any]:
    """``git-ref`` of a branch."""
    git = f"{repository_url(records, full_name)}/git"
    return {
        "ref": f"refs/heads/{branch}",
        "node_id": node_id("Ref", f"{full_name}:{branch}"),
        "url": f"{git}/refs/heads/{branch}",
        "object": {"sha": sha, "type": "commit", "url": f"{git}/commits/{sha}"},
    }


def branch_with_protection(records: Records, full_name: str, name: str) -> dict[str, Any]:
    """``branch-with-protection``; rulesets protect, classic protection is not used."""
    url = f"{repository_url(records, full_name)}/branches/{name}"
    checks = {"enforcement_level": "off", "contexts": [], "checks": []}
    return {
        "name": name,
        "commit": commit(records, full_name, records.head(full_name, name)),
        "_links": {"self": url, "html": f"{records.url}/{full_name}/tree/{name}"},
        "protected": any((rule.repository, rule.branch) == (full_name, name) for rule in records.required),
        "protection": {"enabled": False, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }


def rule_required_checks(full_name: str, rules: Iterable[RequiredCheck]) -> dict[str, Any]:
    """``repository-rule-detailed`` of kind ``required_status_checks``."""
    wanted = [
        {"context": rule.context} | ({} if rule.app_id is None else {"integration_id": rule.app_id})
        for rule in rules
    ]
    return {
        "type": "required_status_checks",
        "parameters": {
            "required_status_checks": wanted,
            "strict_required_status_checks_policy": False,
            "do_not_enforce_on_create": False,
        },
        "ruleset_source_type": "Repository",
        "ruleset_source": full_name,
        "ruleset_id": 1,
    }
