"""What a monitoring system says of an indicator's queries, for the author of the policy."""

from dataclasses import dataclass

from gatekeeper.policy.problem import Severity


@dataclass(frozen=True)
class Finding:
    """Something about a query that may be a mistake.

    Attributes:
        key: where it is, below the system's name: ``("total",)``, ``("latency", "below")``.
        severity: an error where nothing could be measured; else a warning, since data may come later.
    """

    key: tuple[str, ...]
    message: str
    suggestion: str
    severity: Severity = Severity.WARNING
