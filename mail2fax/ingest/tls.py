"""TLS for a door: our certificate, and the names in a client's."""

import ssl
from collections.abc import Mapping
from typing import Any


class TlsFilesUnusable(Exception):
    """Certificate, key or CA cannot be used; `key` is the configuration's (`tls_certificate`), the message says why."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


def server_context(certificate: str, key: str = "", client_ca: str = "") -> ssl.SSLContext:
    """TLS 1.2 and newer with our certificate (PEM files); raises `TlsFilesUnusable`. Reads files: not for the loop.

    `key` "" means that the key stands in the certificate's file. With `client_ca` clients are asked for certificates;
    one that has none is served nevertheless, one that shows another CA's fails in the handshake.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # An encrypted key would make OpenSSL ask for its password on the terminal, and the daemon wait for ever.
        context.load_cert_chain(certificate, key or None, password=lambda: b"")
    except OSError as error:
        raise TlsFilesUnusable("tls_certificate", _why(error, key or certificate)) from error
    if client_ca:
        _ask_for_certificates(context, client_ca)
    return context


def _ask_for_certificates(context: ssl.SSLContext, client_ca: str) -> None:
    try:
        context.load_verify_locations(client_ca)
    except OSError as error:
        raise TlsFilesUnusable("client_ca", _why(error, client_ca)) from error
    context.verify_mode = ssl.CERT_OPTIONAL


def _why(error: OSError, path: str) -> str:
    if isinstance(error, ssl.SSLError):
        return f"OpenSSL cannot use {path}: {error.reason or error}"
    return f"{path} cannot be read: {error.strerror}"


def certificate_names(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names that a verified certificate (`getpeercert`) is for, in lower case: DNS names and mail addresses.

    RFC 6125 6.4.4: the CN counts only where there is no subjectAltName of these kinds.
    """
    if not certificate:
        return ()
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind in {"DNS", "email"}]
    if not names:
        names = [value for rdn in certificate.get("subject", ()) for kind, value in rdn if kind == "commonName"]
    return tuple(dict.fromkeys(name.lower() for name in names))
