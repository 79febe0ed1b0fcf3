"""System calls of a process as strace tells them: which, on what, and in which order."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class SystemCall:
    """One call: the text strace wrote, descriptors with their paths, and the lines at which it began and ended."""

    text: str
    began: int
    ended: int


def system_calls(trace: Iterable[str]) -> Iterator[SystemCall]:
    """The finished calls of a trace of several threads (`strace -f -y`), in the order in which they ended."""
    begun: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(trace):
        told = _LINE.fullmatch(line.rstrip("\n"))
        if not told:
            continue
        pid, rest = told["pid"], told["rest"]
        if rest.endswith(_UNFINISHED):
            begun[pid] = place, rest.removesuffix(_UNFINISHED)
        elif (resumed := _RESUMED.fullmatch(rest)) and pid in begun:
            began, text = begun.pop(pid)
            yield SystemCall(text + resumed["rest"], began, place)
        else:
            yield SystemCall(rest, place, place)


def in_order(calls: Sequence[SystemCall], patterns: Sequence[str]) -> list[SystemCall]:
    """For each pattern the first successful call that began after the one before had ended; fails for one that is
    not there."""
    found: list[SystemCall] = []
    for pattern in patterns:
        after = found[-1].ended if found else -1
        later = sorted((call for call in calls if call.began > after), key=lambda call: call.began)
        call = next((call for call in later if re.match(pattern, call.text) and " = -1 " not in call.text), None)
        assert call, f"nothing like {pattern} after {found[-1].text if found else 'the beginning'}"
        found.append(call)
    return found


def command(strace: str, trace: Path, *calls: str) -> tuple[str, ...]:
    """Arguments for Python that make it run the Python arguments behind them under strace, with the same pid."""
    becomes = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    # -D: strace is our grandchild, and the process that a test signals and waits for is the one that is traced.
    options = ("-D", "-f", "-y", "-qq", "-s", "48", "-e", f"trace={','.join(calls)}", "-o", str(trace))
    return ("-c", becomes, strace, *options)
