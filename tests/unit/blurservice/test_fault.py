"""The switch of the demo's bad image."""

import random

import pytest

from faceblur_service.errors import InjectedFault, SettingsError
from faceblur_service.fault import Fault


def _strikes(fault: Fault, times: int) -> int:
    failed = 0
    for _ in range(times):
        try:
            fault.strike()
        except InjectedFault:
            failed += 1
    return failed


def test_latency_jitters_around_what_was_asked() -> None:
    slept: list[float] = []
    fault = Fault(latency_ms=600, sleep=slept.append, rng=random.Random(1))

    _strikes(fault, 2000)

    assert 0.36 <= min(slept) < 0.42
    assert 0.85 < max(slept) <= 0.96
    assert sum(slept) / len(slept) == pytest.approx(0.64, abs=0.02)


def test_errors_come_at_the_asked_rate() -> None:
    assert _strikes(Fault(error_rate=0.3, rng=random.Random(1)), 5000) == pytest.approx(
        1500, abs=100
    )


def test_an_empty_fault_does_nothing() -> None:
    slept: list[float] = []

    assert _strikes(Fault.from_json("{}"), 100) == 0
    assert slept == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="a list"),
        pytest.param('{"latency": 1}', id="an unknown key"),
        pytest.param('{"latencyMs": "600"}', id="text for a number"),
        pytest.param('{"latencyMs": -1}', id="negative latency"),
        pytest.param('{"latencyMs": true}', id="a flag for a number"),
        pytest.param('{"latencyMs": NaN}', id="not a number"),
        pytest.param('{"errorRate": 1.5}', id="more than all"),
        pytest.param('{"errorRate": "x"}', id="text for a rate"),
    ],
)
def test_bad_json_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^FACEBLUR_FAULT must be JSON like "):
        Fault.from_json(text)
