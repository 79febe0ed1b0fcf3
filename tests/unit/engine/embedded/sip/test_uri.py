"""URIs and addresses."""

import pytest

from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.text import parse_parameters, split, write_parameters
from mail2fax.engine.embedded.sip.uri import NameAddress, SipUri, parse_addresses, parse_name_address, parse_uri


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:100@gw", SipUri("gw", "100")),
        ("sip:gw:5070;lr", SipUri("gw", port=5070, parameters=(("lr", None),))),
        ("SIP:100@sip_trunk:5060", SipUri("sip_trunk", "100", 5060)),
        ("sips:[2001:db8::1]:5061", SipUri("[2001:db8::1]", port=5061, scheme="sips")),
        ("sip:%2B375;ext=1:pw@gw;transport=UDP?Subject=x", SipUri("gw", "+375;ext=1", None, (("transport", "UDP"),))),
        ("sip:a@b@gw", SipUri("gw", "a@b")),
    ],
)
def test_sip_uris_are_taken_apart(text: str, expected: SipUri) -> None:
    assert parse_uri(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "gw", "tel:1", "sip:", "sip:@", "sip:a b@c", "sip:a@b:0", "sip:a@b:x", "sip:<a@b>", "sip:a@;lr", "sip:/x"],
)
def test_what_is_no_sip_uri_is_an_error(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_uri(text)


def test_a_uri_is_written_with_its_user_part_escaped() -> None:
    uri = SipUri("gw", "*31#1 @x", 5070, (("user", "phone"), ("lr", None)))
    assert str(uri) == "sip:*31%231%20%40x@gw:5070;user=phone;lr"
    assert parse_uri(str(uri)) == uri


def test_a_host_of_our_own_making_must_be_one() -> None:
    with pytest.raises(LocalProtocolError):
        SipUri("a b")


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:a@192.0.2.1", ("192.0.2.1", None)),
        ("sip:a@[2001:db8::1]:5070", ("2001:db8::1", 5070)),
        ("sip:a@name;maddr=192.0.2.9", ("192.0.2.9", None)),
        ("sip:a@name", None),
        ("sip:a@[fe80::1%1]", None),
        ("sip:a@name;maddr=fe80::1%\udcff", None),
    ],
)
def test_only_a_numeric_host_is_an_address(uri: str, address: tuple[str, int | None] | None) -> None:
    assert parse_uri(uri).numeric_address == address


def test_a_list_of_addresses_is_split_outside_quotes_and_brackets() -> None:
    lines = ['"a, b" <sip:x@y;p=1,2>;q=0.5, sip:z', "<sip:w>"]
    assert [address.uri for address in parse_addresses(lines)] == ["sip:x@y;p=1,2", "sip:z", "sip:w"]


def test_an_address_is_written_quoted_and_in_brackets() -> None:
    address = NameAddress("sip:x@y", 'A "B" \\', (("tag", "1"), ("flag", None), ("odd", "a;b")))
    assert str(address) == '"A \\"B\\" \\\\" <sip:x@y>;tag=1;flag;odd="a;b"'
    assert parse_name_address(str(address)) == address


def test_a_tag_takes_the_place_of_another() -> None:
    address = parse_name_address("<sip:x@y>;tag=old;a=1")
    assert str(address.with_tag("new")) == "<sip:x@y>;a=1;tag=new"


@pytest.mark.parametrize("text", ["", "nobody", "<>", "<sip:a", '"a <sip:b>', "<sip:a b>", "<sip:a\r\nX: y>"])
def test_what_is_no_address_is_an_error(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_name_address(text)


def test_an_open_quote_reaches_to_the_end() -> None:
    assert split('a,"b,c', ",") == ["a", '"b,c']
    assert split("a,<b,c", ",") == ["a", "<b,c"]
    assert split('"a\\",b",c', ",") == ['"a\\",b"', "c"]


def test_parameters_keep_order_and_odd_values() -> None:
    parameters = parse_parameters('B=1; a ; c="x;y" ;tag=a/b==')
    assert parameters == (("b", "1"), ("a", None), ("c", "x;y"), ("tag", "a/b=="))
    assert write_parameters(parameters) == ';b=1;a;c="x;y";tag=a/b=='
