"""Every completion code has a name and a kind."""

import re
from pathlib import Path

import pytest

from mail2fax.engine.embedded.spandsp.codes import UNFINISHED, CompletionCode, fault_of, name_of
from mail2fax.model.call import FaxFault

HEADER = Path("/usr/include/spandsp/t30.h")


@pytest.mark.skipif(not HEADER.exists(), reason="libspandsp's headers are not in /usr/include")
def test_the_codes_are_those_of_the_library() -> None:
    names = re.findall(r"^\s+T30_ERR_(\w+)\s*[,=/]", HEADER.read_text(encoding="utf-8"), re.MULTILINE)
    assert names == [code.name for code in CompletionCode]
    assert [code.value for code in CompletionCode] == list(range(len(names)))


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (0, FaxFault.NONE),
        (2, FaxFault.NO_FAX),
        (3, FaxFault.NO_FAX),
        (6, FaxFault.TRAINING),
        (8, FaxFault.INCOMPATIBLE),
        (11, FaxFault.INCOMPATIBLE),
        (13, FaxFault.PROTOCOL),
        (14, FaxFault.TRAINING),
        (15, FaxFault.DROPPED),
        (16, FaxFault.PROTOCOL),
        (19, FaxFault.NO_FAX),
        (20, FaxFault.TRAINING),
        (21, FaxFault.DROPPED),
        (29, FaxFault.DROPPED),
        (40, FaxFault.DROPPED),
        (41, FaxFault.DOCUMENT),
        (46, FaxFault.DOCUMENT),
        (47, FaxFault.LOCAL),
        (48, FaxFault.PROTOCOL),
        (49, FaxFault.DROPPED),
        (50, FaxFault.REFUSED),
        (61, FaxFault.REFUSED),
        (99, FaxFault.PROTOCOL),
    ],
)
def test_a_code_means_a_kind_of_end(code: int, fault: FaxFault) -> None:
    assert fault_of(code) is fault


def test_no_code_but_ok_is_without_fault() -> None:
    assert [code for code in CompletionCode if fault_of(code) is FaxFault.NONE] == [CompletionCode.OK]


def test_names_are_the_librarys_and_unknown_codes_show_their_number() -> None:
    assert (name_of(49), name_of(99), name_of(UNFINISHED)) == ("CALLDROPPED", "CODE_99", "")
