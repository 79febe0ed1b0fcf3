"""The history of a domain in the form of the text: which faxes, which fields, how our states are told."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from mail2fax.api.errors import ApiError
from mail2fax.api.requests import History
from mail2fax.jobs.history import Kinds, Past, Place
from mail2fax.model.incoming import FINAL_INCOMING, IncomingState
from mail2fax.model.job import FINAL_STATES, JobState

FIELDS = ("id", "type", "remotenum", "start_dt", "stop_dt", "result", "url")
FIELDS_SET = frozenset(FIELDS)
EVERYTHING = "*"

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?")
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)/(i?)(\d{1,18})")
_CENTISECONDS = len("2020-12-20T20:28:13.84")

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
_UNDER_WAY = frozenset(
    state.value for state in (*JobState, *IncomingState) if state not in FINAL_STATES and state not in FINAL_INCOMING
)


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


Link = Callable[[Past], str | None]
"""Gives the URL of a fax's document, or None when there is none."""


def told(faxes: Sequence[Past], fields: Sequence[str], link: Link) -> str:
    """Each fax with these fields, as the text writes them: objects of JSON with commas between."""
    chosen = [FIELDS.index(field) for field in FIELDS if field in fields]
    form = "{" + ",".join(f'"{FIELDS[index]}":%s' for index in chosen) + "}"
    if len(chosen) == 1:
        return ",".join([form % _values(fax, link)[chosen[0]] for fax in faxes])
    pick = itemgetter(*chosen)
    return ",".join([form % pick(_values(fax, link)) for fax in faxes])


def cursor_behind(fax: Past) -> str:
    """What a client says to go on behind this fax."""
    return f"{fax.created_at}/{'i' if fax.incoming else ''}{fax.id}"


def _values(fax: Past, link: Link) -> tuple[str, ...]:
    """Every field of a fax, in the order of `FIELDS`, as JSON. What we have written ourselves needs no escapes."""
    # The text writes numbers without a plus. One that was not understood is told as it was given.
    number, url = fax.number.removeprefix("+"), link(fax)
    state = fax.state
    return (
        f'"{fax.uuid}"',
        '"incoming"' if fax.incoming else '"outgoing"',
        f'"{number}"' if number.isascii() and number.isalnum() else json.dumps(number, ensure_ascii=False),
        f'"{fax.created_at[:_CENTISECONDS]}"',
        "null" if state in _UNDER_WAY else f'"{fax.changed_at[:_CENTISECONDS]}"',
        '"sending"' if fax.connected else f'"{_RESULTS[state]}"',
        "null" if url is None else f'"{url}"',
    )


def _order(place: Place) -> tuple[str, bool, int]:
    return place.since, place.incoming, place.after


def _fields(wanted: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (wanted or EVERYTHING).split(","))
    if EVERYTHING in names:
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
