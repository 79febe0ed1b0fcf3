"""What a status mail says, in words and rows, before it is given a form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from mail2fax.model.call import CallEnded, FaxResult, Media
from mail2fax.model.job import Attempt, Job, JobState, Reply
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.reply.words import StateWording, Wording, Words
from mail2fax.reply.words.news import NEWS

_SHOWN_ATTEMPTS = 20
_SHOWN_IGNORED = 10
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; without a label it goes on with the line before."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A subject that can be read in one way only, and the `mailto:` link that begins a mail with it (RFC 6068)."""

    subject: str
    link: str


def state_of(job: Job, words: Words) -> StateWording:
    """How the job's end is told: by its state, unless it was a repeat or a test."""
    if job.outcome == RefusalCode.DUPLICATE:
        labels = words.labels
        return StateWording(labels.duplicate.format(job=job.facts.get("job", labels.unknown)), labels.sent_before)
    if job.outcome == RefusalCode.PREVIEW:
        return StateWording(words.labels.preview, words.labels.only_shown)
    return words.states[job.state]


def wording_of(job: Job, words: Words) -> Wording:
    """Why the job ended as it did, and what can be done."""
    if job.outcome is None:
        raise ValueError(f"job {job.id} is {job.state}, and nothing says why")
    if job.state is JobState.REJECTED:
        return words.refused(Refusal(RefusalCode(job.outcome), job.facts))
    return words.failed(job.outcome, job.facts)


def news_of(reply: Reply, job: Job, words: Words, zone: ZoneInfo) -> str:
    """What is told of a fax before its end, from what was known when that became due."""
    facts = dict.fromkeys(("place", "minutes", "next", "until"), words.labels.unknown) | dict(reply.facts)
    moments = {name: _moment(datetime.fromisoformat(reply.facts[name]), zone) for name in _MOMENTS & set(reply.facts)}
    reason = words.failed(facts["outcome"], reply.facts).sentence if facts.get("outcome") else ""
    to = words.labels.to.format(number=job.number) if job.number else ""
    return NEWS[words.language][reply.kind].opening.format_map(facts | moments | {"to": to, "reason": reason})


_MOMENTS = {"next", "until"}


def rows_before_end(job: Job, words: Words, zone: ZoneInfo) -> tuple[Row, ...]:
    """What is known of a fax before its first call: how many pages it has, what was left out, and when it came."""
    rows = [] if job.pages is None else [Row(words.labels.pages, str(job.pages))]
    if job.ignored:
        rows.append(Row(words.labels.not_faxed, _ignored(job.ignored, words)))
    return (*rows, _received(job, words, zone))


def _received(job: Job, words: Words, zone: ZoneInfo) -> Row:
    received = _moment(job.submission.received_at, zone)
    return Row(words.labels.fax, words.labels.received.format(job=job.id, time=received))


def corrections_of(job: Job) -> tuple[Correction, ...]:
    """The numbers that may have been meant by a subject that was not understood, as new mails to the fax address."""
    if job.state is not JobState.REJECTED:
        return ()
    meant = [job.facts[name] for name in ("first", "second") if name in job.facts]
    return tuple(Correction(number, _mailto(job.submission.recipient, number)) for number in meant)


def _mailto(address: str, subject: str) -> str:
    # RFC 6068 2: everything but the @ is escaped; a space is %20, for a + would be taken for itself.
    return f"mailto:{quote(address, safe='@')}?subject={quote(subject, safe='')}"


def rows_of(job: Job, attempts: Sequence[Attempt], words: Words, zone: ZoneInfo) -> tuple[Row, ...]:
    """The facts of a job in a final state: pages, far end, quality, every call, when it came."""
    labels = words.labels
    calls = [attempt for attempt in attempts if attempt.ended or attempt.outcome != OutcomeKind.FAULT]
    last = calls[-1] if calls else None
    rows = []
    if job.forwarded_from:
        forwarded = labels.forwarded.format(ordered=job.forwarded_from, number=job.number)
        rows.append(Row(labels.number, forwarded))
    if job.pages is not None:
        confirmed = last.pages_confirmed if last else 0
        rows.append(Row(labels.pages, labels.confirmed.format(confirmed=confirmed, pages=job.pages)))
        rows += _pages_by_call(calls, words, zone)
    if job.ignored:
        rows.append(Row(labels.not_faxed, _ignored(job.ignored, words)))
    if last and last.ended:
        rows += _far_end(last.ended.fax, words)
    rows += _calls(calls, words, zone)
    return (*rows, _received(job, words, zone))


def _pages_by_call(calls: Sequence[Attempt], words: Words, zone: ZoneInfo) -> list[Row]:
    """Which pages came over in which call, where that was more than one."""
    brought = [call for call in calls if call.pages_confirmed >= call.first_page]
    if not brought[1:]:
        return []
    rows = []
    for call in brought[-_SHOWN_ATTEMPTS:]:
        first, last = call.first_page, call.pages_confirmed
        pages = str(first) if first == last else f"{first}-{last}"
        rows.append(Row("", words.labels.pages_in_call.format(pages=pages, time=_moment(call.started_at, zone))))
    return rows


def _ignored(names: Sequence[str], words: Words) -> str:
    told = [words.phrase(name) for name in names[:_SHOWN_IGNORED]]
    more = len(names) - len(told)
    return ", ".join([*told, words.labels.and_more.format(count=more)] if more else told)


def _far_end(fax: FaxResult, words: Words) -> list[Row]:
    labels, rows = words.labels, []
    if fax.far_id:
        rows.append(Row(labels.receiver, labels.calls_itself.format(name=fax.far_id)))
    if fax.bit_rate is not None:
        quality = labels.with_correction if fax.ecm else labels.without_correction
        rows.append(Row(labels.quality, quality.format(rate=fax.bit_rate)))
    return rows


def _calls(calls: Sequence[Attempt], words: Words, zone: ZoneInfo) -> list[Row]:
    lines = [_call(attempt, words, zone) for attempt in calls[-_SHOWN_ATTEMPTS:]]
    earlier = len(calls) - len(lines)
    if earlier:
        lines.insert(0, words.labels.earlier.format(count=earlier))
    return [Row("" if number else words.labels.calls, line) for number, line in enumerate(lines)]


def _call(attempt: Attempt, words: Words, zone: ZoneInfo) -> str:
    """One attempt: when, its three results side by side (the call, the media, the fax), and how long it took."""
    line = f"{_moment(attempt.started_at, zone)}  {_answer(attempt.ended, attempt.cause, words)}"
    if attempt.ended_at is None:
        return line
    return f"{line}, {_duration(round((attempt.ended_at - attempt.started_at).total_seconds()), words)}"


def _answer(ended: CallEnded | None, cause: str, words: Words) -> str:
    if ended is None:
        return words.phrase(cause) if cause else words.labels.no_result
    media = f" · {words.media[ended.media]}" if ended.media is not Media.NONE else ""
    return f"{cause}{media}"


def _duration(seconds: int, words: Words) -> str:
    minutes, rest = divmod(seconds, _MINUTE_S)
    whole = f"{minutes} {words.labels.minutes} " if minutes else ""
    return f"{whole}{rest} {words.labels.seconds}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    name = "UTC" if zone.key == UTC.tzname(None) else local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {name}"
