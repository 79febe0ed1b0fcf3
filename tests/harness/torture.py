"""The test messages of RFC 4475 and RFC 5118, byte by byte: see fixtures/sip/README.md."""

from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "fixtures" / "sip"


def torture_names(rfc: int) -> list[str]:
    """The names of an RFC's messages, in order."""
    return sorted(file.stem for file in (_FOLDER / f"rfc{rfc}").glob("*.dat"))


def torture_message(rfc: int, name: str) -> bytes:
    """One message, as it would be in its datagram."""
    return (_FOLDER / f"rfc{rfc}" / f"{name}.dat").read_bytes()


def torture_messages() -> list[bytes]:
    """All of them."""
    return [torture_message(rfc, name) for rfc in (4475, 5118) for name in torture_names(rfc)]
