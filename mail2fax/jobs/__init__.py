"""The job and its way from state to state: applied, journalled, and judged after each attempt."""

from mail2fax.jobs.change import Change
from mail2fax.jobs.outbox import Outbox
from mail2fax.jobs.reading import JobReader
from mail2fax.jobs.retry import RetryPolicy, Verdict, judge
from mail2fax.jobs.rows import JournalEntry
from mail2fax.jobs.settings import JobSettings
from mail2fax.jobs.states import Jobs, Receipt

__all__ = [
    "Change",
    "JobReader",
    "JobSettings",
    "Jobs",
    "JournalEntry",
    "Outbox",
    "Receipt",
    "RetryPolicy",
    "Verdict",
    "judge",
]
