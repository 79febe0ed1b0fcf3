"""The shapes of mails as programs write them, none with its TIFF yet, and the ways in which programs attach one.

Written for mail2fax: the structure follows what such programs are known to send; names and texts are invented.
"""

import base64
import binascii
import quopri
from collections.abc import Mapping

from tests.corpus.tree import Forwarded, Leaf, Multi, Tree

TIFF = b"II*\x00\x08\x00\x00\x00" + bytes(range(256)) * 3 + b"\x00\x01"
HEAD = b"From: Anna <anna@example.com>\nTo: fax@example.com\nSubject: +375 29 155 44 99\nMIME-Version: 1.0\n"


def coded(fields: bytes, content: bytes) -> Leaf:
    return Leaf(fields + b"\nContent-Transfer-Encoding: base64", base64.encodebytes(content).rstrip(b"\n"))


def _uuencoded(content: bytes) -> bytes:
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return b"begin 644 scan.tif\n" + b"".join(lines) + b"`\nend"


TEXT = Leaf(b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit", b"See attachment.")
FLOWED = Leaf(
    b"Content-Type: text/plain; charset=windows-1251; format=flowed; delsp=yes", b"See \nattachment.\n-- \nAnna"
)
HTML = Leaf(
    b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable", b"<p>See =3D attachment"
)
PICTURE = coded(
    b"Content-Type: image/png; name=image001.png\nContent-ID: <image001.png@01>\nContent-Disposition: inline",
    b"\x89PNG\r\n\x1a\n....",
)
OCTET_PICTURE = coded(
    b"Content-Type: application/octet-stream; name=image002.png\nContent-ID: <image002.png@01>",
    b"\x89PNG\r\n\x1a\n....",
)
PDF = coded(b"Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=a.pdf", b"%PDF-1.4")
SIGNATURE = coded(
    b"Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Disposition: attachment", b"0\x80"
)
PGP_SIGNATURE = Leaf(b"Content-Type: application/pgp-signature; name=signature.asc", b"-----BEGIN PGP SIGNATURE-----")
VCARD = Leaf(b"Content-Type: text/x-vcard; name=anna.vcf\nContent-Disposition: attachment", b"BEGIN:VCARD")
DISCLAIMER = Leaf(b"Content-Type: text/plain; name=ATT00001.txt\nContent-Disposition: attachment", b"Confidential!")
FORK = coded(b"Content-Type: application/applefile; name=scan.tif", b"\x00\x05\x16\x07\x00\x02\x00\x00")
INVITATION = Leaf(b"Content-Type: text/calendar; method=REQUEST; charset=utf-8", b"BEGIN:VCALENDAR")

ALTERNATIVE = Multi("alternative", (TEXT, HTML))
WITH_PICTURE = Multi("related", (ALTERNATIVE, PICTURE), b'; type="multipart/alternative"')

SHAPES: Mapping[str, Tree] = {
    "outlook": Multi("mixed", (WITH_PICTURE,)),
    "outlook, picture as octets": Multi("mixed", (Multi("related", (ALTERNATIVE, OCTET_PICTURE)),)),
    "outlook, invitation": Multi("mixed", (Multi("alternative", (TEXT, HTML, INVITATION)),)),
    "gmail": Multi("mixed", (ALTERNATIVE,)),
    "apple mail, rich": Multi("alternative", (TEXT, Multi("mixed", (HTML, PICTURE, HTML)))),
    "apple mail, plain": Multi("mixed", (FLOWED, FLOWED)),
    "apple mail, appledouble": Multi("mixed", (TEXT, Multi("appledouble", (FORK,)))),
    "thunderbird": Multi("mixed", (FLOWED,)),
    "thunderbird, vcard": Multi("mixed", (Multi("alternative", (FLOWED, HTML)), VCARD)),
    "exchange, disclaimer": Multi("mixed", (WITH_PICTURE, DISCLAIMER)),
    "mailing gateway, footer": Multi("mixed", (Multi("mixed", (TEXT,)), TEXT)),
    "scanner": Multi("mixed", (Leaf(b"Content-Type: text/plain", b""),)),
    "scanner, no text": Multi("mixed", ()),
    "s/mime, clear": Multi("signed", (Multi("mixed", (TEXT,)), SIGNATURE), b'; protocol="application/pkcs7-signature"'),
    "pgp/mime, signed": Multi("signed", (Multi("mixed", (TEXT,)), PGP_SIGNATURE)),
    "parallel": Multi("parallel", (TEXT, TEXT)),
    "unknown multipart": Multi("x-whatever", (TEXT,)),
    "report-like": Multi("report", (TEXT,)),
    "pdf beside": Multi("mixed", (TEXT, PDF)),
    "forwarded": Multi("mixed", (TEXT, Forwarded(Multi("mixed", (TEXT,))))),
    "forwarded in forwarded": Multi("mixed", (Forwarded(Multi("mixed", (TEXT, Forwarded(Multi("mixed", (TEXT,)))))),)),
    "s/mime, encrypted": Multi(
        "mixed", (coded(b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"0\x80"),)
    ),
    "pgp/mime, encrypted": Multi(
        "encrypted",
        (
            Leaf(b"Content-Type: application/pgp-encrypted", b"Version: 1"),
            Leaf(b"Content-Type: application/octet-stream; name=encrypted.asc", b"-----BEGIN PGP MESSAGE-----"),
        ),
    ),
    "outlook, rich text": Multi(
        "mixed", (TEXT, coded(b"Content-Type: application/ms-tnef; name=winmail.dat", b"\x78\x9f\x3e\x22\x01\x00"))
    ),
}

_ATTACHED = b"Content-Disposition: attachment; filename="
TIFFS: Mapping[str, Leaf] = {
    "attachment": coded(b"Content-Type: image/tiff; name=scan.tif\n" + _ATTACHED + b"scan.tif", TIFF),
    "octets": coded(b"Content-Type: application/octet-stream; name=SCAN.TIF\n" + _ATTACHED + b"SCAN.TIF", TIFF),
    "octets without a name": coded(b"Content-Type: application/octet-stream", TIFF),
    "inline, as Apple pastes": coded(
        b"Content-Type: image/tiff; x-unix-mode=0644; name=PastedGraphic-1.tiff\nContent-Disposition: inline", TIFF
    ),
    "internet fax": coded(b"Content-Type: image/tiff; application=faxbw", TIFF),
    "rfc 2231 name": coded(
        b"Content-Type: image/x-tiff\nContent-Disposition: attachment;\n"
        b" filename*0*=utf-8''%D1%81;\n filename*1*=%D1%87.tif",
        TIFF,
    ),
    "rfc 2047 name": coded(b'Content-Type: image/tif; name="=?utf-8?B?0YHRhy50aWY=?="', TIFF),
    "raw 8-bit name": coded(b"Content-Type: image/tiff; name=\xf1\xf7.tif", TIFF),
    "wrong type": coded(b"Content-Type: image/jpeg; name=scan.jpg\n" + _ATTACHED + b"scan.jpg", TIFF),
    "called text": coded(b"Content-Type: text/plain; name=scan.txt", TIFF),
    "no type at all": coded(_ATTACHED + b"scan.tif", TIFF),
    "one long line": Leaf(b"Content-Type: image/tiff\nContent-Transfer-Encoding: BASE64", base64.b64encode(TIFF)),
    "quoted token": Leaf(b'Content-Type: image/tiff\nContent-Transfer-Encoding: "base64"', base64.encodebytes(TIFF)),
    "quoted-printable": Leaf(
        b"Content-Type: image/tiff\nContent-Transfer-Encoding: quoted-printable",
        # RFC 2045 6.7: in binary data the line ends are coded, too.
        quopri.encodestring(TIFF)
        .replace(b"=\n", b"\0")
        .replace(b"\r", b"=0D")
        .replace(b"\n", b"=0A")
        .replace(b"\0", b"=\n"),
    ),
    "uuencoded part": Leaf(
        b"Content-Type: image/tiff; name=scan.tif\nContent-Transfer-Encoding: x-uuencode", _uuencoded(TIFF)
    ),
}
