"""What the door is told. Nothing here loads FastAPI or uvicorn: the daemon reads it when the door stays closed, too."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """For how long a client may stall, and for how long an answer waits for the end of a fax, in seconds."""

    stall_s: float = 30.0
    wait_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Public:
    """How documents are given away: the URL that programs reach us by ("" for what each request has called us), and
    whether a document's URL is good only together with a token."""

    url: str = ""
    needs_token: bool = False


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Where the door is, and its limits. `tls` is None for plain HTTP; `proxies` are addresses or networks."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    proxies: tuple[str, ...] = ()
    max_connections: int = 100
    max_connections_per_address: int = 50
    max_failures_per_address: int = 20
    patience: Patience = Patience()
    public: Public = Public()
