import pytest

from mail2fax.jobs.causes import FAULT_KINDS, Q850_KINDS, SIP_KINDS, cause_of, kind_of
from mail2fax.model.call import CallEnded, EndedBy, FaxFault
from mail2fax.model.outcome import OutcomeKind as K
from tests.unit.jobs.made import busy, delivered, ended


@pytest.mark.parametrize(
    ("sip_code", "kind"),
    [
        (302, K.WRONG_NUMBER),
        (401, K.TRUNK),
        (403, K.REJECTED),
        (404, K.WRONG_NUMBER),
        (407, K.TRUNK),
        (408, K.CONGESTION),
        (480, K.NO_ANSWER),
        (484, K.WRONG_NUMBER),
        (486, K.BUSY),
        (487, K.NO_ANSWER),
        (488, K.INCOMPATIBLE),
        (500, K.CONGESTION),
        (503, K.CONGESTION),
        (504, K.CONGESTION),
        (600, K.BUSY),
        (603, K.REJECTED),
        (604, K.WRONG_NUMBER),
    ],
)
def test_a_sip_answer_has_its_kind(sip_code: int, kind: K) -> None:
    assert kind_of(ended(sip_code=sip_code)) is kind


@pytest.mark.parametrize(("sip_code", "like"), [(399, 300), (499, 400), (599, 500), (699, 600)])
def test_an_unknown_answer_counts_as_x00_of_its_class(sip_code: int, like: int) -> None:
    """RFC 3261 8.1.3.2."""
    assert kind_of(ended(sip_code=sip_code)) is kind_of(ended(sip_code=like))


@pytest.mark.parametrize(
    ("sip_code", "q850", "kind"),
    [
        (480, 17, K.BUSY),
        (503, 1, K.WRONG_NUMBER),
        (404, 34, K.CONGESTION),
        (500, 18, K.NO_ANSWER),
        (603, 21, K.REJECTED),
        (486, 16, K.BUSY),
        (486, 99, K.BUSY),
    ],
)
def test_the_cause_of_the_telephone_network_says_more_than_the_sip_code(sip_code: int, q850: int, kind: K) -> None:
    """Trap: a gateway makes a generic 480 or 503 of many causes; only the Reason header tells which (RFC 3326)."""
    assert kind_of(ended(sip_code=sip_code, q850=q850)) is kind


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
def test_an_answered_call_is_what_its_fax_was(fault: FaxFault, kind: K) -> None:
    assert kind_of(ended(fault=fault)) is kind


def test_a_cut_after_the_machine_was_heard_is_a_hang_up() -> None:
    for heard in (ended(fault=FaxFault.DROPPED, far_id="+375 17"), ended(fault=FaxFault.DROPPED, bit_rate=9600)):
        assert kind_of(heard) is K.HUNG_UP


def test_a_gateway_that_answers_first_and_learns_later_is_believed_its_bye() -> None:
    assert kind_of(ended(fault=FaxFault.DROPPED, q850=17)) is K.BUSY
    assert kind_of(ended(fault=FaxFault.NO_FAX, q850=16)) is K.NO_FAX
    assert kind_of(ended(fault=FaxFault.TRAINING, q850=17)) is K.LINE_QUALITY


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (ended(EndedBy.RING_LIMIT, sip_code=487), K.NO_ANSWER),
        (ended(EndedBy.RING_LIMIT, sip_code=None), K.NO_ANSWER),
        (ended(EndedBy.TIMEOUT, sip_code=None), K.CONGESTION),
        (ended(EndedBy.TIMEOUT, sip_code=200, fault=FaxFault.DROPPED, bit_rate=9600), K.HUNG_UP),
        (ended(EndedBy.LOCAL_FAULT, sip_code=None), K.FAULT),
        (ended(EndedBy.US, sip_code=None), K.TRUNK),
    ],
    ids=["ring limit", "ring limit, 487 lost", "no answer from the trunk", "lost in mid fax", "local fault", "no code"],
)
def test_an_end_of_our_own_making_has_its_kind(call: CallEnded, kind: K) -> None:
    """Trap: a trunk that is silent for a moment was given up at once; no answer counts as 408 (RFC 3261 8.1.3.1)."""
    assert kind_of(call) is kind


def test_every_fault_of_the_fax_has_a_kind() -> None:
    assert set(FAULT_KINDS) == set(FaxFault)


def test_no_code_means_success() -> None:
    """Only the confirmation of every page does."""
    kinds = {*SIP_KINDS.values(), *Q850_KINDS.values(), *FAULT_KINDS.values()}
    assert not kinds & {K.DELIVERED, K.UNCONFIRMED, K.CANCELLED}


# The peer's own words


def test_the_cause_shows_the_codes_side_by_side() -> None:
    assert cause_of(busy()) == "SIP 486 Busy Here · Q.850 17 · T.30 -"


def test_a_200_beside_a_fax_that_failed_does_not_read_as_success() -> None:
    """Trap: `200 OK` alone in a status mail is read as "it arrived"."""
    failed = ended(fault=FaxFault.TRAINING, code=6, code_name="CANNOT_TRAIN")
    assert cause_of(failed) == "SIP 200 OK (answered) · T.30 6 CANNOT_TRAIN"


def test_the_cause_says_when_there_was_no_answer_at_all() -> None:
    silent = ended(EndedBy.TIMEOUT, sip_code=None, sip_reason="", detail="no answer from 192.0.2.1:5060")
    assert cause_of(silent) == "SIP - · T.30 - · timeout · no answer from 192.0.2.1:5060"


def test_the_cause_is_one_printable_line_of_bounded_length() -> None:
    """Trap: the reason phrase is text from the network, and ends up in logs and mails."""
    hostile = ended(sip_code=486, sip_reason="Busy\r\nBcc: all@example.com\x1b[2J" + "x" * 10_000)
    assert cause_of(hostile).isprintable()
    assert len(cause_of(hostile)) <= 200


def test_a_delivered_call_shows_its_codes_too() -> None:
    assert cause_of(delivered()) == "SIP 200 OK (answered) · T.30 0 OK"
