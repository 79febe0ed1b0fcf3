"""What every URL of the API has in common."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from mail2fax.model.origin import plain_address

ROOT = "/api/token/v1/{token}"
"""Of all URLs with a token in them."""
OK: Mapping[str, Any] = {"resultcode": 0, "resultmsg": "OK"}
NOWHERE = "::"


def address_of(request: Request) -> str:
    """Where a request comes from; one whose proxy says no address counts with all others of that kind."""
    try:
        return str(plain_address(request.client.host)) if request.client else NOWHERE
    except ValueError:
        return NOWHERE
