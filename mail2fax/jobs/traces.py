"""The evidence of calls in the database: the lines of one attempt, packed, in one row.

The row grows while the call lasts, for when we are killed in it, and is settled by the transaction that ends the
attempt: there is never an end without its evidence. It goes after its own time, which is shorter than the journal's.
"""

import json
import zlib
from collections.abc import Sequence
from datetime import datetime

from mail2fax.model.trace import TraceKind, TraceLine, Way
from mail2fax.store import Readable, Session


def keep_trace(session: Session, attempt_id: int, lines: Sequence[TraceLine], now: datetime) -> None:
    """Inside a transaction: keep the lines of an attempt, in place of what was kept of it before."""
    if lines:
        session.change("drop_trace", attempt_id=attempt_id)
        session.change("add_trace", attempt_id=attempt_id, now=now, lines=pack(lines))


def settle_trace(session: Session, attempt_id: int, lines: Sequence[TraceLine], now: datetime, *, wanted: bool) -> None:
    """Inside the transaction that ends an attempt: its evidence is kept whole, or forgotten."""
    if wanted:
        keep_trace(session, attempt_id, lines, now)
    else:
        session.change("drop_trace", attempt_id=attempt_id)


async def trace_of(readable: Readable, attempt_id: int) -> tuple[TraceLine, ...] | None:
    """The lines of an attempt, None when none were kept or they are forgotten; raises `StoreError`."""
    row = await readable.read(lambda session: session.one("trace_of_attempt", attempt_id=attempt_id))
    return None if row is None else unpack(row["lines"])


def pack(lines: Sequence[TraceLine]) -> bytes:
    """Lines as the database has them: a trace of 256 KB comes to a tenth of that."""
    plain = [[line.at, line.kind, line.text, line.way, line.peer, line.again] for line in lines]
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace"))


def unpack(packed: bytes) -> tuple[TraceLine, ...]:
    """What `pack` has packed."""
    plain = json.loads(zlib.decompress(packed))
    return tuple(
        TraceLine(at, TraceKind(kind), text, Way(way), peer, again) for at, kind, text, way, peer, again in plain
    )
