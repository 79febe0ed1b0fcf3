"""`[mailbox]`: what opens, what does not, and what the door and admission are told."""

from pathlib import Path

import pytest

from mail2fax import wiring
from mail2fax.config import Config, ConfigError, load
from mail2fax.ingest.mailbox import Limits
from mail2fax.model.mail_proof import MailProof

ENTRY = """
[[mailbox.named]]
name = "office"
host = "mail.example.com"
user = "Fax@example.com"
password = "open sesame"
"""
PROOF = 'proof_header = "X-Office"\nproof_value = "Internal"\n'


def loaded(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load(path)


def fault_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return str(caught.value).replace(str(tmp_path), "DIR")


def test_a_mailbox_in_which_nothing_proves_a_sender_does_not_open(tmp_path: Path) -> None:
    """A From line is anybody's: deny by default, as at an SMTP door that the network can reach."""
    said = fault_of(tmp_path, ENTRY)
    assert said.startswith("DIR/config.toml, line 2: mailbox.named[0]: nothing proves who a sender is")
    assert "proof_header" in said
    assert "insecure_trust_from = true" in said
    assert "open sesame" not in said
    loaded(tmp_path, ENTRY + PROOF)
    loaded(tmp_path, ENTRY + "insecure_trust_from = true\n")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('proof_header = "X-Office"\n', "proof_header and proof_value go together"),
        ('proof_header = "X-Office:"\nproof_value = "1"\n', "the name of a header without its colon"),
        (PROOF + 'security = "none"\n', "the password would go out in clear text"),
        (PROOF + 'terminal = "default"\n', "need allow"),
        (PROOF + 'notify = "a@example.com"\n', "need allow"),
        (PROOF + 'done = "INBOX"\n', "three folders"),
        (PROOF + "leave_on_server = true\n", "leave_on_server is for POP3"),
        (PROOF + 'allow = ["*"]\n', "is not a sender mask"),
        (
            PROOF + 'allow = ["*@example.com"]\ndomain = "absent"\n',
            'mailbox.named: office: there is no domain "absent"',
        ),
        (PROOF + ENTRY.replace("office", "other") + PROOF, "one mailbox stands here twice"),
        (PROOF + ENTRY.replace("mail.", "mail2.") + PROOF, 'the name "office" is taken'),
        (PROOF + 'passwrd = "x"\n', "did you mean password"),
        (PROOF + 'folder = "a\\nb"\n', "printable characters on one line"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_would_be_right(tmp_path: Path, more: str, words: str) -> None:
    assert words in fault_of(tmp_path, ENTRY + more)


def test_a_mailbox_whose_user_is_no_address_must_say_its_own(tmp_path: Path) -> None:
    plain = ENTRY.replace("Fax@example.com", "fax") + PROOF
    assert "set address, the fax address whose mails come here" in fault_of(tmp_path, plain)
    loaded(tmp_path, plain + 'address = "fax@example.com"\n')


def test_a_server_on_this_machine_needs_no_tls(tmp_path: Path) -> None:
    entry = ENTRY.replace("mail.example.com", "127.0.0.1") + PROOF + 'security = "none"\n'
    (settings,) = wiring.mailboxes(loaded(tmp_path, entry)).mailboxes
    assert (settings.tls, settings.port) == (False, 143)


def test_the_door_is_told_all_of_it(tmp_path: Path) -> None:
    text = "[smtp]\nmax_mail_mb = 2\ndisk_reserve_mb = 3\n[mailbox]\nmax_age_h = 5\nmost_old = 7\n" + ENTRY + PROOF
    told = wiring.mailboxes(loaded(tmp_path, text + 'protocol = "pop3"\nleave_on_server = true\n'))
    assert told.limits == Limits(2_000_000, 3_000_000, 5.0, 7)
    (settings,) = told.mailboxes
    assert (settings.port, settings.tls, settings.password) == (995, True, "open sesame")
    assert (settings.address, settings.leave_on_server) == ("Fax@example.com", True)
    assert settings.proof == MailProof("x-office", "Internal")
    assert "open sesame" not in repr(told)


def test_the_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    text = ENTRY.replace('password = "open sesame"', f'password_file = "{tmp_path}/secret"') + PROOF
    (settings,) = wiring.mailboxes(loaded(tmp_path, text)).mailboxes
    assert settings.password == "from a file"  # noqa: S105 - nobody's


def test_masks_of_a_mailbox_stand_in_place_of_those_of_senders(tmp_path: Path) -> None:
    text = '[senders]\nallow = ["a@example.com"]\n' + ENTRY + PROOF
    assert wiring.rules(loaded(tmp_path, text)).mailboxes == {}
    (rule,) = wiring.rules(loaded(tmp_path, text + 'allow = ["b@example.com"]\n')).mailboxes["office"]
    assert (rule.mask.text, rule.domain, rule.terminal.name) == ("b@example.com", "default", "default")
