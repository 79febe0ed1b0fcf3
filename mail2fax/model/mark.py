"""The marks that every mail of ours bears, so that one that comes back to us is never taken for an order."""

import re

JOB_FIELD = "X-Mail2fax-Job"
"""The header field of our mails; its value is the job's number. Other gateways of our kind set it, too."""

_OWN_ID = re.compile(r"<job-[0-9]+\.[0-9a-f-]{36}@(?P<hostname>[^<>@]+)>", re.IGNORECASE)


def message_id(job_id: int, token: str, hostname: str) -> str:
    """The Message-ID of a mail of ours about a job; `token` is a UUID, made once for this mail."""
    return f"<job-{job_id}.{token}@{hostname}>"


def is_own_message_id(text: str, hostname: str) -> bool:
    """Whether the gateway called `hostname` has made this Message-ID."""
    found = _OWN_ID.fullmatch(text)
    return found is not None and found["hostname"].lower() == hostname.lower()
