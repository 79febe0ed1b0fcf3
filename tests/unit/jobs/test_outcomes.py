"""The table of outcomes, row by row: what is written here are the rows of the reference, and what a default
configuration makes of them."""

from dataclasses import replace

import pytest

from mail2fax import wiring
from mail2fax.config import Config
from mail2fax.engine.embedded.spandsp.codes import CompletionCode, fault_of
from mail2fax.jobs.causes import answered, row_of
from mail2fax.jobs.outcomes import FAULTS, OUR_ENDS, PAIRS, Q850, SIP, T30, T38_WANTED
from mail2fax.jobs.retry import Circumstances, Failure, judge
from mail2fax.model.call import CallEnded, EndedBy, FaxFault, Media
from mail2fax.model.job import JobEvent
from mail2fax.model.outcome import Change as C
from mail2fax.model.outcome import Diagnosis as D
from mail2fax.model.outcome import OutcomeKind as K
from mail2fax.model.outcome import RetryClass
from tests.unit.jobs.made import ended

POLICY = wiring.retries(Config())
MOST = 15
"""Calls after which we stop looking: who is still tried again then is so until the deadline."""

NEVER: list[float] = []
BUSY = [2, 3, 5, 5, 10, 10, 15, 15, 15, 15]
NO_ANSWER = [5, 10, 15, 30, 30]
CONGESTION = [0.5, 1, 2, 5, 10, 10, 10, 10, 10, 10]
OUT_OF_ORDER = [15, 60, 60]
NOT_READY = [15, 30]
NO_FAX, KNOWN_FAX = [10], [10, 30, 30]
NEGOTIATION = [0.25, 1, 5]
PROTOCOL = [1, 3, 5]
DROPPED = [0.5, 2, 5]
LOCAL = [1, 2, 5, 10, *[15] * (MOST - 4)]


def waits_of(how: CallEnded, *, rang: bool = False, known: bool = False) -> list[float]:
    """The minutes before each further call, when every one of them ends like `how`."""
    failures: list[Failure] = []
    waits: list[float] = []
    while len(waits) < MOST:
        verdict = judge(how, 5, POLICY, Circumstances(tuple(failures), rang=rang, known_as_fax=known))
        if verdict.wait is None:
            assert verdict.event is JobEvent.GAVE_UP
            return waits
        waits.append(verdict.wait.total_seconds() / 60)
        failures.append(Failure(verdict.outcome.retry, answered(how), verdict.outcome.diagnosis))
    return waits


def refused(sip_code: int, q850: int | None = None) -> CallEnded:
    return replace(ended(sip_code=sip_code, sip_reason="", q850=q850), media=Media.NONE)


def fax_failed(code: int, *, heard: bool = True) -> CallEnded:
    far_id = "+375 17" if heard else None
    return ended(fault=fault_of(code), code=code, code_name=CompletionCode(code).name, far_id=far_id)


# Section 2: SIP answers

SIP_ROWS = [
    *[(code, D.REDIRECTED, K.WRONG_NUMBER, NEVER) for code in (300, 301, 302, 305, 380)],
    (400, D.NOT_UNDERSTOOD, K.TRUNK, [1]),
    (401, D.ACCOUNT_REFUSED, K.TRUNK, LOCAL),
    (407, D.ACCOUNT_REFUSED, K.TRUNK, LOCAL),
    (402, D.NO_CREDIT, K.TRUNK, LOCAL),
    (403, D.FORBIDDEN, K.REJECTED, NEVER),
    (404, D.NO_SUCH_NUMBER, K.WRONG_NUMBER, NEVER),
    *[(code, D.PROVIDER_INCOMPATIBLE, K.TRUNK, LOCAL) for code in (405, 406, 415, 416, 420, 421, 513)],
    (408, D.NETWORK_TIMEOUT, K.CONGESTION, CONGESTION),
    (410, D.NUMBER_CHANGED, K.WRONG_NUMBER, NEVER),
    (413, D.PROVIDER_INCOMPATIBLE, K.TRUNK, LOCAL),
    (414, D.PROVIDER_INCOMPATIBLE, K.TRUNK, LOCAL),
    *[(code, D.IDENTITY_REFUSED, K.TRUNK, LOCAL) for code in (424, 428, 429, 433, 436, 437, 438)],
    (480, D.NOT_REACHABLE, K.NO_ANSWER, NO_ANSWER),
    (481, D.CALL_LOST, K.HUNG_UP, DROPPED),
    (482, D.CALL_CIRCLES, K.CONGESTION, [0.5]),
    (483, D.CALL_CIRCLES, K.CONGESTION, [0.5]),
    (484, D.NUMBER_INCOMPLETE, K.WRONG_NUMBER, NEVER),
    (485, D.NUMBER_AMBIGUOUS, K.WRONG_NUMBER, NEVER),
    (486, D.BUSY, K.BUSY, BUSY),
    (487, D.NOBODY_ANSWERED, K.NO_ANSWER, NO_ANSWER),
    (488, D.CONNECTION_REFUSED, K.INCOMPATIBLE, NEGOTIATION),
    (606, D.CONNECTION_REFUSED, K.INCOMPATIBLE, NEGOTIATION),
    (493, D.ENCRYPTION, K.TRUNK, LOCAL),
    (494, D.ENCRYPTION, K.TRUNK, LOCAL),
    (500, D.NETWORK_FAULT, K.CONGESTION, CONGESTION),
    (501, D.PROVIDER_INCOMPATIBLE, K.TRUNK, LOCAL),
    (505, D.PROVIDER_INCOMPATIBLE, K.TRUNK, LOCAL),
    (502, D.LINE_OUT_OF_ORDER, K.CONGESTION, OUT_OF_ORDER),
    (503, D.NETWORK_OVERLOADED, K.CONGESTION, CONGESTION),
    (504, D.NETWORK_TIMEOUT, K.CONGESTION, CONGESTION),
    (580, D.CONNECTION_REFUSED, K.INCOMPATIBLE, NEGOTIATION),
    (600, D.BUSY_EVERYWHERE, K.BUSY, BUSY),
    (603, D.CALL_REJECTED, K.REJECTED, [5]),
    (604, D.NO_SUCH_NUMBER, K.WRONG_NUMBER, NEVER),
    (607, D.BLOCKED, K.REJECTED, NEVER),
    (608, D.BLOCKED, K.REJECTED, NEVER),
]


@pytest.mark.parametrize(("code", "diagnosis", "kind", "waits"), SIP_ROWS)
def test_a_sip_answer_has_its_row(code: int, diagnosis: D, kind: K, waits: list[float]) -> None:
    row = row_of(refused(code))
    assert (row.diagnosis, row.kind) == (diagnosis, kind)
    assert waits_of(refused(code)) == waits


@pytest.mark.parametrize(("code", "like"), [(399, 300), (499, 400), (599, 500), (699, 600)])
def test_an_unknown_answer_counts_as_x00_of_its_class(code: int, like: int) -> None:
    """RFC 3261 8.1.3.2."""
    assert row_of(refused(code)) is row_of(refused(like))


def test_a_time_out_after_ringing_is_nobody_answering() -> None:
    """Trap: 408 means either "the network did not answer" or "it rang too long"; the 18x tells which."""
    assert waits_of(refused(408), rang=True) == NO_ANSWER
    assert row_of(refused(408), rang=True).kind is K.NO_ANSWER
    assert row_of(refused(486), rang=True).kind is K.BUSY


def test_an_overloaded_network_asks_for_another_trunk_and_a_busy_receiver_does_not() -> None:
    assert row_of(refused(503)).changes == (C.OTHER_TRUNK,)
    assert row_of(refused(486)).changes == row_of(refused(600)).changes == ()


def test_a_trunk_that_forbids_whatever_number_forbids_us() -> None:
    """Trap: 403 is permanent for one number; when every call gets it the account is barred, and faxes must wait."""
    everywhere = Circumstances(forbidden_everywhere=True)
    verdict = judge(refused(403), 5, POLICY, everywhere)
    assert (verdict.event, verdict.outcome.kind, verdict.outcome.retry) == (
        JobEvent.POSTPONED,
        K.TRUNK,
        RetryClass.LOCAL,
    )
    assert judge(refused(404), 5, POLICY, everywhere).event is JobEvent.GAVE_UP


def test_a_trunk_that_does_not_answer_at_all_is_waited_for() -> None:
    silent = replace(ended(EndedBy.TIMEOUT, sip_code=None), media=Media.NONE)
    assert row_of(silent).diagnosis is D.TRUNK_SILENT
    assert waits_of(silent) == LOCAL
    assert row_of(silent, rang=True).diagnosis is D.NOBODY_ANSWERED


@pytest.mark.parametrize("cause", [21, 57, 17])
@pytest.mark.parametrize("code", [401, 402, 407])
def test_a_no_to_our_account_stays_one_whatever_cause_stands_beside_it(code: int, cause: int) -> None:
    """Trap: 407 with cause 21 was the receiver's no, and every fax of a wrong password was given up."""
    assert row_of(refused(code, cause)) is SIP[code]
    assert waits_of(refused(code, cause)) == LOCAL


def test_an_answer_without_audio_for_us_is_a_matter_of_the_negotiation() -> None:
    """Trap: no fax machine was asked, and it read as "no fax machine replied"."""
    no_audio = replace(ended(EndedBy.US, detail="the answer has no audio for us"), media=Media.NONE)
    assert row_of(no_audio).diagnosis is D.CONNECTION_REFUSED
    assert waits_of(no_audio) == NEGOTIATION


def test_ends_of_our_own_making_have_their_rows() -> None:
    rang = replace(ended(EndedBy.RING_LIMIT, sip_code=487), media=Media.NONE)
    assert waits_of(rang) == waits_of(replace(rang, call=replace(rang.call, sip_code=None))) == NO_ANSWER
    not_placed = replace(ended(EndedBy.LOCAL_FAULT, sip_code=None), media=Media.NONE)
    assert waits_of(not_placed) == LOCAL


def test_a_fault_of_ours_in_an_answered_call_is_not_repeated_until_the_deadline() -> None:
    """Trap: a bug that ends every call in its middle would ring somebody's machine every quarter of an hour."""
    assert waits_of(ended(EndedBy.LOCAL_FAULT, fault=FaxFault.DROPPED)) == DROPPED


# Section 3: Q.850 causes, which override the SIP answer

Q850_ROWS = [
    (1, D.NO_SUCH_NUMBER, K.WRONG_NUMBER, NEVER),
    (2, D.NO_SUCH_NUMBER, K.WRONG_NUMBER, NEVER),
    (3, D.NO_ROUTE, K.WRONG_NUMBER, [0.5]),
    (26, D.NO_SUCH_NUMBER, K.WRONG_NUMBER, NEVER),
    (4, D.OUT_OF_SERVICE, K.WRONG_NUMBER, NEVER),
    (22, D.NUMBER_CHANGED, K.WRONG_NUMBER, NEVER),
    (28, D.NUMBER_INCOMPLETE, K.WRONG_NUMBER, NEVER),
    (5, D.NO_SUCH_NUMBER, K.WRONG_NUMBER, NEVER),
    (17, D.BUSY, K.BUSY, BUSY),
    (18, D.NOBODY_ANSWERED, K.NO_ANSWER, NO_ANSWER),
    (19, D.NOBODY_ANSWERED, K.NO_ANSWER, NO_ANSWER),
    (20, D.NOT_REACHABLE, K.NO_ANSWER, NO_ANSWER),
    (21, D.CALL_REJECTED, K.REJECTED, NEVER),
    *[(cause, D.NOT_PLACED, K.CONGESTION, [0.5, 1, 2]) for cause in (25, 29, 30, 31)],
    (27, D.LINE_OUT_OF_ORDER, K.CONGESTION, OUT_OF_ORDER),
    *[(cause, D.NETWORK_OVERLOADED, K.CONGESTION, CONGESTION) for cause in (34, 38, 41, 42, 43, 44, 47)],
    *[(cause, D.BARRED, K.REJECTED, NEVER) for cause in (50, 55, 57, 87)],
    *[(cause, D.SERVICE_REFUSED, K.INCOMPATIBLE, [0.25]) for cause in (58, 63, 65, 69, 70, 79, 88)],
    (102, D.NETWORK_TIMEOUT, K.CONGESTION, CONGESTION),
    (111, D.NETWORK_FAULT, K.CONGESTION, [0.5, 1]),
    (127, D.NETWORK_FAULT, K.CONGESTION, [0.5, 1]),
]


@pytest.mark.parametrize("sip_code", [480, 500, 503])
@pytest.mark.parametrize(("cause", "diagnosis", "kind", "waits"), Q850_ROWS)
def test_a_q850_cause_overrides_the_sip_answer(
    cause: int, diagnosis: D, kind: K, waits: list[float], sip_code: int
) -> None:
    """Trap: a gateway makes a generic 480 or 503 of many causes; only the Reason header tells which (RFC 3326)."""
    row = row_of(refused(sip_code, cause))
    assert (row.diagnosis, row.kind) == (diagnosis, kind)
    assert waits_of(refused(sip_code, cause)) == waits


def test_a_rejection_is_the_users_or_the_networks_as_the_sip_answer_says() -> None:
    assert waits_of(refused(603, 21)) == [5]
    assert waits_of(refused(403, 21)) == NEVER
    assert row_of(refused(403, 21)).diagnosis is D.FORBIDDEN
    assert row_of(refused(600, 17)).diagnosis is D.BUSY_EVERYWHERE


def test_a_cause_that_tells_nothing_leaves_the_word_to_the_sip_answer() -> None:
    assert row_of(refused(486, 16)).diagnosis is row_of(refused(486, 99)).diagnosis is D.BUSY


def test_lines_that_are_all_busy_are_not_a_wrong_number_at_once() -> None:
    """Trap: AudioCodes gateways say 404 with cause 3 when all of their lines are busy."""
    assert waits_of(refused(404, 3)) == [0.5]
    assert waits_of(refused(404, 1)) == NEVER


# Section 4: T.30 completion codes

SLOWER, MEDIUM, RESUME = C.SLOWER, C.OTHER_MEDIUM, C.RESUME
T30_ROWS = [
    (0, D.PAGES_MISSING, K.PROTOCOL, PROTOCOL, {RESUME}),
    (1, D.STRANGE_TONE, K.PROTOCOL, PROTOCOL, {MEDIUM}),
    (2, D.NO_FAX_TONES, K.NO_FAX, NO_FAX, {MEDIUM}),
    (3, D.NO_INTRODUCTION, K.PROTOCOL, PROTOCOL, {MEDIUM}),
    (4, D.OPERATOR_SILENT, K.PROTOCOL, PROTOCOL, set()),
    (5, D.LINE_FAULT, K.LINE_QUALITY, PROTOCOL, {SLOWER, RESUME}),
    (6, D.LINE_TOO_POOR, K.LINE_QUALITY, PROTOCOL, {SLOWER, MEDIUM, C.OTHER_TRUNK, RESUME}),
    (7, D.OPERATOR_FAILED, K.REJECTED, NEVER, set()),
    (8, D.NO_COMMON_MODE, K.INCOMPATIBLE, [0.25], {C.ECM_OFF}),
    (9, D.CANNOT_RECEIVE, K.INCOMPATIBLE, NOT_READY, set()),
    (10, D.CANNOT_BE_POLLED, K.INCOMPATIBLE, NEVER, set()),
    (11, D.RESOLUTION_REFUSED, K.INCOMPATIBLE, [0.25], {C.ECM_OFF}),
    (12, D.SIZE_REFUSED, K.INCOMPATIBLE, [0.25], {C.ECM_OFF}),
    (13, D.UNEXPECTED_ANSWER, K.PROTOCOL, PROTOCOL, {MEDIUM, RESUME}),
    (14, D.TRAINING_REFUSED, K.LINE_QUALITY, PROTOCOL, {SLOWER, MEDIUM, RESUME}),
    (15, D.DISCONNECTED, K.HUNG_UP, DROPPED, {RESUME}),
    (16, D.CORRECTION_FAILED, K.PROTOCOL, PROTOCOL, {C.ECM_OFF_AFTER_TWO, RESUME}),
    (17, D.DISCONNECTED_AT_START, K.PROTOCOL, PROTOCOL, set()),
    (18, D.INVALID_ANSWER, K.PROTOCOL, PROTOCOL, {RESUME}),
    (19, D.NO_INTRODUCTION, K.PROTOCOL, PROTOCOL, {MEDIUM}),
    (20, D.TRAINING_UNANSWERED, K.LINE_QUALITY, PROTOCOL, {SLOWER, MEDIUM, RESUME}),
    (21, D.PAGE_NOT_CONFIRMED, K.HUNG_UP, DROPPED, {RESUME}),
    (22, D.NOT_READY, K.PROTOCOL, PROTOCOL, {C.ECM_OFF_AFTER_TWO, RESUME}),
    *[(code, D.PROTOCOL_FAULT, K.PROTOCOL, PROTOCOL, {RESUME}) for code in range(23, 41)],
    *[(code, D.DOCUMENT_BROKEN, K.FAULT, NEVER, set()) for code in range(41, 47)],
    (48, D.REPEATED_IN_VAIN, K.PROTOCOL, PROTOCOL, {SLOWER, C.ECM_OTHER, RESUME}),
    (49, D.CONNECTION_CUT, K.HUNG_UP, DROPPED, {RESUME}),
    *[(code, D.IDENTIFICATION_REFUSED, K.REJECTED, NEVER, set()) for code in range(50, 62)],
]


@pytest.mark.parametrize(("code", "diagnosis", "kind", "waits", "changes"), T30_ROWS)
def test_a_t30_end_has_its_row(code: int, diagnosis: D, kind: K, waits: list[float], changes: set[C]) -> None:
    row = row_of(fax_failed(code))
    assert (row.diagnosis, row.kind, set(row.changes)) == (diagnosis, kind, changes)
    assert waits_of(fax_failed(code)) == waits


def test_a_server_without_memory_waits_and_yet_calls_nobody_more_than_a_dozen_times() -> None:
    """LOCAL consumes no try; an answered call is one all the same for the machine at its other end."""
    assert waits_of(fax_failed(47)) == LOCAL[: POLICY.max_dials - 1]
    assert row_of(fax_failed(47)).diagnosis is D.OUT_OF_MEMORY


@pytest.mark.parametrize("code", [2, 3, 19])
def test_a_number_that_never_answered_as_a_fax_is_tried_once_more_and_a_known_one_three_times(code: int) -> None:
    """Trap: it may be somebody's telephone, rung again and again."""
    silent = fax_failed(code, heard=False)
    assert row_of(silent).kind is K.NO_FAX
    assert waits_of(silent) == NO_FAX
    assert waits_of(silent, known=True) == KNOWN_FAX


def test_a_call_cut_before_any_machine_was_heard_is_no_fax() -> None:
    """Q.850 16, normal clearing, before the fax: the receiver hung up."""
    for how in (ended(fault=FaxFault.DROPPED, q850=16), ended(fault=FaxFault.NO_FAX, code=49, q850=16)):
        assert (row_of(how).diagnosis, row_of(how).kind) == (D.HUNG_UP_UNHEARD, K.NO_FAX)


def test_a_far_end_that_leaves_since_we_refused_its_t38_is_tried_once_more_in_another_way() -> None:
    """Not "no fax machine": that would send its owner to the machine, and nobody to `trunk.t38`."""
    left = ended(fault=FaxFault.DROPPED, code=49, q850=16)
    wanted = replace(left, call=replace(left.call, t38_refused=True))
    assert (row_of(wanted).diagnosis, row_of(wanted).kind) == (D.T38_WANTED, K.PROTOCOL)
    assert C.OTHER_MEDIUM in row_of(wanted).changes
    assert len(waits_of(wanted)) == 1
    ours = replace(wanted, call=replace(wanted.call, ended_by=EndedBy.US))
    assert row_of(ours).diagnosis is not D.T38_WANTED


def test_a_gateway_that_answers_first_and_learns_later_is_believed_its_bye() -> None:
    assert row_of(ended(fault=FaxFault.DROPPED, q850=17)).kind is K.BUSY
    assert row_of(ended(fault=FaxFault.NO_FAX, code=2, q850=16)).kind is K.NO_FAX
    assert row_of(ended(fault=FaxFault.TRAINING, code=6, q850=17)).kind is K.LINE_QUALITY


def test_all_well_with_pages_missing_is_what_the_frames_showed() -> None:
    """Trap: libspandsp ends with OK when RTN answered the last page: the far end could not read it."""
    assert row_of(ended(fault=FaxFault.TRAINING, code=0, far_id="+375 17")).kind is K.LINE_QUALITY
    assert row_of(ended(fault=FaxFault.NONE, code=0)).kind is K.PROTOCOL


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (FaxFault.NONE, K.PROTOCOL),
        (FaxFault.NOT_STARTED, K.NO_FAX),
        (FaxFault.NO_FAX, K.NO_FAX),
        (FaxFault.INCOMPATIBLE, K.INCOMPATIBLE),
        (FaxFault.TRAINING, K.LINE_QUALITY),
        (FaxFault.PROTOCOL, K.PROTOCOL),
        (FaxFault.DROPPED, K.NO_FAX),
        (FaxFault.NOT_CONFIRMED, K.HUNG_UP),
        (FaxFault.DOCUMENT, K.FAULT),
        (FaxFault.REFUSED, K.REJECTED),
        (FaxFault.LOCAL, K.FAULT),
    ],
)
def test_a_fax_without_a_code_is_what_its_fault_was(fault: FaxFault, kind: K) -> None:
    assert row_of(ended(fault=fault)).kind is kind


# The table as a whole


def test_the_rows_here_are_all_there_are() -> None:
    assert {code for code, *_ in SIP_ROWS} == set(SIP) - {422, 423, 491}, "these three are never final"
    assert {cause for cause, *_ in Q850_ROWS} == set(Q850)
    assert {code for code, *_ in T30_ROWS} == set(T30) - {47} == set(CompletionCode) - {47}
    assert set(FAULTS) == set(FaxFault)


def test_every_diagnosis_has_a_row_and_none_means_success() -> None:
    """Only the confirmation of every page does."""
    rows = [*SIP.values(), *Q850.values(), *PAIRS.values(), *T30.values(), *FAULTS.values(), *OUR_ENDS.values()]
    rows += [T38_WANTED, row_of(ended(fault=FaxFault.DROPPED)), row_of(ended(EndedBy.TIMEOUT, sip_code=None))]
    assert {row.diagnosis for row in rows} == set(D)
    assert not {row.kind for row in rows} & {K.DELIVERED, K.UNCONFIRMED, K.CANCELLED, K.INTERRUPTED}
