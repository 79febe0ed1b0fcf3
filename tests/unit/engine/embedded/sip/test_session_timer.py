"""Session timers in both roles: asked for, refreshed, let run out (RFC 4028)."""

import pytest

from mail2fax.engine.embedded.sip.events import Ended, Established, OfferAnswered, OfferReceived, OfferRefused
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.model.call import EndedBy

from .scene import ANSWER, OFFER, T38_ANSWER, T38_OFFER, A, B, Duet, Solo

CONTACT = ("Contact", "<sip:far@192.0.2.2:5062>")
ALLOW_UPDATE = ("Allow", "INVITE, ACK, BYE, UPDATE")
KNOWS = ("Supported", "timer")


def expires(text: str) -> tuple[str, str]:
    return "Session-Expires", text


def standing(*fields: tuple[str, str]) -> tuple[Solo, Request]:
    """A call of ours whose 200 had these fields."""
    solo = Solo()
    return solo, solo.establish(*fields)


def accept(solo: Solo, request: Request, *fields: tuple[str, str], body: bytes = b"") -> None:
    solo.answer(request, 200, CONTACT, *fields, body=body)


# Asked for


def test_our_call_asks_for_half_an_hour_and_leaves_the_refresher_to_the_far_end() -> None:
    solo = Solo()
    solo.invite()
    [invite] = solo.sent("INVITE")
    assert (invite.headers.get("Session-Expires"), invite.headers.get("Min-SE")) == ("1800", "90")


def test_without_a_wish_nothing_is_asked_for() -> None:
    solo = Solo(UaSettings(*A, session_expires_s=None))
    solo.invite()
    [invite] = solo.sent("INVITE")
    assert invite.headers.get("Session-Expires") is None
    assert "timer" in invite.headers.items("Supported")


def test_422_is_answered_with_a_longer_timer() -> None:
    solo = Solo()
    solo.invite()
    solo.answer(solo.sent("INVITE")[0], 422, ("Min-SE", "3600"))
    again = solo.made("INVITE")[1]
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("3600", "3600")
    assert again.cseq[0] == 2
    solo.answer(again, 200, CONTACT, expires("3600;refresher=uac"), body=ANSWER)
    assert solo.caller.take_events() == [Established(ANSWER)]
    solo.wait(1801)
    [*_, refresh] = solo.made("INVITE")
    assert (refresh.headers.get("Session-Expires"), refresh.headers.get("Min-SE")) == ("3600;refresher=uac", "3600")


@pytest.mark.parametrize("least", [("Min-SE", "90"), ("Min-SE", "nonsense"), ("X-Nothing", "")])
def test_422_that_asks_for_what_we_said_ends_the_call(least: tuple[str, str]) -> None:
    solo = Solo()
    solo.invite()
    solo.answer(solo.sent("INVITE")[0], 422, least)
    assert len(solo.made("INVITE")) == 1
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 422, "Session Interval Too Small")]


def test_a_422_that_always_wants_more_is_given_up() -> None:
    solo = Solo()
    solo.invite()
    for number in range(8):
        invites = solo.made("INVITE")
        solo.answer(invites[-1], 422, ("Min-SE", str(2000 + number)))
    assert len(solo.made("INVITE")) == 6


# We refresh


def test_we_refresh_by_update_at_half_of_the_time() -> None:
    """Trap: a refresh must change nothing. An UPDATE without SDP cannot."""
    solo, _ = standing(expires("1800;refresher=uac"), ALLOW_UPDATE)
    solo.wait(898)
    assert solo.sent("UPDATE") == []
    solo.wait(3)
    [update] = solo.made("UPDATE")
    assert (update.body, update.headers.get("Session-Expires")) == (b"", "1800;refresher=uac")
    accept(solo, update, expires("1800;refresher=uac"))
    solo.wait(902)
    assert len(solo.made("UPDATE")) == 2
    assert solo.caller.take_events() == []


def test_where_update_is_not_known_we_refresh_with_what_was_last_agreed_on() -> None:
    """Trap: a refresh in T.38 with the old audio description kills long faxes at 30 minutes."""
    solo, _ = standing(expires("1800;refresher=uac"))
    solo.caller.offer(T38_OFFER, solo.pump.now)
    reinvite = solo.made("INVITE")[1]
    assert reinvite.headers.get("Session-Expires") == "1800;refresher=uac"
    accept(solo, reinvite, expires("1800;refresher=uac"), body=T38_ANSWER)
    solo.wait(902)
    refresh = solo.made("INVITE")[2]
    assert refresh.body == T38_OFFER
    accept(solo, refresh, expires("1800;refresher=uac"), body=T38_ANSWER)
    assert solo.caller.take_events() == [OfferAnswered(T38_ANSWER), OfferAnswered(T38_ANSWER)]


@pytest.mark.parametrize("code", [405, 501, 488, 500])
def test_an_update_that_is_refused_is_followed_by_a_reinvite(code: int) -> None:
    solo, _ = standing(expires("1800;refresher=uac"), ALLOW_UPDATE)
    solo.wait(901)
    solo.answer(solo.sent("UPDATE")[0], code)
    refresh = solo.made("INVITE")[1]
    assert refresh.body == OFFER
    accept(solo, refresh, expires("1800;refresher=uac"), body=ANSWER)
    solo.wait(890)
    assert solo.sent("BYE") == []


def test_a_refresh_that_is_refused_is_tried_again_and_the_call_ends_only_when_the_time_is_over() -> None:
    solo, _ = standing(expires("1800;refresher=uac"))
    answered = 1
    for _ in range(180):
        solo.wait(10)
        for invite in solo.made("INVITE")[answered:]:
            solo.answer(invite, 488)
            answered += 1
    assert answered > 5
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT, 200, "OK")]
    assert "session timer expired" in (solo.sent("BYE")[0].headers.get("Reason") or "")


def test_glare_on_a_refresh_is_waited_out() -> None:
    solo, _ = standing(expires("1800;refresher=uac"))
    solo.wait(901)
    solo.answer(solo.made("INVITE")[1], 491)
    solo.wait(2.0)
    assert len(solo.made("INVITE")) == 2
    solo.wait(2.1)
    assert len(solo.made("INVITE")) == 3


@pytest.mark.parametrize("code", [408, 481])
def test_a_refresh_that_finds_the_dialog_gone_ends_the_call(code: int) -> None:
    solo, _ = standing(expires("1800;refresher=uac"), ALLOW_UPDATE)
    solo.wait(901)
    solo.answer(solo.sent("UPDATE")[0], code)
    assert solo.caller.take_events() == [Ended(EndedBy.FAR_END, 200, "OK")]


def test_a_refresh_nobody_answers_ends_the_call() -> None:
    solo, _ = standing(expires("1800;refresher=uac"), ALLOW_UPDATE)
    solo.wait(940)
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT, 200, "OK")]


def test_an_offer_of_ours_waits_for_a_refresh_that_is_under_way() -> None:
    solo, _ = standing(expires("1800;refresher=uac"))
    solo.wait(901)
    solo.caller.offer(T38_OFFER, solo.pump.now)
    refresh = solo.made("INVITE")[1]
    accept(solo, refresh, expires("1800;refresher=uac"), body=ANSWER)
    offer = solo.made("INVITE")[2]
    assert offer.body == T38_OFFER
    solo.answer(offer, 488)
    assert solo.caller.take_events() == [OfferAnswered(ANSWER), OfferRefused(488)]


def test_an_offer_that_waits_for_a_refresh_can_be_withdrawn() -> None:
    solo, _ = standing(expires("1800;refresher=uac"))
    solo.wait(901)
    solo.caller.offer(T38_OFFER, solo.pump.now)
    assert solo.caller.withdraw_offer()
    accept(solo, solo.made("INVITE")[1], expires("1800;refresher=uac"), body=ANSWER)
    assert len(solo.made("INVITE")) == 2


def test_an_offer_of_ours_refreshes_too() -> None:
    solo, _ = standing(expires("1800;refresher=uac"))
    solo.wait(800)
    solo.caller.offer(T38_OFFER, solo.pump.now)
    accept(solo, solo.made("INVITE")[1], expires("1800;refresher=uac"), body=T38_ANSWER)
    solo.wait(800)
    assert len(solo.made("INVITE")) == 2


# They refresh


def test_a_call_that_nobody_refreshes_is_hung_up() -> None:
    """RFC 4028 10: a third of the time, at most 32 s, before it is over."""
    solo, _ = standing(expires("1800;refresher=uas"))
    solo.wait(1767)
    assert solo.sent("BYE") == []
    solo.wait(1.5)
    assert solo.caller.take_events() == [Ended(EndedBy.TIMEOUT, 200, "OK")]
    [bye] = solo.made("BYE")
    solo.answer(bye, 200)
    solo.wait(40)
    assert solo.a.idle


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_asterisks_refresh_keeps_the_call(method: str) -> None:
    """Trap: Asterisk's re-INVITEs carry Session-Expires: 1800 and Min-SE: 90."""
    solo, invite = standing(expires("1800;refresher=uas"))
    for number in range(1, 5):
        solo.wait(899)
        body = OFFER if method == "INVITE" else b""
        asks = (expires("1800;refresher=uac"), ("Min-SE", "90"), KNOWS)
        solo.send(solo.inside(invite, method, number, *asks, body=body, branch=f"r{number}"))
        if method == "INVITE":
            assert solo.caller.take_events() == [OfferReceived(OFFER)]
            assert solo.caller.accept_offer(ANSWER, solo.pump.now)
            solo.send(solo.inside(invite, "ACK", number, branch=f"a{number}"))
        answer = solo.responses(method)[-1]
        assert answer.headers.get("Session-Expires") == "1800;refresher=uac"
        assert answer.headers.items("Require") == ["timer"]
    solo.wait(1760)
    assert solo.sent("BYE") == []
    solo.wait(10)
    assert len(solo.made("BYE")) == 1


def test_who_asks_us_to_refresh_is_refreshed() -> None:
    solo, invite = standing(ALLOW_UPDATE)
    solo.send(solo.inside(invite, "UPDATE", 1, expires("90;refresher=uas"), KNOWS))
    [answer] = solo.responses("UPDATE")
    assert answer.headers.get("Session-Expires") == "90;refresher=uas"
    solo.wait(46)
    [update] = solo.made("UPDATE")
    assert update.headers.get("Session-Expires") == "90;refresher=uac"


@pytest.mark.parametrize(("wish", "asked"), [(None, "1800"), (600, "600"), (0, None)])
def test_a_call_asks_for_the_timer_that_its_order_wants(wish: int | None, asked: str | None) -> None:
    """Where it wants none, the far end is not even told that we know timers: some begin one by themselves."""
    solo = Solo()
    solo.invite(session_expires_s=wish)
    [invite] = solo.made("INVITE")
    assert invite.headers.get("Session-Expires") == asked
    assert invite.has_option("Supported", "timer") is (asked is not None)
    assert invite.has_option("Supported", "100rel")


def test_a_2xx_without_session_expires_switches_the_timer_off() -> None:
    solo, _ = standing()
    solo.wait(4000)
    assert solo.sent("BYE") == solo.sent("UPDATE") == []
    assert len(solo.made("INVITE")) == 1


def test_a_timer_that_is_too_short_gets_422() -> None:
    solo = Solo()
    solo.send(solo.request("INVITE", 1, expires("60"), KNOWS, body=OFFER))
    [refused] = solo.responses("INVITE")
    assert (refused.status, refused.headers.get("Min-SE")) == (422, "90")
    assert solo.a.take_incoming() == []


def test_a_proxys_timer_that_is_too_short_for_a_caller_who_knows_none_is_passed_over() -> None:
    """RFC 4028 9: such a caller could do nothing about a 422."""
    solo = Solo()
    solo.send(solo.request("INVITE", 1, expires("30"), body=OFFER))
    [call] = solo.a.take_incoming()
    call.answer(ANSWER, solo.pump.now)
    assert solo.responses("INVITE")[-1].headers.get("Session-Expires") is None


@pytest.mark.parametrize(
    ("asked", "knows", "answered", "required"),
    [
        ("1800", True, "1800;refresher=uac", ["timer"]),
        ("1800;refresher=uac", True, "1800;refresher=uac", ["timer"]),
        ("1800;refresher=uas", True, "1800;refresher=uas", []),
        # A proxy has put it in: the caller knows no timer, so that we refresh.
        ("1800;refresher=uac", False, "1800;refresher=uas", []),
    ],
)
def test_who_refreshes_a_call_that_comes_in(asked: str, knows: bool, answered: str, required: list[str]) -> None:
    """RFC 4028 9, table 2."""
    solo = Solo()
    fields = (expires(asked), KNOWS) if knows else (expires(asked),)
    solo.send(solo.request("INVITE", 1, *fields, body=OFFER))
    [call] = solo.a.take_incoming()
    call.answer(ANSWER, solo.pump.now)
    accepted = solo.responses("INVITE")[-1]
    assert accepted.headers.get("Session-Expires") == answered
    assert accepted.headers.items("Require") == required


@pytest.mark.parametrize(("a_wants", "b_wants"), [(None, None), (1800, None), (1800, 1800)])
def test_two_of_ours_keep_a_long_call_standing(a_wants: int | None, b_wants: int | None) -> None:
    duet = Duet(b_settings=UaSettings(*B, session_expires_s=b_wants))
    duet.a._core.settings = UaSettings(*A, session_expires_s=a_wants)
    duet.establish()
    duet.pump.run_until(7200.0)
    assert duet.events() == ([], [])
    refreshes = [label for label in duet.pump.labels() if label.startswith("a UPDATE")]
    assert len(refreshes) == (7 if a_wants else 0)


def test_when_one_end_falls_silent_the_other_hangs_up() -> None:
    lost = False
    duet = Duet(lambda _label: () if lost else (0.01,))
    duet.establish()
    lost = True
    duet.pump.run_until(2000.0)
    assert [events[-1] for events in duet.events()] == [Ended(EndedBy.TIMEOUT, 200, "OK")] * 2
