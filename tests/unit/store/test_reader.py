import asyncio
import threading
from pathlib import Path

import pytest

from mail2fax.store import Reader, Session, Store, StoreClosed, StoreError, StoreUnfit
from tests.unit.store.made import adding, killed, known_mails


async def test_a_reader_needs_no_lock_and_sees_what_the_daemon_commits(store: Store, path: Path) -> None:
    reader = await Reader.open(path)
    await store.write(adding("one"))
    assert await reader.read(known_mails) == {"one"}
    await reader.close()


async def test_a_reader_works_when_the_daemon_is_down(path: Path) -> None:
    store = await Store.open(path)
    await store.write(adding("one"))
    await store.close()
    reader = await Reader.open(path)
    assert await reader.read(known_mails) == {"one"}
    await reader.close()


async def test_a_reader_works_after_a_crash_and_sees_what_was_committed(
    store: Store, path: Path, tmp_path: Path
) -> None:
    await store.write(adding("answered 250"))
    reader = await Reader.open(killed(path, tmp_path / "after the crash"))
    assert await reader.read(known_mails) == {"answered 250"}
    await reader.close()


async def test_one_question_sees_one_unchanging_view(store: Store, path: Path) -> None:
    """What `show` prints of a job and of its journal belongs together."""
    reader = await Reader.open(path)

    def twice(session: Session) -> tuple[set[str], set[str]]:
        before = known_mails(session)
        written.set()
        assert seen.wait(10)
        return before, known_mails(session)

    written, seen = threading.Event(), threading.Event()
    asked = asyncio.create_task(reader.read(twice))
    await asyncio.to_thread(written.wait, 10)
    await store.write(adding("meanwhile"))
    seen.set()
    assert await asked == (set(), set())
    await reader.close()


async def test_a_question_that_takes_long_holds_up_no_other(store: Store) -> None:
    """A year of history, and whether a token is good: the second is answered in the middle of the first."""
    answered = threading.Event()
    long = asyncio.create_task(store.read(lambda _: answered.wait(10)))
    await asyncio.sleep(0)
    await store.write(adding("meanwhile"))
    for _ in range(3):
        assert await store.read(known_mails) == {"meanwhile"}
    answered.set()
    assert await long


async def test_a_question_that_wants_to_write_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.read(adding("by the back door"))


async def test_a_reader_without_a_database_says_so(path: Path) -> None:
    with pytest.raises(StoreUnfit):
        await Reader.open(path)


async def test_a_closed_reader_says_so(store: Store, path: Path) -> None:
    reader = await Reader.open(path)
    await reader.close()
    with pytest.raises(StoreClosed):
        await reader.read(known_mails)
