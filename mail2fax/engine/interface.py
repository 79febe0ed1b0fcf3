"""The seam between the house and whatever carries faxes: the only part of `engine` the house may import."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from mail2fax.model.call import AnswerOrder, CallEvent, CallOrder
from mail2fax.model.trunk import TrunkState


class EngineUnavailable(Exception):
    """The engine cannot take the order now: it is not running, or it is stopping. Nothing was dialled."""


@dataclass(frozen=True, slots=True)
class EngineTraits:
    """What an engine can do: `lines` calls at once; whether it tells pages; whether it dials again by itself."""

    lines: int
    reports_pages: bool
    retries_itself: bool


class IncomingCall(Protocol):
    """A call that rings at one of our numbers. Exactly one of `answer` and `reject` is to be called.

    `called` is whom the request goes to. Where that is but the account that a trunk calls us by, or nobody (""),
    `meant` are the numbers that it names beside, likeliest first. `trunks` name those that it may have come by,
    likeliest first: several may have one address. () is somebody else who may call us.
    """

    @property
    def call_id(self) -> str: ...
    @property
    def called(self) -> str: ...
    @property
    def caller(self) -> str: ...
    @property
    def meant(self) -> tuple[str, ...]: ...
    @property
    def trunks(self) -> tuple[str, ...]: ...
    def answer(self, order: AnswerOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]: ...
    async def reject(self, sip_code: int) -> None: ...


class FaxEngine(Protocol):
    """Places and takes fax calls. Leaving the block of `call` (or of `answer`) hangs up.

    The iterator of a block yields events in order and ends after exactly one `CallEnded`, also when the
    engine dies in mid call (`EndedBy.ENGINE`). It may be read on after the block was left: then it yields what
    was not read yet, and the end of the call as soon as that is known. `call` raises `EngineUnavailable` on
    entering the block when the order could not be taken and nothing was dialled. `trunk_states` says how the trunks
    stand, by their names; one that is not there is taken to be up.
    """

    @property
    def traits(self) -> EngineTraits: ...
    @property
    def trunk_states(self) -> Mapping[str, TrunkState]: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def call(self, order: CallOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]: ...
    def incoming(self) -> AsyncIterator[IncomingCall]: ...
