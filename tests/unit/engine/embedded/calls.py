"""Makes calls for tests: a two-page document, a phone that sends it, a phone that receives it."""

from dataclasses import replace
from pathlib import Path

from mail2fax.engine.embedded.line import LineSettings
from mail2fax.model.call import MediaPolicy
from tests.harness.pump import Alteration, Fate, Parcel, Phone, Pump, answer_order, call_order, prompt, unchanged
from tests.unit.engine.embedded.spandsp.pages import (
    draw_page,
    read_document,
    same_pixels,
    without_header,
    write_document,
)

PAGES = 2
CALLER = "192.0.2.1"
CALLED = "192.0.2.2"


class Calls:
    """The caller sends `document`, the called phone receives into `received`."""

    def __init__(self, folder: Path) -> None:
        self.received = folder / "received.tif"
        self._folder = folder
        self._pumps: list[Pump] = []

    def document(self, pages: int = PAGES, rows: int = 300) -> Path:
        return write_document(
            self._folder / "document.tif", [draw_page(seed, rows, rows // 5) for seed in range(pages)]
        )

    def caller(self, policy: MediaPolicy = MediaPolicy.ACCEPT, offer_after_s: float = 1.0, rows: int = 300) -> Phone:
        order = call_order(self.document(rows=rows), PAGES, policy)
        return Phone(CALLER, order, LineSettings(offer_after_s=offer_after_s))

    def called(self, policy: MediaPolicy = MediaPolicy.ACCEPT, offer_after_s: float = 1.0) -> Phone:
        return Phone(CALLED, answer_order(self.received, policy), LineSettings(offer_after_s=offer_after_s))

    def pump(self, caller: Phone, called: Phone, fate: Fate = prompt, alter: Alteration = unchanged) -> Pump:
        pump = Pump(caller, called, fate, alter)
        self._pumps.append(pump)
        return pump

    def t38(self, fate: Fate = prompt, alter: Alteration = unchanged, rows: int = 300) -> Pump:
        """The usual call: the called side offers T.38 a second after its answer."""
        return self.pump(self.caller(rows=rows), self.called(MediaPolicy.OFFER), fate, alter)

    def audio(self, fate: Fate = prompt, alter: Alteration = unchanged) -> Pump:
        """A call in which nobody speaks of T.38."""
        return self.pump(self.caller(), self.called(), fate, alter)

    def assert_delivered(self, pump: Pump, pages: int = PAGES) -> None:
        """Both ends know it, and what arrived is what was sent, the header line apart."""
        assert pump.caller.end.delivered(pages)
        assert pump.called.end.delivered(pages)
        self.assert_received(pages)

    def assert_received(self, pages: int) -> None:
        sent = read_document(self._folder / "document.tif")[:pages]
        arrived = [without_header(page) for page in read_document(self.received)] if pages else []
        assert [page.size for page in arrived] == [page.size for page in sent]
        assert all(same_pixels(one, other) for one, other in zip(arrived, sent, strict=True))

    def put_away(self) -> None:
        for phone in (phone for pump in self._pumps for phone in pump.phones):
            if phone.line:
                phone.line.close()


def rewrite(pump_source: str, old: bytes, new: bytes) -> Alteration:
    """Something in the middle writes `new` for `old` (of equal length) into what `pump_source` says in SIP."""
    assert len(old) == len(new)

    def alter(parcel: Parcel) -> Parcel:
        if not parcel.is_sip or parcel.source[0] != pump_source:
            return parcel
        return replace(parcel, data=parcel.data.replace(old, new))

    return alter
