"""A row of `incoming_faxes`, as the value that the house speaks of."""

from mail2fax.model.call import Media
from mail2fax.model.incoming import Heard, IncomingFax, IncomingState
from mail2fax.store import Row, from_text


def incoming_fax(row: Row) -> IncomingFax:
    """A row of `incoming_faxes`."""
    return IncomingFax(
        id=row["id"],
        uuid=row["uuid"],
        state=IncomingState(row["state"]),
        domain=row["domain"],
        terminal=row["terminal"],
        trunk=row["trunk"],
        call_id=row["call_id"],
        caller=row["caller"],
        called=row["called"],
        file=row["file"],
        started_at=from_text(row["started_at"]),
        ended_at=from_text(row["ended_at"]) if row["ended_at"] else None,
        pages=row["pages"],
        heard=Heard(
            confirmed=row["confirmed"],
            last_confirmed=bool(row["last_confirmed"]),
            far_id=row["far_id"],
            bit_rate=row["bit_rate"],
            ecm=None if row["ecm"] is None else bool(row["ecm"]),
            media=Media(row["media"]),
            bad_rows=row["bad_rows"],
            resolution=row["resolution"],
            missing=tuple(int(page) for page in row["missing"].split(",") if page),
        ),
        cause=row["cause"],
    )
