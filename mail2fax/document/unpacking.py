"""The process that takes a mail apart: `python -m mail2fax.document.unpacking` forks one for each mail.

Taking a mail apart costs several times its size in memory, and its sender decides how much time: so it is done here,
within limits, and not in the gateway. The answer tells what the parts are; the files that may be faxed
go into the target, one after the other.
"""

import itertools

from mail2fax.document.confinement import confine, limit_page
from mail2fax.document.inside import OUR_DISK, Answer, Order, say, serve, write_all
from mail2fax.mail.mime import Opening, Part, read_parts
from mail2fax.mail.problem import Problem
from mail2fax.model.document import kind_of

BEGINNING = 8
"""So many bytes of a part tell what it is."""
TYPE_LENGTH = 100

_REHEARSAL = (
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhello\r\n--x\r\nContent-Type: image/tiff\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''%C3%A9.tif\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"SUkqAA==\r\n--x--\r\n"
)


def main() -> None:
    read_parts(_REHEARSAL)  # everything that is imported or loaded on first use is there now
    serve(_work)


def _work(order: Order) -> None:
    confine(order.limits)
    limit_page(order.limits.page_seconds)
    say(_unpack(order))


def _unpack(order: Order) -> Answer:
    try:
        limits = order.limits
        parts = read_parts(order.read(), Opening(forwarded=limits.open_forwarded, winmail=limits.open_winmail))
        if isinstance(parts, Problem):
            return {"outcome": "problem", "problem": parts.words}
        kept = [kind_of(part.content) in limits.accept for part in parts]
        for part in itertools.compress(parts, kept):
            write_all(order.targets[0], part.content)
    except OSError as error:
        return {"outcome": "fault" if error.errno in OUR_DISK else "misread", "detail": repr(error)}
    except Exception as error:  # noqa: BLE001 - whatever a mail does, its sender gets an answer
        return {"outcome": "misread", "detail": repr(error)}
    return {"outcome": "parts", "parts": [_told(part, kept=keep) for part, keep in zip(parts, kept, strict=True)]}


def _told(part: Part, *, kept: bool) -> Answer:
    return {
        "content_type": part.content_type[:TYPE_LENGTH],
        "name": part.name,
        "disposition": part.disposition,
        "related": part.related,
        "content": part.content[:BEGINNING].hex(),
        "damage": part.damage,
        "wrapping": part.wrapping,
        "size": len(part.content) if kept else 0,
    }


if __name__ == "__main__":
    main()
