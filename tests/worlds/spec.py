"""What a service is like: its traffic, its faults, how it is scraped. STANDARD is a table of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

MINUTES = timedelta(minutes=1)
HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)


class Traffic(Enum):
    """How the request rate moves over a day."""

    FLAT = "flat"
    DIURNAL = "diurnal"
    DAYTIME = "daytime"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, placed from the end of the history backwards; whole multiples of 20 s."""

    ago: timedelta
    length: timedelta


@dataclass(frozen=True, slots=True)
class Fault:
    """While the span lasts, this share of the requests fails."""

    span: Span
    ratio: float


@dataclass(frozen=True, slots=True)
class Lateness:
    """Samples of the span reach the server this much after their time.

    Those behind them wait too (a queue of remote write), or do not (a block that is put in later).
    """

    span: Span
    delay: timedelta
    queued: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One service; everything not said is the calm case.

    Attributes:
        rate: Requests a second, the mean of a day (while awake, for daytime traffic).
        noise: Share of requests that fails while nothing is wrong.
        not_found: Share of requests answered 404: neither good nor bad is one series alone.
        aligned: Scraped on the minute, so that samples lie on the edges of slices.
        lazy: A series is exported from its first event on (client libraries with labels do this),
            not from the start with zero.
        restarts: Counter resets a day and instance, at random moments.
        restart_at: Counter resets at these times before the end.
        daily_deploy: Every day at 10:00 UTC all instances are replaced by ones of new names.
        relabelled: At these times before the end all targets get another label, while the processes go on.
        zone: IANA time zone of the users, whose clocks the traffic of a day follows.
        gaps: Nothing is stored: Prometheus itself was away, so there is no stale marker.
        missed: Share of scrapes that fail, each leaving a stale marker.
    """

    name: str
    target: float = 0.9995
    rate: float = 20.0
    traffic: Traffic = Traffic.FLAT
    noise: float = 1e-4
    not_found: float = 0.0
    scrape: timedelta = MINUTES
    instances: int = 1
    faults: tuple[Fault, ...] = ()
    aligned: bool = False
    lazy: bool = False
    restarts: float = 0.0
    restart_at: tuple[timedelta, ...] = ()
    daily_deploy: bool = False
    relabelled: tuple[timedelta, ...] = ()
    zone: str = "UTC"
    gaps: tuple[Span, ...] = ()
    missed: float = 0.0
    late: Lateness | None = None


STANDARD: tuple[Spec, ...] = (
    Spec(
        name="steady",
        traffic=Traffic.DIURNAL,
        not_found=0.02,
        faults=(
            Fault(Span(20 * DAYS, 10 * MINUTES), 0.2),
            Fault(Span(6 * DAYS, 4 * MINUTES), 1.0),
        ),
    ),
    Spec(
        name="restarts",
        traffic=Traffic.DIURNAL,
        instances=2,
        restarts=36,
        faults=(Fault(Span(12 * DAYS, 20 * MINUTES), 0.1),),
    ),
    Spec(
        name="errborn",
        noise=0.0,
        lazy=True,
        instances=2,
        faults=(Fault(Span(8 * DAYS, 15 * MINUTES), 0.3), Fault(Span(2 * DAYS, 5 * MINUTES), 0.2)),
    ),
    Spec(
        name="podchurn",
        traffic=Traffic.DIURNAL,
        lazy=True,
        instances=2,
        daily_deploy=True,
        faults=(Fault(Span(15 * DAYS, 30 * MINUTES), 0.05),),
    ),
    Spec(
        name="gapincident",
        gaps=(Span(10 * DAYS + 6 * MINUTES, 20 * MINUTES),),
        faults=(Fault(Span(10 * DAYS, 7 * MINUTES), 0.5),),
    ),
    Spec(
        name="gaprestart",
        scrape=2 * MINUTES,
        gaps=(Span(9 * DAYS, 45 * MINUTES),),
        restart_at=(9 * DAYS - 20 * MINUTES,),
    ),
    Spec(
        name="missed",
        scrape=0.5 * MINUTES,
        missed=0.03,
        faults=(Fault(Span(18 * DAYS, 10 * MINUTES), 0.3), Fault(Span(4 * DAYS, 3 * MINUTES), 0.5)),
    ),
    Spec(name="nightzero", traffic=Traffic.DAYTIME),
    Spec(name="aligned", aligned=True, faults=(Fault(Span(7 * DAYS, 5 * MINUTES), 0.4),)),
    Spec(
        name="late",
        late=Lateness(Span(9 * HOURS, 8 * HOURS), 12 * MINUTES),
        faults=(Fault(Span(5 * HOURS, 10 * MINUTES), 0.2),),
    ),
    Spec(name="spent", faults=(Fault(Span(29 * DAYS, 3 * HOURS), 0.15),)),
    Spec(name="healthy", noise=2e-5),
    Spec(name="brownout", scrape=2 * MINUTES, faults=(Fault(Span(3 * DAYS, 3 * DAYS), 0.003),)),
    Spec(name="outage", target=0.999, faults=(Fault(Span(3 * HOURS, 40 * MINUTES), 1.0),)),
)
"""Each service has one trait, and the calm case otherwise.

`late` recovers within the history. `spent` overspends so early that a 28 d window ending in the last two days
first holds the incident and then lets it roll off. `brownout` and `outage` still matter at the end.
`missed` is scraped every 30 s, `brownout` and `gaprestart` every 120 s, the rest every 60 s.
"""
