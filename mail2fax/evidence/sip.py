"""What is worth seeing of a SIP message in one line, and the parts that a reading of a trace asks for."""

import re
from dataclasses import dataclass
from functools import cached_property

from mail2fax.model.trace import TraceLine, Way

_COMPACT = {"i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length", "c": "content-type"}
_MEDIA = re.compile(r"^m=(\S+) (\d+) (\S+)", re.MULTILINE)
_ADDRESS = re.compile(r"^c=IN IP[46] (\S+)", re.MULTILINE)
_CODECS = re.compile(r"^a=rtpmap:\d+ (PCM[AU])/", re.MULTILINE | re.IGNORECASE)
_CAUSE = re.compile(r"cause\s*=\s*(\d+)", re.IGNORECASE)
_TEXT = re.compile(r'text\s*=\s*"([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class SipLine:
    """One SIP message of a trace. `line` is where it stands there."""

    line: TraceLine

    @cached_property
    def start(self) -> str:
        return self.line.text.partition("\n")[0].strip()

    @property
    def sent(self) -> bool:
        return self.line.way is Way.SENT

    @cached_property
    def status(self) -> int | None:
        """The status of an answer, None for a request."""
        words = self.start.split(" ", 2)
        return int(words[1]) if words[0].startswith("SIP/") and len(words) > 1 and words[1].isdigit() else None

    @cached_property
    def method(self) -> str:
        """The method of a request, or that of the request an answer belongs to; "" when the message was cut short."""
        if self.status is None:
            return self.start.partition(" ")[0]
        return self.header("cseq").rpartition(" ")[2]

    @property
    def sdp(self) -> str:
        """The session description, "" without one."""
        return self.line.text.partition("\n\n")[2]

    @property
    def asks_for_t38(self) -> bool:
        """Whether its description holds an open image line."""
        return any(kind == "image" and port != "0" for kind, port, _ in _MEDIA.findall(self.sdp))

    @property
    def reason(self) -> str:
        """The Reason header in words (RFC 3326): `Q.850 17 "User busy"`."""
        value = self.header("reason")
        cause, text = _CAUSE.search(value), _TEXT.search(value)
        words = [value.partition(";")[0].strip(), cause[1] if cause else "", f'"{text[1]}"' if text else ""]
        return " ".join(filter(None, words))

    def header(self, name: str) -> str:
        """The first value of a header field, "" without one."""
        for line in self.line.text.partition("\n\n")[0].split("\n")[1:]:
            field, _, value = line.partition(":")
            field = field.strip().lower()
            if _COMPACT.get(field, field) == name:
                return value.strip()
        return ""

    @property
    def summary(self) -> str:
        """Start line, CSeq, and what its description speaks of."""
        parts = [self.start.removeprefix("SIP/2.0 ")]
        if self.line.again:
            return f"{parts[0]}  (again)"
        parts += [f"CSeq {self.header('cseq')}" if self.header("cseq") else "", self._media(), self.reason]
        return "  ".join(filter(None, parts))

    def _media(self) -> str:
        address = _ADDRESS.search(self.sdp)
        host = address[1] if address else "?"
        codecs = "/".join(dict.fromkeys(name.upper() for name in _CODECS.findall(self.sdp)))
        told = []
        for kind, port, _protocol in _MEDIA.findall(self.sdp):
            name = "T.38" if kind == "image" else f"{kind} {codecs}".strip()
            told.append(f"{name} off" if port == "0" else f"{name} at {host}:{port}")
        return f"[{', '.join(told)}]" if told else ""
