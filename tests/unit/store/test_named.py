import sqlite3

import pytest
from sqlite_utils import Database

from mail2fax.store.named import check, named_statements, parse


def test_a_statement_has_a_name_and_ends_where_the_next_begins() -> None:
    text = "-- one: The first.\nSELECT 1;\n\n-- two: The second.\nSELECT 2\nFROM t;\n"
    assert dict(parse(text)) == {"one": "SELECT 1;", "two": "SELECT 2\nFROM t;"}


@pytest.mark.parametrize(
    "text",
    ["SELECT 1;", "-- nameless\nSELECT 1;", "-- two words: A sentence.\nSELECT 1;", "-- silent: \nSELECT 1;"],
    ids=["no heading", "no colon", "no identifier", "no sentence"],
)
def test_a_statement_without_a_name_and_a_sentence_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="heading"):
        dict(parse(text))


def test_the_house_has_statements() -> None:
    assert {"find_job", "move_job", "end_attempt", "add_entry", "owe_reply"} <= set(named_statements())


def test_a_statement_that_does_not_fit_the_schema_is_found_at_start_up() -> None:
    empty = Database(memory=True)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        check(empty)
    empty.close()
