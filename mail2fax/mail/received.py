"""Postfix's word that its client has logged in: the Received that it writes on top of each mail.

With `smtpd_sasl_authenticated_header = yes` it says "(Authenticated sender: anna)" there, and "with ESMTPSA". Only the
topmost Received counts: all below it may have come with the mail. Only its structure is trusted: Postfix takes
parentheses out of what clients say of themselves, so a comment is its own.
"""

import itertools
import re
from collections.abc import Iterator

from mail2fax.mail.header import Header

# Postfix folds with white space; a comment may hold comments, none of its own holds an escape.
_PIECE = re.compile(r"[ \t]*(?:(?P<word>[^\s();]+)|(?P<comment>\()|(?P<end>;))")
_LOGGED_IN = frozenset({"esmtpa", "esmtpsa", "utf8smtpa", "utf8smtpsa"})  # RFC 3848, RFC 6531 4.3
_LMTP = frozenset({"lmtp", "lmtps", "lmtpa", "lmtpsa"})
_CLAIM = "Authenticated sender: "


def authenticated_by(header: Header, host: str) -> str | None:
    """The account that the client of the Postfix called `host` has logged in with; None when it says nothing of one.

    What the delivery within that host has put on top of it (LMTP, as Dovecot does) is passed over.
    """
    for value in header.all("received"):
        pieces = list(_pieces(value.decode("utf-8", "replace")))
        if not _is_delivery(pieces, host.lower()):
            return _account(pieces, host.lower())
    return None


def _is_delivery(pieces: list[str], host: str) -> bool:
    """`from HOST by HOST with LMTP id ...`

    Of a line that Postfix wrote for a client, no HELO and no recipient that spells this makes one: its own "by" and
    "with" are there, too.
    """
    words = [piece.lower() for piece in pieces if not piece.startswith("(")]
    if words.count("by") != 1 or words.count("with") != 1:
        return False
    return _after(words, "by") == host and _after(words, "with") in _LMTP


def _account(pieces: list[str], host: str) -> str | None:
    """`from HELO (NAME [ADDRESS]) (...) (Authenticated sender: ACCOUNT) by HOST (Postfix) with ESMTPSA id ...`"""
    # What the client calls itself may hold spaces, and so any words, but no comment.
    opening = next((at for at, piece in enumerate(pieces) if piece.startswith("(")), 0)
    if opening == 0 or pieces[0].lower() != "from":
        return None
    comments = list(itertools.takewhile(lambda piece: piece.startswith("("), pieces[opening:]))
    match [piece.lower() for piece in pieces[opening + len(comments) :]]:
        case ["by", place, agent, "with", protocol, *_] if place == host and agent.startswith("(postfix"):
            claims = [comment[1:-1] for comment in comments if comment[1:].startswith(_CLAIM)]
            return claims[0].removeprefix(_CLAIM) if protocol in _LOGGED_IN and len(claims) == 1 else None
    return None


def _pieces(text: str) -> Iterator[str]:
    """Words and comments up to the date, in order; nothing more from where it is not understood."""
    at = 0
    while found := _PIECE.match(text, at):
        at = found.end()
        if found["end"]:
            return
        if found["word"]:
            yield found["word"]
            continue
        depth, start = 1, at - 1
        while depth and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        if depth:
            return
        yield text[start:at]


def _after(words: list[str], word: str) -> str:
    return "".join(words[words.index(word) + 1 :][:1])
