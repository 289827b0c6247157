"""Every error Gatekeeper raises on purpose. The type says what happens next.

GatekeeperError
├── TemporaryError            later: the work is retried with backoff, and shown while it waits
│   ├── SourceError             an availability source did not answer, or answered in part
│   └── GitHubError             GitHub failed, or the connection to it did
│       └── RateLimitedError      GitHub asked us to wait; ``retry_after`` says how long
├── PermanentError            never by itself: the work is parked where people see it
│   ├── GitHubRefusedError      GitHub will not do it (4xx): permissions, a deleted object
│   ├── QueryRefusedError       a source will not answer this query (bad PromQL, too many samples)
│   └── NotFoundError           something a person named does not exist here
├── PolicyError               the policy author's: shown on the pull request with file and line
├── DeliveryError             the sender's: a webhook refused at the door, with its HTTP status
└── ConfigurationError        whoever runs Gatekeeper: said at start, exit code 2
"""


class GatekeeperError(Exception):
    """The root of all errors raised on purpose."""


class TemporaryError(GatekeeperError):
    """It may go well later.

    Attributes:
        retry_after: seconds to wait at least, or None to leave it to the backoff.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceError(TemporaryError):
    """An availability source did not answer, or not completely."""


class GitHubError(TemporaryError):
    """GitHub failed (5xx), or the connection to it did."""


class RateLimitedError(GitHubError):
    """GitHub asked us to wait (403 or 429)."""


class PermanentError(GatekeeperError):
    """Trying again changes nothing until a person acts."""


class GitHubRefusedError(PermanentError):
    """GitHub refused the request (4xx other than rate limits).

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class QueryRefusedError(PermanentError):
    """A source understood the query and will not answer it."""


class NotFoundError(PermanentError):
    """Something a person named does not exist here."""


class PolicyError(GatekeeperError):
    """A policy file is wrong; its author can mend it."""


class DeliveryError(GatekeeperError):
    """A webhook delivery was refused at the door.

    Attributes:
        status: the HTTP status to answer with.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ConfigurationError(GatekeeperError):
    """A setting is missing or wrong."""
