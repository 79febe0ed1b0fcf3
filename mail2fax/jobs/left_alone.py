"""The mails in mailboxes that we leave where they are: too many that are too old, for a person to look at.

Remembered for good. A mailbox with a year of faxes must cost no look at each of them after every start, and when a
person has thrown most of them away, the rest must not be answered.
"""

import json
from collections.abc import Callable, Collection
from datetime import datetime

from mail2fax.store import Store


class LeftAlone:
    """Whatever was left alone, by the keys that the doors give. Every method may raise `StoreError`."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def add(self, keys: Collection[str]) -> None:
        """These are left alone from now on."""
        given, now = json.dumps(list(keys)), self._now()
        await self._store.write(lambda session: session.change("leave_alone", source_keys=given, now=now))

    async def among(self, keys: Collection[str]) -> frozenset[str]:
        """Those of `keys` that are left alone."""
        given = json.dumps(list(keys))
        return await self._store.read(
            lambda session: frozenset(row["source_key"] for row in session.all("left_alone", source_keys=given))
        )
