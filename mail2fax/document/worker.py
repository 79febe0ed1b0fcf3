"""The render process: `python -m mail2fax.document.worker`, one per document, started by `sandbox` ahead of it.

It waits for its order on descriptor 0 (`process`), and answers on descriptor 1 with one line of JSON. It looks at the
sender's file only after it has given up everything else.
"""

import contextlib
import errno
import io
import json
import os
import warnings
from functools import partial
from typing import Any

from PIL import Image

from mail2fax.document.confinement import confine, limit_page
from mail2fax.document.libtiff import LibTiff
from mail2fax.document.limits import BILEVEL_PIXELS, RenderLimits
from mail2fax.document.process import Order, wait_for_order
from mail2fax.document.refused import Refused, too_large
from mail2fax.document.render import render_tiff
from mail2fax.model.refusal import Refusal, RefusalCode

CHANNEL, ANSWER, ERRORS = 0, 1, 2
_CHUNK = 1 << 20
_OUR_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}

Answer = dict[str, Any]


def main() -> None:
    libtiff = LibTiff()
    _heed_bombs()
    _rehearse(libtiff)
    _be_silent()
    order = wait_for_order(CHANNEL)
    if order is None:
        return
    missing = confine(order.limits)
    _say(_render(order, libtiff) | {"missing": missing})
    # At once: closing the target would try again to write what a full disk has just refused.
    os._exit(0)


def _heed_bombs() -> None:
    """Pillow's own guard, behind ours; its other warnings are about tags that nobody needs."""
    Image.MAX_IMAGE_PIXELS = BILEVEL_PIXELS
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _rehearse(libtiff: LibTiff) -> None:
    """Renders small pages, so that everything that is imported or loaded on first use is there."""
    for mode, compression in (("1", "group4"), ("RGBA", "tiff_lzw"), ("RGB", "jpeg"), ("L", "raw")):
        page = io.BytesIO()
        Image.new(mode, (100, 100)).save(page, "TIFF", compression=compression)
        render_tiff(page.getvalue(), io.BytesIO(), libtiff, max_pages=1, begin_page=lambda: None, standard=io.BytesIO())
    with contextlib.suppress(Refused):
        render_tiff(b"not a TIFF", io.BytesIO(), libtiff, max_pages=1, begin_page=lambda: None)


def _be_silent() -> None:
    """From here on nothing can reach our standard error: what is written there would be the sender's text."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, ERRORS)
    os.close(nowhere)


def _render(order: Order, libtiff: LibTiff) -> Answer:
    limits = order.limits
    target, standard = os.fdopen(order.target, "w+b"), os.fdopen(order.standard, "w+b")
    try:
        source = b"".join(iter(lambda: os.read(order.source, _CHUNK), b""))
        begin_page = partial(limit_page, limits.page_seconds)
        render_tiff(source, target, libtiff, max_pages=limits.max_pages, begin_page=begin_page, standard=standard)
    except Refused as no:
        return _refused(no)
    except Exception as error:  # noqa: BLE001 - whatever a document does, its sender gets an answer
        return _answer_to(error, limits)
    return {"outcome": "rendered"}


def _answer_to(error: Exception, limits: RenderLimits) -> Answer:
    match error:
        case OSError(errno=number) if number in _OUR_DISK:
            return {"outcome": "fault", "detail": repr(error)}
        case OSError(errno=errno.EFBIG):
            return _refused(too_large(f"its fax would have more than {limits.output_mb} MB", repr(error)))
        case MemoryError() | Image.DecompressionBombError() | Image.DecompressionBombWarning():
            return _refused(too_large("it would need too much memory", repr(error)))
    return _refused(_failed(error))


def _failed(error: Exception) -> Refused:
    problem = f"our reader stumbled over it ({type(error).__name__})"
    return Refused(Refusal(RefusalCode.RENDERING_FAILED, {"problem": problem}), repr(error))


def _refused(no: Refused) -> Answer:
    return {"outcome": "refused", "code": no.refusal.code, "facts": dict(no.refusal.facts), "detail": no.detail[:200]}


def _say(answer: Answer) -> None:
    os.write(ANSWER, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
