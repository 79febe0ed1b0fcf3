"""A name for a socket that is short enough, however deep it lies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name by which the socket `path` can be bound or connected to while the block lasts.

    unix(7): an address holds 108 bytes; so the name leads through an open descriptor of the socket's directory.
    Raises `OSError` when there is no such directory.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
