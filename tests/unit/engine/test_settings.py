"""What the engine is told when it starts."""

import pytest

from mail2fax.engine.settings import EngineSettings, TrunkSettings


@pytest.mark.parametrize(
    ("trunk", "authority", "from_domain"),
    [
        (TrunkSettings("sip.example.com"), "sip.example.com", "sip.example.com"),
        (TrunkSettings("sip.example.com", 5070), "sip.example.com:5070", "sip.example.com"),
        (TrunkSettings("192.0.2.1", domain="example.com"), "192.0.2.1", "example.com"),
        (TrunkSettings("2001:db8::1", 5070), "[2001:db8::1]:5070", "[2001:db8::1]"),
    ],
)
def test_a_trunk_is_named_as_a_sip_uri_names_it(trunk: TrunkSettings, authority: str, from_domain: str) -> None:
    assert (trunk.authority, trunk.from_domain) == (authority, from_domain)


@pytest.mark.parametrize(("host", "written"), [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "[2001:db8::1]")])
def test_our_own_host_is_named_as_a_sip_uri_names_it(host: str, written: str) -> None:
    assert EngineSettings(listen_host=host).sip_host == written


def test_a_password_is_not_shown() -> None:
    trunk = TrunkSettings("sip.example.com", password="open sesame")
    assert "sesame" not in repr(EngineSettings(trunks=(trunk,)))


def test_a_trunk_is_found_by_its_name_and_the_first_by_none() -> None:
    first, second = TrunkSettings("192.0.2.1", name="first"), TrunkSettings("192.0.2.2", name="second")
    settings = EngineSettings(trunks=(first, second))
    assert (settings.trunk("second"), settings.trunk(""), settings.trunk("third")) == (second, first, None)
    assert EngineSettings().trunk("") is None


def test_two_trunks_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="one name"):
        EngineSettings(trunks=(TrunkSettings("192.0.2.1"), TrunkSettings("192.0.2.2")))


@pytest.mark.parametrize("wrong", [{"lines": 0}, {"media_port_low": 10_002, "media_port_high": 10_000}])
def test_settings_that_cannot_be_are_an_error(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"line|port"):
        EngineSettings(**wrong)  # type: ignore[arg-type]  # the fields named are numbers
