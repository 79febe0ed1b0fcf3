"""How a mailbox is opened with a token (XOAUTH2), whichever protocol it speaks.

The mechanism is Google's and Microsoft's own: developers.google.com, "The SASL XOAUTH2 Mechanism". A server that does
not like the token says why in JSON, asks on, and says no only to an empty answer.
"""

import base64
import binascii

from mail2fax.ingest.mailbox import LoginRefused, MailboxTrouble, one_line
from mail2fax.oauth.causes import refusal_words
from mail2fax.oauth.grant import NoToken
from mail2fax.oauth.source import TokenSource

LONGEST = 400


def xoauth2(user: str, token: str) -> str:
    """What the client says, in base64."""
    return base64.b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()).decode("ascii")


async def token_of(tokens: TokenSource) -> str:
    """A token to log in with; raises `LoginRefused` when the provider says no, else `MailboxTrouble`."""
    try:
        return await tokens.token()
    except NoToken as error:
        words = one_line(f"no token: {error}", LONGEST)
        raise (LoginRefused if error.refused else MailboxTrouble)(words) from error


def token_refused(tokens: TokenSource, token: str, said: str, challenge: str) -> MailboxTrouble:
    """What it means that the server has refused a token: an old one may have been withdrawn, of a new one it is no."""
    words = refusal_words(" ".join(part for part in (said, _plain(challenge)) if part))
    if tokens.refused(token):
        return MailboxTrouble(one_line(f"log-in: a new token is asked for: {words}", LONGEST))
    return LoginRefused(one_line(f"log-in: {words}", LONGEST))


def _plain(challenge: str) -> str:
    try:
        return base64.b64decode(challenge, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
