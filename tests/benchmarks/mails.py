"""The mails of the benchmarks: what an office's scanner makes of one page, and the largest that the door takes."""

from email.message import EmailMessage

from PIL import Image

from tests.benchmarks.shipped import FAX_ADDRESS, SENDER
from tests.unit.document.crafted import saved, text_page

ROWS = 1400
"""A page of text that makes a TIFF of 50 kB and so a mail of 70 kB."""
LARGE_PAGES, LARGE_SIZE = 5, (1728, 2490)


def one_page_mail(number: int) -> bytes:
    """A mail of 70 kB for one page; each `number` has its own page, Message-ID and fax number. Its lines end in LF."""
    return _mail(f"+375 29 15{number:05}", f"one-page-{number}", saved(text_page(ROWS, seed=number)))


def large_mail() -> bytes:
    """A mail of 30 MB: five pages of grey, not compressed."""
    pages = [Image.linear_gradient("L").resize(LARGE_SIZE) for _ in range(LARGE_PAGES)]
    return _mail("+375 29 1999999", "large", saved(*pages, compression="raw"))


def _mail(number: str, name: str, tiff: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Office <{SENDER}>", FAX_ADDRESS, number
    message["Message-ID"] = f"<{name}@example.com>"
    message.set_content("Please fax this.\n")
    message.add_attachment(tiff, maintype="image", subtype="tiff", filename="scan.tif")
    return message.as_bytes()
