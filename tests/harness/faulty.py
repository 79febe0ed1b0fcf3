"""A real store that fails, or waits, where a test tells it to; and tells when something has been done with it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mail2fax.model.job import Job
from mail2fax.store import Session, Store, StoreError, StoreFull

T = TypeVar("T")
Work = Callable[[Session], T]

LIMIT_S = 10.0


@dataclass
class Trouble:
    """What happens to the next `times` pieces of work of the method `name`; to all of them when `times` is None."""

    name: str
    times: int | None
    after: bool
    error: StoreError | None
    """None: the work waits until the trouble is over."""
    job_id: int | None = None
    """None: of whatever job."""


class FaultyStore(Store):
    """`done` counts the finished work by the name of the method that asked for it."""

    def prepare(self) -> None:
        """To be called once, after `open`."""
        self.done: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()
        self._troubles: list[Trouble] = []
        self._mended = asyncio.Event()
        self._stirred = asyncio.Condition()

    def fail(
        self, name: str, times: int | None = 1, *, after: bool = False, error: type[StoreError] = StoreFull
    ) -> None:
        """Work of the method `name` fails, as on a full disk; with `after`, once it is committed."""
        self._troubles.append(Trouble(name, times, after, error("the disk does not do it")))

    def fail_for(self, name: str, job_id: int) -> None:
        """Every work of the method `name` on this job fails."""
        self._troubles.append(Trouble(name, None, after=False, error=StoreError("a bad row"), job_id=job_id))

    def stall(self, name: str) -> None:
        """The next work of the method `name` waits until `mend`."""
        self._troubles.append(Trouble(name, 1, after=False, error=None))

    def mend(self) -> None:
        """Everything works again."""
        self._troubles.clear()
        self._mended.set()

    async def read(self, question: Work[T]) -> T:
        return await self._work(question, super().read)

    async def write(self, change: Work[T]) -> T:
        return await self._work(change, super().write)

    async def until(self, holds: Callable[[Session], bool]) -> None:
        """Returns as soon as `holds` is true of the database; asks after each piece of work."""
        async with asyncio.timeout(LIMIT_S), self._stirred:
            while not await super().read(holds):
                await self._stirred.wait()

    async def until_begun(self, name: str, times: int = 1) -> None:
        """Returns when work of the method `name` has begun so many times more than now."""
        await self._until_counted(self.begun, name, times)

    async def until_done(self, name: str, times: int = 1) -> None:
        """Returns when work of the method `name` has been done so many times more than now."""
        await self._until_counted(self.done, name, times)

    async def _until_counted(self, counter: Counter[str], name: str, times: int) -> None:
        wanted = counter[name] + times
        async with asyncio.timeout(LIMIT_S), self._stirred:
            await self._stirred.wait_for(lambda: counter[name] >= wanted)

    async def _work(self, work: Work[T], do: Callable[[Work[T]], Awaitable[T]]) -> T:
        name = work.__qualname__.split(".<locals>")[0].rpartition(".")[2]
        self.begun[name] += 1
        await self._stir()
        try:
            trouble = self._next_trouble(name, _jobs_of(work))
            if trouble and trouble.error is None:
                await self._mended.wait()
            if trouble and trouble.error and not trouble.after:
                raise trouble.error
            result = await do(work)
            if trouble and trouble.error:
                raise trouble.error
            self.done[name] += 1
            return result
        finally:
            await self._stir()

    def _next_trouble(self, name: str, jobs: set[int]) -> Trouble | None:
        for trouble in self._troubles:
            if trouble.name in {name, "*"} and trouble.times != 0 and trouble.job_id in {None, *jobs}:
                if trouble.times is not None:
                    trouble.times -= 1
                return trouble
        return None

    async def _stir(self) -> None:
        async with self._stirred:
            self._stirred.notify_all()


def _jobs_of(work: Work[T]) -> set[int]:
    """The jobs that a piece of work holds on to."""
    held = (cell.cell_contents for cell in work.__closure__ or ())
    return {value.id for value in held if isinstance(value, Job)}
