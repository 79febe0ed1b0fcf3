"""The fax of one call by itself, without SIP."""

from pathlib import Path
from random import Random

from mail2fax.engine.embedded.fax import Fax
from mail2fax.engine.embedded.media import FRAME_S, G711
from mail2fax.engine.embedded.rtp.packet import PCMA
from mail2fax.engine.embedded.spandsp.task import Law, ReceiveTask, SendTask
from mail2fax.engine.embedded.spandsp.udptl import Protection, UdptlSender
from mail2fax.engine.embedded.t38.offer import T38Parameters
from mail2fax.engine.embedded.trace import CallTrace
from tests.unit.engine.embedded.spandsp.pages import draw_page, write_document

OURS, THEIRS = ("192.0.2.1", 40_000), ("192.0.2.2", 40_000)


def test_a_page_that_went_out_in_audio_is_not_forgotten_when_t38_begins_late(tmp_path: Path) -> None:
    """A far end may say yes to T.38 when the last page is out already: then it may be on paper."""
    document = write_document(tmp_path / "document.tif", [draw_page(1, 200, 40)])
    chance = Random(1)  # noqa: S311 - a test that can be repeated, not a secret
    sender = Fax(SendTask(str(document), "", "", "UTC0"), chance, CallTrace(0.0), calling=True)
    receiver = Fax(ReceiveTask(str(tmp_path / "received.tif"), ""), chance, CallTrace(0.0), calling=False)
    sender.begin_audio(THEIRS, G711(Law.A, PCMA), 0.0)
    receiver.begin_audio(OURS, G711(Law.A, PCMA), 0.0)
    now = 0.0
    while not sender.result().pages_sent:
        now += FRAME_S
        assert now < 120
        for fax, other, source in ((sender, receiver, OURS), (receiver, sender, THEIRS)):
            fax.run(now)
            for datagram, _ in fax.take_datagrams():
                other.receive(datagram, source, now)
    assert sender.result().pages_confirmed == 0
    sender.begin_t38(THEIRS, T38Parameters(), T38Parameters(), now)
    assert sender.result().pages_sent == 1
    sender.stop(now)
    assert sender.result().pages_sent == 1
    receiver.close()


def test_t38_that_moves_elsewhere_may_be_counted_anew_there(tmp_path: Path) -> None:
    """Another gateway takes over: its first fifty packets must not count as late ones of the old."""
    fax = Fax(ReceiveTask(str(tmp_path / "received.tif"), ""), Random(1), CallTrace(0.0), calling=False)  # noqa: S311
    fax.begin_t38(THEIRS, T38Parameters(), T38Parameters(), 0.0)
    moved = ("192.0.2.3", 40_000)
    for source, count in ((THEIRS, 30), (moved, 5)):
        fax.move_to(source)
        sender = UdptlSender(Protection.NONE, max_datagram=400)
        for _ in range(count):
            fax.receive(sender.wrap(b"\xc0\x01\x80\x00\x00\xff"), source, 1.0)
    assert fax.overdue(20.9) == ""
    fax.receive(sender.wrap(b"\x00"), moved, 25.0)
    assert fax.overdue(44.9) == ""
    assert fax.overdue(45.1) != ""
    fax.close()
