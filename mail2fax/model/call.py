"""The words for one phone call: what the engine is told to do, and what it tells us while doing it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mail2fax.model.trace import TraceLine


class MediaPolicy(StrEnum):
    """What we do about T.38 in a call."""

    ACCEPT = "accept"
    """Begin in audio, take a T.38 offer when the far end makes one."""
    OFFER = "offer"
    """Begin in audio, offer T.38 ourselves some seconds after the answer (and still take theirs)."""
    NEVER = "never"
    """Audio only: a T.38 offer is answered with 488."""


class Media(StrEnum):
    """How the fax travelled: the second of the three results of an attempt."""

    NONE = "none"
    G711 = "g711"
    T38 = "t38"
    G711_FALLBACK = "g711-fallback"
    """Audio after the far end had refused T.38 in the same call."""


@dataclass(frozen=True, slots=True)
class CallOrder:
    """One call to place. Made, and its `call_id` committed, before it enters the engine's pipe.

    `number` is what the trunk dials (user part of the Request-URI), already in the trunk's form.
    `document_path` is an absolute path of a canonical TIFF with `pages` pages, of which those before `first_page`
    (from 1) are with the far end already. `station_id` is our TSI; `header` is printed above each page, with
    `header_time` (aware) as its clock. `trunk` names the trunk that is to carry the call; "" is the first one.
    `standard_path` is the same document in standard resolution, for machines that have no other ("": there is none).
    `page_bytes` are the sizes of its pages in T.6, from which the call's limits follow; () when not known.
    `voice_path` is a message to be played after the answer and before the fax: A-law, 8000 samples a second ("": none).
    `sub_address` and `password` are sent to machines that take them (T.30 SUB and SID).
    """

    call_id: str
    number: str
    document_path: str
    pages: int
    caller_id: str
    station_id: str
    header: str
    header_time: datetime
    ring_limit_s: float = 180.0
    media_policy: MediaPolicy = MediaPolicy.ACCEPT
    ecm: bool = True
    max_bit_rate: int = 14_400
    trunk: str = ""
    first_page: int = 1
    standard_path: str = ""
    page_bytes: tuple[int, ...] = ()
    voice_path: str = ""
    sub_address: str = ""
    # Not in repr, which ends up in tracebacks and debug lines.
    password: str = field(default="", repr=False)

    @property
    def pages_to_send(self) -> int:
        """How many pages this call is to deliver."""
        return self.pages - self.first_page + 1


@dataclass(frozen=True, slots=True)
class AnswerOrder:
    """How to answer an incoming call: pages are received into the file `document_path` (absolute). `trunk` is which of
    its trunks it counts as ("": the likeliest)."""

    document_path: str
    station_id: str
    media_policy: MediaPolicy = MediaPolicy.ACCEPT
    ring_s: float = 0.0
    ecm: bool = True
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class Dialled:
    """The INVITE is on the wire, or, for an incoming call, was received."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """The far end said 18x: `sip_code` 180 or 183."""

    sip_code: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The call stands: 2xx, and the first media has been agreed on."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """Something about the fax session was agreed on, or changed: told again whenever one of these changes.

    `media` is known from the first; the rest is None until T.30 phase B has set it. `far_id` is the far
    end's identification (CSI when we send, TSI when we receive), decoded as Latin-1, stripped.
    """

    media: Media
    bit_rate: int | None = None
    ecm: bool | None = None
    coding: str | None = None
    resolution: str | None = None
    far_id: str | None = None


@dataclass(frozen=True, slots=True)
class PageProgress:
    """Page `page` (from 1) is under way; `percent` of it is out (or in), or None when that is not known."""

    page: int
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class PageConfirmed:
    """Page `page` (from 1) was confirmed by the far end (MCF, RTP, PIP), or, receiving, by us.

    `last` is True when the confirmation answered an EOP: nothing follows this page. `repeats` counts how often all or
    part of it had to be sent again; `bad_rows` the rows that had to be guessed, which only a receiver knows.
    """

    page: int
    last: bool
    repeats: int = 0
    bad_rows: int | None = None


class PageState(StrEnum):
    """What is known of one page of a call."""

    CONFIRMED = "confirmed"
    """MCF, RTP or PIP answered it."""
    REFUSED = "refused"
    """It arrived, but could not be read: RTN, PIN, or given up in error correction (ERR)."""
    UNCONFIRMED = "unconfirmed"
    """It went out whole, and nothing answered: it may be on paper."""
    CUT = "cut"
    """It was begun, and did not go out whole."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """The truth about one page (from 1, of the whole document) of one call; for the rest see `PageConfirmed`."""

    page: int
    state: PageState
    repeats: int = 0
    bad_rows: int | None = None


class EndedBy(StrEnum):
    """Who or what ended the call."""

    FAR_END = "far-end"
    US = "us"
    CANCELLED = "cancelled"
    """We left the call before it was done: a person or a shutdown."""
    RING_LIMIT = "ring-limit"
    TIMEOUT = "timeout"
    """Nobody answered our SIP messages (our own timer, not a 408 from the wire)."""
    UNREACHABLE = "unreachable"
    """No connection to the trunk could be had, or it broke before the call stood (not a 503 from the wire)."""
    ENGINE = "engine"
    """The engine process died or its pipe closed: what became of the call is not known."""
    LOCAL_FAULT = "local-fault"
    """We could not even place the call: a fault of ours or of the configuration."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """What became of the call: the first of the three results.

    `sip_code` is the final answer to the INVITE (None when none came), `sip_reason` its phrase,
    `q850` the cause of a Reason header in the final answer or the BYE (RFC 3326). `retry_after_s` is how long the far
    end asks us to wait before another call, `redirected_to` the number that it names instead (SIP 3xx), as it is there:
    nobody has judged it yet. `t38_refused`: it asked for T.38, which we refused as the order has it.
    """

    ended_by: EndedBy
    sip_code: int | None = None
    sip_reason: str = ""
    q850: int | None = None
    detail: str = ""
    retry_after_s: int | None = None
    redirected_to: str = ""
    t38_refused: bool = False


class FaxFault(StrEnum):
    """The T.30 completion codes in classes: what kind of end the fax session had (outcomes.md section 4)."""

    NONE = "none"
    NOT_STARTED = "not-started"
    NO_FAX = "no-fax"
    INCOMPATIBLE = "incompatible"
    TRAINING = "training"
    PROTOCOL = "protocol"
    DROPPED = "dropped"
    NOT_CONFIRMED = "not-confirmed"
    DOCUMENT = "document"
    REFUSED = "refused"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class FaxResult:
    """What became of the fax: the third of the three results.

    `code` and `code_name` are T.30's completion code in libspandsp's numbering (None when no session began),
    `fault` its class. `pages_sent` counts pages that went out whole in this call, with their post-page message, and
    were not refused: they may be on paper; `pages_confirmed` those of them that the far end confirmed; `last_confirmed`
    is True when the last confirmation answered an EOP. `pages` says for each page that was begun what became of it.
    `far_machine` is maker and model of the far end's machine, where it names them.
    """

    fault: FaxFault
    code: int | None = None
    code_name: str = ""
    pages_sent: int = 0
    pages_confirmed: int = 0
    last_confirmed: bool = False
    far_id: str | None = None
    bit_rate: int | None = None
    ecm: bool | None = None
    pages: tuple[PageRecord, ...] = ()
    far_machine: str | None = None

    @property
    def missing(self) -> tuple[int, ...]:
        """Pages that came and could not be read, and did not come again: the fax has gone on without them, or ended."""
        last = max((page.page for page in self.pages if page.state is PageState.CONFIRMED), default=0)
        gone = {page.page for page in self.pages if page.page < last and page.state is not PageState.CONFIRMED}
        return tuple(sorted(gone | {page.page for page in self.pages if page.state is PageState.REFUSED}))


@dataclass(frozen=True, slots=True)
class Traced:
    """Some more of the call's evidence, in order. Told from time to time, and what there is of it before the end."""

    lines: tuple[TraceLine, ...]


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The end of a call, exactly once and last: three results, kept apart."""

    call: CallResult
    media: Media
    fax: FaxResult

    def delivered(self, pages: int) -> bool:
        """Every one of `pages` pages was confirmed, the last after EOP; whatever followed takes nothing away."""
        return self.fax.pages_confirmed >= pages and self.fax.last_confirmed


CallEvent = Dialled | Ringing | Answered | Negotiated | PageProgress | PageConfirmed | Traced | CallEnded
