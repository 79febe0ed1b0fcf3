"""The status mail as a delivery status notification (RFC 3464): our text for people, and the facts for programs.

The recipient is the fax number, as RFC 3464 2.3.2 has it for gateways: `Final-Recipient: fax; +375291554499`.
"""

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from mail2fax.model.job import Attempt, Job, JobState, Reply

# RFC 3463: 4.4.7 delivery time expired, 5.1.1 bad destination, 5.6.1 media not supported, 5.0.0 other.
_STATUS = {JobState.SENT: "2.0.0", JobState.REJECTED: "5.6.0", JobState.CANCELLED: "5.7.0"}
_FAILED = {"wrong-number": "5.1.1", "no-fax": "5.1.1", "expired": "4.4.7", "busy": "4.2.1", "no-answer": "4.4.1"}
_ACTION = {JobState.SENT: "delivered", JobState.UNCONFIRMED: "relayed"}
_DELAYED = ("delayed", "4.4.0")
_OTHER = "5.0.0"
_UNCONFIRMED = "2.0.0"


def make_report(message: EmailMessage, reply: Reply, job: Job, attempts: Sequence[Attempt], hostname: str) -> None:
    """Makes a report of `message`, whose text stands already: its alternatives become the first part."""
    message.make_mixed()
    status = EmailMessage(policy=SMTP)
    status["Content-Type"] = "message/delivery-status"
    of_message, of_recipient = _fields(reply, job, attempts, hostname)
    status.set_payload([_block(of_message), _block(of_recipient)])
    message.attach(status)
    headers = EmailMessage(policy=SMTP)
    headers["Content-Type"] = "text/rfc822-headers"
    headers.set_payload(_their_header(job))
    message.attach(headers)
    message.replace_header("Content-Type", "multipart/report; report-type=delivery-status")


def _fields(
    reply: Reply, job: Job, attempts: Sequence[Attempt], hostname: str
) -> tuple[dict[str, str], dict[str, str]]:
    action, status = _DELAYED if reply.is_news else (_ACTION.get(job.state, "failed"), _status(job))
    of_message = {"Reporting-MTA": f"dns; {hostname}", "Arrival-Date": _moment(job.submission.received_at)}
    of_recipient = {
        "Original-Recipient": f"rfc822; {_ascii(job.submission.recipient)}" if job.submission.recipient else "",
        "Final-Recipient": f"fax; {job.number}" if job.number else f"rfc822; {_ascii(job.submission.recipient)}",
        "Action": action,
        "Status": status,
        "Diagnostic-Code": f"x-mail2fax; {_ascii(_cause(job, attempts))}",
        "Last-Attempt-Date": _moment(attempts[-1].started_at) if attempts else "",
        "Will-Retry-Until": _moment(datetime.fromisoformat(reply.facts["until"])) if "until" in reply.facts else "",
    }
    return of_message, of_recipient


def _status(job: Job) -> str:
    if job.state is JobState.UNCONFIRMED:
        return _UNCONFIRMED
    return _STATUS.get(job.state) or _FAILED.get(job.outcome or "", _OTHER)


def _cause(job: Job, attempts: Sequence[Attempt]) -> str:
    cause = attempts[-1].cause if attempts else ""
    return f"{job.outcome or 'unknown'} ({cause})" if cause else (job.outcome or "unknown")


def _block(fields: dict[str, str]) -> EmailMessage:
    block = EmailMessage(policy=_PLAIN)
    for name, value in fields.items():
        if value:
            block[name] = value
    return block


def _their_header(job: Job) -> str:
    mail = job.submission
    lines = [f"From: {mail.sender}"]
    if mail.message_id:
        lines.append(f"Message-ID: {mail.message_id}")
    return "\r\n".join([*lines, ""])


def _ascii(text: str) -> str:
    """Text from elsewhere, for a field of ASCII on one line."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)


def _moment(moment: datetime) -> str:
    return format_datetime(moment)


# These fields are no header of a mail: folded as such, a long one would become encoded-words.
_PLAIN = SMTP.clone(header_factory=HeaderRegistry(use_default_map=False), max_line_length=998)
