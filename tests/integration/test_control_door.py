"""The control door over a real socket: what a disk that cannot be read and a crowd of listeners do to an order."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from mail2fax.cli import app
from mail2fax.control import door
from mail2fax.control.client import GatewayLost, talking_to
from mail2fax.control.door import ControlDoor
from mail2fax.control.wire import Answer, Cancel, Kind, Order, Send
from mail2fax.engine.scripted import ScriptedEngine
from mail2fax.model.job import JobState
from mail2fax.store import StoreError
from tests.harness.house import House, house

LETTER = b"II*\0 a letter"
SEND = Send("+375 29 155 44 99", "letter.tif", len(LETTER))


class Counter:
    """A house with its control door open; nothing is prepared or dialled."""

    def __init__(self, house: House, path: Path) -> None:
        self.house = house
        self.path = path

    async def ask(self, order: Order) -> list[Answer]:
        """The answers to an order."""
        return await asyncio.to_thread(self._ask, order)

    async def command(self, *words: str) -> Result:
        """`mail2fax WORDS`, to its end."""
        line = [*words, "--socket", str(self.path)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, line))

    def _ask(self, order: Order) -> list[Answer]:
        with talking_to(self.path) as talk:
            return list(talk.order(order))


@asynccontextmanager
async def open_counter(folder: Path) -> AsyncIterator[Counter]:
    async with house(folder, ScriptedEngine()) as built:
        control = ControlDoor(folder / "control.sock", built.orders, built.jobs)
        with capture_logs():
            await control.start()
            try:
                yield Counter(built, folder / "control.sock")
            finally:
                await control.stop()


def heard(path: Path) -> Sequence[Answer]:
    """The answers to a fax; before their end the gateway is gone."""
    answers = list[Answer]()
    with talking_to(path) as talk:
        try:
            for answer in talk.order(SEND, LETTER):
                answers.append(answer)
        except GatewayLost:
            return answers
    raise AssertionError("the gateway has told the story to its end")


@pytest.mark.parametrize("broken", [("news",), ("find", "news")])
async def test_a_fax_that_is_safe_is_never_refused(tmp_path: Path, broken: Sequence[str]) -> None:
    """Trap: the database could not be read after the commit, a script heard a refusal, and sent the fax again."""
    async with open_counter(tmp_path) as counter:
        for name in broken:
            counter.house.store.fail(name, times=None, error=StoreError)
        answers = await asyncio.to_thread(heard, counter.path)
        counter.house.store.mend()
        assert [answer.answer for answer in answers if answer.answer != Kind.ENTRY] == [Kind.ACCEPTED]
        assert answers[0].job
        assert answers[0].job["job"] == 1
        assert (await counter.house.found(1)).state is JobState.RECEIVED


async def test_a_command_that_lost_sight_of_its_fax_says_where_to_look_and_ends_as_in_doubt(tmp_path: Path) -> None:
    letter = tmp_path / "letter.tif"
    letter.write_bytes(LETTER)
    async with open_counter(tmp_path) as counter:
        counter.house.store.fail("news", times=None, error=StoreError)
        ended = await counter.command("send", str(letter), "+375 29 155 44 99")
    assert ended.exit_code == 3
    assert "job 1 is safe. See what becomes of it with: mail2fax show 1" in ended.output


async def test_whoever_only_follows_a_fax_takes_no_place_of_those_who_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: fifty who watched their faxes kept the admin from cancelling one."""
    monkeypatch.setattr(door, "MAX_ORDERS", 1)
    monkeypatch.setattr(door, "MAX_STORIES", 2)
    async with open_counter(tmp_path) as counter:
        with ExitStack() as watching:
            for _ in range(2):
                talk = await asyncio.to_thread(watching.enter_context, talking_to(counter.path))
                answers = talk.order(SEND, LETTER)
                assert (await asyncio.to_thread(next, answers)).answer == Kind.ACCEPTED
            # One more who would follow his fax is left, and it is safe all the same.
            (accepted,) = await asyncio.to_thread(heard, counter.path)
            assert accepted.job
            assert accepted.job["job"] == 3
            (answer,) = await counter.ask(Cancel(1))
            assert answer.answer == Kind.DONE


async def test_one_order_too_many_is_told_so_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: no hello came before the refusal, and the command spoke of a socket that was none of ours."""
    monkeypatch.setattr(door, "MAX_ORDERS", 1)
    async with open_counter(tmp_path) as counter:
        with closing(socket.socket(socket.AF_UNIX)) as idle:
            idle.connect(str(counter.path))
            assert await asyncio.to_thread(idle.recv, 1), "the door has greeted the one who orders nothing"
            ended = await counter.command("cancel", "1")
        assert ended.exit_code == 1
        assert "too many commands at once" in ended.output
