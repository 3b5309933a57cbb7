"""Whatever colour an account has, its pages can be read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.colour import DARK_PAPER, LEAST, LIGHT_PAPER, brand_style, contrast, mix

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS)
def test_any_colour_can_be_read_in_light_and_in_dark(colour: str) -> None:
    schemes = re.findall(r":root \{ (.*?) \}", brand_style(colour))
    for scheme, paper in zip(schemes, (LIGHT_PAPER, DARK_PAPER), strict=True):
        roles = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", scheme))
        assert contrast(roles["act"], paper) >= LEAST
        assert contrast(roles["act-over"], paper) >= LEAST
        assert contrast(roles["on-act"], roles["act"]) >= LEAST
        assert contrast(roles["on-act"], roles["act-over"]) >= LEAST


def test_a_colour_that_is_good_stays() -> None:
    assert "--act: #0c5a55;" in brand_style("#0c5a55")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#abcdef", "#abcdef", 1.0)],
)
def test_contrast_as_the_standard_counts_it(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)


def test_mixing() -> None:
    assert [mix("#102030", "#ffffff", share) for share in (0.0, 0.5, 1.0)] == [
        "#102030",
        "#889098",
        "#ffffff",
    ]
