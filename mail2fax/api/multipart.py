"""multipart/form-data (RFC 7578) as it comes in: names and bytes of the files, in order. No sockets, no disk."""

import re
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

FORM = b"multipart/form-data"
_PARAMETER = re.compile(rb';\s*([^=;\s"]+)\s*=\s*("(?:[^"\\]|\\.)*+"|[^;]*+)')
_EXTENDED = re.compile(rb"utf-8'[^']*'([^\s]+)", re.IGNORECASE)


class FormBroken(Exception):
    """The body is no form with files; the message says why."""


class FormReader:
    """Feed it the body in pieces. It yields `str` for a file that begins (its name), and `bytes` that belong to it.

    Fields that are no files are passed over: the API's text has none.
    """

    def __init__(self, content_type: str) -> None:
        """Raises `FormBroken` when this is not the type of a form."""
        kind, options = parse_options_header(content_type)
        if kind != FORM or not options.get(b"boundary"):
            raise FormBroken("the Content-Type is not multipart/form-data with a boundary")
        self._found: list[str | bytes] = []
        self._header = self._value = b""
        self._in_file = False
        self._ended = False
        self._disposition = b""
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_part_data": self._take_data,
                    "on_header_field": self._take_header,
                    "on_header_value": self._take_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise FormBroken("the boundary of the form is not one") from error

    def feed(self, data: bytes) -> list[str | bytes]:
        """What `data` brings; raises `FormBroken`."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise FormBroken("the form is broken") from error
        found, self._found = self._found, []
        return found

    def finish(self) -> None:
        """The body is over; raises `FormBroken` when the form is not."""
        if not self._ended:
            raise FormBroken("the form ends before its last boundary")

    def _begin_part(self) -> None:
        self._header = self._value = self._disposition = b""
        self._in_file = False

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _begin_content(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = _extended_name(self._disposition) or options.get(b"filename", b"")
        if name:
            self._in_file = True
            # RFC 7578 4.2 and 5.1: names come as UTF-8; from a client that knows better, anything else is as it was.
            self._found.append(_as_it_was(name.decode("utf-8", "surrogateescape")))

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._found.append(data[start:end])

    def _end(self) -> None:
        self._ended = True


def _extended_name(disposition: bytes) -> bytes:
    """The name in the form of RFC 5987, which comes before the other (RFC 6266 4.3).

    RFC 7578 4.2 forbids it here. Python's requests wrote names in Cyrillic so for years (urllib3 before 1.25), and .NET
    does to this day, beside a `filename` in the form of a mail header (`=?utf-8?B?...?=`) that nobody should read.
    """
    for parameter in _PARAMETER.finditer(disposition):
        if parameter[1].lower() == b"filename*" and (form := _EXTENDED.fullmatch(parameter[2].strip().strip(b'"'))):
            return unquote_to_bytes(form[1])
    return b""


def _as_it_was(name: str) -> str:
    """A name without the escapes of browsers, curl and others, who write three characters so (HTML 4.10.22.7)."""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
