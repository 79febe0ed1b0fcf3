"""What each room is told of the configuration."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mail2fax import wiring
from mail2fax.config import Config, ConfigError, load
from mail2fax.engine.settings import TlsSettings
from mail2fax.jobs import JobSettings
from mail2fax.model.call import MediaPolicy
from mail2fax.model.domain import Terminal
from mail2fax.model.outcome import RetryClass
from mail2fax.reply.send import Security

TEXT = """
[gateway]
data_dir = "/nowhere"
hostname = "fax.example.com"
time_zone = "Europe/Minsk"
[smtp]
max_mail_mb = 1.5
disk_reserve_mb = 7
max_connections = 3
[senders]
allow = ["*@example.com"]
[numbers]
region = "DE"
area_code = "221"
allow = ["49*"]
deny = ["49900*"]
[terminal]
caller_id = "200"
station_id = "+49 221 200"
header = "Example"
[trunk]
host = "sip.example.com"
port = 5070
user = "anna"
password = "open sesame"
lines = 4
dial = "00e164"
ring_limit_s = 90
t38 = "offer"
t38_offer_after_s = 2
ecm = false
max_bit_rate = 9600
[sip]
port = 5080
media_port_low = 4000
media_port_high = 4009
[retry]
busy_min = [1, 2.5]
no_answer_min = []
max_dials = 5
max_tries = 2
give_up_after_h = 3
[reply]
host = "localhost"
user = "fax"
password = "closed sesame"
security = "starttls"
give_up_after_h = 5
[document]
max_pages = 10
page_seconds = 3
memory_mb = 512
page_phone_s = 60
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(TEXT, encoding="utf-8")
    return load(path)


def test_the_engine_knows_how_it_speaks_tls(tmp_path: Path) -> None:
    path = tmp_path / "tls.toml"
    path.write_text(
        '[trunk]\ntransport = "tls"\n[sip]\ntcp = false\ntls_port = 5061\ntls_certificate = "/etc/c.pem"\n'
        'tls_key = "/etc/k.pem"\ntls_ca = "/etc/a.pem"\ntls_client_ca = "/etc/o.pem"\ntls_minimum = "1.3"\n'
    )
    settings = wiring.engine_settings(load(path))
    assert (settings.listen_tcp, settings.tls_port) == (False, 5061)
    assert settings.tls == TlsSettings("/etc/c.pem", "/etc/k.pem", "/etc/a.pem", "/etc/o.pem", "1.3")
    assert [(trunk.port, trunk.transport) for trunk in settings.trunks] == [(0, "tls")]


def test_the_engine_knows_how_it_is_seen_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "nat.toml"
    path.write_text(
        '[sip]\npublic_address = "203.0.113.7"\nstun = "stun.example.com"\nlocal_networks = ["10.0.0.0/8"]\n'
    )
    settings = wiring.engine_settings(load(path))
    assert (settings.public_host, settings.local_networks) == ("203.0.113.7", ("10.0.0.0/8",))
    assert settings.stun == ("stun.example.com", 3478)
    path.write_text('[sip]\nstun = "192.0.2.1:3479"\n')
    assert wiring.engine_settings(load(path)).stun == ("192.0.2.1", 3479)


def test_who_listens_for_tls_needs_a_certificate(tmp_path: Path) -> None:
    path = tmp_path / "tls.toml"
    path.write_text("[sip]\ntls_port = 5061\n")
    with pytest.raises(ConfigError, match="tls_certificate"):
        load(path)


def test_the_engine_knows_its_trunk_and_its_ports(config: Config) -> None:
    settings = wiring.engine_settings(config)
    assert (settings.listen_host, settings.listen_port, settings.lines) == ("127.0.0.1", 5080, 4)
    assert (settings.listen_tcp, settings.tls_port, settings.tls) == (True, None, TlsSettings())
    assert (settings.media_port_low, settings.media_port_high) == (4000, 4009)
    (trunk,) = settings.trunks
    assert (trunk.host, trunk.port, trunk.user, trunk.offer_after_s) == ("sip.example.com", 5070, "anna", 2.0)
    assert trunk.password == "open sesame"  # noqa: S105 - a test's


def test_passwords_stay_out_of_what_is_printed(config: Config) -> None:
    """Trap: settings stand in tracebacks and in debug logs."""
    printed = repr([config, wiring.engine_settings(config), wiring.replies(config)])
    assert "sesame" not in printed


def test_admission_knows_who_may_fax_where(config: Config) -> None:
    rules = wiring.rules(config)
    assert (rules.plan.region, rules.plan.area_code) == ("DE", "221")
    assert (len(rules.senders), len(rules.numbers.allow), len(rules.numbers.deny)) == (1, 1, 1)


def test_by_default_nobody_may_fax_and_local_numbers_are_not_guessed() -> None:
    rules = wiring.rules(Config())
    assert (rules.senders, rules.plan.area_code) == ((), None)


def test_the_door_counts_in_bytes(config: Config) -> None:
    settings = wiring.smtp_settings(config)
    assert (settings.max_bytes, settings.min_free_bytes, settings.max_connections) == (1_500_000, 7_000_000, 3)
    assert settings.hostname == "fax.example.com"


@pytest.mark.parametrize(("dial", "prefix"), [("+e164", "+"), ("e164", ""), ("00e164", "00")])
def test_each_way_of_dialling_has_its_prefix(config: Config, dial: str, prefix: str) -> None:
    changed = config.model_copy(update={"trunk": config.trunk.model_copy(update={"dial": dial})})
    (trunk,) = wiring.trunks(changed)
    assert trunk.form.prefix == prefix


def test_calls_are_placed_as_the_trunk_and_the_terminal_want(config: Config) -> None:
    dialling = wiring.dialling(config)
    assert dialling.terminal == Terminal("200", "+49 221 200", "Example")
    assert (dialling.hostname, dialling.zone) == ("fax.example.com", ZoneInfo("Europe/Minsk"))
    (trunk,) = wiring.trunks(config)
    assert (trunk.ring_limit_s, trunk.media_policy, trunk.lines) == (90.0, MediaPolicy.OFFER, 4)
    assert (trunk.ecm, trunk.max_bit_rate) == (False, 9600)


def test_a_call_that_comes_in_is_offered_t38_unless_told_otherwise(tmp_path: Path) -> None:
    """Most callers wait for the called side to offer it: Asterisk's SendFAX without options waits for it for 10 s, and
    then gives up."""
    assert wiring.answering(Config()).media_policy is MediaPolicy.OFFER
    (tmp_path / "c.toml").write_text('[incoming]\nt38 = "accept"\n')
    assert wiring.answering(load(tmp_path / "c.toml")).media_policy is MediaPolicy.ACCEPT


def test_a_tenant_has_the_quota_of_all_where_it_has_none_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        "[api]\nquota_mb = 10\nmax_files = 7\n[terminal]\n"
        'named = [{ name = "a", number = "+1", domain = "x" }, { name = "b", number = "+2", domain = "y" }]\n'
        "[domain]\n"
        'named = [{ name = "x", terminal = "a", quota_mb = 0.5 }, { name = "y", terminal = "b", max_files = 9 }]\n'
    )
    config = load(tmp_path / "c.toml")
    found = {name: (quota.total_bytes, quota.files) for name, quota in wiring.own_quotas(config).items()}
    assert found == {"x": (500_000, 7), "y": (10_000_000, 9)}
    assert (wiring.api_quota(config).total_bytes, wiring.api_quota(config).files) == (10_000_000, 7)


def test_a_call_may_take_as_long_as_its_job_may_call(config: Config) -> None:
    assert timedelta(seconds=wiring.dialling(config).longest_call_s) == JobSettings("").calling


def test_each_reason_has_its_delays_and_an_empty_list_gives_up_at_once(config: Config) -> None:
    retries = wiring.retries(config)
    assert retries.delays[RetryClass.BUSY] == (timedelta(minutes=1), timedelta(seconds=150))
    assert retries.delays[RetryClass.NO_ANSWER] == ()
    assert retries.delays[RetryClass.NEGOTIATION][0] == timedelta(seconds=15)
    assert set(retries.delays) == set(RetryClass) - {RetryClass.NONE}
    assert (retries.max_dials, retries.max_tries) == (5, 2)


def test_a_job_lives_as_long_as_it_is_tried(config: Config) -> None:
    settings = wiring.job_settings(config)
    assert (settings.lifetime, settings.hostname) == (timedelta(hours=3), "fax.example.com")


def test_replies_leave_as_the_mail_server_wants(config: Config) -> None:
    replies = wiring.replies(config)
    assert (replies.server.host, replies.server.port, replies.server.user) == ("localhost", 25, "fax")
    assert (replies.server.security, replies.server.password) == (Security.STARTTLS, "closed sesame")
    assert (replies.give_up_after, replies.server.hostname) == (timedelta(hours=5), "fax.example.com")


def test_documents_cost_no_more_than_they_may(config: Config) -> None:
    limits = wiring.render_limits(config)
    assert (limits.max_pages, limits.page_seconds, limits.memory_mb, limits.page_phone_s) == (10, 3.0, 512, 60.0)
