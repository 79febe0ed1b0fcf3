"""Certificates for tests, made when they are wanted: a CA, a server's and a client's, and one of a stranger."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.harness.peers import need

SERVER = "gw.example.com"
CLIENT = "mfp1.example.com"


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files; each of `server`, `client` and `stranger` holds the key, too. Only `stranger` is not of `ca`."""

    ca: Path
    server: Path
    client: Path
    stranger: Path

    def client_context(self, certificate: Path | None = None) -> ssl.SSLContext:
        """A client that checks the server's name, and shows `certificate` when it is asked for one."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if certificate:
            context.load_cert_chain(str(certificate))
        return context


def make_certificates(directory: Path) -> Certificates:
    """All of them, in `directory`."""
    ca, other_ca = _make_ca(directory / "ca.pem"), _make_ca(directory / "other-ca.pem")
    return Certificates(
        ca=ca,
        server=_sign(directory / "server.pem", f"DNS:{SERVER},IP:127.0.0.1", ca),
        client=_sign(directory / "client.pem", f"DNS:{CLIENT}", ca),
        stranger=_sign(directory / "stranger.pem", f"DNS:{CLIENT}", other_ca),
    )


def _make_ca(path: Path) -> Path:
    # The key stands beside the certificate: nothing of this lives longer than the test.
    _openssl("-subj", f"/CN={path.stem}", "-out", path, "-keyout", path.with_suffix(".key"))
    return path


def _sign(path: Path, names: str, ca: Path) -> Path:
    key = path.with_suffix(".key")
    signing = ("-CA", ca, "-CAkey", ca.with_suffix(".key"))
    extensions = ("-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE")
    _openssl("-subj", f"/CN={path.stem}", *signing, *extensions, "-out", path, "-keyout", key)
    path.write_text(path.read_text() + key.read_text())
    return path


_ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def _openssl(*arguments: object, new_key: tuple[str, ...] = _ELLIPTIC) -> None:
    command = [need("openssl"), "req", "-x509", *new_key, "-nodes"]
    subprocess.run([*command, "-days", "2", *map(str, arguments)], check=True, capture_output=True)  # noqa: S603 - our own words


def make_application(directory: Path) -> Path:
    """What an application at a provider of tokens has: an RSA key, and a certificate of its own, in one PEM file."""
    path, key = directory / "application.pem", directory / "application.key"
    _openssl("-subj", "/CN=application", "-out", path, "-keyout", key, new_key=("-newkey", "rsa:2048"))
    path.write_text(path.read_text() + key.read_text())
    return path
