"""The refusals of the render process, as one exception that ends the work wherever it stands."""

from mail2fax.model.refusal import Refusal, RefusalCode


class Refused(Exception):
    """This document is not faxed. `refusal` lacks the document's name; `detail` is for the log."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(detail or refusal.code)
        self.refusal = refusal
        self.file = 0
        """Which of several files it is about, from 0."""
        self.detail = detail


def unreadable(problem: str, detail: str = "") -> Refused:
    return Refused(Refusal(RefusalCode.DOCUMENT_UNREADABLE, {"problem": problem}), detail)


def unsupported(page: int, form: str, detail: str = "") -> Refused:
    return unreadable(f"page {page} is in a form that is not supported ({form})", detail)


def damaged(page: int, problem: str, detail: str = "") -> Refused:
    return Refused(Refusal(RefusalCode.DOCUMENT_DAMAGED, {"page": str(page), "problem": problem}), detail)


def too_large(problem: str, detail: str = "") -> Refused:
    return Refused(Refusal(RefusalCode.DOCUMENT_TOO_LARGE, {"problem": problem}), detail)
