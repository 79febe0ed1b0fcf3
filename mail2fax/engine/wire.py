"""The language of the pipe between the gateway and the engine's own process: one JSON object in a line.

    {"type": "CallOrder", "call": 7, "body": {"call_id": "...", "number": "+375291554499", ...}}

Both ends know the same messages, each way its own. `call` names the call a message is about; it is 0 in a message
about the engine itself. A line counts when its line feed has come: half an order dials nobody.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.log import LogSettings
from mail2fax.model.call import AnswerOrder, CallEvent, CallOrder
from mail2fax.model.trunk import TrunkState

MAX_LINE = 1024 * 1024
"""Bytes in one line. No far end can write a longer one: a SIP datagram has at most 64 KB, and JSON makes six of one."""


class WireError(Exception):
    """A line that the other end cannot have meant: it is not one of ours any more, or not of this version."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first line to the engine. `gateway_pid` is whose child it is: without that parent it ends."""

    settings: EngineSettings
    gateway_pid: int
    log: LogSettings


@dataclass(frozen=True, slots=True)
class HangUp:
    """The block of this call was left."""


@dataclass(frozen=True, slots=True)
class Reject:
    """This incoming call is not taken; the caller is told `sip_code`."""

    sip_code: int


@dataclass(frozen=True, slots=True)
class Trunks:
    """From now on these trunks carry the calls, and so many in all. Calls under way go on, whichever carries them."""

    trunks: tuple[TrunkSettings, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine's first line: it listens for SIP on `port`."""

    port: int


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The engine's only line, when it cannot start: why not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The order was taken: from now on there are events, the last one `CallEnded`."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The order was not taken, nothing was dialled, and nothing more will be said of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A call came in, by one of `trunks`. The gateway says `AnswerOrder` or `Reject`."""

    call_id: str
    called: str
    caller: str
    trunks: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()


Order = Start | Trunks | LogSettings | CallOrder | AnswerOrder | HangUp | Reject
"""What the gateway says to the engine."""
Report = Ready | NotStarted | Taken | NotTaken | Offered | TrunkState | CallEvent
"""What the engine says to the gateway."""

BodyT = TypeVar("BodyT")


@dataclass(frozen=True, slots=True)
class Message(Generic[BodyT]):
    """One line of the pipe, read: which call it is about (0: none), and what it says."""

    call: int
    body: BodyT


@cache
def _adapters(types: Any) -> Mapping[str, TypeAdapter[Any]]:
    """What reads each of `types`, by its name. Made at the first line: each end reads one of the two languages."""
    return {of.__name__: TypeAdapter(of) for of in get_args(types)}


def encode(call: int, body: Order | Report) -> bytes:
    """One line, with its line feed."""
    fields = {"type": type(body).__name__, "call": call, "body": asdict(body)}
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat)
    # "replace": a far end that writes nonsense into its SIP messages must not be able to stop the pipe.
    return text.encode(errors="replace") + b"\n"


def decode_order(line: bytes) -> Message[Order]:
    """What the gateway said; raises `WireError`."""
    return _decode(line, _adapters(Order))


def decode_report(line: bytes) -> Message[Report]:
    """What the engine said; raises `WireError`."""
    return _decode(line, _adapters(Report))


def _decode(line: bytes, adapters: Mapping[str, TypeAdapter[Any]]) -> Message[Any]:
    try:
        fields = json.loads(line)
        kind, call, body = fields["type"], fields["call"], fields["body"]
        if not line.endswith(b"\n") or type(call) is not int:
            raise WireError("half a line, or one without the number of its call")
        return Message(call, adapters[kind].validate_python(body))
    except (ValueError, TypeError, LookupError, RecursionError, ValidationError) as error:
        # Not the line itself: the first one holds a password.
        raise WireError(f"{len(line)} bytes that are no message: {type(error).__name__}") from None
