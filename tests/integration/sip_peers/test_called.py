"""Calls of ours to SIPp: what it does, what it must see of us, and how the call ends in our words."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import (
    Answered,
    CallEnded,
    CallEvent,
    CallOrder,
    Dialled,
    EndedBy,
    FaxFault,
    Media,
    MediaPolicy,
    Negotiated,
    Ringing,
)
from tests.harness.documents import write_fax_tiff
from tests.integration.sip_peers.sipp import HOST, Sipp, playing

USER, PASSWORD = "office", "s3cret"  # noqa: S105 - as the scenarios have it
OFFER_AFTER_S = 0.3


@dataclass(frozen=True, slots=True)
class Trunk:
    """SIPp as our trunk: who plays it, and an order to call through it."""

    program: str
    directory: Path
    order: CallOrder

    async def call(self, scenario: str, **changes: object) -> list[CallEvent]: ...
