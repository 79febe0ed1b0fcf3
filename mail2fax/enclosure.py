"""What goes with a reply: the preview of a test, or the fax as it went out, as its sender wishes to have it back."""

import asyncio
from pathlib import Path

import structlog

from mail2fax.document.as_pdf import pdf_of
from mail2fax.document.tiff import NotCanonical
from mail2fax.model.job import Job, JobState, Reply, ReplyKind
from mail2fax.model.refusal import RefusalCode
from mail2fax.model.wishes import Copy
from mail2fax.reply.compose import Attachment

log = structlog.get_logger(__name__)

MOST_COPY_BYTES = 7_000_000
"""A third more as a mail, which is what every mail server takes."""


async def enclosure_of(reply: Reply, job: Job, documents: Path) -> Attachment | None:
    """What goes with `reply`: the preview of a test, or what the sender of a fax wishes to have back of it."""
    if job.outcome == RefusalCode.PREVIEW:
        return await _copy(job, documents, Copy.PDF) or await _copy(job, documents, Copy.THUMBNAIL)
    sent = job.state in {JobState.SENT, JobState.UNCONFIRMED}
    return await _copy(job, documents, job.submission.wishes.copy) if sent and reply.kind is ReplyKind.FINAL else None


async def _copy(job: Job, documents: Path, wished: Copy) -> Attachment | None:
    """What was made of the mail of `job`, as `wished`; None when it is too large for a mail, or gone."""
    if wished is Copy.NONE or job.document is None:
        return None
    kind, end, make = _COPIES[wished]
    content = await asyncio.to_thread(make, documents / job.document)
    if content is not None and len(content) > MOST_COPY_BYTES:
        log.warning("copy of the fax left out, it is too large", job=job.id, kind=wished.value, bytes=len(content))
        content = None
    return None if content is None else Attachment(f"fax-{job.id}.{end}", kind, content)


def _as_pdf(document: Path) -> bytes | None:
    try:
        with document.open("rb") as file:
            return pdf_of(file)
    except (OSError, NotCanonical) as error:
        log.warning("fax not attached", document=document.name, error=str(error))
        return None


def _as_thumbnail(document: Path) -> bytes | None:
    # Here, for it loads Pillow: where nobody wants pictures, the gateway starts without it.
    from mail2fax.document.copies import thumbnail  # noqa: PLC0415

    try:
        return thumbnail(document)
    except (OSError, ValueError) as error:
        log.warning("fax not attached", document=document.name, error=str(error))
        return None


_COPIES = {
    Copy.THUMBNAIL: ("image/png", "png", _as_thumbnail),
    Copy.PDF: ("application/pdf", "pdf", _as_pdf),
}
