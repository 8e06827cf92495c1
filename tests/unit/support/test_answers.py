"""The sums over answers."""

import pytest
from tests.support.answers import Answer, Share, failed, percentile_s, share_of, summary

STABLE = Answer(0, 1, 200, "stable")
GRAY = Answer(0, 1, 200, "gray")
NOBODY = Answer(0, 1, 0, error="TimeoutError")


def lasting(*seconds: float) -> list[Answer]:
    return [Answer(10, 10 + one, 200) for one in seconds]


@pytest.mark.parametrize(
    ("answers", "want", "want_text"),
    [
        pytest.param([], Share(0, 0), "0.0 % (0 of 0)", id="nothing yet"),
        pytest.param([STABLE] * 19 + [GRAY], Share(1, 20), "5.0 % (1 of 20)", id="one in twenty"),
        pytest.param([GRAY, NOBODY], Share(1, 1), "100.0 % (1 of 1)", id="no answer is nobody's"),
    ],
)
def test_share(answers: list[Answer], want: Share, want_text: str) -> None:
    share = share_of(answers)

    assert (share, str(share)) == (want, want_text)


@pytest.mark.parametrize(
    ("answers", "percent", "want"),
    [
        pytest.param([], 95, 0.0, id="none"),
        pytest.param(lasting(3), 95, 3.0, id="one"),
        pytest.param(lasting(*range(1, 101)), 95, 95.0, id="nearest rank of a hundred"),
        pytest.param(lasting(4, 1, 3, 2), 50, 2.0, id="order does not matter"),
        pytest.param(lasting(4, 1, 3, 2), 100, 4.0, id="the slowest"),
    ],
)
def test_percentile(answers: list[Answer], percent: float, want: float) -> None:
    assert percentile_s(answers, percent) == want


def test_only_success_is_not_failed() -> None:
    answers = [Answer(0, 1, status) for status in (0, 200, 204, 302, 404, 503)]

    assert [one.status for one in failed(answers)] == [0, 302, 404, 503]


def test_a_summary_names_every_kind() -> None:
    said = summary([STABLE, STABLE, GRAY, NOBODY])

    assert said == "1 × 200 from gray; 1 × TimeoutError from nobody; 2 × 200 from stable"
