"""Everything that is looked at: settings, GitHub, sources, policies, ledgers, work given up. Reads only."""

from collections.abc import Callable, Iterator

from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.diagnose.findings import Findings
from gatekeeper.diagnose.github import diagnose_github
from gatekeeper.diagnose.sources import diagnose_ledgers, diagnose_prometheus
from gatekeeper.settings import Settings

Examination = Callable[[Gatekeeper, Findings], None]


def examine(gatekeeper: Gatekeeper, findings: Findings) -> None:
    """Look at everything that is wired up; GitHub and the sources are asked."""
    for examination in EXAMINATIONS:
        examination(gatekeeper, findings)


def missing(settings: Settings) -> Iterator[tuple[str, str]]:
    """(setting, what it is needed for) of what has to be set for Gatekeeper to do its work."""
    if settings.github_app_id is None and settings.github_token is None:
        yield (
            "GATEKEEPER_GITHUB_APP_ID and GATEKEEPER_GITHUB_PRIVATE_KEY",
            "nothing on GitHub can be read or gated",
        )
    if not settings.webhook_secrets:
        yield "GATEKEEPER_WEBHOOK_SECRET", "every webhook is refused"
    if settings.prometheus_url is None:
        yield "GATEKEEPER_PROMETHEUS_URL", "availability cannot be measured"


def diagnose_settings(settings: Settings, findings: Findings) -> None:
    """Whether everything is set that is needed."""
    absent = list(missing(settings))
    for names, consequence in absent:
        findings.fail(
            "settings", f"{names} not set: {consequence}", "set it; `gatekeeper settings` lists all"
        )
    if settings.public_url is None:
        findings.warn(
            "settings",
            "GATEKEEPER_PUBLIC_URL is not set: checks cannot link to their decision's page",
            "set it to the address under which people reach `gatekeeper serve`",
        )
    if not absent:
        findings.ok("settings", "everything that is needed is set")


def _policies(gatekeeper: Gatekeeper, findings: Findings) -> None:
    entries, sources = gatekeeper.stores.catalog.entries(), gatekeeper.stores.catalog.sources()
    for source in sources:
        for problem in source.problems:
            findings.warn(
                "policies", f"{source.repository}: {problem}", "mend the file; the last good version counts"
            )
    if entries:
        findings.ok("policies", f"{len(entries)} in force, from {len(sources)} repositories")
    else:
        findings.warn(
            "policies",
            "none were read yet",
            "run `gatekeeper serve`, and put a policy under policies/ on a default branch",
        )


def _work(gatekeeper: Gatekeeper, findings: Findings) -> None:
    for one in gatekeeper.stores.work.parked():
        findings.warn(
            "work", f"{one.key} was given up: {one.error}", "mend the cause; the next event tries again"
        )


EXAMINATIONS: tuple[Examination, ...] = (
    diagnose_github,
    diagnose_prometheus,
    _policies,
    diagnose_ledgers,
    _work,
)
