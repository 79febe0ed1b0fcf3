"""What the OpenAPI page says is what the door does: schemathesis makes requests from it, good and bad ones."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok

from mail2fax.api.settings import Patience
from tests.integration.api.test_door import SECRET, SETTINGS, TIFF, opened

EXAMPLES = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def asking(operation: Any, base_url: str, mode: GenerationMode, found: list[int]) -> Callable[[], None]:
    """Asks in many ways for what one URL does, with a token that is good: with any other, all ends at once."""

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.path_parameters["token"] = SECRET
        found.append(case.call_and_validate(base_url=base_url, checks=CHECKS, timeout=20).status_code)

    return ask


@pytest.mark.timeout(300)
async def test_no_request_that_the_page_allows_or_forbids_is_a_fault_or_answered_otherwise(tmp_path: Path) -> None:
    limits = replace(SETTINGS, max_connections=100, max_failures_per_address=10_000, patience=Patience(5.0, wait_s=0.0))
    async with opened(tmp_path, limits) as api:
        await api.client.upload(("a.tif", TIFF))
        schema = schemathesis.openapi.from_dict((await api.client.get("/api/openapi.json")).json)
        statuses: dict[str, list[int]] = {}
        for operation in (result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)):
            found = statuses.setdefault(operation.path, [])
            # What has but its path cannot be said otherwise.
            forbidden = [GenerationMode.NEGATIVE] if operation.body or operation.query else []
            for mode in (GenerationMode.POSITIVE, *forbidden):
                await asyncio.to_thread(asking(operation, f"http://127.0.0.1:{api.port}", mode, found))
        assert len(statuses) == 8
        action = statuses["/api/token/v1/{token}"]
        assert 200 in action, "some of them are understood"
        assert max(map(max, statuses.values())) < 500
        assert (await api.client.get("/files/list")).status == 200
