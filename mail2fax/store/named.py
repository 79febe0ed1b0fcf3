"""The named statements: every SQL of the house, read from `statements/*.sql` and checked at start-up.

A statement begins with a comment line `-- name: a sentence that says what it is for` and ends with the next
one. Its parameters are named (`:job_id`).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from mail2fax.store.database import Database


class AnyParameter(dict[str, object]):
    """Binds NULL to every parameter: enough to have a statement compiled."""

    def __missing__(self, name: str) -> None:
        return None


@cache
def named_statements() -> Mapping[str, str]:
    """All statements by name; raises ValueError when a name is used twice or has no sentence."""
    found: dict[str, str] = {}
    folder = files("mail2fax.store") / "statements"
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        for name, sql in parse(file.read_text(encoding="utf-8")):
            if name in found:
                raise ValueError(f"the statement {name} stands twice, the second time in {file.name}")
            found[name] = sql
    return found


def parse(text: str) -> Iterator[tuple[str, str]]:
    """Each statement of one file as (name, SQL); raises ValueError for a statement without name or sentence."""
    name, lines = "", list[str]()
    for line in text.splitlines():
        if not line.startswith("-- ") or (name and not lines):
            lines.append(line)
            continue
        yield from _statement(name, lines)
        name, lines = _heading(line), []
    yield from _statement(name, lines)


def _heading(line: str) -> str:
    name, colon, sentence = line.removeprefix("-- ").partition(": ")
    if not colon or not name.isidentifier() or not sentence.strip():
        raise ValueError(f"a statement needs a heading `-- name: sentence`, not {line!r}")
    return name


def _statement(name: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    sql = "\n".join(lines).strip()
    if sql and not name:
        raise ValueError(f"a statement without a heading: {sql.splitlines()[0]!r}")
    if sql:
        yield name, sql


def check(db: Database) -> None:
    """Compile every statement against the schema of `db`; raises sqlite3.Error for the first that does not fit."""
    for sql in named_statements().values():
        db.execute(f"EXPLAIN {sql}", AnyParameter()).fetchall()
