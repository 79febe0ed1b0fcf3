"""What can be ordered with an `action`, as values: read from JSON that was written by hand or by another's program."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mail2fax.api.errors import ApiError

MAX_RECIPIENT = 500
MAX_KEY = 255
MAX_PAGE = 1000
"""Faxes in one answer to a `limit`."""


_EXACT = 2.0**53
"""From here on a float may stand for another number than was meant."""
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


def _text(value: Any) -> Any:
    """A number where a text belongs is the text of its digits: the API's text writes `"recipient": 375291554499`.

    Some languages have one kind of number only, and write that with a point. Columns of databases bring spaces.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _flag(value: Any) -> Any:
    """`"true"` for true: the API's text writes `"drop":"true"`. 1 and 0 are as clear."""
    if isinstance(value, int):
        value = str(value)
    return _FLAGS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _word(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """A list of names is as good as one text with commas."""
    return ",".join(value) if isinstance(value, list) and all(isinstance(name, str) for name in value) else value


def _absent(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _count(value: Any) -> Any:
    """true is no 1."""
    return str(value) if isinstance(value, bool) else _absent(value)


Text = Annotated[str, BeforeValidator(_text)]
Optional = Annotated[Text | None, BeforeValidator(_absent)]
Flag = Annotated[bool, Field(strict=True), BeforeValidator(_flag)]


class _Request(BaseModel):
    # What we do not know is left alone: clients may say more than the text asks for.
    model_config = ConfigDict(frozen=True, extra="ignore")


class SendFax(_Request):
    """Fax an uploaded TIFF, or what else `document.accept` names."""

    action: Literal["sendfax"]
    recipient: Annotated[Text, Field(min_length=1, max_length=MAX_RECIPIENT)]
    attachment: Annotated[Text, Field(min_length=1)]
    terminal: Annotated[Optional, Field(alias="terminalId")] = None
    voice: Annotated[Optional, Field(alias="voiceDocumentSID")] = None
    wait: Flag = True


class History(_Request):
    """Tell the faxes of the domain. The text calls it `fax_history` in its heading and `history` in its example."""

    action: Literal["history", "fax_history"]
    type: Annotated[Literal["incoming", "outgoing"] | None, BeforeValidator(_absent), BeforeValidator(_word)] = None
    from_dt: Optional = None
    till_dt: Optional = None
    fields: Annotated[str | None, BeforeValidator(_listed)] = None
    limit: Annotated[int | None, Field(ge=1, le=MAX_PAGE), BeforeValidator(_count)] = None
    cursor: Optional = None


class InitFax(_Request):
    """Make the domain ready; with `drop`, without its history."""

    action: Literal["init_fax"]
    domain: Annotated[str, Field(min_length=1)]
    drop: Flag = False


Request = SendFax | History | InitFax

_ACTIONS: dict[str, type[Request]] = {
    "sendfax": SendFax,
    "history": History,
    "fax_history": History,
    "init_fax": InitFax,
}


def parse_request(said: Any) -> Request:
    """The request that a client has made; raises `ApiError` with the field that is wrong."""
    if not isinstance(said, dict):
        raise ApiError(400, "json", "the body is one JSON object")
    action = next((value for name, value in said.items() if name.lower() == "action"), None)
    if not isinstance(action, str):
        raise ApiError(400, "action", 'the body needs a field "action", a text')
    kind = _ACTIONS.get(action.strip().lower())
    if kind is None:
        known = ", ".join(sorted(_ACTIONS))
        raise ApiError(400, "action", f"this action is not known; known are {known}")
    try:
        return kind.model_validate({**_named(kind, said), "action": action.strip().lower()})
    except ValidationError as error:
        raise ApiError(400, "field", _first_fault(error)) from error


def _named(kind: type[Request], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was said, by the names that the text has, whatever their capitals: a `terminalID` that is passed over in
    silence has the fax go out under another number. What is null was not said."""
    names = {(field.alias or name).lower(): field.alias or name for name, field in kind.model_fields.items()}
    return {names.get(name.lower(), name): value for name, value in said.items() if value is not None}


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] in ("string_too_short", "too_short"):
        return f'the field "{field}" is empty'
    return f'the field "{field}": {first["msg"].removeprefix("Value error, ").lower()}'
