"""The whole configuration, and how it is read."""

import os
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mail2fax.config.api import ApiSection
from mail2fax.config.domains import DomainSection, SendersSection, TerminalSection, inboxes, mailbox_rules, sender_rules
from mail2fax.config.errors import ConfigError, Places, TomlText, describe, faulty_variables
from mail2fax.config.incoming import IncomingSection
from mail2fax.config.mailbox import MailboxSection
from mail2fax.config.plain import without_echoes
from mail2fax.config.proof import ProofSection
from mail2fax.config.secrets import with_secrets
from mail2fax.config.sections import (
    AlarmSection,
    DocumentSection,
    GatewaySection,
    LogSection,
    NumbersSection,
    ReplySection,
    RetentionSection,
    RetrySection,
    TraceSection,
)
from mail2fax.config.smtp import SmtpSection
from mail2fax.config.trunk import SipSection, TrunkSection
from mail2fax.model.domain import DEFAULT

ENV_PREFIX = "MAIL2FAX_"
ENV_DELIMITER = "__"
CONFIG_VARIABLE = "MAIL2FAX_CONFIG"


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
    mailbox: MailboxSection = MailboxSection()
    senders: SendersSection = SendersSection()
    proof: ProofSection = ProofSection()
    numbers: NumbersSection = NumbersSection()
    terminal: TerminalSection = TerminalSection()
    domain: DomainSection = DomainSection()
    api: ApiSection = ApiSection()
    trunk: TrunkSection = TrunkSection()
    sip: SipSection = SipSection()
    incoming: IncomingSection = IncomingSection()
    retry: RetrySection = RetrySection()
    reply: ReplySection = ReplySection()
    alarm: AlarmSection = AlarmSection()
    trace: TraceSection = TraceSection()
    retention: RetentionSection = RetentionSection()
    document: DocumentSection = DocumentSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _rules_lead_somewhere(self) -> Self:
        sender_rules(self.senders, self.terminal, self.domain)
        mailbox_rules(self.mailbox.named, self.terminal, self.domain)
        return self

    @model_validator(mode="after")
    def _ports_for_all_lines(self) -> Self:
        places, lines = self.sip.media_places, self.engine_lines
        if self.sip.media_port_low and places < lines:
            raise ValueError(
                f"sip.media_port_high: gives {places} even ports, and there are {lines} lines: make it higher"
            )
        return self

    @model_validator(mode="after")
    def _calls_come_in_somewhere(self) -> Self:
        if not self.incoming.answer:
            return self
        found = inboxes(self.terminal, self.domain)
        if not found:
            raise ValueError("incoming.answer: needs a terminal with a number (or dialled_as) that can be called")
        if not self.api.listen and not any(inbox.deliver_to for inbox in found.values()):
            raise ValueError(
                "incoming.answer: nobody would get the faxes: set deliver_to in [terminal] or [domain], or api.listen"
            )
        return self

    @model_validator(mode="after")
    def _families_that_we_have(self) -> Self:
        ours = ip_address(self.sip.listen)
        named = {f"{trunk.name}: host": trunk.host for trunk in self.trunk.trunks}
        for key, text in {**named, "sip.public_address": self.sip.public_address}.items():
            if (theirs := _address_of(text)) and theirs.version != ours.version and not self.sip.listen_also:
                families = f"IPv{theirs.version}, and sip.listen is IPv{ours.version}"
                step = f"set sip.listen_also to an IPv{theirs.version} address of this machine"
                raise ValueError(f"{key} is {families}: {step}")
        return self

    @model_validator(mode="after")
    def _terminals_name_trunks(self) -> Self:
        known = sorted(trunk.name for trunk in self.trunk.trunks)
        named = {name for entry in self.terminal.named for name in entry.trunks} | {*self.terminal.trunks}
        if strange := sorted(named.difference(known)):
            raise ValueError(f'terminal: there is no trunk "{strange[0]}"; known are {", ".join(known)}')
        return self

    @model_validator(mode="after")
    def _webhooks_name_domains(self) -> Self:
        known = [DEFAULT, *sorted(entry.name for entry in self.domain.named)]
        for hook in self.api.webhook:
            if hook.domain not in known:
                raise ValueError(f'api.webhook: there is no domain "{hook.domain}"; known are {", ".join(known)}')
        return self

    @property
    def most_lines(self) -> int:
        """The most calls of ours at once, over all trunks."""
        return self.sip.lines or sum(trunk.lines for trunk in self.trunk.trunks)

    @property
    def engine_lines(self) -> int:
        """The most calls at once, those that come in among them: neither kind takes the lines of the other."""
        return self.most_lines + (self.incoming.lines if self.incoming.answer else 0)

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


def _address_of(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


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
        raise ConfigError([describe(fault, places, Config) for fault in without_echoes(error.errors())]) from None
    return with_secrets(config, places) if secrets else config
