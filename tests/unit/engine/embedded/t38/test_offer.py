import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.t38.offer import ErrorCorrection, T38Parameters, answer_offer, read_attributes


def test_our_offer_says_everything_and_is_read_as_it_was_meant() -> None:
    """Trap 14 of "Seen with real peers": no attribute was needed by either peer; send them all anyway."""
    ours = T38Parameters()
    assert {name for name, _value in ours.attributes()} == {
        "T38FaxVersion",
        "T38MaxBitRate",
        "T38FaxRateManagement",
        "T38FaxMaxBuffer",
        "T38FaxMaxDatagram",
        "T38FaxUdpEC",
    }
    assert read_attributes(ours.attributes()) == ours


def test_false_booleans_are_left_out() -> None:
    """Asterisk takes the presence of `T38FaxFillBitRemoval:0` as true."""
    names = {name.lower() for name, _value in T38Parameters().attributes()}
    assert not names & {"t38faxfillbitremoval", "t38faxtranscodingmmr", "t38faxtranscodingjbig"}


def test_names_and_values_are_compared_without_case() -> None:
    said = read_attributes([("t38faxVERSION", "2"), ("T38FAXUDPEC", "T38udpREDUNDANCY"), ("t38faxmaxdatagram", "238")])
    assert said.version == 2
    assert said.error_correction is ErrorCorrection.REDUNDANCY
    assert said.max_datagram == 238


def test_the_other_names_for_rate_and_datagram_are_understood() -> None:
    said = read_attributes([("T38FaxMaxRate", "9600"), ("T38MaxDatagram", "122")])
    assert (said.max_bit_rate, said.max_datagram) == (9_600, 122)


def test_a_far_end_that_says_nothing_gets_the_defaults_and_no_error_correction() -> None:
    said = read_attributes([])
    assert said == T38Parameters(0, 14_400, 500, 500, ErrorCorrection.NONE)


@pytest.mark.parametrize("nonsense", [None, "", "x", "-1", "0", "12", "99999999999999999999", "٣٠٠", "70000"])
def test_a_datagram_size_that_makes_no_sense_is_the_default(nonsense: str | None) -> None:
    assert read_attributes([("T38FaxMaxDatagram", nonsense)]).max_datagram == 500


def test_a_rate_of_zero_as_some_gateways_write_it_is_the_default() -> None:
    assert read_attributes([("T38MaxBitRate", "0")]).max_bit_rate == 14_400


@pytest.mark.parametrize(("offered", "answered"), [(0, 0), (1, 1), (3, 2)])
def test_the_version_answered_is_no_higher_than_the_one_offered(offered: int, answered: int) -> None:
    """Trap 14 of "Seen with real peers": never answer version 3 to an offer of 0."""
    assert answer_offer(T38Parameters(version=offered), T38Parameters(version=2)).version == answered


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (ErrorCorrection.REDUNDANCY, ErrorCorrection.REDUNDANCY),
        (ErrorCorrection.NONE, ErrorCorrection.NONE),
        (ErrorCorrection.FEC, ErrorCorrection.FEC),
    ],
)
def test_the_error_correction_answered_follows_the_offer(offered: ErrorCorrection, answered: ErrorCorrection) -> None:
    assert answer_offer(T38Parameters(error_correction=offered), T38Parameters()).error_correction is answered


def test_rates_are_managed_by_the_far_end_s_tcf_whatever_was_offered() -> None:
    """T.38 8.1: localTCF is for TCP. Over UDP the TCF travels, as every end seen has it."""
    offered = read_attributes([("T38FaxRateManagement", "localTCF"), ("T38FaxVersion", "0")])
    assert ("T38FaxRateManagement", "transferredTCF") in answer_offer(offered, T38Parameters()).attributes()


@pytest.mark.parametrize("value", ["0", "1", None])
def test_fill_bits_and_transcoding_that_a_far_end_offers_are_not_taken(value: str | None) -> None:
    """Booleans are there or not to Asterisk, 0 or 1 to FreeSWITCH: what is not in the answer is false to both."""
    names = ("T38FaxFillBitRemoval", "T38FaxTranscodingMMR", "T38FaxTranscodingJBIG")
    offered = read_attributes([(name, value) for name in names])
    said = {name for name, _value in answer_offer(offered, T38Parameters()).attributes()}
    assert not said & set(names)


def test_the_answer_says_our_own_sizes() -> None:
    answer = answer_offer(T38Parameters(max_datagram=122, max_buffer=3_000), T38Parameters())
    assert (answer.max_datagram, answer.max_buffer) == (400, 1_024)


@given(st.lists(st.tuples(st.text(max_size=30), st.none() | st.text(max_size=30))))
def test_any_attributes_can_be_read(attributes: list[tuple[str, str | None]]) -> None:
    assert read_attributes(attributes).max_datagram >= 64
