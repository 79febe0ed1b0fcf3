"""A domain that signs its mails (DKIM), with a key of its own."""

import base64
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import dkim
import nacl.signing

from tests.harness.peers import need

SELECTOR, DOMAIN = "office", "example.com"
COVERED = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type")


@dataclass(frozen=True, slots=True)
class Signer:
    """`record` is the TXT record with its public key, `name` what it stands under."""

    private: bytes
    record: str
    name: str = f"{SELECTOR}._domainkey.{DOMAIN}"
    selector: str = SELECTOR
    algorithm: bytes = b"rsa-sha256"

    def signed(
        self,
        raw: bytes,
        covered: Sequence[str] = COVERED,
        *,
        domain: str = DOMAIN,
        length: bool = False,
        form: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    ) -> bytes:
        """The mail with a signature on top, over those of the fields that it has."""
        there = [line.partition(b":")[0].decode().lower() for line in raw.partition(b"\r\n\r\n")[0].splitlines()]
        names = [name.encode() for name in covered if name in there]
        who = (self.selector.encode(), domain.encode(), self.private, None)
        line: bytes = dkim.sign(
            raw, *who, form, signature_algorithm=self.algorithm, include_headers=names, length=length
        )
        return line + raw


def make_signer(bits: int = 2048) -> Signer:
    openssl = need("openssl")
    made = _run(openssl, "genrsa", "-traditional", str(bits))
    public = _run(openssl, "rsa", "-pubout", "-outform", "DER", given=made)
    return Signer(made, f'"v=DKIM1; k=rsa; " "p={base64.b64encode(public).decode()}"')


def make_ed25519_signer() -> Signer:
    """RFC 8463."""
    key = nacl.signing.SigningKey.generate()
    private, public = (base64.b64encode(bytes(each)) for each in (key, key.verify_key))
    return Signer(private, f'"v=DKIM1; k=ed25519; p={public.decode()}"', algorithm=b"ed25519-sha256")


def _run(*command: str, given: bytes = b"") -> bytes:
    return subprocess.run(command, check=True, capture_output=True, input=given).stdout  # noqa: S603 - our own words


def zone_text(record: str) -> str:
    """A TXT record as a zone file has it: strings of at most 255 octets."""
    text = record.replace('" "', "").strip('"')
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
