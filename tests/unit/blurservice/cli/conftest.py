"""A folder of pictures, and the command line in it."""

import io
from pathlib import Path

import pytest
from tests.support.pictures import photos

from faceblur_service import models


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a current folder with a photo and a holiday of two photos and something else."""
    monkeypatch.setenv("FACEBLUR_MODELS_DIR", str(models.ensure()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holiday" / "beach").mkdir(parents=True)
    (tmp_path / "photo.jpg").write_bytes(photos()[0])
    (tmp_path / "holiday" / "one.jpg").write_bytes(photos()[1])
    (tmp_path / "holiday" / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "holiday" / "beach" / "two.jpg").write_bytes(photos()[4])
    return tmp_path


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Return what standard input will hold."""
    data = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
    return data
