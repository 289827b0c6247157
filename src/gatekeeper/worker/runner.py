"""One pass: run it, say what became of it, put that on record. Errors decide what happens next by their type."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic

import structlog

from gatekeeper.errors import PermanentError, PolicyError, RateLimitedError, TemporaryError
from gatekeeper.events.keys import Kind
from gatekeeper.github.urgency import on_behalf_of
from gatekeeper.worker.backoff import backoff
from gatekeeper.worker.ports import Claimed, Clock, Pass, Work

TEMPORARY_ATTEMPTS = 15
"""About 25 minutes of retries; then it is parked, where people see it."""

UNEXPECTED_ATTEMPTS = 5
"""A bug does not mend itself: fewer."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Done:
    """The pass went well, or the mistake it met is shown elsewhere."""

    outcome: str = "done"
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The pass failed.

    Attributes:
        attempts: how many attempts such a failure has; 1 for one that a retry cannot mend.
        retry_after: seconds to wait at least.
        trace: the traceback of an error nobody expected.
    """

    error: str
    attempts: int
    retry_after: float | None = None
    trace: str | None = None


@dataclass(frozen=True)
class PutOff:
    """A limit of GitHub's is reached, for everybody: however often that happens, the work is not parked for it.

    Attributes:
        retry_after: seconds to wait at least.
    """

    error: str
    retry_after: float | None


class Runner(Generic[Claimed]):
    """Runs passes and records their outcome in the work table.

    Args:
        passes: by kind of key.
        jitter: gives a share in [0, 1) for the backoff.
    """

    def __init__(
        self, work: Work[Claimed], passes: Mapping[Kind, Pass], clock: Clock, jitter: Callable[[], float]
    ) -> None:
        self._work = work
        self._passes = passes
        self._clock = clock
        self._jitter = jitter

    def run(self, claim: Claimed) -> None:
        """Run the pass of a claimed key. Never raises for what the pass does."""
        started = self._clock()
        bound = structlog.contextvars.bound_contextvars(key=str(claim.key))
        with bound, on_behalf_of(claim.priority):
            result = self._attempt(claim, started)
            ended = self._clock()
            self._report(self._settle(claim, result, ended), result, claim, started, ended)

    def _attempt(self, claim: Claimed, now: datetime) -> Done | Failed | PutOff:
        try:
            if claim.attempts > TEMPORARY_ATTEMPTS:
                raise PermanentError(f"the worker died in each of {claim.attempts - 1} attempts")  # noqa: TRY301 (one way to fail)
            return Done(fields=self._pass(claim)(claim.key, claim.hints, now) or {})
        except PolicyError as error:
            return Done(outcome="policy_error", fields={"error": str(error)})
        except RateLimitedError as error:
            return PutOff(str(error), error.retry_after)
        except TemporaryError as error:
            return Failed(str(error), TEMPORARY_ATTEMPTS, retry_after=error.retry_after)
        except PermanentError as error:
            return Failed(str(error), attempts=1)
        except Exception as error:  # noqa: BLE001 (whatever a pass raises: logged, retried, then parked)
            return Failed(
                f"{type(error).__name__}: {error}", UNEXPECTED_ATTEMPTS, trace=traceback.format_exc()
            )

    def _pass(self, claim: Claimed) -> Pass:
        found = self._passes.get(claim.key.kind)
        if found is None:
            raise PermanentError(f"nothing here works on {claim.key.kind} keys")
        return found

    def _settle(self, claim: Claimed, result: Done | Failed | PutOff, now: datetime) -> str:
        match result:
            case Done(outcome):
                ours = self._work.finish(claim, now)
            case PutOff(error, seconds):
                wait = backoff(1, self._jitter, at_least=seconds)
                outcome, ours = "put_off", self._work.put_off(claim, now + wait, error)
            case Failed(error, attempts) if claim.attempts >= attempts:
                outcome, ours = "parked", self._work.park(claim, now, error)
            case Failed(error):
                wait = backoff(claim.attempts, self._jitter, at_least=result.retry_after)
                outcome, ours = "retry", self._work.retry(claim, now + wait, error)
        return outcome if ours else "lease_lost"

    def _report(
        self,
        outcome: str,
        result: Done | Failed | PutOff,
        claim: Claimed,
        started: datetime,
        ended: datetime,
    ) -> None:
        fields: dict[str, Any] = {
            "outcome": outcome,
            "seconds": (ended - started).total_seconds(),
            "waited": (started - claim.touched_at).total_seconds(),
            "attempt": claim.attempts,
        }
        match result:
            case Done():
                log.info("pass.done", **(dict(result.fields) | fields))
            case PutOff():
                log.info("pass.put_off", error=result.error, **fields)
            case Failed(trace=None):
                log.warning("pass.failed", error=result.error, **fields)
            case Failed():
                log.error("pass.failed", error=result.error, exception=result.trace, **fields)
