"""How IMAP writes folder names and strings: modified UTF-7 (RFC 3501 5.1.3), and quoted (RFC 3501 9)."""

import base64
import re

_RUN_OUTSIDE_ASCII = re.compile(r"[^\x20-\x7e]+|&")


def folder_name(name: str) -> str:
    """A folder's name as it goes over the wire: in modified UTF-7, and quoted."""
    return quoted(_RUN_OUTSIDE_ASCII.sub(lambda run: _shifted(run.group()), name))


def quoted(text: str) -> str:
    """`text` as a quoted string. It must hold no line end and no NUL: those cannot be quoted."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _shifted(run: str) -> str:
    """RFC 3501 5.1.3: an & is "&-"; what is outside ASCII is its UTF-16 in base64, with a comma for the slash."""
    if run == "&":
        return "&-"
    encoded = base64.b64encode(run.encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
    return f"&{encoded.decode('ascii')}-"
