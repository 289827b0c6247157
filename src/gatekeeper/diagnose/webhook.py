"""Whether GitHub's events come in: where the App sends them, and what became of the last ones."""

from collections.abc import Iterable

from gatekeeper.diagnose.findings import Findings
from gatekeeper.github.client import GitHub
from gatekeeper.github.manifest import WEBHOOKS
from gatekeeper.github.values import DeliveryAttempt
from gatekeeper.settings import Settings

_TAKEN = range(200, 400)
_UNAUTHORIZED = 401


def diagnose_webhook(settings: Settings, github: GitHub, findings: Findings) -> None:
    """Look at the App's webhook."""
    address(github.hook_url(), settings.public_url, findings)
    deliveries(github.deliveries().attempts, findings)


def address(told: str | None, public_url: str | None, findings: Findings) -> None:
    """Compare where the App sends its events with where this server is.

    Args:
        told: the webhook's address, None when the App has none.
        public_url: root of this server, None when nobody has set it.
        findings: where to tell it.
    """
    if not told:
        findings.fail(
            "webhook",
            "the App has no webhook: nothing is heard of",
            "set its URL and its secret on its settings page",
        )
    elif public_url is None:
        findings.warn(
            "webhook",
            f"events go to {told}; whether that is this server is not known",
            "set GATEKEEPER_PUBLIC_URL",
        )
    elif told.rstrip("/") != public_url + WEBHOOKS:
        findings.warn(
            "webhook",
            f"events go to {told}, and this server is {public_url}",
            f"if they do not come in, set the webhook's URL to {public_url + WEBHOOKS} on the App's settings page",
        )
    else:
        findings.ok("webhook", f"events go to {told}")


def deliveries(attempts: Iterable[DeliveryAttempt], findings: Findings) -> None:
    """Judge the last deliveries, newest first; of one that was repeated, the last attempt counts."""
    last: dict[str, DeliveryAttempt] = {}
    for one in attempts:
        last.setdefault(one.guid, one)
    failed = [one for one in last.values() if one.status_code not in _TAKEN]
    if not last:
        findings.warn(
            "deliveries", "GitHub has delivered nothing in the last 3 days", "open a pull request to try it"
        )
    elif not failed:
        findings.ok("deliveries", f"the last {len(last)} came in")
    else:
        _tell(failed[0], f"{len(failed)} of the last {len(last)} did not come in", findings)


def _tell(newest: DeliveryAttempt, count: str, findings: Findings) -> None:
    answered = f"{newest.status_code} to {newest.event} at {newest.delivered_at:%Y-%m-%d %H:%M} UTC"
    if newest.status_code == _UNAUTHORIZED:
        findings.fail(
            "deliveries",
            f"{count}, the newest of them {answered}: the App signs with another secret",
            "set GATEKEEPER_WEBHOOK_SECRET and the secret on the App's settings page to the same",
        )
    else:
        findings.warn(
            "deliveries",
            f"{count}, the newest of them {answered}",
            "is the server up, and reachable from GitHub? What did not come in is asked for again every 5 minutes",
        )
