"""The truth about pages, read from the T.30 frames alone: which went out, which were confirmed."""

from mail2fax.engine.embedded.spandsp.events import (
    Direction,
    Frame,
    PageConfirmed,
    PageProgress,
    Parameters,
    TerminalEvent,
)
from mail2fax.engine.embedded.spandsp.frames import is_final, name_of_frame, read_dcs, read_station_id
from mail2fax.model.call import FaxFault, PageRecord, PageState

_POST_PAGE = frozenset({"MPS", "EOM", "EOP", "EOS", "PRI-MPS", "PRI-EOM", "PRI-EOP"})
_LAST = frozenset({"EOP", "PRI-EOP"})
_YES = frozenset({"MCF", "RTP", "PIP"})
# RTN, PIN: the page is unreadable. PPR: parts of it are missing yet. ERR: it was given up.
_NO = frozenset({"RTN", "PIN", "PPR", "ERR"})
_REFUSED = frozenset({"RTN", "PIN", "ERR"})


class SessionRecord:
    """What the frames of one session have said so far.

    A page is confirmed when MCF, RTP or PIP answers its post-page message: MPS, EOM or EOP, or with ECM the PPS
    that carries one of them (a PPS-NULL ends a block of the page only, T.30 A.4.3).
    """

    def __init__(self, *, sending: bool, start_page: int = 0) -> None:
        self.heard = False
        """A frame of the far end has come in."""
        self.pages_sent = 0
        """Pages that travelled whole, with their post-page message, and were not refused: a page to which the far end
        has said no is not on paper there as it should be, whatever else may be."""
        self.pages_confirmed = 0
        self.last_confirmed = False
        """The latest confirmation answered an EOP."""
        self.rejected = False
        """The far end's latest word about a page was RTN or PIN."""
        self.far_id: str | None = None
        self.parameters: Parameters | None = None
        self._sending = sending
        self._page = start_page + 1
        """The page under way, of the whole document."""
        self._begun: dict[int, PageRecord] = {}
        self._asked: str | None = None
        self._refused_as: str | None = None
        """Receiving: with which post-page message the page came that we have refused, until it is settled."""
        self._retrained = False
        """A DCS has come since."""
        self._percent = 0

    @property
    def pages(self) -> tuple[PageRecord, ...]:
        """What is known of each page that was begun, in order."""
        return tuple(self._begun.values())

    def judge(self, fault: FaxFault) -> FaxFault:
        """The kind of end, where the frames know better than the completion code, whose `fault` is given."""
        if self.last_confirmed:
            return FaxFault.NONE
        if self._sending and self._asked in _LAST:
            return FaxFault.NOT_CONFIRMED
        if fault is FaxFault.NONE:
            # libspandsp ends with OK too when RTN answered the last page: the far end could not read it.
            return FaxFault.TRAINING if self.rejected else FaxFault.PROTOCOL
        if fault is FaxFault.DROPPED and not self.heard:
            return FaxFault.NO_FAX
        return fault

    def add(
        self, direction: Direction, frame: bytes, pages_in_file: int, bad_rows: int | None = None
    ) -> list[TerminalEvent]:
        """Takes one frame and gives what it means.

        `pages_in_file` is what a receiver has written by now, `bad_rows` what it had to guess of the latest page.
        """
        name = name_of_frame(frame)
        told: list[TerminalEvent] = [Frame(direction, name, frame)]
        received = direction is Direction.RECEIVED
        self.heard |= received
        if name in ("CSI", "TSI") and received:
            self.far_id = read_station_id(frame)
        elif name == "DCS" and received is not self._sending:
            told += self._agree(frame)
        elif name == "CFR" and received is self._sending:
            told += self._begin_page()
        elif received is self._sending:
            told += self._answer(name, frame, pages_in_file, None if self._sending else bad_rows)
        else:
            self._ask(name)
        return told

    def progress(self, octets: int, total: int) -> list[TerminalEvent]:
        """Takes the place that ECM has reached in the page being sent: a new percent figure, or nothing."""
        percent = min(100, 100 * octets // total) if total > 0 else 0
        if percent <= self._percent:
            return []
        self._percent = percent
        return [PageProgress(self._page, percent)]

    def _agree(self, frame: bytes) -> list[TerminalEvent]:
        self._retrained = True
        dcs = read_dcs(frame)
        parameters = Parameters(dcs.bit_rate, dcs.ecm, dcs.coding, dcs.resolution, self.far_id)
        if parameters == self.parameters:
            return []
        self.parameters = parameters
        return [parameters]

    def _begin_page(self) -> list[TerminalEvent]:
        self._percent = 0
        self._note(PageState.CUT)
        counted = self._sending and self.parameters is not None and self.parameters.ecm
        return [PageProgress(self._page, 0 if counted else None)]

    def _note(self, state: PageState, *, again: bool = False, bad_rows: int | None = None) -> PageRecord:
        """The page under way is in this state now; `again`: all or part of it was asked for once more."""
        known = self._begun.get(self._page, PageRecord(self._page, state))
        rows = known.bad_rows if bad_rows is None else bad_rows
        record = self._begun[self._page] = PageRecord(self._page, state, known.repeats + again, rows)
        return record

    def _ask(self, name: str) -> None:
        """The sender of the pages spoke."""
        message = name.removeprefix("PPS-")
        if message in _POST_PAGE:
            self._asked = message
            self.pages_sent = max(self.pages_sent, self.pages_confirmed + 1)
            self._note(PageState.UNCONFIRMED)
        elif name.startswith(("PPS-", "EOR")):
            self._asked = None

    def _answer(self, name: str, frame: bytes, pages_in_file: int, bad_rows: int | None) -> list[TerminalEvent]:
        """The receiver of the pages spoke."""
        if not is_final(frame):
            return []  # libspandsp does not heed it either, and asks again
        if name in _NO:
            self._refuse(name, bad_rows)
        if name not in _YES or self._asked is None:
            return []
        if self._sending:
            return self._confirm(self._asked, bad_rows)
        if pages_in_file <= self.pages_confirmed:
            return []  # our MCF got lost: we were asked again, and have said it again
        self._skip_refused(self._asked)
        return self._confirm(self._asked, bad_rows)

    def _skip_refused(self, asked: str) -> None:
        """A page has come behind one that we have refused: is it the same again?

        After RTN comes training, and the page once more (T.30 5.3.6.1.7). A machine that heeds no RTN goes on with the
        next page: at once, or, seen in those that only want the slower speed, after training. A page that comes again
        ends with the same message, so at least the last one gives it away. What we refused is in no file then.
        """
        if self._refused_as is not None and not (self._retrained and asked == self._refused_as):
            self._note(PageState.REFUSED)
            self._page += 1
        self._refused_as = None

    def _refuse(self, name: str, bad_rows: int | None) -> None:
        asked, self._asked = self._asked, None
        if not self._sending and name in _REFUSED:
            # After ERR the sender goes on with the next page (T.30 A.4.4.2): no message means the same one again.
            self._refused_as = "" if name == "ERR" else asked or self._refused_as
            self._retrained = False
        self.pages_sent = self.pages_confirmed  # until the page is asked about once more
        self.rejected = name in ("RTN", "PIN")
        self._note(PageState.REFUSED if name in _REFUSED else PageState.CUT, again=name != "ERR", bad_rows=bad_rows)
        # T.30 5.3.6.1.7: after EOM both go back to phase B; libspandsp then goes on with the page behind this one, and
        # repeats this one after MPS and EOP.
        if self.rejected and asked is not None and asked.endswith("EOM"):
            self._page += 1
            self._refused_as = None

    def _confirm(self, asked: str, bad_rows: int | None) -> list[TerminalEvent]:
        self._asked = None
        self.rejected = False
        self.pages_confirmed += 1
        self.last_confirmed = asked in _LAST
        record = self._note(PageState.CONFIRMED, bad_rows=bad_rows)
        confirmed = PageConfirmed(self._page, self.last_confirmed, record.repeats, record.bad_rows)
        self._page += 1
        # After EOM both go back to phase B, and the next page begins with its CFR.
        return [confirmed, *self._begin_page()] if asked.endswith("MPS") else [confirmed]
