"""A process for taking mails apart that has been taken over and lies: the mail it is given says how.

Run in the place of `mail2fax.document.unpacking`.
"""

import os
import signal

from mail2fax.document.inside import Order, serve
from tests.integration.document.lies import lie, say

PART = {"content_type": "text/plain", "name": "", "disposition": "", "related": False, "content": "", "damage": ""}
DIRTY = {"content_type": "text/x\n", "name": "n" * 5000, "disposition": "\x1b[2J", "related": 7, "content": "4949"}
ANSWERS: dict[str, object] = {
    "no parts": {"outcome": "parts", "parts": 7},
    "unknown field": {"outcome": "parts", "parts": [PART | {"sender": "boss"}]},
    "no bytes": {"outcome": "parts", "parts": [PART | {"content": "zz"}]},
    "endless size": {"outcome": "parts", "parts": [PART | {"size": float("inf")}]},
    "too many": {"outcome": "parts", "parts": [PART] * 500},
    "dirty": {"outcome": "parts", "parts": [PART | DIRTY]},
}


def first_time(marker: str, target: int) -> None:
    """Crashes the first time, having begun to write; does its work the second time."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        os.write(target, b"the second time")
        say({"outcome": "parts", "parts": [PART]})
        return
    os.write(target, b"the first time, and a good deal more of it")
    os.kill(os.getpid(), signal.SIGSEGV)


def main(order: Order) -> None:
    wish = order.read().decode()
    match wish:
        case "rubbish":
            os.write(1, b"parts\n")
        case wish if wish.startswith("once "):
            first_time(wish.removeprefix("once "), order.targets[0])
        case _:
            lie(wish, ANSWERS)


if __name__ == "__main__":
    serve(main)
