from mail2fax.engine.embedded.report import Report, fax_result
from mail2fax.engine.embedded.spandsp import events as t30
from mail2fax.engine.embedded.spandsp.terminal import TerminalResult
from mail2fax.model.call import CallEvent, FaxFault, Media, Negotiated, PageConfirmed, PageProgress

AGREED = t30.Parameters(14_400, ecm=True, coding="MMR", resolution="204x196", far_id="+49 221 1234567")
SLOWER = t30.Parameters(9_600, ecm=True, coding="MMR", resolution="204x196", far_id="+49 221 1234567")


def told(report: Report, *events: t30.TerminalEvent) -> list[CallEvent]:
    return [event for one in events for event in report.tell(one)]


def test_what_was_negotiated_is_told_when_it_changes_and_only_then() -> None:
    report = Report()
    assert report.begin(Media.G711) == [Negotiated(Media.G711)]
    rates = [event.bit_rate for event in told(report, AGREED, AGREED, SLOWER) if isinstance(event, Negotiated)]
    assert rates == [14_400, 9_600]


def test_a_fresh_terminal_has_agreed_on_nothing_yet() -> None:
    report = Report()
    report.begin(Media.G711)
    told(report, AGREED, t30.PageProgress(1))
    assert report.begin(Media.T38) == [Negotiated(Media.T38)]
    assert not report.page_data_flows


def test_falling_back_keeps_what_the_audio_has_agreed_on() -> None:
    report = Report()
    report.begin(Media.G711)
    told(report, AGREED)
    assert report.fall_back() == [Negotiated(Media.G711_FALLBACK, 14_400, True, "MMR", "204x196", "+49 221 1234567")]
    assert report.fall_back() == []
    assert report.media is Media.G711_FALLBACK


def test_progress_is_told_at_each_step_of_five_percent_and_at_the_end() -> None:
    report = Report()
    report.begin(Media.T38)
    percents = [
        event.percent
        for n in range(101)
        for event in told(report, t30.PageProgress(1, n))
        if isinstance(event, PageProgress)
    ]
    assert percents == list(range(0, 101, 5))
    assert told(report, t30.PageProgress(1, 100)) == []


def test_a_page_without_percents_is_told_once() -> None:
    report = Report()
    report.begin(Media.T38)
    assert told(report, t30.PageProgress(1), t30.PageProgress(1), t30.PageProgress(2)) == [
        PageProgress(1),
        PageProgress(2),
    ]


def test_a_page_that_begins_again_after_a_retrain_is_told_in_new_steps_only() -> None:
    report = Report()
    report.begin(Media.T38)
    assert told(report, t30.PageProgress(1, 40), t30.PageProgress(1, 0), t30.PageProgress(1, 47)) == [
        PageProgress(1, 40),
        PageProgress(1, 47),
    ]


def test_confirmations_are_passed_on_and_frames_are_not() -> None:
    report = Report()
    frame = t30.Frame(t30.Direction.RECEIVED, "MCF")
    assert told(report, frame, t30.PageConfirmed(1, last=True), t30.Finished(0, "OK")) == [PageConfirmed(1, last=True)]


def test_a_session_without_an_end_has_no_code() -> None:
    result = TerminalResult(
        -1, "", FaxFault.NOT_STARTED, 0, 0, last_confirmed=False, far_id=None, bit_rate=None, ecm=None
    )
    assert fax_result(result).code is None
