"""What the tests with SIPp have in common."""

from pathlib import Path

import pytest

from mail2fax.model.call import CallOrder
from tests.harness.documents import write_fax_tiff
from tests.integration.sip_peers.stage import SippCaller, SippTrunk, fax_order


@pytest.fixture
def order(tmp_path: Path) -> CallOrder:
    return fax_order(write_fax_tiff(tmp_path / "document.tif", 1))


@pytest.fixture
def trunk(sipp: str, tmp_path: Path) -> SippTrunk:
    return SippTrunk(sipp, tmp_path)


@pytest.fixture
def caller(sipp: str, tmp_path: Path) -> SippCaller:
    return SippCaller(sipp, tmp_path)
