"""Where in a subject the number stands: alone, or marked among words. Whether it exists is `number`'s to say.

A subject is what a person typed, a telephone copied or a scanner made up; a wrong guess is a stranger's fax
machine and somebody's letter on it. So the number is either all there is, or bears a mark, and what could be
read in two ways is handed on as two readings.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from mail2fax.model.refusal import Refusal, RefusalCode

MAX_SHOWN = 100
"""How much of a subject a refusal repeats, in characters."""

FEWEST_DIGITS = 5
"""A mark before fewer digits is none: "+3 pages", "fax: 2 sheets". The shortest local numbers have five."""

_MOST_DIGITS = 22
"""15 digits of E.164 behind the longest of international prefixes."""

_MOST_SUGGESTED = 10
"""A subject with more numbers than these is a list, and none of them is what was meant."""

_REPLY_WORDS = (
    "re|fw|fwd|aw|wg|antw|antwort|sv|vs|vb|tr|rv|rif|r|i|ref|odp|pd|ynt|ilt|res|enc|doorst|bls"
    "|отв|ответ|на|ha|пер|пересл|переслано|адказ|пераслана|回复|答复|转发"
)
_REPLY = re.compile(rf"(?: *+(?:{_REPLY_WORDS}) ?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\d{{1,2}})? ?:)++ *", re.IGNORECASE)

# All possessive: a space that both a separator and the next number could take doubles the ways with every number.
_NUMBER_FORM = r"\(?+ ?+(?:\+ ?+)?+\(?+\d(?:[ ()./~-]*+\d)*+\)?+"
_NUMBER = re.compile(_NUMBER_FORM)
_LIST = re.compile(rf"{_NUMBER_FORM}(?: ?+[,;&] ?+{_NUMBER_FORM})++")
_LABEL = r"(?:telefax|fax|tel|телефакс|факс|тел)"
# What makes another thing of the digits beside it: letters, other plusses, codes of the network, formulas, addresses.
_GLUE = r"[\w+*#@=&%]"
_MARKED = re.compile(
    rf"(?:(?<!\w){_LABEL}\.? ?: *|(?<!{_GLUE})(?=\(? ?\+))(?P<number>{_NUMBER_FORM})",
    re.IGNORECASE,
)
# Years have four digits here: "20.12.26" is how New Caledonia writes its numbers.
_DATE = re.compile(
    r"(?:(?:19|20)\d\d([-./ ])[01]?\d\1[0-3]?\d|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|[0-3]?\d([-./ ])[0-3]?\d\2(?:19|20)\d\d)"
    r"(?:[-. ]?[0-2]\d[-. ]?[0-5]\d(?:[-. ]?[0-5]\d)?)?"
)

# And behind the number also: vanity numbers and names of files, pauses, the parameters of RFC 3966, an extension.
# An extension cannot be dialled before the far end has answered: it is no fax number.
_EXTENSION = (
    "extension|extn?|x|#|durchwahl|dw|nebenstelle|klappe|poste|interno|int|anexo|ramal|toestel|wew"
    "|добавочный|доб|внутренний|внутр|вн"
)
_GLUED = re.compile(
    rf"{_GLUE}|[-.~]\w|[,;:]+\d|[,;:]{{2}}|;[\w-]+=|[^\w#]*+(?:{_EXTENSION})\W{{0,3}}\d",
    re.IGNORECASE,
)
_NEXT_IN_LIST = re.compile(rf" ?(?:[,;&/|]|and|or|und|oder|и|или) ?(?P<number>{_NUMBER_FORM})", re.IGNORECASE)
_CLEAR_END = re.compile(r" ?(?:$|[,;:!?\"'»”()\[\]{}<>|])")
_GROUP_END = re.compile(r"\d(?=\D)")
# "030 123456/57" may be one number or two; "030/123456" is only one.
_SLASH = re.compile(r"\d(?= ?/)")

_RIGHT_TO_LEFT_OVERRIDE = "\u202e"


@dataclass(frozen=True, slots=True)
class NumberText:
    """The text of the one number, in ASCII digits and separators.

    `shorter` holds beginnings of it that may be all that was meant ("+49 30 123456" of "+49 30 123456 2 pages").
    """

    text: str
    shorter: tuple[str, ...] = ()

    @property
    def digits(self) -> str:
        return only_digits(self.text)

    @property
    def international(self) -> bool:
        return "+" in self.text


def only_digits(text: str) -> str:
    """The ASCII digits of `text`."""
    return "".join(letter for letter in text if letter in "0123456789")


def shown(text: str) -> str:
    """`text` as a refusal repeats it: not more of it than a person reads."""
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def find_number(subject: str) -> NumberText | Refusal:
    """The one number that `subject` (decoded) holds, or why it holds none, or no plain one."""
    if _RIGHT_TO_LEFT_OVERRIDE in subject:
        return not_understood(subject)  # the sender saw its digits in another order than we do
    text = _without_reply_words(in_plain_characters(subject)).strip(" .,;")
    if not only_digits(text):
        return Refusal(RefusalCode.NUMBER_MISSING)
    if _NUMBER.fullmatch(text):
        return _number_text(text, _SLASH)
    if _LIST.fullmatch(text):
        return several(_NUMBER.findall(text))
    return _among_words(text)


def numbers_alone(subject: str) -> list[NumberText]:
    """The numbers of a subject that is nothing but a number, marked or not, or a list of numbers; else none."""
    text = _without_reply_words(in_plain_characters(subject)).strip(" .,;")
    marked = _MARKED.fullmatch(text)
    if _NUMBER.fullmatch(text):
        found = [text]
    elif marked:
        found = [marked["number"]]
    else:
        found = _NUMBER.findall(text) if _LIST.fullmatch(text) else []
    return [NumberText(each) for each in found if len(only_digits(each)) <= _MOST_DIGITS and not _DATE.fullmatch(each)]


def numbers_within(subject: str) -> list[NumberText]:
    """Everything in `subject` that looks like a number: too many for an order, enough to ask "did you mean".

    Nothing when a mark of direction turns the subject around, or when it is full of numbers.
    """
    if _RIGHT_TO_LEFT_OVERRIDE in subject:
        return []
    text = in_plain_characters(subject)
    found = list(islice(_NUMBER.finditer(text), _MOST_SUGGESTED + 1))
    digits = [each for each in found if FEWEST_DIGITS <= len(only_digits(each[0])) <= _MOST_DIGITS]
    return (
        [] if len(found) > _MOST_SUGGESTED else [NumberText(each[0]) for each in digits if not _DATE.fullmatch(each[0])]
    )


def in_plain_characters(text: str) -> str:
    """`text` with digits of every script, full-width forms, dashes and spaces in ASCII, and no invisible characters.

    Telephones and address books wrap numbers in marks of direction, word processors put in hard spaces and long
    dashes, Asian and Arabic keyboards write digits of their own. Look-alikes (superscripts, letters) stay as they are.
    """
    return " ".join("".join(map(_plain, text)).split())


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    if "\uff01" <= letter <= "\uff5e":
        return chr(ord(letter) - 0xFEE0)
    category = unicodedata.category(letter)
    if category == "Pd" or letter == "\u2212":
        return "-"
    return {"Zs": " ", "Cf": ""}.get(category, letter)


def _without_reply_words(text: str) -> str:
    found = _REPLY.match(text)
    return text[found.end() :] if found else text


def _among_words(text: str) -> NumberText | Refusal:
    marked = [found for found in _MARKED.finditer(text) if len(only_digits(found["number"])) >= FEWEST_DIGITS]
    if not marked:
        return not_understood(text)
    if len(marked) > 1:
        return several([found["number"] for found in marked])
    number, rest = marked[0]["number"].strip(), text[marked[0].end() :]
    if _GLUED.match(rest):
        return not_understood(text)
    following = _NEXT_IN_LIST.match(rest)
    if following and len(only_digits(following["number"])) >= FEWEST_DIGITS:
        return several([number, following["number"]])
    return _number_text(number, _SLASH if _CLEAR_END.match(rest) else _GROUP_END)


def _number_text(text: str, ends: re.Pattern[str]) -> NumberText | Refusal:
    """The number `text`, with its beginnings up to each of `ends` that may be all that was meant."""
    # A scanner's "2026-08-01" is, in countries with numbers of any length, somebody's telephone.
    if _DATE.fullmatch(text):
        return not_understood(text)
    if len(only_digits(text)) > _MOST_DIGITS:
        return Refusal(RefusalCode.NUMBER_INVALID, {"subject": shown(text)})
    return NumberText(text, tuple(text[: found.end()] for found in ends.finditer(text)))


def several(numbers: Sequence[str]) -> Refusal:
    """The refusal of a subject with `numbers`, more than one."""
    return Refusal(RefusalCode.NUMBER_SEVERAL, {"numbers": shown(", ".join(number.strip() for number in numbers))})


def not_understood(text: str) -> Refusal:
    """The refusal of a subject that is no number."""
    return Refusal(RefusalCode.NUMBER_NOT_UNDERSTOOD, {"subject": shown(text)})
