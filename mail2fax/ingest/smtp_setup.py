"""From the configuration to what the SMTP door wants to know."""

from ipaddress import ip_network

from mail2fax.config.smtp import SmtpListenerSection, SmtpSection
from mail2fax.ingest.smtp_settings import Encryption, Listener, SmtpSettings
from mail2fax.ingest.tls import server_context
from mail2fax.model.password import PasswordHash

_MEGABYTE = 1_000_000


def smtp_settings(smtp: SmtpSection, hostname: str) -> SmtpSettings:
    """The door as `[smtp]` has it. Reads the files for TLS, and raises `TlsFilesUnusable`."""
    certified = smtp.tls_certificate
    return SmtpSettings(
        recipients=smtp.fax_addresses,
        hostname=hostname,
        listeners=tuple(_listener(door) for door in smtp.doors),
        tls=server_context(certified, smtp.tls_key, smtp.client_ca) if certified else None,
        accounts={
            account.user: PasswordHash.parse(account.password_hash.get_secret_value()) for account in smtp.account
        },
        vouching=smtp.vouching(),
        dkim=smtp.dkim,
        networks=tuple(ip_network(trusted.network) for trusted in smtp.network),
        max_bytes=round(smtp.max_mail_mb * _MEGABYTE),
        min_free_bytes=round(smtp.disk_reserve_mb * _MEGABYTE),
        max_connections=smtp.max_connections,
        max_connections_per_address=smtp.max_connections_per_address,
        max_login_failures=smtp.max_login_failures,
        max_login_failures_per_address=smtp.max_login_failures_per_address,
        max_unproven_mails_per_address=smtp.max_unproven_mails_per_address,
    )


def _listener(door: SmtpListenerSection) -> Listener:
    return Listener(
        host=door.listen,
        port=door.port,
        encryption=Encryption(door.security),
        proxies=tuple(ip_network(text) for text in door.proxies),
        trust_from=door.insecure_trust_from,
    )
