"""``POST /api/v1/deployments``: a pipeline reports what it deployed, which is recorded beside GitHub's deployments."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pydantic import ValidationError
from werkzeug.exceptions import BadRequest, Conflict, Forbidden, Unauthorized

from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.events.deployments import DeploymentStatus
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.model import Service
from gatekeeper.store.deployments import Claim
from gatekeeper.web.models import DeploymentReceipt, ReportedDeployment

LARGEST_REPORT = 64 * 1024
"""Bytes."""
SKEW = timedelta(minutes=5)
"""How far the clock of a pipeline may be ahead of ours."""


@dataclass(frozen=True)
class Reporting:
    """Takes reports in.

    Attributes:
        tokens: a report may come with any of them; without one, none may come.
        claim: puts one on record.
        services: the services whose policies are in force.
        clock: now.
    """

    tokens: Sequence[bytes]
    claim: Callable[[str, DeploymentStatus, str | None], Claim]
    services: Callable[[], Sequence[Service]]
    clock: Callable[[], datetime]

    @classmethod
    def to(cls, gatekeeper: Gatekeeper) -> Self:
        """What goes on record there."""
        stores = gatekeeper.stores
        return cls(
            gatekeeper.settings.api_tokens,
            stores.deployments.claim,
            lambda: [entry.service for entry in stores.catalog.entries()],
            gatekeeper.clock,
        )

    def admit(self, authorization: str) -> None:
        """Let whoever has a token pass.

        Raises:
            Forbidden: nobody may report here.
            Unauthorized: it is no token of ours.
        """
        if not self.tokens:
            raise Forbidden("nothing can be reported here: GATEKEEPER_API_TOKEN is not set")
        scheme, _, given = authorization.partition(" ")
        # Compared with each of them, in a time that tells neither which one nor how much of it is right.
        found = [hmac.compare_digest(given.strip().encode(), token) for token in self.tokens]
        if scheme.casefold() != "bearer" or not any(found):
            raise Unauthorized("send Authorization: Bearer TOKEN, with the token in GATEKEEPER_API_TOKEN")

    def receive(self, body: bytes) -> DeploymentReceipt:
        """Take one report in; the same one again changes nothing.

        Raises:
            BadRequest: it is none.
            Conflict: its id is that of another deployment.
            TemporaryError: it could not be stored.
        """
        report, now = _parsed(body), self.clock()
        if report.at is not None and report.at > now + SKEW:
            raise BadRequest(f"at: {report.at.isoformat()} lies in the future")
        status = _status(report, report.at or now)
        services = self._services_of(report)
        claim = self.claim(report.repository, status, services[0] if report.service else None)
        if claim is Claim.TAKEN:
            raise Conflict(
                f"{status.id} was reported with another service, environment, sha or task: "
                "give each deployment an id of its own"
            )
        return DeploymentReceipt(id=status.id, new=claim is Claim.NEW, services=services)

    def _services_of(self, report: ReportedDeployment) -> list[str]:
        folded = report.repository.casefold()
        found = [
            one.key
            for one in self.services()
            if report.service in {None, one.name}
            and folded in {name.casefold() for name in repositories(one)}
        ]
        if report.service and not found:
            raise BadRequest(f"service: no policy of that name names {report.repository}")
        return found


def _parsed(body: bytes) -> ReportedDeployment:
    try:
        return ReportedDeployment.model_validate_json(body)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False, include_context=False)
        said = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in mistakes)
        raise BadRequest("; ".join(said)) from None


def _status(report: ReportedDeployment, at: datetime) -> DeploymentStatus:
    try:
        return DeploymentStatus(
            # GitHub's ids are numbers: with its repository before it, none of ours is one of them.
            id=f"{report.repository.lower()}:{report.id}",
            environment=report.environment,
            production=report.production,
            task=report.task,
            ref=report.ref or report.sha,
            sha=report.sha,
            state=report.state,
            at=at,
            url=report.url,
        )
    except ValueError as error:
        raise BadRequest(str(error)) from None
