"""Two gateways that may fax at each other, and a status mail that comes back: no mail begets mails without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from mail2fax.model.job import JobState
from mail2fax.model.mark import JOB_FIELD
from mail2fax.model.refusal import SMTP_REPLIES, RefusalCode
from tests.harness.logged import LoggedProcess
from tests.harness.ports import free_port
from tests.harness.stage import FAX_ADDRESS, HOSTNAME, Mail, Sections, Stage, staged

HERE, THERE = "fax@here.example", "fax@there.example"
LOOPED = SMTP_REPLIES[RefusalCode.MAIL_LOOPED]
QUIET_S = 6.0
"""Longer than any loop of the gateway rests: what has not come by then does not come by itself."""


@dataclass(frozen=True, slots=True)
class Twin:
    """One of two gateways whose replies go to the other's SMTP door."""

    stage: Stage
    process: LoggedProcess

    def accepted(self) -> int:
        return len(self.process.told("mail accepted"))


def _twin(address: str, other: str, port: int, reply_port: int) -> Sections:
    return {
        "gateway": {"hostname": address.partition("@")[2]},
        "smtp": {"port": port, "fax_addresses": [address]},
        "senders": {"allow": [other]},
        "reply": {"port": reply_port, "sender": address},
    }


@asynccontextmanager
async def twins(directory: Path) -> AsyncIterator[tuple[Twin, Twin]]:
    here, there = free_port(), free_port()
    async with AsyncExitStack() as closing:
        found = []
        for name, sections in {
            "here": _twin(HERE, THERE, here, there),
            "there": _twin(THERE, HERE, there, here),
        }.items():
            (directory / name).mkdir()
            stage = await closing.enter_async_context(staged(directory / name, sections, far_end=False))
            found.append(Twin(stage, await closing.enter_async_context(stage.gateway())))
        yield found[0], found[1]


async def test_two_gateways_do_not_answer_each_other(tmp_path: Path) -> None:
    """Trap: each answers the other's "not a number" with its own, at the speed of the network, until a disk is full."""
    async with twins(tmp_path) as (here, there):
        mail = Mail("first", "this is no number", sender=THERE, recipient=HERE)
        assert (await here.stage.send(mail)).code == 250
        given_up = await here.process.tells("reply given up", within_s=60)
        assert (given_up["to"], given_up["error"]) == (THERE, LOOPED)
        assert there.process.told("mail refused", reason=RefusalCode.MAIL_LOOPED)
        await asyncio.sleep(QUIET_S)
        assert (here.accepted(), there.accepted()) == (1, 0)
        assert len(there.process.told("mail refused")) == 1
        assert len(here.process.told("reply given up")) == 1
        assert there.process.told("reply sent") == here.process.told("reply sent") == []


async def test_a_status_mail_that_comes_back_is_refused_by_either_of_its_marks(tmp_path: Path) -> None:
    async with staged(tmp_path, {"senders": {"allow": ["*@example.com"]}}, far_end=False) as stage, stage.gateway():
        mail = Mail("wrong", "this is no number")
        assert (await stage.send(mail)).code == 250
        reply = await stage.reply_to(mail, within_s=60)
        answers = [
            await stage.hand_in(back, FAX_ADDRESS, FAX_ADDRESS)
            for back in (reply, without(reply, JOB_FIELD), without(reply, "Message-ID"))
        ]
        assert {f"{answer.code} {answer.text}" for answer in answers} == {LOOPED}
        assert HOSTNAME in reply["Message-ID"]


async def test_a_status_mail_without_its_marks_is_still_automatic_and_not_answered(tmp_path: Path) -> None:
    """Some mail servers give every mail a new Message-ID and drop fields that they do not know."""
    async with (
        staged(tmp_path, {"senders": {"allow": ["*@example.com"]}}, far_end=False) as stage,
        stage.gateway() as gateway,
    ):
        mail = Mail("wrong", "this is no number")
        assert (await stage.send(mail)).code == 250
        reply = without(await stage.reply_to(mail, within_s=60), JOB_FIELD, "Message-ID")
        reply["Message-ID"] = Mail("stripped", "").message_id
        assert (await stage.hand_in(reply, FAX_ADDRESS, FAX_ADDRESS)).code == 250
        nobody = await gateway.tells("nobody to tell", within_s=60)
        cdr = await stage.cdr_of(Mail("stripped", ""))
        assert (cdr.job.id, cdr.job.state) == (nobody["job"], JobState.REJECTED)
        assert len(stage.replies) == 1


def without(message: EmailMessage, *fields: str) -> EmailMessage:
    stripped = EmailMessage(policy=message.policy)
    for name, value in message.items():
        if name not in fields:
            stripped[name] = value
    stripped.set_payload(message.get_payload())
    return stripped
