"""Writes the mail that brings an incoming fax to its reader: who, how many pages, how good, and the fax itself.

The same row always gives the same mail, Message-ID and all: one that is sent twice is shown once (RFC 5322 3.6.4).
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from zoneinfo import ZoneInfo

from mail2fax.model.incoming import FaxFormat, Heard, IncomingFax, IncomingMail, IncomingState
from mail2fax.model.mark import JOB_FIELD
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.words.received import RECEIVED, ReceivedWords

_CONTENT_TYPES = {FaxFormat.PDF: "application/pdf", FaxFormat.TIFF: "image/tiff"}
_LONGEST = 60
"""Characters of what a far end calls itself."""


def compose_received(mail: IncomingMail, letterhead: Letterhead, attached: Mapping[FaxFormat, bytes]) -> EmailMessage:
    """The mail for a fax that is over, with the pages that have come; none attached: they are too many for a mail, or
    there are none."""
    words, fax = RECEIVED[letterhead.language], mail.fax
    time = _moment(fax.started_at, letterhead.zone)
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = letterhead.sender, mail.to
    message["Subject"] = _subject(fax, words).format(who=_who(fax, words), pages=fax.pages, time=time)
    message["Date"] = (fax.ended_at or fax.started_at).astimezone(letterhead.zone)
    message["Message-ID"] = mail.message_id
    # RFC 3834 5.1, and our own mark: no program shall answer this mail, and no gateway take it for an order.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message[JOB_FIELD] = "0"
    rows = [f"{label + ':':<{_width(words)}} {value}" for label, value in _rows(fax, words, time)]
    text = "\n".join([*_opening(fax, words, attached=bool(attached)), "", *rows]) + "\n"
    message.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
    message["Content-Language"] = letterhead.language.value
    for kind, content in attached.items():
        maintype, subtype = _CONTENT_TYPES[kind].split("/")
        name = f"{file_stem(fax, letterhead.zone)}.{kind}"
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    if attached:
        message.set_boundary("=_" + hashlib.sha256(mail.message_id.encode()).hexdigest()[:32])
    return message


def file_stem(fax: IncomingFax, zone: ZoneInfo) -> str:
    """What the attachments are called: when, and from which number."""
    digits = "".join(character for character in fax.caller if character.isascii() and character.isdigit())
    return "-".join(filter(None, ["fax", f"{fax.started_at.astimezone(zone):%Y%m%d-%H%M%S}", digits[:20]]))


def _unreadable(fax: IncomingFax) -> str:
    """The pages that we have confirmed, and that nobody can read any more: `3-5`."""
    first, last = fax.pages + 1, fax.heard.confirmed
    return str(last) if first == last else f"{first}-{last}" if first < last else ""


def _subject(fax: IncomingFax, words: ReceivedWords) -> str:
    if not fax.pages:
        return words.subject_unreadable
    return words.subject if fax.state is IncomingState.COMPLETE else words.subject_partial


def _opening(fax: IncomingFax, words: ReceivedWords, *, attached: bool) -> list[str]:
    which = _unreadable(fax)
    if which or not fax.pages:
        opening = words.unreadable.format(which=which) if which else _not_whole(fax.heard, words)
        return [opening, *([words.as_it_is] if attached else [])]
    opening = words.opening if fax.state is IncomingState.COMPLETE else _not_whole(fax.heard, words)
    return [opening, *([] if attached else [words.too_large.format(fax=fax.id)])]


def _not_whole(heard: Heard, words: ReceivedWords) -> str:
    """What is known of why pages are missing that we have never confirmed."""
    if not heard.missing:
        return words.opening_partial
    opening = words.opening_missing if heard.last_confirmed else words.opening_cut
    return opening.format(which=", ".join(map(str, heard.missing)))


def _rows(fax: IncomingFax, words: ReceivedWords, time: str) -> list[tuple[str, str]]:
    heard = fax.heard
    rows = [(words.caller, _printable(fax.caller) or words.unknown)]
    if heard.far_id:
        rows.append((words.sender, _printable(heard.far_id)))
    rows += [(words.called, _printable(fax.called) or words.unknown), (words.pages, str(fax.pages))]
    if heard.bit_rate:
        quality = words.with_correction if heard.ecm else words.without_correction
        dots = words.resolutions.get(heard.resolution) or words.dots.format(dots=heard.resolution)
        told = [*([dots] if heard.resolution else []), quality.format(rate=heard.bit_rate)]
        if heard.bad_rows:
            told.append(words.bad_rows.format(rows=heard.bad_rows))
        rows.append((words.quality, ", ".join(told)))
    return [*rows, (words.time, time)]


def _who(fax: IncomingFax, words: ReceivedWords) -> str:
    """The caller, and in brackets what its machine calls itself."""
    caller = _printable(fax.caller) or words.unknown
    return f"{caller} ({_printable(fax.heard.far_id)})" if fax.heard.far_id else caller


def _width(words: ReceivedWords) -> int:
    return 1 + max(map(len, (words.caller, words.sender, words.called, words.pages, words.quality, words.time)))


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {'UTC' if zone.key == UTC.tzname(None) else local.strftime('%z')}"


def _printable(text: str) -> str:
    """A stranger's text, as it may stand in a header: on one line, and not for ever."""
    shown = text.encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else " " for character in shown)[:_LONGEST].strip()
