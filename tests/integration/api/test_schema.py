"""What the OpenAPI page says is what the door does: schemathesis makes requests from it, good and bad ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from mail2fax.api.settings import Patience
from tests.integration.api.test_door import SECRET, SETTINGS, TIFF, opened


@pytest.mark.timeout(300)
async def test_no_request_that_the_page_allows_or_forbids_is_a_fault_or_answered_otherwise(tmp_path: Path) -> None:
    # Here, for every worker of the tests collects this file, and schemathesis takes a second to load.
    from tests.integration.api.asking import statuses_of  # noqa: PLC0415

    limits = replace(SETTINGS, max_connections=100, max_failures_per_address=10_000, patience=Patience(5.0, wait_s=0.0))
    async with opened(tmp_path, limits) as api:
        await api.client.upload(("a.tif", TIFF))
        page = (await api.client.get("/api/openapi.json")).json
        statuses = await statuses_of(page, f"http://127.0.0.1:{api.port}", SECRET)
        assert len(statuses) == 8
        action = statuses["/api/token/v1/{token}"]
        assert 200 in action, "some of them are understood"
        assert max(map(max, statuses.values())) < 500
        assert (await api.client.get("/files/list")).status == 200
