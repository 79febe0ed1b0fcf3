"""Writes the status mail of a job from the facts in the database: delivered, or why not and what to do.

The same outbox row always gives the same Message-ID, so that a reply sent twice is shown once (RFC 5322 3.6.4).
Headers follow RFC 3834: an automatic reply says so, and goes to the authorised From address, never to Reply-To.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mail2fax.model.call import CallEnded, FaxResult, Media
from mail2fax.model.job import Attempt, Job, JobState, Reply
from mail2fax.model.outcome import SENTENCES, OutcomeKind, OutcomeWording
from mail2fax.model.refusal import Refusal, RefusalCode

OWN_HEADER = "X-Mail2fax-Job"
"""Marks every mail of ours: one that comes back to us with it is never an order."""

_MAX_REFERENCES = 10
_LONGEST_LINE = 998
"""RFC 5322 2.1.1, without the CRLF."""
_QUOTED_SUBJECT = 200
_SHOWN_ATTEMPTS = 20

_MEDIA_NAMES = {
    Media.NONE: "no media",
    Media.T38: "T.38",
    Media.G711: "audio (G.711)",
    Media.G711_FALLBACK: "audio (G.711), T.38 was refused",
}

_HEADLINES = {
    JobState.SENT: "delivered",
    JobState.FAILED: "not delivered",
    JobState.REJECTED: "refused",
    JobState.CANCELLED: "cancelled",
    JobState.UNCONFIRMED: "not confirmed",
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes the status mails: the From address, our host name, and the time zone of the times in them."""

    sender: str
    hostname: str
    zone: ZoneInfo


class ThreadHeader(UnstructuredHeader, BaseHeader):
    """Message-IDs, each whole on one line: folded at 78 octets, a long one becomes encoded-words, and its thread is
    lost. The header itself sees to it, because aiosmtplib does not ask for the message's policy."""

    def fold(self, *, policy: Policy) -> str:
        return super().fold(policy=policy.clone(max_line_length=_LONGEST_LINE))


_headers = HeaderRegistry()
_headers.map_to_type("in-reply-to", ThreadHeader)
_headers.map_to_type("references", ThreadHeader)
_POLICY = SMTP.clone(header_factory=_headers)


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt as the sender reads it."""

    time: str
    seconds: int | None
    answer: str


_templates = Environment(
    loader=PackageLoader("mail2fax.reply"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=select_autoescape(["html.j2"]),
)


def compose(reply: Reply, job: Job, attempts: Sequence[Attempt], letterhead: Letterhead) -> EmailMessage:
    """The status mail for `reply`; `job` stands in a final state, `attempts` are all of its attempts in order."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _header_address(letterhead.sender, "Fax")
    message["To"] = _header_address(str(job.submission.sender))
    message["Subject"] = _subject(job)
    message["Date"] = reply.created_at.astimezone(letterhead.zone)
    message["Message-ID"] = reply.message_id
    _thread(message, job)
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message[OWN_HEADER] = str(job.id)
    text = _templates.get_template(f"{job.state}.txt.j2").render(_facts(job, attempts, letterhead.zone))
    message.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
    return message


def _header_address(address: str, name: str = "") -> HeaderAddress:
    local, _, domain = address.rpartition("@")
    return HeaderAddress(name, local, domain)


def _subject(job: Job) -> str:
    theirs = job.submission.subject.strip()[:_QUOTED_SUBJECT]
    return f"[Fax {job.id}] {_HEADLINES[job.state]}" + (f" - Re: {theirs}" if theirs else "")


def _thread(message: EmailMessage, job: Job) -> None:
    if job.submission.message_id is None:
        return
    message["In-Reply-To"] = job.submission.message_id
    thread = [*job.submission.references, job.submission.message_id]
    message["References"] = " ".join(thread[-_MAX_REFERENCES:])


def _facts(job: Job, attempts: Sequence[Attempt], zone: ZoneInfo) -> dict[str, object]:
    wording = _wording(job)
    calls = [attempt for attempt in attempts if attempt.ended or attempt.outcome != OutcomeKind.FAULT]
    last = calls[-1] if calls else None
    fax = last.ended.fax if last and last.ended else None
    return {
        "job": job,
        "subject": job.submission.subject,
        "received": _moment(job.submission.received_at, zone),
        "sentence": wording.sentence,
        "advice": wording.advice,
        "pages": job.pages,
        "pages_confirmed": last.pages_confirmed if last else 0,
        "receiver": fax.far_id if fax else None,
        "quality": _quality(fax),
        "earlier": len(calls[:-_SHOWN_ATTEMPTS]),
        "attempts": [_attempt_line(attempt, zone) for attempt in calls[-_SHOWN_ATTEMPTS:]],
    }


def _wording(job: Job) -> Refusal | OutcomeWording:
    """Why the job ended as it did: something with a `sentence` and an `advice`."""
    if job.outcome is None:
        raise ValueError(f"job {job.id} is {job.state}, and nothing says why")
    if job.state is JobState.REJECTED:
        return Refusal(RefusalCode(job.outcome), job.facts)
    return SENTENCES[OutcomeKind(job.outcome)]


def _quality(fax: FaxResult | None) -> str | None:
    if fax is None or fax.bit_rate is None:
        return None
    correction = "with error correction" if fax.ecm else "without error correction"
    return f"{fax.bit_rate} bit/s {correction}"


def _attempt_line(attempt: Attempt, zone: ZoneInfo) -> AttemptLine:
    ended_at = attempt.ended_at
    seconds = None if ended_at is None else round((ended_at - attempt.started_at).total_seconds())
    return AttemptLine(_moment(attempt.started_at, zone), seconds, _answer(attempt.ended, attempt.cause))


def _answer(ended: CallEnded | None, cause: str) -> str:
    """The three results of an attempt side by side: the call, the media, the fax."""
    if ended is None:
        return cause or "interrupted: the result is not known"
    media = f" · {_MEDIA_NAMES[ended.media]}" if ended.media is not Media.NONE else ""
    return f"{cause}{media}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    name = "UTC" if zone.key == UTC.tzname(None) else local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {name}"
