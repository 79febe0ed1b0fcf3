"""Folder names and strings as IMAP writes them."""

import pytest

from mail2fax.ingest.imap_names import folder_name, quoted


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", '"INBOX"'),
        ("Sent Items", '"Sent Items"'),
        ('the "done" \\ ones', '"the \\"done\\" \\\\ ones"'),
        ("R&D", '"R&-D"'),
        ("Отправлено", '"&BB4EQgQ,BEAEMAQyBDsENQQ9BD4-"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
        ("&фю&", '"&-&BEQETg-&-"'),
        ("😀", '"&2D3eAA-"'),
    ],
)
def test_folder_names_are_quoted_and_in_modified_utf_7(name: str, wire: str) -> None:
    """Trap: aioimaplib quotes no folder, and knows no letters outside ASCII. RFC 3501 5.1.3 has the third but last."""
    assert folder_name(name) == wire


def test_a_user_with_a_space_and_a_quotation_mark_is_one_string() -> None:
    """Trap: aioimaplib quotes the password and not the user."""
    assert quoted('a "b" \\c') == '"a \\"b\\" \\\\c"'
