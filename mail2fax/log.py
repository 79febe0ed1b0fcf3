"""The log: one readable line per change an operator cares about; constant words first, then fields.

    2026-03-02T10:15:07.123Z info  call ended  job=42 attempt=1 outcome=busy cause="SIP 486 Busy Here" pages=0/3

Never contents of faxes, tokens or passwords. Text from the network is escaped: a mail cannot write a line of its
own, nor reach the terminal's control characters.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

Format = Literal["text", "json"]

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:;/+-@#%*<>()[]{}~^&!?$|")


def configure(level: str, form: Format, stream: TextIO = sys.stderr) -> None:
    """Sends the log of the whole process, libraries' warnings included, to `stream`."""
    render = _render_json if form == "json" else _render_text
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # aiosmtpd logs every line of DATA at debug: contents of faxes. Pillow and asyncio have nothing for an operator.
    for name in ("mail.log", "mail.debug", "PIL", "asyncio", "aiosmtplib"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _render_text(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    moment = str(event.pop("timestamp"))
    level = str(event.pop("level"))
    words = _escaped(str(event.pop("event")))
    trouble = event.pop("exception", None)
    fields = " ".join(f"{key}={_value(value)}" for key, value in event.items() if value is not None)
    line = f"{moment} {level:<7} {words}{'  ' if fields else ''}{fields}"
    return line if trouble is None else f"{line}\n{_indented(str(trouble))}"


def _render_json(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    return json.dumps(dict(event), default=str, ensure_ascii=False)


def _value(value: Any) -> str:
    text = str(value)
    if text and set(text) <= _BARE:
        return text
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    """`text` on one line, with everything that is not printable (and the backslash) written as an escape."""
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(
        char if char.isprintable() and char != "\\" else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {_escaped(line)}" for line in text.splitlines())
