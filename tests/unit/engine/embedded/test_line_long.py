"""Calls that take long, on the virtual clock: they ring for minutes, and their session is refreshed in mid fax."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from mail2fax.engine.embedded.sip.message import Request, parse_message
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.model.call import AnswerOrder, CallOrder, EndedBy, Media, Negotiated, Ringing
from tests.harness.pump import SIP_PORT, Parcel, Phone, Pump
from tests.unit.engine.embedded.calls import Calls

A_PAGE, PAGES = 2200, 6
"""Rows of whole pages, and so many that at 2400 bit/s the call takes minutes."""


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    made = Calls(tmp_path)
    yield made
    made.put_away()


def test_a_far_end_that_rings_for_ten_minutes_still_gets_its_fax(calls: Calls) -> None:
    """Trap: timer B must not run on while it rings; how long it may ring is the order's to say."""
    caller, called = calls.caller(), calls.called()
    assert isinstance(caller.order, CallOrder)
    assert isinstance(called.order, AnswerOrder)
    caller.order = replace(caller.order, ring_limit_s=900.0)
    called.order = replace(called.order, ring_s=600.0)
    pump = calls.pump(caller, called)
    pump.dial()
    pump.run(lambda: caller.is_done and called.is_done, limit_s=1000.0)
    calls.assert_delivered(pump)
    assert caller.told(Ringing) == [Ringing(180)]
    # RFC 3261 13.3.1: said again each minute, or a proxy on the way gives the call up.
    assert len([line for line in pump.sip(called) if line.startswith("SIP/2.0 180")]) in (10, 11)


def test_a_far_end_that_rings_longer_than_the_order_allows_is_left(calls: Calls) -> None:
    caller, called = calls.caller(), calls.called()
    assert isinstance(caller.order, CallOrder)
    assert isinstance(called.order, AnswerOrder)
    caller.order = replace(caller.order, ring_limit_s=599.0)
    called.order = replace(called.order, ring_s=600.0)
    pump = calls.pump(caller, called)
    pump.dial()
    pump.run(lambda: caller.is_done and called.is_done, limit_s=1000.0)
    assert (caller.end.call.ended_by, caller.end.call.sip_code) == (EndedBy.RING_LIMIT, 487)


def refreshing(phone: Phone) -> Phone:
    """The phone asks for the shortest session timer there is, refreshed after 45 s, and sends at a crawl."""
    assert isinstance(phone.order, CallOrder)
    phone.order = replace(phone.order, max_bit_rate=2400, pages=PAGES)
    settings = UaSettings(phone.host, SIP_PORT, session_expires_s=90)
    phone.agent = UserAgent(settings, Random(phone.host))  # noqa: S311 - a test that can be repeated, not a secret
    return phone


def without_update(parcel: Parcel) -> Parcel:
    """Something in the middle strikes UPDATE from what either end says that it can do."""
    return replace(parcel, data=parcel.data.replace(b"PRACK, UPDATE,", b"PRACK, REFRESH")) if parcel.is_sip else parcel


def requests_of(pump: Pump, phone: Phone, method: str) -> list[tuple[float, Request]]:
    """What a phone has asked of the other, and when."""
    sent = [
        (parcel.sent_at, parse_message(parcel.data))
        for parcel in pump.wire
        if parcel.is_sip and parcel.source == phone.sip_address and parcel.data.startswith(method.encode())
    ]
    return [(at, message) for at, message in sent if isinstance(message, Request)]


def in_t38_since(phone: Phone) -> float:
    told = zip(phone.taken_at, phone.events, strict=True)
    return next(at for at, event in told if isinstance(event, Negotiated) and event.media is Media.T38)


def test_a_session_is_refreshed_in_mid_t38_without_a_word_about_media(calls: Calls) -> None:
    """Trap: a session timer must not kill a long fax. An UPDATE without SDP cannot touch it."""
    pump = calls.t38()
    calls.document(PAGES, A_PAGE)
    refreshing(pump.caller)
    pump.call()
    calls.assert_delivered(pump, PAGES)
    updates = requests_of(pump, pump.caller, "UPDATE")
    assert updates
    assert all(update.sdp is None and at > in_t38_since(pump.caller) for at, update in updates)
    assert requests_of(pump, pump.caller, "INVITE")[1:] == []


def test_where_update_is_not_known_the_refresh_says_t38_again_under_the_same_version(calls: Calls) -> None:
    """Trap: a refresh with the old audio description kills long faxes at 30 minutes; one with a new version of the
    same description makes some far ends start anew."""
    pump = calls.t38(alter=without_update)
    calls.document(PAGES, A_PAGE)
    refreshing(pump.caller)
    pump.call()
    calls.assert_delivered(pump, PAGES)
    refreshes = requests_of(pump, pump.caller, "INVITE")[1:]
    assert refreshes
    answers = [
        message.body
        for message in (parse_message(parcel.data) for parcel in pump.wire if parcel.is_sip)
        if not isinstance(message, Request) and message.cseq == (1, "INVITE") and b"m=image" in message.body
    ]
    for at, refresh in refreshes:
        assert at > in_t38_since(pump.caller)
        assert refresh.body == answers[0]  # what the caller had answered the T.38 offer with, version and all
    assert pump.caller.end.media is Media.T38
