"""Names of documents: only ours count, each for one fax of one domain, and for thirty days."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mail2fax.api.links import INCOMING, LIFETIME, OUTGOING, Links, own_key
from mail2fax.api.links._names import ffi, lib
from mail2fax.store import Store

KEY = bytes(range(32))


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def written(links: Links, domain: str, *faxes: int) -> list[str]:
    """An answer of now with these faxes, a line each."""
    fill = links.fill(domain, "out/", "in/")
    return bytes(fill(b"".join(b"\x1d%012x\n" % fax for fax in faxes))).decode().splitlines()


def name_of(links: Links, domain: str, fax_id: int, *, incoming: bool = False) -> str:
    """The name that an answer of now gives a fax."""
    [url] = written(links, domain, fax_id + (1 << 47 if incoming else 0))
    kind, _, name = url.partition("/")
    assert kind == ("in" if incoming else "out")
    return name


@pytest.mark.parametrize("fax_id", [1, 63, 64, 65, 10**9])
def test_a_name_leads_to_its_fax_until_thirty_days_after_the_answer(fax_id: int) -> None:
    clock = Clock()
    links = Links(KEY, clock)
    name = name_of(links, "default", fax_id)
    clock.now += LIFETIME - timedelta(seconds=2)
    named = links.read("default", OUTGOING, name)
    assert named
    assert named.fax_id == fax_id
    assert Links(bytes(32), clock).read("default", OUTGOING, name) is None, "another key"
    clock.now += timedelta(seconds=2)
    assert links.read("default", OUTGOING, name) is None


def test_a_name_is_no_other_fax_s_domain_s_or_direction_s() -> None:
    links = Links(KEY, Clock())
    mine, come = name_of(links, "default", 7), name_of(links, "default", 7, incoming=True)
    assert len({mine[10:], come[10:], name_of(links, "default", 8)[10:], name_of(links, "tenant", 7)[10:]}) == 4
    assert mine[:50] + come[50:] != come, "the proof is another, too"
    assert links.read("tenant", OUTGOING, mine) is None
    assert links.read("default", INCOMING, mine) is None
    assert links.read("default", INCOMING, come)
    assert links.read("default", OUTGOING, come) is None


def test_no_part_of_a_name_can_be_changed() -> None:
    links = Links(KEY, Clock())
    mine = name_of(links, "default", 7)
    for at, digit in enumerate(mine):
        changed = mine[:at] + ("0" if digit != "0" else "1") + mine[at + 1 :]
        assert links.read("default", OUTGOING, changed) is None
    for strange in ("", mine[:-1], mine + "0", mine.upper(), f" {mine}", "../" + mine, mine.replace("0", "٠")):
        assert links.read("default", OUTGOING, strange) is None
    assert len(mine) > 40, "160 bits of it are our key's"


def test_the_names_of_an_answer_are_all_their_own_in_whatever_order_its_faxes_come() -> None:
    links = Links(KEY, Clock())
    faxes = [*range(60, 70), 5, 1 << 47 | 5, 64, 6, 7, 9, 8, 6, *range(100, 200)]
    names = [url.partition("/")[2] for url in written(links, "default", *faxes)]
    for fax, name in zip(faxes, names, strict=True):
        named = links.read("default", INCOMING if fax >> 47 else OUTGOING, name)
        assert named
        assert named.fax_id == fax & 0xFFFF
    assert len({name[:50] for name in names}) == len(set(faxes))


def test_the_text_around_the_names_stays() -> None:
    fill = Links(KEY, Clock()).fill("default", "out/", "in/")
    texts = [b"", b"no fax at all", "before Ж\x1d00000000000a.tiff, and\0behind".encode(), b"\x1d00000000000a"]
    for text in texts:
        name = bytes(fill(b"\x1d00000000000a")).removesuffix(b"00000000000a")
        assert bytes(fill(text)) == text.replace(b"\x1d", name)


@pytest.mark.parametrize(
    "text", [b"\x1d", b"a\x1d00000000000", b"\x1d00000000000a\x1d0000000000A1", b"\x1d 0000000001a"]
)
def test_a_mark_without_a_fax_behind_it_is_a_fault(text: bytes) -> None:
    with pytest.raises(ValueError, match="no fax behind it"):
        Links(KEY, Clock()).fill("default", "out/", "in/")(text)


def test_nothing_is_read_or_written_beyond_what_was_given() -> None:
    """The proofs are fewer than the text wants, or there is no room for the answer."""
    text, folder, block = b"\x1d%012x \x1d%012x" % (1, 64), b"f", b"p" * 64 * 40
    blocks, out = ffi.new("uint64_t[]", 2), bytearray(len(text) + 2 * 41)

    def write(proofs: bytes, room: int) -> int:
        source, urls, made = (ffi.from_buffer("char[]", piece) for piece in (text, folder, proofs))
        target = ffi.from_buffer("char[]", out)
        return lib.names_write(source, len(text), urls, 1, urls, 1, made, len(proofs), target, room)

    assert lib.names_blocks(ffi.from_buffer("char[]", text), len(text), blocks, 1) == -1
    assert lib.names_blocks(ffi.from_buffer("char[]", text), len(text), blocks, 2) == 2
    whole = len(text) - 2 + 2 * 41
    assert write(2 * block, whole) == whole
    assert write((2 * block)[:-1], whole) == -1
    for room in range(whole):
        out[:] = b"\0" * len(out)
        assert write(2 * block, room) == -1
        assert not any(out[room:])


async def test_the_key_is_made_once_and_stays(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        store = await Store.open(tmp_path / "mail2fax.db")
        keys += [await own_key(store), await own_key(store)]
        await store.close()
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
