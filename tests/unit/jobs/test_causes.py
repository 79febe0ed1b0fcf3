from mail2fax.jobs.causes import cause_of
from mail2fax.model.call import EndedBy, FaxFault
from tests.unit.jobs.made import busy, delivered, ended


def test_the_cause_shows_the_codes_side_by_side() -> None:
    assert cause_of(busy()) == "SIP 486 Busy Here · Q.850 17 · T.30 -"


def test_a_200_beside_a_fax_that_failed_does_not_read_as_success() -> None:
    """Trap: `200 OK` alone in a status mail is read as "it arrived"."""
    failed = ended(fault=FaxFault.TRAINING, code=6, code_name="CANNOT_TRAIN")
    assert cause_of(failed) == "SIP 200 OK (answered) · T.30 6 CANNOT_TRAIN"


def test_the_cause_says_when_there_was_no_answer_at_all() -> None:
    silent = ended(EndedBy.TIMEOUT, sip_code=None, sip_reason="", detail="no answer from 192.0.2.1:5060")
    assert cause_of(silent) == "SIP - · T.30 - · timeout · no answer from 192.0.2.1:5060"
    lost = ended(EndedBy.UNREACHABLE, sip_code=None, sip_reason="")
    assert cause_of(lost) == "SIP - · T.30 - · unreachable"


def test_the_cause_is_one_printable_line_of_bounded_length() -> None:
    """Trap: the reason phrase is text from the network, and ends up in logs and mails."""
    hostile = ended(sip_code=486, sip_reason="Busy\r\nBcc: all@example.com\x1b[2J" + "x" * 10_000)
    assert cause_of(hostile).isprintable()
    assert len(cause_of(hostile)) <= 200


def test_a_delivered_call_shows_its_codes_too() -> None:
    assert cause_of(delivered()) == "SIP 200 OK (answered) · T.30 0 OK"
