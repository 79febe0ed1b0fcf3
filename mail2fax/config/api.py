"""`[api]` of the configuration: the door for programs, over HTTP. It is closed unless it has an address."""

from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mail2fax.config.values import (
    ListenAddress,
    Megabytes,
    Name,
    NetworkText,
    PemFile,
    Port,
    Seconds,
    SecretFile,
    Section,
    of_form,
)
from mail2fax.model.domain import DEFAULT

IN_CLEAR = (
    "can be reached from the network, where anybody on the way can read the tokens. Fill api.tls_certificate, or write "
    "insecure_http = true where a proxy in front of it speaks TLS"
)
_URL = r"(https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?)?"


def _hook_url(text: str) -> str:
    place = urlsplit(text)
    try:
        local = place.hostname == "localhost" or ip_address(place.hostname or "").is_loopback
    except ValueError:
        local = False
    usable = text.isascii() and text.isprintable() and " " not in text and place.hostname and "@" not in place.netloc
    if not usable or not (place.scheme == "https" or (place.scheme == "http" and local)):
        raise ValueError("must be an https:// URL without a user in it; http:// is for this machine itself only")
    return text


class WebhookEntry(Section):
    """One of `api.webhook`: who is told how the faxes of a domain have ended."""

    domain: Name = DEFAULT
    url: Annotated[str, AfterValidator(_hook_url)]
    secret: SecretStr = SecretStr("")
    secret_file: SecretFile = ""

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if not (self.secret.get_secret_value() or self.secret_file):
            raise ValueError("a webhook needs secret or secret_file: what it says is signed with that")
        return self


class ApiSection(Section):
    """`[api]`: where programs ask, and how much they may."""

    listen: ListenAddress | Literal[""] = ""
    port: Port = 8025
    tls_certificate: PemFile = ""
    tls_key: PemFile = ""
    insecure_http: bool = False
    proxies: tuple[NetworkText, ...] = ()
    wait_s: Annotated[float, Field(ge=0, le=3600)] = 300.0
    max_upload_mb: Megabytes = 50
    quota_mb: Megabytes = 1000
    max_files: Annotated[int, Field(ge=1, le=100_000)] = 5000
    max_connections: Annotated[int, Field(ge=1)] = 100
    max_connections_per_address: Annotated[int, Field(ge=1)] = 50
    max_failures_per_address: Annotated[int, Field(ge=1)] = 20
    stall_s: Seconds = 30.0
    max_voice_s: Annotated[float, Field(gt=0, le=600)] = 120.0
    public_url: Annotated[str, of_form(_URL, "a URL such as https://fax.example.com, without a question mark")] = ""
    url_needs_token: bool = False
    webhook: tuple[WebhookEntry, ...] = ()
    webhook_private: bool = False

    @model_validator(mode="after")
    def _tokens_never_in_clear(self) -> Self:
        local = self.listen in {"", "localhost"} or ip_address(self.listen).is_loopback
        if not (local or self.tls_certificate or self.insecure_http):
            fault = PydanticCustomError("value_error", "{problem}", {"problem": IN_CLEAR})
            details = InitErrorDetails(type=fault, loc=("listen",), input=self.listen)
            raise ValidationError.from_exception_data("api", [details])
        return self
