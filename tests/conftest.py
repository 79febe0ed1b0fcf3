"""What holds for every test."""

import gc
import signal
from collections.abc import Generator

import pytest
from hypothesis import settings

# How long one example takes says more about a busy machine than about the code; pytest-timeout ends what hangs.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


def pytest_configure() -> None:
    """A shell that starts us in the background has us ignore ctrl-C; commands that a test stops by it would, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Eight thousand tests are objects that live to the end: the garbage collector need not walk them while each worker
    makes them, nor in each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
