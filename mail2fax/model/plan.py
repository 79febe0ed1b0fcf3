"""What a call does otherwise than the configuration says, because of how earlier calls went."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mail2fax.model.call import MediaPolicy


@dataclass(frozen=True, slots=True)
class Plan:
    """The next call of a job. None leaves a thing as it is configured, or as its number is remembered.

    `first_page` (from 1) is the first that the far end has not confirmed. `other_trunk`: through another one, where
    there is one.
    """

    media_policy: MediaPolicy | None = None
    ecm: bool | None = None
    max_bit_rate: int | None = None
    first_page: int = 1
    other_trunk: bool = False

    def __str__(self) -> str:
        """For people: `T.38 never, at most 9600 bit/s, from page 2`; "" when nothing is otherwise."""
        parts = [
            f"T.38 {self.media_policy}" if self.media_policy else "",
            "" if self.ecm is None else f"error correction {'on' if self.ecm else 'off'}",
            f"at most {self.max_bit_rate} bit/s" if self.max_bit_rate else "",
            f"from page {self.first_page}" if self.first_page > 1 else "",
            "another trunk" if self.other_trunk else "",
        ]
        return ", ".join(part for part in parts if part)


AS_CONFIGURED = Plan()


class Trait(StrEnum):
    """What can be remembered of a number. The values stand in the database."""

    FAX = "fax"
    """A fax machine has answered there: `yes`."""
    T38 = "t38"
    """`no`: T.38 has failed; `try`: audio has failed, so that we offer T.38."""
    ECM = "ecm"
    """`no`: error correction has failed twice."""
    MAX_RATE = "max_rate"
    """The fastest modem worth trying, in bit/s."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Something that calls have taught us about a number; forgotten after `until` (aware)."""

    trait: Trait
    value: str
    learnt_at: datetime
    until: datetime
