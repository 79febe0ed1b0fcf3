"""From the configuration to what the mailbox door wants to know."""

from dataclasses import replace

from mail2fax.config.mailbox import MailboxEntry, MailboxSection
from mail2fax.config.smtp import SmtpSection
from mail2fax.ingest.mailbox import Limits, MailboxSettings
from mail2fax.ingest.mailbox_door import MailboxesSettings
from mail2fax.oauth.setup import grant_of

_MEGABYTE = 1_000_000


def mailboxes_settings(section: MailboxSection, smtp: SmtpSection) -> MailboxesSettings:
    """The mailboxes as `[mailbox]` has them; how large a mail may be is the same at every door."""
    limits = Limits(
        max_bytes=round(smtp.max_mail_mb * _MEGABYTE),
        min_free_bytes=round(smtp.disk_reserve_mb * _MEGABYTE),
        max_age_h=section.max_age_h,
        most_old=section.most_old,
    )
    return MailboxesSettings(tuple(_mailbox(entry) for entry in section.named), limits)


def _mailbox(entry: MailboxEntry) -> MailboxSettings:
    return MailboxSettings(
        name=entry.name,
        protocol=entry.protocol,
        host=entry.host,
        port=entry.real_port,
        tls=entry.security == "tls",
        tls_ca=entry.tls_ca,
        user=entry.user,
        password=entry.password.get_secret_value(),
        address=entry.fax_address,
        grant=grant_of(entry, entry.user),
        address_header=entry.address_header.lower(),
        folder=entry.folder,
        done=entry.done,
        rejected=entry.rejected,
        poll_s=entry.poll_s,
        leave_on_server=entry.leave_on_server,
        proof=replace(entry.mail_proof, dkim=entry.dkim),
        trust_from=entry.insecure_trust_from,
    )
