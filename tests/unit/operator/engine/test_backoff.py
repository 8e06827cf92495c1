"""How long a rollout waits after a look that failed."""

from datetime import timedelta

import pytest

from faceblur_operator.engine.backoff import Backoff
from faceblur_operator.ports.errors import ConflictError, RefusedError, UnreachableError


def seconds(backoff: Backoff, error: Exception, times: int) -> list[float]:
    return [backoff.failed(error).total_seconds() for _ in range(times)]


@pytest.mark.parametrize(
    ("error", "want"),
    [
        pytest.param(
            UnreachableError("x"),
            [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5],
            id="an API server out of reach: doubled up to five seconds",
        ),
        pytest.param(
            ConflictError("x"),
            [0, 0, 0, 0.8, 1.6, 3.2, 5, 5],
            id="a conflict: at once, unless it goes on",
        ),
        pytest.param(RefusedError("x"), [30] * 8, id="a refusal: slowly"),
        pytest.param(ValueError("x"), [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5], id="a bug"),
    ],
)
def test_delays_grow_with_failures_in_a_row(error: Exception, want: list[float]) -> None:
    assert seconds(Backoff(lambda: 1.0), error, 8) == want


def test_success_starts_over() -> None:
    backoff = Backoff(lambda: 1.0)
    seconds(backoff, UnreachableError("x"), 5)

    backoff.succeeded()

    assert backoff.failed(UnreachableError("x")) == timedelta(seconds=0.1)


def test_chance_spreads_between_half_and_all() -> None:
    assert Backoff(lambda: 0.0).failed(UnreachableError("x")) == timedelta(seconds=0.05)
