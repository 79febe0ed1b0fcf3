"""For which address a mail in a mailbox came: by the header that was named, or none at all."""

import pytest

from mail2fax.ingest.addressee import addressee
from mail2fax.mail.header import Header, read_header
from mail2fax.model.refusal import Refusal, RefusalCode

OURS, NUMBER = "fax@example.com", "+375291554499@example.com"


def header(text: str) -> Header:
    read = read_header(text.encode())
    assert isinstance(read, Header)
    return read


@pytest.mark.parametrize(
    ("name", "text", "address"),
    [
        ("", "To: FAX=+375291554499@example.com", OURS),
        ("to", "To: FAX=+375291554499/T33S=12@example.com", "fax=+375291554499/t33s=12@example.com"),
        ("to", "To: Minsk <fax+375291554499@example.com>, anna@example.org", "fax+375291554499@example.com"),
        ("to", "To: anna@example.org\nCc: +375291554499@EXAMPLE.com", "+375291554499@example.com"),
        ("to", 'To: "+375291554499@example.com" <+375291554499@example.com>', "+375291554499@example.com"),
        ("to", "To: fax@example.com", OURS),
        ("to", 'To: "FAX=+375291554499/T33S=12"@example.com', "fax=+375291554499/t33s=12@example.com"),
        ("to", "To: fax@example.com (FAX=+375291554499@example.com)", OURS),
        ("to", 'To: "Fax Minsk, +375291554499@example.com " <fax@example.com>', OURS),
        ("to", "To: =?utf-8?q?FAX=3D+375291554499@example.com?= <fax@example.com>", OURS),
        ("to", "To: FAX=+375291554499@example.com <fax@example.com>", OURS),
        ("to", "Subject: no addressee at all", OURS),
        ("to", "To: FAX=+375291554499@elsewhere.example, other+375291554499@example.com", OURS),
        ("to", "Delivered-To: +375291554499@example.com", OURS),
        ("delivered-to", "Delivered-To: +375291554499@example.com\nTo: +375172001500@example.com", NUMBER),
    ],
)
def test_a_number_is_taken_from_the_header_that_was_named(name: str, text: str, address: str) -> None:
    assert addressee(header(text), name, OURS) == address


def test_of_a_header_that_servers_write_the_topmost_counts() -> None:
    """Trap: a sender writes Delivered-To, too; his stands below the one that our server adds."""
    text = "Delivered-To: fax@example.com\nDelivered-To: +375291554499@example.com"
    assert addressee(header(text), "delivered-to", OURS) == OURS


def test_several_numbers_are_a_refusal_that_names_them() -> None:
    text = "To: FAX=+375291554499@example.com\nCc: FAX=+375172001500/T33S=3@example.com"
    assert addressee(header(text), "to", OURS) == Refusal(
        RefusalCode.ADDRESS_SEVERAL, {"numbers": "+375172001500/T33S=3, +375291554499"}
    )


def test_one_number_in_two_spellings_is_one() -> None:
    text = "To: FAX=+375291554499@example.com, fax+375-29-155-44-99@example.com"
    found = addressee(header(text), "to", OURS)
    assert isinstance(found, str)


def test_a_mail_whose_header_cannot_be_read_came_for_the_mailbox() -> None:
    assert addressee(None, "to", OURS) == OURS
