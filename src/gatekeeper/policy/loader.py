"""Policy files read: text in; services, defaults and every mistake out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.policy.beneath import Beneath, displaced
from gatekeeper.policy.context import beyond_reach, doubts, elapsed, strangers
from gatekeeper.policy.defaults import Defaults
from gatekeeper.policy.document import Document, Map, read
from gatekeeper.policy.draft import Draft, draft, is_defaults
from gatekeeper.policy.findings import locate
from gatekeeper.policy.foreign.adopt import adopt
from gatekeeper.policy.model import Origin, Service
from gatekeeper.policy.native import DefaultsFile, ServiceFile
from gatekeeper.policy.problem import Mark, Problem, Severity

__all__ = ["Defaults", "Loaded", "PolicyFile", "Problem", "Severity", "load"]

_MOST_NAMED = 2


@dataclass(frozen=True)
class PolicyFile:
    """A file's text, under the path that problems name."""

    path: str
    text: str


@dataclass(frozen=True)
class Loaded:
    """What a set of files says.

    Attributes:
        services: of the documents without an error, sorted by key.
        defaults: the defaults they were read with.
        problems: all mistakes and warnings, sorted by place.
        broken: paths of the files of which something was withheld.
        withheld: names of the services that were withheld, as far as they could be read.
        named: by the key of each service, where its name is written.
        spoilt: the files' own defaults could not be read, for which reason every service was withheld.
    """

    services: tuple[Service, ...] = ()
    defaults: Defaults | None = None
    problems: tuple[Problem, ...] = ()
    broken: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    spoilt: bool = False
    named: Mapping[str, Mark] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error; there may be warnings."""
        return all(problem.severity is Severity.WARNING for problem in self.problems)

    def in_force(self, previous: Iterable[Service]) -> tuple[Service, ...]:
        """The services in force after this load, sorted by key: where a file is broken, the last good ones stay.

        Args:
            previous: the services of the same repository that were in force until now.
        """
        anew = {service.name for service in self.services}
        kept = [
            service
            for service in previous
            if service.name not in anew
            and (service.name in self.withheld or service.origin.path in self.broken)
        ]
        return tuple(sorted([*self.services, *kept], key=lambda service: service.key))


def load(
    texts: Sequence[PolicyFile],
    *,
    organization: str = "",
    repository: str = "",
    commit: str = "",
    defaults: Defaults | None = None,
    now: datetime | None = None,
    central: str = "",
) -> Loaded:
    """Read policy files. Never raises over what is in them.

    A document with an error yields no service; other documents and files are not affected. The one exception
    is a broken ``kind: Defaults``: every service means something else without it, so all are withheld.

    Args:
        texts: the files.
        organization: the GitHub organisation or user they belong to; teams and repositories must be its own.
        repository: where they were read, ``owner/name``; empty for local files.
        commit: the commit they were read at.
        defaults: the organisation's defaults, laid under those in ``texts``.
        now: when given, exceptions that are over by then are warned of.
        central: the organisation's policy repository, the only one whose defaults may set floors; empty if not known.
    """
    written, damage = _documents(texts)
    documents, said = adopt(written)
    damage += said
    own = _only_one([draft(document) for document in documents if is_defaults(document.root)])
    if repository and central and repository != central:
        own = [one.with_problems(*displaced(one.root, central)) for one in own]
    own = [_not_beneath(one, defaults) for one in own]
    in_use = _in_use(own, defaults)
    floors = Beneath.of(in_use)
    services = [draft(document, in_use) for document in documents if not is_defaults(document.root)]
    services = _without_namesakes([_in_context(one, organization, now, floors) for one in services])
    spoilt = _spoilt(own, damage, texts)
    withheld = [one for one in services if spoilt or not one.ok]
    origin = Origin(path="", repository=repository, commit=commit)
    owners = in_use.owners if in_use is not None else ()
    found = [] if spoilt else [*_built(services, organization, origin, owners)]
    return Loaded(
        services=tuple(sorted(found, key=lambda service: service.key)),
        defaults=in_use,
        problems=tuple(sorted({*damage, *(problem for one in own + services for problem in one.problems)})),
        broken=frozenset(_paths(withheld, own, damage)),
        withheld=frozenset(str(one.name.value) for one in withheld if one.name),
        spoilt=spoilt,
        named={f"{organization}/{one.name.value}": one.name.mark for one in services if one.name},
    )


def _documents(texts: Sequence[PolicyFile]) -> tuple[list[Document], list[Problem]]:
    """The documents of all files in the order of their paths, and what kept files from being read to their end."""
    documents, damage = [], []
    for file in sorted(texts, key=lambda one: one.path):
        found = list(read(file.path, file.text))
        documents += [one for one in found if isinstance(one, Document)]
        damage += [one for one in found if isinstance(one, Problem)]
        if not found:
            advice = "write a kind: Service, or remove the file"
            damage.append(Problem.at(Mark(file.path), "this file is empty", advice))
    return documents, damage


def _only_one(own: list[Draft]) -> list[Draft]:
    """The defaults of a set of files: more than one would leave open which counts."""
    if len(own) < 2:  # noqa: PLR2004 - two are one too many
        return own
    places = [str(one.mark) for one in own]
    return [
        one.with_problems(
            Problem.at(
                one.mark, f"defaults are also given at {_others(places, position)}", "keep one of them"
            )
        )
        for position, one in enumerate(own)
    ]


def _not_beneath(one: Draft, given: Defaults | None) -> Draft:
    """Defaults held against the organisation's floors, which may be their own."""
    over = _laid_over(one, given)
    floors = Beneath.of(over)
    return one if over is None or floors is None else one.with_problems(*floors.defaults(over, one.root))


def _in_use(own: list[Draft], given: Defaults | None) -> Defaults | None:
    """The repository's own defaults over the organisation's; without its own where they are broken."""
    return next((over for one in own if (over := _laid_over(one, given)) is not None), given)


def _laid_over(one: Draft, given: Defaults | None) -> Defaults | None:
    """The defaults of a document over the organisation's; None where it is broken."""
    spec, _ = locate(one.root, ("spec",))
    if not (one.ok and isinstance(spec, Map) and isinstance(one.content, DefaultsFile)):
        return None
    return Defaults(spec, one.content.metadata.owners).over(given)


def _spoilt(own: list[Draft], damage: list[Problem], texts: Sequence[PolicyFile]) -> bool:
    """Whether there are defaults that cannot be read, or a damaged file may have held some."""
    damaged = {problem.path for problem in damage}
    return any(not one.ok for one in own) or any(
        "Defaults" in file.text for file in texts if file.path in damaged
    )


def _in_context(one: Draft, organization: str, now: datetime | None, floors: Beneath | None) -> Draft:
    if not isinstance(one.content, ServiceFile):
        return one
    spec = one.content.spec
    over = elapsed(one.content, one.root, now) if now is not None else ()
    return one.with_problems(
        *strangers(one.content, one.root, organization),
        *beyond_reach(spec, one.root),
        *doubts(spec, one.root),
        *(floors.service(spec, one.root) if floors is not None else ()),
        *over,
    )


def _without_namesakes(drafts: list[Draft]) -> list[Draft]:
    """Of services with one name none counts, since nobody can tell which is meant."""
    places = defaultdict(list)
    for one in drafts:
        if one.name:
            places[one.name.value].append(one.name.mark)
    checked = []
    for one in drafts:
        same = places[one.name.value] if one.name else []
        if one.name and len(same) > 1:
            others = _others([str(mark) for mark in same], same.index(one.name.mark))
            message = f'the service "{one.name.value}" is also defined at {others}'
            one = one.with_problems(Problem.at(one.name.mark, message, "rename or remove one of them"))  # noqa: PLW2901 (each draft in its turn)
        checked.append(one)
    return checked


def _others(places: list[str], position: int) -> str:
    """The other places than the one at a position, the first few by name."""
    others = places[:position] + places[position + 1 :]
    more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    return ", ".join(others[:_MOST_NAMED]) + more


def _built(
    drafts: list[Draft], organization: str, origin: Origin, owners: tuple[str, ...]
) -> Iterator[Service]:
    """The services of the drafts without an error."""
    for one in drafts:
        if one.ok and isinstance(one.content, ServiceFile):
            yield Service(
                organization=organization,
                name=one.content.metadata.name,
                description=one.content.metadata.description,
                owners=one.content.metadata.owners or owners,
                reviewed=one.content.metadata.reviewed,
                objectives=one.content.spec.objectives,
                changes=one.content.spec.changes,
                gate=one.content.spec.gate,
                adjustments=one.content.spec.adjustments,
                exceptions=one.content.spec.exceptions,
                environments=one.content.spec.environments,
                redundancy=one.content.spec.redundancy,
                review=one.content.spec.review,
                origin=origin.model_copy(update={"path": one.mark.path}),
            )


def _paths(withheld: list[Draft], own: list[Draft], damage: list[Problem]) -> Iterator[str]:
    """The files of which something was withheld."""
    yield from (one.mark.path for one in withheld)
    yield from (one.mark.path for one in own if not one.ok)
    yield from (problem.path for problem in damage if problem.severity is Severity.ERROR)
