"""What is asked of the history, and how our states are told there."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from mail2fax.api.errors import ApiError
from mail2fax.api.history import FIELDS, asked_of, cursor_behind, result_of, told
from mail2fax.api.requests import History, parse_request
from mail2fax.jobs.history import Place
from mail2fax.model.incoming import FINAL_INCOMING, IncomingState
from mail2fax.model.job import JobState
from mail2fax.store.connection import open_writer

ACCEPTED, ENDED = "2020-12-20T20:28:13.849999Z", "2020-12-20T20:28:30.380000Z"
OUTGOING = Place(ACCEPTED, 7)
INCOMING = Place(ACCEPTED, 7, incoming=True)


def filled(text: bytes) -> bytes:
    """The URLs as somebody else would have them: nothing but their ends."""
    return text.replace(b"\x1d", b"")


class Books:
    """A database with one fax in it at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def went_out(self, state: JobState = JobState.SENT, number: str | None = "+3753880456", file: bool = True) -> None:
        """A fax that goes out; its mail's subject is `number` with a word."""
        self._forget()
        self._db.execute(
            "INSERT INTO jobs (id, uuid, state, version, door, source_key, spool_name, size, received_at, sender_local,"
            " sender_domain, mail_from, recipient, subject, automatic, thread, created_at, changed_at, deadline_at,"
            " number, document, facts) VALUES (7, '940fbbf2', ?, 1, 'smtp', '', '', 0, '', '', '', '', '', ?, 0, '[]',"
            " ?, ?, ?, ?, ?, '{}')",
            [
                *(state.value, self.subject, ACCEPTED, ENDED, None if state.final else ENDED, number),
                "x.tif" if file else None,
            ],
        )

    subject = 'call "them"'

    def is_answered(self) -> None:
        self._db.execute("INSERT INTO attempts (job_id, number, call_id, started_at) VALUES (7, 1, 'a', '')")
        self._db.execute("INSERT INTO journal (job_id, attempt, at, event, facts) VALUES (7, 1, '', 'answered', '{}')")

    def is_called_again(self) -> None:
        self._db.execute("INSERT INTO attempts (job_id, number, call_id, started_at) VALUES (7, 2, 'b', '')")

    def came_in(self, state: IncomingState = IncomingState.COMPLETE, caller: str = "+375293334455") -> None:
        self._forget()
        self._db.execute(
            "INSERT INTO incoming_faxes (id, uuid, state, domain, terminal, trunk, call_id, caller, called, file,"
            " started_at, ended_at, pages, mail_to, message_id) VALUES (7, 'c', ?, 'default', '', '', '', ?, '', 'f',"
            " ?, ?, 1, '', '')",
            [state.value, caller, ACCEPTED, ENDED if state in FINAL_INCOMING else None],
        )

    def told(self, *fields: str) -> dict[str, str | None]:
        """The fax as a client reads it."""
        ((line,),) = self._db.execute("SELECT line FROM told").fetchall()
        (read,) = json.loads(b"".join([b"[", told(line.encode(), fields or FIELDS, filled), b"]"]))
        return dict(read)

    def _forget(self) -> None:
        for table in ("journal", "attempts", "jobs", "incoming_faxes"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 # our own names


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    db = open_writer(tmp_path / "mail2fax.db")
    yield Books(db)
    db.close()


def history(**said: object) -> History:
    request = parse_request({"action": "history", **said})
    assert isinstance(request, History)
    return request


def test_the_fields_are_written_as_in_the_example_of_the_text(books: Books) -> None:
    books.went_out()
    assert books.told() == {
        "id": "940fbbf2",
        "type": "outgoing",
        "remotenum": "3753880456",
        "start_dt": "2020-12-20T20:28:13.84",
        "stop_dt": "2020-12-20T20:28:30.38",
        "result": "success",
        "url": "000000000007.tiff",
    }
    assert list(books.told("url", "id")) == ["id", "url"]
    books.went_out(file=False)
    assert books.told("url") == {"url": None}


@pytest.mark.parametrize(
    "number", ['"', "\\", "a\nb", "двести", "\u2028", "", "+", "++1", '","url":"', '"},{"id":"', "\x1a"]
)
def test_what_a_sender_wrote_in_place_of_a_number_is_told_as_it_is(books: Books, number: str) -> None:
    books.subject = number
    books.went_out(number=None)
    expected = {"id": "940fbbf2", "remotenum": number.removeprefix("+")}
    assert books.told("id", "remotenum") == expected
    assert {name: books.told()[name] for name in expected} == expected
    books.came_in(caller=number)
    assert books.told("remotenum", "url") == {"remotenum": number.removeprefix("+"), "url": "800000000007.tiff"}


@pytest.mark.parametrize("state", list(JobState))
def test_only_a_fully_confirmed_fax_is_a_success(books: Books, state: JobState) -> None:
    """The database tells each state by the words that webhooks use."""
    books.went_out(state)
    fax = books.told("result", "stop_dt")
    assert fax["result"] == result_of(state)
    assert (fax["result"] == "success") == (state is JobState.SENT)
    assert fax["result"] in {"success", "failed", "dialing"}
    assert (fax["stop_dt"] is None) == (not state.final)


def test_a_fax_on_the_phone_is_dialled_until_it_is_answered(books: Books) -> None:
    books.went_out(JobState.CALLING)
    assert books.told("result") == {"result": "dialing"}
    books.is_answered()
    assert books.told("result") == {"result": "sending"}
    books.is_called_again()
    assert books.told("result") == {"result": "dialing"}


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2020-12-16", "2020-12-16T00:00:00.000000Z", datetime(2020, 12, 17, tzinfo=UTC)),
        ("2020-12-16 20:00", "2020-12-16T20:00:00.000000Z", datetime(2020, 12, 16, 20, 0, 0, 1, UTC)),
        ("2020-12-16T20:00:01.5", "2020-12-16T20:00:01.500000Z", datetime(2020, 12, 16, 20, 0, 1, 500_001, UTC)),
        ("2020-12-16 20:00+03:00", "2020-12-16T17:00:00.000000Z", datetime(2020, 12, 16, 17, 0, 0, 1, UTC)),
        ("2020-12-16T23:00+0300", "2020-12-16T20:00:00.000000Z", datetime(2020, 12, 16, 20, 0, 0, 1, UTC)),
        ("2020-12-16T20:00Z", "2020-12-16T20:00:00.000000Z", datetime(2020, 12, 16, 20, 0, 0, 1, UTC)),
    ],
)
def test_dates_are_utc_and_a_bare_date_at_the_end_means_its_whole_day(text: str, since: str, until: datetime) -> None:
    asked = asked_of(history(from_dt=text, till_dt=text))
    assert (asked.place, asked.until) == (Place(since), until)


@pytest.mark.parametrize("text", ["2020-02-31", "2020-W01", "yesterday", "20201216", "2020-12-16 25:00", "2020-13-01"])
def test_impossible_dates_are_refused(text: str) -> None:
    for field in ("from_dt", "till_dt"):
        with pytest.raises(ApiError, match=field):
            asked_of(history(**{field: text}))


@pytest.mark.parametrize("text", ["0001-01-01 00:00+14:00", "9999-12-31", "0001-01-01", "9999-12-31 23:59-14:00"])
def test_the_ends_of_time_are_no_fault(text: str) -> None:
    for asked in ({"from_dt": text}, {"till_dt": text}):
        try:
            asked_of(history(**asked))
        except ApiError as error:
            assert error.status == 400  # noqa: PT017 # an overflow would be no ApiError


def test_fields_are_chosen_and_what_is_strange_is_named() -> None:
    assert asked_of(history(fields="id, result")).fields == ("id", "result")
    assert asked_of(history(fields=["id", "url"])).fields == ("id", "url")
    assert asked_of(history(fields="ID ,")).fields == ("id",)
    assert asked_of(history(fields=" ")).fields == FIELDS
    assert asked_of(history()).fields == asked_of(history(fields="*")).fields == FIELDS
    for said in ({"fields": "id,name"}, {"type": "sideways"}, {"limit": 0}, {"limit": 1001}, {"cursor": "x"}):
        with pytest.raises(ApiError, match=next(iter(said))):
            asked_of(history(**said))
    with pytest.raises(ApiError, match="before"):
        asked_of(history(from_dt="2020-12-17", till_dt="2020-12-16"))


def test_a_cursor_goes_on_behind_the_last_fax_of_either_kind() -> None:
    for place in (OUTGOING, INCOMING):
        assert asked_of(history(cursor=cursor_behind(place))).place == place
    later = asked_of(history(cursor=cursor_behind(OUTGOING), from_dt="2021-01-01"))
    assert later.place == Place("2021-01-01T00:00:00.000000Z"), "never before what is asked for"


@pytest.mark.parametrize("state", list(IncomingState))
def test_a_fax_that_came_in_stands_beside_the_others_with_its_caller(books: Books, state: IncomingState) -> None:
    books.came_in(state)
    over = state in FINAL_INCOMING
    assert books.told() == {
        "id": "c",
        "type": "incoming",
        "remotenum": "375293334455",
        "start_dt": "2020-12-20T20:28:13.84",
        "stop_dt": "2020-12-20T20:28:30.38" if over else None,
        "result": result_of(state),
        "url": "800000000007.tiff" if over else None,
    }


def test_both_kinds_are_told_unless_one_is_named() -> None:
    kinds = [asked_of(history(**said)).kinds for said in ({}, {"type": "incoming"}, {"type": "outgoing"})]
    assert [(kind.outgoing, kind.incoming) for kind in kinds] == [(True, True), (False, True), (True, False)]
