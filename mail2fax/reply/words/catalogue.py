"""What a catalogue of words holds. Each language is one value of `Words`, in a file of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from mail2fax.model.call import Media
from mail2fax.model.job import JobState
from mail2fax.model.outcome import Diagnosis, OutcomeKind
from mail2fax.model.refusal import Refusal, RefusalCode

_OURS = frozenset({"name", "problem", "reason", "accepted"})
"""The facts of a refusal that may be phrases of ours; the others repeat what the sender wrote."""
_BY_DEFAULT = {"accepted": "TIFF", "endings": ".tif"}
"""What is faxed here, where a refusal does not say so."""

_OVERTAKEN = frozenset({OutcomeKind.CANCELLED, OutcomeKind.INTERRUPTED, OutcomeKind.UNCONFIRMED, OutcomeKind.STOPPED})
"""Kinds that a job comes to by something else than the end of the call that was diagnosed."""


class Language(StrEnum):
    """The languages we write in (ISO 639-1)."""

    ENGLISH = "en"
    RUSSIAN = "ru"


@dataclass(frozen=True, slots=True)
class Wording:
    """One outcome or refusal in plain words: what happened, and what the sender can do ("" when nothing).

    In a catalogue the `{names}` stand for the facts of a refusal.
    """

    sentence: str
    advice: str


@dataclass(frozen=True, slots=True)
class StateWording:
    """How a final state is told: `headline` in the name it comes from or the subject, `opening` as the first sentence.

    `{to}` is `Labels.to` with the number, or nothing when none is known.
    """

    headline: str
    opening: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The words around the facts of a status mail. `{names}` are filled in."""

    fax: str
    """What stands before its number."""
    to: str
    what_you_can_do: str
    write_again: str
    """Stands before links that begin a new mail, its subject corrected. `{accepted}` is to be attached to it."""
    instead_of: str
    """The first sentence of a mail to somebody else than `{sender}`."""
    number: str
    forwarded: str
    """Where the number that was ordered is forwarded to: `{ordered}` and `{number}`."""
    pages: str
    confirmed: str
    pages_in_call: str
    """Which pages one of several calls has brought over: `{pages}` and its `{time}`."""
    not_faxed: str
    """What was attached beside the document."""
    and_more: str
    """Behind a list that is cut short: `{count}` more."""
    receiver: str
    calls_itself: str
    quality: str
    with_correction: str
    without_correction: str
    calls: str
    earlier: str
    duplicate: str
    """The headline, in place of the state's, when the same fax is a job already."""
    sent_before: str
    """The opening then."""
    preview: str
    """The headline, in place of the state's, when the mail was a test."""
    only_shown: str
    """The opening then."""
    no_result: str
    """What became of a call whose end we never heard."""
    minutes: str
    seconds: str
    received: str
    sender: str
    unknown: str
    """Stands for a fact that is missing: a reply with a gap is better than none."""

    @property
    def width(self) -> int:
        """How wide the first column of the table is, in characters."""
        return max(
            map(
                len,
                (
                    self.number,
                    self.pages,
                    self.not_faxed,
                    self.receiver,
                    self.quality,
                    self.calls,
                    self.fax,
                    self.sender,
                ),
            )
        )


@dataclass(frozen=True)
class Words:
    """Everything we say in one language.

    `phrases` translates what other rooms say in English as a fact ("it is an emergency number"); a `{}` stands for
    whatever it holds (a number, a name). A phrase that is not in it is shown as it is. `orders` are the sentences of
    refusals to programs, which write no mail with a subject, where they are others.
    """

    language: Language
    labels: Labels
    states: Mapping[JobState, StateWording]
    outcomes: Mapping[OutcomeKind, Wording]
    diagnoses: Mapping[Diagnosis, str]
    refusals: Mapping[RefusalCode, Wording]
    media: Mapping[Media, str]
    orders: Mapping[RefusalCode, str]
    phrases: Mapping[str, str] = field(default_factory=dict)

    def failed(self, outcome: str, facts: Mapping[str, str]) -> Wording:
        """What became of a job that was dialled: its latest call in particular, where that says more than its kind."""
        kind = OutcomeKind(outcome)
        general, diagnosis = self.outcomes[kind], facts.get("diagnosis")
        if diagnosis is None or kind in _OVERTAKEN:
            return general
        precise = self.diagnoses[Diagnosis(diagnosis)]
        return Wording(f"{general.sentence} {precise}" if kind is OutcomeKind.EXPIRED else precise, general.advice)

    def refused(self, refusal: Refusal, *, ordered: bool = False) -> Wording:
        """Why a submission was refused, its facts filled in; with `ordered` one that was no mail."""
        known = {name: self.phrase(fact) if name in _OURS else fact for name, fact in refusal.facts.items()}
        facts = _Facts(_BY_DEFAULT | known, self.labels.unknown)
        wording = self.refusals[refusal.code]
        sentence = self.orders.get(refusal.code, wording.sentence) if ordered else wording.sentence
        return Wording(sentence.format_map(facts), wording.advice.format_map(facts))

    def write_again(self, facts: Mapping[str, str]) -> str:
        """What stands before the links that begin a new mail, when one was refused with these facts."""
        return self.labels.write_again.format(accepted=self.phrase((_BY_DEFAULT | dict(facts))["accepted"]))

    def phrase(self, english: str) -> str:
        """A fact that is a phrase of ours, in this language; any other text as it is."""
        for pattern, translated in self._patterns:
            if found := pattern.fullmatch(english):
                return translated.format(*map(self.phrase, found.groups()))
        return english

    @cached_property
    def _patterns(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        return tuple(
            (re.compile("(.{1,100})".join(map(re.escape, english.split("{}")))), translated)
            for english, translated in self.phrases.items()
        )


class _Facts(dict[str, str]):
    """Facts for a wording; one that is missing is told as missing."""

    def __init__(self, facts: Mapping[str, str], unknown: str) -> None:
        super().__init__(facts)
        self._unknown = unknown

    def __missing__(self, name: str) -> str:
        return self._unknown
