"""A process that takes a second for any document, and then refuses it. Run instead of `mail2fax.document.worker`."""

import time

from mail2fax.document.inside import Order, say, serve


def work(_order: Order) -> None:
    time.sleep(1.0)
    say({"outcome": "refused", "code": "document-damaged", "facts": {"page": "1", "problem": "it cannot be read"}})


if __name__ == "__main__":
    serve(work)
