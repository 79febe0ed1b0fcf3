"""sqlite-utils, as the house uses it: without numpy.

It takes columns of numpy's numbers where numpy is installed, so it loads numpy wherever it is. We have that for the
process that draws pages, and no such columns: without, the gateway and each command that reads the store start sooner
and need less memory.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _left_out(module: str) -> Iterator[None]:
    """Here `module`, if nobody has loaded it, is as one that is not installed."""
    if module in sys.modules:
        yield
        return
    # What is None there cannot be imported (The Python Language Reference, 5.3.1), and is asked for with `try`.
    sys.modules[module] = None  # type: ignore[assignment] # typeshed knows modules only
    try:
        yield
    finally:
        del sys.modules[module]


with _left_out("numpy"):
    from sqlite_utils import Database

__all__ = ["Database"]
