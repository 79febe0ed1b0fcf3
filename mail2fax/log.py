"""The log: one readable line per change an operator cares about; constant words first, then fields.

    2026-03-02T10:15:07.123Z info  call ended  job=42 attempt=1 outcome=busy cause="SIP 486 Busy Here" pages=0/3

It goes to stderr, or to a file that can be opened anew. When stderr is the journal, each line says its priority
(sd-daemon(3)) and leaves the time to the journal.

Never contents of mails and faxes, tokens or passwords, at any level. Text from the network is escaped: a mail cannot
write a line of its own, nor reach the terminal's control characters.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import structlog

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

JOURNAL_VARIABLE = "JOURNAL_STREAM"
"""Device and inode of the journal's end of our stderr, when systemd has connected them (systemd.exec(5))."""

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:;/+-@#%*<>()[]{}~^&!?$|")
_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}

_Render = Callable[[Any, str, MutableMapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much is logged, in what form, and where to: an absolute path, or "" for stderr."""

    level: Level = "info"
    form: Format = "text"
    file: str = ""


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Sends the log of the whole process, libraries' warnings included, to where `settings` says.

    Called again, it opens the file anew: logrotate may have moved it. Raises `OSError` when the file cannot be
    opened, and then all stays as it was. `stream` stands for stderr.
    """
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    journal = not settings.file and _is_journal(stream, os.environ)
    handler = _handler(settings.file, stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings.form, journal)],
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _take_over(logging.getLogger(), handler, settings.level)


def _take_over(root: logging.Logger, handler: logging.Handler, level: Level) -> None:
    before, root.handlers = root.handlers, [handler]
    for old in before:
        if isinstance(old, logging.FileHandler):
            old.close()
    root.setLevel(level.upper())
    # Pillow and asyncio have nothing for an operator.
    for name in ("mail.debug", "PIL", "asyncio", "aiosmtplib"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # aiosmtpd logs every line of DATA at debug, and what it takes for an unknown command as a warning: contents of
    # faxes, and passwords that were said unasked.
    logging.getLogger("mail.log").setLevel(logging.ERROR)


def _handler(file: str, stream: TextIO) -> logging.Handler:
    """Where lines go. The gateway and its engine append to the same file: a line is one write, and never torn."""
    return logging.FileHandler(file, encoding="utf-8", errors="replace") if file else logging.StreamHandler(stream)


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True when `stream` is the very pipe that systemd has given us, and was not led elsewhere since."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get(JOURNAL_VARIABLE) == f"{status.st_dev}:{status.st_ino}"


def _renderer(form: Format, journal: bool) -> _Render:
    render = _render_json if form == "json" else _render_text
    return _for_journal(render) if journal else render


def _for_journal(render: _Render) -> _Render:
    """Each line, those of a traceback too, with its priority in front."""

    def prefixed(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        mark = f"<{_PRIORITIES.get(str(event.get('level')), 6)}>"
        event.pop("timestamp", None)
        return "\n".join(mark + line for line in render(logger, name, event).split("\n"))

    return prefixed


def _render_text(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    moment = event.pop("timestamp", None)
    level = str(event.pop("level"))
    words = _escaped(str(event.pop("event")))
    trouble = event.pop("exception", None)
    fields = " ".join(f"{key}={_value(value)}" for key, value in event.items() if value is not None)
    line = f"{f'{moment} ' if moment else ''}{level:<7} {words}{'  ' if fields else ''}{fields}"
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
