"""How long a fax may take."""

from mail2fax.engine.embedded.patience import RECEIVING_LIMIT_S, Patience


def test_without_an_agreement_three_minutes_are_enough() -> None:
    patience = Patience([10_000])
    assert patience.overdue(1e9) == ""
    patience.begin(100.0)
    assert patience.overdue(279.0) == ""
    assert patience.overdue(281.0) == "no page was confirmed for 180 s"


def test_a_page_may_take_three_times_what_its_size_asks_for_and_two_minutes() -> None:
    patience = Patience([18_000, 180_000])
    patience.begin(0.0)
    patience.agree(14_400, "MMR")
    assert patience.overdue(149.0) == ""
    assert patience.overdue(151.0) == "no page was confirmed for 150 s"
    patience.confirm_page(20.0)
    assert patience.overdue(379.0) == ""


def test_a_slower_modem_and_a_coarser_coding_get_more_time() -> None:
    patience = Patience([18_000])
    patience.begin(0.0)
    patience.agree(2_400, "MH")
    assert patience.overdue(569.0) == ""
    assert patience.overdue(571.0)


def test_the_whole_call_has_a_limit_of_its_own() -> None:
    """Each page at the very end of its time would make hours of a long document."""
    patience = Patience([180_000] * 100)
    patience.begin(0.0)
    patience.agree(14_400, "MMR")
    for page in range(64):
        assert patience.overdue(page * 360.0) == ""
        patience.confirm_page(page * 360.0)
    patience.confirm_page(23_170.0)
    assert patience.overdue(23_200.0) == "the call took longer than 23180 s"


def test_a_receiver_does_not_know_what_comes_and_waits_longer() -> None:
    patience = Patience([])
    patience.begin(0.0)
    patience.agree(14_400, "MMR")
    assert patience.overdue(1_199.0) == ""
    assert patience.overdue(1_201.0) == "no page was confirmed for 1200 s"
    patience.confirm_page(RECEIVING_LIMIT_S)
    assert patience.overdue(RECEIVING_LIMIT_S + 1.0)


def test_a_rate_that_nobody_knows_is_taken_for_the_lowest() -> None:
    patience = Patience([18_000])
    patience.begin(0.0)
    patience.agree(0, "JBIG")
    assert patience.overdue(290.0) == ""


def test_a_new_beginning_in_t38_has_its_own_phase_b_and_no_longer_call() -> None:
    patience = Patience([18_000])
    patience.begin(0.0)
    patience.agree(14_400, "MMR")
    patience.begin(100.0)
    assert patience.overdue(279.0) == ""
    assert patience.overdue(281.0)
