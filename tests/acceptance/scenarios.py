"""The one long run: every scenario is dialled together, for real-time faxes wait rather than compute."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.harness.documents import write_fax_tiff
from tests.harness.logged import Entry
from tests.harness.stage import Cdr, Mail, SmtpAnswer, Stage, staged
from tests.peers.behaviours import Behaviour, number

LETTER = Path(__file__).parents[2] / "fixtures" / "tiffs" / "letter.tif"
"""Two real pages: about ten seconds each on the phone."""

IN_ONE_RUN = [pytest.mark.xdist_group("acceptance"), pytest.mark.timeout(240)]
"""The marks of every test of the run: one worker has it, and its first test waits for all of it."""

RUN_LIMIT_S = 150.0
_ROWS = 160
_ROWS_MORE = 24


@dataclass(frozen=True, slots=True)
class FarCall:
    """One call as the far end has seen it. `requests` are the methods it got, with whether they bore a digest."""

    call_id: str
    number: str
    began: float
    over: Entry | None
    requests: tuple[tuple[str, bool], ...]
    received: Path


@dataclass(frozen=True, slots=True)
class Story:
    """What became of one mail, seen from every side."""

    mail: Mail
    answers: tuple[SmtpAnswer, ...]
    cdrs: tuple[Cdr, ...]
    replies: tuple[EmailMessage, ...]
    calls: tuple[FarCall, ...]

    @property
    def cdr(self) -> Cdr:
        (cdr,) = self.cdrs
        return cdr

    @property
    def reply(self) -> EmailMessage:
        (reply,) = self.replies
        return reply

    @property
    def call(self) -> FarCall:
        (call,) = self.calls
        return call


@dataclass(frozen=True, slots=True)
class Record:
    """The whole run. `jobs` and `show` are what the command line printed, `show` for the mail "t38".

    `calls` are the Call-IDs of every call that the far end has got.
    """

    stories: Mapping[str, Story]
    calls: Sequence[str]
    log: Sequence[Entry]
    jobs: str
    show: str
    exit_status: int

    def __getitem__(self, name: str) -> Story:
        return self.stories[name]

    def told(self, event: str, **fields: object) -> list[Entry]:
        """The gateway's log entries of this name with these fields."""
        wanted = {"event": event, **fields}
        return [entry for entry in self.log if wanted.items() <= entry.items()]


def mails(directory: Path) -> dict[str, Mail]:
    """Every mail of the run, each with a picture of its own, so that none is taken for another."""
    pictures = (write_fax_tiff(directory / f"page-{rows}.tif", 1, rows) for rows in range(_ROWS, 2000, _ROWS_MORE))
    one, two = next(pictures), write_fax_tiff(directory / "two-pages.tif", 2, _ROWS)
    calls = {
        "t38": (number(Behaviour.OFFERS_T38), two),
        "audio": (number(Behaviour.REFUSES_T38), next(pictures)),
        "t38-asked-for": (number(Behaviour.TAKES_T38), next(pictures)),
        "busy": (number(Behaviour.BUSY), one),
        "no-answer": (number(Behaviour.RINGS), one),
        "congestion": (number(Behaviour.CONGESTED), one),
        "wrong-number": (number(Behaviour.UNKNOWN), one),
        "cut-in-page-1": (number(Behaviour.HANGS_UP_IN_PAGE_1), LETTER),
        "cut-in-page-2": (number(Behaviour.HANGS_UP_IN_PAGE_2), LETTER),
        "same-number-first": (number(Behaviour.OFFERS_T38, 1), next(pictures)),
        "same-number-second": (number(Behaviour.OFFERS_T38, 1), next(pictures)),
        "sent-twice": (number(Behaviour.OFFERS_T38, 2), next(pictures)),
        "forwarded": (number(Behaviour.FORWARDED, 60), next(pictures)),
        "two-readings": ("44 800 1111", one),
        "no-number": ("The letter, as discussed", one),
        "test": (f"TEST {number(Behaviour.OFFERS_T38, 9)}", LETTER),
    }
    others = [
        Mail("no-tiff", number(Behaviour.OFFERS_T38, 3)),
        Mail("two-tiffs", number(Behaviour.OFFERS_T38, 4), (one, two)),
        Mail("stranger", number(Behaviour.OFFERS_T38, 5), (one,), sender="mallory@example.org"),
        Mail("not-a-fax-address", number(Behaviour.OFFERS_T38, 6), (one,), recipient="someone@example.net"),
    ]
    return {name: Mail(name, subject, (tiff,)) for name, (subject, tiff) in calls.items()} | {
        mail.name: mail for mail in others
    }


async def play(directory: Path) -> Record:
    """Sends every mail at once, waits until each has its status mail, and gathers what can be seen."""
    async with staged(directory) as stage, stage.gateway() as gateway:
        sent = mails(directory)
        answers = await _send_all(stage, list(sent.values()))
        await _await_replies(stage, [mail for mail in sent.values() if answers[mail.name][-1].code == 250])
        jobs = await stage.printed("jobs", "--limit", "50")
        (shown,) = [cdr.job.id for cdr in await stage.cdrs_of(sent["t38"])]
        show = await stage.printed("show", str(shown))
        gateway.send(signal.SIGTERM)
        status = await gateway.ended()
        stories = {name: await _story(stage, mail, answers[name]) for name, mail in sent.items()}
        calls = [str(call["call_id"]) for call in stage.far_end.told("call")]
        return Record(stories, calls, gateway.entries, jobs, show, status)


async def _send_all(stage: Stage, sent: Sequence[Mail]) -> dict[str, tuple[SmtpAnswer, ...]]:
    answers = await asyncio.gather(*(_send(stage, mail) for mail in sent))
    return {mail.name: answer for mail, answer in zip(sent, answers, strict=True)}


async def _send(stage: Stage, mail: Mail) -> tuple[SmtpAnswer, ...]:
    times = 2 if mail.name == "sent-twice" else 1
    return tuple([await stage.send(mail) for _ in range(times)])


async def _await_replies(stage: Stage, accepted: Sequence[Mail]) -> None:
    """Waits as long as it may take. A mail that got none by then fails its own test, and no other."""
    await asyncio.gather(*(stage.reply_to(mail, RUN_LIMIT_S) for mail in accepted), return_exceptions=True)


async def _story(stage: Stage, mail: Mail, answers: tuple[SmtpAnswer, ...]) -> Story:
    cdrs = await stage.cdrs_of(mail)
    dialled = {attempt.call_id for cdr in cdrs for attempt in cdr.attempts}
    calls = [_far_call(stage, entry) for entry in stage.far_end.told("call") if entry["call_id"] in dialled]
    return Story(mail, answers, tuple(cdrs), tuple(stage.replies_to(mail)), tuple(calls))


def _far_call(stage: Stage, entry: Entry) -> FarCall:
    call_id, far_end = str(entry["call_id"]), stage.far_end
    over = far_end.told("call over", call_id=call_id)
    requests = [(told["method"], told["proven"]) for told in far_end.told("request", call_id=call_id)]
    return FarCall(
        call_id, entry["number"], entry["at"], over[0] if over else None, tuple(requests), stage.received(call_id)
    )
