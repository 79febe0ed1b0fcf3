"""Work on the store that several tests need."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from mail2fax.store import Session

NOW = datetime(2026, 1, 31, 9, 5, tzinfo=UTC)


def adding(key: str) -> Callable[[Session], int]:
    """Adds a job of the mail `key`, and the mail to those that are known."""

    def work(session: Session) -> int:
        job_id = session.insert(
            "add_job",
            uuid=f"uuid of {key}",
            state="received",
            domain="default",
            terminal="default",
            caller="",
            door="smtp",
            source_key=key,
            spool_name=key,
            size=1,
            received_at=NOW,
            sender_local="user",
            sender_domain="example.com",
            mail_from="user@example.com",
            recipient="fax@example.com",
            subject="+375291554499",
            message_id=None,
            thread="[]",
            automatic=False,
            notify="",
            voice="",
            wishes="",
            now=NOW,
            deadline_at=NOW,
        )
        session.change("add_source", domain="default", kind="smtp", source_key=key, job_id=job_id)
        return job_id

    return work


def killed(path: Path, folder: Path) -> Path:
    """The database at `path`, in a new `folder`, as a process that is killed now leaves it: nothing is closed."""
    folder.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        shutil.copy(path.with_name(name), folder)
    return folder / path.name


def known_mails(session: Session) -> set[str]:
    """The spool names of all jobs."""
    return {row["spool_name"] for row in session.all("spool_names")}
