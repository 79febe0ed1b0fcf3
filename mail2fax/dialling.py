"""How calls are placed: from a job that is ready to the order for its next call."""

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from mail2fax.admission.gate import sub_address_of
from mail2fax.document.stored import look_up
from mail2fax.model.call import CallOrder
from mail2fax.model.document import VOICES
from mail2fax.model.domain import Terminal
from mail2fax.model.job import Job
from mail2fax.model.trunk import Trunk


@dataclass(frozen=True, slots=True)
class Dialling:
    """How calls are placed, whichever trunk carries them.

    `terminal` is for jobs that remember none; `zone` is that of the header line's clock.
    """

    terminal: Terminal
    hostname: str
    zone: ZoneInfo
    longest_call_s: float

    def order(self, job: Job, trunk: Trunk, documents: Path) -> CallOrder:
        """The call that `job` is to make over `trunk`, were it the first to its number; `documents` is their folder."""
        if job.number is None or job.document is None or job.pages is None:
            raise ValueError(f"job {job.id} is {job.state}, but was never prepared")
        # The job's own, from its admission: whose call it is does not change with the configuration.
        terminal = job.submission.terminal or self.terminal
        return CallOrder(
            call_id=f"{uuid.uuid4().hex}@{self.hostname}",
            number=trunk.form.dialled(job.number.removeprefix("+")),
            document_path=str(documents / job.document),
            pages=job.pages,
            caller_id=terminal.caller_id,
            station_id=terminal.station_id,
            header=terminal.header,
            header_time=datetime.now(self.zone),
            ring_limit_s=trunk.ring_limit_s,
            media_policy=trunk.media_policy,
            ecm=trunk.ecm,
            max_bit_rate=trunk.max_bit_rate,
            trunk=trunk.name,
            sub_address=sub_address_of(job.submission.recipient),
            password=trunk.fax_password,
            voice_path=str(documents / VOICES / job.submission.voice) if job.submission.voice else "",
        )


async def with_pages(order: CallOrder) -> CallOrder:
    """`order` with what its document's file tells: how large each page is, and where its coarser form lies."""
    document = await asyncio.to_thread(look_up, Path(order.document_path))
    return replace(order, page_bytes=document.page_bytes, standard_path=document.standard_path)
