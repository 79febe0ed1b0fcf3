"""The spool: what is kept is durable, in the order that makes it so; what fails is gone."""

import asyncio
import errno
import hashlib
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mail2fax.store.errors import StoreError, StoreFull
from mail2fax.store.spool import FLUSH_BYTES, RealFiles, Spool, SpoolError, SpoolFile, SpoolFull, Swept


class RecordingFiles(RealFiles):
    """The real filesystem, with a record of what was asked of it, and faults on demand."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.faults: dict[str, int] = {}
        self.at_fsync: Callable[[], object] = bool

    def create(self, path: Path) -> int:
        self._note("create", path.parent.name)
        return super().create(path)

    def write(self, descriptor: int, data: bytes) -> None:
        self._note("write")
        super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        self._note("fsync")
        self.at_fsync()
        super().fsync(descriptor)

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._note("close")

    def rename(self, source: Path, target: Path) -> None:
        self._note("rename", f"{source.parent.name} to {target.parent.name}")
        super().rename(source, target)

    def fsync_directory(self, path: Path) -> None:
        self._note("fsync-directory", path.name)
        super().fsync_directory(path)

    def unlink(self, path: Path) -> None:
        self._note("unlink", path.parent.name)
        super().unlink(path)

    def free_bytes(self, path: Path) -> int:
        self._note("free-bytes")
        return super().free_bytes(path)

    def _note(self, call: str, where: str = "") -> None:
        self.asked.append(f"{call} {where}".strip())
        if call in self.faults:
            raise OSError(self.faults[call], "as ordered")


@pytest.fixture
def files() -> RecordingFiles:
    return RecordingFiles()


@pytest.fixture
async def spool(tmp_path: Path, files: RecordingFiles) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path / "spool", files)
    files.asked.clear()
    yield spool
    spool.close()


async def kept(spool: Spool, content: bytes) -> str:
    file = spool.create()
    await file.write(content)
    return await file.keep()


def lying_in(spool: Spool) -> list[str]:
    """Everything on disk, as "room/name"."""
    home = spool.path("0" * 32).parent.parent
    return sorted(f"{path.parent.name}/{path.name}" for path in home.glob("*/*"))


async def test_a_kept_mail_is_read_back_byte_for_byte(spool: Spool) -> None:
    content = bytes(range(256)) * 3000
    file = spool.create()
    for start in range(0, len(content), 10_000):
        await file.write(content[start : start + 10_000])
    name = await file.keep()
    assert await spool.read(name) == content
    assert spool.path(name).read_bytes() == content
    assert (file.size, file.sha256, file.kept) == (len(content), hashlib.sha256(content).hexdigest(), True)


async def test_keep_syncs_the_file_then_renames_it_then_syncs_the_directory(
    spool: Spool, files: RecordingFiles
) -> None:
    """Trap: kill -9 does not test the page cache; the order of the calls is what power loss depends on."""
    await kept(spool, b"mail")
    assert files.asked == ["create tmp", "write", "fsync", "close", "rename tmp to new", "fsync-directory new"]


async def test_the_directories_are_durable_before_the_first_mail(tmp_path: Path, files: RecordingFiles) -> None:
    Spool(tmp_path / "spool", files).close()
    assert files.asked == ["fsync-directory spool"]


async def test_a_small_mail_waits_in_memory_and_a_large_one_goes_to_disk_in_pieces(
    spool: Spool, files: RecordingFiles
) -> None:
    file = spool.create()
    await file.write(b"x" * (FLUSH_BYTES - 1))
    assert files.asked == []
    await file.write(b"x")
    await file.write(b"x" * 10)
    assert files.asked == ["create tmp", "write"]
    await file.discard()


async def test_only_we_may_read_what_lies_in_the_spool(spool: Spool) -> None:
    path = spool.path(await kept(spool, b"mail"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_an_empty_mail_can_be_kept(spool: Spool) -> None:
    assert await spool.read(await spool.create().keep()) == b""


@pytest.mark.parametrize("written", [0, 10, FLUSH_BYTES])
async def test_a_discarded_mail_leaves_nothing(spool: Spool, written: int) -> None:
    file = spool.create()
    await file.write(b"x" * written)
    await file.discard()
    assert lying_in(spool) == []


async def test_a_mail_that_was_already_kept_can_still_be_discarded(spool: Spool) -> None:
    """A mail that comes twice is kept, found to be known, and deleted: one copy is enough."""
    file = spool.create()
    await file.keep()
    await file.discard()
    assert lying_in(spool) == []
    assert not file.kept


async def test_discarding_twice_does_no_harm(spool: Spool) -> None:
    file = spool.create()
    await file.write(b"x" * FLUSH_BYTES)
    await file.discard()
    await file.discard()
    assert lying_in(spool) == []


@pytest.mark.parametrize("call", ["create", "write", "fsync", "close", "rename", "fsync-directory"])
async def test_a_mail_whose_keeping_fails_is_gone_and_never_kept(
    spool: Spool, files: RecordingFiles, call: str
) -> None:
    files.faults[call] = errno.EIO
    file = spool.create()
    await file.write(b"mail")
    with pytest.raises(SpoolError):
        await file.keep()
    assert not file.kept
    assert lying_in(spool) == []


async def test_a_failed_fsync_is_never_repeated(spool: Spool, files: RecordingFiles) -> None:
    """Trap fsyncgate: after a failed fsync the kernel forgets the pages, and the next fsync says that all is well."""
    files.faults["fsync"] = errno.EIO
    file = spool.create()
    with pytest.raises(SpoolError):
        await file.keep()
    files.faults.clear()
    with pytest.raises(SpoolError):
        await file.keep()
    assert files.asked.count("fsync") == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_is_told_apart_from_a_broken_one(spool: Spool, files: RecordingFiles, number: int) -> None:
    files.faults["write"] = number
    with pytest.raises(SpoolFull) as caught:
        await spool.create().write(b"x" * FLUSH_BYTES)
    assert isinstance(caught.value, StoreFull)
    files.faults["write"] = errno.EIO
    with pytest.raises(SpoolError) as caught_too:
        await spool.create().write(b"x" * FLUSH_BYTES)
    assert isinstance(caught_too.value, StoreError)
    assert not isinstance(caught_too.value, StoreFull)


async def test_a_full_disk_gets_its_space_back_at_once(spool: Spool, files: RecordingFiles) -> None:
    file = spool.create()
    await file.write(b"x" * FLUSH_BYTES)
    files.faults["write"] = errno.ENOSPC
    with pytest.raises(SpoolFull):
        await file.write(b"x" * FLUSH_BYTES)
    assert lying_in(spool) == []
    files.faults.clear()
    with pytest.raises(SpoolError):
        await file.write(b"x" * FLUSH_BYTES)
    assert lying_in(spool) == []


async def test_no_other_file_is_ever_overwritten_or_deleted(
    spool: Spool, files: RecordingFiles, tmp_path: Path
) -> None:
    file = spool.create()
    foreign = tmp_path / "spool" / "tmp" / file.name
    foreign.write_bytes(b"foreign")
    with pytest.raises(SpoolError):
        await file.keep()
    assert foreign.read_bytes() == b"foreign"


async def test_a_file_that_cannot_be_deleted_is_left_for_the_sweep(spool: Spool, files: RecordingFiles) -> None:
    file = spool.create()
    await file.write(b"x" * FLUSH_BYTES)
    files.faults["unlink"] = errno.EIO
    await file.discard()
    assert lying_in(spool) == [f"tmp/{file.name}"]
    files.faults.clear()
    assert (await spool.sweep([])).unfinished == {file.name}
    assert lying_in(spool) == []


async def test_a_mail_that_is_discarded_while_it_is_written_is_gone(spool: Spool, files: RecordingFiles) -> None:
    """Trap: a client leaves in mid mail; the piece that is on its way to the disk must not make the file anew."""
    for _ in range(50):
        file = spool.create()
        writing = asyncio.create_task(file.write(b"x" * FLUSH_BYTES))
        await asyncio.sleep(0)
        await file.discard()
        await asyncio.gather(writing, return_exceptions=True)
    assert lying_in(spool) == []


async def test_mails_wait_for_the_disk_together(spool: Spool, files: RecordingFiles) -> None:
    """Trap: fsync by fsync the disk takes a few hundred mails a second at most; it could take several at once."""
    together = threading.Barrier(2, timeout=10)
    files.at_fsync = together.wait
    one, other = spool.create(), spool.create()
    await asyncio.gather(one.keep(), other.keep())
    assert lying_in(spool) == sorted([f"new/{one.name}", f"new/{other.name}"])


async def test_the_sweep_deletes_what_nobody_was_told_about_and_reports_what_is_missing(spool: Spool) -> None:
    """After a crash: tmp/* was never accepted, new/* without a row neither, and a row without a file is an alarm."""
    with_row, without_row, lost = await kept(spool, b"1"), await kept(spool, b"2"), "f" * 32
    unfinished = spool.create()
    await unfinished.write(b"x" * FLUSH_BYTES)
    swept = await spool.sweep({with_row, lost})
    assert swept == Swept(frozenset({unfinished.name}), frozenset({without_row}), frozenset({lost}))
    assert lying_in(spool) == [f"new/{with_row}"]


async def test_the_sweep_leaves_files_alone_that_are_not_mails_of_ours(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "spool" / "new" / "notes.txt").write_text("by a person")
    await spool.sweep([])
    assert lying_in(spool) == ["new/notes.txt"]


@pytest.mark.parametrize("name", ["", "../tmp/x", "/etc/passwd", "0" * 31, "0" * 32 + "/..", "0" * 32 + "\n"])
async def test_no_name_leads_out_of_the_spool(spool: Spool, name: str) -> None:
    with pytest.raises(ValueError, match="not a spool name"):
        spool.path(name)


async def test_reading_a_mail_that_is_not_there_is_an_error_of_ours(spool: Spool) -> None:
    with pytest.raises(SpoolError):
        await spool.read("0" * 32)


async def test_free_space_is_what_the_filesystem_says(spool: Spool, files: RecordingFiles) -> None:
    assert await spool.free_bytes() > 0
    files.faults["free-bytes"] = errno.EIO
    with pytest.raises(SpoolError):
        await spool.free_bytes()


async def test_a_place_that_cannot_be_a_spool_is_an_error_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file, not a directory")
    with pytest.raises(SpoolError):
        Spool(tmp_path / "spool")


async def test_each_mail_has_a_name_of_its_own(spool: Spool) -> None:
    files: list[SpoolFile] = [spool.create() for _ in range(10)]
    assert len({file.name for file in files}) == 10
