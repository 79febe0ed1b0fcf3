"""The gateway is killed while a fax comes in, at each step from the answer to the mail; then it is counted."""

import asyncio
import signal
from pathlib import Path

import pytest

from mail2fax.crashpoint import CrashPoint
from tests.acceptance.test_incoming import ANSWERING, OURS, calling, ended_call, fax, reaches
from tests.crash.books import Books
from tests.crash.campaign import INCOMING, REACHED_WITHIN_S
from tests.harness import doomed_daemon
from tests.harness.documents import assert_received, write_fax_tiff
from tests.harness.doomed_daemon import CRASH, KILLED_AT
from tests.harness.processes import becomes_true
from tests.harness.stage import Stage, staged

pytestmark = pytest.mark.timeout(300)

NOTHING_YET = (CrashPoint.FAX_BEGUN, CrashPoint.FAX_ANSWERED)
BEFORE_THE_ROW_KNEW = (CrashPoint.FAX_PAGE_CONFIRMED,)
SHORT = (CrashPoint.FAX_PAGE_CONFIRMED, CrashPoint.FAX_TAKEN)
ROWS = 160


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(SHORT, id="short"),
        pytest.param([point for point in INCOMING if point not in SHORT], id="the others", marks=pytest.mark.soak),
    ],
)
async def test_killed_while_a_fax_comes_in_what_was_confirmed_is_mailed(
    tmp_path: Path, points: tuple[CrashPoint, ...]
) -> None:
    document = write_fax_tiff(tmp_path / "document.tif", 1, ROWS)
    async with asyncio.TaskGroup() as tasks:
        for point in points:
            folder = tmp_path / point
            folder.mkdir()
            tasks.create_task(_killed_at(point, folder, document))


async def _killed_at(point: CrashPoint, folder: Path, document: Path) -> None:
    async with staged(folder, ANSWERING, program=doomed_daemon.__name__, far_end=False) as stage, calling() as engine:
        async with stage.command("run", **{CRASH: point}) as gateway:
            await gateway.tells("calls are answered")
            await reaches(engine, gateway)
            ended = await ended_call(engine, fax(document, OURS, 1))
            assert await gateway.ended(REACHED_WITHIN_S) == -signal.SIGKILL
            assert gateway.told(KILLED_AT, point=point)
        async with stage.gateway() as gateway:
            await becomes_true(lambda: not Books.of(folder / "data").unfinished, within_s=30)
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(60) == 0
        _count(point, stage, told_delivered=ended.delivered(1))


def _count(point: CrashPoint, stage: Stage, *, told_delivered: bool) -> None:
    (row,) = Books.of(stage.directory / "data").incoming_faxes
    mails = stage.replies
    if point in NOTHING_YET:
        assert (row["state"], row["pages"], mails, told_delivered) == ("failed", 0, [], False)
        return
    # The sender may have heard it or not; what we knew before the kill, we know after it.
    assert row["state"] == ("partial" if point in BEFORE_THE_ROW_KNEW else "complete")
    assert row["pages"] == 1
    assert {mail["Message-ID"] for mail in mails} == {row["message_id"]}
    assert len(mails) == (2 if point is CrashPoint.FAX_TAKEN else 1), "at least once, and always as the same mail"
    for mail in mails:
        _, tiff = mail.iter_attachments()
        received = stage.directory / "mailed.tiff"
        received.write_bytes(tiff.get_content())
        assert_received(received, 1, ROWS)
    left = (stage.directory / "data" / "domains" / "default" / "data" / "fax" / "incoming").iterdir()
    assert [file.name for file in left] == [row["file"]]
