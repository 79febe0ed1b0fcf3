"""What is said over the control socket: JSON, one object on each line, in UTF-8.

The gateway begins with `Hello`. The client says one order, and behind the line of `Send` the bytes of the file.
The gateway answers with lines of `Answer`; "done" or "refused" is the last. Then it closes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from mail2fax.model.token import Scope

PROTOCOL = 1
"""Grows when an older end would misunderstand; keys that are new and may be ignored do not count."""
MAX_LINE = 256 * 1024
"""Bytes, with the line end."""
MAX_NUMBER = 500
MAX_NAME = 255
SLOW = "slow"
"""The code of a refusal that is none: what was ordered takes long, and goes on."""
TOKEN_CALLED = r"^[a-z0-9][a-z0-9._-]{0,63}$"  # noqa: S105 # a form, and no token
"""It stands in for a sender: what can be the first part of a mail address."""

JobId = Annotated[int, Field(ge=1)]


class WireError(Exception):
    """The other end has said something that is not of this protocol; the message says what."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The gateway's first line."""

    hello: Literal["mail2fax"]
    protocol: int
    version: str


@dataclass(frozen=True, slots=True)
class Send:
    """A fax: `number` as a person writes it, `name` of the file, and `size` bytes that follow the line."""

    number: Annotated[str, Field(max_length=MAX_NUMBER)]
    name: Annotated[str, Field(max_length=MAX_NAME)]
    size: Annotated[int, Field(ge=0)]
    verb: Literal["send"] = "send"


@dataclass(frozen=True, slots=True)
class Retry:
    """Try a job again; `sure` also when it may have arrived."""

    job: JobId
    sure: bool = False
    verb: Literal["retry"] = "retry"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Withdraw a job, in mid call too."""

    job: JobId
    verb: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not dial a job (None: all that are not over) until it is released."""

    job: JobId | None
    verb: Literal["hold"] = "hold"


@dataclass(frozen=True, slots=True)
class Release:
    """Let a held job (None: all) be dialled."""

    job: JobId | None
    verb: Literal["release"] = "release"


@dataclass(frozen=True, slots=True)
class Resend:
    """Mail a fax that came in once more: `to` its reader (""), or somebody else."""

    fax: Annotated[int, Field(ge=1)]
    to: Annotated[str, Field(pattern=r"^([^\s@<>()\[\],;:\\\"]+@[A-Za-z0-9.-]+)?$", max_length=254)] = ""
    verb: Literal["resend"] = "resend"


@dataclass(frozen=True, slots=True)
class Trunks:
    """Say how the trunks stand."""

    verb: Literal["trunks"] = "trunks"


@dataclass(frozen=True, slots=True)
class MakeToken:
    """Let a program speak to the API. Its secret never comes here: `hash` is all of it that the gateway gets."""

    name: Annotated[str, Field(pattern=TOKEN_CALLED)]
    domain: Annotated[str, Field(max_length=64)]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    verb: Literal["make-token"] = "make-token"


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """Let a token open nothing any more."""

    token: Annotated[int, Field(ge=1)]
    verb: Literal["revoke-token"] = "revoke-token"


Order = Send | Retry | Cancel | Hold | Release | Resend | Trunks | MakeToken | RevokeToken


class Kind(StrEnum):
    """What an answer means."""

    ACCEPTED = "accepted"
    """The fax is safe and has a job; the story of it follows."""
    ENTRY = "entry"
    """Something has happened to the job."""
    ALIVE = "alive"
    """Nothing has happened, but we are here."""
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the gateway's. `words` are for people; `code` of a refusal is for programs, and stable.

    `trunks` are the trunks as the engine sees them, each with name, condition, reason and registered.
    """

    answer: str
    words: str = ""
    code: str = ""
    job: Mapping[str, Any] | None = None
    entry: Mapping[str, Any] | None = None
    jobs: tuple[int, ...] = field(default=())
    trunks: tuple[Mapping[str, Any], ...] = field(default=())
    token: Mapping[str, Any] | None = None


# Made when the first line is read: a gateway starts without that, and each end reads but what the other says.
@cache
def _hello() -> TypeAdapter[Hello]:
    return TypeAdapter(Hello)


@cache
def _order() -> TypeAdapter[Order]:
    return TypeAdapter(Annotated[Order, Field(discriminator="verb")])


@cache
def _answer() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)


def hello_line(version: str) -> bytes:
    """The line that opens a conversation."""
    return _line(asdict(Hello("mail2fax", PROTOCOL, version)))


def parse_hello(line: bytes) -> Hello:
    """The gateway's hello; raises `WireError` also when its protocol is not ours."""
    try:
        hello = _hello().validate_json(line)
    except ValidationError as error:
        raise WireError("this is no control socket of mail2fax") from error
    if hello.protocol != PROTOCOL:
        raise WireError(
            f"the gateway (version {hello.version}) speaks protocol {hello.protocol}, this command {PROTOCOL}: "
            "restart the gateway after an upgrade"
        )
    return hello


def order_line(order: Order) -> bytes:
    """`order` as the client says it."""
    return _line({"protocol": PROTOCOL, **asdict(order)})


def parse_order(line: bytes) -> Order:
    """The order on `line`; raises `WireError`."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WireError("an order is one JSON object on one line") from error
    if not isinstance(said, dict) or said.get("protocol") != PROTOCOL:
        raise WireError(f'an order names its "protocol": {PROTOCOL}')
    try:
        return _order().validate_python(said)
    except ValidationError as error:
        raise WireError(f"an order that cannot be understood: {_first_fault(error)}") from error


def answer_line(answer: Answer) -> bytes:
    """`answer` as the gateway says it; what it does not have is left out."""
    return _line({name: value for name, value in asdict(answer).items() if value})


def parse_answer(line: bytes) -> Answer:
    """The answer on `line`; raises `WireError`."""
    try:
        return _answer().validate_json(line)
    except ValidationError as error:
        raise WireError(f"an answer that cannot be understood: {_first_fault(error)}") from error


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}".removeprefix(": ")
