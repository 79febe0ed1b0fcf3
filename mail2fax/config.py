"""The configuration: one frozen model per section, in the order of `config.example.toml`.

It is read from a TOML file and from the environment (`MAIL2FAX_SMTP__PORT=2525` sets `smtp.port` and wins over
the file). A key that is not known, or a value that is not right, is a `ConfigError` that names the key, its line
or its environment variable, and what would be right.
"""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mail2fax.config_errors import ConfigError, Places, TomlText, describe, faulty_variables
from mail2fax.model.call import MediaPolicy
from mail2fax.model.domain import STATION_ID_LENGTH
from mail2fax.model.mask import NumberMask, SenderMask

ENV_PREFIX = "MAIL2FAX_"
ENV_DELIMITER = "__"
CONFIG_VARIABLE = "MAIL2FAX_CONFIG"

_T30_CHARACTERS = frozenset("+0123456789 ")


def _loopback(host: str) -> str:
    try:
        inside = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(
            "must be a loopback address such as 127.0.0.1: nothing proves yet who a sender on the network is"
        )
    return host


def _ip_address(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError("must be an IP address of this machine, such as 192.0.2.10") from None
    if address.is_unspecified:
        raise ValueError("must be the address the trunk reaches us at: it is written into each call")
    return host


def _mail_address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not (local and at and domain) or not text.isprintable() or " " in text:
        raise ValueError("must be a mail address such as fax@example.com")
    return text


def _region(text: str) -> str:
    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError('must be a region of ISO 3166-1 in capitals, such as "BY" or "DE"')
    return text


def _digits(text: str) -> str:
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError("must be digits only")
    return text


def _station_id(text: str) -> str:
    if len(text) > STATION_ID_LENGTH or not set(text) <= _T30_CHARACTERS:
        raise ValueError(f"must be at most {STATION_ID_LENGTH} digits, spaces and + (T.30 5.3.6.2.4)")
    return text


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable characters on one line")
    return text


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError):
        raise ValueError('must be a time zone such as "Europe/Minsk" or "UTC"') from None
    return text


def _sender_mask(text: str) -> str:
    SenderMask.parse(text)
    return text


def _number_mask(text: str) -> str:
    NumberMask.parse(text)
    return text


Port = Annotated[int, Field(ge=0, le=65_535)]
LoopbackHost = Annotated[str, AfterValidator(_loopback)]
LocalAddress = Annotated[str, AfterValidator(_ip_address)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Region = Annotated[str, AfterValidator(_region)]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]+$")]
Digits = Annotated[str, AfterValidator(_digits)]
StationId = Annotated[str, AfterValidator(_station_id)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SenderMaskText = Annotated[str, AfterValidator(_sender_mask)]
NumberMaskText = Annotated[str, AfterValidator(_number_mask)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Minutes = Annotated[float, Field(gt=0, le=10_080)]
Hours = Annotated[float, Field(gt=0, le=8_760)]
Megabytes = Annotated[float, Field(gt=0, le=1_000_000)]
Line = Annotated[str, AfterValidator(_one_line)]


class Section(BaseModel):
    """One table of the file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class GatewaySection(Section):
    """`[gateway]`: where we keep what we must not lose, and what we call ourselves."""

    data_dir: Path = Path("/var/lib/mail2fax")
    hostname: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9.-]+$")] = "localhost"
    time_zone: TimeZone = "UTC"
    stop_wait_s: Annotated[float, Field(ge=0, le=3600)] = 60.0


class SmtpSection(Section):
    """`[smtp]`: the door for mails."""

    listen: LoopbackHost = "127.0.0.1"
    port: Port = 2525
    fax_addresses: Annotated[tuple[MailAddress, ...], Field(min_length=1)] = ("fax@localhost",)
    max_mail_mb: Megabytes = 30
    disk_reserve_mb: Megabytes = 200
    max_connections: Annotated[int, Field(ge=1)] = 100


class SendersSection(Section):
    """`[senders]`: who may fax. Nobody, unless a mask says so."""

    allow: tuple[SenderMaskText, ...] = ()


class NumbersSection(Section):
    """`[numbers]`: how numbers are read, and which may be dialled."""

    region: Region = "BY"
    area_code: Digits = ""
    allow: tuple[NumberMaskText, ...] = ()
    deny: tuple[NumberMaskText, ...] = ()


class TerminalSection(Section):
    """`[terminal]`: the number of ours that faxes come from."""

    caller_id: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9+._-]+$")] = "mail2fax"
    station_id: StationId = ""
    header: Annotated[Line, Field(max_length=40)] = ""


class TrunkSection(Section):
    """`[trunk]`: the SIP peer that carries the calls."""

    host: HostName = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 5060
    user: Line = ""
    password: SecretStr = SecretStr("")
    domain: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""
    lines: Annotated[int, Field(ge=1, le=500)] = 2
    dial: Literal["+e164", "e164", "00e164"] = "+e164"
    ring_limit_s: Seconds = 180.0
    t38: MediaPolicy = MediaPolicy.ACCEPT
    t38_offer_after_s: Annotated[float, Field(ge=0.3, le=30)] = 3.0
    ecm: bool = True
    max_bit_rate: Literal[2400, 4800, 7200, 9600, 12000, 14400] = 14_400


class SipSection(Section):
    """`[sip]`: our own end of the calls."""

    listen: LocalAddress = "127.0.0.1"
    port: Port = 5062
    media_port_low: Port = 0
    media_port_high: Port = 0

    @model_validator(mode="after")
    def _ports_in_order(self) -> Self:
        if self.media_port_low > self.media_port_high:
            raise ValueError("media_port_low must not be above media_port_high (both 0: any free port)")
        if (self.media_port_low == 0) != (self.media_port_high == 0):
            raise ValueError("media_port_low and media_port_high must both be set, or both be 0 for any free port")
        return self


class RetrySection(Section):
    """`[retry]`: after which delays a call is tried again, per reason; when they are used up the job has failed."""

    busy_min: tuple[Minutes, ...] = (2, 3, 5, 5, 10, 10, 15)
    no_answer_min: tuple[Minutes, ...] = (5, 10, 15, 30)
    congestion_min: tuple[Minutes, ...] = (1, 2, 5, 10, 15)
    give_up_after_h: Hours = 24.0


class ReplySection(Section):
    """`[reply]`: the mail server that takes our status mails."""

    host: HostName = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 25
    sender: MailAddress = "fax@localhost"
    user: Line = ""
    password: SecretStr = SecretStr("")
    security: Literal["none", "starttls", "tls"] = "none"
    give_up_after_h: Hours = 72.0

    @model_validator(mode="after")
    def _password_never_in_clear(self) -> Self:
        if self.user and self.security == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError('user needs security = "starttls" or "tls": the password would go out in clear text')
        return self


class DocumentSection(Section):
    """`[document]`: how much one TIFF may cost us."""

    max_pages: Annotated[int, Field(ge=1, le=1000)] = 200
    page_seconds: Seconds = 20.0
    memory_mb: Annotated[int, Field(ge=256)] = 1024
    workers: Annotated[int, Field(ge=1, le=64)] = 2


class LogSection(Section):
    """`[log]`: what the admin reads."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Config(BaseSettings):
    """The whole configuration. Build it with `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
    )

    gateway: GatewaySection = GatewaySection()
    smtp: SmtpSection = SmtpSection()
    senders: SendersSection = SendersSection()
    numbers: NumbersSection = NumbersSection()
    terminal: TerminalSection = TerminalSection()
    trunk: TrunkSection = TrunkSection()
    sip: SipSection = SipSection()
    retry: RetrySection = RetrySection()
    reply: ReplySection = ReplySection()
    document: DocumentSection = DocumentSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _ports_for_all_lines(self) -> Self:
        ports = self.sip.media_port_high - self.sip.media_port_low + 1
        if self.sip.media_port_low and ports < self.trunk.lines:
            raise ValueError(
                f"sip.media_port_low to sip.media_port_high are {ports} ports for {self.trunk.lines} lines"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file (which comes in as init values)."""
        return env_settings, init_settings


def load(path: Path | None) -> Config:
    """The configuration of the file at `path` (None: defaults alone) and the environment; raises `ConfigError`."""
    text = TomlText.read(path) if path else TomlText.empty()
    faults = faulty_variables(os.environ, Config, prefix=ENV_PREFIX, delimiter=ENV_DELIMITER, but=CONFIG_VARIABLE)
    if faults:
        raise ConfigError(faults)
    try:
        return Config(**text.values)
    except ValidationError as error:
        places = Places(text, os.environ, ENV_PREFIX, ENV_DELIMITER)
        raise ConfigError([describe(fault, places, Config) for fault in error.errors()]) from None
