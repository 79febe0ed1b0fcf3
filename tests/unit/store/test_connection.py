import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from mail2fax.store import Session, StoreUnfit
from mail2fax.store.connection import open_reader, open_writer
from mail2fax.store.named import AnyParameter, named_statements
from tests.unit.store.made import adding


@pytest.fixture
def writer(path: Path) -> Iterator[Database]:
    db = open_writer(path)
    yield db
    db.close()


def pragma(db: Database, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def test_the_writer_says_aloud_what_sqlite_leaves_open(writer: Database) -> None:
    """Trap: foreign keys are off, and the schema is trusted, unless each connection says otherwise."""
    settings = {name: pragma(writer, name) for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert (pragma(writer, "busy_timeout"), pragma(writer, "trusted_schema")) == (10_000, 0)


def test_a_database_that_cannot_have_a_log_is_refused(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Trap: enable_wal() does not complain where SQLite declines; the returned mode has to be looked at."""
    monkeypatch.setattr(Database, "enable_wal", lambda _: None)
    with pytest.raises(StoreUnfit, match="write-ahead log"):
        open_writer(path)


def test_the_database_is_nobody_elses_business(writer: Database, path: Path) -> None:
    for file in (path, path.with_name(path.name + "-wal")):
        assert file.stat().st_mode & 0o007 == 0


def test_a_reader_cannot_write(writer: Database, path: Path) -> None:
    reader = open_reader(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM jobs")
    reader.close()


def test_a_reader_of_a_database_at_rest_leaves_nothing_behind(path: Path) -> None:
    """Trap: a log made by whoever reads would belong to him, and the daemon could not write to it."""
    open_writer(path).close()
    reader = open_reader(path)
    assert list(reader.query("SELECT * FROM jobs")) == []
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    reader.close()


def test_a_reader_beside_the_daemon_follows_what_is_written(writer: Database, path: Path) -> None:
    reader = open_reader(path)
    adding("new mail")(Session(writer))
    assert list(reader.query("SELECT spool_name FROM jobs")) == [{"spool_name": "new mail"}]
    reader.close()


def test_a_reader_without_a_database_says_what_is_missing(path: Path) -> None:
    with pytest.raises(StoreUnfit, match="has the daemon ever run"):
        open_reader(path)


def test_every_table_is_strict(writer: Database) -> None:
    """Trap: without STRICT, SQLite stores text in a number's column and says nothing."""
    loose = [table.name for table in writer.tables if not table.strict and not table.name.startswith("sqlite_")]
    assert loose == []


@pytest.mark.parametrize("word", ["OR REPLACE", "OR IGNORE", "ON CONFLICT"])
def test_no_statement_overwrites_or_swallows_a_conflict(word: str) -> None:
    """Trap: upsert() silently overwrites state columns, insert(ignore=True) knows no row id."""
    assert [name for name, sql in named_statements().items() if word in sql.upper()] == []


LISTS = {"all_tokens", "senders", "newest_jobs", "latest_entries"}
"""What asks for every job or entry, the first of them up to a limit."""
RARE = {"job_of_spool_name"}
"""What is asked only after a commit has failed."""


@pytest.mark.parametrize("name", sorted(set(named_statements()) - LISTS - RARE))
def test_every_statement_finds_its_rows_by_an_index(writer: Database, name: str) -> None:
    """A million old jobs must slow down neither the next one nor a start. An index may be gone through from its
    beginning to its end where it has some rows only: those that are owed, or whose mail is kept yet."""
    plan = [step[3] for step in writer.execute(f"EXPLAIN QUERY PLAN {named_statements()[name]}", AnyParameter())]
    of_some = {
        row[0] for row in writer.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'")
    }
    # What an inner SELECT has found, by an index and up to its LIMIT, may be gone through; so may a list that is given.
    scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert [step for step in scans if step.split()[-1] not in of_some and not step.startswith("SCAN (subquery")] == []


def test_a_days_history_of_a_domain_is_found_by_time(writer: Database) -> None:
    """Of a million faxes a program asks for those of one day: neither more is read, nor is anything sorted."""
    for name in ("told_between", "place_told"):
        statement = f"EXPLAIN QUERY PLAN {named_statements()[name]}"
        plan = [step[3] for step in writer.execute(statement, AnyParameter())]
        assert "SEARCH told USING PRIMARY KEY (domain=? AND at>? AND at<?)" in plan
        assert not [step for step in plan if "SORT" in step or "B-TREE" in step]
