"""One call: a SIP session and the fax on it. The only place that knows both.

`session` says what the far end wants, `Fax` does what the two agreed on, and this file decides. Its clock comes from
outside: whoever runs a line calls `tick` every 20 ms and at least then takes its media and events.
"""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from ipaddress import ip_address
from random import Random

from mail2fax.engine.embedded.description import CODECS, FarAudio, FarDescription, FarT38, OurMedia, read_description
from mail2fax.engine.embedded.fax import Fax
from mail2fax.engine.embedded.latch import Address
from mail2fax.engine.embedded.sip.events import (
    Ended,
    Established,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    Progress,
    SessionEvent,
)
from mail2fax.engine.embedded.sip.sdp import DEFAULT_PACKET_MS
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.text import quote
from mail2fax.engine.embedded.spandsp.lane import Lane
from mail2fax.engine.embedded.spandsp.task import ReceiveTask, SendTask, Task, posix_zone
from mail2fax.engine.embedded.spandsp.udptl import datagram_for
from mail2fax.engine.embedded.t38.offer import T38Parameters, answer_offer
from mail2fax.engine.embedded.trace import CallTrace
from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallEnded,
    CallEvent,
    CallOrder,
    CallResult,
    Dialled,
    EndedBy,
    Media,
    MediaPolicy,
    Ringing,
)

_NOT_ACCEPTABLE = 488
_OK = 200
_RINGING = frozenset({180, 183})

_EARLIEST_OFFER_S = 0.3
"""FreeSWITCH loses the call when a re-INVITE follows the answer within milliseconds."""
_LONGEST_FOLDER = 200
"""libspandsp's helper holds a path of 255 octets; a call does not fail for its record."""
_FLUSH_S = 0.3
"""After T.30's end a sender waits so long before its BYE, for its DCN to arrive ..."""
_PARTING = {
    EndedBy.US: "the fax is over",
    EndedBy.CANCELLED: "it is not wanted any more",
    EndedBy.RING_LIMIT: "it has rung for long enough",
}

_PATIENCE_S = 4.0
"""... and a receiver so long for the sender's BYE: it is the caller's, and a re-INVITE may come before it."""
_LOOK_EVERY_S = 2.5
"""How often a line is looked at that needs no frames: its limits are all of many seconds."""


@dataclass(frozen=True, slots=True)
class LineSettings:
    """What the calls of a trunk have in common: when we offer T.38 ourselves (seconds after the answer), and what we
    offer; `codecs` of audio in the order in which we like them, in packets of `ptime_ms`.

    `max_datagram_is_ifp`: these far ends mean by T38FaxMaxDatagram the largest IFP packet, not the largest datagram.
    `record_folder` is where a terminal's inputs are kept while it lives, for when the process dies of them.
    `sync_aside`: a page that comes in goes to the disk beside the clock, which must be the wall's.
    `pin_media`: media come from the address in the far end's SDP or not at all, whatever translates addresses.
    """

    offer_after_s: float = 1.0
    t38: T38Parameters = field(default_factory=T38Parameters)
    max_datagram_is_ifp: bool = False
    pin_media: bool = False
    codecs: tuple[str, ...] = CODECS
    ptime_ms: int = DEFAULT_PACKET_MS
    record_folder: str = ""
    sync_aside: bool = False


def first_offer(media_address: Address, codecs: tuple[str, ...] = CODECS, ptime_ms: int = DEFAULT_PACKET_MS) -> bytes:
    """The SDP of a first INVITE: audio only, since an image line in it slows or stops most far ends."""
    return OurMedia(media_address, codecs, ptime_ms).offer_audio()


class Line:
    """One call, from the INVITE (sent, or received and not yet answered) to its one `CallEnded`.

    The session is the caller's to make: with `first_offer` for a `CallOrder`, or from an INVITE for an `AnswerOrder`.
    `media_address` is where our one media socket listens, for RTP and UDPTL alike; `lane`, if there is one, reads it,
    and carries the media in our stead while they are even. `voice` (A-law) is played after the answer, before the fax.
    After the `CallEnded` the line is `done`; the session may still have a BYE to repeat, which is the user agent's
    business.
    """

    def __init__(
        self,
        session: Session,
        settings: LineSettings,
        order: CallOrder | AnswerOrder,
        media_address: Address,
        now: float,
        trace: CallTrace | None = None,
        lane: Lane | None = None,
        voice: bytes = b"",
    ) -> None:
        self.done = False
        self._session = session
        self._settings = settings
        self._order = order
        self._version = ip_address(media_address[0]).version
        self._ours = OurMedia(media_address, settings.codecs, settings.ptime_ms)
        # RFC 3550 5.1 wants first numbers that differ from call to call and from end to end; they are no secret.
        chance = Random(f"{session.call_id} {media_address}".encode(errors="surrogateescape"))  # noqa: S311 - see above
        self.trace = trace or CallTrace(now)
        """The evidence of the call. Whoever sees its SIP messages shows them to it. That of a call that came in has
        begun before."""
        sizes = order.page_bytes[order.first_page - 1 :] if isinstance(order, CallOrder) else ()
        calling = isinstance(order, CallOrder)
        task = replace(_task(order, settings), record_path=_record(settings, order, session, media_address))
        self._fax = Fax(
            task, chance, self.trace, calling=calling, page_bytes=sizes, pinned=settings.pin_media, voice=voice
        )
        self._fax.lane = lane
        self._events: list[CallEvent] = [Dialled()]
        self._ringing: int | None = None
        self._offer_at: float | None = None
        self._offering = False
        self._t38_refused = False
        self._is_answered = False
        self._answer_at: float | None = None
        self._left_by: EndedBy | None = None
        self._detail = ""
        if isinstance(order, CallOrder):
            self._ours.offer_audio()  # the session has sent it: `first_offer`
        else:
            self._answer_at = now + order.ring_s
            session.ring(now)

    def receive_media(self, datagram: bytes, source: Address, now: float) -> None:
        """Take a datagram from the media socket. Never raises for what is in it."""
        self._fax.receive(datagram, source, now)

    def tick(self, now: float) -> None:
        """Heed what the far end said, move the fax up to `now`, and see what is due."""
        self._fax.catch_up(now)
        for event in self._session.take_events():
            if not self.done:
                self._heed(event, now)
                self._events += self._fax.take_events()
        if self.done:
            return
        self._answer_when_due(now)
        self._fax.run(now)
        self._offer_when_due(now)
        self._withdraw_when_late()
        self._hang_up_when_due(now)
        self._events += self._fax.take_events()

    def due_at(self, now: float) -> float:
        """When a `tick` is needed at the latest, if session and lane have nothing to say before: at every frame of the
        media, unless there are none yet or the lane carries them."""
        if self._fax.needs_frames:
            return now
        finished_s = self._fax.finished_for(now)
        parting_at = now + self._parting_s - finished_s if finished_s else None
        moments = (self._answer_at, self._offer_at, parting_at)
        return min([now + _LOOK_EVERY_S, *(moment for moment in moments if moment is not None)])

    def take_media(self) -> list[tuple[bytes, Address]]:
        return self._fax.take_datagrams()

    def take_events(self) -> list[CallEvent]:
        """What happened since the last time, in order."""
        events, self._events = self._events, []
        return events

    def hang_up(self, now: float, by: EndedBy, detail: str = "") -> None:
        """Leave the call: CANCEL before the answer, BYE after it. `by` and `detail` stand in the `CallEnded`.

        After the answer that comes at once: what a BYE is answered changes nothing for the fax. Before it we wait
        for the far end's last word, which may be that it answered after all.
        """
        if self.done or self._left_by:
            return
        self._left_by, self._detail = by, detail
        self.trace.note(now, f"we leave the call: {detail or _PARTING.get(by, by.value)}")
        self._session.hang_up(now, detail or None)
        if self._is_answered:
            self._end(CallResult(by, _OK, "OK", detail=detail), now)

    def close(self) -> None:
        """Free what the fax holds, whatever state the call is in; a second time does nothing."""
        self._fax.close()

    # What the session says

    def _heed(self, event: SessionEvent, now: float) -> None:
        match event:
            case Progress(code) if code in _RINGING and code != self._ringing:
                self._ringing = code
                self._events.append(Ringing(code))
            case Established(sdp):
                self._established(sdp, now)
            case OfferReceived(sdp):
                self._offered(sdp, now)
            case OfferAnswered(sdp):
                self._offer_answered(sdp, now)
            case OfferRefused():
                self._offering = False
                self.trace.note(now, "our offer of T.38 was refused: the fax stays in audio")
                self._fax.stay_in_audio()
            case Ended(by, code, reason, q850, retry_after_s, redirected_to):
                told = CallResult(self._left_by or by, code, reason, q850, self._detail, retry_after_s, redirected_to)
                self._end(told, now)
            case _:
                pass

    def _established(self, sdp: bytes | None, now: float) -> None:
        if self._left_by:
            return
        if not self._is_answered:
            self._begin_offered(sdp, now)
        if self._order.media_policy is MediaPolicy.OFFER:
            self._offer_at = now + max(self._settings.offer_after_s, _EARLIEST_OFFER_S)

    def _begin_offered(self, sdp: bytes | None, now: float) -> None:
        """Audio as the answer to our offer has it: that of an INVITE of ours, or of our 200 to one without SDP."""
        far = read_description(sdp, self._version)
        if far.audio:
            self._answered()
            self._fax.begin_audio(far.audio.target, far.audio.codec, now)
            self.trace.note(now, f"answered: the fax begins in audio, {far.audio.codec.law.name}-law")
        else:
            self._is_answered = True
            self.hang_up(now, EndedBy.US, f"the answer has no audio for us: {far.fault}")

    # The far end's offers

    def _offered(self, sdp: bytes, now: float) -> None:
        far = read_description(sdp, self._version)
        in_t38 = self._fax.media is Media.T38
        if not self._is_answered and not far.audio:
            # An UPDATE while it rings (RFC 3311): there is no fax yet that could change to T.38.
            self._session.refuse_offer(_NOT_ACCEPTABLE, now)
        elif far.t38 and in_t38:
            if self._session.accept_offer(self._ours.accept_t38(far, self._agree(far.t38)), now):
                self._fax.move_to(far.t38.target)
        elif far.audio and not in_t38:
            self._offered_audio(far, far.audio, now)
        elif self._fax.over or far.is_silent:
            # Asterisk sends one more re-INVITE (audio, or m=image 0) right after the fax, and its BYE only when that
            # was accepted. Another T.30 on top of it would turn a success into code 49.
            if self._session.accept_offer(self._ours.mirror(far), now):
                self._fax.move_to(None)
        elif far.t38:
            self._offered_t38(far, far.t38, now)
        else:
            # Nothing for us; or audio in mid T.38, where a session refresh with the old description kills long faxes
            # and T.30 cannot be begun again in audio with any far end seen.
            if far.fault:
                self.trace.note(now, f"the far end's offer has no medium for us: {far.fault}")
            self._session.refuse_offer(_NOT_ACCEPTABLE, now)

    def _offered_t38(self, far: FarDescription, t38: FarT38, now: float) -> None:
        if self._order.media_policy is MediaPolicy.NEVER or self._fax.page_data_flows:
            why = "page data flows already" if self._fax.page_data_flows else "this call is ordered without it"
            self.trace.note(now, f"the far end wants T.38, and we refuse: {why}")
            self._t38_refused = self._order.media_policy is MediaPolicy.NEVER
            self._session.refuse_offer(_NOT_ACCEPTABLE, now)
            return
        agreed = self._agree(t38)
        if self._session.accept_offer(self._ours.accept_t38(far, agreed), now):
            self._offering = False
            self.trace.note(now, f"the far end wants T.38: the fax begins anew in it ({_t38_words(agreed)})")
            self._fax.begin_t38(t38.target, agreed, self._taken_by(t38), now)

    def _offered_audio(self, far: FarDescription, audio: FarAudio, now: float) -> None:
        if not self._session.accept_offer(self._ours.accept_audio(far), now):
            return
        self._fax.move_to(audio.target, audio.codec)
        if self._offering:  # ours waited after a glare, and theirs has overtaken it
            self._offering = False
            self._offer_at = now + _EARLIEST_OFFER_S

    def _agree(self, t38: FarT38) -> T38Parameters:
        return answer_offer(t38.parameters, self._settings.t38)

    def _taken_by(self, t38: FarT38) -> T38Parameters:
        """What the far end can take."""
        if not self._settings.max_datagram_is_ifp:
            return t38.parameters
        return replace(t38.parameters, max_datagram=datagram_for(t38.parameters.max_datagram))

    # Our own offer

    def _offer_when_due(self, now: float) -> None:
        if self._offer_at is None or now < self._offer_at or self._fax.greeting:
            return  # a voice message is heard to its end: T.38 has no voice
        self._offer_at = None
        # Once page data flows FreeSWITCH says yes, and success, while its file is gone.
        if self._fax.media is Media.G711 and not self._fax.page_data_flows and not self._fax.over:
            self._offering = True
            self.trace.note(now, "we offer T.38")
            self._session.offer(self._ours.offer_t38(self._settings.t38), now)

    def _withdraw_when_late(self) -> None:
        """After a glare the offer waits for seconds, and page data may have begun meanwhile."""
        if self._offering and self._fax.page_data_flows and self._session.withdraw_offer():
            self._offering = False

    def _offer_answered(self, sdp: bytes, now: float) -> None:
        """Also the answer to our description sent again, when the far end asked for that."""
        offering, self._offering = self._offering, False
        far = read_description(sdp, self._version)
        if far.t38 and self._fax.media is Media.T38:
            self._fax.move_to(far.t38.target)
        elif far.t38 and not self._fax.over and self._fax.holds_pages():
            # Our offer may stand for 32 s, and pages come in meanwhile. Theirs to send again they are no more.
            self.trace.note(now, "the far end takes our T.38 too late: pages are confirmed in audio; back to audio")
            self._fax.stay_in_audio()
            self._session.offer(self._ours.offer_audio(), now)
        elif far.t38 and not self._fax.over:
            agreed = self._agree(far.t38)
            self.trace.note(now, f"the far end takes our T.38: the fax begins anew in it ({_t38_words(agreed)})")
            self._fax.begin_t38(far.t38.target, agreed, self._taken_by(far.t38), now)
        elif far.audio and self._fax.media is not Media.T38:
            self._fax.move_to(far.audio.target, far.audio.codec)
        elif offering and not self._fax.over:
            # 200 with port 0: a refusal that leaves the call without a medium until audio is agreed on again.
            why = far.fault or "it has no port for it"
            self.trace.note(now, f"the far end says yes to our T.38, and yet {why}: back to audio")
            self._fax.stay_in_audio()
            self._session.offer(self._ours.offer_audio(), now)

    # What the clock says

    def _answer_when_due(self, now: float) -> None:
        if self._answer_at is None or now < self._answer_at:
            return
        self._answer_at = None
        if self._session.remote_sdp is None:
            # An INVITE without SDP (RFC 3261 13.2.1): our offer goes out in the 200, its answer comes in the ACK.
            self._session.answer(self._ours.offer_audio(), now)
            return
        far = read_description(self._session.remote_sdp, self._version)
        if far.t38 and self._order.media_policy is not MediaPolicy.NEVER:
            agreed = self._agree(far.t38)
            self._session.answer(self._ours.accept_t38(far, agreed), now)
            self._answered()
            self._fax.begin_t38(far.t38.target, agreed, self._taken_by(far.t38), now)
        elif far.audio:
            self._session.answer(self._ours.accept_audio(far), now)
            self._answered()
            self._fax.begin_audio(far.audio.target, far.audio.codec, now)
        else:
            self._detail = f"the offer has no medium for us: {far.fault}"
            # RFC 3261 20.43: a 488 should say what was not acceptable.
            warning = "Warning", f"399 mail2fax {quote(self._detail)}"
            self._session.reject(_NOT_ACCEPTABLE, now, warning)

    def _hang_up_when_due(self, now: float) -> None:
        if fault := self._fax.overdue(now):
            self.hang_up(now, EndedBy.US, fault)
        elif self._fax.finished_for(now) > self._parting_s:
            self.hang_up(now, EndedBy.US)

    @property
    def _parting_s(self) -> float:
        return _FLUSH_S if self._fax.sending else _PATIENCE_S

    def _answered(self) -> None:
        self._is_answered = True
        self._events.append(Answered())

    def _end(self, result: CallResult, now: float) -> None:
        self._fax.stop(now)
        self._events += self._fax.take_events()
        detail = result.detail or self._fax.detail
        result = replace(result, detail=detail, t38_refused=self._t38_refused)
        self._events.append(CallEnded(result, self._fax.media, self._fax.result()))
        self.done = True


def _t38_words(parameters: T38Parameters) -> str:
    return f"version {parameters.version}, {parameters.error_correction.value}, {parameters.max_bit_rate} bit/s"


def _record(settings: LineSettings, order: CallOrder | AnswerOrder, session: Session, media: Address) -> str:
    """The file for a call's inputs. Its name is made of the Call-ID, which the far end may have chosen, and of the
    media port, which no other call has meanwhile."""
    if not settings.record_folder or len(settings.record_folder) > _LONGEST_FOLDER:
        return ""
    way = "out" if isinstance(order, CallOrder) else "in"
    name = sha256(f"{session.call_id} {media[1]}".encode(errors="surrogateescape")).hexdigest()[:16]
    return f"{settings.record_folder}/{way}-{name}.t30"


def _task(order: CallOrder | AnswerOrder, settings: LineSettings) -> Task:
    if isinstance(order, AnswerOrder):
        return ReceiveTask(order.document_path, order.station_id, order.ecm, sync_aside=settings.sync_aside)
    return SendTask(
        path=order.document_path,
        station_id=order.station_id,
        header=order.header,
        header_time_zone=posix_zone(order.header_time),
        ecm=order.ecm,
        max_bit_rate=order.max_bit_rate,
        start_page=order.first_page - 1,
        pages=order.pages,
        standard_path=order.standard_path,
        sub_address=order.sub_address,
        password=order.password,
    )
