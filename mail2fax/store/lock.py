"""The lock file: two daemons never work on one database."""

import fcntl
import os
from pathlib import Path
from typing import Self

from mail2fax.store.errors import StoreLocked


class LockFile:
    """Holds an flock on `path` until `release`; the kernel lets go of it when the process dies, however it dies.

    The file stays: deleting it would let a third process lock a new file while the second holds the old one.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self:
        """Take the lock at once, or raise `StoreLocked` with the pid of its holder."""
        # os.open makes descriptors that no exec inherits: an orphaned child must not hold the lock for us.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreLocked(f"another mail2fax works on {path.parent} (pid {holder}); stop it first") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let go of the lock, once or again. The file stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
