"""A render process that has been taken over and lies: the document it is given says how.

Run in the place of `mail2fax.document.worker`.
"""

import os

from mail2fax.document.inside import Order, serve
from mail2fax.document.tiff import TiffWriter
from mail2fax.model.document import Resolution
from tests.integration.document.lies import lie, say

DIRTY = {"page": "1\x1b[2J\r\nX: y", "problem": "p" * 5000, "name": "other.tif", "sender": "boss"}
ANSWERS: dict[str, object] = {
    "nothing written": {"outcome": "rendered"},
    "unknown code": {"outcome": "refused", "code": "sender-not-allowed", "facts": {}},
    "no code": {"outcome": "refused", "code": [], "facts": {}},
    "no facts": {"outcome": "refused", "code": "document-damaged", "facts": 7},
    "odd notes": {"outcome": "rendered", "notes": [[1, ["x"]]]},
    "long and dirty": {"outcome": "refused", "code": "document-damaged", "facts": DIRTY},
}


def main(target: int, standard: int, wish: str) -> None:
    match wish:
        case "other":
            write(target, Resolution.FINE, 300)
            write(standard, Resolution.STANDARD, 149)
            say({"outcome": "rendered"})
        case "rubbish":
            os.write(target, b"this is no fax")
            say({"outcome": "rendered"})
        case "killed":
            write(target, Resolution.FINE, 300)
            lie(wish, ANSWERS)
        case "environment":
            problem = " ".join(sorted(os.environ)) + " in " + str(os.listdir())  # noqa: PTH208 - where it stands
            say({"outcome": "refused", "code": "document-unreadable", "facts": {"problem": problem}})
        case _:
            lie(wish, ANSWERS)


def write(descriptor: int, resolution: Resolution, rows: int) -> None:
    with os.fdopen(descriptor, "w+b", closefd=False) as file:
        writer = TiffWriter(file, resolution)
        writer.add(rows, b"any")
        writer.finish()


def work(order: Order) -> None:
    fine, half = order.targets
    main(fine, half, order.read().decode())


if __name__ == "__main__":
    serve(work)
