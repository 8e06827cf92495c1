"""Units users write."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_operator.api import units


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("0s", timedelta(0), id="nothing"),
        pytest.param("300ms", timedelta(milliseconds=300), id="milliseconds"),
        pytest.param("30s", timedelta(seconds=30), id="seconds"),
        pytest.param("10m", timedelta(minutes=10), id="minutes, not metres or months"),
        pytest.param("1h30m", timedelta(hours=1, minutes=30), id="two units"),
        pytest.param("1m1m", timedelta(minutes=2), id="a unit twice, as Kubernetes reads it"),
    ],
)
def test_duration_reads_spans(text: str, want: timedelta) -> None:
    assert units.duration(text) == want


@pytest.mark.parametrize("text", ["", "10", "m", "1.5h", "-1s", "1d", " 1s", "1s\n"])
def test_duration_refuses_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        units.duration(text)


@given(st.integers(0, 9_999_999))
def test_duration_of_milliseconds_is_exact(count: int) -> None:
    assert units.duration(f"{count}ms") == timedelta(milliseconds=count)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("0%", 0.0, id="nothing"),
        pytest.param("100%", 1.0, id="everything"),
        pytest.param("99.5%", 0.995, id="a fraction, without dust"),
        pytest.param("0.1%", 0.001, id="a small one"),
    ],
)
def test_fraction_reads_percentages(text: str, want: float) -> None:
    assert units.fraction(text) == want


@pytest.mark.parametrize("text", ["", "%", "5", "-5%", ".5%", "5.%", "5 %", "5%\n"])
def test_fraction_refuses_what_is_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="is not a percentage such as"):
        units.fraction(text)
