"""Mails that are left where they are stay so, whoever starts us again."""

from mail2fax.jobs.left_alone import LeftAlone
from mail2fax.store import Store
from tests.unit.jobs.made import Clock


async def test_what_was_left_alone_is_known_for_good_and_nothing_else(store: Store, clock: Clock) -> None:
    aside = LeftAlone(store, clock)
    await aside.add(["imap:a/1", "imap:a/2"])
    await aside.add(["imap:a/2", "pop3:b/1", "pop3:b/1"])
    assert await LeftAlone(store, clock).among(["imap:a/1", "imap:a/3", "pop3:b/1"]) == {"imap:a/1", "pop3:b/1"}
    assert await aside.among([]) == frozenset()


async def test_ten_thousand_at_once_are_no_trouble(store: Store, clock: Clock) -> None:
    keys = [f"imap:fax@mail.example.com/INBOX/1/{uid}" for uid in range(10_000)]
    aside = LeftAlone(store, clock)
    await aside.add(keys)
    assert len(await aside.among([*keys, "imap:new"])) == 10_000
