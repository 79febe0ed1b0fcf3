"""The story, told with a real store, a real spool, and an engine that dials nobody: nothing is lost, nothing is sent
twice, and whatever is in doubt is said to be."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mail2fax import gateway, telephone
from mail2fax.admission.attachment import Wanted
from mail2fax.document.cover_template import CoverTemplate
from mail2fax.document.tiff import TiffWriter
from mail2fax.document.unpack import Poison
from mail2fax.enclosure import enclosure_of
from mail2fax.engine.scripted import (
    Hold,
    ScriptedEngine,
    Step,
    delivered,
    engine_dies,
    forwards_to,
    never_ends,
    refused,
    rings_for_ever,
)
from mail2fax.mail.letter import letter_head, letter_lines
from mail2fax.model.call import Answered, CallEvent, CallOrder, Dialled, Media, Negotiated, PageConfirmed
from mail2fax.model.document import Kind, Resolution
from mail2fax.model.job import JobState, ReplyKind
from mail2fax.model.mail import Accepted, Address, Door
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.wishes import Copy, Wishes
from mail2fax.store import StoreError, StoreUncertain
from tests.harness.house import (
    DESK_PLACES,
    MAILS,
    ORDER,
    RETRIES,
    RULES,
    TRUNKS,
    FarAheadEngine,
    House,
    arrival,
    house,
    written,
)
from tests.unit.jobs.made import ready


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What could not be written is written again without delay; and a log that costs nothing."""
    monkeypatch.setattr(gateway, "WRITE_AGAIN_S", 0.0)
    with capture_logs():
        yield


@pytest.fixture
async def quiet(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose calls are all delivered."""
    async with house(tmp_path, ScriptedEngine()) as built:
        yield built


def confirmed_and_holds(order: CallOrder) -> Iterator[Step]:
    """Every page is confirmed, and then the far end stays on the line."""
    yield Dialled()
    yield Answered()
    yield Negotiated(Media.T38)
    for page in range(1, order.pages + 1):
        yield PageConfirmed(page, last=page == order.pages)
    yield Hold()


def kept(folder: Path) -> set[str]:
    return {path.name for path in (folder / "spool" / "new").iterdir()}


def unfinished(folder: Path) -> set[str]:
    return {path.name for path in (folder / "spool" / "tmp").iterdir()}


# The way in


async def test_an_accepted_mail_is_on_the_disk_and_has_its_job(quiet: House, tmp_path: Path) -> None:
    verdict = await quiet.gateway.accept(arrival(), await written(quiet.spool))
    assert isinstance(verdict, Accepted)
    job = await quiet.found(verdict.job_id)
    assert job.state is JobState.RECEIVED
    assert await quiet.spool.read(job.submission.spool_name) == ORDER
    assert (str(job.submission.sender), job.submission.subject) == ("anna@example.com", "+375 29 155 44 99")
    assert kept(tmp_path) == {job.submission.spool_name}


async def test_the_same_mail_again_hears_the_same_yes_and_leaves_no_second_copy(quiet: House, tmp_path: Path) -> None:
    first = await quiet.gateway.accept(arrival(), await written(quiet.spool))
    again = await quiet.gateway.accept(arrival(), await written(quiet.spool))
    assert isinstance(first, Accepted)
    assert again == replace(first, known=True)
    assert len(kept(tmp_path)) == 1
    assert len(await quiet.jobs.list()) == 1


async def test_a_refusal_leaves_the_file_to_the_door(quiet: House, tmp_path: Path) -> None:
    """Trap: two hands that delete one file, or none."""
    file = await written(quiet.spool)
    stranger = arrival(ORDER.replace(b"anna@example.com", b"eve@example.org"))
    verdict = await quiet.gateway.accept(stranger, file)
    assert isinstance(verdict, Refusal)
    assert verdict.code is RefusalCode.SENDER_NOT_ALLOWED
    assert not file.kept
    assert await file.keep() == file.name, "the file was not touched"
    assert await quiet.jobs.list() == ()


async def test_a_mail_whose_row_was_not_written_leaves_no_file(quiet: House, tmp_path: Path) -> None:
    """Trap: a client that is told 452 comes again, and each time another copy stayed on the full disk."""
    quiet.store.fail("receive")
    with pytest.raises(StoreError):
        await quiet.gateway.accept(arrival(), await written(quiet.spool))
    assert kept(tmp_path) == unfinished(tmp_path) == set()


async def test_a_mail_whose_row_was_written_after_all_keeps_its_file(quiet: House, tmp_path: Path) -> None:
    """Trap: a commit can report a failure and yet be found after a restart; a row without its mail is a lost fax."""
    quiet.store.fail("receive", after=True)
    with pytest.raises(StoreError):
        await quiet.gateway.accept(arrival(), await written(quiet.spool))
    (job,) = await quiet.jobs.list()
    assert kept(tmp_path) == {job.submission.spool_name}


async def test_a_mail_whose_commit_could_not_be_synced_keeps_its_file_for_the_row_that_a_crash_may_bring_back(
    quiet: House, tmp_path: Path
) -> None:
    """Trap: the row stood in the log and came back without its mail; the client that tried again heard "duplicate"."""
    quiet.store.fail("receive", error=StoreUncertain)
    file = await written(quiet.spool)
    with pytest.raises(StoreUncertain):
        await quiet.gateway.accept(arrival(), file)
    assert kept(tmp_path) == {file.name}


async def test_the_next_commit_that_is_synced_ends_the_doubt_about_a_mail(quiet: House, tmp_path: Path) -> None:
    """Trap: under a disk that failed now and then, a copy of each mail that was put off stayed until the next start."""
    lost, there = await written(quiet.spool), await written(quiet.spool)
    quiet.store.fail("receive", error=StoreUncertain)
    quiet.store.fail("receive", error=StoreUncertain, after=True)
    with pytest.raises(StoreUncertain):
        await quiet.gateway.accept(arrival(), lost)
    with pytest.raises(StoreUncertain):
        await quiet.gateway.accept(arrival(key="mail 2"), there)
    again = await written(quiet.spool)
    known = await quiet.gateway.accept(arrival(key="mail 2"), again)
    assert isinstance(known, Accepted)
    assert known.known
    assert kept(tmp_path) == {lost.name, there.name}, "a mail that is known writes nothing, and proves nothing"
    taken = await written(quiet.spool)
    assert isinstance(await quiet.gateway.accept(arrival(), taken), Accepted)
    assert kept(tmp_path) == {there.name, taken.name}


async def test_a_mail_keeps_its_file_while_nobody_knows_whether_its_row_was_written(
    quiet: House, tmp_path: Path
) -> None:
    quiet.store.fail("receive")
    quiet.store.fail("has_spool_name")
    file = await written(quiet.spool)
    with pytest.raises(StoreError):
        await quiet.gateway.accept(arrival(), file)
    assert kept(tmp_path) == {file.name}, "the sweep of the next start decides"


# Preparing


def mail(number: int) -> bytes:
    """One of several mails, with a Message-ID of its own."""
    return ORDER.replace(b"<gmail@", b"<gmail-%d@" % number)


async def accepted(quiet: House, key: str = "mail 1", raw: bytes = ORDER) -> int:
    verdict = await quiet.gateway.accept(arrival(raw, key), await written(quiet.spool, raw))
    assert isinstance(verdict, Accepted)
    return verdict.job_id


async def test_an_admitted_mail_is_ready_with_its_number_and_document(quiet: House) -> None:
    job = await quiet.found(await accepted(quiet))
    await quiet.gateway.prepare(job)
    job = await quiet.found(job.id)
    assert (job.state, job.number, job.document, job.pages) == (
        JobState.READY,
        "+375291554499",
        f"{job.uuid}.tif",
        2,
    )


async def test_a_mail_without_a_number_is_refused_and_its_sender_is_told(quiet: House) -> None:
    raw = ORDER.replace(b"Subject: +375 29 155 44 99", b"Subject: hello")
    job = await quiet.found(await accepted(quiet, raw=raw))
    await quiet.gateway.prepare(job)
    assert (await quiet.found(job.id)).state is JobState.REJECTED
    assert [reply.job_id for reply in await quiet.outbox.owed(quiet.clock())] == [job.id]


async def test_a_refusal_tells_what_is_faxed_here_and_says_nothing_of_that_where_it_is_tiffs(quiet: House) -> None:
    """Of a mail, and of a file from the API or the command line, which is a mail by then."""
    letter = letter_head(Address("anna", "example.com"), "+375 29 155 44 99", "a.doc") + letter_lines(
        b"\xd0\xcf\x11\xe0"
    )
    mail = ORDER.replace(b"Message-ID: <", b"Message-ID: <2").replace(b"SUkq", b"0M8R")
    told = []
    for number, kinds in enumerate(({Kind.TIFF}, {Kind.TIFF, Kind.PDF})):
        rules = replace(RULES, wanted=Wanted(frozenset(kinds)))
        quiet.gateway.adopt(rules, quiet.dialling, RETRIES)
        for name, raw in (("letter", letter), ("mail", mail)):
            job = await quiet.found(await accepted(quiet, f"{name} {number}", raw))
            await quiet.gateway.prepare(job)
            job = await quiet.found(job.id)
            assert (job.state, job.outcome) == (JobState.REJECTED, RefusalCode.ATTACHMENT_BROKEN)
            told.append((job.facts["problem"], job.facts.get("accepted")))
    only, both = "its contents are not those of a TIFF", "its contents are not those of a TIFF or PDF"
    assert told == [(only, None), (only, None), (both, "TIFF or PDF"), (both, "TIFF or PDF")]


async def test_a_mail_that_only_wants_to_be_shown_something_is_never_dialled(quiet: House, tmp_path: Path) -> None:
    """Neither is it a duplicate: whoever looks twice may still send it."""
    raw = ORDER.replace(b"Subject: +375 29 155 44 99", b"Subject: TEST +375 29 155 44 99")
    for _ in range(2):
        job = await quiet.found(
            await accepted(quiet, f"mail {_}", raw.replace(b"Message-ID: <", b"Message-ID: <%d" % _))
        )
        await quiet.gateway.prepare(job)
        job = await quiet.found(job.id)
        assert (job.state, job.outcome, job.number) == (JobState.REJECTED, RefusalCode.PREVIEW, None)
        assert job.facts["pages"] == "2"
        (reply,) = [reply for reply in await quiet.outbox.owed(quiet.clock()) if reply.job_id == job.id]
        assert await enclosure_of(reply, job, tmp_path) is None  # this renderer has written nothing
    assert len(await quiet.outbox.owed(quiet.clock())) == 2
    real = await quiet.found(await accepted(quiet, "for good"))
    await quiet.gateway.prepare(real)
    assert (await quiet.found(real.id)).state is JobState.READY


@pytest.mark.parametrize("door", [Door.API, Door.CONTROL])
@pytest.mark.parametrize("recipient", ["TEST", "TEST +375 29 155 44 99"])
async def test_a_program_that_orders_a_test_hears_that_it_is_no_number_and_nobody_is_called(
    quiet: House, door: Door, recipient: str
) -> None:
    """Trap: it heard that its fax would look as attached, and nothing was attached."""
    mail = (await quiet.found(await accepted(quiet, "a mail"))).submission
    file = await written(quiet.spool)
    order = replace(mail, door=door, source_key=recipient, spool_name=file.name, subject=recipient)
    job = await quiet.found((await quiet.gateway.accept_order(order, file)).job_id)
    await quiet.gateway.prepare(job)
    job = await quiet.found(job.id)
    assert (job.state, job.outcome) == (JobState.REJECTED, RefusalCode.NUMBER_NOT_UNDERSTOOD)
    assert job.facts == {"subject": recipient}


async def test_a_preview_has_the_cover_page_that_the_fax_would_have(tmp_path: Path) -> None:
    template, font = tmp_path / "cover.txt", tmp_path / "font.ttf"
    template.write_text("To {to}, {subject}")
    font.write_bytes(b"")
    async with house(tmp_path, ScriptedEngine(), cover=CoverTemplate(template, font)) as built:
        for number, subject in enumerate((b"+375 29 155 44 99", b"TEST +375 29 155 44 99", b"TEST")):
            raw = ORDER.replace(b"Subject: +375 29 155 44 99", b"Subject: " + subject)
            job = await accepted(built, f"mail {number}", raw.replace(b"Message-ID: <", b"Message-ID: <%d" % number))
            await built.gateway.prepare(await built.found(job))
        texts = [page[4:].decode() for page in built.desk.covers]
    assert texts == [*["To +375 29 155-44-99, +375 29 155 44 99"] * 2, "To TEST, TEST"]


async def test_few_mails_are_on_the_desk_at_once(quiet: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: parsing takes nine times a mail's size in memory; twenty large mails at once took all there is."""
    busy, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def gate() -> None:
        busy.release()
        await go_on.wait()

    monkeypatch.setattr(quiet.desk, "gate", gate)
    jobs = [await quiet.found(await accepted(quiet, f"mail {number}", mail(number))) for number in range(5)]
    async with asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(quiet.gateway.prepare(job))
        for _ in range(DESK_PLACES):
            await busy.acquire()
        go_on.set()
    assert quiet.desk.most == DESK_PLACES
    assert {job.state for job in await quiet.jobs.list()} == {JobState.READY}


async def test_a_mail_at_the_door_goes_before_one_on_the_desk(quiet: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: parsing and rendering what a flood has brought leaves no time to take the rest of it."""
    monkeypatch.setattr(gateway, "DOOR_LOOK_S", 0.001)
    monkeypatch.setattr(gateway, "DOOR_LOOKS", 1_000_000)
    job = await quiet.found(await accepted(quiet))
    quiet.store.stall("receive")
    at_the_door = asyncio.create_task(accepted(quiet, "mail 2", mail(2)))
    await quiet.store.until_begun("receive")
    on_the_desk = asyncio.create_task(quiet.gateway.prepare(job))
    await asyncio.sleep(0.05)
    assert (await quiet.found(job.id)).state is JobState.RECEIVED
    quiet.store.mend()
    await asyncio.gather(at_the_door, on_the_desk)
    assert (await quiet.found(job.id)).state is JobState.READY


async def test_a_mail_on_the_desk_is_prepared_though_the_door_never_rests(
    quiet: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "DOOR_LOOK_S", 0.001)
    job = await quiet.found(await accepted(quiet))
    quiet.store.stall("receive")
    at_the_door = asyncio.create_task(accepted(quiet, "mail 2", mail(2)))
    await quiet.store.until_begun("receive")
    await quiet.gateway.prepare(job)
    assert (await quiet.found(job.id)).state is JobState.READY
    quiet.store.mend()
    await at_the_door


async def test_a_mail_that_cannot_be_taken_apart_is_refused_kept_and_told_to_the_admin(
    quiet: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = await quiet.found(await accepted(quiet))

    async def crashes(_mail: object, _tiff: object) -> Poison:
        return Poison("its structure cannot be understood")

    monkeypatch.setattr(quiet.unpacker, "unpack", crashes)
    with capture_logs() as said:
        await quiet.gateway.prepare(job)
    job = await quiet.found(job.id)
    assert (job.state, job.outcome) == (JobState.REJECTED, RefusalCode.MAIL_QUARANTINED)
    kept_as = tmp_path / "spool" / "quarantine" / f"{job.submission.spool_name}.eml"
    assert kept_as.read_bytes() == ORDER
    assert [(line["cause"], line["file"]) for line in said if line["event"] == "alarm"] == [
        ("mail-quarantined", str(kept_as))
    ]
    await quiet.spool.remove([job.submission.spool_name])
    assert kept_as.exists(), "retention does not reach it"


async def test_a_preview_that_no_mail_server_takes_is_the_picture_of_its_first_page(
    quiet: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = ORDER.replace(b"Subject: +375 29 155 44 99", b"Subject: TEST")
    job = await quiet.found(await accepted(quiet, raw=raw))
    await quiet.gateway.prepare(job)
    job = await quiet.found(job.id)
    assert job.document
    with (tmp_path / job.document).open("wb") as file:
        canonical = TiffWriter(file, Resolution.FINE)
        canonical.add(1, b"\x80")
        canonical.finish()
    (reply,) = await quiet.outbox.owed(quiet.clock())
    kinds = []
    for most in (7_000_000, 500, 10):
        monkeypatch.setattr("mail2fax.enclosure.MOST_COPY_BYTES", most)
        copied = await enclosure_of(reply, job, tmp_path)
        kinds.append(copied and copied.kind)
    assert kinds == ["application/pdf", "image/png", None]


async def test_what_was_attached_beside_the_tiff_is_kept_for_the_status_mail(quiet: House) -> None:
    raw = (MAILS / "outlook-signature-picture.eml").read_bytes()
    job = await quiet.found(await accepted(quiet, raw=raw))
    await quiet.gateway.prepare(job)
    assert (await quiet.found(job.id)).ignored == ("image001.png",)


@pytest.mark.parametrize(("wished", "kind"), [(Copy.THUMBNAIL, "image/png"), (Copy.PDF, "application/pdf")])
async def test_who_wishes_a_copy_of_his_fax_gets_it_once_it_was_sent(
    quiet: House, tmp_path: Path, wished: Copy, kind: str
) -> None:
    job = await ready(quiet.jobs)
    assert job.document
    with (tmp_path / job.document).open("wb") as file:
        canonical = TiffWriter(file, Resolution.FINE)
        canonical.add(1, b"\x80")  # one white row in MMR: V0
        canonical.finish()
    await quiet.attempt(job)
    (reply,) = await quiet.outbox.owed(quiet.clock())
    job = await quiet.found(job.id)
    assert await enclosure_of(reply, job, tmp_path) is None, "faxes are private, unless somebody says otherwise"
    curious = replace(job, submission=replace(job.submission, wishes=Wishes(copy=wished)))
    copied = await enclosure_of(reply, curious, tmp_path)
    assert copied
    assert copied.kind == kind
    for nothing in (
        await enclosure_of(replace(reply, kind=ReplyKind.NOTIFY), curious, tmp_path),
        await enclosure_of(reply, replace(curious, state=JobState.FAILED), tmp_path),
        await enclosure_of(reply, replace(curious, document="gone.tif"), tmp_path),
    ):
        assert nothing is None


# Calls


async def test_the_order_says_what_the_trunk_wants_to_hear(quiet: House, tmp_path: Path) -> None:
    assert isinstance(quiet.engine, ScriptedEngine)
    job = await ready(quiet.jobs)
    await quiet.attempt(job)
    (order,) = quiet.engine.dialled
    (cdr,) = await quiet.jobs.attempts_of(job.id)
    assert (order.number, order.call_id, order.pages) == ("00375291554499", cdr.call_id, 2)
    assert order.document_path == str(tmp_path / "mail 1.tif")
    assert (order.caller_id, order.station_id, order.header) == ("200", "+375 17 200", "Example")
    assert order.header_time.utcoffset() == timedelta(hours=3)
    assert (await quiet.found(job.id)).state is JobState.SENT


async def test_a_number_in_the_address_is_dialled_and_its_sub_address_goes_with_the_call(quiet: House) -> None:
    """Two people behind one machine are two orders, though number and document are the same."""
    assert isinstance(quiet.engine, ScriptedEngine)
    raw = ORDER.replace(b"Subject: +375 29 155 44 99", b"Subject: your offer")
    for person in ("12", "13"):
        came_for = replace(arrival(raw, person), recipient=f"fax=+375291554499/t33s={person}@fax.example.com")
        verdict = await quiet.gateway.accept(came_for, await written(quiet.spool, raw))
        assert isinstance(verdict, Accepted)
        await quiet.gateway.prepare(await quiet.found(verdict.job_id))
        await quiet.attempt(await quiet.found(verdict.job_id))
        quiet.clock.advance(timedelta(minutes=1))
    assert [(order.number, order.sub_address) for order in quiet.engine.dialled] == [
        ("00375291554499", "12"),
        ("00375291554499", "13"),
    ]
    assert {order.password for order in quiet.engine.dialled} == {"0815"}, "the trunk has one for the machine, too"


async def test_a_job_that_was_never_prepared_is_not_dialled(quiet: House) -> None:
    job = await quiet.found(await accepted(quiet))
    with pytest.raises(ValueError, match="never prepared"):
        await quiet.attempt(job)
    assert await quiet.jobs.attempts_of(job.id) == ()


async def test_a_number_that_is_engaged_by_us_is_not_dialled(quiet: House) -> None:
    one, two = await ready(quiet.jobs, "mail 1"), await ready(quiet.jobs, "mail 2")
    await quiet.jobs.begin_attempt(one, "call of another gateway")
    await quiet.attempt(two)
    assert isinstance(quiet.engine, ScriptedEngine)
    assert quiet.engine.dialled == []
    assert await quiet.found(two.id) == two


async def test_a_busy_line_is_tried_again_later(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine(otherwise=refused(486, "Busy Here"))) as here:
        job = await ready(here.jobs)
        await here.attempt(job)
        job = await here.found(job.id)
        assert (job.state, job.due_at) == (JobState.SLEEPING, here.clock() + timedelta(minutes=2))


async def test_a_forwarded_number_is_called_at_once_on_the_numbers_that_rules_allow(tmp_path: Path) -> None:
    """A 3xx is followed where the trunk says so, through admission, and only once: two that name each other would
    call for ever."""
    other = "+375291112233"
    engine = ScriptedEngine(
        {"00375291554499": forwards_to("00375291112233"), "00375291112233": forwards_to("+375291554499")}
    )
    async with house(tmp_path, engine) as here:
        job = await ready(here.jobs)
        await here.attempt(job)
        job = await here.found(job.id)
        assert (job.state, job.number, job.forwarded_from) == (JobState.SLEEPING, other, "+375291554499")
        assert (job.due_at, job.outcome) == (here.clock(), OutcomeKind.FORWARDED)
        here.clock.advance(timedelta(seconds=6))
        await here.jobs.wake_due(here.clock())
        await here.attempt(await here.found(job.id))
        job = await here.found(job.id)
        assert (job.state, job.outcome, job.number) == (JobState.FAILED, OutcomeKind.WRONG_NUMBER, other)
        attempts = await here.jobs.attempts_of(job.id)
        assert [each.ended.call.redirected_to for each in attempts if each.ended] == ["00375291112233", "+375291554499"]
        assert attempts[0].cause == "SIP 302 Moved Temporarily · T.30 - · moved to 00375291112233"


@pytest.mark.parametrize("named", ["+79031112233", "112", "anonymous", "+375902123456", "00375291554499"])
async def test_a_redirection_to_what_may_not_be_called_is_not_followed(tmp_path: Path, named: str) -> None:
    """Not abroad, no emergency, no name, no premium number; nor the number itself."""
    async with house(tmp_path, ScriptedEngine(otherwise=forwards_to(named))) as here:
        job = await ready(here.jobs)
        await here.attempt(job)
        job = await here.found(job.id)
        assert (job.state, job.outcome, job.forwarded_from) == (JobState.FAILED, OutcomeKind.WRONG_NUMBER, None)


async def test_a_redirection_is_not_followed_unless_the_trunk_says_so(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine(otherwise=forwards_to("+375291112233"))) as here:
        here.lines.adopt([replace(TRUNKS[0], follow_redirects=False)], most=1)
        job = await ready(here.jobs)
        await here.attempt(job)
        job = await here.found(job.id)
        assert (job.state, job.number, job.forwarded_from) == (JobState.FAILED, "+375291554499", None)


async def test_a_dead_engine_leaves_its_call_in_doubt(tmp_path: Path) -> None:
    async with house(tmp_path, ScriptedEngine(otherwise=engine_dies)) as here:
        job = await ready(here.jobs)
        await here.attempt(job)
        assert (await here.found(job.id)).state is JobState.UNCONFIRMED


async def test_a_call_goes_on_though_its_journal_cannot_be_written(quiet: House) -> None:
    """Trap: hanging up over a full disk loses the fax as well; the end of the call says everything again."""
    quiet.store.fail("record", times=None)
    job = await ready(quiet.jobs)
    await quiet.attempt(job)
    assert (await quiet.found(job.id)).state is JobState.SENT


# Hanging up


async def hung_up(here: House, heard: str) -> JobState:
    """What becomes of a job that is hung up when its journal has the event `heard`."""
    job = await ready(here.jobs)
    attempt = asyncio.create_task(here.attempt(job))
    await here.until_journalled(job.id, heard)
    here.gateway.hang_up(job.id)
    await attempt
    return (await here.found(job.id)).state


async def test_a_call_hung_up_before_the_answer_is_dialled_again(tmp_path: Path) -> None:
    """Trap: a stop of the gateway ended faxes whose calls were only ringing."""
    engine = ScriptedEngine(otherwise=rings_for_ever)
    async with house(tmp_path, engine) as here:
        assert await hung_up(here, "ringing") is JobState.SLEEPING
        assert len(engine.left) == 1
        (woken,) = await here.jobs.wake_due(here.clock())
        attempt = asyncio.create_task(here.attempt(woken))
        await here.store.until_done("record", 2)
        here.gateway.hang_up(woken.id)
        await attempt
        assert len(engine.dialled) == 2


async def test_a_call_hung_up_after_the_answer_is_in_doubt_and_not_dialled_again(tmp_path: Path) -> None:
    """The money rule: what may have been printed is the sender's to judge."""
    engine = ScriptedEngine(otherwise=never_ends)
    async with house(tmp_path, engine) as here:
        assert await hung_up(here, "negotiated") is JobState.UNCONFIRMED
        assert len(engine.left) == 1
        assert await here.jobs.next_ready(9) == ()


async def test_a_call_hung_up_after_the_last_confirmation_is_delivered(tmp_path: Path) -> None:
    """Trap: taken for interrupted, it was faxed once more by its sender."""
    async with house(tmp_path, ScriptedEngine(otherwise=confirmed_and_holds)) as here:
        job = await ready(here.jobs)
        attempt = asyncio.create_task(here.attempt(job))
        await here.store.until_done("record", 5)
        here.gateway.hang_up(job.id)
        await attempt
        assert (await here.found(job.id)).state is JobState.SENT


async def test_a_delivered_call_that_nobody_had_read_to_its_end_is_sent_and_not_dialled_again(tmp_path: Path) -> None:
    """Trap: a call hung up while its delivery still waited in the pipe was taken for cancelled, and faxed twice."""
    engine = FarAheadEngine(delivered)
    async with house(tmp_path, engine) as here:
        here.store.stall("record")
        job = await ready(here.jobs)
        attempt = asyncio.create_task(here.attempt(job))
        await here.store.until_begun("record")
        here.gateway.hang_up(job.id)
        await attempt
        assert (await here.found(job.id)).state is JobState.SENT
        assert len(engine.dialled) == 1


async def test_a_call_whose_attempt_was_cut_off_is_heard_out_for_the_journal(tmp_path: Path) -> None:
    """Trap: the same, when the whole gateway is stopped: what was confirmed must be found by `recover`."""
    engine = FarAheadEngine(delivered)
    async with house(tmp_path, engine) as here:
        here.store.stall("record")
        job = await ready(here.jobs)
        attempt = asyncio.create_task(here.attempt(job))
        await here.store.until_begun("record")
        attempt.cancel()
        await here.store.until_done("record", 5)
        await asyncio.gather(attempt, return_exceptions=True)
        assert [each.state for each in await here.jobs.recover()] == [JobState.SENT]


async def test_a_call_that_is_about_to_begin_when_it_is_hung_up_is_never_dialled(tmp_path: Path) -> None:
    """Trap: hung up while the disk still wrote its attempt down, it was dialled all the same."""
    engine = ScriptedEngine(otherwise=never_ends)
    async with house(tmp_path, engine) as here:
        here.store.stall("begin_attempt")
        job = await ready(here.jobs)
        attempt = asyncio.create_task(here.attempt(job))
        await here.store.until_begun("begin_attempt")
        here.gateway.hang_up(job.id)
        here.store.mend()
        await attempt
        assert engine.dialled == []
        assert (await here.found(job.id)).state is JobState.SLEEPING


async def test_a_call_that_is_about_to_begin_when_its_fax_is_cancelled_is_cancelled_and_not_in_doubt(
    tmp_path: Path,
) -> None:
    """Trap: nothing was dialled, and its sender was told that the fax may have arrived."""
    engine = ScriptedEngine(otherwise=never_ends)
    async with house(tmp_path, engine) as here:
        here.store.stall("begin_attempt")
        job = await ready(here.jobs)
        attempt = asyncio.create_task(here.attempt(job))
        await here.store.until_begun("begin_attempt")
        here.store.stall("cancel")
        cancelling = asyncio.create_task(here.gateway.cancel(job.id, "anna"))
        await here.store.until_begun("cancel")
        here.store.mend()
        await attempt
        assert (await cancelling).state is JobState.CANCELLED
        assert engine.dialled == []
        (cdr,) = await here.jobs.attempts_of(job.id)
        assert cdr.cause == "SIP - · T.30 - · cancelled · hung up before it was dialled"


async def test_having_been_hung_up_too_early_holds_for_one_attempt_only(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with house(tmp_path, engine) as here:
        job = await ready(here.jobs)
        here.gateway.hang_up(job.id)
        await here.attempt(job)
        here.clock.advance(timedelta(seconds=15))
        (woken,) = await here.jobs.wake_due(here.clock())
        await here.attempt(woken)
        assert (await here.found(job.id)).state is JobState.SENT


async def test_a_call_longer_than_any_fax_is_hung_up(tmp_path: Path) -> None:
    engine = ScriptedEngine(otherwise=never_ends)
    async with house(tmp_path, engine, longest_call_s=0.5) as here:
        job = await ready(here.jobs)
        await here.attempt(job)
        assert len(engine.left) == 1
        assert (await here.found(job.id)).state is JobState.UNCONFIRMED


def rings(_order: CallOrder) -> Iterator[CallEvent]:
    yield Dialled()


async def test_a_call_whose_end_is_never_heard_is_in_doubt_even_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: an engine that stopped speaking may have gone on with the call; only a heard end allows another."""
    monkeypatch.setattr(telephone, "HEAR_OUT_S", 0.01)
    async with house(tmp_path, FarAheadEngine(rings, mute=True)) as here:
        assert await hung_up(here, "dialled") is JobState.UNCONFIRMED
        (cdr,) = await here.jobs.attempts_of(1)
        assert cdr.cause == "SIP - · T.30 - · engine · the end of the call was not heard"


async def test_a_call_that_is_hung_up_twice_is_judged_by_what_was_heard(tmp_path: Path) -> None:
    async with house(tmp_path, FarAheadEngine(rings, mute=True)) as here:
        job = await ready(here.jobs)
        attempt = asyncio.create_task(here.attempt(job))
        await here.until_journalled(job.id, "dialled")
        here.gateway.hang_up(job.id)
        await asyncio.sleep(0)
        here.gateway.hang_up(job.id)
        await attempt
        assert (await here.found(job.id)).state is JobState.UNCONFIRMED


# A disk that does not write


@pytest.mark.parametrize("name", ["end_attempt", "circumstances"])
async def test_the_end_of_a_call_is_written_down_later_when_it_cannot_be_now(tmp_path: Path, name: str) -> None:
    """Trap: one failed write left the job `calling` for six hours, and then in doubt; nobody else knew its end."""
    engine = ScriptedEngine(otherwise=refused(486, "Busy Here"))
    async with house(tmp_path, engine) as here:
        here.store.fail(name, times=3)
        job = await ready(here.jobs)
        await here.attempt(job)
        assert (await here.found(job.id)).state is JobState.SLEEPING
        assert len(engine.dialled) == 1


async def test_an_order_that_was_not_taken_is_written_down_later_when_it_cannot_be_now(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    async with house(tmp_path, engine) as here:
        await engine.stop()
        here.store.fail("not_dialled", times=3)
        job = await ready(here.jobs)
        await here.attempt(job)
        job = await here.found(job.id)
        assert (job.state, job.due_at) == (JobState.SLEEPING, here.clock() + timedelta(seconds=15))


async def test_an_attempt_that_could_not_be_written_down_is_not_dialled(quiet: House) -> None:
    """The money rule: first committed, then dialled."""
    quiet.store.fail("begin_attempt")
    job = await ready(quiet.jobs)
    with pytest.raises(StoreError):
        await quiet.attempt(job)
    assert isinstance(quiet.engine, ScriptedEngine)
    assert quiet.engine.dialled == []
    assert await quiet.found(job.id) == job
