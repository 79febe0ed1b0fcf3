"""The render process: `python -m mail2fax.document.worker` waits, and forks one process for each document.

How an order comes, and how it is answered, is in `inside`. A process looks at the sender's file only after it has
given up everything else.
"""

import contextlib
import errno
import io
import os
import warnings
from functools import partial

from PIL import Image

from mail2fax.document.confinement import confine, limit_page
from mail2fax.document.inside import OUR_DISK, Answer, Order, say, serve
from mail2fax.document.limits import BILEVEL_PIXELS, RenderLimits
from mail2fax.document.reading import Readers
from mail2fax.document.refused import Refused, too_large
from mail2fax.document.render import render_tiff
from mail2fax.model.refusal import Refusal, RefusalCode


def main() -> None:
    readers = Readers()
    _heed_bombs()
    _rehearse(readers)
    serve(partial(_work, readers))


def _work(readers: Readers, order: Order) -> None:
    missing = confine(order.limits)
    say(_render(order, readers) | {"missing": missing})


def _heed_bombs() -> None:
    """Pillow's own guard, behind ours; its other warnings are about tags that nobody needs."""
    Image.MAX_IMAGE_PIXELS = BILEVEL_PIXELS
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _rehearse(readers: Readers) -> None:
    """Renders small pages, so that everything that is imported or loaded on first use is there."""
    for mode, compression in (("1", "group4"), ("RGBA", "tiff_lzw"), ("RGB", "jpeg"), ("L", "raw")):
        page = io.BytesIO()
        Image.new(mode, (100, 100)).save(page, "TIFF", compression=compression)
        render_tiff(page.getvalue(), io.BytesIO(), readers, max_pages=1, begin_page=lambda: None, standard=io.BytesIO())
    with contextlib.suppress(Refused):
        render_tiff(b"not a TIFF", io.BytesIO(), readers, max_pages=1, begin_page=lambda: None)


def _render(order: Order, readers: Readers) -> Answer:
    limits = order.limits
    target, standard = (os.fdopen(descriptor, "w+b") for descriptor in order.targets)
    try:
        begin_page = partial(limit_page, limits.page_seconds)
        render_tiff(order.read(), target, readers, max_pages=limits.max_pages, begin_page=begin_page, standard=standard)
    except Refused as no:
        return _refused(no)
    except Exception as error:  # noqa: BLE001 - whatever a document does, its sender gets an answer
        return _answer_to(error, limits)
    return {"outcome": "rendered"}


def _answer_to(error: Exception, limits: RenderLimits) -> Answer:
    match error:
        case OSError(errno=number) if number in OUR_DISK:
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


if __name__ == "__main__":
    main()
