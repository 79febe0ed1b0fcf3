"""Who logs in: what the client's words mean, and what becomes of one who guesses."""

import asyncio
from dataclasses import dataclass

import pytest

from mail2fax.ingest.smtp_login import (
    LONGEST_DELAY_S,
    Credentials,
    Logins,
    Verdict,
    read_login,
    read_plain,
)
from mail2fax.ingest.smtp_settings import SmtpSettings
from mail2fax.model.origin import REMEMBERED_S
from mail2fax.model.password import Cost, PasswordHash

SETTINGS = SmtpSettings(
    recipients=("fax@example.com",),
    hostname="gw.example.com",
    accounts={"relay": PasswordHash.of("correct horse", Cost(4, 8, 1))},
    max_login_failures_per_address=3,
)
RIGHT = Credentials("relay", b"correct horse")
WRONG = Credentials("relay", b"guess")
NOBODY = Credentials("nobody", b"correct horse")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("message", "claimed"),
    [
        (b"\0relay\0correct horse", RIGHT),
        (b"relay\0relay\0correct horse", RIGHT),
        (b"admin\0relay\0correct horse", None),
        (b"relay\0correct horse", None),
        (b"\0relay\0correct\0horse", None),
        (b"\0\0correct horse", None),
        (b"\0\xff\0correct horse", None),
        (b"", None),
    ],
)
def test_plain_names_one_user_who_acts_for_himself(message: bytes, claimed: Credentials | None) -> None:
    assert read_plain(message) == claimed


def test_login_needs_a_name() -> None:
    assert read_login(b"relay", b"correct horse") == RIGHT
    assert read_login(b"", b"correct horse") is None


def test_a_claimed_password_is_not_shown() -> None:
    assert "correct horse" not in repr(RIGHT)


async def test_the_right_password_is_right_and_all_else_is_wrong() -> None:
    logins = Logins(Clock())
    assert await logins.check(RIGHT, SETTINGS, "192.0.2.1") is Verdict.RIGHT
    for claimed in (WRONG, NOBODY, None):
        address = f"192.0.2.{len(repr(claimed))}"
        assert await logins.check(claimed, SETTINGS, address) is Verdict.WRONG
    logins.close()


async def test_who_guesses_is_shut_out_by_his_address_even_with_the_right_password() -> None:
    """Trap: a limit for each session alone is none for a client that comes again."""
    clock = Clock()
    logins = Logins(clock)
    for _ in range(3):
        assert await logins.check(WRONG, SETTINGS, "192.0.2.1") is Verdict.WRONG
    assert await logins.check(RIGHT, SETTINGS, "192.0.2.1") is Verdict.SHUT_OUT
    assert await logins.check(RIGHT, SETTINGS, "192.0.2.2") is Verdict.RIGHT
    clock.now += REMEMBERED_S
    assert await logins.check(RIGHT, SETTINGS, "192.0.2.1") is Verdict.RIGHT
    logins.close()


async def test_guesses_side_by_side_get_no_further_than_guesses_in_a_row() -> None:
    logins = Logins(Clock())
    guesses = [logins.check(WRONG, SETTINGS, "192.0.2.1") for _ in range(20)]
    verdicts = await asyncio.gather(*guesses, logins.check(RIGHT, SETTINGS, "192.0.2.1"))
    assert verdicts.count(Verdict.WRONG) == 3
    assert verdicts[-1] is Verdict.SHUT_OUT
    logins.close()


async def test_each_wrong_password_makes_the_next_answer_slower_up_to_a_limit() -> None:
    logins = Logins(Clock())
    assert logins.delay_s("192.0.2.1", 1.0) == 0
    delays = []
    for _ in range(3):
        await logins.check(WRONG, SETTINGS, "192.0.2.1")
        delays.append(logins.delay_s("192.0.2.1", 1.0))
    assert delays == [1.0, 2.0, 4.0]
    assert logins.delay_s("192.0.2.1", 100.0) == LONGEST_DELAY_S
    logins.close()
