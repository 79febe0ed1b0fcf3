"""What a terminal tells, as events of the call: each change once, progress in steps, results in the house's words."""

from mail2fax.engine.embedded.spandsp import events as t30
from mail2fax.engine.embedded.spandsp.terminal import TerminalResult
from mail2fax.model.call import CallEvent, FaxResult, Media, Negotiated, PageConfirmed, PageProgress

_STEP_PERCENT = 5


class Report:
    """Follows one call from the first medium to the last page."""

    def __init__(self) -> None:
        self.media = Media.NONE
        self.page_data_flows = False
        """The far end of the present terminal said CFR, or we did: pages are on the way, or were."""
        self._negotiated: Negotiated | None = None
        self._next_percent = 0
        self._page = 0

    def begin(self, media: Media) -> list[CallEvent]:
        """A fresh terminal speaks over `media`: what an earlier one had agreed on no longer counts."""
        self.page_data_flows = False
        self._page = 0
        return self._negotiate(Negotiated(media))

    def fall_back(self) -> list[CallEvent]:
        """T.38 was refused, and the audio goes on with all it has agreed on."""
        now = self._negotiated or Negotiated(Media.G711_FALLBACK)
        return self._negotiate(
            Negotiated(Media.G711_FALLBACK, now.bit_rate, now.ecm, now.coding, now.resolution, now.far_id)
        )

    def tell(self, event: t30.TerminalEvent) -> list[CallEvent]:
        """What the call's watcher is told of one event of the terminal: often nothing."""
        match event:
            case t30.Parameters(bit_rate, ecm, coding, resolution, far_id):
                return self._negotiate(Negotiated(self.media, bit_rate, ecm, coding, resolution, far_id))
            case t30.PageProgress(page, percent):
                self.page_data_flows = True
                return self._progress(page, percent)
            case t30.PageConfirmed(page, last, repeats, bad_rows):
                return [PageConfirmed(page, last, repeats, bad_rows)]
            case _:
                return []

    def _negotiate(self, negotiated: Negotiated) -> list[CallEvent]:
        self.media = negotiated.media
        if negotiated == self._negotiated:
            return []
        self._negotiated = negotiated
        return [negotiated]

    def _progress(self, page: int, percent: int | None) -> list[CallEvent]:
        if page == self._page and (percent is None or percent < self._next_percent):
            return []
        self._page = page
        # The next whole step, and 100 % itself once.
        self._next_percent = min((percent or 0) // _STEP_PERCENT * _STEP_PERCENT + _STEP_PERCENT, 101)
        return [PageProgress(page, percent)]


def fax_result(result: TerminalResult) -> FaxResult:
    """A terminal's result in the words of the model."""
    return FaxResult(
        fault=result.fault,
        code=result.code if result.code >= 0 else None,
        code_name=result.code_name,
        pages_sent=result.pages_sent,
        pages_confirmed=result.pages_confirmed,
        last_confirmed=result.last_confirmed,
        far_id=result.far_id,
        bit_rate=result.bit_rate,
        ecm=result.ecm,
        pages=result.pages,
        far_machine=result.far_machine,
    )
