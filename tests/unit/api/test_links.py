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


@pytest.mark.parametrize("fax_id", [1, 63, 64, 65, 10**9])
def test_a_name_leads_to_its_fax_until_thirty_days_after_the_answer(fax_id: int) -> None:
    clock = Clock()
    links = Links(KEY, clock)
    name = links.names("default")(fax_id, False)
    clock.now += LIFETIME - timedelta(seconds=2)
    named = links.read("default", OUTGOING, name)
    assert named
    assert named.fax_id == fax_id
    assert Links(bytes(32), clock).read("default", OUTGOING, name) is None, "another key"
    clock.now += timedelta(seconds=2)
    assert links.read("default", OUTGOING, name) is None


def test_a_name_is_no_other_fax_s_domain_s_or_direction_s() -> None:
    links = Links(KEY, Clock())
    name = links.names("default")
    mine = name(7, False)
    assert len({mine, name(8, False), name(7, True), links.names("tenant")(7, False)}) == 4
    assert links.read("tenant", OUTGOING, mine) is None
    assert links.read("default", INCOMING, mine) is None
    assert links.read("default", INCOMING, name(7, True))


def test_no_part_of_a_name_can_be_changed() -> None:
    links = Links(KEY, Clock())
    mine = links.names("default")(7, False)
    for at, digit in enumerate(mine):
        changed = mine[:at] + ("0" if digit != "0" else "1") + mine[at + 1 :]
        assert links.read("default", OUTGOING, changed) is None
    for strange in ("", mine[:-1], mine + "0", mine.upper(), f" {mine}", "../" + mine, mine.replace("0", "٠")):
        assert links.read("default", OUTGOING, strange) is None
    assert len(mine) > 40, "160 bits of it are our key's"


async def test_the_key_is_made_once_and_stays(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        store = await Store.open(tmp_path / "mail2fax.db")
        keys += [await own_key(store), await own_key(store)]
        await store.close()
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
