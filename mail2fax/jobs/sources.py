"""By what a mail is known again, so that one order is one fax, however often it comes.

There are four barriers, each a key:

- The door's key: the same envelope and the same bytes. That is a client which lost our 250 (RFC 1047) and says it
  all again. It hears "duplicate of job N", and its sender hears nothing new: he has, or gets, the answer of job N.
- The mailbox's key: the mail's place in it (UID, UIDL), or its very bytes, should the mailbox be rebuilt. That mail is
  one mail for good: it is never taken twice, whatever became of its job, and whomever it belongs to.
- The signature's key: what the domain of the sender has signed, where nothing else shows that the mail is his. Whoever
  has got hold of a signed mail can hand it in again and change whatever is not signed. It counts once, whatever became
  of its job; but one that was refused has dialled nothing, and must not keep the real one out.
- The content's key: Message-ID, sender, number and TIFF. The same order on another way, with other bytes: through a
  second server, redirected, or fetched twice. It becomes a job that is refused as a duplicate of job N.

What comes over HTTP has other keys, for there the client hears the end of its fax: the request (token, number,
terminal, contents) while the fax is under way and ten minutes longer, whatever became of it, and the client's own key
(Idempotency-Key) for as long as the job is known.

The first and the last of the four count within a domain. A key stands for its job for good; without a Message-ID only
for a while, because then nothing tells a repeat from a second order. A fax that was not delivered may always come
again, but not from the same place in a mailbox.
"""

import hashlib
import json
from collections.abc import Collection
from datetime import timedelta
from typing import BinaryIO

from mail2fax.model.job import JobState
from mail2fax.model.mail import Door, Submission
from mail2fax.store import Row, Session, from_text

RETRY = "retry"
"""The kind of the keys of jobs that a person has had tried again: the key is the number of the old job."""
CONTENT = "content"
"""The kind of the keys that no door gave."""
COPY = "copy"
"""The kind of the keys that are the very bytes of a mail in a mailbox, trace fields and all."""

SIGNED = "signed"
"""The kind of the keys that are what a domain has signed."""

FOR_GOOD = frozenset({Door.IMAP.value, Door.POP3.value, COPY, SIGNED})
"""The kinds of keys by which a mail is known for good, in all domains."""
ANY_DOMAIN = ""

ONCE = "once"
"""The kind of the keys that clients of the API have made themselves."""
REQUEST_WINDOW = timedelta(minutes=10)
"""For so long after its end an equal request gets the result of the fax: a client that lost the answer asks again."""

MAY_COME_AGAIN = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.REJECTED})
"""A repeat of such a job is a new job. `unconfirmed` is not among them: that fax may have arrived."""

_CHUNK = 1 << 20


def content_key(submission: Submission, number: str, document: BinaryIO) -> str:
    """The key of a fax by what it is: who sends what where. `number` is E.164, with the
    sub-address where there is one; `document` is the TIFF as it came."""
    document.seek(0)
    content = hashlib.sha256()
    for chunk in iter(lambda: document.read(_CHUNK), b""):
        content.update(chunk)
    told_apart = "\0".join((submission.message_id or "", str(submission.sender), number, content.hexdigest()))
    return hashlib.sha256(told_apart.encode()).hexdigest()


def keys_of(submission: Submission) -> tuple[tuple[str, str], ...]:
    """The keys that come with a mail, each with its kind: its door's, and those of its bytes and its signature."""
    given = (submission.door.value, submission.source_key)
    more = ((COPY, submission.copy_key), (SIGNED, submission.signed_key))
    return (given, *((kind, key) for kind, key in more if key))


def known_job(session: Session, submission: Submission, kind: str, key: str, window: timedelta) -> int | None:
    """The job that a mail with this key is a repeat of; None when it is, or may be, an order of its own."""
    row = session.one("find_source", domain=_domain(submission, kind), kind=kind, source_key=key)
    if row is None or (kind not in FOR_GOOD and _may_come_again(row, submission, kind, window)):
        return None
    if kind == SIGNED and row["state"] == JobState.REJECTED:
        return None
    job_id: int = row["job_id"]
    return job_id


def claim(session: Session, submission: Submission, kind: str, key: str, job_id: int) -> None:
    """From now on the key stands for this job."""
    for statement in ("move_source", "add_source"):
        if session.change(statement, domain=_domain(submission, kind), kind=kind, source_key=key, job_id=job_id):
            return


def hand_on(session: Session, submission: Submission, old: int, new: int) -> None:
    """A job is tried again as a new one: what it was known by stands for the new one from now on."""
    session.change("hand_on_sources", old=old, new=new)
    claim(session, submission, RETRY, str(old), new)


def known_keys(session: Session, kind: str, keys: Collection[str]) -> dict[str, str | None]:
    """Those of `keys` that stand for a job, each with its outcome; of the kinds of mailboxes only."""
    rows = session.all("known_sources", domain=ANY_DOMAIN, kind=kind, source_keys=json.dumps(list(keys)))
    return {row["source_key"]: row["outcome"] for row in rows}


def _domain(submission: Submission, kind: str) -> str:
    return ANY_DOMAIN if kind in FOR_GOOD else submission.domain


def _may_come_again(earlier: Row, submission: Submission, kind: str, window: timedelta) -> bool:
    if kind == ONCE:
        return earlier["state"] is None
    if kind == Door.API:
        return _is_over(earlier, submission)
    if earlier["state"] is None:
        return False  # purged, and delivered or in doubt: the keys of the others go with their job
    if JobState(earlier["state"]) in MAY_COME_AGAIN:
        return True
    return earlier["message_id"] is None and submission.received_at - from_text(earlier["received_at"]) > window


def _is_over(earlier: Row, submission: Submission) -> bool:
    """Whether a request is a new one: its fax has ended, and that long ago."""
    if earlier["state"] is None:
        return True
    ended_for = submission.received_at - from_text(earlier["changed_at"])
    return JobState(earlier["state"]).final and ended_for > REQUEST_WINDOW
