"""What happens to a fax, told on the terminal: one line for each entry of the journal, or one JSON object."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from mail2fax.jobs.plain import Plain, plain_entry
from mail2fax.jobs.rows import JournalEntry
from mail2fax.model.job import JobState

STATE_STYLES: Mapping[str, str] = {
    JobState.SENT: "green",
    JobState.FAILED: "red",
    JobState.REJECTED: "yellow",
    JobState.CANCELLED: "yellow",
    JobState.UNCONFIRMED: "bold magenta",
}
UNDER_WAY_STYLE = "cyan"

Facts = Mapping[str, Any]


def _because(facts: Facts) -> str:
    return f": {facts['cause']}" if facts.get("cause") else ""


def _otherwise(facts: Facts) -> str:
    return f", with {facts['next_call']}" if facts.get("next_call") else ""


def _negotiated(facts: Facts) -> str:
    rate = f", {facts['bit_rate']} bit/s" if facts.get("bit_rate") else ""
    far_id = f', the far end is "{facts["far_id"]}"' if facts.get("far_id") else ""
    return f"fax connected: {facts.get('media')}{rate}{far_id}"


def _again(facts: Facts) -> str:
    """How often all or part of a page was asked for again, and what a receiver had to guess of it."""
    repeats, rows = facts.get("repeats"), facts.get("bad_rows")
    times = "once" if repeats == 1 else f"{repeats} times"
    return (f", asked for again {times}" if repeats else "") + (f", {rows} rows damaged" if rows else "")


def _on_the_phone(facts: Facts) -> str:
    """How long the call is likely to take."""
    seconds = facts.get("phone_s")
    return f", about {seconds} s on the phone" if seconds else ""


_WORDS: Mapping[str, Callable[[Facts], str]] = {
    "received": lambda f: f"received from {f.get('sender')} by {f.get('door')}",
    "prepared": lambda f: f"ready: {f.get('pages')} pages for {f.get('number')}{_on_the_phone(f)}",
    "refused": lambda f: f"refused: {f.get('outcome')}",
    "dialling": lambda _: "dialling",
    "dialled": lambda _: "the trunk has the call",
    "ringing": lambda f: f"ringing ({f.get('sip_code')})",
    "answered": lambda _: "answered",
    "negotiated": _negotiated,
    "page-confirmed": lambda f: f"page {f.get('page')} confirmed{_again(f)}",
    "page-refused": lambda f: f"page {f.get('page')} arrived, but could not be read there{_again(f)}",
    "page-unconfirmed": lambda f: f"page {f.get('page')} went out whole and was never confirmed{_again(f)}",
    "page-cut": lambda f: f"page {f.get('page')} did not go out whole{_again(f)}",
    "far-machine": lambda f: f"the far machine calls itself {f.get('name')}",
    "not-dialled": lambda f: f"not dialled{_because(f)}",
    "delivered": lambda _: "delivered: every page is confirmed",
    "postponed": lambda f: f"{f.get('outcome')}{_because(f)}; next call {f.get('due_at')}{_otherwise(f)}",
    "gave-up": lambda f: f"failed, {f.get('outcome')}{_because(f)}",
    "doubted": lambda f: f"may have arrived, but it is not confirmed{_because(f)}",
    "woke": lambda _: "ready for the next call",
    "cancelled": lambda _: "cancelled",
    "expired": lambda _: "failed: the time allowed for it is over",
    "cancel-asked": lambda f: f"{f.get('by')} cancels it",
    "held": lambda f: f"{f.get('by')} holds it: it is not dialled until it is released",
    "released": lambda f: f"{f.get('by')} releases it",
    "retry-asked": lambda f: (
        f"{f.get('by')} has it tried again" + (f" as job {f['new_job']}" if "new_job" in f else "")
    ),
    "retry-of": lambda f: f"{f.get('by')} has job {f.get('old_job')} tried again",
}


class Teller:
    """Tells entries as they come. `with_job` names the job on each line."""

    def __init__(self, console: Console, zone: ZoneInfo, *, as_json: bool, with_job: bool = True) -> None:
        self._console = console
        self._zone = zone
        self._as_json = as_json
        self._with_job = with_job

    def tell(self, entry: JournalEntry) -> None:
        """One entry on one line."""
        if self._as_json:
            print_json(plain_entry(entry))
            return
        clock = Text(f"{moment(entry.at, self._zone)}  ", "dim")
        job = Text(f"job {entry.job_id:<5} " if self._with_job else "", "bold")
        call = Text(f"call {entry.attempt}  " if entry.attempt else "", "dim")
        self._console.print(clock + job + call + Text(words_of(entry), _style(entry)), soft_wrap=True)


def print_json(value: Plain) -> None:
    """One JSON object on one line of standard output."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A moment as people read it, in `zone`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """`text` without what moves the cursor or rings the bell: some of it comes from the network."""
    return "".join(character if character.isprintable() else "�" for character in text)


def words_of(entry: JournalEntry) -> str:
    words = _WORDS.get(entry.event)
    return printable(words(entry.facts) if words else f"{entry.event} {dict(entry.facts)}")


def _style(entry: JournalEntry) -> str:
    state = entry.facts.get("state")
    return STATE_STYLES.get(str(state), UNDER_WAY_STYLE) if state else ""
