"""What a piece of work is about: ``pull:acme/shop#12``, ``service:acme/checkout``."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """Kinds of work; each has its own pass."""

    PULL = "pull"
    TIDY = "tidy"
    """The comment and labels of a pull request, once its check says that a gate moved."""
    PROPOSAL = "proposal"
    GROUP = "group"
    COMMIT = "commit"
    REPOSITORY = "repository"
    POLICIES = "policies"
    SERVICE = "service"
    AUDIT = "audit"
    DEPLOYMENTS = "deployments"
    RUN = "run"
    RUNS = "runs"
    HEAD = "head"
    DEPLOYMENT = "deployment"
    INSTALLATION = "installation"
    DELIVERIES = "deliveries"
    ANNOUNCEMENT = "announcement"


_REPOSITORY = r"[\w.-]{1,100}/[\w.-]{1,100}"
_SERVICE = r"[\w.-]{1,100}/[\w.-]{1,253}"
_SUBJECTS = {
    kind: re.compile(pattern, re.ASCII)
    for kind, pattern in {
        Kind.PULL: _REPOSITORY + r"#[1-9]\d{0,17}",
        Kind.TIDY: _REPOSITORY + r"#[1-9]\d{0,17}",
        Kind.PROPOSAL: _REPOSITORY + r"#[1-9]\d{0,17}",
        Kind.GROUP: _REPOSITORY + r"@(?:[0-9a-f]{40}|[0-9a-f]{64})",
        Kind.COMMIT: _REPOSITORY + r"@(?:[0-9a-f]{40}|[0-9a-f]{64})",
        Kind.REPOSITORY: _REPOSITORY,
        Kind.POLICIES: _REPOSITORY,
        Kind.SERVICE: _SERVICE,
        Kind.AUDIT: _SERVICE,
        Kind.DEPLOYMENTS: _REPOSITORY,
        Kind.RUN: _REPOSITORY + r"#[1-9]\d{0,17}",
        Kind.RUNS: _REPOSITORY,
        Kind.HEAD: _REPOSITORY,
        Kind.DEPLOYMENT: _REPOSITORY + r"#[1-9]\d{0,17}",
        Kind.INSTALLATION: r"[1-9]\d{0,17}",
        Kind.DELIVERIES: r"app",
        Kind.ANNOUNCEMENT: _REPOSITORY,
    }.items()
}


@dataclass(frozen=True, order=True)
class WorkKey:
    """Names one piece of work; ``str(key)`` and ``WorkKey.parse`` are each other's inverse.

    Raises:
        ValueError: the subject is not one of its kind.
    """

    kind: Kind
    subject: str

    def __post_init__(self) -> None:
        if not _SUBJECTS[self.kind].fullmatch(self.subject):
            raise ValueError(f"{self.subject[:200]!r} names no {self.kind}")

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key written as ``kind:subject``.

        Raises:
            ValueError: no such kind, or the subject is not one of its kind.
        """
        kind, _, subject = text.partition(":")
        return cls(Kind(kind), subject)

    @classmethod
    def pull(cls, repository: str, number: int) -> Self:
        """A pull request of ``owner/name``."""
        return cls(Kind.PULL, f"{repository}#{number}")

    @classmethod
    def tidy(cls, repository: str, number: int) -> Self:
        """What else is ours on a pull request of ``owner/name``."""
        return cls(Kind.TIDY, f"{repository}#{number}")

    @classmethod
    def proposal(cls, repository: str, number: int) -> Self:
        """The policy files of a pull request of ``owner/name``."""
        return cls(Kind.PROPOSAL, f"{repository}#{number}")

    @classmethod
    def group(cls, repository: str, sha: str) -> Self:
        """A merge group, by the commit that would land."""
        return cls(Kind.GROUP, f"{repository}@{sha}")

    @classmethod
    def run(cls, repository: str, number: int) -> Self:
        """A workflow run whose deployments wait for our answer."""
        return cls(Kind.RUN, f"{repository}#{number}")

    @classmethod
    def commit(cls, repository: str, sha: str) -> Self:
        """A commit whose pull requests are not known yet (pushes in forks)."""
        return cls(Kind.COMMIT, f"{repository}@{sha}")

    @classmethod
    def deliveries(cls) -> Self:
        """The App's webhook deliveries as GitHub has them on record."""
        return cls(Kind.DELIVERIES, "app")

    @property
    def name(self) -> str:
        """The subject without pull request number or SHA: ``acme/shop``, ``acme/checkout``, ``123``."""
        return re.split("[#@]", self.subject, maxsplit=1)[0]

    @property
    def detail(self) -> str:
        """The number of the pull request, run or deployment, or the commit's SHA; empty for the other kinds."""
        return self.subject[len(self.name) + 1 :]
