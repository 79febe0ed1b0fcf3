"""Logging in over SMTP (RFC 4954): PLAIN and LOGIN, passwords checked in a thread, and a limit to guessing.

Whoever guesses is slowed down and then shut out by his address, however many sessions he opens. The limit counts
before and after a password is checked, so that guesses made side by side get no further than guesses made in a row.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum

from mail2fax.ingest.smtp_settings import SmtpSettings
from mail2fax.model.origin import Failures
from mail2fax.model.password import PasswordHash

LONGEST_DELAY_S = 8.0

MECHANISMS = ("PLAIN", "LOGIN")


class Verdict(Enum):
    """What a log-in came to."""

    RIGHT = "right"
    WRONG = "wrong"
    SHUT_OUT = "shut out"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client claims."""

    user: str
    password: bytes = field(repr=False)


def read_plain(message: bytes) -> Credentials | None:
    """The credentials of a PLAIN message (RFC 4616 2), None when it is not well formed.

    An authorization identity other than the user himself would be the wish to act for another: there is no such right.
    """
    parts = message.split(b"\0")
    if len(parts) != 3 or parts[0] not in (b"", parts[1]):  # noqa: PLR2004 # authzid NUL authcid NUL passwd
        return None
    return read_login(parts[1], parts[2])


def read_login(user: bytes, password: bytes) -> Credentials | None:
    """The credentials of LOGIN's two answers; None when they can be nobody's."""
    try:
        return Credentials(user.decode("utf-8"), password) if user else None
    except UnicodeDecodeError:
        return None


class Logins:
    """Checks passwords, one at a time, in a thread of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = Failures()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="password")

    async def check(self, claimed: Credentials | None, settings: SmtpSettings, address: str) -> Verdict:
        """Whether `claimed` is right. Takes its time for a name that we do not know, too."""
        most = settings.max_login_failures_per_address
        if self._shut_out(address, most):
            return Verdict.SHUT_OUT
        fits = await self._fits(claimed, settings.accounts) if claimed else False
        if self._shut_out(address, most):
            return Verdict.SHUT_OUT
        if fits:
            return Verdict.RIGHT
        self._failures.add(address, self._clock())
        return Verdict.WRONG

    def delay_s(self, address: str, first_s: float) -> float:
        """How long the answer to a wrong password from `address` is held back."""
        failures = self._failures.count(address, self._clock())
        return min(LONGEST_DELAY_S, first_s * 2.0 ** min(failures - 1, 10)) if failures else 0.0

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _fits(self, claimed: Credentials, accounts: Mapping[str, PasswordHash]) -> bool:
        known = accounts.get(claimed.user)
        # An answer that comes at once would tell that there is no such account.
        tried = known or next(iter(accounts.values()))
        fits = await asyncio.get_running_loop().run_in_executor(self._thread, tried.fits, claimed.password)
        return fits and known is not None

    def _shut_out(self, address: str, most_failures: int) -> bool:
        return self._failures.count(address, self._clock()) >= most_failures
