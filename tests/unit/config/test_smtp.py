"""`[smtp]`: a door that the network can reach does not open while nothing could prove a sender."""

from pathlib import Path

import pytest

from mail2fax.config import load
from mail2fax.config.errors import ConfigError
from mail2fax.config.smtp import SmtpSection
from mail2fax.model.mail import Proof, ProofKind
from mail2fax.model.mask import SenderMask
from mail2fax.model.password import Cost, PasswordHash

HASH = PasswordHash(Cost(4, 8, 1), b"0123456789abcdef", bytes(32)).spelled()
RELAY = f'{{ user = "relay", password_hash = "{HASH}", senders = ["*@example.com"] }}'
ACCOUNT = f"account = [{RELAY}]\n"
CERTIFIED = 'client_ca = "/ca.pem"\nclient_certificate = [{ name = "MFP1.example.com", senders = ["a@example.com"] }]\n'
NETWORK = 'network = [{ network = "192.0.2.0/28", senders = ["mfp#@example.com"] }]\n'
TLS = 'tls_certificate = "/tls.pem"\n'


def loaded(tmp_path: Path, text: str) -> SmtpSection:
    path = tmp_path / "config.toml"
    path.write_text(f"[smtp]\n{text}")
    return load(path).smtp


def fault_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return str(caught.value).replace(str(tmp_path / "config.toml"), "FILE")


def test_the_first_door_alone_stays_as_simple_as_it_is(tmp_path: Path) -> None:
    (door,) = loaded(tmp_path, "port = 2526\n").doors
    assert (door.listen, door.port, door.security) == ("127.0.0.1", 2526, "none")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.10"])  # noqa: S104 - it is refused
def test_an_open_door_without_proof_is_refused_and_says_what_to_do(tmp_path: Path, address: str) -> None:
    said = fault_of(tmp_path, f'listen = "{address}"\n')
    assert said.startswith("FILE, line 2: smtp.listen: can be reached from the network, where nothing proves")
    for remedy in ["smtp.account", "smtp.client_certificate", "smtp.network", "insecure_trust_from = true"]:
        assert remedy in said


@pytest.mark.parametrize("proof", [ACCOUNT, CERTIFIED])
def test_passwords_and_certificates_prove_nobody_without_tls(tmp_path: Path, proof: str) -> None:
    assert "smtp.listen: can be reached" in fault_of(tmp_path, 'listen = "0.0.0.0"\n' + TLS + proof)


@pytest.mark.parametrize(
    "text",
    [
        'listen = "0.0.0.0"\nsecurity = "starttls"\n' + TLS + ACCOUNT,
        'listen = "0.0.0.0"\nsecurity = "tls"\n' + TLS + CERTIFIED,
        'listen = "0.0.0.0"\n' + NETWORK,
        'listen = "0.0.0.0"\ninsecure_trust_from = true\n',
        'listen = "::1"\n',
        'listen = "localhost"\n',
    ],
)
def test_a_door_with_a_way_to_prove_senders_opens(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text)


def test_behind_a_proxy_loopback_is_no_longer_this_machine_alone(tmp_path: Path) -> None:
    """Trap: the proxy connects from loopback, its clients come from everywhere."""
    assert fault_of(tmp_path, 'proxies = ["127.0.0.1"]\n').startswith("FILE, line 2: smtp.proxies: can be reached")


def test_each_further_listener_is_judged_and_named(tmp_path: Path) -> None:
    said = fault_of(tmp_path, '[[smtp.listener]]\nport = 587\n[[smtp.listener]]\nlisten = "0.0.0.0"\n')
    assert said.startswith("FILE, line 5: smtp.listener[1].listen: can be reached")
    assert len(loaded(tmp_path, 'listener = [{ port = 587, listen = "127.0.0.2" }]\n').doors) == 2


def test_an_unknown_key_of_an_entry_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    said = fault_of(tmp_path, "listener = [{ prot = 587 }]\n")
    assert said == "FILE, line 2: smtp.listener[0].prot: is not a known key; did you mean port?"


def test_tls_needs_a_certificate_and_client_certificates_a_ca(tmp_path: Path) -> None:
    assert "smtp.security: needs smtp.tls_certificate" in fault_of(tmp_path, 'security = "tls"\n')
    assert "smtp.client_ca: must name the CA" in fault_of(tmp_path, CERTIFIED.partition("\n")[2])


def test_an_account_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    said = fault_of(tmp_path, f"account = [{RELAY}, {RELAY}]\n")
    assert "smtp.account[1].user: stands here a second time" in said


def test_a_hash_is_checked_and_never_shown(tmp_path: Path) -> None:
    wrong = ACCOUNT.replace(HASH, "hunter2")
    said = fault_of(tmp_path, wrong)
    assert "smtp.account[0].password_hash: is not the hash of a password: make one with: mail2fax password" in said
    assert "hunter2" not in said
    assert HASH not in repr(loaded(tmp_path, ACCOUNT))


def test_what_stands_in_no_network_or_mask_is_a_fault(tmp_path: Path) -> None:
    assert "smtp.network[0].network: must be" in fault_of(tmp_path, NETWORK.replace("0/28", "1/28"))
    assert "smtp.network[0].senders[0]: " in fault_of(tmp_path, NETWORK.replace("mfp#@example.com", "*"))
    assert "smtp.network[0]: senders must not be empty" in fault_of(tmp_path, NETWORK.replace('"mfp#@example.com"', ""))


def test_a_binding_is_found_by_what_the_door_hands_on(tmp_path: Path) -> None:
    bindings = loaded(tmp_path, ACCOUNT + CERTIFIED + NETWORK).bindings()
    assert bindings == {
        Proof(ProofKind.AUTH, "relay"): (SenderMask.parse("*@example.com"),),
        Proof(ProofKind.CERTIFICATE, "mfp1.example.com"): (SenderMask.parse("a@example.com"),),
        Proof(ProofKind.NETWORK, "192.0.2.0/28"): (SenderMask.parse("mfp#@example.com"),),
    }
