"""The words for whose fax it is: a domain is a tenant, a terminal is a number of ours with its identification."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STATION_ID_LENGTH = 20
"""T.30 5.3.6.2.4-6: CSI, TSI and CIG have 20 characters."""

DEFAULT = "default"
"""The name of the domain, and of the terminal, that everything belongs to which names no other."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A number of ours: `caller_id` for SIP, `station_id` (TSI, at most 20 characters), `header` text.

    `name` is what rules, jobs and the API call it; `number` (E.164, "" when it has none) is what others dial. `trunks`
    names those that its calls may go over; with none, any may carry them.
    """

    caller_id: str
    station_id: str
    header: str
    name: str = DEFAULT
    number: str = ""
    trunks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tenant:
    """One domain with its terminals, by name; `terminal` is that of who names none."""

    name: str
    terminal: Terminal
    terminals: Mapping[str, Terminal] = field(default_factory=dict)

    def terminal_of(self, word: str) -> Terminal | None:
        """The terminal that a program means by its name, its number (with or without the plus) or its caller ID."""
        digits = word.removeprefix("+")
        for terminal in self.terminals.values():
            known = {terminal.number.removeprefix("+"), terminal.caller_id.removeprefix("+")}
            if word == terminal.name or (digits and digits in known):
                return terminal
        return None
