"""The door that opens outwards: we fetch mails from mailboxes, each in a task of its own."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from mail2fax.ingest.collector import Collector, Desk
from mail2fax.ingest.imap import ImapMailbox
from mail2fax.ingest.mailbox import Limits, Mailbox, MailboxSettings
from mail2fax.ingest.pop3 import Pop3Mailbox
from mail2fax.store.spool import Spool

log = structlog.get_logger(__name__)

KINDS: Mapping[str, Callable[[MailboxSettings], Mailbox]] = {"imap": ImapMailbox, "pop3": Pop3Mailbox}


@dataclass(frozen=True, slots=True)
class MailboxesSettings:
    """The mailboxes, and what holds for all of them."""

    mailboxes: tuple[MailboxSettings, ...]
    limits: Limits


@dataclass(frozen=True, slots=True)
class _Running:
    settings: MailboxSettings
    collector: Collector
    task: asyncio.Task[None]


class MailboxDoor:
    """Collects from every mailbox, from `start` to `stop`."""

    def __init__(self, spool: Spool, desk: Desk, now: Callable[[], datetime]) -> None:
        self._spool = spool
        self._desk = desk
        self._now = now
        self._running: dict[str, _Running] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def adopt(self, settings: MailboxesSettings) -> None:
        """Collects from these from now on. A mailbox that has not changed does not notice."""
        wanted = {mailbox.name: mailbox for mailbox in settings.mailboxes}
        for name, running in tuple(self._running.items()):
            if wanted.get(name) == running.settings:
                running.collector.adopt(settings.limits)
                continue
            del self._running[name]
            self._end(running)
        for name, mailbox in wanted.items():
            if name not in self._running:
                self._running[name] = self._begin(mailbox, settings.limits)

    async def stop(self) -> None:
        """Fetches nothing more; a mail that is being committed is committed first."""
        for running in self._running.values():
            self._end(running)
        self._running.clear()
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))

    def _begin(self, settings: MailboxSettings, limits: Limits) -> _Running:
        collector = Collector(settings, limits, KINDS[settings.protocol](settings), self._spool, self._desk, self._now)
        return _Running(settings, collector, asyncio.create_task(collector.run()))

    def _end(self, running: _Running) -> None:
        running.task.cancel()
        self._leaving.add(running.task)
        running.task.add_done_callback(self._left)
        log.info("mailbox closed", mailbox=running.settings.name)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("mailbox ended with a fault", exc_info=error)
