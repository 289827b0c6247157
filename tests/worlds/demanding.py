"""DEMANDING: the standard services and more, for what has to hold however odd a service is.

NEAR_ZERO, the last of them, have just spent their budget, or nearly: there a small error is a wrong verdict.

Clocks of `Europe/Berlin` and `America/New_York` change inside the history that ends on 2026-11-02.
"""

from __future__ import annotations

from worlds.spec import DAYS, HOURS, MINUTES, STANDARD, Fault, Lateness, Span, Spec, Traffic

OUTAGES = tuple(Fault(Span(day * DAYS + 5 * HOURS, 3 * MINUTES), 0.8) for day in (3, 8, 14, 19, 25))
SLOWLY = (Fault(Span(11 * DAYS, 2 * HOURS), 0.06),)
BRIEFLY = (Fault(Span(16 * DAYS, MINUTES), 0.5), Fault(Span(5 * DAYS, MINUTES), 0.6))
AT_NIGHT = tuple(Fault(Span(day * DAYS + 9 * HOURS, 2 * HOURS), 0.074) for day in (4, 11, 18, 25))
AT_NOON = tuple(Fault(Span(day * DAYS + 20 * HOURS, 40 * MINUTES), 0.068) for day in (4, 11, 18, 25))

NEAR_ZERO: tuple[Spec, ...] = (
    # births of error series, in new processes each day, or by day only
    Spec(
        name="overborn",
        target=0.9997,
        lazy=True,
        noise=0.0,
        daily_deploy=True,
        faults=tuple(Fault(one.span, 0.85) for one in OUTAGES),
    ),
    Spec(name="leftborn", target=0.9997, lazy=True, noise=0.0, daily_deploy=True, faults=OUTAGES),
    Spec(
        name="overborndays",
        target=0.9998,
        traffic=Traffic.DAYTIME,
        lazy=True,
        noise=0.0,
        faults=(Fault(Span(9 * DAYS, 7 * MINUTES), 0.8),),
    ),
    # errors all the time
    Spec(name="overrestarts", noise=5.02e-4, restarts=12),
    Spec(name="leftchurn", noise=4.9e-4, daily_deploy=True, instances=3),
    # errors when few users are there, or many
    Spec(name="leftnights", traffic=Traffic.DIURNAL, faults=AT_NIGHT),
    Spec(name="overnoons", traffic=Traffic.DIURNAL, faults=AT_NOON),
)

DEMANDING: tuple[Spec, ...] = (
    *STANDARD,
    # resets
    Spec(name="crashloop", restarts=200, faults=OUTAGES),
    Spec(name="restartinfault", restart_at=(11 * DAYS - 61 * MINUTES,), faults=SLOWLY),
    Spec(name="restartbusy", rate=300.0, restarts=12, target=0.999, faults=BRIEFLY),
    Spec(name="restartquiet", rate=0.05, restarts=24, target=0.995),
    Spec(name="restartmissed", restarts=24, missed=0.05, faults=OUTAGES),
    # births of error series
    Spec(name="bornonce", lazy=True, noise=0.0, faults=(Fault(Span(9 * DAYS, 2 * MINUTES), 0.9),)),
    Spec(name="bornoften", lazy=True, noise=0.0, restarts=6, faults=OUTAGES),
    Spec(name="bornchurning", lazy=True, noise=0.0, daily_deploy=True, faults=OUTAGES),
    Spec(name="bornlate", lazy=True, noise=0.0, faults=(Fault(Span(2 * HOURS, 20 * MINUTES), 0.2),)),
    # churn
    Spec(name="churn", daily_deploy=True, instances=3, rate=60.0, faults=SLOWLY),
    Spec(name="churnquiet", daily_deploy=True, rate=0.1, target=0.99),
    Spec(name="churnmissed", daily_deploy=True, instances=2, missed=0.02, faults=BRIEFLY),
    # gaps
    Spec(name="gapshort", gaps=(Span(9 * DAYS, 5 * MINUTES),), faults=OUTAGES),
    Spec(name="gaplong", gaps=(Span(9 * DAYS, 6 * HOURS),), faults=OUTAGES),
    Spec(
        name="gapmany",
        gaps=tuple(Span(day * DAYS, 20 * MINUTES) for day in (2, 6, 12, 17, 22, 26)),
        faults=OUTAGES,
    ),
    Spec(name="gapdeploy", daily_deploy=True, gaps=(Span(9 * DAYS + 3 * HOURS, 2 * HOURS),)),
    # little traffic, or none
    Spec(name="sparse", rate=0.002, target=0.99),
    Spec(name="lowtraffic", rate=0.05, target=0.995),
    Spec(name="nightonly", traffic=Traffic.DAYTIME, zone="Asia/Tokyo", rate=2.0, target=0.999),
    Spec(name="awakened", traffic=Traffic.DAYTIME, lazy=True, daily_deploy=True, target=0.999),
    # labels that change
    Spec(name="relabelled", relabelled=(10 * DAYS,), faults=OUTAGES),
    Spec(name="relabelledoften", relabelled=(20 * DAYS, 13 * DAYS, 6 * DAYS), instances=2, faults=OUTAGES),
    Spec(name="relabelledlazy", relabelled=(10 * DAYS,), lazy=True, instances=2, faults=SLOWLY),
    # samples that come later
    Spec(name="latequeue", late=Lateness(Span(2 * DAYS + 4 * HOURS, 4 * HOURS), 6 * HOURS)),
    Spec(name="lateblock", late=Lateness(Span(4 * DAYS, 3 * HOURS), 3 * DAYS, queued=False)),
    Spec(
        name="latecrash",
        target=0.999,
        restarts=12,
        late=Lateness(Span(2 * DAYS + 3 * HOURS, 3 * HOURS), 5 * HOURS),
        faults=(Fault(Span(2 * DAYS + 2 * HOURS, 10 * MINUTES), 0.3),),
    ),
    # clocks that change
    Spec(name="berlin", traffic=Traffic.DAYTIME, zone="Europe/Berlin", faults=OUTAGES),
    Spec(name="newyork", traffic=Traffic.DIURNAL, zone="America/New_York", faults=OUTAGES),
    # scrapes
    Spec(name="fast", scrape=0.5 * MINUTES, aligned=True, faults=BRIEFLY),
    Spec(name="slow", scrape=2 * MINUTES, aligned=True, faults=OUTAGES),
    *NEAR_ZERO,
)
