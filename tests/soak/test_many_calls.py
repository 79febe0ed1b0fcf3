"""Thousands of calls without a fax: nothing of them stays."""

from pathlib import Path

import pytest

from tests.harness.documents import write_fax_tiff
from tests.harness.many_calls import many_calls

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


def test_ten_thousand_calls_leave_nothing_behind(tmp_path: Path) -> None:
    balance = many_calls(10_000, tmp_path, write_fax_tiff(tmp_path / "document.tif", 1), traced=True)
    assert balance.ends.total() == 10_000
    assert (balance.kept, balance.files) == (0, 0)
    assert balance.memory < 400_000, "more than forty bytes are kept of each call"


def test_three_thousand_calls_through_a_lossy_relay_all_end(tmp_path: Path) -> None:
    balance = many_calls(3_000, tmp_path, write_fax_tiff(tmp_path / "document.tif", 1), loss=0.15)
    assert balance.ends.total() == 3_000
    assert (balance.kept, balance.files) == (0, 0)
