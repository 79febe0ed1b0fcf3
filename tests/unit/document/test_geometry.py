"""Where a page goes on the fax: by inches, never by the shape of its pixels."""

import math

import pytest

from mail2fax.document.geometry import Dpi, Fit, believable, fax_form, fit, resolution_of
from mail2fax.model.document import Resolution

FINE, STANDARD = Resolution.FINE, Resolution.STANDARD


def guessed(width: int, height: int, *, bilevel: bool = True) -> Fit:
    return fit(width, height, resolution_of(width, height, None, bilevel=bilevel), FINE)


def test_a_page_at_204_by_98_is_portrait_although_it_is_wider_than_high_in_pixels() -> None:
    """Trap: 1728x1143 at 204x98 is portrait."""
    assert fit(1728, 1143, (204, 98), FINE) == Fit(1728, 2286, turned=False)


@pytest.mark.parametrize(
    ("width", "height", "dpi", "expected"),
    [
        (2480, 3508, 300, Fit(1686, 2292, turned=False)),  # A4
        (4960, 7016, 600, Fit(1686, 2292, turned=False)),
        (2550, 4200, 300, Fit(1728, 2735, turned=False)),  # Legal, a little narrower than its 8.5 inches
        (3508, 2480, 300, Fit(1686, 2292, turned=True)),  # A4, landscape
        (3508, 4960, 300, Fit(1728, 2347, turned=False)),  # A3
        (4960, 3508, 300, Fit(1728, 2347, turned=True)),  # A3, landscape
        (2048, 2850, 204, Fit(1728, 2310, turned=False)),  # B4
        (944, 5900, 300, Fit(642, 3855, turned=False)),  # a till receipt of half a metre
    ],
)
def test_pages_fit_the_paper_by_their_physical_size(width: int, height: int, dpi: int, expected: Fit) -> None:
    assert fit(width, height, (dpi, dpi), FINE) == expected


@pytest.mark.parametrize("width", [1, 10, 500, 1728, 1729, 3000, 20_000])
@pytest.mark.parametrize("height", [1, 100, 5000])
def test_nothing_is_ever_wider_than_the_paper_nor_empty(width: int, height: int) -> None:
    for dpi in ((50.0, 50.0), (204.0, 98.0), (300.0, 300.0), (2400.0, 2400.0)):
        place = fit(width, height, dpi, FINE)
        assert 1 <= place.width <= 1728
        assert place.height >= 1


def test_a_small_picture_is_not_blown_up() -> None:
    assert fit(300, 150, (300, 300), FINE) == Fit(204, 98, turned=False)


def test_a_logo_without_resolution_is_not_blown_up_to_a_page() -> None:
    assert guessed(100, 50, bilevel=False) == Fit(283, 136, turned=False)


def test_a_picture_without_resolution_is_taken_for_a_page_of_a4() -> None:
    assert guessed(800, 1131, bilevel=False) == Fit(1687, 2291, turned=False)


@pytest.mark.parametrize(
    "dpi", [None, (1, 1), (0, 0), (49, 49), (3000, 3000), (math.nan, 204), (math.inf, 196), (-204, 196), (600, 100)]
)
def test_nonsense_resolutions_are_not_believed(dpi: Dpi | None) -> None:
    """Trap: dpi that is missing, NaN, < 50, > 2400, or with x/y outside 0.2 to 5."""
    assert not believable(dpi)


@pytest.mark.parametrize("dpi", [(204, 98), (204, 391), (72, 72), (1200, 1200), (200.1, 199.9)])
def test_honest_resolutions_are_believed(dpi: Dpi) -> None:
    assert believable(dpi)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1728, 2292, (204, 196)),
        (1728, 1143, (204, 98)),
        (1728, 1400, (204, 98)),
        (1728, 1401, (204, 196)),
        (2048, 2850, (204, 196)),
        (2432, 1621, (204, 98)),
    ],
)
def test_a_fax_width_without_resolution_means_204_dots_per_inch(width: int, height: int, expected: Dpi) -> None:
    assert resolution_of(width, height, None, bilevel=True) == expected


def test_a_photograph_that_is_as_wide_as_a_b4_fax_is_not_stretched() -> None:
    across, down = resolution_of(2048, 1536, None, bilevel=False)
    assert across == down


@pytest.mark.parametrize(
    ("dpi", "form"),
    [
        ((204, 196), FINE),
        ((203, 196), FINE),
        ((200, 200), FINE),
        ((204, 98), STANDARD),
        ((200, 100), STANDARD),
        (None, FINE),
        ((1, 1), FINE),
        ((204, 391), None),
        ((300, 300), None),
    ],
)
def test_which_pages_have_the_form_of_a_fax(dpi: Dpi | None, form: Resolution | None) -> None:
    assert fax_form(1728, 2292, dpi) is form


def test_a_page_of_another_width_has_not_the_form_of_a_fax() -> None:
    assert fax_form(1727, 2292, (204, 196)) is None
