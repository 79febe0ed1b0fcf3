"""For which fax address a mail in a mailbox came, by the header that the mailbox was told to go by."""

from collections.abc import Iterable

from mail2fax.mail.fax_address import FaxAddress, plain_address, read_fax_address
from mail2fax.mail.header import Header
from mail2fax.mail.recipients import addresses_in
from mail2fax.model.refusal import Refusal, RefusalCode

WRITTEN_BY_SENDERS = frozenset({"to", "cc"})


def addressee(header: Header | None, name: str, ours: str) -> str | Refusal:
    """The address that is a number and stands in the field `name` (lower case); `ours` is the mailbox's, if none does.

    Of a field that servers write the topmost counts: that is the last server's own. Of To and Cc all do. Only addresses
    at the domain of `ours` are looked at, and the number must be one.
    """
    if not header or not name:
        return ours
    values = [value for each in _fields(name) for value in header.all(each)]
    looked_at = values if name in WRITTEN_BY_SENDERS else values[:1]
    addresses = (address for value in looked_at for address in addresses_in(value))
    found = {str(read_fax_address(address)): address for address in addresses if _is_number(address, ours)}
    if len(found) > 1:
        return Refusal(RefusalCode.ADDRESS_SEVERAL, {"numbers": ", ".join(sorted(map(_shown, found.values())))})
    return next(iter(found.values()), ours)


def _fields(name: str) -> Iterable[str]:
    return ("to", "cc") if name in WRITTEN_BY_SENDERS else (name,)


def _is_number(address: str, ours: str) -> bool:
    if address == ours or read_fax_address(address) is None:
        return False
    plain = plain_address(address)
    return plain == ours if plain else address.rpartition("@")[2] == ours.rpartition("@")[2]


def _shown(address: str) -> str:
    number = read_fax_address(address)
    if isinstance(number, FaxAddress):
        return f"{number.number}/T33S={number.sub_address}" if number.sub_address else number.number
    return address
