"""What a check finds, and who is checked."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mail2fax.config import Config


class Health(StrEnum):
    """How well something is."""

    WELL = "well"
    DOUBTFUL = "doubtful"
    """It may work; an admin should know."""
    ILL = "ill"
    """Faxes will not go, or something will be lost."""
    UNSEEN = "unseen"
    """It could not be looked at, or there is nothing to look at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `next_step` says what to do, "" when nothing."""

    about: str
    health: Health
    words: str
    next_step: str = ""


def well(about: str, words: str) -> Finding:
    return Finding(about, Health.WELL, words)


def doubtful(about: str, words: str, next_step: str) -> Finding:
    return Finding(about, Health.DOUBTFUL, words, next_step)


def ill(about: str, words: str, next_step: str) -> Finding:
    return Finding(about, Health.ILL, words, next_step)


def unseen(about: str, words: str, next_step: str = "") -> Finding:
    return Finding(about, Health.UNSEEN, words, next_step)


@dataclass(frozen=True, slots=True)
class Patient:
    """The gateway that is looked at: its configuration, whether it runs, and to whom a test mail may go ("": none)."""

    config: Config
    runs: bool = False
    mail_to: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at, and how long that may take. What takes longer is ill."""

    about: str
    look: Callable[[Patient], Awaitable[Sequence[Finding]]]
    limit_s: float = 10.0
