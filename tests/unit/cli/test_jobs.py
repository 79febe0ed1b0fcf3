"""`mail2fax jobs` and `mail2fax show`: what became of the faxes, for who is asked at three in the morning."""

from pathlib import Path

from mail2fax.jobs import Change, Jobs
from mail2fax.model.call import Dialled
from mail2fax.model.job import JobEvent
from mail2fax.model.refusal import Refusal, RefusalCode
from tests.unit.cli.conftest import Command, Happen
from tests.unit.jobs.made import busy, calling, delivered, end, received


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
    assert head == "job received state number pages calls sender result"
    assert third == (
        "3 2026-01-31 12:05:00 sleeping +4922112345 2 1 anna@example.com "
        "The line was busy. (SIP 486 Busy Here · Q.850 17 · T.30 -)"
    )
    assert second == (
        "2 2026-01-31 12:05:00 rejected - - 0 anna@example.com The subject of your mail holds no fax number."
    )
    assert first.startswith("1 2026-01-31 12:05:00 sent +375291554499 2 1 anna@example.com All pages were confirmed")


def test_no_more_faxes_are_listed_than_asked_for(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(a_day)
    lines = mail2fax("jobs", "-n", 1, "--config", config).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["job", "3"]


def test_one_fax_is_shown_with_its_calls_and_its_journal(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(a_day)
    result = mail2fax("show", 1, "--config", config)
    assert result.exit_code == 0
    text = result.stdout
    assert "  state     sent\n" in text
    assert "  received  2026-01-31 12:05:00 by smtp for fax@example.com\n" in text
    assert "Call 1 2026-01-31 12:05:00\n" in text
    assert "  delivered: SIP 200 OK (answered) · T.30 0 OK, t38, 2 pages confirmed, 0 s\n" in text
    assert "  Call-ID call of mail 1\n" in text
    journal = text.partition("Journal\n")[2].splitlines()
    assert [line.split()[2] for line in journal] == ["received", "prepared", "dialling", "dialled", "delivered"]
    assert journal[1].endswith("number=+375291554499 pages=2 state=ready")


def test_a_fax_that_sleeps_shows_its_next_call(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(a_day)
    assert "  next call 2026-01-31 12:07:00\n" in mail2fax("show", 3, "--config", config).stdout


def test_a_call_under_way_is_shown_as_such(mail2fax: Command, happen: Happen, config: Path) -> None:
    happen(calling)
    text = mail2fax("show", 1, "--config", config).stdout
    assert "  state     calling\n" in text
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
