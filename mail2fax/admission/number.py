"""The second question: which number, and may it be dialled?

The number must exist by its country's numbering plan (`phonenumbers` has the plans), and must have one reading.
Bare digits are read as national, as international without the plus, and, where an area code is configured, as
local: when two of these exist and differ, the sender is asked which was meant, and nothing is dialled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from mail2fax.admission.subject import (
    FEWEST_DIGITS,
    NumberText,
    find_number,
    numbers_alone,
    numbers_within,
    only_digits,
    several,
    shown,
)
from mail2fax.model.mask import NumberMask
from mail2fax.model.number import MAX_E164_DIGITS, FaxNumber, NumberKind
from mail2fax.model.refusal import Refusal, RefusalCode

NO_COUNTRY = "001"
"""The region of numbers that belong to no country (UN M.49: World)."""

_NAMING_DIGITS = 3
"""How many digits behind the country code an allow mask must write out to name a range of special numbers."""

# ITU-T E.164.1: country codes of satellite and other international networks.
_SATELLITE_CODES = frozenset({"870", "881", "882", "883"})
_KINDS: Mapping[int, NumberKind] = {
    PhoneNumberType.FIXED_LINE: NumberKind.FIXED,
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.FIXED_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
    PhoneNumberType.VOIP: NumberKind.VOIP,
    PhoneNumberType.UAN: NumberKind.COMPANY,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM_RATE,
    PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
    PhoneNumberType.PAGER: NumberKind.PAGER,
    PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
}


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How bare digits are read: `region` is ISO 3166-1 ("BY"), `area_code` national digits ("17") or None."""

    region: str
    area_code: str | None = None

    def __post_init__(self) -> None:
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{self.region!r} is not a region with a numbering plan")

    @property
    def country_code(self) -> str:
        return str(phonenumbers.country_code_for_region(self.region))


@dataclass(frozen=True, slots=True)
class NumberRules:
    """Which numbers may be dialled. Without `allow`, ordinary numbers of the plan's region; `deny` always wins."""

    allow: tuple[NumberMask, ...] = ()
    deny: tuple[NumberMask, ...] = ()


def read_number(subject: str, plan: NumberPlan) -> FaxNumber | Refusal:
    """The one number that the decoded `subject` holds, read by `plan`, or why there is not exactly one."""
    found = find_number(subject)
    if isinstance(found, Refusal):
        return _with_suggestion(found, subject, plan)
    if phonenumbers.is_emergency_number(found.digits, plan.region):
        # Not E.164, so no rule opens them either: a fax machine that blocks an emergency line helps nobody.
        facts = {"number": found.digits, "reason": "it is an emergency number"}
        return Refusal(RefusalCode.NUMBER_NOT_ALLOWED, facts)
    readings = _readings(found, plan)
    if len(readings) > 1:
        first, second, *_ = (number.readable for number, _ in readings.values())
        facts = {"subject": shown(found.text), "first": first, "second": second}
        return Refusal(RefusalCode.NUMBER_AMBIGUOUS, facts)
    if not readings:
        return Refusal(_why_unreadable(found, plan), {"subject": shown(found.text)})
    ((number, text),) = readings.values()
    rest = found.text[len(text) :].strip(" ()./~-")
    # Long enough for a second number: half of the faxes would be lost.
    return several([text, rest]) if len(only_digits(rest)) >= FEWEST_DIGITS else number


def contradicts(subject: str, number: FaxNumber, plan: NumberPlan) -> bool:
    """Whether `subject` is wholly a number, and none of its readings is `number`, which the mail's address says.

    "Invoice 4711" contradicts nothing; "8 017 200 15 00" is what somebody means to dial. So is a list of numbers.
    """
    readings = [_readings(found, plan) for found in numbers_alone(subject)]
    return any(found and number.e164 not in found for found in readings)


def read_dialled(named: str, prefix: str, plan: NumberPlan) -> FaxNumber | Refusal:
    """A number as a trunk writes it, where `prefix` stands for the plus; or a national one, read by `plan`."""
    if named.startswith(prefix) and not named.startswith("+"):
        international = read_number("+" + named.removeprefix(prefix), plan)
        if isinstance(international, FaxNumber):
            return international
    return read_number(named, plan)


def _with_suggestion(refusal: Refusal, subject: str, plan: NumberPlan) -> Refusal:
    """The refusal of a subject that was not understood, with the one number in it, for the sender to decide about."""
    if refusal.code is not RefusalCode.NUMBER_NOT_UNDERSTOOD:
        return refusal
    readings: dict[str, str] = {}
    for found in numbers_within(subject):
        readings |= {number.e164: number.readable for number, _ in _readings(found, plan).values()}
    if len(readings) != 1:
        return refusal
    return Refusal(refusal.code, {**refusal.facts, "first": readings.popitem()[1]})


def _readings(found: NumberText, plan: NumberPlan) -> dict[str, tuple[FaxNumber, str]]:
    """Every valid reading by E.164, with its text: all of `found`, or a beginning that may be all that was meant."""
    readings: dict[str, tuple[FaxNumber, str]] = {}
    for text in (found.text, *found.shorter):
        numbers = _international(text) if found.international else _bare(only_digits(text), plan)
        readings |= {number.e164: (number, text) for number in numbers if number is not None}
    return readings


def _international(text: str) -> list[FaxNumber | None]:
    """The readings of what follows a plus, None for each that is not valid.

    "+49 (0)30 ..." is how Germans write both forms at once: the 0 is not dialled. Italians dial theirs, and both
    readings of "+39 (0)321 ..." can exist.
    """
    return [_valid(only_digits(text)), _valid(only_digits(text.replace("(0)", "")))]


def _bare(digits: str, plan: NumberPlan) -> list[FaxNumber | None]:
    """The readings of digits without a plus, None for each that is not valid."""
    return [
        _valid(plan.country_code + digits),
        _as_dialled_abroad(digits, plan),
        _as_if_with_plus(digits),
        _local(digits, plan),
    ]


def _as_dialled_abroad(digits: str, plan: NumberPlan) -> FaxNumber | None:
    """Behind the region's international prefix (00, 810, 011) the number is international."""
    prefix = re.match(_metadata(plan).international_prefix or "00", digits)
    return _valid(digits[prefix.end() :]) if prefix else None


def _as_if_with_plus(digits: str) -> FaxNumber | None:
    """Digit by digit: a trunk prefix that must be dropped first (+81 0...) shows that no plus was meant."""
    number = _valid(digits)
    return number if number is not None and number.digits == digits else None


def _local(digits: str, plan: NumberPlan) -> FaxNumber | None:
    """No subscriber's number begins with the 0 that is dialled before an area code, and none is as short as a year."""
    if plan.area_code is None or digits.startswith("0") or len(digits) < FEWEST_DIGITS:
        return None
    return _valid(plan.country_code + plan.area_code + digits)


def _valid(digits: str) -> FaxNumber | None:
    """The number with country code `digits`, if it exists; a trunk prefix behind the country code is dropped."""
    number = _parsed(digits)
    if number is None or not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if len(e164) > MAX_E164_DIGITS + 1:
        return None  # some plans, such as Germany's, are wider than E.164
    country_code = str(number.country_code)
    return FaxNumber(
        e164=e164,
        region=phonenumbers.region_code_for_number(number) or NO_COUNTRY,
        country_code=country_code,
        kind=_kind(number, country_code),
        readable=phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
    )


def _parsed(digits: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return None


def _kind(number: PhoneNumber, country_code: str) -> NumberKind:
    if country_code in _SATELLITE_CODES:
        return NumberKind.SATELLITE
    return _KINDS.get(phonenumbers.number_type(number), NumberKind.UNKNOWN)


def _why_unreadable(found: NumberText, plan: NumberPlan) -> RefusalCode:
    """A number that only lacks its area code is told so; any other does not exist."""
    if found.international or plan.area_code is not None or found.digits.startswith("0"):
        return RefusalCode.NUMBER_INVALID
    number = _parsed(plan.country_code + found.digits)
    if number is None:
        return RefusalCode.NUMBER_INVALID
    result = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.FIXED_LINE)
    return RefusalCode.NUMBER_LOCAL if result == ValidationResult.IS_POSSIBLE_LOCAL_ONLY else RefusalCode.NUMBER_INVALID


def _metadata(plan: NumberPlan) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region(plan.region)
    if metadata is None:
        raise LookupError(f"no numbering plan for {plan.region}")
    return metadata


def may_dial(number: FaxNumber, rules: NumberRules, plan: NumberPlan) -> Refusal | None:
    """None when `number` may be dialled. Deny masks come first; special numbers want a rule that names them."""
    if any(mask.matches(number.digits) for mask in rules.deny):
        return _not_allowed(number, "a rule forbids it")
    allowing = [mask for mask in rules.allow if mask.matches(number.digits)]
    if not number.kind.ordinary:
        named = any(_names(mask, number) for mask in allowing)
        return None if named else _not_allowed(number, f"a {number.kind} number needs a rule that names it")
    if rules.allow:
        return None if allowing else _not_allowed(number, "no rule allows it")
    return None if _is_at_home(number, plan) else _not_allowed(number, f"only numbers of {plan.region} are allowed")


def _is_at_home(number: FaxNumber, plan: NumberPlan) -> bool:
    """Asked of the plan: regions that share all their numbers (Saint Martin, Guadeloupe) are told by one name."""
    return phonenumbers.is_valid_number_for_region(phonenumbers.parse(number.e164), plan.region)


def _names(mask: NumberMask, number: FaxNumber) -> bool:
    """Whether `mask` means this special range, and does not just happen to cover it.

    It must write out three digits behind the country code: `375902*` names Belarus's premium numbers, `375#########`
    or `3759*` does not. A network without a country is named by its code alone: `8816*`, `870*`.
    """
    if number.region == NO_COUNTRY:
        return mask.prefix.startswith(number.country_code)
    return len(mask.prefix) >= len(number.country_code) + _NAMING_DIGITS


def _not_allowed(number: FaxNumber, reason: str) -> Refusal:
    return Refusal(RefusalCode.NUMBER_NOT_ALLOWED, {"number": number.readable, "reason": reason})
