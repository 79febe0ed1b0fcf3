"""Writes the status mail of a job from the facts in the database: delivered, or why not and what to do.

The same outbox row always gives the same mail, Message-ID and all, so that a reply sent twice is shown once
(RFC 5322 3.6.4). Headers follow RFC 3834: an automatic reply says so, and goes to the authorised From address, never
to Reply-To.

It lies with the mail that it answers. Thunderbird goes by References; Gmail wants the same subject besides, but for a
"Re:"; Exchange and Outlook go by the topic, which is the subject without such words. So an answer's subject is the
sender's own, and how his fax stands is told in the name it comes from, which a list of mails shows beside the subject.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mail2fax.model.job import Attempt, Job, Reply, ReplyKind
from mail2fax.model.mark import JOB_FIELD
from mail2fax.model.refusal import RefusalCode
from mail2fax.model.wishes import Report
from mail2fax.reply.facts import (
    Row,
    corrections_of,
    news_of,
    rows_before_end,
    rows_of,
    state_of,
    wording_of,
)
from mail2fax.reply.report import make_report
from mail2fax.reply.words import Language, Words, words_in
from mail2fax.reply.words.news import NEWS

_MAX_REFERENCES = 10
_LONGEST_LINE = 998
"""RFC 5322 2.1.1, without the CRLF."""
_QUOTED_SUBJECT = 200
_REPLY = re.compile(r"re ?:", re.IGNORECASE)
# MS-OXCMSG: so Exchange finds the topic of a subject, in every language.
_PREFIXES = re.compile(r"(?:[^\W\d_]{1,3}+: ++)*+")


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is attached to a status mail; `kind` is a type of RFC 2045, such as "application/pdf"."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes the status mails, and how: the From address, the zone of the times in them, and the language.

    `notify` is who is told of a fax whose mail must not be answered, where its rule names nobody; "" is nobody.
    `hostname` is our name in reports for programs.
    """

    sender: str
    zone: ZoneInfo
    language: Language = Language.ENGLISH
    notify: str = ""
    hostname: str = "localhost"

    def addressee(self, reply: Reply, job: Job) -> str | None:
        """To whom this reply goes: the authorised From, or who is told instead of a program; None for nobody."""
        if reply.kind is ReplyKind.NOTIFY:
            return job.submission.notify or self.notify or None
        return str(job.submission.sender)


class ThreadHeader(UnstructuredHeader, BaseHeader):
    """Message-IDs, each whole on one line: folded at 78 octets, a long one becomes encoded-words, and its thread is
    lost. The header itself sees to it, because aiosmtplib does not ask for the message's policy."""

    def fold(self, *, policy: Policy) -> str:
        return super().fold(policy=policy.clone(max_line_length=_LONGEST_LINE))


_headers = HeaderRegistry()
_headers.map_to_type("in-reply-to", ThreadHeader)
_headers.map_to_type("references", ThreadHeader)
_POLICY = SMTP.clone(header_factory=_headers)

_templates = Environment(
    loader=PackageLoader("mail2fax.reply"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=select_autoescape(["html.j2"]),
)


def compose(
    reply: Reply,
    job: Job,
    attempts: Sequence[Attempt],
    letterhead: Letterhead,
    to: str,
    copied: Attachment | None = None,
) -> EmailMessage:
    """The status mail for `reply`, to `to`; `job` stands in a final state, unless it is news.

    `attempts` are all of its attempts. `copied` is what its sender has back of it, or would have sent; a report has
    room for none.
    """
    wished = job.submission.wishes.language
    words = words_in(Language(wished) if wished else letterhead.language)
    message = EmailMessage(policy=_POLICY)
    headline = _headline(reply, job, words)
    title, answers = _title(job, words, headline), _answers(reply, job)
    name = f"{words.labels.fax} {job.id}: {headline}" if answers else words.labels.fax
    message["From"] = _header_address(letterhead.sender, name)
    message["To"] = _header_address(to)
    message["Subject"] = _same_subject(job) if answers else title
    message["Date"] = reply.created_at.astimezone(letterhead.zone)
    message["Message-ID"] = reply.message_id
    _thread(message, job)
    # RFC 3834 5: "auto-replied" answers one mail; what goes to somebody else is no answer.
    message["Auto-Submitted"] = "auto-generated" if reply.kind is ReplyKind.NOTIFY else "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message[JOB_FIELD] = str(job.id)
    _write(message, {"title": title, **_facts(reply, job, attempts, words, letterhead.zone)})
    dsn = job.submission.wishes.report is Report.DSN and job.outcome != RefusalCode.PREVIEW
    if dsn and reply.kind is not ReplyKind.ACCEPTED:
        make_report(message, reply, job, attempts, letterhead.hostname)
    elif copied:
        maintype, _, subtype = copied.kind.partition("/")
        message.add_attachment(copied.content, maintype, subtype, filename=copied.name)
    # Only now: writing a body takes every Content- field for its own.
    message["Content-Language"] = words.language.value
    # Python's own boundary is new each time it is asked. RFC 2045 6.7 rules "=_" out of quoted-printable, and its
    # underscore is no letter of base64.
    for number, part in enumerate(part for part in message.walk() if part.get_content_maintype() == "multipart"):
        part.set_boundary("=_" + hashlib.sha256(f"{reply.message_id}{number or ''}".encode()).hexdigest()[:32])
    return message


def _header_address(address: str, name: str = "") -> HeaderAddress:
    local, _, domain = address.rpartition("@")
    return HeaderAddress(name, local, domain)


def _headline(reply: Reply, job: Job, words: Words) -> str:
    return NEWS[words.language][reply.kind].headline if reply.is_news else state_of(job, words).headline


def _title(job: Job, words: Words, headline: str) -> str:
    theirs = _their_subject(job)
    return f"[{words.labels.fax} {job.id}] {headline}" + (f" - Re: {theirs}" if theirs else "")


def _their_subject(job: Job) -> str:
    return job.submission.subject.strip()[:_QUOTED_SUBJECT]


def _answers(reply: Reply, job: Job) -> bool:
    """Whether who gets this has the mail it is about, and in a form that it can lie beside."""
    known = job.submission.message_id is not None and _their_subject(job)
    return bool(known) and reply.kind is not ReplyKind.NOTIFY


def _same_subject(job: Job) -> str:
    """RFC 5322 3.6.5: "Re: " once, and no other word."""
    theirs = _their_subject(job)
    return theirs if _REPLY.match(theirs) else f"Re: {theirs}"


def _thread(message: EmailMessage, job: Job) -> None:
    """RFC 5322 3.6.4; and for Exchange, which puts mails of one topic together."""
    if topic := _PREFIXES.sub("", _their_subject(job), count=1):
        message["Thread-Topic"] = topic
    if job.submission.message_id is None:
        return
    message["In-Reply-To"] = job.submission.message_id
    thread = [*job.submission.references, job.submission.message_id]
    message["References"] = " ".join(thread[-_MAX_REFERENCES:])


def _write(message: EmailMessage, facts: dict[str, object]) -> None:
    """The same in plain text and in HTML, for the reader's program to choose (RFC 2046 5.1.4: the best one last)."""
    text = _templates.get_template("status.txt.j2").render(facts)
    html = _templates.get_template("status.html.j2").render(facts)
    # Filters take Russian in quoted-printable for spam, and Latin in base64.
    cte = "quoted-printable" if text.isascii() else "base64"
    message.set_content(text, cte=cte)
    message.add_alternative(html, subtype="html", cte=cte)


def _facts(reply: Reply, job: Job, attempts: Sequence[Attempt], words: Words, zone: ZoneInfo) -> dict[str, object]:
    """What the templates fill in."""
    if reply.is_news:
        return {
            "language": words.language,
            "labels": words.labels,
            "opening": news_of(reply, job, words, zone),
            "advice": "",
            "write_again": "",
            "corrections": (),
            "rows": rows_before_end(job, words, zone),
            "width": words.labels.width,
        }
    wording, labels, sender = wording_of(job, words), words.labels, str(job.submission.sender)
    instead = reply.kind is ReplyKind.NOTIFY
    rows = rows_of(job, attempts, words, zone)
    to = labels.to.format(number=job.number) if job.number else ""
    opening = [state_of(job, words).opening.format(to=to), wording.sentence]
    return {
        "language": words.language,
        "labels": labels,
        "opening": " ".join([labels.instead_of.format(sender=sender), *opening] if instead else opening),
        "advice": wording.advice,
        "write_again": words.write_again(job.facts),
        "corrections": () if instead else corrections_of(job),
        "rows": (Row(labels.sender, sender), *rows) if instead else rows,
        "width": labels.width,
    }
