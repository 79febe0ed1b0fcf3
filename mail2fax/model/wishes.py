"""The words for how a sender wants to be told of his fax: in which language, how often, in which form, with a copy."""

from dataclasses import dataclass
from enum import StrEnum


class News(StrEnum):
    """What is told before the end, once each. The values stand in the configuration and in the database."""

    ACCEPTED = "accepted"
    """The fax is prepared and stands in the queue."""
    DELAYED = "delayed"
    """The first call came to nothing, and there will be others."""


class Copy(StrEnum):
    """What of the fax is attached to the news of its delivery."""

    NONE = "none"
    THUMBNAIL = "thumbnail"
    """A small picture of its first page."""
    PDF = "pdf"
    """All pages, dot for dot as they were sent."""


class Report(StrEnum):
    """The form of a status mail."""

    MAIL = "mail"
    DSN = "dsn"
    """A delivery status notification for programs (RFC 3464), with the text for people in it."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the rule that let the mail in says of its status mails; `language` "" is the letterhead's."""

    language: str = ""
    news: tuple[News, ...] = ()
    copy: Copy = Copy.NONE
    report: Report = Report.MAIL


NO_WISHES = Wishes()
