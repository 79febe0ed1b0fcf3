"""`mail2fax jobs` and `mail2fax show`: what became of the faxes, for who is asked at three in the morning."""

import json
from pathlib import Path

import pytest

from mail2fax.jobs import Change, Jobs, judge
from mail2fax.jobs.strategy import Aftermath
from mail2fax.model.call import Dialled
from mail2fax.model.job import JobEvent
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.trace import TraceKind, TraceLine, Way
from tests.unit.cli.conftest import Command, Happen
from tests.unit.jobs.made import POLICY, busy, calling, delivered, end, received


async def nothing(_jobs: Jobs) -> None:
    """The gateway ran, and no mail came."""


async def a_day(jobs: Jobs) -> None:
    """Three mails: one delivered, one refused, one busy."""
    _, attempt = await calling(jobs, "mail 1")
    await jobs.record(attempt, Dialled())
    await end(jobs, attempt, delivered())
    await jobs.refused(await received(jobs, "mail 2"), Refusal(RefusalCode.NUMBER_MISSING))
    _, attempt = await calling(jobs, "mail 3", "+4922112345")
    await end(jobs, attempt, busy())


def test_without_a_fax_there_is_none(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(nothing)
    result = mail2fax("jobs", "--config", config)
    assert (result.exit_code, result.stdout) == (0, "No fax yet.\n")


def test_where_no_gateway_has_run_that_is_said(mail2fax: Command, config: Path) -> None:
    result = mail2fax("jobs", "--config", config)
    assert result.exit_code == 1
    assert "Has the gateway run with this configuration?" in result.stderr


def test_the_newest_faxes_come_first_with_state_and_result(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(a_day)
    result = mail2fax("jobs", "--config", config)
    assert result.exit_code == 0
    head, third, second, first = (" ".join(line.split()) for line in result.stdout.splitlines())
    assert head == "job received state number sender pages calls result"
    assert third == (
        "3 2026-01-31 12:05:00 sleeping +4922112345 anna@example.com 2 1 "
        "The line was busy. (SIP 486 Busy Here · Q.850 17 · T.30 -)"
    )
    assert second == (
        "2 2026-01-31 12:05:00 rejected - anna@example.com - 0 The subject of your mail holds no fax number."
    )
    assert first.startswith("1 2026-01-31 12:05:00 sent +375291554499 anna@example.com 2 1 All pages were confirmed")


def test_a_narrow_screen_shows_each_number_and_sender_whole(
    mail2fax: Command, happen: Happen, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(a_day)
    monkeypatch.setenv("COLUMNS", "80")
    third = mail2fax("jobs", "--config", config).stdout.splitlines()[1]
    assert third.split() == ["3", "2026-01-31", "12:05:00", "sleeping", "+4922112345", "anna@example.com"]


def test_a_pipe_gets_every_column_uncut(
    mail2fax: Command, happen: Happen, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(a_day)
    monkeypatch.delenv("COLUMNS")
    assert "All pages were confirmed" in mail2fax("jobs", "--config", config).stdout.splitlines()[3]


def test_no_more_faxes_are_listed_than_asked_for(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(a_day)
    lines = mail2fax("jobs", "-n", 1, "--config", config).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["job", "3"]


def test_one_fax_is_shown_with_its_calls_and_its_journal(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(a_day)
    result = mail2fax("show", 1, "--config", config)
    assert result.exit_code == 0
    text = result.stdout
    assert "  state      sent\n" in text
    assert "  received   2026-01-31 12:05:00 by smtp for fax@example.com\n" in text
    assert "Call 1 2026-01-31 12:05:00\n" in text
    assert "  delivered: SIP 200 OK (answered) · T.30 0 OK, t38, 2 pages confirmed, 0 s\n" in text
    assert "  Call-ID call of mail 1\n" in text
    journal = text.partition("Journal\n")[2].splitlines()
    assert [line.split()[2] for line in journal] == ["received", "prepared", "dialling", "dialled", "delivered"]
    assert journal[1].endswith("number=+375291554499 pages=2 state=ready")


def test_a_fax_that_sleeps_shows_its_next_call(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(a_day)
    assert "  next call  2026-01-31 12:07:00\n" in mail2fax("show", 3, "--config", config).stdout


def test_a_call_under_way_is_shown_as_such(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(calling)
    text = mail2fax("show", 1, "--config", config).stdout
    assert "  state      calling\n" in text
    assert "  under way: -, 0 pages confirmed\n" in text


def test_a_fax_that_is_not_there_is_an_error(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(nothing)
    result = mail2fax("show", 4711, "--config", config)
    assert result.exit_code == 1
    assert "there is no job 4711" in result.stderr
    assert result.stdout == ""


def test_text_from_the_network_is_no_markup(mail2fax: Command, happen: Happen, config: Path) -> None:
    """Trap: rich takes square brackets for markup; a subject or a number of it must be shown as it is."""

    async def odd(jobs: Jobs) -> None:
        job = await received(jobs)
        facts = {"numbers": "[red]1[/red]"}
        await jobs.apply(job.id, JobEvent.REFUSED, Change(outcome=RefusalCode.NUMBER_SEVERAL, facts=facts))

    happen(odd)
    for verb in (("jobs",), ("show", 1)):
        assert "[red]1[/red]" in mail2fax(*verb, "--config", config).stdout


# The evidence


async def two_failures(jobs: Jobs) -> None:
    """A fax that was busy twice, once in January and once in a stranger's words."""
    job, attempt = await calling(jobs)
    for number in (1, 2):
        invite = TraceLine(
            0.0, TraceKind.SIP, f"INVITE sip:{number}@x SIP/2.0\nCSeq: 1 INVITE", Way.SENT, "192.0.2.2:5060"
        )
        strange = TraceLine(0.1, TraceKind.T30, "CSI \x1b[2J[red]1[/red]", Way.RECEIVED)
        await jobs.end_attempt(attempt, judge(busy(), 2, POLICY), busy(), Aftermath(trace=(invite, strange)))
        if number == 1:
            woken = await jobs.wake(job.id, "root")
            again = await jobs.begin_attempt(woken, "second call")
            assert again is not None
            attempt = again


def test_the_evidence_of_the_latest_call_is_shown_and_where_the_others_are(
    mail2fax: Command, happen: Happen, config: Path
) -> None:
    happen(two_failures)
    text = mail2fax("show", 1, "--trace", "--config", config).stdout
    assert text.startswith("Trace of job 1, call 2, to +375291554499\n")
    assert "     0.000 > INVITE sip:2@x SIP/2.0" in text
    assert "mail2fax show 1 --trace --attempt 1" in text
    assert "The evidence: mail2fax show 1 --trace --attempt 2" in mail2fax("show", 1, "--config", config).stdout


def test_the_evidence_of_one_call_is_shown_when_asked_for(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(two_failures)
    text = mail2fax("show", 1, "--trace", "--attempt", 1, "--config", config).stdout
    assert "INVITE sip:1@x" in text
    assert "INVITE sip:2@x" not in text


def test_what_a_stranger_wrote_into_a_frame_is_shown_as_it_is_and_moves_no_cursor(
    mail2fax: Command, happen: Happen, config: Path
) -> None:
    happen(two_failures)
    assert "CSI \N{REPLACEMENT CHARACTER}[2J[red]1[/red]" in mail2fax("show", 1, "--trace", "--config", config).stdout


@pytest.mark.parametrize("asked", [(), ("--attempt", 7)])
def test_evidence_that_is_not_kept_is_named(
    mail2fax: Command, happen: Happen, config: Path, asked: tuple[object, ...]
) -> None:
    happen(a_day if not asked else two_failures)
    result = mail2fax("show", 1, "--trace", *asked, "--config", config)
    assert result.exit_code == 1
    assert "no trace of" in result.stderr
    assert "trace.keep" in result.stderr


def test_the_evidence_as_json_stands_with_its_call(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(two_failures)
    calls = json.loads(mail2fax("show", 1, "--trace", "--json", "--config", config).stdout)["calls"]
    assert [call["trace"][0]["text"][:14] for call in calls] == ["INVITE sip:1@x", "INVITE sip:2@x"]
    assert "trace" not in json.loads(mail2fax("show", 1, "--json", "--config", config).stdout)["calls"][0]
