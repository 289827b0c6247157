"""Whether merging really waits for our checks: required on each branch, and from our App alone."""

from collections.abc import Collection, Iterator

from gatekeeper.bootstrap import Gatekeeper
from gatekeeper.decide.desired import CHECK_NAME
from gatekeeper.decide.proposal import CHECK_NAME as POLICY_CHECK
from gatekeeper.diagnose.findings import Findings
from gatekeeper.github.client import GitHub
from gatekeeper.policy.covers import named_branches
from gatekeeper.policy.model import Change


def diagnose_required(gatekeeper: Gatekeeper, github: GitHub, findings: Findings) -> None:
    """Look at every repository that a policy covers or is read from."""
    covered = _covered(gatekeeper)
    ours = github.app_number() if github.mode == "app" else None
    for name in sorted(covered.keys() | _sources(gatekeeper)):
        with findings.failing(name, "check that the App is installed there"):
            known = gatekeeper.stores.installations.repository(name) or github.repository(name)
            default = known.default_branch
            if known.full_name.casefold() != name.casefold():
                _renamed(name, known.full_name, findings)
                continue
            for branch, check, otherwise in _expected(gatekeeper, covered, name, default):
                sources = github.required_sources(name, branch).get(check, frozenset())
                judge(name, branch, check, otherwise, sources, ours, findings)


def judge(
    repository: str,
    branch: str,
    check: str,
    otherwise: str,
    sources: Collection[int | None],
    ours: int | None,
    findings: Findings,
) -> None:
    """Judge one check of one branch.

    Args:
        repository: ``owner/name``.
        branch: its name.
        check: the check's name.
        otherwise: what can happen when it is not required.
        sources: of each rule that requires the check, the App that it has to come from; None where anybody may give it.
        ours: our App's number, None with a token.
        findings: where to tell it.
    """
    advice = f"add a ruleset for {branch} that requires the status check {check}"
    pin = f"choose the App as the source of {check} in the ruleset of {branch}"
    others = sorted(one for one in sources if one is not None and one != ours)
    if not sources:
        findings.warn(
            repository,
            f"no ruleset requires check {check} on {branch}: {otherwise} "
            "(classic branch protection is not visible to Apps)",
            advice,
        )
    elif others:
        findings.fail(
            repository,
            f"check {check} is required on {branch} from App {others[0]}, which is not this one: it can never pass",
            pin,
        )
    elif ours is not None and ours not in sources:
        findings.warn(
            repository,
            f"check {check} is required on {branch}, but from any source: whoever may write statuses can forge it",
            pin,
        )
    else:
        findings.ok(repository, f"check {check} is required on {branch}" + (", from our App" if ours else ""))


def _renamed(name: str, present: str, findings: Findings) -> None:
    findings.fail(
        name,
        f"it is called {present} by now: policies that name {name} cover nothing there",
        f"write {present} instead in the policies' changes",
    )


def _expected(
    gatekeeper: Gatekeeper, covered: dict[str, list[Change]], repository: str, default: str
) -> Iterator[tuple[str, str, str]]:
    """The branches and the checks that they ought to require, and what can happen otherwise."""
    for branch in named_branches(covered.get(repository, ()), default):
        yield branch, CHECK_NAME, "a blocked pull request can be merged"
    if repository in _sources(gatekeeper):
        yield default, POLICY_CHECK, "a gate can be loosened without its owners"


def _sources(gatekeeper: Gatekeeper) -> set[str]:
    return {entry.service.origin.repository for entry in gatekeeper.stores.catalog.entries()}


def _covered(gatekeeper: Gatekeeper) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for entry in gatekeeper.stores.catalog.entries():
        for change in entry.service.changes:
            found.setdefault(change.repository or entry.service.origin.repository, []).append(change)
    return found
