"""What a file is called and taken for, when it is downloaded."""

import pytest

from mail2fax.api.downloads import type_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("002.mp3", "audio/mpeg"),
        ("123123.TIF", "image/tiff"),
        ("205-a10-02.zip", "application/zip"),
        ("письмо.pdf", "application/pdf"),
        ("letters.tar.gz", "application/gzip"),
        ("drawing.svgz", "application/gzip"),
        ("old.tar.Z", "application/octet-stream"),
        ("letter", "application/octet-stream"),
        ("letter.no-such-end", "application/octet-stream"),
        ("data:x,y", "application/octet-stream"),
    ],
)
def test_a_download_has_the_type_of_its_file(name: str, kind: str) -> None:
    assert type_of(name) == kind
