"""How senders are told of their faxes: keys of `[reply]` for all of them, and of a rule for its own."""

import warnings
from typing import Literal, Protocol

from mail2fax.config.values import Section
from mail2fax.model.wishes import Copy, News, Report, Wishes

LanguageText = Literal["en", "ru"]
NewsText = Literal["accepted", "delayed"]
CopyText = Literal["none", "thumbnail", "pdf"]
ReportText = Literal["mail", "dsn"]

with warnings.catch_warnings():
    # BaseModel has a method of that name, which is out of use; the key is called so nevertheless.
    warnings.filterwarnings("ignore", message='Field name "copy"')

    class Told(Section):
        """What a rule may say of the status mails of its senders; what is empty is as in `[reply]`."""

        language: LanguageText | Literal[""] = ""
        news: tuple[NewsText | Literal["none"], ...] = ()
        copy: CopyText | Literal[""] = ""  # type: ignore[assignment]
        report: ReportText | Literal[""] = ""

    class ToldByDefault(Section):
        """The same in `[reply]`, where nothing is left open."""

        language: LanguageText = "en"
        news: tuple[NewsText, ...] = ()
        copy: CopyText = "none"  # type: ignore[assignment]
        report: ReportText = "mail"


class TellingRule(Protocol):
    """A rule, as far as it says how its senders are told."""

    @property
    def language(self) -> str: ...
    @property
    def news(self) -> tuple[str, ...]: ...
    @property
    def report(self) -> str: ...


def wishes_of(rule: TellingRule, of_all: Wishes) -> Wishes:
    """What a rule says, and where it says nothing what `[reply]` does."""
    copied = getattr(rule, "copy")  # noqa: B009 - for mypy it is the method of that name
    return Wishes(
        language=rule.language or of_all.language,
        news=tuple(News(text) for text in rule.news if text != "none") if rule.news else of_all.news,
        copy=Copy(copied) if copied else of_all.copy,
        report=Report(rule.report) if rule.report else of_all.report,
    )


def wishes_of_all(section: ToldByDefault) -> Wishes:
    """What `[reply]` says; its language is that of the letterhead."""
    return Wishes("", tuple(map(News, section.news)), Copy(section.copy), Report(section.report))
