"""The way from a mail to its parts, with its real process: what comes out, what it may cost, and whom it believes."""

import asyncio
import io
import resource
import tempfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image

from mail2fax.admission.attachment import Found, Wanted, find_attachment
from mail2fax.document.limits import RenderLimits
from mail2fax.document.sandbox import Renderer
from mail2fax.document.unpack import MISREAD, Unpacker, UnpackingUnavailable
from mail2fax.mail.mime import Part, read_parts
from mail2fax.mail.problem import Problem
from mail2fax.model.document import Document, Kind
from tests.integration.document import mail_liar

MAILS = Path(__file__).parents[3] / "fixtures" / "mails"

Unpacked = tuple[tuple[Part, ...] | Problem, bytes]


async def unpacked(mail: bytes, unpacker: Unpacker | None = None) -> Unpacked:
    """What the mail is taken apart into, and the TIFF that was in it."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as tiff:
        source.write(mail)
        source.seek(0)
        parts = await (unpacker or Unpacker()).unpack(source, tiff)
        tiff.seek(0)
        return parts, tiff.read()


@pytest.mark.parametrize("mail", sorted(MAILS.glob("*.eml")), ids=lambda path: path.stem)
async def test_the_process_tells_of_each_part_what_the_reader_finds_and_gives_the_tiffs(mail: Path) -> None:
    raw = await asyncio.to_thread(mail.read_bytes)
    parts, tiff = await unpacked(raw)
    expected = read_parts(raw)
    if isinstance(expected, Problem):
        assert parts == expected
        return
    assert not isinstance(parts, Problem)
    assert [_facts(part) for part in parts] == [_facts(part) for part in expected]
    assert tiff == b"".join(part.content for part in expected if part.content[:4] in (b"II*\0", b"MM\0*"))


def _facts(part: Part) -> tuple[str, str, str, bool, bytes, str]:
    return part.content_type, part.name, part.disposition, part.related, part.content[:8], part.damage


async def test_by_option_files_of_several_kinds_become_one_document_in_their_order(tmp_path: Path) -> None:
    """From the mail to the pages: what is kept, what is chosen, what is read. The logo in the text is not faxed."""
    kinds = (Kind.PNG, Kind.TIFF, Kind.JPEG)
    limits = RenderLimits(accept=kinds)
    mail = EmailMessage()
    mail["Subject"] = "+375 17 200 15 00"
    mail.set_content("see attached")
    rows = {"a.png": 100, "logo.jpg": 50, "b.tif": 200, "c.jpg": 300}
    for name, height in rows.items():
        file = io.BytesIO()
        form = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}[name[-3:]]
        Image.new("L", (1728, height), 255).save(file, form, dpi=(204, 196))
        disposition = "inline" if name == "logo.jpg" else "attachment"
        mail.add_attachment(file.getvalue(), "image", form.lower(), filename=name, disposition=disposition)
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as files:
        source.write(mail.as_bytes())
        source.seek(0)
        parts = await Unpacker(limits).unpack(source, files)
        assert not isinstance(parts, Problem)
        found = find_attachment(parts, Wanted(frozenset(kinds), several=True))
        assert isinstance(found, Found)
        document = await Renderer(limits).render(files, found.name, tmp_path / "fax.tif", found.pieces)
    assert found.name == "a.png, b.tif, c.jpg"
    assert isinstance(document, Document)
    assert [page.rows for page in document.pages] == [100, 200, 300]


def nested(depth: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(depth))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nested forty deep": (lambda: nested(40), "its parts are nested too deeply"),
    "nested a hundred thousand deep": (lambda: nested(100_000), "it has too many parts"),
    "five million parts": (
        lambda: b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 5_000_000,
        "it has too many lines",
    ),
    "parts without end in few lines": (
        lambda: b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 400_000,
        "it has too many parts",
    ),
    "thirty megabytes of line ends": (lambda: b"Subject: x\n\n" + b"\r" * 30_000_000, "it has too many lines"),
    "a header of thirty megabytes": (lambda: b"Subject: x\n" + b" x" * 15_000_000, "its header is too long"),
    "a part with a header of a megabyte": (
        lambda: b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" + b"A: b\n" * 200_000 + b"\nx\n--x--\n",
        "the headers of its parts are too long",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_mail_is_refused_in_bounded_time_and_memory(kind: str) -> None:
    """Trap: Python's parser nests without end, and makes objects of each part before anybody can count them."""
    mail, words = HOSTILE[kind]
    async with asyncio.timeout(20):
        parts, tiff = await unpacked(mail())
    assert (parts, tiff) == (Problem(words), b"")
    largest_child_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert largest_child_kb < 1024 * 1024


async def test_a_mail_that_takes_too_long_is_refused() -> None:
    long = b"Content-Type: image/tiff\nContent-Transfer-Encoding: base64\n\n" + b"SUkq\n" * 900_000
    assert await unpacked(long, Unpacker(RenderLimits(page_seconds=0.02))) == (MISREAD, b"")


async def test_a_mail_is_tried_twice_before_it_is_given_up(tmp_path: Path) -> None:
    """Trap: a machine that is short of memory for a moment must not make an attack of an ordinary mail."""
    marker = tmp_path / "tried"
    parts, tiff = await unpacked(f"once {marker}".encode(), Unpacker(worker=mail_liar.__name__))
    assert not isinstance(parts, Problem)
    assert [part.content_type for part in parts] == ["text/plain"]
    assert tiff == b"the second time"


async def test_winmail_dat_and_forwarded_mails_are_opened_where_that_is_wanted() -> None:
    raw = await asyncio.to_thread((MAILS / "forwarded.eml").read_bytes)
    parts, tiff = await unpacked(raw, Unpacker(RenderLimits(open_forwarded=True, open_winmail=True)))
    assert not isinstance(parts, Problem)
    assert [part.wrapping for part in parts] == [""] * len(parts)
    assert tiff.startswith(b"II*\0")


async def test_a_process_that_does_not_come_to_an_end_is_ended() -> None:
    unpacker = Unpacker(RenderLimits(document_seconds=0.3), worker=mail_liar.__name__)
    assert await unpacked(b"sleeping", unpacker) == (MISREAD, b"")


@pytest.mark.parametrize(
    "lie",
    [
        "rubbish",
        "endless",
        "deep",
        "crash",
        "killed",
        "no parts",
        "unknown field",
        "no bytes",
        "endless size",
        "too many",
    ],
)
async def test_a_process_that_lies_or_dies_gets_its_mail_refused(lie: str) -> None:
    assert (await unpacked(lie.encode(), Unpacker(worker=mail_liar.__name__)))[0] == MISREAD


async def test_what_a_process_tells_is_cut_and_cleaned() -> None:
    parts, _ = await unpacked(b"dirty", Unpacker(worker=mail_liar.__name__))
    assert parts == (Part("text/x ", "n" * 200, " [2J", related=False, content=b"II", damage=""),)


@pytest.mark.parametrize("fault", ["silent", "full disk"])
async def test_a_fault_of_ours_is_no_problem_of_the_mail(fault: str) -> None:
    with pytest.raises(UnpackingUnavailable):
        await unpacked(fault.encode(), Unpacker(worker=mail_liar.__name__))


async def test_a_process_that_cannot_start_is_a_fault_of_ours() -> None:
    with pytest.raises(UnpackingUnavailable):
        await unpacked(b"Subject: x\n\n", Unpacker(worker="mail2fax.no_such_module"))
