"""A process for taking mails apart that has been taken over and lies: the mail it is given says how.

Run in the place of `mail2fax.document.unpacking`.
"""

import json
import os
import signal
import sys
import time

from mail2fax.document.inside import serve

PART = {"content_type": "text/plain", "name": "", "disposition": "", "related": False, "content": "", "damage": ""}
DIRTY = {"content_type": "text/x\n", "name": "n" * 5000, "disposition": "\x1b[2J", "related": 7, "content": "4949"}
ANSWERS: dict[str, object] = {
    "no parts": {"outcome": "parts", "parts": 7},
    "unknown field": {"outcome": "parts", "parts": [PART | {"sender": "boss"}]},
    "no bytes": {"outcome": "parts", "parts": [PART | {"content": "zz"}]},
    "too many": {"outcome": "parts", "parts": [PART] * 500},
    "dirty": {"outcome": "parts", "parts": [PART | DIRTY]},
    "full disk": {"outcome": "fault", "detail": "OSError(28, 'No space left on device')"},
}


def main(wish: str) -> None:
    match wish:
        case "rubbish":
            os.write(1, b"parts\n")
        case "endless":
            os.write(1, b"x" * 600_000)
        case "deep":
            os.write(1, b"[" * 16_000 + b"\n")
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "silent":
            sys.exit(3)
        case "sleeping":
            time.sleep(600)
        case _:
            os.write(1, json.dumps(ANSWERS[wish]).encode() + b"\n")


if __name__ == "__main__":
    serve(lambda order: main(order.read().decode()))
