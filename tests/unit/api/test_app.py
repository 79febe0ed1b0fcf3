"""Requests as some write them, before the app sees them."""

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mail2fax.api.app import PlainTarget
from mail2fax.api.errors import ApiError
from mail2fax.api.urls import base_of


async def seen(target: str) -> Request:
    """What the app is asked for, when a client with `Host: there` asks for `target`."""
    asked: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope)

    raw, _, query = target.encode().partition(b"?")
    scope = {"type": "http", "scheme": "http", "method": "GET", "raw_path": raw, "path": target.partition("?")[0]}
    headers = [(b"accept", b"*/*"), (b"host", b"there")]
    await PlainTarget(app)({**scope, "query_string": query, "headers": headers}, None, None)  # type: ignore[arg-type] # not called
    return Request(asked[0])


@pytest.mark.parametrize(
    ("target", "base", "path"),
    [
        ("/api/%D1%8F", "http://there/", "/api/%D1%8F"),
        ("http://here/api/%D1%8F", "http://here/", "/api/я"),
        ("HTTPS://here:8443/api", "http://here:8443/", "/api"),
        ("http://[2001:db8::1]:80/api", "http://[2001:db8::1]:80/", "/api"),
        ("http://here", "http://here/", "/"),
        ("http:///api", "http://there/", "http:///api"),
        ("http://me@here/api", "http://there/", "http://me@here/api"),
        ("//here/api", "http://there/", "//here/api"),
    ],
)
async def test_a_whole_url_leads_to_its_path_and_names_the_host(target: str, base: str, path: str) -> None:
    request = await seen(f"{target}?file=http://x/y")
    assert (str(request.base_url), request.scope["path"]) == (base, path)
    assert request.query_params["file"] == "http://x/y"
    assert request.headers["accept"] == "*/*"


async def test_a_host_that_is_none_is_not_told_thousands_of_times() -> None:
    """Trap: a Host of 15 KB made 60 MB of the history of one busy day."""
    assert base_of(await seen("http://here:8443/api")) == "http://here:8443"
    assert base_of(await seen(f"http://{'h' * 255}/api")) == f"http://{'h' * 255}"
    with pytest.raises(ApiError) as refused:
        base_of(await seen(f"http://{'h' * 300}/api"))
    assert refused.value.status == 400
