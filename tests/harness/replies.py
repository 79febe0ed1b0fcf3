"""Status mails as a person's mail program shows them."""

from email.message import EmailMessage


def text_of(reply: EmailMessage) -> str:
    """The plain text of a status mail."""
    return _body(reply, "plain")


def html_of(reply: EmailMessage) -> str:
    """The HTML of a status mail."""
    return _body(reply, "html")


def _body(reply: EmailMessage, kind: str) -> str:
    body = reply.get_body((kind,))
    assert isinstance(body, EmailMessage), f"the mail has no {kind} body"
    return str(body.get_content()).replace("\r\n", "\n")
