"""From the configuration to a grant: what tokens are asked for with."""

from mail2fax.config.oauth import OAuthKeys
from mail2fax.oauth.grant import Grant


def grant_of(keys: OAuthKeys, user: str) -> Grant | None:
    """How the tokens of `user` are had; None where it logs in with a password."""
    if keys.auth != "oauth2":
        return None
    if keys.token_command:
        return Grant(command=keys.token_command)
    return Grant(
        token_url=keys.token_url,
        scope=keys.scope,
        client_id=keys.oauth_client_id,
        client_secret=keys.oauth_client_secret.get_secret_value(),
        certificate_file=keys.oauth_certificate_file,
        # Microsoft has moved on to PSS; others (RFC 7523) mostly have not.
        algorithm="PS256" if keys.oauth_provider == "microsoft" else "RS256",
        refresh_token=keys.oauth_refresh_token.get_secret_value(),
        service_account_file=keys.oauth_service_account_file,
        subject=keys.oauth_subject or user,
        ca=keys.oauth_ca,
    )
