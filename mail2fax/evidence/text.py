"""A trace as text that an admin can send to the provider: what it shows, the ladder, the media, all messages."""

from collections.abc import Iterator

from mail2fax.evidence.case import Case
from mail2fax.evidence.reading import read_signs
from mail2fax.evidence.sip import SipLine
from mail2fax.model.trace import TraceKind, TraceLine, Way

_COUNT_WORDS = {
    "sent": "packets sent",
    "received": "received",
    "lost": "lost",
    "repaired": "of them made good by redundancy",
    "repeated": "repeated",
    "lost_there": "of ours lost, by the far end's own report",
    "late": "out of order",
    "malformed": "malformed",
    "jitter_ms": "ms of jitter",
    "longest_pause_s": "s the longest pause",
}
_DROPPED = "dropped:"


def trace_text(case: Case) -> str:
    """The whole of it, ending with a line feed."""
    sections = (case.heading, _shown(case), _ladder(case), _media(case), _messages(case))
    return "\n".join("\n".join(section) + "\n" for section in sections)


def _shown(case: Case) -> Iterator[str]:
    yield "What it shows"
    signs = read_signs(case)
    yield from (f"  - {sentence}" for sentence in signs)
    if not signs:
        yield "  Nothing that points to one side."


def _ladder(case: Case) -> Iterator[str]:
    yield "What happened  (> we sent, < we received, · what we did or noticed)"
    for line in case.lines:
        if line.kind is not TraceKind.COUNTS:
            yield f"{line.at:10.3f} {line.way} {_told(line)}"


def _told(line: TraceLine) -> str:
    if line.kind is TraceKind.SIP:
        where = f"  {'to' if line.way is Way.SENT else 'from'} {line.peer}" if line.peer else ""
        return f"{SipLine(line).summary}{where}"
    return f"  T.30 {line.text}" if line.kind is TraceKind.T30 else line.text


def _media(case: Case) -> Iterator[str]:
    yield "Media"
    for medium, counts in case.counts.items():
        told = [f"{counts[name]} {words}" for name, words in _COUNT_WORDS.items() if counts.get(name)]
        yield f"  {medium}: {', '.join(told)}"
        for name, value in counts.items():
            if name.startswith(_DROPPED):
                yield f"    dropped {value}: {name.removeprefix(_DROPPED).replace('_', ' ')}"
            elif name in {"from", "to"}:
                yield f"    {name} {value}"
    if not case.counts:
        yield "  No media: the call was not answered."


def _messages(case: Case) -> Iterator[str]:
    yield "SIP messages in full  (secrets removed; repeats left out)"
    for each in case.sip:
        if not each.line.again:
            yield f"--- {each.line.at:.3f} {'sent to' if each.sent else 'received from'} {each.line.peer}"
            yield each.line.text.rstrip("\n")
