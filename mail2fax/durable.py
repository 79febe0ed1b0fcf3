"""What a disk must be told twice: a new name is safe only when its directory was synced, too (fsync(2))."""

import os
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Returns when every name made, moved or removed in `path` before is on the disk; raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
