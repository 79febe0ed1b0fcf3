"""The history of a domain in the form of the text: which faxes, which fields, how our states are told."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mail2fax.api.errors import ApiError
from mail2fax.api.links import Fill
from mail2fax.api.requests import History
from mail2fax.jobs.history import Kinds, Place
from mail2fax.model.incoming import IncomingState
from mail2fax.model.job import JobState

FIELDS = ("id", "type", "remotenum", "start_dt", "stop_dt", "result", "url")
FIELDS_SET = frozenset(FIELDS)
EVERYTHING = "*"

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_ODD_MARK = b"\x1a"
"""What is around a number that is not JSON yet (018_told.sql)."""
_ODD = re.compile(_ODD_MARK + b"([0-9A-F]*)" + _ODD_MARK)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)/(i?)(\d{1,18})")

_RESULTS: Mapping[str, str] = {
    JobState.RECEIVED: "dialing",
    JobState.READY: "dialing",
    JobState.SLEEPING: "dialing",
    JobState.CALLING: "dialing",
    JobState.SENT: "success",
    JobState.FAILED: "failed",
    JobState.REJECTED: "failed",
    JobState.CANCELLED: "failed",
    JobState.UNCONFIRMED: "failed",
    IncomingState.RECEIVING: "receiving",
    IncomingState.COMPLETE: "success",
    IncomingState.PARTIAL: "failed",
    IncomingState.FAILED: "failed",
}
"""A fax that is being sent is `sending` once the far end has answered."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of a domain's history: which `kinds`, from `place` on, before `until`, with these `fields`;
    `limit` of them, or all (None)."""

    place: Place
    until: datetime
    fields: tuple[str, ...]
    kinds: Kinds
    limit: int | None


def asked_of(request: History) -> Asked:
    """The request with its dates and fields understood; raises `ApiError` for what cannot be."""
    since = _moment("from_dt", request.from_dt, end=False) if request.from_dt else _FIRST
    until = _moment("till_dt", request.till_dt, end=True) if request.till_dt else _LAST
    if since >= until:
        raise ApiError(400, "field", 'the field "till_dt": it is before from_dt')
    return Asked(
        place=max(Place.at(since), _place(request.cursor), key=_order),
        until=until,
        fields=_fields(request.fields),
        kinds=Kinds(outgoing=request.type != "incoming", incoming=request.type != "outgoing"),
        limit=request.limit,
    )


def result_of(state: JobState | IncomingState) -> str:
    """The result of a fax that is over, in the text's words."""
    return _RESULTS[state]


def told(lines: bytes, fields: Sequence[str], fill: Fill) -> bytes | memoryview:
    """Each fax with these fields, as the text writes them: objects of JSON with commas between.

    `lines` are objects already, with every field, as the database keeps them; what is in them costs nothing here.
    """
    if _ODD_MARK in lines:
        lines = _ODD.sub(_odd_number, lines)
    if fields != FIELDS:
        lines = _chosen(lines, fields)
    return fill(lines)


def cursor_behind(place: Place) -> str:
    """What a client says to go on behind this place."""
    return f"{place.since}/{'i' if place.incoming else ''}{place.after}"


def _odd_number(found: re.Match[bytes]) -> bytes:
    """A number that was not understood is told as it was given."""
    number = bytes.fromhex(found[1].decode()).decode("utf-8", "replace")
    return json.dumps(number, ensure_ascii=False).encode()


def _chosen(lines: bytes, fields: Sequence[str]) -> bytes:
    """The lines with these fields only. A quote within a value has a backslash before it, so no value ends here."""
    wanted = [index for index, field in enumerate(FIELDS) if field in fields]
    begin = b'{"id":'
    faxes = lines.removeprefix(begin).removesuffix(b"}").split(b"}," + begin)
    found = []
    for fax in faxes:
        parts = (b'id":' + fax).split(b',"')
        found.append(b'{"' + b',"'.join([parts[index] for index in wanted]) + b"}")
    return b",".join(found)


def _order(place: Place) -> tuple[str, bool, int]:
    return place.since, place.incoming, place.after


def _fields(wanted: str | None) -> tuple[str, ...]:
    names = tuple(word for name in (wanted or "").split(",") if (word := name.strip().lower()))
    if not names or EVERYTHING in names:
        return FIELDS
    if not FIELDS_SET.issuperset(names):
        raise ApiError(400, "field", f'the field "fields": known are *, {", ".join(FIELDS)}')
    return names


def _moment(field: str, text: str, *, end: bool) -> datetime:
    """A date or a date with time, in UTC where it says nothing else. As an end it is the moment just behind it: a bare
    date means its whole day."""
    fault = ApiError(400, "field", f'the field "{field}": a date, or a date and time, such as 2020-12-16 20:00 (UTC)')
    form = _MOMENT.fullmatch(text.strip())
    if form is None:
        raise fault
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise fault from error
    if end:
        moment = min(moment, _LAST) + (timedelta(microseconds=1) if form["time"] else timedelta(days=1))
    return min(max(moment, _FIRST), _LAST)


def _place(cursor: str | None) -> Place:
    if not cursor:
        return Place("")
    form = _CURSOR.fullmatch(cursor)
    if form is None:
        raise ApiError(400, "field", 'the field "cursor": not one that an answer of ours has given')
    return Place(form[1], int(form[3]), incoming=bool(form[2]))
