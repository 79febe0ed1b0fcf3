"""What shows who a mail is from: the keys of mailboxes and of clients that hand mails in, and `[proof]`."""

from pathlib import Path

import pytest

from mail2fax import wiring
from mail2fax.config import ConfigError, load
from mail2fax.model.mail_proof import NOTHING, MailProof, Proof, ProofKind, SignatureRules

MAILBOX = '[[mailbox.named]]\nname = "office"\nhost = "mail.example.com"\nuser = "fax@example.com"\npassword = "x"\n'
AUTHAS = "x-ms-exchange-organization-authas"


def counts(tmp_path: Path, keys: str) -> MailProof:
    (tmp_path / "config.toml").write_text(MAILBOX + keys)
    (settings,) = wiring.mailboxes(load(tmp_path / "config.toml")).mailboxes
    return settings.proof


def fault_of(tmp_path: Path, text: str) -> str:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("keys", "proof"),
    [
        ('proof_profile = "exchange"', MailProof(AUTHAS, "Internal")),
        ('proof_profile = "postfix"\nproof_host = "mail.example.com"', MailProof(received_by="mail.example.com")),
        ('authserv_id = "MX.example.com"\nauthserv_spf = true', MailProof(authserv_id="mx.example.com", spf=True)),
        ("dkim = true", MailProof(dkim=True)),
    ],
)
def test_each_is_enough_for_a_mailbox(tmp_path: Path, keys: str, proof: MailProof) -> None:
    assert counts(tmp_path, keys) == proof


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('proof_profile = "postfix"', "proof_host go together"),
        ('proof_host = "mail.example.com"', "proof_host go together"),
        ('proof_profile = "exchange"\nproof_header = "X"\nproof_value = "1"', "stands for a header"),
        ("dkim = true\nauthserv_spf = true", "authserv_spf needs authserv_id"),
        ('authserv_id = "a b"\n', "must be one word"),
        ('dkim = true\nallow = ["*@example.com"]\nrequire = ["magic"]', '"dkim" (it is "magic")'),
        ('dkim = true\nrequire = ["dkim"]', "need allow"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, keys: str, words: str) -> None:
    assert words in fault_of(tmp_path, MAILBOX + keys)


def test_a_rule_of_any_kind_says_what_it_requires(tmp_path: Path) -> None:
    senders = '[senders]\nallow = ["*@example.com"]\nrequire = ["auth", "dkim"]\n'
    more = 'rules = [ { allow = ["*@example.org"], require = ["header"] } ]\n'
    mailbox = 'dkim = true\nallow = ["*@example.net"]\nrequire = ["dkim"]\n'
    (tmp_path / "config.toml").write_text(senders + more + MAILBOX + mailbox)
    rules = wiring.rules(load(tmp_path / "config.toml"))
    assert [rule.require for rule in rules.senders] == [{ProofKind.HEADER}, {ProofKind.AUTH, ProofKind.DKIM}]
    assert [rule.require for rule in rules.mailboxes["office"]] == [{ProofKind.DKIM}]


def test_a_mail_server_of_ones_own_hands_in_mails_that_show_themselves_whom_they_are_from(tmp_path: Path) -> None:
    relay = '{ network = "192.0.2.25", proof_profile = "exchange" }'
    scanners = '{ network = "192.0.2.0/28", senders = ["mfp#@example.com"] }'
    (tmp_path / "config.toml").write_text(f'[smtp]\nlisten = "0.0.0.0"\ndkim = true\nnetwork = [{relay}, {scanners}]\n')
    config = load(tmp_path / "config.toml")
    smtp = wiring.smtp_settings(config)
    server, scanner = Proof(ProofKind.NETWORK, "192.0.2.25/32"), Proof(ProofKind.NETWORK, "192.0.2.0/28")
    assert smtp.counts([server]) == MailProof(AUTHAS, "Internal", dkim=True)
    assert smtp.counts([scanner]) == smtp.counts([]) == MailProof(dkim=True)
    assert wiring.rules(config).bindings[server] == ()
    assert not NOTHING


def test_a_door_that_verifies_signatures_may_stand_open(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[smtp]\nlisten = "0.0.0.0"\ndkim = true\n')
    load(tmp_path / "config.toml")
    assert "dkim = true" in fault_of(tmp_path, '[smtp]\nlisten = "0.0.0.0"\n')


def test_name_servers_are_addresses_with_or_without_a_port(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[proof]\nnameservers = ["192.0.2.53", "[2001:db8::53]:5353", "::1", "127.0.0.1:53"]'
    )
    rules = wiring.rules(load(tmp_path / "config.toml")).signatures
    servers = (("192.0.2.53", 53), ("2001:db8::53", 5353), ("::1", 53), ("127.0.0.1", 53))
    assert rules == SignatureRules(nameservers=servers)
    for wrong in ("ns.example.com", "192.0.2.53:dns", ""):
        assert "must be an IP address" in fault_of(tmp_path, f'[proof]\nnameservers = ["{wrong}"]')
