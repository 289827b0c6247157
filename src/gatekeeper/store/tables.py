"""Every table, on one ``metadata``. Times are aware UTC in Python and whole microseconds in the database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
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

# A delivery that GitHub has on record and that never came in. `attempt` is GitHub's id for asking again, `asked` how
# often that was done; the next time is `due_at`.
missing_delivery = Table(
    "missing_delivery",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("attempt", BigInteger, nullable=False),
    Column("delivered_at", UtcDateTime, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False, index=True),
)

# How far GitHub's record of deliveries was gone through: one row. `cursor` is null once a walk is complete.
delivery_walk = Table(
    "delivery_walk",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newest", UtcDateTime, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("cursor", Text),
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

# An installation of the App, and the repositories it may see.
installation = Table(
    "installation",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("suspended", Boolean, nullable=False, default=False),
)
repository = Table(
    "repository",
    metadata,
    Column("full_name", Text, primary_key=True),
    Column("installation", BigInteger, index=True),
    Column("default_branch", Text, nullable=False),
    Column("archived", Boolean, nullable=False, default=False),
)

# The policy files of a repository as last read, and what is wrong with them.
policy_source = Table(
    "policy_source",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("commit", Text, nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
    Column("defaults", JSON, nullable=False),
    Column("problems", JSON, nullable=False),
)

# The policy in force of each service: its last good version; and since when its gate has been in its mode.
service = Table(
    "service",
    metadata,
    Column("key", Text, primary_key=True),
    Column("repository", Text, nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Column("problem", Text),
    Column("mode_since", UtcDateTime, nullable=False),
)

# The gate's memory and the evidence of its last pass.
gate = Table(
    "gate",
    metadata,
    Column("service", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("view", JSON, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
transition = Table(
    "transition",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service", Text, nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("view", JSON, nullable=False),
)

# A pull request as last seen; `paths` (null: too many to list) belong to `paths_of`, head SHA and base.
# `seen` changes with whatever a sweep can tell apart; `asked`: somebody wants every number in the comment.
pull = Table(
    "pull",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("head_sha", Text, nullable=False),
    Column("base_ref", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("paths", JSON),
    Column("paths_of", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("asked", Boolean, nullable=False, default=False),
    Column("auto_merge", Boolean, nullable=False, default=False),
    Column("approved", Boolean, nullable=False, default=False),
    Column("verdict", Integer),
    Column("decision", Text),
    Column("updated_at", UtcDateTime, nullable=False),
)
Index("ix_pull_head", pull.c.repository, pull.c.head_sha)

# What was said last of the policy files that an open pull request changes. `looked` is what their queries and their
# effect came to, which cost requests; it belongs to `looked_of`, a fingerprint of what was looked at.
proposal = Table(
    "proposal",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("head_sha", Text, nullable=False),
    Column("check", JSON, nullable=False),
    Column("looked_of", Text),
    Column("looked", JSON),
    Column("updated_at", UtcDateTime, nullable=False),
)
Index("ix_proposal_head", proposal.c.repository, proposal.c.head_sha)

# A merge group that is there, and what would land with it: what a transition or an override has to look at again.
merge_group = Table(
    "merge_group",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("head_sha", Text, primary_key=True),
    Column("branch", Text, nullable=False),
    Column("pulls", JSON, nullable=False),
    Column("services", JSON, nullable=False),
    Column("verdict", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# Which services a pull request touches, so that a transition finds it.
pull_service = Table(
    "pull_service",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("service", Text, primary_key=True, index=True),
    Column("verdict", Integer, nullable=False),
)

# A change of a service that was merged, as far as we had seen it open; rows are only ever added.
landed = Table(
    "landed",
    metadata,
    Column("service", Text, primary_key=True),
    Column("repository", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
Index("ix_landed_at", landed.c.service, landed.c.at)

# A deployment that began or succeeded, and when; by GitHub's id, or by repository and the id that a pipeline gave it.
# `folded` is the repository in lower case, for names ignore case; `production` is the sender's word for it; `service`
# is the only one that it is of, by key, where the sender says so.
deployment = Table(
    "deployment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("folded", Text, nullable=False, index=True),
    Column("environment", Text, nullable=False),
    Column("production", Boolean, nullable=False),
    Column("task", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("sha", Text, nullable=False),
    Column("service", Text),
    Column("url", Text),
    Column("began_at", UtcDateTime),
    Column("succeeded_at", UtcDateTime),
)

# A deployment that waits for our answer: an environment of a workflow run. `reports` is how often we reported at
# most, and `essence` what was said last, null while that is not known; `approving_at` is set before we let it go.
waiting_deployment = Table(
    "waiting_deployment",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("environment", Text, primary_key=True),
    Column("services", JSON, nullable=False),
    Column("verdict", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reports", Integer, nullable=False, default=0),
    Column("essence", Text),
    Column("sha", Text, nullable=False),
    Column("approving_at", UtcDateTime),
    Column("approved", Boolean, nullable=False, default=False),
    Column("since", UtcDateTime, nullable=False),
)

# The commit that we let go into an environment last; `environment` is folded, for names ignore case.
let_go = Table(
    "let_go",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    Column("sha", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What each process (`by`) began to send to GitHub in the last hour that changes something, so that together they keep
# its limits; `installation` is 0 for a token.
sending = Table(
    "sending",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("installation", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("points", Integer, nullable=False),
    Column("graphql", Boolean, nullable=False),
    Column("content", Boolean, nullable=False),
)

# Until when GitHub asked an installation to send nothing.
silence = Table(
    "silence",
    metadata,
    Column("installation", BigInteger, primary_key=True, autoincrement=False),
    Column("until", UtcDateTime, nullable=False),
)

# Every decision with its whole input, so that it can be derived again.
decision = Table(
    "decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("subject", Text, nullable=False, index=True),
    Column("verdict", Integer, nullable=False),
    Column("essence", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("decision", Text, nullable=False),
)

# What we wrote on GitHub and where it is. A row without `remote_id` was about to be written when
# something happened: look for it on GitHub before writing again.
publication = Table(
    "publication",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("remote_id", BigInteger),
    Column("essence", Text),
    Column("written_at", UtcDateTime, nullable=False),
)

# Check runs of ours beside the one that counts: nobody can delete them, so they are kept at the same conclusion.
spare_check = Table(
    "spare_check",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("remote_id", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("sha", Text, nullable=False),
    Column("conclusion", Text),
)
Index("ix_spare_check_sha", spare_check.c.repository, spare_check.c.sha)

# Who asked for an override and what came of it; rows are only ever added. `event`: a ruling, or a command as it was
# given. `previous` and `hash` chain the rows: see `store/chain.py`.
override = Table(
    "override",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("reason", Text),
    Column("head_sha", Text, nullable=False),
    Column("labeled_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("event", Text, nullable=False),
    Column("comment", BigInteger),
    Column("stakes", JSON, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
Index("ix_override_pull", override.c.repository, override.c.number)
Index("ix_override_label", override.c.label)

# How far each ledger has been filled. Instants here are Unix milliseconds, `since` and `filled_until`
# indices of slices, as `availability.filling.LedgerState` says; null before the first commit.
ledger = Table(
    "ledger",
    metadata,
    Column("id", Text, primary_key=True),
    Column("since", BigInteger),
    Column("filled_until", BigInteger),
    Column("history_start", BigInteger),
    Column("newest", BigInteger),
    Column("born_after", BigInteger),
    Column("scrape", BigInteger),
    Column("spacing", BigInteger),
    Column("deficit", Double),
    Column("progress", Double),
    Column("problem", Text),
    Column("too_large", Text),
    Column("trued_until", BigInteger),
    Column("version", BigInteger, nullable=False, default=0),
    Column("error", Text),
    Column("error_since", UtcDateTime),
)

# A day of a ledger: its slices in two packed halves, what they add up to, and one past the last known one.
ledger_day = Table(
    "ledger_day",
    metadata,
    Column("ledger", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("total", Double, nullable=False),
    Column("bad", Double, nullable=False),
    Column("measured", Integer, nullable=False),
    Column("interpolated", Integer, nullable=False),
    Column("approximate", Integer, nullable=False),
    Column("morning", LargeBinary, nullable=False),
    Column("evening", LargeBinary, nullable=False),
)
# Windows of many ledgers are added up from this index alone: the slices beside the sums are forty times as long.
Index(
    "ix_ledger_day_sums",
    *(
        ledger_day.c[name]
        for name in ("ledger", "day", "total", "bad", "measured", "interpolated", "approximate")
    ),
)

# The newest counted sample of each series, by a hash of its labels: Unix milliseconds and value.
ledger_cursor = Table(
    "ledger_cursor",
    metadata,
    Column("ledger", Text, primary_key=True),
    Column("series", BigInteger, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("value", Double, nullable=False),
    sqlite_with_rowid=False,
)

# A UTC day of a ledger beside the source's own count of it; without numbers, `why` says why there are none.
ledger_audit = Table(
    "ledger_audit",
    metadata,
    Column("ledger", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("drifted", Boolean, nullable=False),
    Column("why", Text),
    Column("detail", Text, nullable=False),
    Column("ledger_total", Double),
    Column("ledger_bad", Double),
    Column("source_total", Double),
    Column("source_bad", Double),
    Column("unseen_total", Double),
    Column("unseen_bad", Double),
    Column("inexactness", Double),
)
