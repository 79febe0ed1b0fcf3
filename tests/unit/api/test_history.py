"""What is asked of the history, and how our states are told there."""

import json
from datetime import UTC, datetime

import pytest

from mail2fax.api.errors import ApiError
from mail2fax.api.history import FIELDS, asked_of, cursor_behind, told
from mail2fax.api.requests import History, parse_request
from mail2fax.jobs.history import Past, Place
from mail2fax.model.incoming import IncomingState
from mail2fax.model.job import JobState

PAST = Past(
    id=7,
    uuid="940fbbf2-0176-41d6-990b-005056011d6c",
    state=JobState.SENT,
    created_at="2020-12-20T20:28:13.849999Z",
    changed_at="2020-12-20T20:28:30.380000Z",
    has_file=True,
    connected=False,
    number="+3753880456",
)
COME = PAST._replace(state=IncomingState.COMPLETE, number="+375293334455", incoming=True)
URL = "https://fax.example.com/x.tiff"


def shown(fax: Past, *fields: str) -> dict[str, str | None]:
    """One fax as a client reads it."""
    (read,) = json.loads(f"[{told([fax], fields or FIELDS, lambda each: URL if each.has_file else None)}]")
    return dict(read)


def history(**said: object) -> History:
    request = parse_request({"action": "history", **said})
    assert isinstance(request, History)
    return request


def test_the_fields_are_written_as_in_the_example_of_the_text() -> None:
    assert shown(PAST) == {
        "id": "940fbbf2-0176-41d6-990b-005056011d6c",
        "type": "outgoing",
        "remotenum": "3753880456",
        "start_dt": "2020-12-20T20:28:13.84",
        "stop_dt": "2020-12-20T20:28:30.38",
        "result": "success",
        "url": URL,
    }
    assert list(shown(PAST, "url", "id")) == ["id", "url"]
    assert shown(PAST._replace(has_file=False), "url") == {"url": None}


@pytest.mark.parametrize("number", ['"', "\\", "a\nb", "двести", "\u2028", "", "+"])
def test_what_a_sender_wrote_in_place_of_a_number_is_told_as_it_is(number: str) -> None:
    assert shown(PAST._replace(number=number), "remotenum") == {"remotenum": number.removeprefix("+")}


@pytest.mark.parametrize("state", list(JobState))
def test_only_a_fully_confirmed_fax_is_a_success(state: JobState) -> None:
    fax = shown(PAST._replace(state=state.value), "result", "stop_dt")
    assert (fax["result"] == "success") == (state is JobState.SENT)
    assert fax["result"] in {"success", "failed", "dialing"}
    assert (fax["stop_dt"] is None) == (not state.final)


def test_a_fax_on_the_phone_is_dialled_until_it_is_answered() -> None:
    calling = PAST._replace(state=JobState.CALLING)
    assert shown(calling, "result") == {"result": "dialing"}
    assert shown(calling._replace(connected=True), "result") == {"result": "sending"}


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2020-12-16", "2020-12-16T00:00:00.000000Z", datetime(2020, 12, 17, tzinfo=UTC)),
        ("2020-12-16 20:00", "2020-12-16T20:00:00.000000Z", datetime(2020, 12, 16, 20, 0, 0, 1, UTC)),
        ("2020-12-16T20:00:01.5", "2020-12-16T20:00:01.500000Z", datetime(2020, 12, 16, 20, 0, 1, 500_001, UTC)),
        ("2020-12-16 20:00+03:00", "2020-12-16T17:00:00.000000Z", datetime(2020, 12, 16, 17, 0, 0, 1, UTC)),
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
    assert asked_of(history()).fields == asked_of(history(fields="*")).fields == FIELDS
    for said in ({"fields": "id,name"}, {"type": "sideways"}, {"limit": 0}, {"limit": 1001}, {"cursor": "x"}):
        with pytest.raises(ApiError, match=next(iter(said))):
            asked_of(history(**said))
    with pytest.raises(ApiError, match="before"):
        asked_of(history(from_dt="2020-12-17", till_dt="2020-12-16"))


def test_a_cursor_goes_on_behind_the_last_fax() -> None:
    assert asked_of(history(cursor=cursor_behind(PAST))).place == PAST.place
    later = asked_of(history(cursor=cursor_behind(PAST), from_dt="2021-01-01"))
    assert later.place == Place("2021-01-01T00:00:00.000000Z"), "never before what is asked for"


def test_a_fax_that_came_in_stands_beside_the_others_with_its_caller() -> None:
    told_of_it = {"type": "incoming", "remotenum": "375293334455", "result": "success"}
    assert shown(COME, "type", "remotenum", "result") == told_of_it
    results = [shown(COME._replace(state=state.value), "result")["result"] for state in IncomingState]
    assert results == ["receiving", "success", "failed", "failed"]
    assert shown(COME._replace(state=IncomingState.RECEIVING), "stop_dt") == {"stop_dt": None}


def test_a_cursor_goes_on_behind_a_fax_of_either_kind() -> None:
    assert asked_of(history(cursor=cursor_behind(COME))).place == Place(PAST.created_at, 7, incoming=True)
    assert asked_of(history(cursor=cursor_behind(PAST))).place == Place(PAST.created_at, 7)


def test_both_kinds_are_told_unless_one_is_named() -> None:
    kinds = [asked_of(history(**said)).kinds for said in ({}, {"type": "incoming"}, {"type": "outgoing"})]
    assert [(kind.outgoing, kind.incoming) for kind in kinds] == [(True, True), (False, True), (True, False)]
