"""Signed mails against a real name server, and a gateway that goes by them: what counts, once, and what waits."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mail2fax.admission.gate import AdmissionRules
from mail2fax.admission.signature import Look, Signatures
from mail2fax.admission.undecided import Undecided
from mail2fax.engine.scripted import ScriptedEngine
from mail2fax.ingest.smtp_data import HeaderBlock
from mail2fax.mail.header import Header, read_header
from mail2fax.model.job import JobState
from mail2fax.model.mail import Accepted, Address, Arrival
from mail2fax.model.mail_proof import MailProof, ProofKind, SignatureRules
from mail2fax.model.refusal import Refusal, RefusalCode
from tests.harness.house import RULES, House, arrival, house, written
from tests.harness.signing import COVERED, DOMAIN, Signer, make_ed25519_signer, make_signer, zone_text
from tests.peers.dns_server import DnsServer

ANNA = Address("anna", DOMAIN)
NOW = datetime.now(UTC)
"""dkimpy goes by the machine's own clock."""
PLAIN = (
    b"From: anna@example.com\r\nTo: fax@example.com\r\nSubject: +375 29 155 44 99\r\n"
    + f"Date: {NOW:%a, %d %b %Y %H:%M:%S} +0000\r\n".encode()
    + b"Message-ID: <1@example.com>\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return make_signer()


@pytest.fixture
async def names(signer: Signer) -> AsyncIterator[DnsServer]:
    async with DnsServer({(signer.name, "TXT"): [zone_text(signer.record)]}) as server:
        yield server


def header_of(raw: bytes) -> Header:
    block = HeaderBlock()
    block.receive(raw)
    read = read_header(bytes(block))
    assert isinstance(read, Header)
    return read


async def looked(raw: bytes, names: DnsServer, **changes: bool) -> tuple[Look, ...]:
    async def read() -> bytes:
        return raw

    rules = SignatureRules(nameservers=(names.address,), **changes)
    return await Signatures(lambda: NOW).look(header_of(raw), ANNA, "fax@example.com", read, rules)


async def fault(raw: bytes, names: DnsServer, **changes: bool) -> str:
    (look,) = await looked(raw, names, **changes)
    return look.fault


async def test_a_mail_that_its_senders_domain_has_signed_is_his(signer: Signer, names: DnsServer) -> None:
    assert await looked(signer.signed(PLAIN), names) == (Look(DOMAIN, "office"),)


async def test_a_signature_of_ed25519_is_verified_and_its_key_signs_nothing_else(signer: Signer) -> None:
    """RFC 8463. Trap: verifiers go by the key, and not by the algorithm that the signature names."""
    small = make_ed25519_signer()
    signed = small.signed(PLAIN)
    async with DnsServer({(small.name, "TXT"): [zone_text(small.record)]}) as names:
        assert await looked(signed, names) == (Look(DOMAIN, "office"),)
        assert "does not verify" in await fault(signed.replace(b"155 44 99", b"155 44 98"), names)
        assert "another kind" in await fault(signer.signed(PLAIN), names)
        assert "another kind" in await fault(signed.replace(b"a=ed25519-sha256", b"a=rsa-sha256"), names)


async def test_what_was_changed_or_added_does_not_verify(signer: Signer, names: DnsServer) -> None:
    """Trap: verifiers take the last of two Subjects, and say yes; a reader takes the first."""
    signed = signer.signed(PLAIN)
    assert "does not verify" in await fault(signed.replace(b"hello", b"hallo"), names)
    assert "does not verify" in await fault(signed.replace(b"155 44 99", b"155 44 98"), names)
    assert "does not verify" in await fault(signed + b"one more line\r\n", names)
    uncovered = signer.signed(PLAIN, [name for name in COVERED if name != "content-type"])
    assert "Content-Type" in await fault(uncovered, names)
    assert "length" in await fault(signer.signed(PLAIN, length=True), names)


async def test_two_subjects_are_refused_before_any_signature_is_looked_at(signer: Signer) -> None:
    block = HeaderBlock()
    block.receive(b"Subject: +375 29 000 00 00\r\n" + signer.signed(PLAIN))
    assert not isinstance(read_header(bytes(block)), Header)


async def test_a_signature_of_another_domain_shows_nothing_and_its_key_is_not_even_asked_for(
    signer: Signer, names: DnsServer
) -> None:
    for domain in ("evil.example", "sales.example.com", "com"):
        assert "not of the sender's domain" in await fault(signer.signed(PLAIN, domain=domain), names)
    assert not names.asked


async def test_a_domain_above_the_senders_may_vouch_where_that_is_set(signer: Signer, names: DnsServer) -> None:
    raw = signer.signed(PLAIN.replace(b"anna@example.com", b"anna@sales.example.com"))
    below = Address("anna", "sales.example.com")

    async def read() -> bytes:
        return raw

    for subdomains in (False, True):
        rules = SignatureRules(subdomains=subdomains, nameservers=(names.address,))
        (look,) = await Signatures(lambda: NOW).look(header_of(raw), below, "fax@example.com", read, rules)
        assert (look.fault == "") == subdomains


async def test_a_mail_that_was_meant_for_somebody_else_shows_nothing(signer: Signer, names: DnsServer) -> None:
    elsewhere = signer.signed(PLAIN.replace(b"To: fax@example.com", b"To: eve@evil.example"))
    assert "meant for somebody else" in await fault(elsewhere, names)
    assert await fault(elsewhere, names, any_recipient=True) == ""


async def test_a_key_that_is_too_small_proves_nothing(names: DnsServer) -> None:
    small = make_signer(768)
    names.records[small.name, "TXT"] = [zone_text(small.record)]
    assert "too small" in await fault(small.signed(PLAIN), names)


async def test_without_a_key_a_signature_is_none_and_without_an_answer_nobody_knows(
    signer: Signer, names: DnsServer
) -> None:
    """Trap: DNS trouble that is taken for a no loses a fax."""
    signed = signer.signed(PLAIN)
    names.broken_names.add(signer.name)
    with pytest.raises(Undecided, match="do not answer"):
        await looked(signed, names)
    names.broken_names.clear()
    names.deaf_to.add("TXT")
    began = time.monotonic()
    with pytest.raises(Undecided):
        await looked(signed, names)
    assert time.monotonic() - began < 8.0
    names.deaf_to.clear()
    names.records.clear()
    assert "no key in DNS" in await fault(signed, names)


async def test_a_signature_whose_key_cannot_be_had_does_not_spoil_another(signer: Signer, names: DnsServer) -> None:
    other = replace(signer, name=f"backup._domainkey.{DOMAIN}", selector="backup")
    both = other.signed(signer.signed(PLAIN))
    names.broken_names.add(other.name)
    first, second = await looked(both, names)
    assert "do not answer" in first.fault
    assert not second.fault
    with pytest.raises(Undecided):
        await looked(both.replace(b"hello", b"hallo"), names)


async def test_name_servers_that_are_silent_are_not_asked_for_each_mail(signer: Signer, names: DnsServer) -> None:
    async def read() -> bytes:
        return signed

    clock, signed = [NOW], signer.signed(PLAIN)
    names.broken_names.add(signer.name)
    signatures = Signatures(lambda: clock[0])
    look = (header_of(signed), ANNA, "fax@example.com", read, SignatureRules(nameservers=(names.address,)))
    for _ in range(3):
        with pytest.raises(Undecided):
            await signatures.look(*look)
    asked = names.asked[signer.name, "TXT"]
    with pytest.raises(Undecided):
        await signatures.look(*look)
    assert names.asked[signer.name, "TXT"] == asked
    names.broken_names.clear()
    clock[0] += timedelta(seconds=31)
    assert await signatures.look(*look) == (Look(DOMAIN, "office"),)


async def test_many_signatures_cost_no_more_than_the_first_that_verifies(signer: Signer, names: DnsServer) -> None:
    signed = PLAIN
    for _ in range(12):
        signed = signer.signed(signed)
    looks = await looked(signed, names)
    assert len(looks) == 10
    assert not looks[0].fault
    assert names.asked[signer.name, "TXT"] == 1
    assert ["only 3" in look.fault for look in looks] == [False] * 3 + [True] * 7


@pytest.mark.parametrize("blank", [b" ", b"\t", b" \t"])
async def test_blanks_and_lines_without_end_hold_nobody_up(signer: Signer, names: DnsServer, blank: bytes) -> None:
    """Trap: where white space at the end of a line does not count, dkimpy looks for that end behind each blank."""
    wide, tall, wordy = blank * 1_000_000 + b"x\r\n", b"x\r\n" * 1_000_001, b"x " * 500_001
    began = time.process_time()
    for body, words in ((wide, "body hash"), (tall, "too many lines"), (wordy, "too many words")):
        assert words in await fault(signer.signed(PLAIN) + body, names)
    assert time.process_time() - began < 5.0


async def test_a_body_full_of_blanks_verifies_in_either_form(signer: Signer, names: DnsServer) -> None:
    raw = PLAIN + b" a \t b\t\tc  \r\n \r\n\td\t \r\n  \r\n\r\n"
    for form in ((b"relaxed", b"relaxed"), (b"relaxed", b"simple"), (b"simple", b"simple")):
        assert await fault(signer.signed(raw, form=form), names) == ""
    changed = raw.replace(b" a \t b", b" a b")
    both = signer.signed(raw, form=(b"relaxed", b"simple"))
    assert "body hash" in await fault(both.replace(raw, changed), names)
    first, second = await looked(both.replace(raw, b"") + signer.signed(raw).replace(raw, changed), names)
    assert first.fault
    assert not second.fault


# The gateway goes by it


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[House]:
    with capture_logs():
        async with house(tmp_path, ScriptedEngine()) as standing:
            standing.clock.now = NOW
            yield standing


def strict(names: DnsServer) -> AdmissionRules:
    """Nothing but a signature proves the one sender."""
    only = tuple(replace(rule, require=frozenset({ProofKind.DKIM})) for rule in RULES.senders)
    return replace(RULES, senders=only, signatures=SignatureRules(nameservers=(names.address,)))


def handed_in(raw: bytes, key: str = "mail 1") -> Arrival:
    block = HeaderBlock()
    block.receive(raw)
    return replace(
        arrival(raw, key=key),
        received_at=NOW,
        header=bytes(block),
        proofs=(),
        counts=MailProof(dkim=True),
        recipient="fax@example.com",
    )


async def test_a_signed_mail_becomes_a_job_and_handed_in_again_it_is_the_same(
    built: House, signer: Signer, names: DnsServer
) -> None:
    """Trap: a replay changes what is not signed, and so every key but that of the signature."""
    gateway = built.gateway
    gateway.adopt(strict(names), gateway._dialling, gateway._retries)
    signed = signer.signed(PLAIN)
    first = await gateway.accept(handed_in(signed), await written(built.spool, signed))
    assert isinstance(first, Accepted)
    assert not first.known
    replayed = b"X-More: 1\r\n" + signed.replace(b"Subject: +375 29", b"Subject: +375  29")
    again = await gateway.accept(handed_in(replayed, "mail 2"), await written(built.spool, replayed))
    assert again == Accepted(first.job_id, known=True)
    job = await built.found(first.job_id)
    await built.jobs.cancel(job.id, "anna")
    once_more = await gateway.accept(handed_in(replayed, "mail 3"), await written(built.spool, replayed))
    assert once_more == Accepted(first.job_id, known=True), "whatever became of it"


async def test_a_signed_mail_that_was_refused_does_not_keep_the_real_one_out(
    built: House, signer: Signer, names: DnsServer
) -> None:
    """Trap: whoever has got hold of it hands it in first, with a field more on which it breaks."""
    gateway = built.gateway
    gateway.adopt(strict(names), gateway._dialling, gateway._retries)
    signed = signer.signed(PLAIN)
    first = await gateway.accept(handed_in(signed), await written(built.spool, signed))
    assert isinstance(first, Accepted)
    await gateway.prepare(await built.found(first.job_id))
    assert (await built.found(first.job_id)).state is JobState.REJECTED, "it has no attachment"
    again = await gateway.accept(handed_in(signed, "mail 2"), await written(built.spool, signed))
    assert isinstance(again, Accepted)
    assert again.job_id != first.job_id


async def test_a_field_that_is_not_signed_silences_no_status_mail(
    built: House, signer: Signer, names: DnsServer
) -> None:
    """Trap: a replay that calls itself automatic is dialled, and its sender hears nothing of it."""
    gateway = built.gateway
    gateway.adopt(strict(names), gateway._dialling, gateway._retries)
    raw = b"Auto-Submitted: auto-generated\r\nList-Id: <x>\r\n" + signer.signed(PLAIN)
    taken = await gateway.accept(replace(handed_in(raw), mail_from=""), await written(built.spool, raw))
    assert isinstance(taken, Accepted)
    assert not (await built.found(taken.job_id)).submission.automatic
    own = PLAIN.replace(b"<1@", b"<2@").replace(b"\r\n\r\n", b"\r\nAuto-Submitted: auto-generated\r\n\r\n")
    raw = signer.signed(own, [*COVERED, "auto-submitted"])
    taken = await gateway.accept(handed_in(raw, "mail 9"), await written(built.spool, raw))
    assert isinstance(taken, Accepted)
    assert (await built.found(taken.job_id)).submission.automatic, "what is signed counts"


async def test_a_rule_that_requires_a_signature_takes_nothing_else(
    built: House, signer: Signer, names: DnsServer
) -> None:
    gateway = built.gateway
    gateway.adopt(strict(names), gateway._dialling, gateway._retries)
    for raw in (PLAIN, signer.signed(PLAIN).replace(b"hello", b"hallo")):
        verdict = await gateway.accept(arrival(raw), await written(built.spool, raw))
        assert isinstance(verdict, Refusal)
        assert verdict.code is RefusalCode.SENDER_NOT_PROVEN
        assert verdict.facts["required"] == "dkim"
        refused = await gateway.accept(handed_in(raw), await written(built.spool, raw))
        assert isinstance(refused, Refusal)
