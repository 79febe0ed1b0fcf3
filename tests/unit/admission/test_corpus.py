"""The corpus of shapes and of hostile mails: each has its verdict, and the TIFF that is admitted is the one sent."""

import random
import re
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.admission.gate import AdmissionRules, Admitted, Allowed, judge_order, judge_sender
from mail2fax.admission.number import NumberPlan, NumberRules
from mail2fax.ingest.smtp_data import HeaderBlock
from mail2fax.mail.mime import NOTHING, Opening, read_parts
from mail2fax.mail.problem import Problem
from mail2fax.model.document import Kind, kind_of
from mail2fax.model.domain import Terminal
from mail2fax.model.mail import Arrival, Door, Proof, ProofKind
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import Refusal
from mail2fax.model.rule import SenderRule
from tests.corpus.hostile import HOSTILE
from tests.corpus.shapes import HEAD, SHAPES, TIFF, TIFFS
from tests.corpus.tree import Place, is_forwarded, places, planted, written

VERDICTS = tomllib.loads((Path(__file__).parents[2] / "corpus" / "verdicts.toml").read_text(encoding="utf-8"))
RULES = AdmissionRules(
    (SenderRule(SenderMask.parse("*@example.com"), Terminal("1500", "", "")),), NumberPlan("BY"), NumberRules()
)
ATTACHED = TIFFS["attachment"]
SLOWEST_S = 2.0
"""Of processor time for any mail here, on a slow machine; most take a millisecond."""


def judged(raw: bytes, opening: Opening = NOTHING) -> tuple[str, bytes]:
    """The verdict on a mail, as the gateway comes to it, and the TIFF that would be faxed."""
    block = HeaderBlock()
    block.receive(raw)
    arrival = Arrival(
        door=Door.SMTP,
        source_key="smtp:1",
        mail_from="anna@example.com",
        recipient="fax@example.com",
        peer="127.0.0.1",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        size=len(raw),
        header=bytes(block),
        proofs=(Proof(ProofKind.FROM),),
    )
    allowed = judge_sender(arrival, RULES)
    if isinstance(allowed, Refusal):
        return allowed.code, b""
    assert isinstance(allowed, Allowed)
    parts = read_parts(raw, opening)
    answer = judge_order(allowed.heading.subject, parts, RULES)
    if not isinstance(answer, Admitted):
        return answer.code, b""
    assert not isinstance(parts, Problem)
    return "admitted", next(part.content for part in parts if kind_of(part.content) is Kind.TIFF)


def expected(shape: str, place: Place) -> tuple[str, bytes]:
    code = VERDICTS[shape]["forwarded" if is_forwarded(SHAPES[shape], place) else "planted"]
    return code, TIFF if code == "admitted" else b""


def test_every_shape_has_a_verdict() -> None:
    assert set(VERDICTS) == set(SHAPES)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_without_a_tiff_has_its_verdict(shape: str) -> None:
    assert judged(written(SHAPES[shape], HEAD)) == (VERDICTS[shape]["bare"], b"")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tiff_in_each_place_of_a_shape_in_each_form_is_found_whole_or_refused(shape: str) -> None:
    tree = SHAPES[shape]
    for place in places(tree):
        for form, tiff in TIFFS.items():
            assert judged(written(planted(tree, place, tiff), HEAD)) == expected(shape, place), (place, form)


@pytest.mark.parametrize("form", TIFFS)
def test_a_mail_that_is_nothing_but_its_tiff_is_a_fax(form: str) -> None:
    assert judged(written(TIFFS[form], HEAD)) == ("admitted", TIFF)


@pytest.mark.parametrize("shape", SHAPES)
def test_two_tiffs_are_never_one_wherever_they_stand(shape: str) -> None:
    tree = SHAPES[shape]
    for first in places(tree):
        once = planted(tree, first, ATTACHED)
        for second in list(places(once))[::2]:
            code, _ = judged(written(planted(once, second, TIFFS["octets"]), HEAD))
            assert code != "admitted", (first, second)


def test_in_forwarded_mails_a_tiff_is_found_where_they_are_opened() -> None:
    for shape in ("forwarded", "forwarded in forwarded"):
        tree = SHAPES[shape]
        for place in places(tree):
            assert judged(written(planted(tree, place, ATTACHED), HEAD), Opening(forwarded=True)) == ("admitted", TIFF)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_has_its_verdict_in_a_moment(name: str) -> None:
    mail, verdict = HOSTILE[name]
    raw = mail() if callable(mail) else mail
    began = time.process_time()
    code, tiff = judged(raw)
    assert time.process_time() - began < SLOWEST_S
    assert code == verdict
    assert TIFF.startswith(tiff) if verdict == "admitted" else tiff == b""


STRUCTURE = [b"boundary", b"Content-Type", b"multipart", b"--", b"\r\n", b"\r\n\r\n", b'"', b";", b"=", b":", b"base64"]
JUNK = [b"", b"\0", b"\r", b"\n", b"\xff", b"--", b"\r\n\r\n", b"x", b"; ", b"Content-Type: message/rfc822\r\n", b'"']


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_that_was_damaged_anywhere_outside_the_tiff_yields_the_tiff_or_a_refusal(shape: str) -> None:
    """However its structure was mutated, no other bytes than those that were sent are ever the one TIFF."""
    dice = random.Random(shape)  # noqa: S311 - the same mutants each time
    tree = SHAPES[shape]
    for place in places(tree):
        whole = written(planted(tree, place, ATTACHED), HEAD)
        for _ in range(12):
            mutant = _mutated(whole, dice)
            code, tiff = judged(mutant)
            # What is left of the structure may stand behind the base64 text as dirt: never within it.
            assert code != "admitted" or tiff.startswith(TIFF[:-2]), mutant


def _mutated(whole: bytes, dice: random.Random) -> bytes:
    """One to four spots of the structure replaced, removed or doubled; the TIFF's text is left alone."""
    for _ in range(dice.randint(1, 4)):
        token = dice.choice(STRUCTURE)
        spots = [found.start() for found in re.finditer(re.escape(token), whole) if not _in_tiff(whole, found.start())]
        if not spots:
            continue
        at = dice.choice(spots)
        whole = whole[:at] + dice.choice([*JUNK, token * 2]) + whole[at + len(token) * dice.randint(0, 1) :]
    return whole


def _in_tiff(whole: bytes, at: int) -> bool:
    begin = whole.find(b"SUkqAAgA")
    return begin <= at <= begin + len(ATTACHED.body) + ATTACHED.body.count(b"\n")
