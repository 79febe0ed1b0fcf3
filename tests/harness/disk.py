"""A disk that fails where a test tells it to, for a process of ours: `faulty_disk.c` before its C library."""

import subprocess
from pathlib import Path

from tests.harness.peers import need

SOURCE = Path(__file__).with_name("faulty_disk.c")


class FaultyDisk:
    """Its faults can be changed while the process runs. `environ` is what the process must be started with."""

    def __init__(self, directory: Path) -> None:
        self._orders = directory / "faults"
        self._trail = directory / "faults.trail"
        library = directory / "faulty_disk.so"
        compiler = [need("gcc"), "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(compiler, check=True)  # noqa: S603 - our own words
        self.environ = {"LD_PRELOAD": str(library), "FAULTY_DISK": str(self._orders)}

    def fail(self, call: str, error: int, path: str) -> None:
        """From now on `call` (read, write, fsync, rename) fails with this errno on files whose path contains `path`."""
        self._order(f"{call} {error} {path}\n")

    def slow(self, milliseconds: int, path: str) -> None:
        """From now on every fsync of such files takes so long."""
        self._order(f"slow {milliseconds} {path}\n")

    def lose(self, path: str) -> None:
        """From now on what is written to such files in pieces of a kilobyte or more arrives as zeros."""
        self._order(f"lose 1 {path}\n")

    def _order(self, line: str) -> None:
        part = self._orders.with_suffix(".new")
        part.write_text(line)
        part.rename(self._orders)

    def mend(self) -> None:
        """Everything works again."""
        self._orders.unlink(missing_ok=True)

    def syncs(self, path: str) -> list[tuple[str, int]]:
        """Every fsync so far of files whose path contains `path`: the path, and the errno it ended with."""
        lines = (line.partition(" ") for line in self._trail.read_text().splitlines())
        return [(place, int(error)) for error, _, place in lines if path in place]
