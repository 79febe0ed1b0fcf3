"""Keeping a registration: sent, refreshed, answered in whatever way, taken back."""

from dataclasses import replace

import pytest

from mail2fax.engine.embedded.sip.flow import Address, Flow, udp
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.engine.embedded.sip.register import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    REFUSED_PAUSE_S,
    Registered,
    RegisterOrder,
    Registration,
    Standing,
)
from mail2fax.engine.embedded.sip.settings import Credentials, UaSettings
from tests.unit.engine.embedded.sip.scene import CREDENTIALS, A, B, Solo

ORDER = RegisterOrder("fax.example", "office", "fax.example", 3600, CREDENTIALS)
OURS = ("Contact", "<sip:office@192.0.2.1:5060>;expires=1800")
CHALLENGE = ("WWW-Authenticate", 'Digest realm="fax.example", nonce="first", qop="auth", algorithm=MD5')
ANOTHER = ("WWW-Authenticate", 'Digest realm="fax.example", nonce="second", qop="auth", algorithm=MD5')
C = ("192.0.2.3", 5060)
NAT, MOVED = ("203.0.113.9", 40_001), ("203.0.113.9", 40_002)
PRIVATE, SEEN, SEEN_LATER = (f"<sip:office@{host}:{port}>" for host, port in (A, NAT, MOVED))


class Scene(Solo):
    """Our user agent at A registers with B, which the test plays. Each REGISTER goes to `targets` when it is due."""

    def __init__(self, order: RegisterOrder = ORDER) -> None:
        super().__init__(UaSettings(*A))
        self.told: list[Registered] = []
        self.targets: tuple[Flow, ...] = (udp(B),)
        self.registration: Registration = self.a.register(order, self.told.append)

    def until_due(self, limit_s: float = 100_000.0) -> float:
        """Seconds until the next REGISTER is due; it goes out then."""
        begun = self.pump.now
        while not self.registration.is_due:
            moment = self.a.next_timer()
            assert moment is not None
            assert moment - begun < limit_s
            self.pump.run_until(moment)
        self.registration.send(self.targets, self.pump.now)
        self.wait(0)
        return self.pump.now - begun

    @property
    def last(self) -> Request:
        return self.made("REGISTER")[-1]

    def answered(self, status: int, *fields: tuple[str, str]) -> None:
        self.answer(self.last, status, *fields)

    def answered_from(self, seen: Address, status: int, *fields: tuple[str, str]) -> None:
        """Answered by somebody who sees the REGISTER come from there."""
        via = str(self.last.via.received_from(seen))
        self.answer(replace(self.last, headers=self.last.headers.with_set("Via", via)), status, *fields)

    @property
    def last_contacts(self) -> list[str]:
        return [str(contact) for contact in self.last.contacts]

    def registered(self, *fields: tuple[str, str]) -> float:
        """Registered, and refreshed: after how many seconds."""
        self.until_due()
        self.answered(200, *(fields or (OURS,)))
        return self.until_due()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_register_says_who_and_where_we_are(scene: Scene) -> None:
    assert scene.until_due() == 0
    request = scene.last
    assert request.uri == "sip:fax.example"
    assert (request.to.uri, request.from_.uri) == ("sip:office@fax.example", "sip:office@fax.example")
    assert request.contacts[0].uri == "sip:office@192.0.2.1:5060"
    assert request.headers.get("Expires") == "3600"
    assert scene.told == []


def test_a_registration_is_refreshed_before_it_ends(scene: Scene) -> None:
    assert scene.registered() == pytest.approx(1740, abs=1)
    assert scene.told == [Registered(Standing.REGISTERED)]
    first, second = scene.made("REGISTER")
    assert first.call_id == second.call_id
    assert first.cseq[0] < second.cseq[0]


@pytest.mark.parametrize(
    ("fields", "refreshed_s"),
    [
        ([("Contact", "<sip:office@192.0.2.1:5060>;expires=60")], 30),
        ([("Contact", "<sip:office@192.0.2.1:5060>;expires=2")], 5),
        ([("Contact", "<sip:office@192.0.2.1:5060>;expires=300")], 268),
        ([("Expires", "600")], 540),
        ([("Contact", "<sip:office@192.0.2.1:5060>"), ("Expires", "600")], 540),
        ([("Contact", '<sip:office@192.0.2.9:5060>;expires=60, "x" <sip:office@192.0.2.1:5060>;expires=600')], 540),
        ([("Contact", "<sip:office@198.51.100.1:1024>;expires=600")], 540),
        ([("Contact", "<sip:office@192.0.2.9>;expires=60"), ("Contact", "<sip:a@192.0.2.8>;expires=90")], 3540),
        ([("Contact", "nonsense<"), ("Contact", "<sip:office@192.0.2.1:5060>;expires=many")], 3540),
        ([("X", "nothing")], 3540),
        ([("Contact", "<sip:office@192.0.2.1:5060>;expires=9999999999")], 86_340),
    ],
)
def test_how_long_it_holds_is_what_the_registrar_says_of_our_contact(
    scene: Scene, fields: list[tuple[str, str]], refreshed_s: float
) -> None:
    """Trap: the answer lists every contact of the account, and the first one is another machine's."""
    assert scene.registered(*fields) == pytest.approx(refreshed_s, abs=1)


def test_a_registration_for_no_time_is_none(scene: Scene) -> None:
    scene.until_due()
    scene.answered(200, ("Contact", "<sip:office@192.0.2.1:5060>;expires=0"))
    assert scene.told == [Registered(Standing.FAILED, "registered for no time at all")]


def test_a_challenge_is_answered_and_each_refresh_begins_anew(scene: Scene) -> None:
    scene.until_due()
    scene.answered(401, CHALLENGE)
    assert 'username="office"' in (scene.last.headers.get("Authorization") or "")
    scene.answered(200, OURS)
    scene.until_due()
    assert scene.last.headers.get("Authorization") is None
    scene.answered(401, CHALLENGE)
    scene.answered(200, OURS)
    assert scene.told == [Registered(Standing.REGISTERED)]


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_wrong_password_is_told_once_and_tried_again_only_now_and_then(scene: Scene, status: int) -> None:
    """Trap: a registrar bars an address that comes with a wrong password twice a minute."""
    for _ in range(3):
        scene.until_due()
        scene.answered(401, CHALLENGE)
        scene.answered(status, ANOTHER)
    assert [told.standing for told in scene.told] == [Standing.REFUSED]
    assert scene.told[0].reason.startswith(str(status))
    assert len(scene.made("REGISTER")) == 6
    assert scene.pump.now > 2 * 0.75 * REFUSED_PAUSE_S


def test_without_a_password_a_challenge_is_a_refusal() -> None:
    scene = Scene(RegisterOrder("fax.example", "office", "fax.example"))
    scene.until_due()
    scene.answered(401, CHALLENGE)
    assert scene.told == [Registered(Standing.REFUSED, "401 Unauthorized")]


def test_an_interval_that_is_too_brief_is_made_as_long_as_the_registrar_wants(scene: Scene) -> None:
    scene.until_due()
    scene.answered(423, ("Min-Expires", "7200"))
    assert scene.last.headers.get("Expires") == "7200"
    scene.answered(200, ("Contact", "<sip:office@192.0.2.1:5060>;expires=7200"))
    assert scene.until_due() == pytest.approx(7140, abs=1)
    assert scene.last.headers.get("Expires") == "7200"


@pytest.mark.parametrize("least", [None, "60", "many"])
def test_an_interval_that_makes_no_sense_is_a_failure(scene: Scene, least: str | None) -> None:
    scene.until_due()
    scene.answered(423, *([("Min-Expires", least)] if least else []))
    assert scene.told == [Registered(Standing.FAILED, "423")]


def test_a_registrar_that_wants_ever_longer_intervals_is_left_alone(scene: Scene) -> None:
    """Trap: 423 answered at once for ever is a storm."""
    scene.until_due()
    for least in ("4000", "5000"):
        scene.answered(423, ("Min-Expires", least))
    assert len(scene.made("REGISTER")) == 2
    assert scene.told[-1].standing is Standing.FAILED


def test_failures_are_followed_by_pauses_that_grow_up_to_half_an_hour(scene: Scene) -> None:
    pauses = []
    for _ in range(9):
        pauses.append(scene.until_due())
        scene.answered(500)
    for tries, pause in enumerate(pauses[1:]):
        usual = min(FIRST_PAUSE_S * 2**tries, LONGEST_PAUSE_S)
        assert 0.75 * usual - 1 <= pause <= 1.25 * usual + 1
    assert scene.told == [Registered(Standing.FAILED, "500 Server Internal Error")]


def test_retry_after_is_heeded(scene: Scene) -> None:
    scene.until_due()
    scene.answered(503, ("Retry-After", "600 (at lunch)"))
    assert scene.until_due() == pytest.approx(600, abs=1)


def test_a_silent_registrar_is_a_failure_and_the_next_target_is_asked_first(scene: Scene) -> None:
    scene.targets = (udp(C), udp(B))
    scene.until_due()
    scene.wait(40)
    assert [sent.destination for sent in scene.pump.trace][-1] == B
    scene.wait(40)
    assert scene.told == [Registered(Standing.FAILED, "no answer")]


def test_a_registrar_that_is_not_found_is_looked_for_again(scene: Scene) -> None:
    scene.registration.not_found("fax.example is not to be found", 0.0)
    assert scene.told == [Registered(Standing.FAILED, "fax.example is not to be found")]
    assert 0.7 * FIRST_PAUSE_S < scene.until_due() < 1.3 * FIRST_PAUSE_S


def test_while_it_still_holds_a_failed_refresh_changes_nothing(scene: Scene) -> None:
    """Trap: one lost refresh, and every call was kept back though the provider still knew us."""
    scene.registered()
    scene.answered(500)
    assert [told.standing for told in scene.told] == [Standing.REGISTERED]
    scene.wait(70)
    assert [told.standing for told in scene.told] == [Standing.REGISTERED, Standing.FAILED]
    scene.until_due()
    scene.answered(200, OURS)
    assert scene.told[-1] == Registered(Standing.REGISTERED)


def test_a_registration_is_taken_back_and_nothing_more_is_told(scene: Scene) -> None:
    scene.until_due()
    scene.answered(200, OURS)
    done: list[bool] = []
    scene.registration.withdraw(scene.pump.now, lambda: done.append(True))
    scene.wait(0.05)
    assert scene.last.headers.get("Expires") == "0"
    scene.answered(401, CHALLENGE)
    scene.answered(200)
    assert done == [True]
    assert len(scene.told) == 1
    scene.pump.run_until_idle(scene.pump.now + 100_000)
    assert scene.a.idle


def test_what_is_withdrawn_before_its_first_answer_is_taken_back_when_that_has_bound_us(scene: Scene) -> None:
    """Trap: the registrar kept calls coming for an hour to a gateway that had gone."""
    scene.until_due()
    done: list[bool] = []
    scene.registration.withdraw(scene.pump.now, lambda: done.append(True))
    assert done == []
    scene.answered(401, CHALLENGE)
    scene.answered(200, OURS)
    assert done == []
    assert scene.last.headers.get("Expires") == "0"
    scene.answered(200)
    assert (done, scene.told) == ([True], [])


def test_what_was_never_registered_is_not_taken_back(scene: Scene) -> None:
    scene.until_due()
    done: list[bool] = []
    scene.registration.withdraw(scene.pump.now, lambda: done.append(True))
    scene.answered(403)
    assert (done, scene.told) == ([True], [])
    assert scene.last.headers.get("Expires") != "0"


def test_what_a_challenge_has_shown_of_our_address_stands_in_the_answer_to_it(scene: Scene) -> None:
    """Trap: the first REGISTER after a start named the private address, though its 401 had told the public one."""
    scene.until_due()
    assert scene.last_contacts == [PRIVATE]
    scene.answered_from(NAT, 401, CHALLENGE)
    assert scene.last_contacts == [SEEN]
    scene.answered_from(NAT, 200, ("Contact", f"{SEEN};expires=600"), ("Contact", "<sip:office@192.0.2.9>;expires=60"))
    assert not scene.registration.is_due
    assert scene.until_due() == pytest.approx(540, abs=1)


def test_where_the_registrar_sees_us_is_registered_at_once_and_takes_the_place_of_the_other(scene: Scene) -> None:
    """RFC 3581: without a challenge it is the 200 that tells; and where we are not reached must not ring."""
    scene.until_due()
    scene.answered_from(NAT, 200, OURS)
    assert scene.until_due() == 0
    assert scene.last_contacts == [SEEN, f"{PRIVATE};expires=0"]
    scene.answered_from(NAT, 401, CHALLENGE)
    assert scene.last_contacts == [SEEN, f"{PRIVATE};expires=0"]
    scene.answered_from(NAT, 200, ("Contact", f"{SEEN};expires=1800"))
    assert scene.until_due() == pytest.approx(1740, abs=1)
    assert scene.last_contacts == [SEEN]
    assert scene.told == [Registered(Standing.REGISTERED)]


def test_an_answer_to_anything_else_shows_that_a_nat_has_moved_us(scene: Scene) -> None:
    scene.until_due()
    scene.answered_from(A, 200, OURS)
    scene.wait(60)
    assert not scene.registration.is_due
    scene.invite()
    [invite] = scene.made("INVITE")
    seen = invite.headers.with_set("Via", str(invite.via.received_from(NAT)))
    scene.answer(replace(invite, headers=seen), 486)
    assert scene.until_due() == 0
    assert scene.last_contacts == [SEEN, f"{PRIVATE};expires=0"]


def test_a_move_that_a_challenge_shows_takes_the_old_place_back_with_the_next_register(scene: Scene) -> None:
    scene.until_due()
    scene.answered_from(NAT, 401, CHALLENGE)
    scene.answered_from(NAT, 200, OURS)
    scene.until_due()
    scene.answered_from(MOVED, 401, ANOTHER)
    assert scene.last_contacts == [SEEN_LATER]
    scene.answered_from(MOVED, 200, OURS)
    assert scene.until_due() == 0
    assert scene.last_contacts == [SEEN_LATER, f"{SEEN};expires=0"]


def test_a_nat_that_moves_us_with_every_request_is_not_run_after(scene: Scene) -> None:
    """Trap: a REGISTER for each answer, and an answer for each REGISTER, is a storm."""
    scene.until_due()
    scene.answered_from(NAT, 200, OURS)
    assert scene.until_due() == 0
    for port in range(40_010, 40_014):
        scene.answered_from((NAT[0], port), 200, OURS)
        assert scene.until_due() == pytest.approx(FIRST_PAUSE_S, abs=0.1)


def test_all_that_the_registrar_has_of_us_is_taken_back(scene: Scene) -> None:
    scene.until_due()
    scene.answered_from(NAT, 200, OURS)
    scene.registration.withdraw(scene.pump.now, lambda: None)
    scene.wait(0.05)
    assert scene.last.headers.get("Expires") == "0"
    assert scene.last_contacts == [SEEN, f"{PRIVATE};expires=0"]


def test_other_settings_of_the_same_account_go_on_where_the_old_ones_stood(scene: Scene) -> None:
    """One Call-ID and one rising CSeq for one registrar (RFC 3261 10.2), and nothing is taken back meanwhile."""
    scene.until_due()
    scene.answered(200, OURS)
    told: list[Registered] = []
    scene.registration.go_on(replace(ORDER, interval_s=600), told.append)
    assert scene.registration.now == Registered(Standing.REGISTERED)
    assert scene.until_due() == 0
    scene.answered(403)
    first, second = scene.made("REGISTER")
    assert [request.headers.get("Expires") for request in (first, second)] == ["3600", "600"]
    assert (first.call_id, first.cseq[0] < second.cseq[0]) == (second.call_id, True)
    assert [each.standing for each in told] == [Standing.REFUSED]
    assert scene.told == [Registered(Standing.REGISTERED)]


def test_a_password_that_was_refused_does_not_hold_the_next_one_back(scene: Scene) -> None:
    scene.until_due()
    scene.answered(403)
    scene.registration.go_on(replace(ORDER, credentials=Credentials("office", "right")), scene.told.append)
    assert scene.registration.now == Registered(Standing.TRYING)
    assert scene.until_due() == 0
