"""The keys of a log-in with OAuth2, as mailboxes and `[reply]` have them: Microsoft 365, Google, others, a command."""

from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mail2fax.config.values import HostName, Line, PemFile, SecretFile, Section

MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"
MICROSOFT_SCOPE = "https://outlook.office365.com/.default"
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
GOOGLE_SCOPE = "https://mail.google.com/"


def is_local(host: str) -> bool:
    """Whether `host` is this machine, and nothing that goes there can be listened to."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _url(text: str) -> str:
    parts = urlsplit(text)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_local(parts.hostname or ""))
    if text and not (safe and parts.hostname and text.isprintable() and " " not in text):
        raise ValueError("must be a URL that begins with https://")
    return text


Url = Annotated[str, AfterValidator(_url)]


class OAuthKeys(Section):
    """Who logs in with a token, and where that is had."""

    auth: Literal["password", "oauth2"] = "password"
    oauth_provider: Literal["microsoft", "google", "generic"] = "generic"
    oauth_tenant: HostName | Literal[""] = ""
    oauth_authority: Url = ""
    oauth_token_url: Url = ""
    oauth_ca: PemFile = ""
    oauth_scope: Line = ""
    oauth_client_id: Line = ""
    oauth_client_secret: SecretStr = SecretStr("")
    oauth_client_secret_file: SecretFile = ""
    oauth_certificate_file: PemFile = ""
    oauth_refresh_token: SecretStr = SecretStr("")
    oauth_refresh_token_file: SecretFile = ""
    oauth_service_account_file: PemFile = ""
    oauth_subject: Line = ""
    token_command: tuple[Annotated[Line, Field(min_length=1)], ...] = ()

    @property
    def token_url(self) -> str:
        """Where tokens are asked for; "" leaves it to the key file of a service account."""
        if self.oauth_token_url:
            return self.oauth_token_url
        if self.oauth_provider == "microsoft":
            authority = (self.oauth_authority or MICROSOFT_AUTHORITY).rstrip("/")
            return f"{authority}/{self.oauth_tenant}/oauth2/v2.0/token"
        return "" if self.oauth_service_account_file or self.oauth_provider == "generic" else GOOGLE_TOKEN_URL

    @property
    def scope(self) -> str:
        usual = {"microsoft": MICROSOFT_SCOPE, "google": "" if self._refreshes else GOOGLE_SCOPE}
        return self.oauth_scope or usual.get(self.oauth_provider, "")

    @property
    def _refreshes(self) -> bool:
        return bool(self.oauth_refresh_token.get_secret_value() or self.oauth_refresh_token_file)

    @property
    def _has_secret(self) -> bool:
        return bool(self.oauth_client_secret.get_secret_value() or self.oauth_client_secret_file)

    @model_validator(mode="after")
    def _token_can_be_had(self) -> Self:
        if self.auth == "oauth2" and not self.token_command:
            problem = self._lacking()
            if problem:
                raise ValueError(f'auth = "oauth2": {problem}')
        return self

    def _lacking(self) -> str:
        if self.oauth_service_account_file:
            return "" if self.oauth_provider == "google" else 'a service account needs oauth_provider = "google"'
        has_key = self._refreshes or self._has_secret or bool(self.oauth_certificate_file)
        lacking = {
            "oauth_client_id is missing (or token_command, or for Google oauth_service_account_file)": (
                not self.oauth_client_id
            ),
            "oauth_tenant is missing: the tenant's ID or domain": (
                self.oauth_provider == "microsoft" and not (self.oauth_tenant or self.oauth_token_url)
            ),
            "oauth_token_url is missing": not self.token_url,
            "Google needs oauth_refresh_token or oauth_service_account_file": (
                self.oauth_provider == "google" and not self._refreshes
            ),
            "oauth_client_secret, oauth_certificate_file or oauth_refresh_token is missing": not has_key,
        }
        return next((problem for problem, is_there in lacking.items() if is_there), "")
