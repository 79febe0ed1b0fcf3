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

from PIL import Image, ImageFont

from mail2fax.document.confinement import confine, limit_page
from mail2fax.document.cover_letter import packed
from mail2fax.document.inside import OUR_DISK, Answer, Order, say, serve
from mail2fax.document.limits import BILEVEL_PIXELS, RenderLimits
from mail2fax.document.refused import Refused, too_large
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders
from mail2fax.model.document import Kind
from mail2fax.model.refusal import Refusal, RefusalCode


def main() -> None:
    readers = AllReaders()
    _heed_bombs()
    _rehearse(readers)
    serve(partial(_work, readers))


def _work(readers: AllReaders, order: Order) -> None:
    missing = confine(order.limits)
    say(_render(order, readers) | {"missing": missing})


def _heed_bombs() -> None:
    """Pillow's own guard, behind ours; its other warnings are about tags that nobody needs."""
    Image.MAX_IMAGE_PIXELS = BILEVEL_PIXELS
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _rehearse(readers: AllReaders) -> None:
    """Renders small pages, so that everything that is imported or loaded on first use is there."""
    for mode, compression in (("1", "group4"), ("RGBA", "tiff_lzw"), ("RGB", "jpeg"), ("L", "raw")):
        _try_out(readers, Kind.TIFF, _saved(mode, "TIFF", compression=compression))
    _try_out(readers, Kind.PNG, _saved("RGBA", "PNG"))
    _try_out(readers, Kind.JPEG, _saved("RGB", "JPEG", dpi=(100, 100)))
    if readers.pdf.there:
        _try_out(readers, Kind.PDF, _saved("RGB", "PDF"))
    _try_out(readers, Kind.COVER, packed("# A cover page", _any_font()))
    _try_out(readers, Kind.TIFF, b"not a TIFF")


def _any_font() -> bytes:
    """The font that comes with Pillow, if it comes with one."""
    font = ImageFont.load_default(20)
    return bytes(getattr(font, "font_bytes", b""))


def _saved(mode: str, form: str, **options: object) -> bytes:
    page = io.BytesIO()
    Image.new(mode, (100, 100)).save(page, form, **options)
    return page.getvalue()


def _try_out(readers: AllReaders, kind: Kind, page: bytes) -> None:
    with contextlib.suppress(Refused, OSError):
        render([(kind, page)], io.BytesIO(), readers, max_pages=1, begin_page=lambda: None, standard=io.BytesIO())


def _render(order: Order, readers: AllReaders) -> Answer:
    limits = order.limits
    target, standard = (os.fdopen(descriptor, "w+b") for descriptor in order.targets)
    try:
        begin_page = partial(limit_page, limits.page_seconds)
        notes = render(
            order.files(),
            target,
            readers,
            max_pages=limits.max_pages,
            begin_page=begin_page,
            standard=standard,
            page_phone_s=limits.page_phone_s,
        )
    except Refused as no:
        return _refused(no)
    except Exception as error:  # noqa: BLE001 - whatever a document does, its sender gets an answer
        return _answer_to(error, limits)
    return {"outcome": "rendered", "notes": notes}


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
    return {
        "outcome": "refused",
        "code": no.refusal.code,
        "facts": dict(no.refusal.facts),
        "file": no.file,
        "detail": no.detail[:200],
    }


if __name__ == "__main__":
    main()
