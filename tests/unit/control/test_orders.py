"""What is ordered at the control socket, and what of it stays on the disk when it fails."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mail2fax.control.orders import Refused
from mail2fax.control.peer import Peer
from mail2fax.control.wire import Retry
from mail2fax.engine.scripted import ScriptedEngine
from mail2fax.model.job import Job
from mail2fax.model.mail import Accepted
from mail2fax.store import StoreError, StoreFull, StoreUncertain
from tests.harness.house import House, arrival, house, written

ANNA = Peer(4711, 1000, "anna")


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, ScriptedEngine()) as built:
        yield built


async def cancelled(built: House) -> Job:
    """A fax that is over, and may be tried again."""
    accepted = await built.gateway.accept(arrival(), await written(built.spool))
    assert isinstance(accepted, Accepted)
    return await built.gateway.cancel(accepted.job_id, "anna")


def kept(folder: Path) -> set[str]:
    return {path.name for path in (folder / "spool" / "new").iterdir()}


async def test_a_fax_that_is_tried_again_has_a_mail_of_its_own(built: House, tmp_path: Path) -> None:
    job = await cancelled(built)
    answer = await built.orders.retry(Retry(job.id), ANNA)
    assert answer.job
    again = await built.found(answer.job["job"])
    assert kept(tmp_path) == {job.submission.spool_name, again.submission.spool_name}
    assert await built.spool.read(again.submission.spool_name) == await built.spool.read(job.submission.spool_name)
    with pytest.raises(Refused, match=f"as job {again.id}"):
        await built.orders.retry(Retry(job.id), ANNA)
    assert len(kept(tmp_path)) == 2


@pytest.mark.parametrize(("error", "copies"), [(StoreFull, 1), (StoreUncertain, 2)])
async def test_a_second_try_that_was_not_written_leaves_no_copy_but_where_a_crash_may_bring_it_back(
    built: House, tmp_path: Path, error: type[StoreError], copies: int
) -> None:
    """Trap: on a full disk each try left one more copy of the mail there."""
    job = await cancelled(built)
    built.store.fail("repeat", error=error)
    with pytest.raises(error):
        await built.orders.retry(Retry(job.id), ANNA)
    assert len(kept(tmp_path)) == copies
    await built.orders.retry(Retry(job.id), ANNA)
    assert len(kept(tmp_path)) == 2
