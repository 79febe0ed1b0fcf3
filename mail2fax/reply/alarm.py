"""Writes the mail that calls the admin."""

from email.message import EmailMessage
from email.policy import SMTP

from mail2fax.model.alarm import Alarm
from mail2fax.model.mark import JOB_FIELD
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.words.alarms import ALARMS


def compose_alarm(alarm: Alarm, letterhead: Letterhead, admin: str) -> EmailMessage:
    """The mail for `alarm`, to the address `admin`; the same alarm always gives the same mail."""
    wording = ALARMS[letterhead.language][alarm.cause]
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = letterhead.sender, admin
    message["Subject"] = f"[mail2fax] {alarm.cause.value}"
    message["Date"] = alarm.raised_at.astimezone(letterhead.zone)
    message["Message-ID"] = alarm.message_id
    # RFC 3834 5.1: nobody's mail is answered here, but no program shall answer this one.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message[JOB_FIELD] = alarm.facts.get("job", "0")
    facts = _Facts(alarm.facts)
    lines = (wording.sentence, wording.advice)
    text = "\n".join(line.format_map(facts) for line in lines) + "\n"
    message.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
    message["Content-Language"] = letterhead.language.value
    return message


class _Facts(dict[str, str]):
    """A fact that is missing shows as a dash: an alarm with a gap is better than none."""

    def __missing__(self, name: str) -> str:
        return "-"
