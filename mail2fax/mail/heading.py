"""The heading of a mail: what its header says about the order (subject) and about the answer (thread, automatic)."""

import re
from dataclasses import dataclass

from mail2fax.mail.header import Header
from mail2fax.mail.words import decode_words
from mail2fax.model.mail import Address
from mail2fax.model.mark import JOB_FIELD, is_own_message_id

MAX_REFERENCES = 10
MAX_RECEIVED = 50

_MAX_MESSAGE_ID = 250
# Wider than RFC 5322 3.6.4: Exchange writes `<[...]@host>`. It goes into a reply's header: no space, no control.
_MESSAGE_ID = re.compile(rb"<[!-;=?-~]+@[!-;=?-~]+>")
_BULK = frozenset({b"bulk", b"junk", b"list"})
_SUPPRESSED = frozenset({b"all", b"autoreply"})


@dataclass(frozen=True, slots=True)
class Heading:
    """Who orders what: `sender` strictly parsed, `subject` decoded and free of control characters ("" without one).

    `message_id` and `references` are msg-ids with their angle brackets, fit for a reply's header; one that is
    malformed is left out. `automatic` is True when no reply may be sent.
    """

    sender: Address
    subject: str
    message_id: str | None
    references: tuple[str, ...]
    automatic: bool


def read_heading(header: Header, sender: Address, mail_from: str) -> Heading:
    """The heading of the mail with `header`, from `sender`; `mail_from` is the envelope sender ("" or "<>" is null)."""
    return Heading(
        sender=sender,
        subject=decode_words(header.only("subject") or b""),
        message_id=_message_id(header.only("message-id")),
        references=_references(header),
        automatic=_is_automatic(header, mail_from),
    )


def is_our_own(header: Header, hostname: str) -> bool:
    """Whether a gateway of our kind wrote this mail: such a mail is news of a fax, and never an order for one.

    Either mark is enough, should a server on the way take the other. `hostname` is what we call ourselves.
    """
    own_id = _message_id(header.only("message-id"))
    return JOB_FIELD.lower() in header or (own_id is not None and is_own_message_id(own_id, hostname))


def _message_id(value: bytes | None) -> str | None:
    if value is None or len(value) > _MAX_MESSAGE_ID or not _MESSAGE_ID.fullmatch(value):
        return None
    return value.decode("ascii")


def _references(header: Header) -> tuple[str, ...]:
    """RFC 5322 3.6.4: the parent's References, or its In-Reply-To when that is one msg-id."""
    value = header.only("references")
    if value is None:
        parent = _message_id(header.only("in-reply-to"))
        return (parent,) if parent else ()
    ids = [found for token in value.split() if (found := _message_id(token))]
    return tuple(ids[-MAX_REFERENCES:])


def _is_automatic(header: Header, mail_from: str) -> bool:
    """RFC 3834 2: whether a program wrote this mail, so that a reply would reach nobody, or start a loop."""
    return (
        mail_from in ("", "<>")
        or b"<>" in header.all("return-path")
        or any(_first_word(value) != b"no" for value in header.all("auto-submitted"))
        or any(_first_word(value) in _BULK for value in header.all("precedence"))
        or any(_SUPPRESSED & set(_words(value)) for value in header.all("x-auto-response-suppress"))
        or any(name.startswith("list-") for name, _ in header.fields)
        or len(header.all("received")) > MAX_RECEIVED
    )


def _words(value: bytes) -> list[bytes]:
    return re.findall(rb"[a-z-]+", value.lower())


def _first_word(value: bytes) -> bytes:
    return next(iter(_words(value)), b"")
