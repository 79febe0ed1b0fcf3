"""The configuration: one frozen model per section, in the order of `config.example.toml`.

It is read from a TOML file and from the environment (`MAIL2FAX_SMTP__PORT=2525` sets `smtp.port` and wins over
the file). A key that is not known, or a value that is not right, is a `ConfigError` that names the key, its line
or its environment variable, and what would be right.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mail2fax.config_domains import DomainSection, SendersSection, TerminalSection, sender_rules
from mail2fax.config_errors import ConfigError, Places, TomlText, describe, faulty_variables
from mail2fax.config_secrets import with_secrets
from mail2fax.config_smtp import SmtpSection
from mail2fax.config_values import (
    Days,
    Digits,
    HostName,
    Hours,
    Line,
    LocalAddress,
    LogFile,
    MailAddress,
    Minutes,
    NumberMaskText,
    Port,
    Region,
    RunDirectory,
    Seconds,
    SecretFile,
    Section,
    TimeZone,
)
from mail2fax.model.call import MediaPolicy

ENV_PREFIX = "MAIL2FAX_"
ENV_DELIMITER = "__"
CONFIG_VARIABLE = "MAIL2FAX_CONFIG"


class GatewaySection(Section):
    """`[gateway]`: where we keep what we must not lose, and what we call ourselves."""

    data_dir: Path = Path("/var/lib/mail2fax")
    run_dir: RunDirectory = ""
    hostname: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9.-]+$")] = "localhost"
    time_zone: TimeZone = "UTC"
    stop_wait_s: Annotated[float, Field(ge=0, le=3600)] = 60.0


class NumbersSection(Section):
    """`[numbers]`: how numbers are read, and which may be dialled."""

    region: Region = "BY"
    area_code: Digits = ""
    allow: tuple[NumberMaskText, ...] = ()
    deny: tuple[NumberMaskText, ...] = ()


class TrunkSection(Section):
    """`[trunk]`: the SIP peer that carries the calls."""

    host: HostName = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 5060
    user: Line = ""
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
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
    language: Literal["en", "ru"] = "en"
    notify: MailAddress | Literal[""] = ""
    user: Line = ""
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
    security: Literal["none", "starttls", "tls"] = "none"
    give_up_after_h: Hours = 72.0

    @model_validator(mode="after")
    def _password_never_in_clear(self) -> Self:
        if self.user and self.security == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError('user needs security = "starttls" or "tls": the password would go out in clear text')
        return self


class AlarmSection(Section):
    """`[alarm]`: when a person is needed, and who that is."""

    admin: MailAddress | Literal[""] = ""
    trunk_calls: Annotated[int, Field(ge=1, le=1000)] = 3
    reply_age_min: Minutes = 30.0
    queue_age_min: Minutes = 60.0


class RetentionSection(Section):
    """`[retention]`: for how many days what is done and told is kept."""

    mails_d: Days = 30
    documents_d: Days = 30
    journal_d: Days = 365

    @model_validator(mode="after")
    def _journal_last(self) -> Self:
        if self.journal_d < max(self.mails_d, self.documents_d):
            raise ValueError("journal_d must not be less than mails_d and documents_d: it knows whose they are")
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
    file: LogFile = ""


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
    domain: DomainSection = DomainSection()
    trunk: TrunkSection = TrunkSection()
    sip: SipSection = SipSection()
    retry: RetrySection = RetrySection()
    reply: ReplySection = ReplySection()
    alarm: AlarmSection = AlarmSection()
    retention: RetentionSection = RetentionSection()
    document: DocumentSection = DocumentSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _rules_lead_somewhere(self) -> Self:
        sender_rules(self.senders, self.terminal, self.domain)
        return self

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


def load(path: Path | None, *, secrets: bool = True) -> Config:
    """The configuration of the file at `path` (None: defaults alone) and the environment; raises `ConfigError`.

    Without `secrets` the files that hold them are left alone: who only reads the jobs needs no right to them.
    """
    text = TomlText.read(path) if path else TomlText.empty()
    places = Places(text, os.environ, ENV_PREFIX, ENV_DELIMITER)
    faults = faulty_variables(os.environ, Config, prefix=ENV_PREFIX, delimiter=ENV_DELIMITER, but=CONFIG_VARIABLE)
    if faults:
        raise ConfigError(faults)
    try:
        config = Config(**text.values)
    except ValidationError as error:
        raise ConfigError([describe(fault, places, Config) for fault in error.errors()]) from None
    return with_secrets(config, places) if secrets else config
