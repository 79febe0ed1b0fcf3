"""What a step of the schema does with what is there already."""

import sqlite3

import pytest
from sqlite_utils import Database

from mail2fax.store import steps
from mail2fax.store.named import AnyParameter, named_statements

OLD_JOB = """
    INSERT INTO jobs VALUES (7, 'u', 'sent', 1, 'smtp', 'k', 's', 1, '2026', 'anna', 'example.com', '',
        'fax@example.com', '', '<1@example.com>', '[]', 0, '2026', '2026',
        NULL, NULL, NULL, NULL, NULL, 'delivered', '{}')
"""


@pytest.fixture
def old() -> Database:
    """A database after the first step, with one job and the key of its mail."""
    db = Database(memory=True)
    for statement in steps.statements_of(steps.steps()[0]):
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")
    db.execute(OLD_JOB)
    db.execute("INSERT INTO sources VALUES ('smtp', 'k', 7)")
    db.conn.commit()
    return db


def test_jobs_and_keys_from_before_there_were_domains_are_those_of_the_default_one(old: Database) -> None:
    steps.upgrade(old)
    (job,) = old.query("SELECT id, domain, terminal, caller FROM jobs")
    assert job == {"id": 7, "domain": "default", "terminal": "default", "caller": ""}
    assert list(old.query("SELECT * FROM sources")) == [
        {"domain": "default", "kind": "smtp", "source_key": "k", "job_id": 7}
    ]
    old.close()


def test_faxes_from_before_the_history_was_kept_as_lines_are_in_it(old: Database) -> None:
    steps.upgrade(old)
    (told,) = old.query("SELECT domain, at, incoming, fax_id, line FROM told")
    assert told.pop("line").startswith('{"id":"u","type":"outgoing","remotenum":"","start_dt":"2026"')
    assert told == {"domain": "default", "at": "2026", "incoming": 0, "fax_id": 7}
    old.close()


def test_a_key_stands_for_one_job_in_each_domain(old: Database) -> None:
    steps.upgrade(old)
    old.execute("INSERT INTO sources VALUES ('tenant', 'smtp', 'k', 8)")
    with pytest.raises(sqlite3.IntegrityError):
        old.execute("INSERT INTO sources VALUES ('default', 'smtp', 'k', 8)")
    old.close()


@pytest.mark.parametrize(
    ("statement", "search"),
    [
        ("purgeable_mails", "jobs USING INDEX jobs_with_mail (changed_at<?)"),
        ("purgeable_documents", "jobs USING INDEX jobs_with_document (changed_at<?)"),
        ("purgeable_jobs", "jobs USING INDEX jobs_by_end (changed_at<?)"),
        ("callable_jobs", "jobs USING INDEX jobs_by_state (state=?)"),
        ("callable_jobs", "other USING INDEX jobs_by_number (number=? AND state=?)"),
        ("callable_jobs", "other USING INDEX jobs_by_number_and_end (number=? AND changed_at>?)"),
        ("overdue_jobs", "jobs USING INDEX jobs_by_deadline (deadline_at<?)"),
    ],
)
def test_what_is_asked_again_and_again_costs_no_more_for_all_that_is_over(
    old: Database, statement: str, search: str
) -> None:
    """Trap: each purge looked, in the writer, at every job whose mail was forgotten long ago."""
    steps.upgrade(old)
    plan = old.execute(f"EXPLAIN QUERY PLAN {named_statements()[statement]}", AnyParameter()).fetchall()
    old.close()
    told = [words for *_, words in plan]
    assert f"SEARCH {search}" in told
    assert not any(words.startswith(("SCAN jobs", "SCAN other")) for words in told)
