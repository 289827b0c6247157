"""What a pull request proposes with its policy files: what would be in force, beside what is."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.policy.compare import DEFAULTS, Difference, Direction, compare, compare_defaults
from gatekeeper.policy.compare_changes import changes, overlap
from gatekeeper.policy.covers import Everything
from gatekeeper.policy.in_force import Before, InForce, put_in_force
from gatekeeper.policy.loader import PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.places import place_of
from gatekeeper.policy.problem import Problem, Severity

FOLDER = "policies/"
_MOST_NAMED = 3


@dataclass(frozen=True)
class Files:
    """The policy files of one commit, and the paths of those that were there but not read."""

    files: tuple[PolicyFile, ...] = ()
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Consent:
    """What loosens a service needs the consent of one of its owners.

    Attributes:
        service: name of the service, or ``DEFAULTS``.
        owners: as the policy in force names them; empty where it names none: then of anybody else who may write
            to the repository.
    """

    service: str
    owners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A proposal, as far as files tell.

    Attributes:
        before: the services in force.
        after: those that would be.
        problems: mistakes and warnings in the files it changes, and those that it brings to others.
        differences: what it changes, key by key.
        consents: those it needs, by service.
    """

    before: tuple[Service, ...] = ()
    after: tuple[Service, ...] = ()
    problems: tuple[Problem, ...] = ()
    differences: tuple[Difference, ...] = ()
    consents: tuple[Consent, ...] = ()


def policy_paths(paths: Iterable[str]) -> frozenset[str]:
    """Those of a change's paths that may hold policies, whatever the file's name ends with."""
    return frozenset(path for path in paths if path.startswith(FOLDER))


def merged(base: Files, head: Files, changed: Collection[str] | Everything) -> Files:
    """The policy files as a merge would leave them.

    Not the head's own: a branch that is behind would seem to take back what others have merged since.

    Args:
        base: of the target branch now.
        head: of a merge into that branch; while that has conflicts, of the pull request's newest commit.
        changed: the paths it changes, both paths of a rename. Where they cannot be listed, the head's files count.
    """
    if isinstance(changed, Everything):
        return head
    kept = [file for file in base.files if file.path not in changed]
    put = [file for file in head.files if file.path in changed]
    unread = (base.left_out - set(changed)) | (head.left_out & set(changed))
    return Files(tuple(sorted([*kept, *put], key=lambda file: file.path)), unread)


def propose(
    base: Files,
    head: Files,
    changed: Collection[str] | Everything,
    before: Before,
    *,
    repository: str,
    commit: str,
    central: str,
) -> Proposal:
    """Read what a pull request proposes.

    Args:
        base: the policy files of the target branch.
        head: those of the merge, or of its newest commit.
        changed: the paths it changes.
        before: what is in force.
        repository: where it is, ``owner/name``.
        commit: its newest commit.
        central: the organisation's policy repository.
    """

    def read(files: Files) -> InForce:
        return put_in_force(
            files.files,
            before,
            repository=repository,
            commit=commit,
            central=central,
            left_out=files.left_out,
        )

    proposed = merged(base, head, changed)
    now, then = read(base), read(proposed)
    after = tuple(service for service, _ in then.services)
    differences = compare(before.services, after)
    owners = {service.name: service.owners for service in before.services}
    if repository == central:
        organization = repository.split("/", 1)[0]
        old, new = (load(files, organization=organization) for files in (before.defaults, then.defaults))
        differences += compare_defaults(old.defaults, new.defaults)
        owners[DEFAULTS] = old.defaults.owners if old.defaults is not None else ()
    return Proposal(
        before=tuple(before.services),
        after=after,
        problems=(
            *_new(then.found, now.found, changed),
            *_overlaps(before, after, {file.path: file for file in proposed.files}),
        ),
        differences=differences,
        consents=tuple(
            Consent(name, owners.get(name, ()))
            for name in sorted({one.service for one in differences if one.direction is Direction.LOOSER})
        ),
    )


def _overlaps(before: Before, after: Sequence[Service], files: Mapping[str, PolicyFile]) -> Iterator[Problem]:
    """Services whose changes are said anew, and meet other gates too: allowed, and often not meant."""
    old = {one.key: one for one in before.services}
    for service in after:
        if service.key in old and changes(old[service.key], service) is None:
            continue
        others = [
            one.name for one in (*after, *before.others) if one.key != service.key and overlap(service, one)
        ]
        file = files.get(service.origin.path)
        if others and file is not None:
            named = ", ".join(sorted(others)[:_MOST_NAMED]) + (
                " and more" if len(others) > _MOST_NAMED else ""
            )
            yield Problem.at(
                place_of(file, service.name, "spec", "changes"),
                f"changes that meet this gate meet that of {named} too, and have to pass each",
                "narrow the paths of one of them if that is not meant",
                Severity.WARNING,
            )


def _new(
    after: Sequence[Problem], before: Sequence[Problem], changed: Collection[str] | Everything
) -> tuple[Problem, ...]:
    """The problems that the pull request is answerable for; lines move, so a place alone makes none new."""
    old = {(one.path, one.message) for one in before}
    return tuple(
        one
        for one in sorted(set(after))
        if isinstance(changed, Everything) or one.path in changed or (one.path, one.message) not in old
    )
