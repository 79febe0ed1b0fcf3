"""How a number is dialled from within a country: its own numbers with the trunk prefix, others with the prefix for
calls abroad. The numbering plans are those of `phonenumbers`."""

import re
from collections.abc import Sequence

import phonenumbers
from phonenumbers import PhoneMetadata

from mail2fax.model.trunk import NumberForm, Rewrite

_USUAL = "00"
"""ITU-T E.164 recommends it; where a country has several prefixes, one for each carrier, none of them is ours to
choose."""


def national_form(region: str, rewrites: Sequence[Rewrite] = ()) -> NumberForm:
    """The form of numbers dialled from within `region` (ISO 3166-1), behind `rewrites`.

    From Belarus +375 17 200 15 00 is 8172001500, and +49 221 1234567 is 810492211234567.
    """
    plan = PhoneMetadata.metadata_for_region(region)
    if plan is None:
        raise ValueError(f"{region!r} is not a region with a numbering plan")
    home = Rewrite(str(plan.country_code), phonenumbers.ndd_prefix_for_region(region, True) or "")
    return NumberForm(_abroad(plan), (*rewrites, home))


def _abroad(plan: PhoneMetadata) -> str:
    for prefix in (plan.preferred_international_prefix, plan.international_prefix):
        digits = re.sub("~", "", prefix or "")  # a tilde is where one waits for a tone
        if digits.isdigit():
            return digits
    return _USUAL
