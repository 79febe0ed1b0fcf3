"""How calls that come in are taken: by the scripted engine, with real files and a real database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.answering import INTERRUPTED, WRITE_AGAIN, Answering, AnsweringSettings
from mail2fax.document.received import part_of
from mail2fax.engine.scripted import Hold, ScriptedEngine, ScriptedIncoming, Step
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.jobs.incoming_rows import incoming_fax
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallEnded,
    CallEvent,
    CallResult,
    EndedBy,
    FaxFault,
    FaxResult,
    Media,
    Negotiated,
    PageConfirmed,
    PageRecord,
    PageState,
)
from mail2fax.model.domain import Terminal
from mail2fax.model.incoming import Heard, Inbox, IncomingEvent, IncomingFax, IncomingState, damaged_path, incoming_path
from mail2fax.store import Store
from tests.harness.documents import assert_received, write_fax_tiff

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
OURS, CALLER, READER = "375172001500", "+375293334455", "reader@example.com"
INBOX = Inbox("default", Terminal("mail2fax", "+375 17", "", number=f"+{OURS}"), READER)
BOUND = replace(INBOX, terminal=replace(INBOX.terminal, trunks=("provider",)))
SETTINGS = AnsweringSettings({OURS: INBOX, "100": replace(INBOX, deliver_to=""), "200": BOUND}, 2, 0.0, 60.0)
TOLD = Negotiated(Media.T38, 14_400, True, resolution="204x196", far_id="+375 29 333 44 55")


class Call(ScriptedIncoming):
    """A call whose pages are on the disk as soon as it is answered."""

    def __init__(self, called: str, pages: int, steps: Iterable[Step], *trunks: str) -> None:
        super().__init__(called, CALLER, steps, asyncio.Event())
        self.trunks = trunks
        self.ordered: AnswerOrder | None = None
        self.rejectable = asyncio.Event()
        self.rejectable.set()
        self._pages = pages

    async def reject(self, sip_code: int) -> None:
        await self.rejectable.wait()
        await super().reject(sip_code)

    @asynccontextmanager
    async def answer(self, order: AnswerOrder) -> AsyncIterator[AsyncIterator[CallEvent]]:
        self.ordered = order
        if self._pages:
            write_fax_tiff(Path(order.document_path), self._pages)
        async with super().answer(order) as events:
            yield events


class Exchange(ScriptedEngine):
    def come(self, call: Call) -> Call:
        self._ringing.put(call)
        return call


def whole(pages: int) -> list[Step]:
    confirmed = [PageConfirmed(page, last=page == pages) for page in range(1, pages + 1)]
    fax = FaxResult(FaxFault.NONE, 0, "OK", 0, pages, True, TOLD.far_id, 14_400, True)
    return [Answered(), TOLD, *confirmed, CallEnded(CallResult(EndedBy.FAR_END, 200, "OK"), Media.T38, fax)]


class Stage:
    """The desk with an engine that rings, over `store`."""

    def __init__(self, store: Store, domains: Path) -> None:
        self.engine, self.domains, self.store = Exchange(), domains, store
        self.faxes = IncomingFaxes(store, lambda: NOW, "fax.example.com")
        self.free = True
        self.nudges = 0
        self.alarms = Alarms(store, lambda: NOW, "fax.example.com", mailed=True)
        self.answering = Answering(
            self.engine, self.faxes, domains, SETTINGS, self.alarms, lambda: NOW, self.has_room, self.nudge
        )

    async def has_room(self) -> bool:
        return self.free

    def nudge(self) -> None:
        self.nudges += 1

    async def all(self) -> Sequence[IncomingFax]:
        wanted = {"domain": "default", "after": 0, "limit": 100}
        rows = await self.store.read(lambda session: session.all("droppable_incoming", **wanted))  # type: ignore[arg-type] # mixed
        return [incoming_fax(row) for row in rows] + [mail.fax for mail in await self.faxes.owed(NOW)]

    async def over(self) -> IncomingFax:
        """The one fax, once it is over."""
        await until(lambda: self.nudges > 0)
        (fax,) = await self.all()
        return fax

    def path(self, fax: IncomingFax) -> Path:
        return incoming_path(self.domains, fax.domain, fax.file)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - threads are at work, and tell nobody
            await asyncio.sleep(0.005)


@asynccontextmanager
async def open_stage(directory: Path) -> AsyncIterator[Stage]:
    store = await Store.open(directory / "mail2fax.db")
    stage = Stage(store, directory / "domains")
    taking = asyncio.create_task(stage.answering.run())
    try:
        yield stage
    finally:
        await stage.engine.stop()
        await asyncio.wait_for(taking, 20)
        await store.close()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as opened:
        yield opened


async def test_a_fax_that_is_confirmed_to_its_end_is_complete_and_owed_to_its_reader(stage: Stage) -> None:
    call = stage.engine.come(Call(f"+{OURS}", 2, whole(2)))
    fax = await stage.over()
    assert (fax.state, fax.pages, fax.caller, fax.heard.far_id) == (IncomingState.COMPLETE, 2, CALLER, TOLD.far_id)
    assert fax.heard.resolution == TOLD.resolution
    assert_received(stage.path(fax), 2)
    assert not part_of(stage.path(fax)).exists()
    (mail,) = await stage.faxes.owed(NOW)
    assert (mail.fax, mail.to) == (fax, READER)
    assert call.ordered
    assert call.ordered.station_id == "+375 17"


async def test_a_call_that_is_cut_leaves_its_confirmed_pages_as_partial(stage: Stage) -> None:
    stage.engine.come(Call(OURS, 1, [Answered(), TOLD, PageConfirmed(1, last=False)]))
    fax = await stage.over()
    assert (fax.state, fax.pages) == (IncomingState.PARTIAL, 1)
    assert len(await stage.faxes.owed(NOW)) == 1


async def test_pages_that_are_not_on_the_disk_do_not_count_whatever_the_call_says(stage: Stage) -> None:
    stage.engine.come(Call(OURS, 1, whole(2)))
    fax = await stage.over()
    assert fax.state is IncomingState.PARTIAL
    assert [alarm.cause for alarm in await stage.alarms.owed(NOW)] == [AlarmCause.FAX_DAMAGED]
    assert damaged_path(stage.path(fax)).exists()


@pytest.mark.parametrize("ends_by_itself", [True, False])
async def test_a_fax_that_went_on_without_a_page_is_partial_whatever_came_last(
    stage: Stage, ends_by_itself: bool
) -> None:
    """Page 2 of 3 was refused, and the sender did not heed it. An engine that dies then tells what was confirmed."""
    steps = whole(2)
    end = steps.pop()
    assert isinstance(end, CallEnded)
    states = [PageState.CONFIRMED, PageState.REFUSED, PageState.CONFIRMED]
    pages = tuple(PageRecord(number, state) for number, state in enumerate(states, 1))
    steps[-1] = PageConfirmed(3, last=True)
    ending = [replace(end, fax=replace(end.fax, pages=pages))] if ends_by_itself else []
    stage.engine.come(Call(OURS, 2, [*steps, *ending]))
    fax = await stage.over()
    assert (fax.state, fax.pages, fax.heard.missing) == (IncomingState.PARTIAL, 2, (2,))
    assert fax.cause == "not to be read, and not sent again: page 2"


async def test_a_last_page_that_was_refused_and_did_not_come_again_is_missing(stage: Stage) -> None:
    *_, end = whole(1)
    assert isinstance(end, CallEnded)
    pages = (PageRecord(1, PageState.CONFIRMED), PageRecord(2, PageState.REFUSED, repeats=1))
    ended = replace(end, fax=replace(end.fax, last_confirmed=False, pages=pages))
    stage.engine.come(Call(OURS, 1, [Answered(), TOLD, PageConfirmed(1, last=False), ended]))
    fax = await stage.over()
    assert (fax.state, fax.heard.missing, fax.heard.last_confirmed) == (IncomingState.PARTIAL, (2,), False)


async def test_rows_that_could_not_be_read_are_counted_over_all_pages(stage: Stage) -> None:
    pages = [PageConfirmed(1, last=False, bad_rows=3), PageConfirmed(2, last=True, bad_rows=4)]
    stage.engine.come(Call(OURS, 2, [Answered(), TOLD, *pages, *whole(2)[-1:]]))
    assert (await stage.over()).heard.bad_rows == 7


async def test_a_call_without_a_page_has_failed_and_nobody_is_mailed(stage: Stage) -> None:
    stage.engine.come(Call(OURS, 0, [Answered(), TOLD]))
    fax = await stage.over()
    assert (fax.state, fax.pages) == (IncomingState.FAILED, 0)
    assert await stage.faxes.owed(NOW) == ()


async def test_what_was_confirmed_and_is_no_page_on_the_disk_is_kept_as_it_is_and_a_person_is_called(
    stage: Stage,
) -> None:
    fax = await stage.faxes.begin(INBOX, call_id="cut", trunk="", caller=CALLER, called=OURS)
    await stage.faxes.note(fax, Heard(3, last_confirmed=True))
    part = part_of(stage.path(fax))
    part.parent.mkdir(parents=True)
    part.write_bytes(b"spoiled by the disk")
    await stage.answering.recover()
    (ended,) = await stage.all()
    assert (ended.state, ended.pages) == (IncomingState.FAILED, 0)
    assert damaged_path(stage.path(fax)).read_bytes() == b"spoiled by the disk"
    (alarm,) = await stage.alarms.owed(NOW)
    assert (alarm.cause, alarm.facts["confirmed"], alarm.facts["pages"]) == (AlarmCause.FAX_DAMAGED, "3", "0")
    (mail,) = await stage.faxes.owed(NOW)
    assert (mail.to, mail.fax) == (READER, ended), "its reader is told to ask for it again"


async def test_a_fax_whose_end_the_disk_does_not_take_holds_no_line_and_is_written_down_later(stage: Stage) -> None:
    """Storage that is away: neither the other callers nor our start may wait for it."""
    call = stage.engine.come(Call(OURS, 1, [Answered(), TOLD, PageConfirmed(1, last=True), Hold()]))
    await until(lambda: call.ordered is not None)
    async with asyncio.timeout(20):
        while not (await stage.faxes.under_way())[0].heard.confirmed:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.005)
    away = stage.domains.rename(stage.domains.with_name("away"))
    call._stopped.set()
    await until(lambda: not stage.answering._calls)
    assert not stage.answering._on_line
    assert [alarm.cause for alarm in await stage.alarms.owed(NOW)] == [AlarmCause.FAX_NOT_ENDED]
    assert await stage.answering.write_ends() == NOW + WRITE_AGAIN
    again = Answering(
        stage.engine, stage.faxes, stage.domains, SETTINGS, stage.alarms, lambda: NOW, stage.has_room, stage.nudge
    )
    await again.recover()
    assert len(await stage.faxes.under_way()) == 1, "and our next start comes about"
    away.rename(stage.domains)
    assert await stage.answering.write_ends() is None
    assert (await stage.over()).pages == 1


async def test_callers_who_are_turned_away_hold_no_line(stage: Stage) -> None:
    taken = stage.engine.come(Call(OURS, 0, [Answered(), Hold()]))
    await until(lambda: taken.ordered is not None)
    strangers = [Call("375999", 0, []) for _ in range(3)]
    for stranger in strangers:
        stranger.rejectable.clear()
        stage.engine.come(stranger)
    await until(lambda: len(stage.answering._calls) == 4)
    second = stage.engine.come(Call(OURS, 0, [Answered(), Hold()]))
    await until(lambda: second.ordered is not None or second.rejected_with is not None)
    assert second.rejected_with is None
    for each in strangers:
        each.rejectable.set()
    for each in (taken, second):
        each._stopped.set()


async def test_a_caller_who_gives_up_before_the_answer_leaves_nothing(stage: Stage) -> None:
    call = stage.engine.come(Call(OURS, 0, []))
    await until(lambda: call.ordered is not None and not stage.answering._calls)
    assert await stage.all() == []


async def test_a_number_without_a_reader_keeps_its_faxes_and_mails_none(stage: Stage) -> None:
    stage.engine.come(Call("00100", 1, whole(1)))
    assert (await stage.over()).state is IncomingState.COMPLETE
    assert await stage.faxes.owed(NOW) == ()


async def test_only_our_numbers_are_answered_and_only_over_their_trunks(stage: Stage) -> None:
    strange = stage.engine.come(Call("375999", 1, whole(1)))
    elsewhere = stage.engine.come(Call("200", 1, whole(1), "other"))
    await until(lambda: None not in {strange.rejected_with, elsewhere.rejected_with})
    assert (strange.rejected_with, elsewhere.rejected_with) == (404, 404)
    stage.engine.come(Call("200", 1, whole(1), "second", "provider"))
    assert (await stage.over()).trunk == "provider"


async def test_the_number_that_was_meant_comes_before_the_account_that_was_called(stage: Stage) -> None:
    """Providers write our Contact into the Request-URI: all numbers of the account went to one mailbox."""
    call = Call("200", 1, whole(1), "provider")
    call.meant = ("+375 17 nobody", f"+{OURS}")
    stage.engine.come(call)
    assert (await stage.over()).called == f"+{OURS}"
    foreign = Call("200", 1, whole(1), "provider")
    foreign.meant = ("375999",)
    stage.nudges = 0
    stage.engine.come(foreign)
    await until(lambda: stage.nudges > 0)
    assert [fax.called for fax in await stage.all()] == [f"+{OURS}", "200"]


async def test_when_all_lines_are_taken_or_the_disk_is_full_callers_hear_so(stage: Stage) -> None:
    first, second = (stage.engine.come(Call(OURS, 0, [Answered(), Hold()])) for _ in range(2))
    await until(lambda: None not in {first.ordered, second.ordered})
    third = stage.engine.come(Call(OURS, 1, whole(1)))
    await until(lambda: third.rejected_with is not None)
    assert third.rejected_with == 486
    first._stopped.set()
    await stage.over()
    stage.free = False
    fourth = stage.engine.come(Call(OURS, 1, whole(1)))
    await until(lambda: fourth.rejected_with is not None)
    assert fourth.rejected_with == 480
    second._stopped.set()


async def test_a_gateway_that_stops_waits_for_faxes_and_hangs_up_only_when_it_takes_too_long(stage: Stage) -> None:
    call = stage.engine.come(Call(OURS, 1, [Answered(), PageConfirmed(1, last=False), Hold()]))
    await until(lambda: call.ordered is not None)
    await until(lambda: any(task is not None for task in stage.answering._calls.values()))
    await stage.answering.finish(0.2, asyncio.Event())
    assert (await stage.over()).state is IncomingState.PARTIAL
    late = stage.engine.come(Call(OURS, 1, whole(1)))
    await until(lambda: late.rejected_with is not None)
    assert late.rejected_with == 480


@pytest.mark.parametrize(
    ("pages", "heard", "renamed", "state"),
    [
        (1, Heard(1, last_confirmed=False), False, IncomingState.PARTIAL),
        (2, Heard(2, last_confirmed=True), False, IncomingState.COMPLETE),
        (2, Heard(2, last_confirmed=True), True, IncomingState.COMPLETE),
        (2, Heard(2, last_confirmed=True, missing=(2, 4)), True, IncomingState.PARTIAL),
        (0, Heard(), False, IncomingState.FAILED),
    ],
)
async def test_what_was_being_received_when_we_were_killed_is_judged_at_the_next_start(
    stage: Stage, pages: int, heard: Heard, renamed: bool, state: IncomingState
) -> None:
    """The kill may have come before the file had its name, or after it and before the row knew."""
    fax = await stage.faxes.begin(INBOX, call_id="cut", trunk="", caller=CALLER, called=OURS)
    await stage.faxes.note(fax, heard)
    path = stage.path(fax) if renamed else part_of(stage.path(fax))
    path.parent.mkdir(parents=True)
    if pages:
        write_fax_tiff(path, pages)
    await stage.answering.recover()
    (ended,) = await stage.all()
    assert (ended.state, ended.pages, ended.cause, ended.heard) == (state, pages, INTERRUPTED, heard)
    assert len(await stage.faxes.owed(NOW)) == (pages > 0)
    await stage.answering.recover()
    assert await stage.all() == [ended], "and only once"
    again = await stage.faxes.end(fax, IncomingEvent.BROUGHT_NOTHING, 0, Heard(), "later")
    assert again == ended
