"""The files of a domain: each under its own name, whole or not at all, and never another's."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from mail2fax.api.files import FLUSH_BYTES, FileCode, FilesFault, FileStore, NameRefused, Quota, safe_name, stored_path

QUOTA = Quota(total_bytes=1_000_000, files=5, upload_bytes=600_000, reserve_bytes=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    store = FileStore(tmp_path, QUOTA)
    yield store
    store.close()


def put(store: FileStore, name: str, data: bytes, domain: str = "one") -> None:
    upload = store.begin(domain)
    try:
        upload.file(name)
        upload.write(data)
        upload.keep()
    finally:
        upload.discard()


def read(store: FileStore, name: str, domain: str = "one") -> bytes:
    with os.fdopen(store.open(domain, name), "rb") as file:
        return file.read()


def left_over(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("*/data/incoming/*"))


def test_a_file_is_kept_listed_replaced_and_deleted(store: FileStore, tmp_path: Path) -> None:
    put(store, "b.tif", b"old")
    put(store, "а.mp3", b"x")
    put(store, "b.tif", b"new")
    assert store.names("one") == ["b.tif", "а.mp3"]
    assert read(store, "b.tif") == b"new"
    assert (tmp_path / "one/data/tokens/b.tif").read_bytes() == b"new"
    store.delete("one", "b.tif")
    assert store.names("one") == ["а.mp3"]
    assert left_over(tmp_path) == []


def test_who_reads_a_file_reads_it_whole_though_it_is_replaced_or_deleted(store: FileStore) -> None:
    put(store, "a.tif", b"first")
    with os.fdopen(store.open("one", "a.tif"), "rb") as reading:
        put(store, "a.tif", b"second")
        store.delete("one", "a.tif")
        assert reading.read() == b"first"


NAMES = [
    "",
    ".",
    "..",
    "../other/data/tokens/a",
    "/etc/passwd",
    "a/b",
    "a\\b",
    ".hidden",
    "a\0b",
    "a\nb",
    " a",
    "a ",
    "x" * 256,
    "\udcff",
    "a\u202eb",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_to_another_file(store: FileStore, name: str) -> None:
    """Trap: names with a path, the directory itself, characters that only look like nothing."""
    for attempt in (lambda: store.open("one", name), lambda: store.delete("one", name), lambda: put(store, name, b"")):
        with pytest.raises(FilesFault) as refused:
            attempt()
        assert refused.value.code is FileCode.NAME
    with pytest.raises(NameRefused):
        stored_path(Path("/d"), "one", f"tokens/{name}")


def test_a_symbolic_link_leads_nowhere(store: FileStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    store.prepare("one")
    link = tmp_path / "one/data/tokens/link.tif"
    link.symlink_to(secret)
    with pytest.raises(FilesFault, match="not found"):
        store.open("one", "link.tif")
    assert store.names("one") == []
    put(store, "link.tif", b"mine")
    assert (secret.read_text(), read(store, "link.tif")) == ("secret", b"mine")


def test_a_name_has_one_form_however_it_is_typed(store: FileStore) -> None:
    """Trap: macOS sends an accent apart from its letter (NFD)."""
    put(store, "re\u0301sume\u0301.tif", b"x")
    assert store.names("one") == ["r\u00e9sum\u00e9.tif"]
    assert read(store, "r\u00e9sum\u00e9.tif") == b"x"
    assert safe_name("й.tif") == safe_name("и\u0306.tif")


def test_domains_do_not_see_each_other(store: FileStore) -> None:
    put(store, "a.tif", b"x", "one")
    assert store.names("two") == []
    with pytest.raises(FilesFault) as missing:
        store.open("two", "a.tif")
    assert missing.value.code is FileCode.NOT_FOUND


def test_several_files_come_all_or_none(store: FileStore, tmp_path: Path) -> None:
    put(store, "a.tif", b"old")
    upload = store.begin("one")
    upload.file("a.tif")
    upload.write(b"new")
    with pytest.raises(FilesFault):
        upload.file("../b")
    upload.discard()
    assert (read(store, "a.tif"), store.names("one"), left_over(tmp_path)) == (b"old", ["a.tif"], [])


def test_an_upload_that_was_discarded_takes_nothing_more(store: FileStore, tmp_path: Path) -> None:
    """A client that leaves may have a piece on its way to the disk yet."""
    upload = store.begin("one")
    upload.file("a.tif")
    upload.discard()
    with pytest.raises(FilesFault):
        upload.write(b"x" * FLUSH_BYTES)
    with pytest.raises(FilesFault):
        upload.keep()
    assert left_over(tmp_path) == []


def test_too_large_an_upload_and_a_full_quota_are_refused(store: FileStore, tmp_path: Path) -> None:
    with pytest.raises(FilesFault) as large:
        put(store, "a.tif", b"x" * 600_001)
    assert large.value.code is FileCode.TOO_LARGE
    put(store, "a.tif", b"x" * 600_000)
    with pytest.raises(FilesFault) as full:
        put(store, "b.tif", b"x" * 500_000)
    assert full.value.code is FileCode.QUOTA
    for number in range(4):
        put(store, f"{number}", b"")
    with pytest.raises(FilesFault) as many:
        put(store, "5", b"")
    assert many.value.code is FileCode.QUOTA
    put(store, "3", b"another", "one")
    assert left_over(tmp_path) == []


def test_a_file_makes_room_for_the_one_that_takes_its_place(store: FileStore) -> None:
    """The same list every night: 0.6 of 1 MB, and again."""
    for content in (b"1", b"2"):
        put(store, "nightly.tif", content * 600_000)
    assert read(store, "nightly.tif") == b"2" * 600_000
    with pytest.raises(FilesFault):
        store.begin("one").require_room(1_000_001)


def test_of_two_uploads_for_which_there_is_no_room_together_the_first_that_is_there_is_kept(
    store: FileStore, tmp_path: Path
) -> None:
    first, second = store.begin("one"), store.begin("one")
    for name, upload in (("first", first), ("second", second)):
        upload.file(name)
        for _ in range(3):
            upload.write(b"x" * 200_000)
    assert second.keep() == ["second"]
    with pytest.raises(FilesFault) as full:
        first.keep()
    assert full.value.code is FileCode.QUOTA
    first.discard()
    assert store.names("one") == ["second"]
    put(store, "third", b"x" * 400_000)
    assert left_over(tmp_path) == [], "and nothing of the other is counted any more"


def test_a_domain_may_have_a_quota_of_its_own_and_another_after_a_reload(tmp_path: Path) -> None:
    store = FileStore(tmp_path, QUOTA, {"small": replace(QUOTA, total_bytes=1000, files=2)})
    put(store, "first", b"x" * 900, domain="small")
    with pytest.raises(FilesFault) as full:
        put(store, "second", b"x" * 900, domain="small")
    assert full.value.code is FileCode.QUOTA
    with pytest.raises(FilesFault):
        store.begin("small").require_room(1001)
    put(store, "second", b"x" * 900)
    store.adopt({"small": replace(QUOTA, total_bytes=2000, files=2)})
    put(store, "second", b"x" * 900, domain="small")
    with pytest.raises(FilesFault):
        put(store, "third", b"x", domain="small")
    store.adopt({})
    put(store, "third", b"x", domain="small")
    store.close()


def test_what_is_announced_is_nobody_elses_room(tmp_path: Path) -> None:
    """Trap: of four uploads at once with room for two, each got half-way, and none came."""
    numbers = os.statvfs(tmp_path)
    size = numbers.f_frsize * 1000
    left = numbers.f_bavail * numbers.f_frsize - 100 * size
    store = FileStore(tmp_path, Quota(10**12, 5, 10**12, left))
    uploads = [store.begin("one") for _ in range(4)]
    for number, upload in enumerate(uploads):
        upload.file(str(number))
        if number < 2:
            upload.require_room(40 * size)
            upload.write(b"x" * FLUSH_BYTES)
            continue
        with pytest.raises(FilesFault) as full:
            upload.require_room(40 * size)
        assert full.value.code is FileCode.NO_SPACE
    for upload in (uploads[0], *uploads[2:]):
        upload.discard()
    put(store, "another", b"x")
    store.begin("one").require_room(40 * size)
    store.close()


@pytest.mark.parametrize(("size", "kept"), [(10, 5), (260_000, 3)])
def test_uploads_that_end_in_the_same_moment_do_not_exceed_the_quota(
    store: FileStore, tmp_path: Path, size: int, kept: int
) -> None:
    """Trap: each looked before any was there, and all found room."""
    start = Barrier(8)

    def upload(number: int) -> bool:
        start.wait(20)
        try:
            put(store, str(number), b"x" * size)
        except FilesFault:
            return False
        return True

    with ThreadPoolExecutor(8) as clients:
        came = list(clients.map(upload, range(8)))
    assert sum(came) == len(store.names("one")) == kept
    assert left_over(tmp_path) == []


def test_1501_comes_before_the_disk_is_full(tmp_path: Path) -> None:
    """The mails need what is left."""
    numbers = os.statvfs(tmp_path)
    reserve = numbers.f_bavail * numbers.f_frsize * 2
    store = FileStore(tmp_path, Quota(1_000_000, 5, 600_000, reserve))
    with pytest.raises(FilesFault) as full:
        put(store, "a.tif", b"x")
    assert (int(full.value.code), str(full.value)) == (1501, "Not enough free disk space")
    with pytest.raises(FilesFault):
        store.begin("one").require_room(1000)
    assert left_over(tmp_path) == []
    store.close()


def test_a_disk_that_fails_after_the_names_were_given_makes_no_room(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room of such an upload was given back twice, and the next one had more than there is."""

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("mail2fax.api.files.sync_directory", fail)
    with pytest.raises(OSError, match="Input/output error"):
        put(store, "a.tif", b"x" * 600_000)
    monkeypatch.undo()
    upload = store.begin("one")
    upload.require_room(500_000)
    upload.file("b.tif")
    with pytest.raises(FilesFault) as refused:
        upload.write(b"x" * FLUSH_BYTES)
    assert refused.value.code is FileCode.QUOTA
    upload.discard()


def test_what_was_being_uploaded_when_we_were_killed_is_swept(store: FileStore, tmp_path: Path) -> None:
    upload = store.begin("one")
    upload.file("a.tif")
    upload.write(b"x" * FLUSH_BYTES)
    again = FileStore(tmp_path, QUOTA)
    assert (again.sweep(), left_over(tmp_path), again.names("one")) == (1, [], [])
    again.close()
    upload.discard()
