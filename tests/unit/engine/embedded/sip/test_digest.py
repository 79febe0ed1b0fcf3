"""Digest from both sides, against the RFCs' own examples."""

import re

import pytest

from mail2fax.engine.embedded.sip.digest import Authenticator, Challenge, Verifier, authorization, parse_challenges
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.settings import Credentials
from tests.harness.sip_pump import seeded

MUFASA = Credentials("Mufasa", "Circle Of Life")
OFFICE = Credentials("office", "geheim ü")


def digest_response(value: str) -> str:
    found = re.search(r'\bresponse="([0-9a-f]+)"', value)
    assert found is not None
    return found[1]


def test_the_example_of_rfc_2617() -> None:
    challenge = Challenge(
        "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", qop=frozenset({"auth", "auth-int"})
    )
    value = authorization(challenge, MUFASA, "GET", "/dir/index.html", 1, "0a4f113b")
    assert digest_response(value) == "6629fae49393a05397450978507c4ef1"
    assert "qop=auth, nc=00000001" in value


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, expected: str) -> None:
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    challenge = Challenge("http-auth@example.org", nonce, algorithm, frozenset({"auth"}))
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    value = authorization(challenge, Credentials("Mufasa", "Circle of Life"), "GET", "/dir/index.html", 1, cnonce)
    assert digest_response(value) == expected


def test_the_form_of_rfc_2069_when_the_server_knows_no_qop() -> None:
    """RFC 2069 with its erratum 749: the response it should have shown."""
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc")
    value = authorization(challenge, Credentials("Mufasa", "CircleOfLife"), "GET", "/dir/index.html", 1, "unused")
    assert digest_response(value) == "1949323746fe6a43ef61f9606e7febea"
    assert "cnonce" not in value
    assert 'opaque="5ccc"' in value


def test_several_challenges_are_read_from_one_line_or_several() -> None:
    line = (
        'Basic realm="x", Digest realm="a, Digest b=\\"c\\"", nonce="1", algorithm=SHA-512-256, qop="auth",'
        'Digest realm="b",nonce="2",stale=TRUE , qop="auth-int,auth" , opaque=""'
    )
    first, second = parse_challenges(line)
    assert (first.realm, first.nonce, first.supported) == ('a, Digest b="c"', "1", False)
    assert second == Challenge("b", "2", "", frozenset({"auth", "auth-int"}), "", True)


@pytest.mark.parametrize("line", ["", "Digest", "Basic x=1", "Digest ,,,", 'Digest realm="open', "=", "Digest nonce"])
def test_a_challenge_that_cannot_be_read_is_none_we_support(line: str) -> None:
    assert not any(challenge.supported for challenge in parse_challenges(line))


def test_reading_a_hostile_line_takes_no_longer_than_its_length() -> None:
    """A line of 60 kB that a backtracking reader would need minutes for."""
    for line in ("a" * 60_000, '"' + '\\"' * 30_000, "Digest " * 9_000, "a =" * 20_000):
        assert not any(challenge.supported for challenge in parse_challenges(line))


def challenged(*lines: str) -> Response:
    return Response(Headers(tuple(("WWW-Authenticate", line) for line in lines)), status=401)


def test_the_first_challenge_we_support_is_answered() -> None:
    """Trap: several challenges: answer the first one supported."""
    authenticator = Authenticator(OFFICE, seeded(1))
    lines = [f'Digest realm="r", nonce="{name}", algorithm={name}' for name in ("SHA-512-256", "sha-256", "MD5")]
    assert authenticator.learn(challenged(*lines), set())
    [(name, value)] = authenticator.headers("INVITE", "sip:x")
    assert name == "Authorization"
    assert "algorithm=sha-256" in value


def test_nothing_is_answered_without_a_password_or_a_challenge_we_support() -> None:
    assert not Authenticator(None, seeded(1)).learn(challenged('Digest realm="r", nonce="n"'), set())
    assert not Authenticator(OFFICE, seeded(1)).learn(challenged('Digest realm="r", nonce="n", qop="auth-int"'), set())
    assert not Authenticator(OFFICE, seeded(1)).learn(challenged(), set())
    assert Authenticator(OFFICE, seeded(1)).headers("INVITE", "sip:x") == []


def test_the_nonce_count_rises_for_each_nonce_by_itself() -> None:
    authenticator = Authenticator(OFFICE, seeded(1))
    counts = []
    for nonce in ("n1", "n1", "n2"):
        authenticator.learn(challenged(f'Digest realm="r", nonce="{nonce}", qop="auth"'), set())
        counts += re.findall(r"nc=(\d+)", authenticator.headers("INVITE", "sip:x")[0][1])
    assert counts == ["00000001", "00000002", "00000001"]


def verifier(*algorithms: str) -> Verifier:
    return Verifier(OFFICE, "home", algorithms, seeded(7))


def answered(judge: Verifier, now: float, credentials: Credentials = OFFICE, method: str = "INVITE") -> Request:
    """A request with the answer to the judge's first challenge that we support."""
    bare = Request(Headers(), method=method, uri="sip:x")
    authenticator = Authenticator(credentials, seeded(3))
    authenticator.learn(challenged(*(value for _, value in judge.challenges(bare, now))), set())
    return Request(Headers(tuple(authenticator.headers(method, "sip:x"))), method=method, uri="sip:x")


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
def test_what_we_answer_we_would_accept(algorithm: str) -> None:
    judge = verifier(algorithm)
    assert judge.verify(answered(judge, 10.0), 11.0)


def test_an_answer_counts_once() -> None:
    judge = verifier("SHA-256")
    request = answered(judge, 10.0)
    assert judge.verify(request, 10.0)
    assert not judge.verify(request, 10.1)


def test_two_callers_of_the_same_moment_are_told_apart() -> None:
    judge = verifier("SHA-256")
    first, second = answered(judge, 10.0), answered(judge, 10.0)
    assert judge.verify(first, 10.0)
    assert judge.verify(second, 10.0)


def test_an_old_nonce_is_stale_and_another_is_offered() -> None:
    judge = verifier("MD5")
    request = answered(judge, 10.0)
    assert not judge.verify(request, 400.0)
    [(_, challenge)] = judge.challenges(request, 400.0)
    assert "stale=true" in challenge
    assert "stale" not in judge.challenges(Request(Headers(), method="INVITE", uri="sip:x"), 400.0)[0][1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('username="office"', 'username="boss"'),
        ('realm="home"', 'realm="away"'),
        ('nonce="1', 'nonce="2'),
        ('uri="sip:x"', 'uri="sip:y"'),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=0000000x"),
        ("qop=auth", "qop=auth-int"),
        ("algorithm=MD5", "algorithm=SHA-256"),
        ('response="', 'response="0'),
        ('response="', 'response="é'),
        ('nonce="', 'nonce="é'),
        ("Digest", "Basic"),
    ],
)
def test_an_answer_that_was_tampered_with_is_refused(old: str, new: str) -> None:
    judge = verifier("MD5")
    request = answered(judge, 10.0)
    [(name, value)] = request.headers.fields
    assert old in value
    forged = Request(Headers(((name, value.replace(old, new, 1)),)), method="INVITE", uri="sip:x")
    assert not judge.verify(forged, 10.0)
    assert judge.verify(request, 10.0)


def test_a_wrong_password_or_method_is_refused() -> None:
    judge = verifier("MD5")
    assert not judge.verify(answered(judge, 10.0, Credentials("office", "wrong")), 10.0)
    other = answered(judge, 10.0, method="BYE")
    assert not judge.verify(Request(other.headers, method="INVITE", uri="sip:x"), 10.0)
