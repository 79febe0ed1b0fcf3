"""The sections that are short: one frozen model each, in the order of `config.example.toml`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from mail2fax.config.oauth import OAuthKeys
from mail2fax.config.told import ToldByDefault
from mail2fax.config.values import (
    Days,
    Digits,
    HostName,
    Hours,
    Line,
    LogFile,
    MailAddress,
    Minutes,
    NumberMaskText,
    Region,
    RunDirectory,
    Seconds,
    SecretFile,
    Section,
    TimeZone,
    of_form,
)
from mail2fax.model.trace import KeepTraces


class GatewaySection(Section):
    """`[gateway]`: where we keep what we must not lose, and what we call ourselves."""

    data_dir: Path = Path("/var/lib/mail2fax")
    run_dir: RunDirectory = ""
    hostname: Annotated[str, of_form(r"[A-Za-z0-9.-]+", "a host name such as fax.example.com")] = "localhost"
    time_zone: TimeZone = "UTC"
    stop_wait_s: Annotated[float, Field(ge=0, le=3600)] = 60.0


class NumbersSection(Section):
    """`[numbers]`: how numbers are read, and which may be dialled."""

    region: Region = "BY"
    area_code: Digits = ""
    allow: tuple[NumberMaskText, ...] = ()
    deny: tuple[NumberMaskText, ...] = ()


class RetrySection(Section):
    """`[retry]`: after which delays a call is tried again, per reason; when they are used up the job has failed."""

    busy_min: tuple[Minutes, ...] = (2, 3, 5, 5, 10, 10, 15, 15, 15, 15)
    no_answer_min: tuple[Minutes, ...] = (5, 10, 15, 30, 30)
    congestion_min: tuple[Minutes, ...] = (0.5, 1, 2, 5, 10, 10, 10, 10, 10, 10)
    out_of_order_min: tuple[Minutes, ...] = (15, 60, 60)
    not_ready_min: tuple[Minutes, ...] = (15, 30)
    no_fax_min: tuple[Minutes, ...] = (10, 30, 30)
    negotiation_min: tuple[Minutes, ...] = (0.25, 1, 5)
    protocol_min: tuple[Minutes, ...] = (1, 3, 5)
    dropped_min: tuple[Minutes, ...] = (0.5, 2, 5)
    local_min: tuple[Minutes, ...] = (1, 2, 5, 10, 15)
    max_dials: Annotated[int, Field(ge=1, le=1000)] = 12
    max_tries: Annotated[int, Field(ge=1, le=1000)] = 4
    give_up_after_h: Hours = 24.0


class ReplySection(OAuthKeys, ToldByDefault):
    """`[reply]`: the mail server that takes our status mails."""

    host: HostName = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 25
    sender: MailAddress = "fax@localhost"
    notify: MailAddress | Literal[""] = ""
    user: Line = ""
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
    security: Literal["none", "starttls", "tls"] = "none"
    give_up_after_h: Hours = 72.0

    @model_validator(mode="after")
    def _password_never_in_clear(self) -> Self:
        if self.auth == "oauth2" and not self.user:
            raise ValueError('auth = "oauth2" needs user: the mailbox that the mails are sent from')
        if self.user and self.security == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError('user needs security = "starttls" or "tls": the password would go out in clear text')
        return self


class AlarmSection(Section):
    """`[alarm]`: when a person is needed, and who that is."""

    admin: MailAddress | Literal[""] = ""
    trunk_calls: Annotated[int, Field(ge=1, le=1000)] = 3
    reply_age_min: Minutes = 30.0
    queue_age_min: Minutes = 60.0


class TraceSection(Section):
    """`[trace]`: the evidence of calls."""

    keep: KeepTraces = KeepTraces.FAILED


class RetentionSection(Section):
    """`[retention]`: for how many days what is done and told is kept."""

    mails_d: Days = 30
    documents_d: Days = 30
    traces_d: Days = 30
    incoming_d: Days = 365
    journal_d: Days = 365

    @model_validator(mode="after")
    def _journal_last(self) -> Self:
        if self.journal_d < max(self.mails_d, self.documents_d, self.traces_d):
            raise ValueError(
                "journal_d must not be less than mails_d, documents_d and traces_d: it knows whose they are"
            )
        return self


class DocumentSection(Section):
    """`[document]`: which files of a mail are faxed, where they may be, and how much they may cost us."""

    accept: Annotated[tuple[Literal["tiff", "pdf", "png", "jpeg"], ...], Field(min_length=1)] = ("tiff",)
    several: Literal["refuse", "join"] = "refuse"
    cover: str = ""
    cover_font: str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
    others: Literal["refuse", "ignore"] = "refuse"
    forwarded: Literal["refuse", "open"] = "refuse"
    winmail: Literal["refuse", "open"] = "refuse"
    max_pages: Annotated[int, Field(ge=1, le=1000)] = 200
    page_seconds: Seconds = 20.0
    memory_mb: Annotated[int, Field(ge=256)] = 1024
    page_phone_s: Seconds = 180.0
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @model_validator(mode="after")
    def _has_cover(self) -> Self:
        for key in ("cover", "cover_font") if self.cover else ():
            if not Path(getattr(self, key)).is_file():
                raise ValueError(f"{key} names no file: {getattr(self, key)}")
        return self

    @model_validator(mode="after")
    def _can_read(self) -> Self:
        lacking = [name for name in ("pypdfium2", "pypdf") if "pdf" in self.accept and find_spec(name) is None]
        if lacking:
            raise ValueError(f'accept has "pdf", which needs the package {lacking[0]}: sudo make install EXTRAS=pdf')
        return self


class LogSection(Section):
    """`[log]`: what the admin reads."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    file: LogFile = ""
