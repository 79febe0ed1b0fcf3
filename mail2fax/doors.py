"""The doors of the house: mails by SMTP, orders of this machine, programs by HTTP, and the mailboxes that are emptied.

Each is opened by a function of its own, which says in an admin's words why one cannot be opened.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mail2fax import wiring
from mail2fax.api.documents import Documents
from mail2fax.api.fax import FaxDesk
from mail2fax.api.files import FileStore
from mail2fax.api.guard import Guard
from mail2fax.api.links import Links, own_key
from mail2fax.api.past import PastDesk
from mail2fax.config import Config, places
from mail2fax.config.errors import ConfigError
from mail2fax.control.door import ControlDoor
from mail2fax.control.orders import Orders
from mail2fax.document.voice import Voices
from mail2fax.foundation import DOCUMENTS, CannotStart, Foundation, directory, now, why
from mail2fax.gateway import Gateway
from mail2fax.ingest.collector import Desk
from mail2fax.ingest.mailbox_door import MailboxDoor
from mail2fax.ingest.smtp import Accept, CannotListen, SmtpDoor
from mail2fax.jobs.archive import HistoryDrop
from mail2fax.jobs.left_alone import LeftAlone
from mail2fax.jobs.operator import Operator
from mail2fax.model.document import VOICES
from mail2fax.store import Readable, Reader
from mail2fax.tokens import Tokens

if TYPE_CHECKING:
    from mail2fax.api.door import ApiDoor


@dataclass(frozen=True, slots=True)
class Doors:
    """What is open; `orders` is what stands behind the control socket."""

    smtp: SmtpDoor
    orders: Orders
    api: "ApiDoor | None"
    mailboxes: MailboxDoor

    async def stop(self) -> None:
        """Takes in nothing more. The control socket stays open, for whoever wants to see the calls under way end."""
        await asyncio.gather(self.smtp.stop(), self.mailboxes.stop(), *([self.api.stop()] if self.api else []))


async def open_doors(
    config: Config,
    ground: Foundation,
    gateway: Gateway,
    accept: Accept,
    nudge: Callable[[], None],
    closing: contextlib.AsyncExitStack,
) -> Doors:
    """Opens one after the other, and `closing` closes them; raises `CannotStart`.

    `accept` takes a mail in, and `nudge` tells that there is something to do.
    """
    smtp = await _open_smtp(config, ground, accept)
    closing.push_async_callback(smtp.stop)
    orders = _orders(config, ground, gateway, nudge)
    control = await _open_control(config, ground, orders)
    closing.push_async_callback(control.stop)
    api = await _open_api(config, ground, gateway, nudge, closing) if config.api.listen else None
    if api:
        closing.push_async_callback(api.stop)
    mailboxes = MailboxDoor(ground.spool, _mailbox_desk(ground, accept), now)
    closing.push_async_callback(mailboxes.stop)
    mailboxes.adopt(wiring.mailboxes(config))
    return Doors(smtp, orders, api, mailboxes)


async def _open_smtp(config: Config, ground: Foundation, accept: Accept) -> SmtpDoor:
    try:
        door = SmtpDoor(wiring.smtp_settings(config), ground.spool, accept, now)
        await door.start()
    except ConfigError as error:
        raise CannotStart(str(error)) from error
    except CannotListen as error:
        reason = why(error.__cause__) if isinstance(error.__cause__, OSError) else str(error.__cause__)
        raise CannotStart(
            f"cannot listen for mails at {error.listener.host}:{error.listener.port}: {reason}. "
            "See smtp.listen and smtp.port, or those of smtp.listener."
        ) from error
    return door


def _orders(config: Config, ground: Foundation, gateway: Gateway, nudge: Callable[[], None]) -> Orders:
    return Orders(
        gateway,
        ground.jobs,
        ground.intake,
        ground.faxes,
        Operator(ground.store, now),
        ground.spool,
        Tokens(ground.store, now),
        wiring.domains(config),
        wiring.send_limits(config),
        nudge,
        now,
    )


async def _open_control(config: Config, ground: Foundation, orders: Orders) -> ControlDoor:
    path = places.control_socket(config)
    if config.gateway.run_dir:
        directory(path.parent, "gateway.run_dir", mode=0o750)
    door = ControlDoor(path, orders, ground.jobs)
    try:
        await door.start()
    except OSError as error:
        raise CannotStart(f"cannot listen for orders at {path}: {why(error)}. See gateway.run_dir.") from error
    return door


async def _open_api(
    config: Config,
    ground: Foundation,
    gateway: Gateway,
    nudge: Callable[[], None],
    closing: contextlib.AsyncExitStack,
) -> "ApiDoor":
    # The history is read beside all else: an answer of thousands of faxes keeps no call waiting for its job.
    history = await Reader.open(places.database(config))
    closing.push_async_callback(history.close)
    try:
        door = await _api(config, ground, gateway, nudge, history)
    except ConfigError as error:
        raise CannotStart(str(error)) from error
    try:
        await door.start()
    except OSError as error:
        at = f"{config.api.listen}:{config.api.port}"
        raise CannotStart(f"cannot listen for programs at {at}: {why(error)}. See api.listen and api.port.") from error
    return door


async def _api(
    config: Config, ground: Foundation, gateway: Gateway, nudge: Callable[[], None], history: Readable
) -> "ApiDoor":
    # Here, for it loads FastAPI and uvicorn: who does not open this door does not pay for it at each start.
    from mail2fax.api.door import ApiDoor  # noqa: PLC0415

    settings, faxing, store = wiring.api_door(config), wiring.api_faxes(config), ground.store
    tenants, folder = places.domains(config), config.gateway.data_dir / DOCUMENTS
    files = FileStore(directory(tenants), wiring.api_quota(config), wiring.own_quotas(config))
    files.sweep()
    guard = Guard(Tokens(store, now), faxing.tenants, settings.max_failures_per_address, now)
    voices = Voices(folder / VOICES, config.api.max_voice_s)
    faxes = FaxDesk(faxing, files, gateway, ground.jobs, ground.spool, voices, nudge, now)
    documents = Documents(store, Links(await own_key(store), now), tenants, folder)
    past = PastDesk(history, files, documents, HistoryDrop(store, ground.spool, folder, tenants, now))
    return ApiDoor(settings, guard, files, faxes, past, documents)


def _mailbox_desk(ground: Foundation, accept: Accept) -> Desk:
    aside = LeftAlone(ground.store, now)
    return Desk(accept, ground.jobs.known, ground.alarms.sound, aside.among, aside.add)
