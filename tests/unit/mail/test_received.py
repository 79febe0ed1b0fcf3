"""Postfix's Received says that its client has logged in: only the topmost, and only Postfix's own words."""

import pytest

from mail2fax.mail.header import Header, read_header
from mail2fax.mail.received import authenticated_by

HOST = "mail.example.com"
LOGGED_IN = """\
Received: from [192.0.2.7] (pc7.example.com [192.0.2.7])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)
\t(No client certificate requested)
\t(Authenticated sender: anna)
\tby mail.example.com (Postfix) with ESMTPSA id 4C5A61E003B
\tfor <fax@example.com>; Mon,  2 Mar 2026 10:00:00 +0300 (MSK)
"""
FOREIGN = """\
Received: from {helo} (evil.example [203.0.113.9])
\tby mail.example.com (Postfix) with ESMTP id 4C5A61E003C
\tfor <fax@example.com>; Mon,  2 Mar 2026 10:00:00 +0300 (MSK)
"""
LMTP = """\
Received: from mail.example.com ([127.0.0.1])
\tby mail.example.com with LMTP
\tid qBkXLkVQpWW9PQAAxxxxxx
\t(envelope-from <anna@example.com>)
\tfor <fax@example.com>; Mon, 02 Mar 2026 10:00:00 +0300
"""


def header(text: str) -> Header:
    read = read_header(text.replace("\n", "\r\n").encode())
    assert isinstance(read, Header)
    return read


@pytest.mark.parametrize("text", [LOGGED_IN, LMTP + LOGGED_IN, LMTP + LMTP + LOGGED_IN])
def test_a_client_that_has_logged_in_is_known_also_through_lmtp(text: str) -> None:
    assert authenticated_by(header(text), HOST) == "anna"
    assert authenticated_by(header(text), "Mail.Example.com") == "anna"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("From: a@example.com\n", "there is none"),
        (LOGGED_IN.replace("\t(Authenticated sender: anna)\n", ""), "it names nobody"),
        (LOGGED_IN.replace("ESMTPSA", "ESMTPS"), "the protocol denies it"),
        (LOGGED_IN.replace("by mail.example.com", "by mail.example.org"), "another server wrote it"),
        (LOGGED_IN.replace("(Postfix)", "(Other)"), "another program wrote it"),
        (
            LOGGED_IN.replace("(Authenticated sender: anna)", "(Authenticated sender: anna) (Authenticated sender: b)"),
            "two",
        ),
        (FOREIGN.format(helo="evil.example") + LOGGED_IN, "a forged one below the server's own"),
        (LMTP + FOREIGN.format(helo="evil.example") + LOGGED_IN, "the same behind LMTP"),
        (LMTP.replace("by mail.example.com", "by mail.example.org") + LOGGED_IN, "another host's delivery"),
    ],
)
def test_nothing_else_is_believed(text: str, why: str) -> None:
    assert authenticated_by(header(text), HOST) is None, why


@pytest.mark.parametrize(
    "helo",
    [
        "x by mail.example.com ?Postfix? with ESMTPSA id 1",
        "x by mail.example.com with LMTP id 1",
        "mail.example.com by mail.example.com with LMTP id 1",
        "?Authenticated sender? anna",
        "x by",
        "with lmtp by mail.example.com",
    ],
)
def test_a_client_cannot_talk_itself_in_by_what_it_calls_itself(helo: str) -> None:
    """Trap: Postfix lets HELO hold spaces, and writes a question mark only for parentheses and the like."""
    assert authenticated_by(header(FOREIGN.format(helo=helo) + LOGGED_IN), HOST) is None


def test_nor_by_a_recipient_that_spells_a_delivery() -> None:
    line = FOREIGN.format(helo="x").replace("<fax@example.com>", '<"a by mail.example.com with lmtp b"@example.com>')
    assert authenticated_by(header(line + LOGGED_IN), HOST) is None


@pytest.mark.parametrize(
    "value", ["", "(", "from (", "from x (((", "from x (a) by", "; by x with", "from " + "(" * 9000]
)
def test_a_broken_line_says_nothing(value: str) -> None:
    assert authenticated_by(Header((("received", value.encode()),)), HOST) is None
