import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from mail2fax.store import Session, Store, StoreClosed, StoreConflict, StoreError, StoreLocked, StoreUnfit
from tests.unit.store.made import adding, killed, known_mails


async def test_what_is_written_can_be_read_at_once(store: Store) -> None:
    await store.write(adding("one"))
    assert await store.read(known_mails) == {"one"}


async def test_what_is_written_can_be_read_at_once_after_a_restart_too(path: Path) -> None:
    for key in ("first run", "second run"):
        store = await Store.open(path)
        await store.write(adding(key))
        assert key in await store.read(known_mails)
        await store.close()


async def test_a_write_survives_a_crash_right_after_it_returned(store: Store, path: Path, tmp_path: Path) -> None:
    await store.write(adding("answered 250"))
    restarted = await Store.open(killed(path, tmp_path / "after the crash"))
    assert await restarted.read(known_mails) == {"answered 250"}
    await restarted.close()


async def test_closing_folds_the_log_into_the_database_and_leaves_one_file_and_the_lock(path: Path) -> None:
    store = await Store.open(path)
    await store.write(adding("one"))
    await store.close()
    assert {file.name for file in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


async def test_a_closed_store_says_so_and_closing_twice_does_no_harm(path: Path) -> None:
    store = await Store.open(path)
    await store.close()
    await store.close()
    with pytest.raises(StoreClosed):
        await store.write(adding("late"))
    with pytest.raises(StoreClosed):
        await store.read(known_mails)


async def test_all_work_is_done_by_one_thread_that_is_not_the_loops(store: Store) -> None:
    """Trap: a connection shared by threads gives "no such savepoint" although the rows were committed."""
    threads = await asyncio.gather(*(store.write(lambda _: threading.get_ident()) for _ in range(20)))
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


async def test_many_writes_at_once_are_all_done_and_each_once(store: Store) -> None:
    """Trap: three threads on one connection lost 4 of 600 answers; here nobody may."""
    ids = await asyncio.gather(*(store.write(adding(f"mail {number}")) for number in range(300)))
    assert len(set(ids)) == 300
    assert len(await store.read(known_mails)) == 300


async def test_work_that_fails_takes_only_itself_back(store: Store) -> None:
    """The three share one commit: the middle one has written before it fails."""

    def failing(session: Session) -> None:
        adding("withdrawn")(session)
        raise LookupError("thought better of it")

    results = await asyncio.gather(
        store.write(adding("before")), store.write(failing), store.write(adding("after")), return_exceptions=True
    )
    assert isinstance(results[1], LookupError)
    assert await store.read(known_mails) == {"before", "after"}


async def test_a_broken_rule_of_the_schema_comes_in_our_own_words(store: Store) -> None:
    await store.write(adding("one"))
    with pytest.raises(StoreConflict) as caught:
        await store.write(adding("one"))
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


async def test_when_sqlite_rolls_back_everything_every_waiting_caller_hears_of_it(store: Store, path: Path) -> None:
    """Trap: a full disk or an I/O error ends the whole transaction, savepoints and neighbours included."""
    with sqlite3.connect(path) as beside:
        beside.execute(
            "CREATE TRIGGER disk BEFORE INSERT ON jobs WHEN new.source_key = 'poison' "
            "BEGIN SELECT raise(ROLLBACK, 'the disk is gone'); END"
        )
    beside.close()
    results = await asyncio.gather(
        *(store.write(adding(key)) for key in ("one", "poison", "two")), return_exceptions=True
    )
    told_done = {key for key, result in zip(("one", "poison", "two"), results, strict=True) if isinstance(result, int)}
    assert all(isinstance(result, int | StoreError) for result in results)
    assert await store.read(known_mails) == told_done
    assert "poison" not in told_done
    await store.write(adding("later"))


async def test_the_lock_is_taken_before_anything_is_read(store: Store, path: Path) -> None:
    """Trap: with BEGIN (DEFERRED), reading first and then writing fails at once when another one has written."""
    beside = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)

    def reads_then_writes(session: Session) -> int:
        known_mails(session)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            beside.execute("BEGIN IMMEDIATE")
        return adding("mine")(session)

    assert await store.write(reads_then_writes) == 1
    beside.close()


async def test_what_was_handed_over_is_done_even_when_its_caller_is_cancelled(store: Store) -> None:
    handed_over, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> int:
        handed_over.set()
        assert go_on.wait(10)
        return adding("cancelled, but done")(session)

    caller = asyncio.create_task(store.write(slow))
    await asyncio.to_thread(handed_over.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await store.write(adding("next"))
    assert await store.read(known_mails) == {"cancelled, but done", "next"}


async def test_closing_finishes_what_was_handed_over(path: Path) -> None:
    store = await Store.open(path)
    writes = [asyncio.create_task(store.write(adding(f"mail {number}"))) for number in range(20)]
    await asyncio.sleep(0)  # every task hands its work over
    await store.close()
    assert len(await asyncio.gather(*writes)) == 20


async def test_a_second_daemon_is_turned_away_and_the_first_goes_on(store: Store, path: Path) -> None:
    with pytest.raises(StoreLocked):
        await Store.open(path)
    await store.write(adding("undisturbed"))


async def test_a_store_that_could_not_be_opened_leaves_no_lock_behind(not_a_database: Path) -> None:
    for _ in range(2):
        with pytest.raises(StoreUnfit):
            await Store.open(not_a_database)


async def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnfit, match=r"Is a directory.*/busy\.lock"):
        await Store.open(busy_name(tmp_path))


def busy_name(folder: Path) -> Path:
    """A database whose lock file cannot be made: a directory has its name."""
    (folder / "busy.lock").mkdir()
    return folder / "busy"


async def test_a_missing_data_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnfit, match="nowhere"):
        await Store.open(tmp_path / "nowhere" / "mail2fax.db")
