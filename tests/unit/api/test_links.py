"""Names of documents: only ours count, each for one fax of one domain, and for thirty days."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mail2fax.api.links import INCOMING, LIFETIME, OUTGOING, Links, own_key
from mail2fax.store import Store

KEY = bytes(range(32))


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def name_of(links: Links, domain: str, fax_id: int, *, incoming: bool = False) -> str:
    """The name that an answer of now gives a fax."""
    fax = fax_id + (1 << 47 if incoming else 0)
    told = links.fill(domain, "out/", "in/")([b"text", f"{fax:012x} and more".encode()])
    begin, folder, proof, end = (piece.decode() for piece in told)
    kind, _, until = folder.partition("/")
    assert (begin, kind) == ("text", "in" if incoming else "out")
    return until + proof + end.removesuffix(" and more")


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
    found = [piece.decode() for piece in links.fill("default", "", "")([b"", *(b"%012x" % fax for fax in faxes)])]
    names = list(map("".join, zip(found[1::3], found[2::3], found[3::3], strict=True)))
    for fax, name in zip(faxes, names, strict=True):
        named = links.read("default", INCOMING if fax >> 47 else OUTGOING, name)
        assert named
        assert named.fax_id == fax & 0xFFFF
    assert len({name[:50] for name in names}) == len(set(faxes))


async def test_the_key_is_made_once_and_stays(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        store = await Store.open(tmp_path / "mail2fax.db")
        keys += [await own_key(store), await own_key(store)]
        await store.close()
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
