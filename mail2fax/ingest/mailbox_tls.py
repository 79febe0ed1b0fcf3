"""TLS to a mailbox's server: from the first byte (RFC 8314), with its certificate checked."""

import asyncio
import ssl

from mail2fax.ingest.mailbox import MailboxSettings, MailboxTrouble


async def client_context(settings: MailboxSettings) -> ssl.SSLContext | None:
    """What connects to the server of a mailbox, None where nothing is encrypted; raises `MailboxTrouble`."""
    if not settings.tls:
        return None
    try:
        return await asyncio.to_thread(ssl.create_default_context, cafile=settings.tls_ca or None)
    except OSError as error:
        raise MailboxTrouble(f"tls_ca {settings.tls_ca} cannot be used: {error.strerror or error}") from error
