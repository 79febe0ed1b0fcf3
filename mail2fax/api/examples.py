"""What the OpenAPI page says of each URL: the examples of the API's text, as it has them."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

DESCRIPTION = "Files, faxes and their history, for programs. Who may ask is said by the token in the URL."

ERROR: Mapping[str, Any] = {
    "resultcode": 1401,
    "resultmsg": "The token is not valid",
    "success": "false",
    "error": "The token is not valid",
    "code": "token",
}
SENT: Mapping[str, Any] = {
    "sip_code": "200",
    "sip": "200",
    "success": "true",
    "error": "null",
    "status": "sent",
    "id": "940fbbf2-0176-41d6-990b-005056011d6c",
}

_SUMMARIES: Mapping[str, str] = {
    "upload": "Upload files: multipart/form-data, one or several",
    "list": "List the files",
    "download": "Download a file",
    "delete": "Delete a file",
    "action": "Do what the field action says: sendfax, history, init_fax",
    "fax": "What became of a fax",
    "document": "The TIFF of a fax, as the history has given its URL; good for 30 days",
    "cancel": "Withdraw a fax; one on the phone is hung up",
}
_ANSWERS: Mapping[str, Any] = {
    "upload": {"resultcode": 0, "resultmsg": "OK", "data": {"upload": [{"name": "002.mp3", "res": "ok"}]}},
    "list": {"resultcode": 0, "resultmsg": "OK", "data": {"files": [{"file": {"name": "205-a10-02.zip"}}]}},
    "delete": {"resultcode": 0, "resultmsg": "OK"},
    "action": SENT,
    "fax": SENT,
    "cancel": {**SENT, "success": "false", "status": "cancelled", "error": "...", "code": "cancelled"},
}
_TEXT, _TEXT_OR_NUMBER = {"type": "string"}, {"type": ["string", "integer"]}
_DATE = {"type": "string", "description": "A date, or a date and time, in UTC"}


def _object(required: Mapping[str, Any], **others: Any) -> Mapping[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **others}}


def _files(key: str, of_one: Mapping[str, Any]) -> Mapping[str, Any]:
    files = _object({key: {"type": "array", "items": of_one}})
    return _object({"resultcode": {"const": 0}, "resultmsg": {"const": "OK"}, "data": files})


_ERROR = _object(
    dict.fromkeys(("resultmsg", "error", "code"), _TEXT)
    | {"success": {"const": "false"}}
    | {"resultcode": {"type": "integer"}},
    **dict.fromkeys(("sip_code", "sip", "status"), _TEXT),
)
_FAX = _object(dict.fromkeys(("sip_code", "sip", "success", "error", "status", "id"), _TEXT), code=_TEXT)
_PAST = _object({"data": {"type": "array", "items": {"type": "object"}}}, cursor=_TEXT)
_SCHEMAS: Mapping[str, Any] = {
    "upload": _files("upload", _object({"name": _TEXT, "res": {"const": "ok"}})),
    "list": _files("files", _object({"file": _object({"name": _TEXT})})),
    "delete": _object({"resultcode": {"const": 0}, "resultmsg": {"const": "OK"}}),
    "action": {"anyOf": [_FAX, _PAST, _object({"received": {"const": True}})]},
    "fax": _FAX,
    "cancel": _FAX,
}
_ACTIONS: Mapping[str, Any] = _object(
    {"action": {"enum": ["sendfax", "history", "fax_history", "init_fax"]}},
    recipient=_TEXT_OR_NUMBER,
    attachment=_TEXT,
    terminalId=_TEXT_OR_NUMBER,
    voiceDocumentSID=_TEXT,
    wait={"type": "boolean"},
    type={"enum": ["incoming", "outgoing"]},
    from_dt=_DATE,
    till_dt=_DATE,
    fields={"type": "string", "description": "*, or names with commas between"},
    limit={"type": "integer", "minimum": 1, "maximum": 1000},
    cursor=_TEXT,
    domain=_TEXT,
    drop={"enum": ["true", "false", True, False]},
)
_BODIES: Mapping[str, Any] = {
    "upload": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        }
    },
    "action": {
        "application/json": {
            "schema": _ACTIONS,
            "examples": {
                "sendfax": {
                    "value": {
                        "action": "sendfax",
                        "recipient": 375291554499,
                        "voiceDocumentSID": "002.mp3",
                        "terminalId": 301,
                        "attachment": "123123.tif",
                    }
                },
                "history": {
                    "value": {
                        "action": "history",
                        "type": "outgoing",
                        "from_dt": "2020-12-16 20:00",
                        "till_dt": "2020-12-20 23:30",
                        "fields": "*",
                    }
                },
                "init_fax": {"value": {"action": "init_fax", "domain": "default", "drop": "false"}},
            },
        }
    },
}


def documented(name: str) -> dict[str, Any]:
    """What FastAPI is told of one route."""
    extra: dict[str, Any] = {"requestBody": {"content": _BODIES[name]}} if name in _BODIES else {}
    if name in {"download", "delete"}:
        extra["parameters"] = [{"name": "file", "in": "query", "required": True, "schema": {"type": "string"}}]
    fault = {"application/json": {"schema": _ERROR, "example": dict(ERROR)}}
    answers: dict[int | str, dict[str, Any]] = {
        "4XX": {"description": "It was not done", "content": fault},
        "5XX": {"description": "We could not do it: no space, or a fault of ours", "content": fault},
    }
    if name in _ANSWERS:
        done = {"application/json": {"schema": _SCHEMAS[name], "example": _ANSWERS[name]}}
        answers[200] = {"description": "It is done", "content": done}
    else:
        answers[200] = {
            "description": "The file",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    return {
        "summary": _SUMMARIES[name],
        "responses": answers,
        "openapi_extra": extra,
        "name": name,
        "response_class": Response,
    }
