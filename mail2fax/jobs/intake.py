"""The way in: a mail's bytes and its row come to the disk both, or neither, also where the disk leaves us in doubt."""

from collections.abc import Awaitable, Callable, Collection

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.jobs.states import Jobs, Receipt
from mail2fax.model.mail import Submission
from mail2fax.model.refusal import Refusal
from mail2fax.store import StoreError, StoreUncertain
from mail2fax.store.spool import SpoolFile

log = structlog.get_logger(__name__)


class Intake:
    """Makes jobs of written mails; a mail that becomes none is discarded."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._in_doubt: set[SpoolFile] = set()

    async def receive(
        self, submission: Submission, file: SpoolFile, unwanted: Refusal | None = None, *, once: str = ""
    ) -> Receipt:
        """The mail in `file` is durable and a job, or known already; raises `StoreError`.

        `unwanted` and `once` are for `Jobs`.
        """
        return await self._both(file, lambda: self._jobs.receive(submission, unwanted, once=once))

    async def repeat(self, job_id: int, file: SpoolFile, by: str) -> Receipt:
        """The same for a copy of the mail of a job that is tried again, as `by` wants."""

        def commit() -> Awaitable[Receipt]:
            reached(CrashPoint.RETRY_KEPT)
            return self._jobs.repeat(job_id, file.name, by)

        return await self._both(file, commit)

    async def _both(self, file: SpoolFile, commit: Callable[[], Awaitable[Receipt]]) -> Receipt:
        """First the bytes, then the row."""
        await file.keep()
        in_doubt = tuple(self._in_doubt)
        try:
            receipt = await commit()
        except StoreUncertain:
            # A crash may bring the row back, and it must find its mail.
            self._in_doubt.add(file)
            raise
        except Exception:
            # A commit can fail and yet have happened: the bytes go only when the database says that it has not.
            self._in_doubt.add(file)
            await self._settle([file])
            raise
        if receipt.new:
            await self._settle(in_doubt)
        else:
            await file.discard()
        return receipt

    async def _settle(self, files: Collection[SpoolFile]) -> None:
        """Discards those of `files` that no job has.

        To be called for commits that could not be synced only after a later one was: that one has overwritten theirs
        in the write-ahead log, and no crash brings them back (see `StoreUncertain`). What is in doubt until we stop is
        for the sweep at the next start.
        """
        try:
            for file in files:
                if not await self._jobs.has_spool_name(file.name):
                    await file.discard()
                self._in_doubt.discard(file)
        except StoreError as error:
            log.warning("mails in doubt stay", mails=len(self._in_doubt), error=str(error))
