"""What a call has told so far, for when it will tell no more."""

from mail2fax.model.call import (
    Answered,
    CallEnded,
    CallEvent,
    CallResult,
    EndedBy,
    FaxFault,
    FaxResult,
    Media,
    Negotiated,
    PageConfirmed,
    PageProgress,
    PageRecord,
    PageState,
)


class CallSoFar:
    """What a call's events have told so far: enough for an honest end when nothing more will come."""

    def __init__(self) -> None:
        self._answered = False
        self._negotiated = Negotiated(Media.NONE)
        self._pages: dict[int, PageRecord] = {}
        self._begun = 0
        """The page of which data flowed last."""
        self._last_confirmed = False

    def note(self, event: CallEvent) -> None:
        match event:
            case Answered():
                self._answered = True
            case Negotiated():
                self._negotiated = event
            case PageProgress(page):
                self._begun = page
            case PageConfirmed(page, last, repeats, bad_rows):
                self._pages[page] = PageRecord(page, PageState.CONFIRMED, repeats, bad_rows)
                self._last_confirmed = last

    def interrupted(self, ended_by: EndedBy, detail: str = "") -> CallEnded:
        """The end of a call that was cut off: pages that were confirmed stay confirmed.

        The page under way counts as sent: nobody can say any more how much of it went out.
        """
        call = CallResult(ended_by, 200 if self._answered else None, detail=detail)
        known = self._negotiated
        fax = FaxResult(
            self._fault(),
            pages_sent=len({*self._pages, self._begun} - {0}),
            pages_confirmed=len(self._pages),
            last_confirmed=self._last_confirmed,
            far_id=known.far_id,
            bit_rate=known.bit_rate,
            ecm=known.ecm,
            pages=tuple(self._pages.values()),
        )
        return CallEnded(call, known.media, fax)

    def _fault(self) -> FaxFault:
        if self._last_confirmed:
            return FaxFault.NONE
        return FaxFault.DROPPED if self._answered else FaxFault.NOT_STARTED
