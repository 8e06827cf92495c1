"""A service around a fake detector."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from tests.support.detectors import FakeDetector

from faceblur_service.geometry import Box
from faceblur_service.gray import SqlitePool
from faceblur_service.settings import Settings
from faceblur_service.web.app import build

SETTINGS = Settings(version="1.1", track="gray", secret_key="test")


@pytest.fixture
def detector() -> FakeDetector:
    return FakeDetector([Box(40, 40, 90, 90, 0.9)])


@pytest.fixture
def pool(tmp_path: Path) -> SqlitePool:
    return SqlitePool(tmp_path / "gray.sqlite")


@pytest.fixture
def app(detector: FakeDetector, pool: SqlitePool) -> Flask:
    return build(SETTINGS, detector, pool)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def picture() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
    return bytes(cv2.imencode(".png", pixels)[1])
