"""The demo's story: the log of both processes as a tale, and the status mails as they arrive."""

import asyncio
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from mail2fax.cli.demo_errors import DemoFailed

Entry = Mapping[str, Any]


def _negotiated(entry: Entry) -> str:
    known = {
        "speaks": {"t38": "T.38", "g711": "fax tones in audio"}.get(entry["media"], str(entry["media"])),
        "rate": f"{entry['rate']} bit/s" if entry.get("rate") else None,
        "ecm": "error correction" if entry.get("ecm") else None,
        "coding": entry.get("coding"),
        "far_id": f'the far end calls itself "{entry["far_id"]}"' if entry.get("far_id") else None,
    }
    return ", ".join(value for value in known.values() if value)


GATEWAY: Mapping[str, Callable[[Entry], str]] = {
    "mail accepted": lambda e: f"a mail from {e['sender']} is safe on disk: job {e['job']}",
    "job refused": lambda e: f"job {e['job']} is refused: {e['reason']}",
    "job ready": lambda e: f"job {e['job']} is a fax of {e['pages']} pages to {e['number']}",
    "dialling": lambda e: f"dials {e['number']} through the trunk",
    "call ringing": lambda e: f"hears it ring ({e['sip']})",
    "call answered": lambda _: "the far end has answered",
    "fax negotiated": _negotiated,
    "page under way": lambda e: f"page {e['page']}" + (f", {e['percent']} %" if e.get("percent") is not None else ""),
    "page confirmed": lambda e: f"page {e['page']} is confirmed by the far end",
    "call ended": lambda e: f"call over: {e['outcome']}, {e['pages']} pages confirmed ({e['cause']})",
    "reply sent": lambda e: f"tells {e['to']}",
}
FAR_END: Mapping[str, Callable[[Entry], str]] = {
    "call comes in": lambda e: f"rings: a call for {e['called']}",
    "page received": lambda e: f"has page {e['page']} on paper",
    "fax received": lambda e: f"has the whole fax, {e['pages']} pages",
    "fax not received whole": lambda e: f"has only {e['pages']} pages",
}
_VOICES = {"gateway": (GATEWAY, "cyan"), "far end": (FAR_END, "magenta")}


class Story:
    """Tells what happens, in the order in which it happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._replies: list[EmailMessage] = []
        self._live = False
        self._quarter: tuple[object, ...] = ()
        self._news = asyncio.Event()

    def hear(self, who: str, entry: Entry) -> None:
        """One log entry of `who` ("gateway" or "far end")."""
        lines, colour = _VOICES[who]
        tell = lines.get(str(entry.get("event")))
        if self._told_enough(entry):
            return
        if tell is not None:
            self._say(who, colour, tell(entry))
        elif entry.get("level") in {"warning", "error", "critical"}:
            self._say(who, "red", " ".join(f"{key}={value}" for key, value in entry.items() if key != "timestamp"))

    def take_reply(self, message: EmailMessage) -> None:
        """A status mail has arrived at the mail server."""
        self._replies.append(message)
        self._news.set()
        if self._live:
            self.print_replies()

    async def until_told(self, replies: int, limit_s: float) -> None:
        """Waits until so many status mails have arrived; raises `DemoFailed` after `limit_s` seconds."""
        try:
            async with asyncio.timeout(limit_s):
                while len(self._replies) < replies:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise DemoFailed(f"only {len(self._replies)} of {replies} status mails came in {limit_s:.0f} s") from None

    def print_replies(self) -> None:
        """Prints the status mails that have arrived and were not printed yet."""
        for message in self._replies:
            title = Text(str(message["Subject"]), "bold")
            body = message.get_body(("plain",))
            told = body.get_content().strip() if body else ""
            text = f"From: {message['From']}\nTo: {message['To']}\n\n{told}"
            self._console.print(Panel(Text(text), title=title, title_align="left", width=100))
        self._replies = []

    def print_replies_as_they_come(self) -> None:
        """From now on each status mail is printed when it arrives."""
        self._live = True

    def _told_enough(self, entry: Entry) -> bool:
        """Of a page's progress each quarter is told."""
        percent = entry.get("percent")
        if percent is None:
            return False
        quarter = (entry["job"], entry["page"], int(percent) // 25)
        told, self._quarter = quarter == self._quarter, quarter
        return told

    def _say(self, who: str, colour: str, words: str) -> None:
        clock = Text(f"  {time.monotonic() - self._begun:6.1f} s  ", "dim")
        self._console.print(clock + Text(f"{who:<8} ", colour) + Text(words), soft_wrap=True)
