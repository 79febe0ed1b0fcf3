"""A hashed password fits its password alone, costs what it says, and never shows what is in it."""

import hashlib

import pytest

from mail2fax.model.password import MAX_PASSWORD_BYTES, Cost, PasswordHash, PasswordHashError

CHEAP = Cost(log_n=4, r=8, p=1)


def test_a_hash_fits_its_password_and_no_other() -> None:
    kept = PasswordHash.of("correct horse", CHEAP)
    assert kept.fits(b"correct horse")
    for other in [b"", b"correct hors", b"correct horse ", b"Correct horse", b"\0"]:
        assert not kept.fits(other)


def test_a_password_need_not_be_ascii() -> None:
    assert PasswordHash.of("пароль", CHEAP).fits("пароль".encode())


def test_the_same_password_has_another_hash_each_time() -> None:
    assert PasswordHash.of("same", CHEAP) != PasswordHash.of("same", CHEAP)


def test_what_is_spelled_is_read_again() -> None:
    kept = PasswordHash.of("correct horse", CHEAP)
    assert PasswordHash.parse(kept.spelled()) == kept


def test_the_hash_is_the_scrypt_of_rfc_7914() -> None:
    text = "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
    digest = hashlib.scrypt(b"secret", salt=b"0123456789abcdef", n=16, r=8, p=1, dklen=32)
    kept = PasswordHash(CHEAP, b"0123456789abcdef", digest)
    assert kept.spelled().startswith(text)
    assert kept.fits(b"secret")


def test_a_new_hash_costs_an_attacker_32_megabytes_thrice() -> None:
    assert Cost().memory > 32 * 1024 * 1024
    assert Cost().p == 3


def test_neither_salt_nor_digest_is_shown() -> None:
    kept = PasswordHash.of("correct horse", CHEAP)
    assert repr(kept) == "PasswordHash(cost=Cost(log_n=4, r=8, p=1))"


def test_a_password_beyond_all_measure_costs_nothing() -> None:
    assert not PasswordHash.of("x", Cost(log_n=15)).fits(b"x" * (MAX_PASSWORD_BYTES + 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$scrypt$ln=4,r=8,p=1$c2FsdA",
        "$scrypt$ln=4,r=8$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43,
        "$scrypt$ln=x,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43,
        "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 42,
        "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "!" * 43,
        "$scrypt$ln=0,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43,
        "$scrypt$ln=30,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43,
        "$scrypt$ln=999999999999,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43,
        "$scrypt$ln=4,r=8,p=999$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43,
    ],
)
def test_what_is_no_hash_says_how_to_make_one_and_not_what_it_is(text: str) -> None:
    with pytest.raises(PasswordHashError) as caught:
        PasswordHash.parse(text)
    assert "mail2fax password" in str(caught.value)
    assert not text or text not in str(caught.value)
