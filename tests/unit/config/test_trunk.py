"""One trunk or several: what is left out is handed down, and what cannot be is named."""

from pathlib import Path

import pytest

from mail2fax import wiring
from mail2fax.config import Config, load
from mail2fax.config.errors import ConfigError
from mail2fax.engine.settings import Identity
from mail2fax.model.call import MediaPolicy

SEVERAL = """
[numbers]
region = "BY"
[trunk]
name = "provider"
host = "sip.example.com"
user = "anna"
password = "open sesame"
registration = true
identity = "asserted"
lines = 4
t38 = "offer"
allow = ["375*"]
[[trunk.named]]
name = "pbx"
host = "192.0.2.7"
user = ""
registration = false
addresses = ["192.0.2.8", "192.0.2.16/28"]
lines = 1
allow = []
dial = "national"
rewrite = [ { starts = "37517", dial = "" } ]
codecs = ["pcmu", "pcma"]
[[trunk.named]]
name = "second account"
"""


def loaded(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load(path)


def fault_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return str(caught.value).replace(str(tmp_path / "config.toml"), "FILE")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path, SEVERAL.replace("second account", "second"))


@pytest.mark.parametrize(("value", "ok"), [(0, True), (90, True), (1800, True), (60, False), (90_000, False)])
def test_a_session_timer_is_none_or_one_that_the_standard_allows(tmp_path: Path, value: int, ok: bool) -> None:
    text = f"[trunk]\nsession_expires_s = {value}\nptime_ms = 30\n"
    if ok:
        (trunk,) = wiring.engine_settings(loaded(tmp_path, text)).trunks
        assert (trunk.session_expires_s, trunk.ptime_ms) == (value, 30)
    else:
        assert "must be 0 (none), or from 90 to 86400 seconds" in fault_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            '[trunk]\nhost = "2001:db8::7"\n',
            "default: host is IPv6, and sip.listen is IPv4: set sip.listen_also to an IPv6 address of this machine",
        ),
        ('[sip]\nlisten = "::1"\n', "default: host is IPv4, and sip.listen is IPv6"),
        ('[sip]\nlisten_also = "127.0.0.2"\n', "listen_also must be an address of the other version of IP than listen"),
        ('[sip]\npublic_address = "2001:db8::1"\n', "sip.public_address is IPv6, and sip.listen is IPv4"),
    ],
)
def test_two_families_of_addresses_are_no_configuration(tmp_path: Path, text: str, named: str) -> None:
    assert named in fault_of(tmp_path, text)


def test_a_trunk_has_what_it_says_and_all_else_from_the_first(config: Config) -> None:
    first, pbx, second = wiring.engine_settings(config).trunks
    assert (first.name, first.host, first.user, first.registration_s) == ("provider", "sip.example.com", "anna", 3600)
    assert (pbx.name, pbx.host, pbx.user, pbx.registration_s) == ("pbx", "192.0.2.7", "", None)
    assert (pbx.identity, pbx.codecs) == (Identity.ASSERTED, ("PCMU", "PCMA"))
    assert (second.host, second.user, second.password) == ("sip.example.com", "anna", "open sesame")


def test_the_gateway_knows_the_lines_the_numbers_and_the_form_of_each(config: Config) -> None:
    first, pbx, second = wiring.trunks(config)
    assert [trunk.lines for trunk in (first, pbx, second)] == [4, 1, 4]
    assert [trunk.media_policy for trunk in (first, pbx, second)] == [MediaPolicy.OFFER] * 3
    assert (first.carries("492211234567"), pbx.carries("492211234567")) == (False, True)
    assert [pbx.form.dialled(digits) for digits in ("375172001500", "375291554499", "492211234567")] == [
        "2001500",
        "8291554499",
        "810492211234567",
    ]
    assert config.most_lines == wiring.engine_settings(config).lines == 9


def test_the_limit_for_all_trunks_wins_over_their_lines_together(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[trunk]\nlines = 30\n[sip]\nlines = 20\n").most_lines == 20


def test_without_further_trunks_all_is_as_it_was() -> None:
    (trunk,) = wiring.trunks(Config())
    assert (trunk.name, trunk.lines, Config().most_lines) == ("default", 2, 2)


def test_a_trunk_with_a_password_of_its_own_does_not_get_the_file_of_the_first(tmp_path: Path) -> None:
    """Trap: password and password_file both set is an error, and only one of them was written."""
    (tmp_path / "secret").write_text("first")
    (tmp_path / "other").write_text("third")
    config = loaded(
        tmp_path,
        f'[trunk]\nuser = "a"\npassword_file = "{tmp_path}/secret"\n'
        '[[trunk.named]]\nname = "second"\npassword = "second"\n'
        f'[[trunk.named]]\nname = "third"\npassword_file = "{tmp_path}/other"\n'
        '[[trunk.named]]\nname = "fourth"\n',
    )
    passwords = [trunk.password for trunk in wiring.engine_settings(config).trunks]
    assert passwords == ["first", "second", "third", "first"]
    assert "second" not in repr(config.trunk.named[0].password)


def test_a_password_for_the_fax_machine_is_digits_wherever_it_stands(tmp_path: Path) -> None:
    """T.30 5.3.6.2.8: SID has 20 digits; more would end every call before it is dialled."""
    (tmp_path / "secret").write_text("0815\n")
    config = loaded(
        tmp_path,
        f'[trunk]\nfax_password_file = "{tmp_path}/secret"\n[[trunk.named]]\nname = "b"\nfax_password = "#12*"\n',
    )
    assert [trunk.fax_password for trunk in wiring.trunks(config)] == ["0815", "#12*"]
    assert "0815" not in repr((config, wiring.trunks(config)))
    (tmp_path / "secret").write_text("open sesame")
    with pytest.raises(ConfigError, match="fax_password_file: must be at most 20 digits") as refused:
        loaded(tmp_path, f'[trunk]\nfax_password_file = "{tmp_path}/secret"\n')
    assert "sesame" not in str(refused.value)
    with pytest.raises(ConfigError, match="fax_password: must be at most 20 digits"):
        loaded(tmp_path, f'[trunk]\nfax_password = "{"1" * 21}"\n')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[trunk.named]]\nname = "a"\nhots = "b"\n', "FILE, line 3: trunk.named[0].hots: is not a known key; did you"),
        ('[[trunk.named]]\nhost = "b"\n', "FILE, line 1: trunk.named[0].name: is missing here"),
        ('[[trunk.named]]\nname = "a"\n[[trunk.named]]\nname = "a"\n', 'the name "a" is taken'),
        ('[[trunk.named]]\nname = "default"\n', 'the name "default" is taken'),
        ("[trunk]\nregistration = true\n", "default: registration needs user"),
        ('[[trunk.named]]\nname = "a"\nfrom_user = "account"\n', 'a: from_user = "account" needs user'),
        ('[trunk]\nquirks = ["to-mars"]\n', 'FILE, line 2: trunk.quirks[0]: must be "to-source"'),
        ("[trunk]\ncodecs = []\n", "FILE, line 2: trunk.codecs: "),
        ('[trunk]\nrewrite = [{ starts = "+375", dial = "8" }]\n', "trunk.rewrite[0].starts: must be digits only"),
        ('[trunk]\naddresses = ["sip.example.com"]\n', "trunk.addresses[0]: must be an IP address or a network"),
        ('[terminal]\ntrunks = ["other"]\n', 'there is no trunk "other"; known are default'),
        (
            "[trunk]\nlines = 3\n[sip]\nmedia_port_low = 4000\nmedia_port_high = 4001\n",
            "line 5: sip.media_port_high: gives 1 even ports, and there are 3 lines",
        ),
        (
            '[[trunk.named]]\nname = "a"\npassword_file = "/nowhere/secret"\n',
            "FILE, line 3: trunk.named[0].password_file: cannot be read",
        ),
    ],
)
def test_what_cannot_be_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in fault_of(tmp_path, text)


def test_an_account_may_be_taken_from_the_first_trunk(tmp_path: Path) -> None:
    """Trap: a check of the entry alone found no user, though [trunk] has one."""
    text = '[trunk]\nuser = "anna"\n[[trunk.named]]\nname = "a"\nregistration = true\n'
    assert wiring.engine_settings(loaded(tmp_path, text)).trunks[1].registration_s == 3600
