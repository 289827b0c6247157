from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select
from sqlalchemy.exc import IntegrityError, StatementError

from databases import opened
from gatekeeper.errors import ConfigurationError
from gatekeeper.store.engine import Database, create_store_engine
from gatekeeper.store.tables import UtcDateTime, metadata, work, work_hint

NOW = datetime(2026, 11, 2, 12, 0, 0, 123457, tzinfo=UTC)


def a_row(key: str, **values: object) -> dict[str, object]:
    return {"key": key, "gen": 1, "priority": 0, "touched_at": NOW, "not_before": NOW} | values


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(create_store_engine(f"sqlite:///{tmp_path}/gatekeeper.db"))
    metadata.create_all(database.engine)
    yield database
    database.close()


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001 (Hypothesis adds the zone)
def test_an_instant_survives_the_database_to_the_microsecond(instant: datetime) -> None:
    engine = create_engine("sqlite://")
    kind = UtcDateTime()
    stored = kind.process_bind_param(instant, engine.dialect)
    assert kind.process_result_value(stored, engine.dialect) == instant.astimezone(UTC)


def test_a_naive_datetime_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive datetime"), database.write() as connection:
        connection.execute(insert(work).values(a_row("service:a/b", touched_at=datetime(2026, 11, 2))))  # noqa: DTZ001 (the point)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        pytest.param("journal_mode", "wal", id="readers go on while one writes"),
        pytest.param("synchronous", 2, id="a commit is on disk before it is acknowledged"),
        pytest.param("foreign_keys", 1, id="foreign keys are kept"),
        pytest.param("busy_timeout", 5_000, id="another process's transaction is waited for"),
    ],
)
def test_sqlite_is_set_up(database: Database, pragma: str, value: object) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_a_failed_write_leaves_nothing(database: Database) -> None:
    def half_right() -> None:
        with database.write() as connection:
            connection.execute(insert(work).values(a_row("service:a/b")))
            connection.execute(insert(work_hint).values(key="service:a/other", gen=1, hint={}))

    with pytest.raises(IntegrityError):
        half_right()
    with database.read() as connection:
        assert connection.execute(select(work)).all() == []


def test_writers_take_turns_and_lose_nothing(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(work).values(a_row("service:a/b", gen=0)))

    def add_one_by_reading_first(times: int) -> None:
        for _ in range(times):
            with database.write() as connection:
                seen = connection.execute(select(work.c.gen)).scalar_one()
                connection.execute(work.update().values(gen=seen + 1))

    threads = [Thread(target=add_one_by_reading_first, args=(25,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(select(work.c.gen)).scalar_one() == 200


def test_a_second_process_waits_for_the_write_lock(database: Database) -> None:
    other = Database(create_store_engine(str(database.engine.url)))
    with database.write() as connection:
        connection.execute(insert(work).values(a_row("service:a/b")))
        late = Thread(target=lambda: _touch_all(other))
        late.start()
        late.join(0.2)
        assert late.is_alive()
    late.join()
    other.close()
    with database.read() as connection:
        assert connection.execute(select(work.c.gen)).scalar_one() == 2


def _touch_all(database: Database) -> None:
    with database.write() as connection:
        connection.execute(work.update().values(gen=work.c.gen + 1))


def test_a_reader_sees_one_view_while_a_writer_commits(database: Database) -> None:
    with database.read() as reading:
        before = reading.execute(select(work)).all()
        with database.write() as connection:
            connection.execute(insert(work).values(a_row("service:a/b")))
        assert reading.execute(select(work)).all() == before


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("sqlite://", "needs a file", id="memory is not durable"),
        pytest.param("sqlite:///:memory:", "needs a file", id="memory by its name"),
        pytest.param("mysql://localhost/gatekeeper", "mysql is not supported", id="another database"),
        pytest.param("gatekeeper.db", "not a database URL", id="a bare path"),
    ],
)
def test_a_database_that_cannot_keep_the_promise_is_refused(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        create_store_engine(url)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("durable", "wanted"), [(True, "on"), (False, "off")])
def test_on_postgresql_only_what_is_durable_waits_for_the_disk(
    database_url: str, *, durable: bool, wanted: str
) -> None:
    with opened(database_url) as database:
        with database.write(durable=durable) as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == wanted
        with database.write() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
