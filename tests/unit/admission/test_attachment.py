import dataclasses

import pytest

from mail2fax.admission.attachment import ONE_TIFF, Found, Wanted, find_attachment, naming
from mail2fax.mail.letter import ORDERED
from mail2fax.mail.mime import Part
from mail2fax.model.document import ACCEPTABLE, Kind, Piece, kind_of
from mail2fax.model.refusal import Refusal, RefusalCode

TIFF = b"II*\x00 and so on"


def part(  # the defaults are those of an attached TIFF
    content: bytes = TIFF,
    content_type: str = "image/tiff",
    name: str = "letter.tif",
    disposition: str = "attachment",
    related: bool = False,
    damage: str = "",
) -> Part:
    return Part(content_type, name, disposition, related, content, damage)


TEXT = part(b"hello", "text/plain", "", "")


def found(name: str, *ignored: str) -> Found:
    """The one TIFF, and what is passed over."""
    return Found(name, ignored, (Piece(Kind.TIFF, name),))


def refusal(*parts: Part) -> Refusal:
    answer = find_attachment(parts)
    assert isinstance(answer, Refusal)
    return answer


@pytest.mark.parametrize("magic", [b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"])
@pytest.mark.parametrize("content_type", ["image/tiff", "application/octet-stream", "image/jpeg", "text/plain"])
def test_a_tiff_is_known_by_its_first_bytes_whatever_it_is_called(magic: bytes, content_type: str) -> None:
    tiff = part(magic + b"x", content_type, "x.doc")
    assert find_attachment([TEXT, tiff]) == found("x.doc")


def test_a_tiff_without_a_name_is_called_so() -> None:
    assert find_attachment([part(name="")]) == found("(without a name)")


@pytest.mark.parametrize(
    "content_type",
    [
        "image/tiff",
        "image/tif",
        "image/x-tif",
        "image/x-tiff",
        "image/tiff-fx",
        "application/tiff",
        "application/x-tiff",
    ],
)
def test_what_is_said_to_be_a_tiff_and_is_none_is_broken(content_type: str) -> None:
    answer = refusal(part(b"%PDF-1.4", content_type, "letter"))
    assert answer == Refusal(
        RefusalCode.ATTACHMENT_BROKEN, {"name": "letter", "problem": "its contents are not those of a TIFF"}
    )


@pytest.mark.parametrize("name", ["scan.tif", "SCAN.TIFF", "DOC001.TIF"])
def test_a_name_says_so_too(name: str) -> None:
    assert refusal(part(b"hm", "application/octet-stream", name)).code == RefusalCode.ATTACHMENT_BROKEN
    assert refusal(part(b"hm", "text/plain", name)).code == RefusalCode.ATTACHMENT_BROKEN


def test_an_empty_tiff_is_said_to_be_empty() -> None:
    assert refusal(part(b"")).facts["problem"] == "it is empty"


def test_a_broken_tiff_beside_a_whole_one_is_not_passed_over() -> None:
    assert refusal(part(), part(b"hm", name="second.tif")).facts["name"] == "second.tif"


def test_damaged_coding_is_told_even_of_a_part_that_nobody_called_a_tiff() -> None:
    answer = refusal(part(b"SUkqA", "application/octet-stream", "", damage="its base64 text is damaged"))
    assert answer.facts == {"name": "(without a name)", "problem": "its base64 text is damaged"}


def test_no_tiff_is_missing() -> None:
    assert refusal().code == RefusalCode.ATTACHMENT_MISSING
    assert refusal(TEXT).code == RefusalCode.ATTACHMENT_MISSING
    assert refusal(part(b"%PDF-1.4", "application/pdf", "a.pdf")).code == RefusalCode.ATTACHMENT_MISSING


def test_two_tiffs_are_several_and_both_are_named() -> None:
    answer = refusal(part(name="a.tif"), part(name="b.tif", disposition="inline"))
    assert answer == Refusal(RefusalCode.ATTACHMENT_SEVERAL, {"names": "a.tif, b.tif"})


@pytest.mark.parametrize(
    "other",
    [
        part(b"%PDF-1.4", "application/pdf", "a.pdf"),
        part(b"%PDF-1.4", "application/pdf", "a.pdf", "inline"),
        part(b"PK", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a.pdf", ""),
        part(b"\xff\xd8", "image/jpeg", "a.pdf", "attachment"),
        part(b"\xff\xd8", "image/jpeg", "a.pdf", ""),
        part(b"notes", "text/plain", "a.pdf", "attachment"),
        part(b"notes", "text/plain", "a.pdf", "inline"),
        part(b"1,2", "text/csv", "a.pdf", ""),
        part(b"", "message/rfc822", "a.pdf", "attachment"),
        part(b"x", "application/octet-stream", "a.pdf", ""),
        part(b"x", "application/ms-tnef", "a.pdf"),
    ],
    ids=lambda other: f"{other.content_type}-{other.disposition}",
)
def test_another_document_beside_the_tiff_is_a_refusal(other: Part) -> None:
    assert refusal(TEXT, part(), other) == Refusal(RefusalCode.ATTACHMENT_FOREIGN, {"names": "a.pdf"})


@pytest.mark.parametrize(
    "other",
    [
        TEXT,
        part(b"<p>", "text/html", "", ""),
        part(b"<p>", "text/html", "", "inline"),
        part(b"\x89PNG", "image/png", "image001.png", "inline"),
        part(b"\x89PNG", "image/png", "image001.png", "attachment", related=True),
        part(b"\x89PNG", "image/png", "image001.png", "", related=True),
        part(b"0", "application/pkcs7-signature", "smime.p7s"),
        part(b"0", "application/octet-stream", "smime.p7s"),
        part(b"-", "application/pgp-signature", "signature.asc"),
        part(b"-", "application/pgp-keys", "key.asc"),
        part(b"BEGIN:VCARD", "text/x-vcard", "anna.vcf"),
        part(b"\x00\x05\x16\x07", "application/applefile", "letter.tif"),
        part(b"\x89PNG\r\n\x1a\n", "application/octet-stream", "image001.png", "inline", related=True),
        part(b"", "text/plain", "ATT00001.txt"),
        part(b"<p>", "text/html", "ATT00002.htm"),
    ],
    ids=lambda other: f"{other.content_type}-{other.name}",
)
def test_what_belongs_to_the_text_is_ignored(other: Part) -> None:
    answer = find_attachment([other, part()])
    assert isinstance(answer, Found)
    assert answer.name == "letter.tif"
    assert answer.ignored == (
        (other.name,) if other.name and not other.name.startswith("ATT") and other.name != "letter.tif" else ()
    )


def test_pictures_and_signatures_that_are_passed_over_are_named_and_bodies_are_not() -> None:
    picture = part(b"\x89PNG", "image/png", "", "inline")
    signature = part(b"0", "application/pkcs7-signature", "smime.p7s")
    answer = find_attachment([TEXT, picture, part(), signature])
    assert answer == found("letter.tif", "(without a name)", "smime.p7s")


def test_by_option_another_document_is_ignored_and_named() -> None:
    pdf = part(b"%PDF-1.4", "application/pdf", "a.pdf")
    assert find_attachment([pdf, part()], Wanted(ignore_others=True)) == found("letter.tif", "a.pdf")


def test_a_second_tiff_and_a_broken_one_are_refused_whatever_is_ignored() -> None:
    for other, code in ((part(), RefusalCode.ATTACHMENT_SEVERAL), (part(b"hm"), RefusalCode.ATTACHMENT_BROKEN)):
        answer = find_attachment([part(), other], Wanted(ignore_others=True))
        assert isinstance(answer, Refusal)
        assert answer.code == code


@pytest.mark.parametrize(
    ("wrapping", "code"),
    [
        ("forwarded", RefusalCode.MAIL_FORWARDED),
        ("winmail", RefusalCode.MAIL_WINMAIL),
        ("signed", RefusalCode.MAIL_SIGNED_OPAQUELY),
        ("encrypted", RefusalCode.MAIL_ENCRYPTED),
    ],
)
def test_a_tiff_that_may_lie_in_a_wrapping_is_told_so_and_not_as_missing(wrapping: str, code: RefusalCode) -> None:
    wrapped = Part("application/x", "x", "attachment", related=False, content=b"x", wrapping=wrapping)
    assert refusal(TEXT, wrapped) == Refusal(code)
    assert refusal(part(), wrapped).code == RefusalCode.ATTACHMENT_FOREIGN


def test_a_tiff_whose_coding_was_damaged_is_refused_though_it_begins_as_one() -> None:
    """Trap: all behind the lost letter is shifted, and a fax machine prints noise."""
    assert refusal(part(damage="its base64 text is damaged")).facts["problem"] == "its base64 text is damaged"


JOINED = Wanted(frozenset(ACCEPTABLE), several=True)


def sized(content: bytes, name: str, size: int, disposition: str = "attachment") -> Part:
    return dataclasses.replace(part(content, "application/octet-stream", name, disposition), size=size)


def test_by_option_several_files_of_several_kinds_are_one_document_in_their_order() -> None:
    parts = [
        TEXT,
        sized(b"%PDF-1.7", "letter.pdf", 500),
        sized(b"II*\x00", "", 70),
        sized(b"\x89PNG\r\n\x1a\n", "logo.png", 30, disposition="inline"),
        sized(b"\xff\xd8\xff\xe0", "photo.jpg", 9),
    ]
    answer = find_attachment(parts, JOINED)
    assert isinstance(answer, Found)
    assert answer.pieces == (
        Piece(Kind.PDF, "letter.pdf", 0, 500),
        Piece(Kind.TIFF, "(without a name)", 500, 70),
        # The picture in the text has been kept of the mail, too, and is passed over.
        Piece(Kind.JPEG, "photo.jpg", 600, 9),
    )
    assert answer.ignored == ("logo.png",)


def test_only_the_kinds_that_are_accepted_are_documents() -> None:
    pdf, png = sized(b"%PDF-1.7", "a.pdf", 5), sized(b"\x89PNG\r\n\x1a\n", "b.png", 5)
    both = find_attachment([pdf, png], Wanted(frozenset({Kind.PDF})))
    assert isinstance(both, Refusal)
    assert both.code is RefusalCode.ATTACHMENT_FOREIGN
    alone = find_attachment([pdf], Wanted(frozenset({Kind.PDF})))
    assert isinstance(alone, Found)
    assert find_attachment([pdf]) == Refusal(RefusalCode.ATTACHMENT_MISSING)


@pytest.mark.parametrize(
    ("content_type", "name"),
    [("application/pdf", "letter"), ("application/octet-stream", "LETTER.PDF"), ("image/jpeg", "scan"), ("", "a.jpeg")],
)
def test_what_is_said_to_be_of_an_accepted_kind_and_is_of_none_is_broken(content_type: str, name: str) -> None:
    wanted = Wanted(frozenset({Kind.JPEG, Kind.PDF, Kind.TIFF}))
    answer = find_attachment([TEXT, part(b"GIF89a", content_type, name)], wanted)
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.facts["problem"]) == (
        RefusalCode.ATTACHMENT_BROKEN,
        "its contents are not those of a TIFF, PDF or JPEG",
    )
    assert refusal(part(b"GIF89a", "application/pdf", "letter.pdf")).code is RefusalCode.ATTACHMENT_MISSING


def test_a_picture_of_the_text_is_not_broken_whatever_it_is_said_to_be() -> None:
    logo = part(b"RIFF....WEBP", "image/png", "logo.png", "inline")
    both = find_attachment([TEXT, logo, part()], Wanted(frozenset({Kind.TIFF, Kind.PNG})))
    assert isinstance(both, Found)
    assert both.ignored == ("logo.png",)


@pytest.mark.parametrize("accepted", [{Kind.TIFF}, {Kind.PDF}, {Kind.TIFF, Kind.PDF, Kind.PNG}])
@pytest.mark.parametrize("content", [TIFF, b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"hello", b""])
def test_what_was_ordered_to_be_faxed_is_the_document_whatever_it_is(accepted: set[Kind], content: bytes) -> None:
    """From the API or the command line: it is never part of a text, and never said to be missing."""
    answer = find_attachment([part(content, ORDERED, "logo.png", "inline")], Wanted(frozenset(accepted)))
    if kind_of(content) in accepted:
        assert isinstance(answer, Found)
    else:
        assert isinstance(answer, Refusal)
        assert answer.code is RefusalCode.ATTACHMENT_BROKEN


def test_a_refusal_says_what_is_taken_unless_that_is_tiffs() -> None:
    missing = Refusal(RefusalCode.ATTACHMENT_MISSING)
    assert naming(missing, ONE_TIFF) is missing
    assert naming(missing, Wanted(frozenset({Kind.PNG, Kind.TIFF, Kind.JPEG}))).facts == {
        "accepted": "TIFF, PNG or JPEG",
        "endings": ".tif, .png, .jpg",
    }
