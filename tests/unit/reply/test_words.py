"""The catalogues: every outcome and refusal in every language, with the same facts, and nothing left in English."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import mail2fax
from mail2fax.document.libtiff import LACKING
from mail2fax.jobs.states import ORPHANED, STOPPED
from mail2fax.model.call import Media
from mail2fax.model.job import FINAL_STATES
from mail2fax.model.number import ORDINARY_KINDS, NumberKind
from mail2fax.model.outcome import Diagnosis, OutcomeKind
from mail2fax.model.refusal import SMTP_REPLIES, Refusal, RefusalCode
from mail2fax.reply.words import ENGLISH, RUSSIAN, Language, Wording, Words, words_in

ROOMS = ("mail", "admission", "document")
TELLING = {"Problem": 0, "unreadable": 0, "too_large": 0, "damaged": 1, "unsupported": 1, "_not_allowed": 1}
"""Functions whose argument at this place becomes a fact that is a phrase of ours."""
TELLING_FACTS = {"problem", "reason"}

languages = pytest.mark.parametrize("words", [words_in(language) for language in Language], ids=list(Language))


def names_in(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@languages
def test_every_outcome_refusal_state_and_medium_has_its_words(words: Words) -> None:
    assert words.outcomes.keys() == set(OutcomeKind)
    assert words.diagnoses.keys() == set(Diagnosis)
    assert words.refusals.keys() == set(RefusalCode) == SMTP_REPLIES.keys()
    assert words.states.keys() == FINAL_STATES
    assert words.media.keys() == set(Media)


@languages
def test_nothing_is_empty_and_every_sentence_ends(words: Words) -> None:
    for wording in (*words.outcomes.values(), *words.refusals.values()):
        assert wording.sentence.endswith(".")
        assert wording.advice == "" or wording.advice.endswith(".")
    for wording in words.refusals.values():
        assert wording.advice
    assert all(sentence.endswith(".") for sentence in words.diagnoses.values())
    assert len(set(words.diagnoses.values())) == len(Diagnosis), "two diagnoses are told alike"
    assert all(getattr(words.labels, field.name).strip() for field in dataclasses.fields(words.labels))


@languages
def test_a_diagnosis_is_told_instead_of_its_kind_and_beside_an_expiry(words: Words) -> None:
    facts = {"diagnosis": Diagnosis.NO_CREDIT.value}
    precise, trunk = words.diagnoses[Diagnosis.NO_CREDIT], words.outcomes[OutcomeKind.TRUNK]
    assert words.failed("trunk", facts) == Wording(precise, trunk.advice)
    assert words.failed("trunk", {}) == trunk
    expired = words.failed("expired", facts).sentence
    assert expired == f"{words.outcomes[OutcomeKind.EXPIRED].sentence} {precise}"


@languages
@pytest.mark.parametrize("kind", [OutcomeKind.CANCELLED, OutcomeKind.UNCONFIRMED, OutcomeKind.INTERRUPTED])
def test_an_earlier_diagnosis_does_not_explain_an_end_of_another_making(words: Words, kind: OutcomeKind) -> None:
    """Trap: the facts of the last failure stay with the job that a person then cancels."""
    assert words.failed(kind, {"diagnosis": Diagnosis.BUSY.value}) == words.outcomes[kind]


@languages
def test_each_language_tells_the_same_facts(words: Words) -> None:
    for code, wording in ENGLISH.refusals.items():
        assert names_in(wording.sentence) == names_in(words.refusals[code].sentence), code
        assert names_in(wording.advice) == names_in(words.refusals[code].advice), code
    for kind, outcome in ENGLISH.outcomes.items():
        assert bool(outcome.advice) == bool(words.outcomes[kind].advice), kind
    for field in dataclasses.fields(ENGLISH.labels):
        assert names_in(getattr(ENGLISH.labels, field.name)) == names_in(getattr(words.labels, field.name)), field.name
    for state, told in ENGLISH.states.items():
        assert names_in(told.opening) == names_in(words.states[state].opening), state


def test_no_sentence_was_left_untranslated() -> None:
    for code, wording in ENGLISH.refusals.items():
        assert re.search("[а-я]", RUSSIAN.refusals[code].sentence)
        assert RUSSIAN.refusals[code].advice != wording.advice
    for kind in OutcomeKind:
        assert re.search("[а-я]", RUSSIAN.outcomes[kind].sentence)


def said_elsewhere() -> Iterator[str]:
    """Every phrase of ours that another room puts into a fact, with {} for what it fills in itself."""
    package = Path(mail2fax.__file__).parent
    for path in sorted(path for room in ROOMS for path in (package / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TELLING:
                yield from phrase(node.args[TELLING[node.func.id]])
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                yield from (
                    said
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and key.value in TELLING_FACTS
                    for said in phrase(value)
                )


def phrase(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)]
    return []


def test_what_other_rooms_say_in_english_is_translated_too() -> None:
    """Trap: a Russian sentence with an English reason in the middle of it."""
    said = [*said_elsewhere(), *LACKING.values(), STOPPED, ORPHANED]
    said += (kind.value for kind in NumberKind if kind not in ORDINARY_KINDS)
    assert len(said) > 40
    assert [each for each in said if RUSSIAN.phrase(each.replace("{}", "7")) == each.replace("{}", "7")] == []


def test_a_translation_has_as_many_gaps_as_the_phrase() -> None:
    for english, russian in RUSSIAN.phrases.items():
        assert names_in(english) == names_in(russian), english


def test_what_a_phrase_holds_is_translated_where_it_can_be() -> None:
    said = RUSSIAN.phrase("a premium-rate number needs a rule that names it")
    assert said == "номер такого вида (платная услуга) должен быть прямо назван в правиле"
    assert RUSSIAN.phrase("its header is longer than 256 KB") == "его заголовок длиннее 256 КБ"


@languages
def test_what_the_sender_wrote_is_repeated_as_it_is(words: Words) -> None:
    facts = {"subject": "pager {first} it is empty"}
    told = words.refused(Refusal(RefusalCode.NUMBER_NOT_UNDERSTOOD, facts))
    assert "pager {first} it is empty" in told.sentence


@languages
def test_only_tiffs_are_named_where_nothing_else_is_taken_and_else_all_that_is(words: Words) -> None:
    other = {"accepted": "PDF, PNG or JPEG", "endings": ".pdf, .png, .jpg"}
    said = 0
    for code, wording in words.refusals.items():
        default, told = words.refused(Refusal(code)), words.refused(Refusal(code, other))
        assert "TIFF" not in told.sentence + told.advice, code
        if "{accepted}" in wording.sentence + wording.advice:
            said += 1
            assert "TIFF" in default.sentence + default.advice
            assert re.search(r"PDF, PNG \w+ JPEG", told.sentence + told.advice), code
    assert said >= 8
    assert "TIFF" in words.write_again({})
    assert words.phrase("PDF, PNG or JPEG") in words.write_again(other)


def test_the_kinds_are_listed_in_russian_too() -> None:
    assert RUSSIAN.phrase("its contents are not those of a TIFF") == "его содержимое — не TIFF"
    assert (
        RUSSIAN.phrase("its contents are not those of a TIFF, PDF or JPEG") == "его содержимое — не TIFF, PDF или JPEG"
    )
    missing = Refusal(RefusalCode.ATTACHMENT_MISSING, {"accepted": "TIFF or PDF", "endings": ".tif, .pdf"})
    assert RUSSIAN.refused(missing) == Wording(
        "К вашему письму не приложен TIFF или PDF.",
        "Приложите документ одним файлом TIFF или PDF (.tif, .pdf) и отправьте письмо ещё раз.",
    )
    assert ENGLISH.refused(Refusal(RefusalCode.ATTACHMENT_MISSING)) == Wording(
        "No TIFF is attached to your mail.", "Attach the document as one TIFF file (.tif) and send the mail again."
    )


@languages
def test_a_fact_that_is_missing_costs_no_reply(words: Words) -> None:
    assert words.labels.unknown in words.refused(Refusal(RefusalCode.NUMBER_NOT_ALLOWED)).sentence
