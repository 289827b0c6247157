"""Which of a repository's policies stand after it was read: the good ones, and the last good one of each bad one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gatekeeper.policy.loader import Loaded, PolicyFile, load
from gatekeeper.policy.model import Service
from gatekeeper.policy.problem import Mark, Problem, Severity


@dataclass(frozen=True)
class InForce:
    """A repository's policies as they are to stand.

    Attributes:
        services: each with what is wrong with a newer version of its file, or None.
        problems: the mistakes in its files, as text: all that keeps something from being in force.
        defaults: the files that set defaults, as they last were without a mistake.
        found: everything wrong in its files, with its place; warnings too.
    """

    repository: str
    commit: str
    services: tuple[tuple[Service, str | None], ...] = ()
    problems: tuple[str, ...] = ()
    defaults: tuple[PolicyFile, ...] = ()
    found: tuple[Problem, ...] = ()


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


@dataclass(frozen=True)
class _Bounds:
    """What a repository's policies may say, beside what each says for itself.

    Attributes:
        taken: the services of other repositories, by key.
    """

    repository: str
    central: str
    taken: Mapping[str, Service]

    def objection(self, service: Service, at: Mark | None = None) -> Problem | None:
        """Why this policy, whose name is written ``at`` a place, cannot be in force; or None."""
        place, name = at or Mark(service.origin.path), service.name
        if other := self.taken.get(service.key):
            where = f"{other.origin.repository}/{other.origin.path}"
            return Problem.at(
                place, f"service {name} is declared in {where} already", "rename one of the two"
            )
        if foreign := self._foreign(service):
            only = f"only policies in {self.central} may cover other repositories"
            return Problem.at(
                place, f"service {name} covers changes of {foreign}, and {only}", "move the file there"
            )
        return None

    def _foreign(self, service: Service) -> str | None:
        """A repository that the policy would gate out of its reach."""
        if self.repository == self.central:
            return None
        named = [change.repository for change in service.changes if change.repository is not None]
        return next((one for one in named if one.casefold() != self.repository.casefold()), None)


def put_in_force(
    files: Sequence[PolicyFile],
    before: Before,
    *,
    repository: str,
    commit: str,
    central: str,
    left_out: Collection[str] = (),
) -> InForce:
    """The policies in force after these files were read.

    Args:
        files: the policy files of the repository's default branch.
        before: what stood until now.
        repository: where they were read, ``owner/name``.
        commit: the commit they were read at.
        central: the organisation's policy repository; only policies there may cover other repositories.
        left_out: paths of policy files that are there but were not read; what they said last stands.
    """
    organization = repository.split("/", 1)[0]
    known = [*files, *(file for file in before.defaults if file.path in left_out)]
    loaded = load(
        known,
        organization=organization,
        repository=repository,
        commit=commit,
        defaults=load(before.organization_defaults, organization=organization).defaults,
        central=central,
    )
    bounds = _Bounds(repository, central, {service.key: service for service in before.others})
    refused = [
        why for one in loaded.services if (why := bounds.objection(one, loaded.named[one.key])) is not None
    ]
    refused += [_unread(path) for path in sorted(left_out)]
    good = _without(loaded, bounds, left_out)
    stood = [service for service in before.services if bounds.objection(service) is None]
    anew, mistakes = {service.key for service in good.services}, [*_errors(loaded), *refused]
    return InForce(
        repository,
        commit,
        services=tuple(
            (service, None if service.key in anew else _held_back(service, mistakes))
            for service in _unless_moved(good.in_force(stood), stood)
        ),
        problems=tuple(map(str, mistakes)),
        defaults=_defaults(known, loaded, before),
        found=(*loaded.problems, *refused),
    )


def unreadable(before: Before, repository: str, why: str) -> InForce:
    """The policies in force when the repository could not be read: a gate does not open because of that."""
    stood = before.services or before.defaults
    problems = (f"the policy files cannot be read: {why}",) if stood else ()
    services = tuple((service, problem) for service in before.services for problem in problems)
    return InForce(repository, "", services, problems, before.defaults)


def _without(loaded: Loaded, bounds: _Bounds, left_out: Collection[str]) -> Loaded:
    """What was loaded, with what is refused counted among the broken: its last good version is kept likewise."""
    refused = [service for service in loaded.services if bounds.objection(service) is not None]
    return replace(
        loaded,
        services=tuple(service for service in loaded.services if service not in refused),
        broken=loaded.broken.union((service.origin.path for service in refused), left_out),
        withheld=loaded.withheld.union(service.name for service in refused),
    )


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


def _errors(loaded: Loaded) -> Iterable[Problem]:
    return (one for one in loaded.problems if one.severity is Severity.ERROR)


def _held_back(service: Service, mistakes: Sequence[Problem]) -> str | None:
    """What keeps the newer version of a kept service's file from being in force.

    The file's own mistake; or one elsewhere that holds it back too, such as broken defaults.
    """
    own_first = sorted(mistakes, key=lambda one: one.path != service.origin.path)
    return str(own_first[0]) if own_first else None


def _unread(path: str) -> Problem:
    return Problem(
        path,
        1,
        1,
        "this file is too large, or there are too many; what it said last stays in force",
        "split it",
    )
