"""Secrets that stand in files of their own: what `password_file` names, and what is read there.

A bare name is a credential of systemd (`LoadCredential=` of systemd.exec(5)): only the service and root can read it,
and it is in no configuration, environment or backup.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import AfterValidator, BaseModel, SecretStr

from mail2fax.config.errors import ConfigError, Fault, KeyPath, Places, dotted

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
SERVICE_CREDENTIALS = Path("/run/credentials/mail2fax.service")
"""Where systemd keeps them while the service runs: for root, who asks the doctor beside it."""
SECRET_BYTES = 4096
FILE_SUFFIX = "_file"

ModelT = TypeVar("ModelT", bound=BaseModel)
SectionT = TypeVar("SectionT", bound=BaseModel)


class SecretUnreadable(Exception):
    """A file that should hold a secret cannot be used; the message says why, and never what is in it."""


def secret_place(text: str) -> str:
    """`text`, if it can name a secret; raises `ValueError`."""
    if text and not text.startswith("/") and (not text.isprintable() or "/" in text or text in {".", ".."}):
        raise ValueError("must be an absolute path, or the bare name of a systemd credential")
    return text


def read_secret(place: str, environ: Mapping[str, str] = os.environ) -> str:
    """The secret at `place`, without the line feed that editors put at its end; raises `SecretUnreadable`."""
    try:
        with _path(place, environ).open("rb") as file:
            content = file.read(SECRET_BYTES + 1)
        secret = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise SecretUnreadable(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SecretUnreadable("is not UTF-8 text") from None
    if not secret or not secret.isprintable() or len(content) > SECRET_BYTES:
        raise SecretUnreadable("must hold one line of printable text")
    return secret


def with_secrets(config: ModelT, places: Places) -> ModelT:
    """`config` with every secret that its `..._file` keys name; raises `ConfigError` with all that is wrong."""
    faults: list[Fault] = []
    sections: dict[str, BaseModel] = {}
    for name, section in config:
        sections[name] = _filled(section, (name,), places, faults)
    if faults:
        raise ConfigError(faults)
    return config.model_copy(update=sections)


def _filled(section: SectionT, path: KeyPath, places: Places, faults: list[Fault]) -> SectionT:
    """`section`, and the tables in its lists, with their secrets; what is wrong goes to `faults`."""
    found: dict[str, object] = {}
    for key, place in _secret_files(section):
        try:
            found[key] = _only_secret(section, key, place)
        except SecretUnreadable as error:
            at = (*path, key + FILE_SUFFIX)
            faults.append(Fault(dotted(at), places.find(at), str(error)))
    for key, value in section:
        if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            found[key] = tuple(_filled(table, (*path, key, at), places, faults) for at, table in enumerate(value))
    return section.model_copy(update=found)


def _secret_files(section: BaseModel) -> Iterator[tuple[str, str]]:
    """The secrets of a section that stand in files, each with its file."""
    for name in type(section).model_fields:
        key, place = name.removesuffix(FILE_SUFFIX), getattr(section, name)
        if key != name and place and isinstance(getattr(section, key, None), SecretStr):
            yield key, place


def _only_secret(section: BaseModel, key: str, place: str) -> SecretStr:
    if getattr(section, key).get_secret_value():
        raise SecretUnreadable(f"and {key} are both set: keep one of them")
    secret = SecretStr(read_secret(place))
    for check in type(section).model_fields[key].metadata:
        if isinstance(check, AfterValidator):  # the model has judged the key, and not what the file would hold
            _judge(check, secret)
    return secret


def _judge(check: AfterValidator, secret: SecretStr) -> None:
    try:
        check.func(secret)  # type: ignore[call-arg] # of the two kinds that pydantic has, ours are without context
    except ValueError as error:
        raise SecretUnreadable(str(error)) from None


def _path(place: str, environ: Mapping[str, str]) -> Path:
    if place.startswith("/"):
        return Path(place)
    if CREDENTIALS_VARIABLE in environ:
        return Path(environ[CREDENTIALS_VARIABLE]) / place
    if SERVICE_CREDENTIALS.is_dir():
        return SERVICE_CREDENTIALS / place
    raise SecretUnreadable(
        "is the name of a systemd credential, and there are none while the service is down: "
        "start it with systemctl, or write an absolute path; config check --no-secrets checks all else"
    )
