"""Which of a repository's policies stand after it was read: the good ones, and the last good one of each bad one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatekeeper.policy.loader import Loaded, PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.problem import Problem, Severity


@dataclass(frozen=True)
class InForce:
    """A repository's policies as they are to stand.

    Attributes:
        services: each with what is wrong with a newer version of its file, or None.
        problems: everything wrong in its files.
        defaults: the files that set defaults, as they last were without a mistake.
    """

    repository: str
    commit: str
    services: tuple[tuple[Service, str | None], ...] = ()
    problems: tuple[str, ...] = ()
    defaults: tuple[PolicyFile, ...] = ()


@dataclass(frozen=True)
class Before:
    """What stood until now.

    Attributes:
        services: of the same repository.
        others: of the organisation's other repositories.
        defaults: the repository's own files that set defaults.
        organization_defaults: those of the policy repository; empty for the policy repository itself.
    """

    services: Sequence[Service] = ()
    others: Sequence[Service] = ()
    defaults: tuple[PolicyFile, ...] = ()
    organization_defaults: tuple[PolicyFile, ...] = ()


def put_in_force(
    files: Sequence[PolicyFile], before: Before, *, repository: str, commit: str, central: str
) -> InForce:
    """The policies in force after these files were read.

    Args:
        files: the policy files of the repository's default branch.
        before: what stood until now.
        repository: where they were read, ``owner/name``.
        commit: the commit they were read at.
        central: the organisation's policy repository; only policies there may cover other repositories.
    """
    organization = repository.split("/", 1)[0]
    loaded = load(
        files,
        organization=organization,
        repository=repository,
        commit=commit,
        defaults=load(before.organization_defaults, organization=organization).defaults,
    )
    taken = {service.key: service for service in before.others}
    problems = [str(problem) for problem in loaded.problems]
    services: list[tuple[Service, str | None]] = []
    for service in _unless_moved(loaded.in_force(before.services), before.services):
        if service.key in taken:
            problems.append(_doubled(service, taken[service.key]))
        elif repository != central and (foreign := _foreign(service, repository)):
            problems.append(_out_of_reach(service, foreign, central))
        else:
            services.append((service, _newer_problem(service, loaded)))
    return InForce(repository, commit, tuple(services), tuple(problems), _defaults(files, loaded, before))


def unreadable(before: Before, repository: str, why: str) -> InForce:
    """The policies in force when the repository could not be read: a gate does not open because of that."""
    problems = (f"the policy files cannot be read: {why}",) if before.services else ()
    services = tuple((service, problem) for service in before.services for problem in problems)
    return InForce(repository, "", services, problems, before.defaults)


def _unless_moved(services: Sequence[Service], before: Sequence[Service]) -> Iterable[Service]:
    """Policies that say what they said keep the commit at which they began to say it."""
    stood = {service.key: service for service in before}
    for service in services:
        old = stood.get(service.key)
        if old is not None and old == service.model_copy(
            update={"origin": service.origin.model_copy(update={"commit": old.origin.commit})}
        ):
            yield old
        else:
            yield service


def _defaults(files: Sequence[PolicyFile], loaded: Loaded, before: Before) -> tuple[PolicyFile, ...]:
    found = tuple(file for file in files if load([file]).defaults is not None)
    return before.defaults if loaded.spoilt else found


def _newer_problem(service: Service, loaded: Loaded) -> str | None:
    """What keeps the newer version of a kept service's file from being in force."""
    if service in loaded.services:
        return None
    errors = [one for one in loaded.problems if one.severity is Severity.ERROR]
    return next(iter(_own_first(errors, service.origin.path)), None)


def _own_first(errors: Sequence[Problem], path: str) -> Iterable[str]:
    """The file's own errors; then those elsewhere that hold it back too, such as broken defaults."""
    return [str(one) for one in sorted(errors, key=lambda one: one.path != path)]


def _foreign(service: Service, repository: str) -> str | None:
    """A repository other than the policy's own that the policy would gate."""
    named = [change.repository for change in service.changes if change.repository is not None]
    return next((one for one in named if one.casefold() != repository.casefold()), None)


def _doubled(service: Service, other: Service) -> str:
    place = f"{other.origin.repository}/{other.origin.path}"
    return (
        f"{service.origin.path}: service {service.name} is declared in {place} already; rename one of the two"
    )


def _out_of_reach(service: Service, foreign: str, central: str) -> str:
    return (
        f"{service.origin.path}: service {service.name} covers changes of {foreign}, and only policies in {central} "
        "may cover other repositories; move the file there"
    )
