"""The fax of one call: the terminal at work, moved by the call's clock, and what it has to say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from mail2fax.engine.embedded.greeting import Greeting
from mail2fax.engine.embedded.latch import Address, Latch
from mail2fax.engine.embedded.media import FRAME_S, G711, AudioPath, MediaPath, T38Path
from mail2fax.engine.embedded.patience import Patience
from mail2fax.engine.embedded.report import Report, fax_result
from mail2fax.engine.embedded.rtp.jitter import SAMPLE_RATE
from mail2fax.engine.embedded.rtp.packet import RtpSender
from mail2fax.engine.embedded.rtp.rtcp import is_rtcp
from mail2fax.engine.embedded.spandsp import events as t30
from mail2fax.engine.embedded.spandsp.frame_words import words_of_frame
from mail2fax.engine.embedded.spandsp.lane import Lane
from mail2fax.engine.embedded.spandsp.task import SendTask, Task
from mail2fax.engine.embedded.t38.offer import T38Parameters
from mail2fax.engine.embedded.trace import CallTrace
from mail2fax.model.call import CallEvent, FaxFault, FaxResult, Media, PageRecord
from mail2fax.model.trace import Way

_MOST_FRAMES = 50
"""After a standstill of our own (a suspended machine), time beyond one second is lost rather than caught up."""
_HIGHEST_PORT = 65_535
_COUNT_EVERY_S = 30.0
"""How often the evidence says what the medium has carried so far: for a call whose end is never told."""

_WAYS = {t30.Direction.SENT: Way.SENT, t30.Direction.RECEIVED: Way.RECEIVED}


class Fax:
    """Sends or receives over audio, then perhaps anew over T.38: each time with a fresh terminal.

    `calling` says who placed the call; `page_bytes` are the sizes of the pages to send, where they are known.
    `random` gives the first numbers of our RTP stream (RFC 3550 5.1). `trace` takes the evidence. `pinned` takes no
    packets but those from the address in the far end's SDP. `voice` is a message in A-law that is played before the
    fax, if that begins in audio.
    """

    def __init__(
        self,
        task: Task,
        random: Random,
        trace: CallTrace,
        *,
        calling: bool,
        page_bytes: Sequence[int] = (),
        pinned: bool = False,
        voice: bytes = b"",
    ) -> None:
        self.detail = ""
        """libtiff's words, when the document could not be read or written."""
        self._task = task
        self._calling = calling
        self._random = random
        self._trace = trace
        self._voice = voice
        self._greeting = False
        self._sent = 0
        self._dropped: Counter[str] = Counter()
        self._count_at = 0.0
        self._path: MediaPath | None = None
        self.lane: Lane | None = None
        """Carries the even part of the media by itself, if the call has one."""
        self._latch = Latch(None, pinned=pinned)
        self._met: tuple[Address | None, Address | None] = (None, None)
        """Where the latest packets went to and came from, when the far end has closed its port meanwhile."""
        self._report = Report()
        self._result = FaxResult(FaxFault.NOT_STARTED)
        self._sent_before = 0
        self._pages_before: dict[int, PageRecord] = {}
        self._patience = Patience(page_bytes)
        self._events: list[CallEvent] = []
        self._outbox: list[tuple[bytes, Address]] = []
        self._next_frame_at = 0.0
        self._finished_at: float | None = None
        self._lane_ahead = False
        """The lane may have done what is not taken up yet."""

    @property
    def media(self) -> Media:
        return self._report.media

    @property
    def greeting(self) -> bool:
        """A voice message is being played: the fax has not begun."""
        return self._greeting

    @property
    def page_data_flows(self) -> bool:
        return self._report.page_data_flows

    @property
    def over(self) -> bool:
        """The last page was confirmed, or T.30 came to another end: no other terminal is to begin."""
        return self._finished_at is not None or self.result().last_confirmed

    def holds_pages(self) -> bool:
        """Pages that we have confirmed are in our file: another terminal would begin the file anew."""
        self._halt()
        return not self.sending and self.result().pages_confirmed > 0

    @property
    def sending(self) -> bool:
        return isinstance(self._task, SendTask)

    def begin_audio(self, target: Address | None, codec: G711, now: float) -> None:
        """Start T.30 in audio."""
        draw = self._random.getrandbits
        sender = RtpSender(ssrc=draw(32), sequence=draw(15), timestamp=draw(32))
        greeting = Greeting(self._voice) if self._voice else None
        path = AudioPath(self._task, sender, codec, now, calling=self._calling, greeting=greeting)
        if greeting:
            self._trace.note(now, f"a voice message is played ({len(self._voice) / SAMPLE_RATE:.1f} s)")
        self._begin(path, target, now)

    def begin_t38(self, target: Address | None, agreed: T38Parameters, theirs: T38Parameters, now: float) -> None:
        """Start T.30 anew in T.38. The audio terminal goes first: a receiver's file must be free for the new one."""
        self._halt()
        self._note_events(now)
        self._tell_counts(now)
        self._close_path()
        # Nobody else holds the modems to T38MaxBitRate.
        task = replace(self._task, max_bit_rate=min(self._task.max_bit_rate, theirs.max_bit_rate))
        self._begin(T38Path(task, agreed, theirs, now, calling=self._calling), target, now)

    def stay_in_audio(self) -> None:
        """The far end has refused T.38. A refusal of ours says nothing of it, and leaves the medium what it was."""
        if self.media is Media.G711:
            self._events += self._report.fall_back()

    def move_to(self, target: Address | None, codec: G711 | None = None) -> None:
        """The far end has described itself again, for the medium that is in use."""
        self._halt()
        if target != self._latch.said and self._path:
            self._path.begin_anew()
        if self._latch.target:
            self._met = self._latch.target, self._latch.source
        self._latch.learn_anew(target)
        if codec and isinstance(self._path, AudioPath):
            self._path.speak(codec)

    def receive(self, datagram: bytes, source: Address, now: float) -> None:
        """Take one datagram from the media port, whatever it is."""
        followed, path = self._latch.source, self._path
        if path is None:
            self._dropped["no_medium_was_agreed_on"] += 1
            return
        if not path.owns(datagram):
            self._receive_report(path, datagram, source)
            return
        self._halt()
        heard = self._latch.take(datagram, source, path.stamp)
        if not heard:
            self._dropped["from_another_address"] += 1
        elif followed != self._latch.source:
            self._trace.note(now, f"the {self._medium} packets come from {_text_of(source)}")
            if followed:
                path.begin_anew()
        for each in heard:
            path.receive(each, now)

    def _receive_report(self, path: MediaPath, datagram: bytes, source: Address) -> None:
        """RTCP, perhaps. It moves no latch: it comes from another port, and to either of ours."""
        if is_rtcp(datagram) and self._latch.target and source[0] == self._latch.target[0]:
            path.receive_report(datagram)
        elif not is_rtcp(datagram):
            self._dropped[f"not_{self._medium}"] += 1

    def run(self, now: float) -> None:
        """Bring the terminal up to `now`, after `catch_up`."""
        if self._path is None:
            return
        self._next_frame_at = max(self._next_frame_at, now - _MOST_FRAMES * FRAME_S)
        while self._next_frame_at <= now + FRAME_S / 2:  # a ticker that comes a little early is no reason to skip one
            self._halt()
            self._next_frame_at += FRAME_S
            self._send(self._path.frame(now))
        self._send_report(self._path, now)
        self._note_greeting(self._path, now)
        self._note_events(now)
        if now >= self._count_at:
            self._tell_counts(now)
        self._set_going(now)

    def _note_greeting(self, path: MediaPath, now: float) -> None:
        if self._greeting and not path.greeting:
            self._greeting = False
            self._trace.note(now, "the voice message is over, the fax begins")
            self._patience.begin(now)

    @property
    def carried(self) -> bool:
        """The lane carries the call: `catch_up` and `run` need not come at every frame."""
        return self.lane is not None and self.lane.running

    @property
    def needs_frames(self) -> bool:
        """There is a terminal, and nobody else moves it."""
        return self._path is not None and not self.carried

    def catch_up(self, now: float) -> None:
        """Takes up what the lane has done, and whether it has stopped."""
        if self._lane_ahead:
            self._follow()
            self._note_events(now)

    def _follow(self) -> None:
        if not (self._lane_ahead and self.lane and self._path):
            return
        done = self.lane.progress()
        self._next_frame_at = done.frame_at
        self._sent += done.sent
        if done.received or done.repeated:
            self._latch.heard()
        self._path.follow(done)
        self._lane_ahead = self.lane.running

    def _halt(self) -> None:
        """From here on the media are ours again."""
        self._follow()
        self._lane_ahead = False
        if self.lane:
            self.lane.stop()

    def _set_going(self, now: float) -> None:
        if self.lane and self._path and self._latch.target and not self.lane.running:
            self._path.set_going(self.lane, self._latch.source, self._latch.target, self._next_frame_at, now)
            self._lane_ahead = self.lane.running

    def finished_for(self, now: float) -> float:
        """Seconds since T.30 came to its end, 0 while it runs."""
        return 0.0 if self._finished_at is None else now - self._finished_at

    def overdue(self, now: float) -> str:
        """Why waiting any longer makes no sense, or "" while it does: T.30 has no limits of its own for these."""
        if self._path is None or self._finished_at is not None:
            return ""
        if not self.sending and now - self._path.heard_at > self._path.silence_limit_s:
            return f"no packet came for {self._path.silence_limit_s:.0f} s"
        return self._patience.overdue(now)

    def stop(self, now: float) -> None:
        """The call is over: T.30 ends with the code that is true now, and the file is let go."""
        self._halt()
        if self._path:
            # Most good calls end by a BYE that comes before our own T.30 is through: 0 after the last MCF.
            self._path.terminal.terminate()
            self._note_events(now)
            self._tell_counts(now)
            self._close_path()

    def close(self) -> None:
        """Free the terminal, if there still is one; a second time does nothing."""
        self._close_path()

    def result(self) -> FaxResult:
        """What is true of the fax at this moment, also after `stop`."""
        if self._path is None:
            return self._result
        now = fax_result(self._path.terminal.result())
        pages = self._pages_before | {page.page: page for page in now.pages}
        sent = max(now.pages_sent, self._sent_before)
        return replace(now, pages_sent=sent, pages=tuple(pages[number] for number in sorted(pages)))

    def take_events(self) -> list[CallEvent]:
        events, self._events = self._events, []
        return events

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        datagrams, self._outbox = self._outbox, []
        return datagrams

    @property
    def _medium(self) -> str:
        return "T.38" if self.media is Media.T38 else "audio"

    def _tell_counts(self, now: float) -> None:
        """The evidence of the medium so far."""
        self._count_at = now + _COUNT_EVERY_S
        if self._path is None:
            return
        target, source = (self._latch.target, self._latch.source) if self._latch.target else self._met
        addresses = [("to", _text_of(target)), ("from", _text_of(source))]
        dropped = [(f"dropped:{why}", count) for why, count in self._dropped.items()]
        self._trace.counts(now, self._medium, [("sent", self._sent), *self._path.counts(), *dropped, *addresses])

    def _begin(self, path: MediaPath, target: Address | None, now: float) -> None:
        self._path = path
        self._greeting = path.greeting
        self._latch = self._latch.successor(target)
        self._met = None, None
        self._sent = 0
        self._count_at = now + _COUNT_EVERY_S
        self._next_frame_at = now
        self._patience.begin(now)
        self._events += self._report.begin(path.media)

    def _close_path(self) -> None:
        self._halt()
        if self._path:
            self._result, self.detail = self.result(), self._path.terminal.result().detail
            # A late yes to our T.38 offer begins anew; what had gone out in audio went out, and may be on paper.
            self._sent_before = self._result.pages_sent
            self._pages_before = {page.page: page for page in self._result.pages}
            self._path.close()
            self._path = None

    def _send(self, datagrams: list[bytes]) -> None:
        target = self._latch.target
        if target:
            self._sent += len(datagrams)
            self._outbox += [(datagram, target) for datagram in datagrams]

    def _send_report(self, path: MediaPath, now: float) -> None:
        report, target = path.report(now), self._latch.target
        if not report or not target:
            return
        # RFC 3550 11: one port above the media, unless the far end has named another one beside its address.
        port = target[1] + 1
        if target == self._latch.said and path.report_port is not None:
            port = path.report_port
        if port <= _HIGHEST_PORT:
            self._outbox.append((report, (target[0], port)))

    def _note_events(self, now: float) -> None:
        for event in self._path.terminal.take_events() if self._path else ():
            self._events += self._report.tell(event)
            match event:
                case t30.Frame(direction, name, data):
                    self._trace.frame(now, _WAYS[direction], name, words_of_frame(data))
                case t30.Parameters(bit_rate=bit_rate, coding=coding):
                    self._patience.agree(bit_rate, coding)
                case t30.PageConfirmed():
                    self._patience.confirm_page(now)
                case t30.Finished(code, name):
                    self._finished_at = now
                    self._trace.note(now, f"T.30 is over: {code} {name}")


def _text_of(address: Address | None) -> str:
    return f"{address[0]}:{address[1]}" if address else "-"
