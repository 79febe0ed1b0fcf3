"""Each message of the basic dialogues is lost once and twice: what is repeated, when, and how the call ends.

All times are seconds on the virtual clock; a datagram travels for 10 ms. A message that is not named in a row's
`repeated` is sent exactly once. RFC 3261 table 4: T1 = 0.5 s, doubled each time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from mail2fax.engine.embedded.sip.events import (
    Ended,
    Established,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    Progress,
    SessionEvent,
)
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.model.call import EndedBy
from tests.harness.sip_pump import Fate, arrive_all, lose

from .scene import ANSWER, CREDENTIALS, OFFER, T38_ANSWER, T38_OFFER, B, Duet

Times = Mapping[str, tuple[float, ...]]

RINGS = 2.0
ANSWERS = 6.0
OFFERS = 12.0
JUDGES = 14.0
HANGS_UP = 20.0
# Later than a nonce lives, so that the BYE is challenged again.
HANGS_UP_LATE = 400.0


@dataclass(frozen=True)
class Dialogue:
    """One dialogue: who does what when, what either side is told, and the messages in the order they are sent."""

    name: str
    play: Callable[[Duet], None]
    caller: tuple[SessionEvent, ...]
    called: tuple[SessionEvent, ...]
    messages: tuple[str, ...]
    with_digest: bool = False


@dataclass(frozen=True)
class Loss:
    """What is repeated when `label` is lost twice; lost once, each list is one shorter, or `once` says otherwise."""

    label: str
    repeated: Times
    once: Times | None = None

    def expected(self, times: int) -> Times:
        if times == 1 and self.once is not None:
            return self.once
        return {label: moments[: len(moments) - 2 + times] for label, moments in self.repeated.items()}


def _doubling(start: float) -> tuple[float, ...]:
    """A message and two repetitions: after T1, then after 2*T1."""
    return (start, start + 0.5, start + 1.5)


def lost_request(label: str, at: float) -> Loss:
    """A request is repeated by its sender (timers A, E)."""
    return Loss(label, {label: _doubling(at)})


def lost_answer(label: str, request: str, at: float) -> Loss:
    """The answer to a request sent at `at`: the request comes again and fetches it again."""
    return Loss(label, {request: _doubling(at), label: _doubling(at + 0.01)})


def lost_final(label: str, at: float) -> Loss:
    """A final answer to an INVITE is repeated by itself (timer G; for a 2xx the dialog)."""
    return Loss(label, {label: _doubling(at)})


def lost_ack(label: str, final: str, at: float) -> Loss:
    """Without its ACK the final answer sent at `at` comes again and fetches another ACK."""
    return Loss(label, {final: _doubling(at), label: _doubling(at + 0.01)})


def unnoticed(label: str) -> Loss:
    """Nobody waits for a provisional answer once another one has come."""
    return Loss(label, {})


def _ring(duet: Duet) -> None:
    duet.invite()
    duet.pump.at(RINGS, duet.ring)


def _plain(duet: Duet) -> None:
    _ring(duet)
    duet.pump.at(ANSWERS, duet.answer)


def _we_hang_up(duet: Duet) -> None:
    _plain(duet)
    duet.pump.at(HANGS_UP, duet.caller.hang_up)


def _they_hang_up(duet: Duet) -> None:
    _plain(duet)
    duet.pump.at(HANGS_UP, duet.leave)


def _digest(duet: Duet) -> None:
    duet.invite(credentials=CREDENTIALS)
    duet.pump.at(RINGS, duet.ring)
    duet.pump.at(ANSWERS, duet.answer)
    duet.pump.at(HANGS_UP_LATE, duet.caller.hang_up)


def _we_offer(duet: Duet) -> None:
    _we_hang_up(duet)
    duet.pump.at(OFFERS, lambda now: duet.caller.offer(T38_OFFER, now))
    duet.pump.at(JUDGES, lambda now: duet.called.accept_offer(T38_ANSWER, now))


def _they_offer(duet: Duet) -> None:
    _we_hang_up(duet)
    duet.pump.at(OFFERS, lambda now: duet.called.offer(T38_OFFER, now))
    duet.pump.at(JUDGES, lambda now: duet.caller.accept_offer(T38_ANSWER, now))


def _offer_refused(duet: Duet) -> None:
    _we_hang_up(duet)
    duet.pump.at(OFFERS, lambda now: duet.caller.offer(T38_OFFER, now))
    duet.pump.at(JUDGES, lambda now: duet.called.refuse_offer(488, now))


def _cancelled(duet: Duet) -> None:
    _ring(duet)
    duet.pump.at(ANSWERS, duet.caller.hang_up)


def _busy(duet: Duet) -> None:
    _ring(duet)
    duet.pump.at(ANSWERS, lambda now: duet.called.reject(486, now))


def _rings_too_long(duet: Duet) -> None:
    duet.invite(ring_limit_s=ANSWERS)
    duet.pump.at(RINGS, duet.ring)


_BEGINNING = ("a INVITE 1", "b 100 INVITE 1", "b 180 INVITE 1")
_ANSWERED = (*_BEGINNING, "b 200 INVITE 1", "a ACK 1")
_RINGING = (Progress(180),)
_UP = (Progress(180), Established(ANSWER))
_UP_THERE = (Established(OFFER),)


def _over(by: EndedBy) -> Ended:
    return Ended(by, 200, "OK")


PLAIN = Dialogue(
    "plain call, we hang up",
    _we_hang_up,
    (*_UP, _over(EndedBy.US)),
    (*_UP_THERE, _over(EndedBy.FAR_END)),
    (*_ANSWERED, "a BYE 2", "b 200 BYE 2"),
)
THEIR_BYE = Dialogue(
    "plain call, they hang up",
    _they_hang_up,
    (*_UP, _over(EndedBy.FAR_END)),
    (*_UP_THERE, _over(EndedBy.US)),
    (*_ANSWERED, "b BYE 1", "a 200 BYE 1"),
)
DIGEST = Dialogue(
    "call with digest, its nonce stale at the end",
    _digest,
    (*_UP, _over(EndedBy.US)),
    (*_UP_THERE, _over(EndedBy.FAR_END)),
    (
        "a INVITE 1",
        "b 401 INVITE 1",
        "a ACK 1",
        "a INVITE 2",
        "b 100 INVITE 2",
        "b 180 INVITE 2",
        "b 200 INVITE 2",
        "a ACK 2",
        "a BYE 3",
        "b 401 BYE 3",
        "a BYE 4",
        "b 200 BYE 4",
    ),
    with_digest=True,
)
OUR_OFFER = Dialogue(
    "re-INVITE from us",
    _we_offer,
    (*_UP, OfferAnswered(T38_ANSWER), _over(EndedBy.US)),
    (*_UP_THERE, OfferReceived(T38_OFFER), _over(EndedBy.FAR_END)),
    (*_ANSWERED, "a INVITE 2", "b 100 INVITE 2", "b 200 INVITE 2", "a ACK 2", "a BYE 3", "b 200 BYE 3"),
)
THEIR_OFFER = Dialogue(
    "re-INVITE from them",
    _they_offer,
    (*_UP, OfferReceived(T38_OFFER), _over(EndedBy.US)),
    (*_UP_THERE, OfferAnswered(T38_ANSWER), _over(EndedBy.FAR_END)),
    (*_ANSWERED, "b INVITE 1", "a 100 INVITE 1", "a 200 INVITE 1", "b ACK 1", "a BYE 2", "b 200 BYE 2"),
)
REFUSED = Dialogue(
    "488 to our re-INVITE",
    _offer_refused,
    (*_UP, OfferRefused(488), _over(EndedBy.US)),
    (*_UP_THERE, OfferReceived(T38_OFFER), _over(EndedBy.FAR_END)),
    (*_ANSWERED, "a INVITE 2", "b 100 INVITE 2", "b 488 INVITE 2", "a ACK 2", "a BYE 3", "b 200 BYE 3"),
)
CANCELLED = Dialogue(
    "CANCEL while ringing",
    _cancelled,
    (*_RINGING, Ended(EndedBy.US, 487, "Request Terminated")),
    (Ended(EndedBy.FAR_END, 487, "Request Terminated"),),
    (*_BEGINNING, "a CANCEL 1", "b 200 CANCEL 1", "b 487 INVITE 1", "a ACK 1"),
)
BUSY = Dialogue(
    "busy",
    _busy,
    (*_RINGING, Ended(EndedBy.FAR_END, 486, "Busy Here")),
    (Ended(EndedBy.US, 486, "Busy Here"),),
    (*_BEGINNING, "b 486 INVITE 1", "a ACK 1"),
)
RING_LIMIT = Dialogue(
    "ring limit",
    _rings_too_long,
    (*_RINGING, Ended(EndedBy.RING_LIMIT, 487, "Request Terminated")),
    CANCELLED.called,
    CANCELLED.messages,
)

_LOST_BEGINNING = [
    lost_request("a INVITE 1", 0),
    lost_answer("b 100 INVITE 1", "a INVITE 1", 0),
    unnoticed("b 180 INVITE 1"),
]
_LOST_SETUP = [
    *_LOST_BEGINNING,
    lost_final("b 200 INVITE 1", ANSWERS),
    lost_ack("a ACK 1", "b 200 INVITE 1", ANSWERS),
]
_LOST_CANCEL = [
    *_LOST_BEGINNING,
    lost_request("a CANCEL 1", ANSWERS),
    lost_answer("b 200 CANCEL 1", "a CANCEL 1", ANSWERS),
    lost_final("b 487 INVITE 1", ANSWERS + 0.01),
    lost_ack("a ACK 1", "b 487 INVITE 1", ANSWERS + 0.01),
]
# The 401 comes at once, so the INVITE is still being repeated (timer A) and fetches it again in the very moment it is
# repeated by itself (timer G).
_BOTH_CLOCKS: Times = {"a INVITE 1": (0, 0.5), "b 401 INVITE 1": (0.01, 0.51, 0.51)}

LOSSES: list[tuple[Dialogue, list[Loss]]] = [
    (
        PLAIN,
        [
            *_LOST_SETUP,
            lost_request("a BYE 2", HANGS_UP),
            lost_answer("b 200 BYE 2", "a BYE 2", HANGS_UP),
        ],
    ),
    (
        THEIR_BYE,
        [
            *_LOST_SETUP,
            lost_request("b BYE 1", HANGS_UP),
            lost_answer("a 200 BYE 1", "b BYE 1", HANGS_UP),
        ],
    ),
    (
        DIGEST,
        [
            lost_request("a INVITE 1", 0),
            Loss("b 401 INVITE 1", _BOTH_CLOCKS, once={**_BOTH_CLOCKS, "a ACK 1": (0.52, 0.52)}),
            lost_ack("a ACK 1", "b 401 INVITE 1", 0.01),
            lost_request("a INVITE 2", 0.02),
            lost_answer("b 100 INVITE 2", "a INVITE 2", 0.02),
            unnoticed("b 180 INVITE 2"),
            lost_final("b 200 INVITE 2", ANSWERS),
            lost_ack("a ACK 2", "b 200 INVITE 2", ANSWERS),
            lost_request("a BYE 3", HANGS_UP_LATE),
            lost_answer("b 401 BYE 3", "a BYE 3", HANGS_UP_LATE),
            lost_request("a BYE 4", HANGS_UP_LATE + 0.02),
            lost_answer("b 200 BYE 4", "a BYE 4", HANGS_UP_LATE + 0.02),
        ],
    ),
    (
        OUR_OFFER,
        [
            *_LOST_SETUP,
            lost_request("a INVITE 2", OFFERS),
            lost_answer("b 100 INVITE 2", "a INVITE 2", OFFERS),
            lost_final("b 200 INVITE 2", JUDGES),
            lost_ack("a ACK 2", "b 200 INVITE 2", JUDGES),
            lost_request("a BYE 3", HANGS_UP),
            lost_answer("b 200 BYE 3", "a BYE 3", HANGS_UP),
        ],
    ),
    (
        THEIR_OFFER,
        [
            *_LOST_SETUP,
            lost_request("b INVITE 1", OFFERS),
            lost_answer("a 100 INVITE 1", "b INVITE 1", OFFERS),
            lost_final("a 200 INVITE 1", JUDGES),
            lost_ack("b ACK 1", "a 200 INVITE 1", JUDGES),
            lost_request("a BYE 2", HANGS_UP),
            lost_answer("b 200 BYE 2", "a BYE 2", HANGS_UP),
        ],
    ),
    (
        REFUSED,
        [
            *_LOST_SETUP,
            lost_request("a INVITE 2", OFFERS),
            lost_answer("b 100 INVITE 2", "a INVITE 2", OFFERS),
            lost_final("b 488 INVITE 2", JUDGES),
            lost_ack("a ACK 2", "b 488 INVITE 2", JUDGES),
            lost_request("a BYE 3", HANGS_UP),
            lost_answer("b 200 BYE 3", "a BYE 3", HANGS_UP),
        ],
    ),
    (CANCELLED, _LOST_CANCEL),
    (
        BUSY,
        [
            *_LOST_BEGINNING,
            lost_final("b 486 INVITE 1", ANSWERS),
            lost_ack("a ACK 1", "b 486 INVITE 1", ANSWERS),
        ],
    ),
    (RING_LIMIT, _LOST_CANCEL),
]

DIALOGUES = [pytest.param(dialogue, id=dialogue.name) for dialogue, _ in LOSSES]
CASES = [
    pytest.param(dialogue, loss, times, id=f"{dialogue.name}: {loss.label} lost {times}x")
    for dialogue, losses in LOSSES
    for loss in losses
    for times in (1, 2)
]


def _play(dialogue: Dialogue, fate: Fate) -> Duet:
    settings = UaSettings(*B)
    if dialogue.with_digest:
        methods = frozenset({"INVITE", "BYE"})
        settings = replace(settings, require_digest=CREDENTIALS, digest_methods=methods)
    duet = Duet(fate, settings)
    dialogue.play(duet)
    duet.pump.run_until_idle(500)
    return duet


@pytest.mark.parametrize("dialogue", DIALOGUES)
def test_nothing_is_repeated_when_nothing_is_lost(dialogue: Dialogue) -> None:
    duet = _play(dialogue, arrive_all)
    assert tuple(duet.pump.labels()) == dialogue.messages


@pytest.mark.parametrize("dialogue", DIALOGUES)
def test_the_table_has_a_row_for_every_message(dialogue: Dialogue) -> None:
    [losses] = [losses for each, losses in LOSSES if each is dialogue]
    assert sorted(loss.label for loss in losses) == sorted(dialogue.messages)


@pytest.mark.parametrize(("dialogue", "loss", "times"), CASES)
def test_a_lost_message_is_made_good_in_the_exact_time(dialogue: Dialogue, loss: Loss, times: int) -> None:
    duet = _play(dialogue, lose(loss.label, times))
    expected = loss.expected(times)
    for label in dialogue.messages:
        sent = duet.pump.times(label)
        if label in expected:
            assert sent == pytest.approx(expected[label])
        else:
            assert len(sent) == 1, label
    assert set(duet.pump.labels()) == set(dialogue.messages)


@pytest.mark.parametrize(("dialogue", "loss", "times"), CASES)
def test_a_lost_message_changes_nothing_about_how_the_call_ends(dialogue: Dialogue, loss: Loss, times: int) -> None:
    duet = _play(dialogue, lose(loss.label, times))
    caller, called = duet.events()
    heard = [event for event in dialogue.caller if loss.label[2:5] != "180" or event not in _RINGING]
    assert caller == heard
    assert called == list(dialogue.called)
    assert duet.is_quiet()
