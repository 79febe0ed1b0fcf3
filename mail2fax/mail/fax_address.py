"""Addresses that are fax numbers: `FAX=+375291554499@fax.example.com`, with `/T33S=` for a sub-address, and the two
short forms `+375291554499@fax.example.com` and `fax+375291554499@example.com`.

RFC 3191 and 3192, of which we take the numbers that mean the same wherever they are dialled from (global-phone). What
only an exchange could understand (local numbers, tones, pauses, ISDN sub-addresses) is a `Problem`, and never guessed.
"""

import re
from dataclasses import dataclass

from mail2fax.mail.problem import Problem

MAX_SUB_ADDRESS = 20
"""T.30 5.3.6.2.7: SUB has 20 characters."""

_SELECTOR = re.compile(r"FAX=(.*)", re.IGNORECASE | re.DOTALL)
# RFC 3192 2.1: "-" and "." part the digits for the eye; an address book may also have left brackets and spaces.
_GLOBAL = re.compile(r"\+[0-9().\- ]*")
_AFTER_PLUS = re.compile(r"[^+=]+(\+[0-9().-]*[0-9])(/.*)?", re.DOTALL)
_WITH_TONES = re.compile(r"[+0-9().\- #*A-DPW]+", re.IGNORECASE)
_T33S = re.compile(r"T33S=(.*)", re.IGNORECASE | re.DOTALL)
_SUB_ADDRESS = re.compile(rf"[0-9#*]{{1,{MAX_SUB_ADDRESS}}}")

_LOCAL = Problem("its number must be international, with a + in front")
_TONES = Problem("tones and pauses cannot be dialled")
_NO_DIGITS = Problem("there is no number in it")
_SUB_UNFIT = Problem(f"its sub-address must be 1 to {MAX_SUB_ADDRESS} digits")
_QUALIFIED = Problem("nothing but one sub-address (T33S) may follow the number")


@dataclass(frozen=True, slots=True)
class FaxAddress:
    """The number that an address orders: `number` is "+" and digits, `sub_address` is for T.30 SUB ("" is none)."""

    number: str
    sub_address: str = ""


def read_fax_address(address: str) -> FaxAddress | Problem | None:
    """The number in the mail address `address`, None when it is an address like any other.

    Whether the number exists, and whether the address is one of ours, is for others to say.
    """
    # RFC 3191 2: in quotation marks where the syntax of addresses wants it, with a slash in front and behind where a
    # gateway to X.400 does. In a mail's header the case of letters survives, in ours it does not: neither matters.
    local = _without_quotes(address.rpartition("@")[0]).strip("/")
    selected = _SELECTOR.fullmatch(local)
    if selected:
        return _read(selected[1])
    if local.startswith("+"):
        return _read(local)
    behind_our_name = _AFTER_PLUS.fullmatch(local)
    return _read(behind_our_name[1] + (behind_our_name[2] or "")) if behind_our_name else None


def plain_address(address: str) -> str:
    """The fax address `fax@example.com` to which `fax+375291554499@example.com` belongs; "" where no name stands before
    the number."""
    local, _, domain = address.rpartition("@")
    name = "" if _SELECTOR.fullmatch(_without_quotes(local).strip("/")) else local.partition("+")[0]
    return f"{name}@{domain}" if name else ""


def _without_quotes(local: str) -> str:
    return local[1:-1] if len(local) > 1 and local[0] == local[-1] == '"' else local


def _read(text: str) -> FaxAddress | Problem:
    """RFC 3192 2: `global-phone`, and behind a slash the qualifiers."""
    number, *qualifiers = text.split("/")
    if not _GLOBAL.fullmatch(number):
        # RFC 3192 2.1: dialling by tones (DTMF), "p" and "w" for pauses; digits alone are a local number.
        return _TONES if _WITH_TONES.fullmatch(number) and not number.isdigit() else _LOCAL
    digits = re.sub(r"[^0-9]", "", number)
    if not digits:
        return _NO_DIGITS
    if not qualifiers:
        return FaxAddress(f"+{digits}")
    sub_address = _T33S.fullmatch(qualifiers[0])
    if len(qualifiers) > 1 or not sub_address:
        return _QUALIFIED
    return FaxAddress(f"+{digits}", sub_address[1]) if _SUB_ADDRESS.fullmatch(sub_address[1]) else _SUB_UNFIT
