"""`mail2fax doctor --mail`: what a sample mail shows, where that is enough, and what to set where nothing is."""

from pathlib import Path

import pytest

from mail2fax.config import load
from mail2fax.doctor.finding import Finding, Health
from mail2fax.doctor.mail import sample

MAIL = (
    b"From: Anna <anna@example.com>\r\nTo: fax@example.com\r\nSubject: +375 29 155 44 99\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0300\r\n\r\nhello\r\n"
)
MAILBOX = """
[senders]
allow = ["*@example.com"]
[[mailbox.named]]
name = "office"
host = "mail.example.com"
user = "fax@example.com"
password = "x"
"""
EXCHANGE = b"X-MS-Exchange-Organization-AuthAs: Internal\r\n"
POSTFIX = (
    b"Received: from pc (pc [192.0.2.7]) (Authenticated sender: anna) by mail.example.com (Postfix) with ESMTPSA"
    b" id 1; Mon, 2 Mar 2026 10:00:00 +0300\r\n"
)
RESULTS = b"Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\r\n"
SIGNED = (
    b"Authentication-Results: mx.example.com; dkim=pass header.d=example.com\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=x; h=from; bh=A; b=A\r\n"
)


async def findings(tmp_path: Path, raw: bytes, keys: str = 'proof_profile = "exchange"\n') -> dict[str, Finding]:
    (tmp_path / "config.toml").write_text(MAILBOX + keys)
    return {finding.about: finding for finding in await sample(load(tmp_path / "config.toml"), raw)}


@pytest.mark.parametrize(
    ("line", "about", "keys", "said"),
    [
        (EXCHANGE, "header", 'proof_profile = "exchange"\n', 'proof_profile = "exchange"'),
        (
            POSTFIX,
            "header",
            'proof_profile = "postfix"\nproof_host = "mail.example.com"\n',
            'proof_profile = "postfix", proof_host = "mail.example.com"',
        ),
        (
            RESULTS,
            "results",
            'authserv_id = "mx.example.com"\nauthserv_methods = ["dkim", "dmarc"]\n',
            'authserv_id = "mx.example.com", authserv_methods = ["dkim", "dmarc"]',
        ),
        (SIGNED, "results", 'authserv_id = "mx.example.com"\n', 'authserv_id = "mx.example.com"'),
    ],
)
async def test_what_a_mail_offers_is_said_with_the_keys_to_set_and_these_keys_do_it(
    tmp_path: Path, line: bytes, about: str, keys: str, said: str
) -> None:
    found = await findings(tmp_path, line + MAIL, "dkim = true\n")
    assert found["sender"].words == "it is anna@example.com"
    assert found[about].health is Health.WELL
    assert said in found[about].words
    assert found["mailbox office"].health is Health.ILL
    assert found["mailbox office"].next_step
    found = await findings(tmp_path, line + MAIL, keys)
    assert found["mailbox office"].health is Health.WELL
    assert "rule *@example.com" in found["mailbox office"].words


async def test_a_mail_that_shows_nothing_is_told_what_would(tmp_path: Path) -> None:
    found = await findings(tmp_path, MAIL)
    assert found["proof"].health is Health.DOUBTFUL
    assert "proof_profile" in found["proof"].next_step
    assert found["mailbox office"].health is found["smtp"].health is Health.ILL


@pytest.mark.parametrize(
    ("line", "about", "words"),
    [
        (EXCHANGE.replace(b"Internal", b"Anonymous"), "header", "not from a user of its own"),
        (
            POSTFIX.replace(b"(Authenticated sender: anna) ", b""),
            "header",
            "does not say that its client has logged in",
        ),
        (RESULTS.replace(b"pass", b"fail"), "results", "dmarc=fail"),
        (SIGNED.partition(b"DKIM")[0], "results", "bears no whole signature"),
        (b"Authentication-Results: spf=pass smtp.mailfrom=example.com\r\n", "results", "not understood"),
        (
            b"DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=x; h=from; bh=A; b=A\r\n",
            "signature",
            "sender's domain",
        ),
    ],
)
async def test_what_is_nearly_a_proof_says_what_is_lacking(tmp_path: Path, line: bytes, about: str, words: str) -> None:
    found = await findings(tmp_path, line + MAIL)
    assert found[about].health is Health.DOUBTFUL
    assert words in found[about].words
    assert found[about].next_step


@pytest.mark.parametrize(
    ("raw", "about"),
    [(MAIL.replace(b"<anna", b"<boris@example.com> <anna"), "sender"), (b"no mail", "header")],
)
async def test_a_mail_that_nobody_could_judge_is_told_so(tmp_path: Path, raw: bytes, about: str) -> None:
    (finding,) = (await findings(tmp_path, raw)).values()
    assert (finding.about, finding.health) == (about, Health.ILL)


async def test_a_sender_whom_no_mask_matches_and_a_rule_that_takes_another_kind_are_told_apart(tmp_path: Path) -> None:
    stranger = await findings(tmp_path, EXCHANGE + MAIL.replace(b"anna@example.com", b"eve@example.org"))
    assert "no mask matches eve@example.org" in stranger["mailbox office"].words
    keys = 'proof_profile = "exchange"\nallow = ["*@example.com"]\nrequire = ["dkim"]\n'
    other = await findings(tmp_path, EXCHANGE + MAIL, keys)
    assert "takes dkim only" in other["mailbox office"].words


async def test_results_of_a_mail_that_was_for_somebody_else_are_said_not_to_count(tmp_path: Path) -> None:
    elsewhere = RESULTS + MAIL.replace(b"To: fax@", b"To: eve@")
    found = await findings(tmp_path, elsewhere, 'authserv_id = "mx.example.com"\n')
    assert "meant for somebody else" in found["results"].words
    assert found["mailbox office"].health is not Health.WELL


async def test_an_account_that_is_not_the_senders_is_named(tmp_path: Path) -> None:
    found = await findings(tmp_path, POSTFIX.replace(b"sender: anna", b"sender: boris") + MAIL)
    assert "boris has logged in, who is not anna@example.com" in found["header"].words
