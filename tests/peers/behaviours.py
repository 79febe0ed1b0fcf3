"""What the far end does, by the number that is dialled."""

from enum import StrEnum


class Behaviour(StrEnum):
    """The two digits in the number that choose it."""

    OFFERS_T38 = "10"
    """Answers, and asks for T.38, as most far ends do."""
    REFUSES_T38 = "11"
    """Answers, and has nothing but audio: 488 for T.38."""
    TAKES_T38 = "12"
    """Answers, and takes T.38 when it is asked."""
    LISTENS = "13"
    """A person, who listens for some seconds, and then presses Start; what was heard is kept."""
    BUSY = "20"
    RINGS = "21"
    """Rings for ever."""
    CONGESTED = "22"
    UNKNOWN = "23"
    FORWARDED = "24"
    """Names another number: the one that offers T.38 and has the same subscriber."""
    HANGS_UP_IN_PAGE_1 = "31"
    HANGS_UP_IN_PAGE_2 = "32"


REFUSALS = {Behaviour.BUSY: 486, Behaviour.CONGESTED: 503, Behaviour.UNKNOWN: 404}
HANG_UPS = {Behaviour.HANGS_UP_IN_PAGE_1: 1, Behaviour.HANGS_UP_IN_PAGE_2: 2}

_PREFIX = "+37529"
_FIRST_HUNDRED = 155
"""Three digits, which begin with the hundreds of the subscriber; then the behaviour, then the last two digits."""


def number(behaviour: Behaviour, subscriber: int = 0) -> str:
    """A valid Belarusian mobile number that behaves so; some ten thousands of each."""
    hundreds, rest = divmod(subscriber, 100)
    return f"{_PREFIX}{_FIRST_HUNDRED + hundreds:03}{behaviour}{rest:02}"


def forwarding_of(called: str) -> str:
    """The number that a forwarded one names."""
    return number(Behaviour.OFFERS_T38, int(called[-2:]))


def behaviour_of(called: str) -> Behaviour:
    """What a call to `called` will meet; raises `ValueError` for a number that is none of ours."""
    return Behaviour(called.removeprefix(_PREFIX)[3:5])
