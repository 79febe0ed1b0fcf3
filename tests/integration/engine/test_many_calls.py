"""Calls by the hundred between two engines on loopback: each ends, and nothing is left behind."""

from pathlib import Path

import pytest

from mail2fax.model.call import EndedBy
from tests.harness.documents import write_fax_tiff
from tests.harness.many_calls import many_calls

KEPT_AT_MOST = 2_000
"""Pieces of memory. Half of that tables keep, whose size is that of their fullest moment, and Python, which keeps freed
tuples; were no more than its order kept of each call, it would be 2400. `make soak` counts bytes, of 10,000 calls."""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return write_fax_tiff(tmp_path / "document.tif", 1)


@pytest.mark.timeout(300)
def test_five_hundred_calls_leave_nothing_behind(tmp_path: Path, document: Path) -> None:
    """No transaction, no dialog, no line, no socket; and no memory that grows with the calls."""
    balance = many_calls(500, tmp_path, document)
    assert balance.ends == {EndedBy.FAR_END: 167, EndedBy.CANCELLED: 333}
    assert (balance.kept, balance.files) == (0, 0)
    assert balance.blocks < KEPT_AT_MOST


@pytest.mark.timeout(300)
def test_through_a_relay_that_loses_15_percent_each_way_no_call_is_stuck(tmp_path: Path, document: Path) -> None:
    balance = many_calls(200, tmp_path, document, loss=0.15)
    assert balance.ends.total() == 200
    assert set(balance.ends) <= {EndedBy.FAR_END, EndedBy.CANCELLED, EndedBy.RING_LIMIT}
    assert balance.lost > 100
    assert (balance.kept, balance.files) == (0, 0)
