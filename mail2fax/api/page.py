"""The description of the API for people: one page of HTML with everything in it.

FastAPI's own pages load their scripts from elsewhere. A gateway in a closed network has no elsewhere, and a page that
knows a token should run nobody's scripts: this one has none.
"""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "pre{background:#f4f4f4;padding:.7em;overflow:auto}h2{font-size:1.1em;margin-top:2em}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Content-Security-Policy: nothing is loaded, nothing runs."""


def page_of(openapi: Mapping[str, Any]) -> str:
    """The page for this description."""
    title, text = escape(openapi["info"]["title"]), escape(openapi["info"]["description"])
    deeds = [
        _deed(method.upper(), path, deed)
        for path, methods in openapi["paths"].items()
        for method, deed in methods.items()
    ]
    more = '<p>For programs: <a href="/api/openapi.json">openapi.json</a>.</p>'
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return (
        f'<!DOCTYPE html><html lang="en"><head>{head}</head>'
        f"<body><h1>{title}</h1><p>{text}</p>{more}{''.join(deeds)}</body></html>"
    )


def _deed(method: str, path: str, deed: Mapping[str, Any]) -> str:
    parts = [f"<h2><code>{method} {escape(path)}</code></h2><p>{escape(deed.get('summary', ''))}</p>"]
    parts += [_shown(f"Body: {kind}", body) for kind, body in deed.get("requestBody", {}).get("content", {}).items()]
    for status, answer in deed.get("responses", {}).items():
        parts += [_shown(f"Answer: {status}", body) for body in answer.get("content", {}).values()]
    return "".join(parts)


def _shown(heading: str, body: Mapping[str, Any]) -> str:
    found = body.get("examples", {"": {"value": body["example"]}} if "example" in body else {})
    return "".join(
        f"<p>{escape(' '.join(filter(None, (heading, name))))}</p><pre>"
        f"{escape(json.dumps(example['value'], ensure_ascii=False, indent=2))}</pre>"
        for name, example in found.items()
    )
