"""What a running gateway takes from a changed configuration, and what has to wait for its next start."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from mail2fax.config import Config
from mail2fax.config.errors import ConfigError, Fault

AT_START_ONLY = frozenset(
    {
        "api",
        "gateway.data_dir",
        "gateway.hostname",
        "gateway.run_dir",
        "smtp.listen",
        "smtp.port",
        "smtp.security",
        "smtp.proxies",
        "smtp.insecure_trust_from",
        "smtp.listener",
        "incoming.answer",
        "sip.listen",
        "sip.listen_also",
        "sip.port",
        "sip.tcp",
        "sip.tls_port",
        "sip.tls_certificate",
        "sip.tls_key",
        "sip.tls_ca",
        "sip.tls_client_ca",
        "sip.tls_minimum",
        "sip.public_address",
        "sip.stun",
        "sip.local_networks",
        "sip.media_port_low",
        "sip.media_port_high",
        "sip.real_time",
        "sip.user",
        "sip.password",
        "sip.password_file",
        "document.workers",
        "document.cover",
        "document.cover_font",
    }
)
"""Keys, and whole sections, that the house is built from: sockets, directories, and where the engine listens."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The configuration from now on; the keys that have changed with it, and those that wait for a restart."""

    config: Config
    changed: tuple[str, ...]
    waiting: tuple[str, ...]


def reloaded(old: Config, new: Config) -> Reloaded:
    """What follows from reading `new` while `old` is in force.

    Raises `ConfigError` when the part of `new` that can be taken does not go with the part of `old` that has to stay:
    a listener that still stands open must not lose what guards it.
    """
    differences = tuple(_differences(old, new))
    waiting = tuple(key for key in differences if _at_start_only(key))
    sections: dict[str, BaseModel] = {}
    for name, section in new:
        kept = {key.partition(".")[2] for key in waiting if key.startswith(f"{name}.")}
        sections[name] = section.model_copy(update={key: getattr(getattr(old, name), key) for key in kept})
    config = new.model_copy(update=sections)
    _check(config, waiting)
    return Reloaded(config, tuple(key for key in differences if key not in waiting), waiting)


def _differences(old: Config, new: Config) -> Iterator[str]:
    for name, section in new:
        before = getattr(old, name)
        for key in type(section).model_fields:
            if getattr(before, key) != getattr(section, key):
                yield f"{name}.{key}"


def _at_start_only(key: str) -> bool:
    return key in AT_START_ONLY or key.partition(".")[0] in AT_START_ONLY


def _check(config: Config, waiting: tuple[str, ...]) -> None:
    """Has the models judge the mixture as they judge a file."""
    try:
        Config(**config.model_dump())
    except ValidationError as error:
        problem = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        keys = ", ".join(waiting)
        raise ConfigError([Fault("", "reload", f"needs a restart because of {keys}: {problem}")]) from None
