"""A render process that has been taken over: it locks itself in, then tries whatever its new master would try.

`python -m tests.integration.document.captive TARGET LOCKS` prints one JSON object: for each attempt what stopped it,
or null. The current directory holds a file "theirs" that everybody may write; TARGET is the descriptor of the file to
write to. LOCKS is "all", or "no-seccomp" for a machine that has no such filter.
"""

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from mail2fax.document import confinement
from mail2fax.document.limits import RenderLimits

LIBC = ctypes.CDLL(None, use_errno=True)
TARGET = int(sys.argv[1]) if __name__ == "__main__" else -1
MEGABYTE = 1 << 20
PARENT = os.getppid()
THEIRS = Path("theirs")

Attempt = Callable[[], object]


def native(name: str, *arguments: object) -> None:
    """A call of the C library; raises what it says."""
    if LIBC[name](*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def exhaust_file_size() -> None:
    for _ in range(3):
        os.write(TARGET, bytes(MEGABYTE))


NEEDS_A_DESCRIPTOR: dict[str, Attempt] = {
    "read a file": lambda: Path("/etc/passwd").read_text(),
    "write a file": lambda: THEIRS.write_text("mine"),
    "list a directory": lambda: os.listdir("/"),  # noqa: PTH208 - the bare system call is meant
    "read its own memory": lambda: os.open("/proc/self/mem", os.O_RDWR),
    "open a TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "open a UDP socket": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "open a Unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "make a pair of sockets": socket.socketpair,
    "make a pipe": os.pipe,
    "copy a descriptor": lambda: os.dup(1),
    "make a file of memory": lambda: os.memfd_create("mine"),
}
EXCEEDS_A_LIMIT: dict[str, Attempt] = {
    "fork": os.fork,
    "raise its limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
    "go before others": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
    "use much memory": lambda: bytes(300 * MEGABYTE),
    "write much": exhaust_file_size,
}
NEEDS_A_SYSTEM_CALL: dict[str, Attempt] = {
    "look at a file": lambda: Path("/etc/passwd").stat(),
    "remove a file": THEIRS.unlink,
    "rename a file": lambda: THEIRS.rename(THEIRS.with_name("mine")),
    "cut a file short": lambda: os.truncate(THEIRS, 0),
    "change a mode": lambda: THEIRS.chmod(0o600),
    "make a directory": lambda: THEIRS.with_name("directory").mkdir(),
    "make a link": lambda: THEIRS.with_name("link").symlink_to("/etc"),
    "start a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - it must not come to that
    "end its parent": lambda: os.kill(PARENT, signal.SIGKILL),
    "look into its parent": lambda: native("ptrace", 16, PARENT, None, None),
    "read its parent's memory": lambda: native("process_vm_readv", PARENT, None, 0, None, 0, 0),
    "become root": lambda: os.setresuid(0, 0, 0),
    "leave its namespaces": lambda: native("unshare", 0x10000000),
    "mount": lambda: native("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "change its root": lambda: os.chroot("/"),
    "change its directory": lambda: os.chdir("/"),
    "load a bpf program": lambda: native("syscall", 321, 0, None, 0),
    "go round the filter by io_uring": lambda: native("syscall", 425, 8, None),
    "use a call of the x32 ABI": lambda: native("syscall", 0x40000000 | 39),
    "use a call that does not exist yet": lambda: native("syscall", 1000),
}
ALLOWED: dict[str, Attempt] = {
    "compute": lambda: sum(range(1000)),
    "use some memory": lambda: bytes(100 * MEGABYTE),
    "read what it was given": lambda: os.read(0, 10),
    "write what it was given": lambda: os.write(TARGET, b"fax"),
    "set its clock": lambda: confinement.limit_page(5),
}


def main(locks: str) -> None:
    if locks == "no-seccomp":
        confinement.ARCHITECTURES.clear()
    report: dict[str, object] = {"missing": confinement.confine(RenderLimits(memory_mb=256, output_mb=1))}
    for name, attempt in {**ALLOWED, **NEEDS_A_DESCRIPTOR, **EXCEEDS_A_LIMIT, **NEEDS_A_SYSTEM_CALL}.items():
        if locks == "all" or name not in NEEDS_A_SYSTEM_CALL:
            report[name] = stopped(attempt)
    os.write(1, json.dumps(report).encode())
    os._exit(0)


def stopped(attempt: Attempt) -> str | None:
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever stops it
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    main(sys.argv[2])
