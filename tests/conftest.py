"""What holds for every test."""

import gc

from hypothesis import settings

# How long one example takes says more about a busy machine than about the code; pytest-timeout ends what hangs.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


def pytest_collection_finish() -> None:
    """Six thousand tests are objects that live to the end: the garbage collector need not walk them in each test."""
    gc.collect()
    gc.freeze()
