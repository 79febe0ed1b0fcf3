"""The word for whom we dial: one telephone number, in E.164 form, with what is known of its kind."""

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_E164_DIGITS = 15
"""ITU-T E.164 6.2.1: country code and national number together."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


class NumberKind(StrEnum):
    """What kind of number it is: which is to say, what a call to it may cost."""

    FIXED = "fixed"
    MOBILE = "mobile"
    FIXED_OR_MOBILE = "fixed-or-mobile"
    TOLL_FREE = "toll-free"
    VOIP = "voip"
    COMPANY = "company"
    """A universal access number: one number for all of a company (UAN)."""
    SHARED_COST = "shared-cost"
    PREMIUM_RATE = "premium-rate"
    SATELLITE = "satellite"
    """A number of a network without a country: Inmarsat, Iridium, Thuraya and the like."""
    PERSONAL = "personal"
    PAGER = "pager"
    VOICEMAIL = "voicemail"
    UNKNOWN = "unknown"

    @property
    def ordinary(self) -> bool:
        """True for numbers that cost what a call costs. All others are dialled only by a rule that names them."""
        return self in ORDINARY_KINDS


ORDINARY_KINDS = frozenset(
    {
        NumberKind.FIXED,
        NumberKind.MOBILE,
        NumberKind.FIXED_OR_MOBILE,
        NumberKind.TOLL_FREE,
        NumberKind.VOIP,
        NumberKind.COMPANY,
    }
)


@dataclass(frozen=True, slots=True)
class FaxNumber:
    """One number to dial. `e164` is `+` and at most 15 digits (ITU-T E.164).

    `region` is ISO 3166-1 ("BY"), or "001" for numbers that belong to no country. `country_code` is the digits
    of the country code. `readable` is the international form for people: "+375 29 155-44-99".
    """

    e164: str
    region: str
    country_code: str
    kind: NumberKind
    readable: str

    def __post_init__(self) -> None:
        if not _E164.fullmatch(self.e164) or not self.digits.startswith(self.country_code):
            raise ValueError(f"{self.e164!r} is not an E.164 number of country code {self.country_code!r}")

    @property
    def digits(self) -> str:
        """The E.164 digits without the plus."""
        return self.e164[1:]

    def __str__(self) -> str:
        return self.e164
