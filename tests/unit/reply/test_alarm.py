"""Each cause of an alarm is told in words, in every language, and no program answers it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mail2fax.model.alarm import Alarm, AlarmCause
from mail2fax.model.mark import JOB_FIELD
from mail2fax.reply.alarm import compose_alarm
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.words import Language
from mail2fax.reply.words.alarms import ALARMS

ADMIN = "admin@example.com"
FACTS = {
    "fax": "12",
    "pages": "1",
    "confirmed": "3",
    "path": "/var/lib/mail2fax/x.tiff",
    "trunk": "provider",
    "said": "SIP 503 {0}",
    "minutes": "31",
    "error": "451 later",
    "job": "7",
    "file": "/var/lib/mail2fax/spool/quarantine/7.eml",
    "state": "ready",
    "free_mb": "12",
    "reserve_mb": "200",
    "deaths": "2",
    "sender": "scanner@example.com",
    "to": "anna@example.com",
    "mailbox": "office",
    "count": "44",
    "hours": "24",
    "times": "3",
    "mail": "17",
}


def alarm(cause: AlarmCause, **facts: str) -> Alarm:
    return Alarm(1, cause, datetime(2026, 3, 2, 9, tzinfo=UTC), "<job-0.x@fax.example.com>", facts=facts)


def letterhead(language: Language) -> Letterhead:
    return Letterhead("fax@example.com", ZoneInfo("Europe/Minsk"), language)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("cause", AlarmCause)
def test_every_cause_has_words_in_every_language_and_all_of_its_facts(language: Language, cause: AlarmCause) -> None:
    wording = ALARMS[language][cause]
    assert wording.sentence
    assert wording.advice
    text = compose_alarm(alarm(cause, **FACTS), letterhead(language), ADMIN).get_content()
    assert wording.sentence.format_map(FACTS) in text
    assert wording.advice.format_map(FACTS) in text


def test_a_fact_that_is_missing_does_not_keep_an_alarm_from_being_sent() -> None:
    text = compose_alarm(alarm(AlarmCause.TRUNK_DOWN), letterhead(Language.ENGLISH), ADMIN).get_content()
    assert "The trunk - does not carry our calls" in text


def test_the_mail_bears_our_mark_and_is_answered_by_no_program() -> None:
    """Trap: an alarm to an admin whose mail is answered by a machine must not become an order."""
    mail = compose_alarm(alarm(AlarmCause.DISK_LOW, **FACTS), letterhead(Language.RUSSIAN), ADMIN)
    assert (mail["To"], mail["From"], mail["Subject"]) == (ADMIN, "fax@example.com", "[mail2fax] disk-low")
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert mail["Message-ID"] == "<job-0.x@fax.example.com>"
    assert JOB_FIELD in mail
    assert mail["Content-Language"] == "ru"


def test_the_same_alarm_is_always_the_same_mail() -> None:
    first, second = (
        bytes(compose_alarm(alarm(AlarmCause.DISK_LOW, **FACTS), letterhead(Language.ENGLISH), ADMIN)) for _ in "12"
    )
    assert first == second
