import sqlite3
from collections.abc import Iterator, Sequence

import pytest
from sqlite_utils import Database

from mail2fax.store import StoreUnfit, steps


@pytest.fixture
def db() -> Iterator[Database]:
    opened = Database(memory=True)
    yield opened
    opened.close()


def with_steps(monkeypatch: pytest.MonkeyPatch, *scripts: str) -> None:
    def given() -> Sequence[str]:
        return scripts

    monkeypatch.setattr(steps, "steps", given)


def test_an_empty_database_gets_every_step_and_a_full_one_none(db: Database) -> None:
    steps.upgrade(db)
    assert steps.version(db) == len(steps.steps())
    steps.upgrade(db)
    assert "jobs" in db.table_names()


def test_a_database_gets_only_the_steps_it_has_not_seen(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with_steps(monkeypatch, "CREATE TABLE a (x TEXT) STRICT;")
    steps.upgrade(db)
    with_steps(monkeypatch, "CREATE TABLE a (x TEXT) STRICT;", "CREATE TABLE b (x TEXT) STRICT;")
    steps.upgrade(db)
    assert (db.table_names(), steps.version(db)) == (["a", "b"], 2)


def test_a_step_that_fails_half_way_leaves_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: executescript() commits before it begins, and what it did stays."""
    with_steps(monkeypatch, "CREATE TABLE a (x TEXT) STRICT;\nCREATE TABLE a (x TEXT) STRICT;")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        steps.upgrade(db)
    assert (db.table_names(), steps.version(db)) == ([], 0)


def test_a_database_of_a_newer_version_is_left_alone(db: Database) -> None:
    db.execute("PRAGMA user_version = 999")
    for open_it in (steps.upgrade, steps.require_current):
        with pytest.raises(StoreUnfit, match=r"schema 999.*a newer version"):
            open_it(db)


def test_a_reader_does_not_upgrade_but_says_who_does(db: Database) -> None:
    with pytest.raises(StoreUnfit, match="start the daemon once"):
        steps.require_current(db)
    assert db.table_names() == []


def test_statements_are_divided_as_sqlite_does_it() -> None:
    first = "-- with a semicolon;\nCREATE TABLE a (x TEXT DEFAULT ';');\n"
    second = "CREATE TABLE b (\n  x TEXT -- ;\n);\n"
    assert list(steps.statements_of(f"{first}{second}-- the end\n")) == [first, second]


def test_an_unfinished_statement_is_not_overlooked() -> None:
    with pytest.raises(ValueError, match="unfinished"):
        list(steps.statements_of("CREATE TABLE a (x TEXT)"))
