"""Whether jobs that deploy really wait for us: our protection rule on each environment that a policy enforces."""

from collections.abc import Iterable, Iterator

from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.diagnose.findings import Findings
from gatekeeper.github.client import GitHub
from gatekeeper.policy.covers import repositories
from gatekeeper.policy.gate import EnvironmentMode
from gatekeeper.policy.model import Service


def diagnose_environments(gatekeeper: Gatekeeper, github: GitHub, findings: Findings) -> None:
    """Look at every environment that a policy names to be enforced; a token has no rule of its own."""
    if github.mode == "token":
        return
    for repository, environment in enforced(one.service for one in gatekeeper.stores.catalog.entries()):
        with findings.failing(repository, "accept the App's permission Actions: read for that repository"):
            _judge(repository, environment, findings, guarded=github.guards(repository, environment))


def enforced(services: Iterable[Service]) -> Iterator[tuple[str, str]]:
    """(repository, environment), each once: names of both ignore case."""
    named = {
        (repository.casefold(), environment.casefold()): (repository, environment)
        for service in services
        for repository in sorted(repositories(service))
        for environment, mode in service.environments.items()
        if mode is EnvironmentMode.ENFORCE
    }
    return (named[one] for one in sorted(named))


def _judge(repository: str, environment: str, findings: Findings, *, guarded: bool) -> None:
    if guarded:
        findings.ok(repository, f"our protection rule is enabled for environment {environment}")
        return
    findings.warn(
        repository,
        f"our protection rule is not enabled for environment {environment}: jobs of GitHub Actions deploy into it "
        "whatever the gate says",
        f"in the repository's settings, under Environments → {environment}, enable the App under deployment "
        "protection rules",
    )
