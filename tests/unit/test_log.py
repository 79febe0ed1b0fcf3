"""The log: one line per change, and nothing from outside writes a line of its own."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from mail2fax import log


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_line_has_constant_words_first_and_then_fields() -> None:
    stream = io.StringIO()
    log.configure("info", "text", stream)
    structlog.get_logger().info("call ended", job=42, outcome="busy", cause="SIP 486 Busy Here", far=None)
    words = stream.getvalue().split(" ", 1)[1]
    assert words == 'info    call ended  job=42 outcome=busy cause="SIP 486 Busy Here"\n'


@pytest.mark.parametrize("evil", ["a\nforged line", "\x1b[2J", "\r", '" other="x', "\u202e", "\ud800"])
def test_text_from_the_network_stays_on_its_line_and_in_its_field(evil: str) -> None:
    stream = io.StringIO()
    log.configure("info", "text", stream)
    structlog.get_logger().info("mail refused", subject=evil)
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert ' other="x"' not in line


def test_json_lines_are_json() -> None:
    stream = io.StringIO()
    log.configure("info", "json", stream)
    structlog.get_logger().info("call ended", job=42, subject="a\nb")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["job"] == 42


def test_the_smtp_library_never_logs_the_contents_of_mails() -> None:
    """aiosmtpd's logger `mail.log` writes each DATA line at debug."""
    stream = io.StringIO()
    log.configure("debug", "text", stream)
    logging.getLogger("mail.log").debug("DATA readline: secret")
    assert stream.getvalue() == ""


def test_an_exception_is_shown_whole_below_its_line() -> None:
    stream = io.StringIO()
    log.configure("info", "text", stream)
    try:
        raise RuntimeError("kaputt")
    except RuntimeError:
        structlog.get_logger().exception("job failed", job=1)
    assert "RuntimeError: kaputt" in stream.getvalue()
