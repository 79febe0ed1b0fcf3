"""The certificates that we show: for how long they are good."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mail2fax.doctor.finding import Finding, Patient, doubtful, ill, unseen, well

_SOON = timedelta(days=21)
_ABOUT = "certificates"


async def certificates(patient: Patient) -> Sequence[Finding]:
    """Every certificate file of ours that is configured."""
    config = patient.config
    files = {config.smtp.tls_certificate, config.sip.tls_certificate, config.api.tls_certificate} - {""}
    return [_judge(file, datetime.now(UTC)) for file in sorted(files)] or [well(_ABOUT, "none is configured")]


def _judge(file: str, now: datetime) -> Finding:
    try:
        ends = _end_of(file)
    except PermissionError as error:
        return unseen(_ABOUT, f"{file} cannot be read: {error.strerror}", "Run the doctor as root.")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        step = f"Put a certificate in PEM there, or name another file: openssl x509 -noout -text -in {file}"
        return ill(_ABOUT, f"{file} cannot be used: {why}", step)
    words = f"{file} is good until {ends:%Y-%m-%d}"
    if ends < now:
        return ill(_ABOUT, f"{file} has expired on {ends:%Y-%m-%d}", "Renew it, then: systemctl reload mail2fax")
    if ends < now + _SOON:
        return doubtful(_ABOUT, words, "See why it was not renewed yet.")
    return well(_ABOUT, words)


def _end_of(file: str) -> datetime:
    """When the first certificate of a PEM file ends."""
    with Path(file).open(encoding="ascii", errors="replace"):
        pass  # whoever may not read it hears so, and not what OpenSSL makes of it
    # The standard library lists only certificates of a CA; its reader of a single file tells any.
    decoded = ssl._ssl._test_decode_cert(file)  # type: ignore[attr-defined]
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(decoded["notAfter"]), UTC)
