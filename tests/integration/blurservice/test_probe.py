"""The probe against the service as its image runs it."""

import json
from pathlib import Path

import pytest
from tests.support.blurservice import running
from tests.support.pictures import photos

from faceblur_service.cli import main

ASTRONAUT = {"x": 170, "y": 60, "width": 110, "height": 115}


def test_a_probe_finds_the_face_it_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(photos()[0])
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"pictures": [{"file": "a.jpg", "faces": [ASTRONAUT]}]}))
    target = tmp_path / "faceblur.prom"

    with running(tmp_path) as service:
        status = main(
            ["probe", "--url", service.url, "--labels", str(labels), "--textfile", str(target)]
        )

    assert (status, capsys.readouterr().out.startswith("gray 1.1: recall 1.000 (1 of 1")) == (
        0,
        True,
    )
    line = 'faceblur_probe_faces_total{track="gray",version="1.1",result="found"} 1'
    assert line in target.read_text().splitlines()
