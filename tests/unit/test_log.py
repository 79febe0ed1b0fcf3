"""The log: one line per change, and nothing from outside writes a line of its own."""

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from mail2fax import log


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    for handler in root.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_line_has_constant_words_first_and_then_fields() -> None:
    stream = io.StringIO()
    log.configure(log.LogSettings("info"), stream)
    structlog.get_logger().info("call ended", job=42, outcome="busy", cause="SIP 486 Busy Here", far=None)
    words = stream.getvalue().split(" ", 1)[1]
    assert words == 'info    call ended  job=42 outcome=busy cause="SIP 486 Busy Here"\n'


@pytest.mark.parametrize("evil", ["a\nforged line", "\x1b[2J", "\r", '" other="x', "\u202e", "\ud800"])
def test_text_from_the_network_stays_on_its_line_and_in_its_field(evil: str) -> None:
    stream = io.StringIO()
    log.configure(log.LogSettings("info"), stream)
    structlog.get_logger().info("mail refused", subject=evil)
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert ' other="x"' not in line


def test_json_lines_are_json() -> None:
    stream = io.StringIO()
    log.configure(log.LogSettings("info", "json"), stream)
    structlog.get_logger().info("call ended", job=42, subject="a\nb")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["job"] == 42


def test_the_smtp_library_never_logs_the_contents_of_mails() -> None:
    """aiosmtpd's logger `mail.log` writes each DATA line at debug."""
    stream = io.StringIO()
    log.configure(log.LogSettings("debug"), stream)
    logging.getLogger("mail.log").debug("DATA readline: secret")
    assert stream.getvalue() == ""


def test_an_exception_is_shown_whole_below_its_line() -> None:
    stream = io.StringIO()
    log.configure(log.LogSettings("info"), stream)
    try:
        raise RuntimeError("kaputt")
    except RuntimeError:
        structlog.get_logger().exception("job failed", job=1)
    assert "RuntimeError: kaputt" in stream.getvalue()


def test_a_file_is_opened_anew_by_every_configure(tmp_path: Path) -> None:
    """logrotate moves the file away; who does not open it anew writes on into the old one."""
    settings = log.LogSettings(file=str(tmp_path / "log"))
    log.configure(settings)
    structlog.get_logger().info("before")
    (tmp_path / "log").rename(tmp_path / "log.1")
    log.configure(settings)
    structlog.get_logger().info("after")
    assert (tmp_path / "log.1").read_text().endswith("before\n")
    assert (tmp_path / "log").read_text().endswith("after\n")


def test_a_file_that_cannot_be_opened_changes_nothing(tmp_path: Path) -> None:
    stream = io.StringIO()
    log.configure(log.LogSettings(), stream)
    with pytest.raises(OSError, match="No such file"):
        log.configure(log.LogSettings(file=str(tmp_path / "nowhere" / "log")))
    structlog.get_logger().info("still here")
    assert "still here" in stream.getvalue()


@pytest.mark.parametrize(("form", "rest"), [("text", "error   call failed"), ("json", '{"event": "call failed"')])
def test_the_journal_gets_the_priority_of_every_line_and_keeps_the_time_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: log.Format, rest: str
) -> None:
    with (tmp_path / "stderr").open("w+") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        log.configure(log.LogSettings(form=form), stream)
        try:
            raise RuntimeError("kaputt")
        except RuntimeError:
            structlog.get_logger().exception("call failed")
        stream.seek(0)
        lines = stream.read().splitlines()
    assert lines[0].startswith("<3>" + rest)
    assert all(line.startswith("<3>") for line in lines)


def test_a_stderr_that_was_led_elsewhere_is_not_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "9:12345")
    with (tmp_path / "stderr").open("w+") as stream:
        log.configure(log.LogSettings(), stream)
        structlog.get_logger().info("call ended")
        stream.seek(0)
        assert not stream.read().startswith("<")
