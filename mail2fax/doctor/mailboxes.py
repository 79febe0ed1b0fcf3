"""The mailboxes: reached, TLS, log-in, folders. Nothing is fetched, and none of the mails is touched."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from mail2fax import wiring
from mail2fax.doctor.finding import Finding, Patient, ill, unseen, well
from mail2fax.ingest.mailbox import LoginRefused, MailboxSettings, MailboxTrouble
from mail2fax.ingest.mailbox_door import KINDS

_LIMIT_S = 15.0
"""For one mailbox: a server that hangs must not keep the others from being looked at."""


async def mailboxes(patient: Patient) -> Sequence[Finding]:
    """Whether each lets us in and has its folders, and how many mails wait there."""
    found = [_look(settings, runs=patient.runs) for settings in wiring.mailboxes(patient.config).mailboxes]
    return await asyncio.gather(*found) or [unseen("mailboxes", "none is configured")]


async def _look(settings: MailboxSettings, *, runs: bool) -> Finding:
    about, place = f"mailbox {settings.name}", f"{settings.host}:{settings.port}"
    mailbox = KINDS[settings.protocol](settings)
    try:
        async with asyncio.timeout(_LIMIT_S), mailbox.connect():
            waiting = await mailbox.list_new(datetime.now(UTC))
    except LoginRefused as error:
        return ill(
            about,
            f"{place} refuses our log-in: {error}",
            "Check user and password of this mailbox, or its keys oauth_...",
        )
    except (MailboxTrouble, TimeoutError) as error:
        words = str(error) or f"no answer within {_LIMIT_S:.0f} s"
        if runs and "[IN-USE]" in words:
            return unseen(about, f"{place}: the running gateway has it open")
        step = "Check host, port, security and the folders of this mailbox, and that the server lets this machine in."
        return ill(about, f"{place} does not work: {words}", step)
    return well(about, f"{place} lets {settings.user} in; {len(waiting)} mails wait there")
