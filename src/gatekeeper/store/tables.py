"""Every table, on one ``metadata``. Times are aware UTC in Python and whole microseconds in the database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import JSON, BigInteger, Column, Dialect, ForeignKey, Index, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 UTC: exact, ordered, the same everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """Microseconds since the epoch.

        Raises:
            ValueError: the datetime is naive, so nobody knows which instant it means.
        """
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"naive datetime {value.isoformat()}: times are aware UTC")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """The aware UTC datetime."""
        return None if value is None else EPOCH + value * MICROSECOND


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A webhook delivery, by GitHub's id. `touched` maps each work key to the generation this delivery
# gave it: once the work's `done` has reached those, the delivery is done.
delivery = Table(
    "delivery",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("action", Text),
    Column("installation", BigInteger),
    Column("received_at", UtcDateTime, nullable=False, index=True),
    Column("ignored", Text),
    Column("touched", JSON, nullable=False),
)

# One row a key. Dirty while `gen` > `done`; held while `until` lies ahead; parked while `parked_at` is set.
work = Table(
    "work",
    metadata,
    Column("key", Text, primary_key=True),
    Column("gen", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False, default=0),
    Column("priority", Integer, nullable=False),
    Column("touched_at", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("token", Text),
    Column("until", UtcDateTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("last_error", Text),
    Column("parked_at", UtcDateTime),
)
# The sweep looks for the few dirty rows among all that ever were.
Index(
    "ix_work_dirty",
    work.c.not_before,
    sqlite_where=work.c.gen > work.c.done,
    postgresql_where=work.c.gen > work.c.done,
)

# What events said beside "look again" (a command, a button). Kept apart from `work`, so that one
# touch never overwrites what another one said.
work_hint = Table(
    "work_hint",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, ForeignKey(work.c.key, ondelete="CASCADE"), nullable=False, index=True),
    Column("gen", BigInteger, nullable=False),
    Column("hint", JSON, nullable=False),
)
