"""What values in the configuration may be: the types of single keys, each with a message that says what is right."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mail2fax.config.secrets import secret_place
from mail2fax.model.domain import STATION_ID_LENGTH
from mail2fax.model.mask import NumberMask, SenderMask

_T30_CHARACTERS = frozenset("+0123456789 ")


def _listen_address(host: str) -> str:
    try:
        return host if host == "localhost" else str(ip_address(host))
    except ValueError:
        raise ValueError("must be an IP address of this machine, or 0.0.0.0 or :: for all of them") from None


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError('must be an IP address or a network such as "192.0.2.0/24"') from None


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


def one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable characters on one line")
    return text


def _run_directory(text: str) -> str:
    if text and not (text.startswith("/") and text.isprintable()):
        raise ValueError("must be an absolute path such as /run/mail2fax, or empty for data_dir")
    return text


def _absolute(text: str) -> str:
    if text and not (text.startswith("/") and text.isprintable()):
        raise ValueError("must be an absolute path such as /var/log/mail2fax/mail2fax.log, or empty for stderr")
    return text


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError('must be a time zone such as "Europe/Minsk" or "UTC"') from None
    return text


def _sender_mask(text: str) -> str:
    SenderMask.parse(text)
    return text


def _number_mask(text: str) -> str:
    NumberMask.parse(text)
    return text


def _pem_file(text: str) -> str:
    if text and not (text.startswith("/") and text.isprintable()):
        raise ValueError("must be an absolute path of a PEM file, such as /etc/mail2fax/tls.pem")
    return text


def of_form(pattern: str, words: str) -> AfterValidator:
    """What is wholly of this form; `words` say after "must be" what that is."""
    form = re.compile(pattern)

    def checked(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(f"must be {words}")
        return text

    return AfterValidator(checked)


Port = Annotated[int, Field(ge=0, le=65_535)]
ListenAddress = Annotated[str, AfterValidator(_listen_address)]
NetworkText = Annotated[str, AfterValidator(_network)]
LocalAddress = Annotated[str, AfterValidator(_ip_address)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Region = Annotated[str, AfterValidator(_region)]
HostName = Annotated[str, of_form(r"[A-Za-z0-9._:-]+", "a host name or an IP address, such as mail.example.com")]
Digits = Annotated[str, AfterValidator(_digits)]
StationId = Annotated[str, AfterValidator(_station_id)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
SenderMaskText = Annotated[str, AfterValidator(_sender_mask)]
NumberMaskText = Annotated[str, AfterValidator(_number_mask)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Minutes = Annotated[float, Field(gt=0, le=10_080)]
Hours = Annotated[float, Field(gt=0, le=8_760)]
Days = Annotated[float, Field(gt=0, le=36_500)]
Megabytes = Annotated[float, Field(gt=0, le=1_000_000)]
Line = Annotated[str, AfterValidator(one_line)]
_NAME, _NAME_WORDS = r"[a-z0-9][a-z0-9._-]{0,63}", "a name of a-z, 0-9, dot and dash, such as office-2"
Name = Annotated[str, of_form(_NAME, _NAME_WORDS)]
NameOrNone = Annotated[str, of_form(f"({_NAME})?", _NAME_WORDS)]
SecretFile = Annotated[str, AfterValidator(secret_place)]
RunDirectory = Annotated[str, AfterValidator(_run_directory)]
LogFile = Annotated[str, AfterValidator(_absolute)]
PemFile = Annotated[str, AfterValidator(_pem_file)]


class Section(BaseModel):
    """One table of the file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)
