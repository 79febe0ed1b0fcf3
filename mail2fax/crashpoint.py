"""Where a power cut would hurt: each step at which what is on the disk and what was told the world may differ.

The steps call `reached`, which does nothing: nothing in this package sets a watcher, and no setting or variable does.
The tests run the daemon from a program of theirs that does, and is killed at each point in turn: `make test-crash`.
"""

from collections.abc import Callable
from enum import StrEnum


class CrashPoint(StrEnum):
    """Every such step, in the order of a mail's way. A point that the tests never reach fails them."""

    # A mail comes in.
    MAIL_WRITTEN = "mail-written"
    """All of it is in `tmp/`, not synced."""
    MAIL_SYNCED = "mail-synced"
    MAIL_RENAMED = "mail-renamed"
    """It is in `new/`, and the directory is not synced."""
    MAIL_KEPT = "mail-kept"
    """The directory is synced; the mail has no row yet."""
    JOB_ADDED = "job-added"
    """Its row is written, within the transaction."""
    JOB_COMMITTED = "job-committed"
    ANSWER_DUE = "answer-due"
    """The client has not heard its 250 yet."""
    ANSWER_GIVEN = "answer-given"

    # A mail is fetched from a mailbox.
    MAIL_FETCHED = "mail-fetched"
    """It is in memory, and not on the disk."""
    FILING_DUE = "filing-due"
    """Its job is committed, or it is refused; in the mailbox it lies where it lay."""
    FILED = "filed"
    """It is moved, or marked for deletion."""
    DELETIONS_DUE = "deletions-due"
    """Mails are marked for deletion (POP3), and the server does not do it before QUIT."""
    DELETIONS_DONE = "deletions-done"

    # It becomes a fax.
    MAIL_PARSED = "mail-parsed"
    DOCUMENT_WRITTEN = "document-written"
    """Rendered and synced, under its temporary name."""
    DOCUMENT_RENAMED = "document-renamed"
    """In its place, and the job does not know it yet."""
    JOB_READY = "job-ready"

    # It is dialled.
    CALL_COMMITTED = "call-committed"
    """The attempt is committed, the engine has no order yet."""
    CALL_ORDERED = "call-ordered"
    """The engine has taken the order."""
    CALL_ANSWERED = "call-answered"
    PAGE_UNDER_WAY = "page-under-way"
    LAST_PAGE_CONFIRMED = "last-page-confirmed"
    """The far end has confirmed the last page, and the journal does not know it yet."""
    LAST_PAGE_COMMITTED = "last-page-committed"
    CALL_ENDED = "call-ended"
    """The end is known, and nothing follows from it yet."""
    CALL_JUDGED = "call-judged"
    """What follows is committed: a final state with its reply, or the next try."""
    JOB_WOKEN = "job-woken"
    """A job whose delay is over is ready again."""

    # People are told.
    REPLY_DUE = "reply-due"
    """The status mail is written, and nobody has it yet."""
    REPLY_TAKEN = "reply-taken"
    """The mail server has said 250 to a status mail, and the outbox does not know it yet."""
    REPLY_SETTLED = "reply-settled"
    ALARM_RAISED = "alarm-raised"
    ALARM_TAKEN = "alarm-taken"
    """The mail server has said 250 to an alarm, and the database does not know it yet."""

    # A fax comes in.
    FAX_BEGUN = "fax-begun"
    """Its row is committed, and the call is not answered."""
    FAX_ANSWERED = "fax-answered"
    FAX_PAGE_CONFIRMED = "fax-page-confirmed"
    """The page is on the disk, the far end has heard that we have it, and the row does not know it yet."""
    FAX_PAGE_NOTED = "fax-page-noted"
    FAX_OVER = "fax-over"
    """The end of the call is known, and nothing follows from it yet."""
    FAX_SETTLED = "fax-settled"
    """The file has its name, and the row does not know it yet."""
    FAX_ENDED = "fax-ended"
    """Its end is committed, and the mail is owed."""
    FAX_TAKEN = "fax-taken"
    """The mail server has said 250 to it, and the database does not know it yet."""
    FAX_MAILED = "fax-mailed"

    # People order.
    SEND_COMMITTED = "send-committed"
    """A fax from the command line is safe; whoever sent it has not heard so."""
    RETRY_KEPT = "retry-kept"
    """The mail is copied for a second try, which has no row yet."""
    RETRY_COMMITTED = "retry-committed"
    CANCEL_ASKED = "cancel-asked"
    """The wish is committed; a call under way is not hung up yet."""
    CANCEL_DONE = "cancel-done"

    # What is old is forgotten.
    MAILS_FORGOTTEN = "mails-forgotten"
    """The rows have forgotten their mails, and the files are still there."""
    DOCUMENTS_FORGOTTEN = "documents-forgotten"

    # We start again.
    CALLS_RECOVERED = "calls-recovered"
    """What was left in mid call is judged; nothing is swept yet."""
    SPOOL_SWEPT = "spool-swept"


_watcher: Callable[[CrashPoint], None] | None = None


def reached(point: CrashPoint) -> None:
    """Says that `point` is reached. Nobody listens, but in tests."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Callable[[CrashPoint], None] | None) -> None:
    """Has `watcher` hear of every point that is reached, in whichever thread that is; for tests alone."""
    global _watcher  # noqa: PLW0603 - a point must cost nothing, and be passed through no constructor
    _watcher = watcher
