"""What the gateway tells of its work: the database, the thread of the mails, the log, the command line."""

from tests.acceptance.scenarios import IN_ONE_RUN, Record

pytestmark = IN_ONE_RUN


def test_the_calls_of_the_far_end_are_the_attempts_of_the_database(record: Record) -> None:
    attempts = [each.call_id for story in record.stories.values() for cdr in story.cdrs for each in cdr.attempts]
    assert sorted(attempts) == sorted(record.calls)


def test_every_reply_has_a_message_id_of_its_own_and_stands_in_the_thread_of_its_mail(record: Record) -> None:
    told = [(story.mail, reply) for story in record.stories.values() for reply in story.replies]
    assert len({reply["Message-ID"] for _, reply in told}) == len(told)
    assert all(reply["References"] == mail.message_id for mail, reply in told)


def test_the_log_tells_the_way_of_a_fax_with_its_job_on_each_line(record: Record) -> None:
    job = record["t38"].cdr.job
    told = [entry["event"] for entry in record.log if entry.get("job") == job.id]
    way = ["mail accepted", "job ready", "dialling", "call dialled", "call ringing", "call answered"]
    assert told[:6] == way
    assert told[-4:] == ["page confirmed", "page confirmed", "call ended", "reply sent"]


def test_nothing_went_wrong_inside(record: Record) -> None:
    assert [entry for entry in record.log if entry.get("level") != "info"] == []


def test_sigterm_ends_the_gateway_well_when_nothing_is_to_be_done(record: Record) -> None:
    assert record.exit_status == 0
    assert record.told("gateway stopped")


def test_the_command_line_lists_every_fax(record: Record) -> None:
    lines = record.jobs.splitlines()
    for name, words in {
        "t38": "All pages were confirmed by the receiver. (SIP 200 OK (answered) · T.30 0 OK)",
        "busy": "The line was busy. (SIP 486 Busy Here · T.30 -)",
        "two-tiffs": "More than one TIFF is attached to your mail: page-160.tif, two-pages.tif.",
    }.items():
        job = record[name].cdr.job
        (line,) = [line for line in lines if line.startswith(f"{job.id} ")]
        assert job.state in line
        assert line.rstrip().endswith(words)


def test_the_command_line_shows_one_fax_with_its_calls_and_its_journal(record: Record) -> None:
    job, (attempt,) = record["t38"].cdr.job, record["t38"].cdr.attempts
    for words in (
        f"Job {job.id}",
        "state      sent",
        f"number     {job.number}",
        f"Call-ID {attempt.call_id}",
        "SIP 200 OK (answered) · T.30 0 OK, t38, 2 pages confirmed",
        "page-confirmed  page=2 last=True",
    ):
        assert words in record.show
