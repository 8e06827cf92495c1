"""Comparing with stable after the answer."""

import io
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from tests.support.detectors import FakeDetector
from tests.unit.blurservice.web.conftest import SETTINGS
from tests.unit.blurservice.web.test_fallback import FakeStable

from faceblur_service.geometry import Box
from faceblur_service.gray import SqlitePool
from faceblur_service.metrics import Metrics
from faceblur_service.options import Sensitivity
from faceblur_service.web.app import build
from faceblur_service.web.fallback import HOP, Guard
from faceblur_service.web.services import KEY
from faceblur_service.web.shadow import MAX_BYTES, Sample, Shadow

ONE, OTHER, THIRD = Box(0, 0, 50, 50), Box(100, 0, 150, 50), Box(100, 100, 150, 150)
SAMPLE = Sample(
    data=b"x", media_type="image/png", sensitivity=Sensitivity.HIGH, boxes=(ONE, OTHER), tags={}
)


def _counts(metrics: Metrics, name: str, *results: str) -> list[float | None]:
    own = {"track": "gray", "version": "1.1"}
    full = f"faceblur_shadow_{name}_total"
    return [metrics.registry.get_sample_value(full, {**own, "result": r}) for r in results]


def _faces(metrics: Metrics) -> list[float | None]:
    return _counts(metrics, "faces", "matched", "missed", "extra")


def _pictures(metrics: Metrics) -> list[float | None]:
    return _counts(metrics, "pictures", "compared", "dropped", "failed")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(track="gray", version="1.1")


def _shadow(stable: FakeStable, metrics: Metrics, percent: int = 100) -> Shadow:
    return Shadow(stable, Guard(at_once=1, percent=100), metrics, percent=percent, rng=lambda: 0.5)


def test_faces_are_matched_missed_and_extra(metrics: Metrics) -> None:
    shadow = _shadow(FakeStable(seen=(Box(2, 2, 52, 52), THIRD)), metrics)

    shadow.offer(SAMPLE, busy=False)
    shadow.settle()

    assert (_faces(metrics), _pictures(metrics)) == ([1, 1, 1], [1, 0, 0])


def test_a_stable_that_fails_counts_no_face(metrics: Metrics) -> None:
    shadow = _shadow(FakeStable(fails=True), metrics)

    shadow.offer(SAMPLE, busy=False)
    shadow.settle()

    assert (_faces(metrics), _pictures(metrics)) == ([0, 0, 0], [0, 0, 1])


@pytest.mark.parametrize(
    ("sample", "busy", "percent", "want"),
    [
        pytest.param(SAMPLE, True, 100, [0, 1, 0], id="under load"),
        pytest.param(
            replace(SAMPLE, data=bytes(MAX_BYTES + 1)), False, 100, [0, 1, 0], id="too large"
        ),
        pytest.param(SAMPLE, False, 50, [0, 0, 0], id="not in the sample"),
        pytest.param(SAMPLE, False, 51, [1, 0, 0], id="in the sample"),
    ],
)
def test_only_a_sample_is_compared_and_load_comes_first(
    metrics: Metrics, sample: Sample, busy: bool, percent: int, want: list[float]
) -> None:
    shadow = _shadow(FakeStable(), metrics, percent)

    shadow.offer(sample, busy=busy)
    shadow.settle()

    assert _pictures(metrics) == want


def _post(app: Flask, picture: bytes, query: str = "", **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent: dict[str, Any] = {"data": picture, "content_type": "image/png", "headers": named}
    app.test_client().post(f"/api/v1/blur{query}", **sent).close()


def test_an_answered_picture_is_compared_once(pool: SqlitePool, picture: bytes) -> None:
    detector = FakeDetector([Box(40, 40, 90, 90, 0.9)])
    stable = FakeStable(seen=(Box(40, 40, 90, 90), THIRD))
    app = build(replace(SETTINGS, shadow_percent=100), detector, pool, stable)
    own = app.extensions[KEY]

    _post(app, picture)
    _post(app, picture)  # from the cache: nothing was looked for
    _post(app, picture + b"0", **{HOP: "1"})  # sent on by another pod
    own.work._helpers.shadow.settle()

    assert (_faces(own.metrics), _pictures(own.metrics)) == ([1, 1, 0], [1, 0, 0])


@pytest.mark.parametrize(
    ("query", "want"),
    [
        pytest.param("", None, id="each version looks as hard as it does by itself"),
        pytest.param("?sensitivity=max", Sensitivity.MAX, id="both look as the caller asked"),
    ],
)
def test_a_version_that_looks_less_hard_by_itself_is_not_its_own_standard(
    pool: SqlitePool, picture: bytes, query: str, want: Sensitivity | None
) -> None:
    stable = FakeStable()
    settings = replace(SETTINGS, shadow_percent=100, sensitivity=Sensitivity.FAST)
    app = build(settings, FakeDetector([]), pool, stable)

    _post(app, picture, query)
    app.extensions[KEY].work._helpers.shadow.settle()

    assert [looked[2] for looked in stable.looked] == [want]


def test_each_picture_of_a_batch_is_compared(pool: SqlitePool, picture: bytes) -> None:
    stable = FakeStable()
    app = build(replace(SETTINGS, shadow_percent=100), FakeDetector([]), pool, stable)
    own = app.extensions[KEY]
    form = {"image": [(io.BytesIO(picture + bytes([n])), "a") for n in range(2)]}

    app.test_client().post("/api/v1/blur/batch?sensitivity=max", data=form).get_data()
    own.work._helpers.shadow.settle()

    assert _pictures(own.metrics) == [2, 0, 0]
    assert [(data, named) for data, _, named, _ in stable.looked] == [
        (picture + bytes([n]), Sensitivity.MAX) for n in range(2)
    ]


def test_a_batch_that_another_pod_sent_on_is_not_compared(pool: SqlitePool, picture: bytes) -> None:
    stable = FakeStable()
    app = build(replace(SETTINGS, shadow_percent=100), FakeDetector([]), pool, stable)
    form = {"image": [(io.BytesIO(picture), "a")]}

    app.test_client().post("/api/v1/blur/batch", data=form, headers={HOP: "1"}).get_data()

    assert stable.looked == []
