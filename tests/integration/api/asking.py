"""Requests as the OpenAPI page allows and forbids them: schemathesis makes them, and looks at the answers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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

EXAMPLES = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


async def statuses_of(page: Mapping[str, Any], base_url: str, token: str) -> Mapping[str, Sequence[int]]:
    """How each URL of the page has answered; raises what schemathesis says of an answer that the page does not know."""
    statuses: dict[str, list[int]] = {}
    schema = schemathesis.openapi.from_dict(dict(page))
    for operation in (result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)):
        found = statuses.setdefault(operation.path, [])
        # What has but its path cannot be said otherwise.
        forbidden = [GenerationMode.NEGATIVE] if operation.body or operation.query else []
        for mode in (GenerationMode.POSITIVE, *forbidden):
            await asyncio.to_thread(_asking(operation, base_url, token, mode, found))
    return statuses


def _asking(operation: Any, base_url: str, token: str, mode: GenerationMode, found: list[int]) -> Callable[[], None]:
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
        case.path_parameters["token"] = token
        found.append(case.call_and_validate(base_url=base_url, checks=CHECKS, timeout=20).status_code)

    return ask
