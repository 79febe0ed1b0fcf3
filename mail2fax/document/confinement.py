"""The locks of the render process: after `confine` it can compute, read what it holds, write what it holds, and end.

TIFFs are hostile and decoders have bugs, so we assume that the code that reads them is taken over one day, and leave
it nothing to take. Three locks, each simple, each of use when another is missing:

1. Limits (setrlimit): memory, CPU time, file size; no core file; and **no new descriptor**: `RLIMIT_NOFILE` of 0
   makes every open, socket, pipe and dup fail, for root too, while the descriptors that are open stay usable.
2. Nobody: when started by root, the process becomes uid and gid 65534 for good, so that it cannot raise its limits
   again, nor touch other people's processes and files.
3. seccomp (Linux, x86-64 and AArch64): a filter lets through the system calls that computing needs, and answers
   every other one with EPERM: no path is looked up, nothing started, nobody signalled, no socket made. It is a list of
   what is allowed, so calls of future kernels are refused too. No privilege is needed for it.

This needs everything imported, loaded and opened beforehand, which the worker does by rendering a small page first.
Landlock and namespaces would only forbid again what is forbidden here, and containers often forbid *them*.
"""

import contextlib
import ctypes
import math
import os
import resource
import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mail2fax.document.limits import RenderLimits

NOBODY = 65534
"""The overflow uid and gid of Linux, "nobody" and "nogroup" in Debian."""

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

# linux/seccomp.h, linux/bpf_common.h: the few words of BPF a list of system calls needs.
RET_KILL_PROCESS = 0x80000000
RET_ERRNO_EPERM = 0x00050001
RET_ALLOW = 0x7FFF0000
LOAD_WORD = 0x20
JUMP_IF_EQUAL = 0x15
RETURN = 0x06
OFFSET_OF_NUMBER = 0
OFFSET_OF_ARCHITECTURE = 4


@dataclass(frozen=True, slots=True)
class Architecture:
    """One machine: its name in seccomp (linux/audit.h) and its numbers of the calls that computing needs."""

    audit: int
    calls: Sequence[int]


# read write close lseek; mmap mprotect munmap mremap brk madvise; rt_sigaction rt_sigprocmask rt_sigreturn setitimer;
# futex clock_gettime getrandom; exit exit_group.
ARCHITECTURES = {
    "x86_64": Architecture(
        0xC000003E, (0, 1, 3, 8, 9, 10, 11, 25, 12, 28, 13, 14, 15, 38, 202, 228, 318, 60, 231)
    ),
    "aarch64": Architecture(
        0xC00000B7, (63, 64, 57, 62, 222, 226, 215, 216, 214, 233, 134, 135, 139, 103, 98, 113, 278, 93, 94)
    ),
}  # fmt: skip


def confine(limits: RenderLimits) -> tuple[str, ...]:
    """Turns every key; there is no way back. Returns the names of the locks that this machine does not have."""
    missing = []
    _set_limits(limits)
    if os.geteuid() == 0 and not _become_nobody():
        missing.append("nobody")
    _end_with_the_parent()
    if not _filter_system_calls():
        missing.append("seccomp")
    return tuple(missing)


def _set_limits(limits: RenderLimits) -> None:
    megabyte = 1024 * 1024
    for what, most in (
        (resource.RLIMIT_AS, _mapped() + limits.memory_mb * megabyte),
        # The wall clock is the parent's: this one ends a worker whose parent died.
        (resource.RLIMIT_CPU, math.ceil(limits.document_seconds)),
        (resource.RLIMIT_FSIZE, limits.output_mb * megabyte),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (lowest, lowest))


def _mapped() -> int:
    """What this process has mapped before it begins, in bytes: libraries, mostly, that it shares with others."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:  # no /proc
        return 0


def _become_nobody() -> bool:
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:  # a container whose user namespace maps no such user
        return False
    return True


def _end_with_the_parent() -> None:
    """A parent that is killed cannot end its children: the kernel does. To become nobody would undo this."""
    with contextlib.suppress(AttributeError):  # not Linux
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _filter_system_calls() -> bool:
    machine = ARCHITECTURES.get(os.uname().machine)
    # A 32-bit Python on a 64-bit kernel makes other calls than the list says: the filter would kill it.
    if machine is None or struct.calcsize("P") != 8:  # noqa: PLR2004 - eight bytes are 64 bits
        return False
    instructions = _program(machine)
    program = _Program(len(instructions) // 8, ctypes.cast(ctypes.c_char_p(instructions), ctypes.c_void_p))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    prctl(PR_SET_DUMPABLE, 0, None, 0, 0)
    if prctl(PR_SET_NO_NEW_PRIVS, 1, None, 0, 0) != 0:
        return False
    return bool(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0) == 0)


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _program(machine: Architecture) -> bytes:
    """The filter as BPF: kill what speaks for another architecture, allow what is listed, refuse the rest.

    Calls of the x32 ABI have bit 30 set in their number, so none of them equals a number on the list.
    """
    allowed = [
        _instruction(JUMP_IF_EQUAL, call, if_true=len(machine.calls) - at) for at, call in enumerate(machine.calls)
    ]
    return b"".join(
        (
            _instruction(LOAD_WORD, OFFSET_OF_ARCHITECTURE),
            _instruction(JUMP_IF_EQUAL, machine.audit, if_true=1),
            _instruction(RETURN, RET_KILL_PROCESS),
            _instruction(LOAD_WORD, OFFSET_OF_NUMBER),
            *allowed,
            _instruction(RETURN, RET_ERRNO_EPERM),
            _instruction(RETURN, RET_ALLOW),
        )
    )


def _instruction(code: int, operand: int, if_true: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, 0, operand)


def limit_page(seconds: float) -> None:
    """Gives the next page `seconds` of CPU time; a decoder that takes longer is ended by SIGPROF, deep in C or not."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
