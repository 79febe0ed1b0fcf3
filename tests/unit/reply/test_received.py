"""The mail that brings an incoming fax."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from zoneinfo import ZoneInfo

import pytest

from mail2fax.model.call import Media
from mail2fax.model.incoming import FaxFormat, Heard, IncomingFax, IncomingMail, IncomingState
from mail2fax.model.mark import is_own_message_id, message_id
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.received import compose_received
from mail2fax.reply.words import Language
from mail2fax.reply.words.received import RECEIVED

FAX = IncomingFax(
    id=7,
    uuid="940fbbf2-0176-41d6-990b-005056011d6c",
    state=IncomingState.COMPLETE,
    domain="default",
    terminal="default",
    trunk="provider",
    call_id="x",
    caller="+375293334455",
    called="375172001500",
    file="0123.tiff",
    started_at=datetime(2026, 3, 2, 10, 15, 7, tzinfo=UTC),
    ended_at=datetime(2026, 3, 2, 10, 16, tzinfo=UTC),
    pages=2,
    heard=Heard(2, True, "+375 29 333 44 55", bit_rate=14_400, ecm=True, media=Media.T38, resolution="204x196"),
)
MAIL = IncomingMail(FAX, "reader@example.com", message_id(0, FAX.uuid, "fax.example.com"), 0)
ENGLISH = Letterhead("fax@example.com", ZoneInfo("Europe/Minsk"))
TIFF, PDF = b"II*\0 a fax", b"%PDF a fax"
ATTACHED = {FaxFormat.PDF: PDF, FaxFormat.TIFF: TIFF}


def written(mail: IncomingMail, letterhead: Letterhead = ENGLISH) -> EmailMessage:
    message = message_from_bytes(compose_received(mail, letterhead, ATTACHED).as_bytes(policy=SMTP), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def written_raw() -> bytes:
    return compose_received(MAIL, ENGLISH, ATTACHED).as_bytes(policy=SMTP)


def test_it_says_who_called_how_many_pages_came_and_when_and_has_pdf_and_tiff() -> None:
    message = written(MAIL)
    assert message["Subject"] == "[Fax] from +375293334455 (+375 29 333 44 55), pages: 2, 2026-03-02 13:15 +0300"
    assert (message["From"], message["To"]) == ("fax@example.com", "reader@example.com")
    body = message.get_body()
    assert body
    text = body.get_content()
    for fact in (
        "Caller:",
        "+375293334455",
        "+375 29 333 44 55",
        "375172001500",
        "fine, 14400 bit/s with error correction",
    ):
        assert fact in text
    pdf, tiff = message.iter_attachments()
    assert (pdf.get_content_type(), tiff.get_content_type()) == ("application/pdf", "image/tiff")
    assert pdf.get_filename() == "fax-20260302-131507-375293334455.pdf"
    assert tiff.get_filename() == "fax-20260302-131507-375293334455.tiff"
    assert (pdf.get_content(), tiff.get_content()) == (PDF, TIFF)


@pytest.mark.parametrize("language", Language)
def test_a_fax_that_is_too_large_for_a_mail_is_told_with_its_number_alone(language: Language) -> None:
    message = compose_received(MAIL, replace(ENGLISH, language=language), {})
    assert not list(message.iter_attachments())
    assert RECEIVED[language].too_large.format(fax=7) in message.get_content()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("pages", "which"), [(0, "1-3"), (1, "2-3"), (2, "3")])
def test_pages_that_were_confirmed_and_are_not_there_are_named_and_what_to_do(
    language: Language, pages: int, which: str
) -> None:
    """Trap: the far end was told MCF, there is no page, and nobody heard of it."""
    fax = replace(FAX, pages=pages, heard=replace(FAX.heard, confirmed=3), state=IncomingState.PARTIAL)
    message = compose_received(replace(MAIL, fax=fax), replace(ENGLISH, language=language), {})
    words = RECEIVED[language]
    text = message.get_content()
    assert text.startswith(words.unreadable.format(which=which))
    assert words.opening not in text
    assert FAX.caller in text
    marked = words.subject_partial if pages else words.subject_unreadable
    assert message["Subject"].startswith(marked.partition("{")[0])


@pytest.mark.parametrize("language", Language)
def test_a_page_that_was_never_confirmed_and_is_gone_is_not_called_too_large(language: Language) -> None:
    fax = replace(FAX, pages=0, heard=replace(FAX.heard, confirmed=0, last_confirmed=False), state=IncomingState.FAILED)
    text = compose_received(replace(MAIL, fax=fax), replace(ENGLISH, language=language), {}).get_content()
    assert text.splitlines()[:2] == [RECEIVED[language].opening_partial, ""]


def test_a_partial_fax_says_so_first() -> None:
    message = written(replace(MAIL, fax=replace(FAX, state=IncomingState.PARTIAL, pages=1)))
    assert message["Subject"].startswith("[Fax] INCOMPLETE from +375293334455")
    russian = Letterhead("fax@example.com", ZoneInfo("UTC"), Language.RUSSIAN)
    message = written(replace(MAIL, fax=replace(FAX, state=IncomingState.PARTIAL, pages=1)), russian)
    assert message["Subject"].startswith("[Факс] НЕ ПОЛНОСТЬЮ, от +375293334455")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("to_its_end", [True, False])
def test_pages_that_came_damaged_and_did_not_come_again_are_named(language: Language, to_its_end: bool) -> None:
    heard = replace(FAX.heard, last_confirmed=to_its_end, missing=(2, 5))
    fax, words = replace(FAX, state=IncomingState.PARTIAL, heard=heard), RECEIVED[language]
    message = written(replace(MAIL, fax=fax), replace(ENGLISH, language=language))
    body = message.get_body(("plain",))
    assert body
    said = words.opening_missing if to_its_end else words.opening_cut
    assert body.get_content().splitlines()[0] == said.format(which="2, 5")
    assert message["Subject"].startswith(words.subject_partial.partition("{")[0])


@pytest.mark.parametrize("language", Language)
def test_how_fine_it_is_stands_as_on_the_panels_of_fax_machines_or_in_dots(language: Language) -> None:
    assert set(RECEIVED[language].resolutions) == set(RECEIVED[Language.ENGLISH].resolutions)
    for dots, said in (("204x391", RECEIVED[language].resolutions["204x391"]), ("300x300", "300x300"), ("", "")):
        fax = replace(FAX, heard=replace(FAX.heard, resolution=dots))
        text = compose_received(replace(MAIL, fax=fax), replace(ENGLISH, language=language), {}).get_content()
        quality = next(line for line in text.splitlines() if "14400" in line).partition(":")[2].strip()
        assert quality.startswith(said or "14400")


@pytest.mark.parametrize("language", Language)
def test_rows_that_were_guessed_stand_with_the_quality(language: Language) -> None:
    heard = replace(FAX.heard, ecm=False, bad_rows=12)
    message = written(replace(MAIL, fax=replace(FAX, heard=heard)), replace(ENGLISH, language=language))
    body = message.get_body(("plain",))
    assert body
    assert RECEIVED[language].bad_rows.format(rows=12) in body.get_content()


def test_the_same_fax_always_gives_the_same_mail() -> None:
    assert written_raw() == written_raw()


def test_it_bears_the_marks_by_which_no_gateway_takes_it_for_an_order() -> None:
    raw = written_raw()
    assert is_own_message_id(str(written(MAIL)["Message-ID"]), "fax.example.com")
    assert b"\r\nX-Mail2fax-Job: 0\r\n" in raw


@pytest.mark.parametrize("stranger", ["a\r\nBcc: all@example.com", "\x1b[2J", "\udcff" * 200, ""])
def test_what_a_stranger_calls_itself_stays_on_its_line(stranger: str) -> None:
    heard = replace(FAX.heard, far_id=stranger)
    message = written(replace(MAIL, fax=replace(FAX, caller=stranger, heard=heard)))
    assert message["Bcc"] is None
    assert str(message["Subject"]).isprintable()
    assert len(str(message["Subject"])) < 250
