"""The saved corpus of the C helper: calls that are worth playing again and mutating, as text that a person can read.

    python -m tests.fuzz.corpus FILE.t30 > tests/fuzz/helper/corpus/NAME.txt

makes such a text of a record: one of a crash (`engine/died-*.t30`), or `current.t30`, in which the fuzzer keeps its
input in hand. A line is a word and what belongs to it; one that comes several times is written once, with `xN`.
What stands behind `#` is for the reader.
"""

import json
import struct
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath

FOLDER = Path(__file__).parent / "helper" / "corpus"

_MAGIC = b"M2FBOX1\n"
_HEAD = struct.Struct("=III")
_TASK = struct.Struct("=12i")
# In the order of record_task_t and of the kinds in recorder.h.
_ORDERS = (
    *("sending", "calling", "ecm", "max_bit_rate", "start_page", "pages", "t38"),
    *("t38_version", "t38_local_tcf", "t38_fill_bit_removal", "t38_max_buffer", "t38_max_datagram"),
)
_KINDS = ("", "task", "packet", "tick", "g711", "gap", "speak", "end")
_PATHS = 2
"""The first texts of a task are paths: of them the name is kept, and found in whatever folder is played in."""


def saved_records(folder: Path) -> list[Path]:
    """Every text of the corpus as a record for the driver, in `folder`."""
    records = []
    for text in sorted(FOLDER.glob("*.txt")):
        record = folder / f"saved-{text.stem}.t30"
        record.write_bytes(record_of(text.read_text()))
        records.append(record)
    return records


def text_of(record: bytes) -> str:
    """A record as text."""
    lines: list[str] = []
    for line, again in groupby(map(_line_of, *zip(*_entries(record), strict=True))):
        count = len(list(again))
        lines.append(line if count == 1 else f"{line} x{count}")
    return "\n".join(lines) + "\n"


def record_of(text: str) -> bytes:
    """What `text_of` made a text of, paths apart."""
    written = [_MAGIC]
    for line in text.splitlines():
        words = line.partition("#")[0].split() if not line.startswith("task ") else line.split(" ", 1)
        if not words:
            continue
        count = int(words.pop()[1:]) if words[-1].startswith("x") and len(words) > 1 else 1
        number, data = _entry_of(words)
        written.append((_HEAD.pack(_KINDS.index(words[0]), number, len(data)) + data) * count)
    return b"".join(written)


def _entries(record: bytes) -> Iterator[tuple[str, int, bytes]]:
    at = len(_MAGIC)
    while at + _HEAD.size <= len(record):
        kind, number, length = _HEAD.unpack_from(record, at)
        at += _HEAD.size + length
        if not 0 < kind < len(_KINDS) or at > len(record):
            return
        yield _KINDS[kind], number, record[at - length : at]


def _line_of(kind: str, number: int, data: bytes) -> str:
    if kind == "task":
        texts = [text.decode("latin-1") for text in data[_TASK.size :].split(b"\0")[:-1]]
        texts = [PurePosixPath(text).name if place < _PATHS else text for place, text in enumerate(texts)]
        orders = dict(zip(_ORDERS, _TASK.unpack_from(data), strict=True))
        return f"task {json.dumps({**orders, 'texts': texts})}"
    return f"{kind} {number} {data.hex()}".rstrip()


def _entry_of(words: list[str]) -> tuple[int, bytes]:
    if words[0] == "task":
        task = json.loads(words[1])
        texts = b"".join(text.encode("latin-1") + b"\0" for text in task["texts"])
        return 0, _TASK.pack(*(task[name] for name in _ORDERS)) + texts
    return int(words[1]), bytes.fromhex(words[2]) if len(words) > 2 else b""


if __name__ == "__main__":
    sys.stdout.write(text_of(Path(sys.argv[1]).read_bytes()))
