"""The words for who carries our calls: a trunk, how it wants numbers dialled, and how it stands at the moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mail2fax.model.call import MediaPolicy
from mail2fax.model.domain import DEFAULT
from mail2fax.model.mask import NumberMask


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Numbers whose E.164 digits begin with `starts` are dialled as `dial` and the rest of their digits."""

    starts: str
    dial: str


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How a trunk wants numbers dialled: the first of `rewrites` that fits, else `prefix` and the E.164 digits.

    The prefix is what stands for the + of a number: "+", "", or an international prefix such as "00" or "810".
    """

    prefix: str = "+"
    rewrites: Sequence[Rewrite] = ()

    def dialled(self, digits: str) -> str:
        """The number with these E.164 digits (without the plus), as this trunk wants to be told it."""
        for rewrite in self.rewrites:
            if digits.startswith(rewrite.starts):
                return rewrite.dial + digits.removeprefix(rewrite.starts)
        return self.prefix + digits


@dataclass(frozen=True, slots=True)
class Trunk:
    """A SIP peer that carries calls, as far as the choice of one and the order of a call need to know it.

    `allow` are masks of the numbers it may carry; with none it may carry all. `lines` is how many calls it carries at
    once, `calls_per_second` how many may begin in a second (0: as many as come). With `follow_redirects` a number that
    it names in place of another is called, if it may be, over this same trunk. `fax_password` is told to machines that
    ask for one (T.30 SID).
    """

    name: str = DEFAULT
    form: NumberForm = NumberForm()
    allow: Sequence[NumberMask] = ()
    lines: int = 2
    calls_per_second: float = 0.0
    ring_limit_s: float = 180.0
    follow_redirects: bool = False
    media_policy: MediaPolicy = MediaPolicy.ACCEPT
    ecm: bool = True
    max_bit_rate: int = 14_400
    # Not in repr, as no password is.
    fax_password: str = field(default="", repr=False)

    def carries(self, digits: str) -> bool:
        """Whether the number with these E.164 digits may go over this trunk."""
        return not self.allow or any(mask.matches(digits) for mask in self.allow)


class TrunkCondition(StrEnum):
    """Whether a trunk can carry calls. The values stand in the log, and are shown to people."""

    UP = "up"
    REGISTERING = "registering"
    """It must know us first, and has not said yet that it does."""
    DOWN = "down"
    """It does not answer, or will not have us."""
    LOGIN_REFUSED = "login-refused"
    """It does not take our user or password."""


@dataclass(frozen=True, slots=True)
class TrunkState:
    """How the trunk `name` stands, as the engine sees it. `reason` says why it is not up, in the peer's own words.

    `registered` says whether we are registered there now; None where we need not be.
    """

    name: str
    condition: TrunkCondition = TrunkCondition.UP
    reason: str = ""
    registered: bool | None = None

    @property
    def is_up(self) -> bool:
        return self.condition is TrunkCondition.UP
