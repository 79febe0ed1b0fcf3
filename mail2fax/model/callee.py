"""Whose number a call is for. A fax is never brought to a guess: the wrong people would read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mail2fax.model.incoming import Inbox, digits_of


class NotOurs(StrEnum):
    """Why a call is for nobody: what to configure where it should be for somebody."""

    UNKNOWN = "no terminal has this number: it may stand in number or dialled_as of one"
    OTHER_TRUNK = "its terminal names other trunks than the one that the call came by"
    NO_NUMBER = (
        "it names none of our numbers, and its trunk reaches several terminals, or none: dial a number, or name \
the account in dialled_as of one"
    )


@dataclass(frozen=True, slots=True)
class Found:
    """Whose a call is, by which of our numbers, and the trunk that it counts as."""

    inbox: Inbox
    called: str
    trunk: str


def find_inbox(
    called: str,
    meant: Sequence[str],
    trunks: Sequence[str],
    inboxes: Mapping[str, Inbox],
    accounts: Mapping[str, str],
) -> Found | NotOurs:
    """Whose number was called, over one of `trunks`: see `IncomingCall`. `inboxes` are our numbers as `digits_of` has
    them, `accounts` the names that trunks know us by.

    The number that was meant comes before the account that it was called by. Who calls the account alone, or this
    machine without a name, is for the only terminal that there is to be reached.
    """
    for number in (*meant, called):
        if inbox := inboxes.get(digits_of(number)):
            return _over(inbox, number, trunks) or NotOurs.OTHER_TRUNK
    ours = {digits_of(accounts.get(trunk, "")) for trunk in trunks} - {""}
    if any(digits_of(name) not in ours for name in (*meant, called) if name):
        return NotOurs.UNKNOWN
    every = dict.fromkeys(inboxes.values())
    within_reach = [found for inbox in every if (found := _over(inbox, called or inbox.terminal.number, trunks))]
    return within_reach[0] if len(within_reach) == 1 else NotOurs.NO_NUMBER


def _over(inbox: Inbox, called: str, trunks: Sequence[str]) -> Found | None:
    """A terminal that has trunks of its own is not to be reached by another."""
    own = inbox.terminal.trunks
    fitting = [trunk for trunk in trunks if not own or trunk in own]
    return Found(inbox, called, next(iter(fitting), "")) if fitting or not trunks else None
