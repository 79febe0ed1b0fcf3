import pytest

from mail2fax.admission.attachment import find_attachment
from mail2fax.mail.mime import Part
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


def refusal(*parts: Part) -> Refusal:
    answer = find_attachment(parts)
    assert isinstance(answer, Refusal)
    return answer


@pytest.mark.parametrize("magic", [b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"])
@pytest.mark.parametrize("content_type", ["image/tiff", "application/octet-stream", "image/jpeg", "text/plain"])
def test_a_tiff_is_known_by_its_first_bytes_whatever_it_is_called(magic: bytes, content_type: str) -> None:
    tiff = part(magic + b"x", content_type, "x.doc")
    assert find_attachment([TEXT, tiff]) == "x.doc"


def test_a_tiff_without_a_name_is_called_so() -> None:
    assert find_attachment([part(name="")]) == "(without a name)"


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
        part(b"", "text/plain", "ATT00001.txt"),
        part(b"<p>", "text/html", "ATT00002.htm"),
    ],
    ids=lambda other: f"{other.content_type}-{other.name}",
)
def test_what_belongs_to_the_text_is_ignored(other: Part) -> None:
    assert find_attachment([other, part()]) == "letter.tif"
