"""What is over is forgotten after its time; what is not, or was not told yet, never."""

import asyncio
import uuid
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs, Outbox
from mail2fax.jobs.retention import BATCH, KeepFor, Purged, Retention
from mail2fax.jobs.sources import CONTENT
from mail2fax.model.document import standard_name
from mail2fax.model.job import Job
from mail2fax.model.mail import Door
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store import Store
from mail2fax.store.spool import Spool
from tests.unit.jobs.made import NUMBER, START, delivered, end, submission

DAY = timedelta(days=1)
EVER = START + 9999 * DAY
KEEP = KeepFor(mails=30 * DAY, documents=40 * DAY, journal=365 * DAY)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool")
    yield opened
    opened.close()


class House:
    """Makes jobs with their mail and their document on the disk."""

    def __init__(self, jobs: Jobs, outbox: Outbox, spool: Spool, documents: Path) -> None:
        self._jobs, self._outbox, self._spool, self._documents = jobs, outbox, spool, documents
        self._mails = documents.parent / "spool" / "new"

    async def received(self, key: str = "mail 1", *, named: bool = True) -> Job:
        file = self._spool.create()
        await file.write(b"From: anna@example.com\r\n\r\n")
        mail = replace(submission(key), spool_name=await file.keep())
        receipt = await self._jobs.receive(mail if named else replace(mail, message_id=None))
        return await self.again(receipt.job_id)

    async def ready(self, key: str = "mail 1", *, named: bool = True) -> Job:
        job = await self.received(key, named=named)
        document = f"{job.uuid}.tif"
        (self._documents / document).write_bytes(b"II*\0")
        await self._jobs.claim_content(job, f"content of {key}")
        return await self._jobs.prepared(job, NUMBER, document, pages=2)

    async def sent(self, key: str = "mail 1", *, named: bool = True) -> Job:
        attempt = await self._jobs.begin_attempt(await self.ready(key, named=named), f"call of {key}")
        assert attempt is not None
        return await end(self._jobs, attempt, delivered())

    async def tell(self) -> None:
        for reply in await self._outbox.owed(EVER, limit=1000):
            await self._outbox.sent(reply)

    async def again(self, job_id: int) -> Job:
        job = await self._jobs.find(job_id)
        assert job is not None
        return job

    def on_disk(self) -> tuple[int, int]:
        """How many mails and documents there are."""
        return len(list(self._mails.iterdir())), len(list(self._documents.iterdir()))


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    directory = tmp_path / "documents"
    directory.mkdir()
    return directory


@pytest.fixture
def house(jobs: Jobs, outbox: Outbox, spool: Spool, documents: Path) -> House:
    return House(jobs, outbox, spool, documents)


@pytest.fixture
def retention(store: Store, spool: Spool, documents: Path) -> Retention:
    return Retention(store, spool, documents, documents, KEEP)


async def test_each_kind_goes_after_its_own_time(jobs: Jobs, house: House, retention: Retention) -> None:
    job = await house.sent()
    await house.tell()
    assert await retention.purge(START + 30 * DAY) == Purged()
    assert await retention.purge(START + 31 * DAY) == Purged(mails=1)
    assert house.on_disk() == (0, 1)
    assert await retention.purge(START + 41 * DAY) == Purged(documents=1)
    assert house.on_disk() == (0, 0)
    assert [attempt.outcome for attempt in await jobs.attempts_of(job.id)] == ["delivered"]
    assert await retention.purge(START + 366 * DAY) == Purged(jobs=1)
    assert await jobs.find(job.id) is None
    assert await jobs.attempts_of(job.id) == ()
    assert await jobs.journal_of(job.id) == ()


class SlowSpool(Spool):
    """Removes nothing before `gate` is open."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    async def remove(self, names: Collection[str]) -> None:
        self.asked.set()
        await self.gate.wait()
        await super().remove(names)


async def test_who_is_stopped_while_he_forgets_leaves_no_file_without_a_row(
    house: House, store: Store, documents: Path, tmp_path: Path
) -> None:
    """Trap: the rows had forgotten their mails, we were stopped, and the mails lay there until the next start."""
    await house.sent()
    await house.tell()
    slow = SlowSpool(tmp_path / "spool")
    purging = asyncio.create_task(Retention(store, slow, documents, documents, KEEP).purge(START + 31 * DAY))
    await slow.asked.wait()
    purging.cancel()
    await asyncio.sleep(0)
    slow.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await purging
    slow.close()
    assert house.on_disk() == (0, 1)


async def test_the_rendition_in_standard_resolution_goes_with_its_document(
    house: House, retention: Retention, documents: Path
) -> None:
    job = await house.sent()
    assert job.document
    (documents / standard_name(job.document)).write_bytes(b"standard")
    await house.tell()
    await retention.purge(START + 41 * DAY)
    assert house.on_disk() == (0, 0)


async def test_a_rendition_whose_document_has_no_job_is_swept_and_another_stays(
    house: House, retention: Retention, documents: Path
) -> None:
    """A crash between the two renames leaves the standard rendition alone."""
    job = await house.ready()
    assert job.document
    kept, left = standard_name(job.document), standard_name(f"{uuid.uuid4()}.tif")
    for name in (kept, left):
        (documents / name).write_bytes(b"standard")
    assert await retention.sweep() == 1
    assert house.on_disk() == (1, 2)
    assert (documents / kept).exists()


async def test_a_job_that_is_not_final_is_never_forgotten(house: House, retention: Retention) -> None:
    await house.received("one")
    await house.ready("two")
    assert await retention.purge(EVER) == Purged()
    assert house.on_disk() == (2, 1)


async def test_a_job_whose_reply_is_owed_is_never_forgotten(house: House, retention: Retention) -> None:
    await house.sent()
    assert await retention.purge(EVER) == Purged()
    await house.tell()
    assert await retention.purge(EVER) == Purged(mails=1, documents=1, jobs=1)


async def test_what_is_forgotten_is_not_missed_at_the_next_start(
    jobs: Jobs, house: House, spool: Spool, retention: Retention
) -> None:
    await house.sent()
    await house.tell()
    await retention.purge(START + 41 * DAY)
    swept = await spool.sweep(await jobs.spool_names())
    assert (swept.missing, swept.unowned) == (frozenset(), frozenset())


async def test_a_delivered_fax_is_known_for_good_and_not_only_as_long_as_its_journal(
    jobs: Jobs, house: House, retention: Retention
) -> None:
    """Trap: a mailbox that is rebuilt a year later must not dial a year of faxes."""
    job = await house.sent()
    await house.tell()
    await retention.purge(EVER)
    again = await jobs.receive(submission())
    assert (again.job_id, again.new) == (job.id, False)
    other = await house.received("another way")
    assert await jobs.claim_content(other, "content of mail 1") == job.id


async def test_keys_that_would_stop_nothing_go_with_their_job(
    store: Store, jobs: Jobs, house: House, retention: Retention
) -> None:
    await house.sent("nameless", named=False)
    await jobs.refused(await house.received("refused"), Refusal(RefusalCode.NUMBER_MISSING))
    await house.tell()
    await retention.purge(EVER)
    for kind, key in (("smtp", "nameless"), (CONTENT, "content of nameless"), ("smtp", "refused")):
        values = {"domain": "default", "kind": kind, "source_key": key}
        assert await store.read(lambda session, values=values: session.one("find_source", **values)) is None  # type: ignore[misc] # bound as a default
    assert (await jobs.receive(submission("refused"))).new


async def test_the_place_of_a_mail_in_a_mailbox_outlives_its_job(
    jobs: Jobs, house: House, retention: Retention
) -> None:
    """Trap: a mail that was left on the server is there for longer than we remember its fax, which has failed."""
    mail = replace(submission("pop3:fax/mail.example.com/1"), door=Door.POP3, copy_key="its bytes", spool_name="0" * 32)
    job = await house.again((await jobs.receive(mail)).job_id)
    await jobs.refused(job, Refusal(RefusalCode.NUMBER_MISSING))
    await house.tell()
    await retention.purge(EVER)
    assert await jobs.find(job.id) is None
    assert await jobs.known(Door.POP3, [mail.source_key]) == {mail.source_key: None}
    assert not (await jobs.receive(replace(mail, source_key="pop3:fax/mail.example.com/2"))).new


async def test_the_number_of_a_forgotten_job_is_never_used_again(
    jobs: Jobs, house: House, retention: Retention
) -> None:
    job = await house.sent()
    await house.tell()
    await retention.purge(EVER)
    assert (await house.received("next")).id > job.id


async def test_forgetting_goes_in_batches(jobs: Jobs, house: House, retention: Retention) -> None:
    for number in range(BATCH + 1):
        await jobs.refused(await house.received(f"mail {number}"), Refusal(RefusalCode.NUMBER_MISSING))
    await house.tell()
    await house.tell()
    first, second = await retention.purge(EVER), await retention.purge(EVER)
    assert (first.mails, first.more) == (BATCH, True)
    assert (second.mails, second.more) == (1, False)


async def test_a_file_that_is_gone_already_is_no_trouble(house: House, documents: Path, retention: Retention) -> None:
    job = await house.sent()
    await house.tell()
    (documents / str(job.document)).unlink()
    assert (await retention.purge(EVER)).documents == 1


async def test_documents_that_no_job_has_are_swept_away_at_the_start(
    house: House, documents: Path, retention: Retention
) -> None:
    """A crash can come between the row that forgets and the file that is deleted."""
    await house.ready()
    (documents / f"{uuid.uuid4()}.tif").write_bytes(b"II*\0")
    (documents / "notes.txt").write_text("not ours")
    assert await retention.sweep() == 1
    assert house.on_disk()[1] == 2


async def test_of_many_documents_each_that_has_a_job_stays(
    house: House, documents: Path, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked up some at a time: a start must not read every fax that ever was."""
    monkeypatch.setattr("mail2fax.jobs.retention.LOOKED_UP_AT_ONCE", 2)
    kept = {str((await house.ready(f"mail {number}")).document) for number in range(5)}
    for _ in range(4):
        (documents / f"{uuid.uuid4()}.tif").write_bytes(b"II*\0")
    assert await retention.sweep() == 4
    assert all((documents / name).exists() for name in kept)
    assert house.on_disk()[1] == 5


async def test_a_document_that_was_being_rendered_when_we_were_killed_is_swept_away(
    house: House, documents: Path, retention: Retention
) -> None:
    """Trap: its temporary name stayed for good when its job was cancelled or refused after the restart."""
    await house.ready()
    (documents / f".{uuid.uuid4()}.tif.rendering").write_bytes(b"II*\0")
    (documents / ".notes.tif.rendering").write_text("not ours")
    assert await retention.sweep() == 1
    assert house.on_disk()[1] == 2
