"""The examples of the command line's page do what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.pictures import photos

from faceblur_service import models

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
WANTED = {
    *("photo.blurred.jpg", "safe.jpg", "report.csv", "safe/one.jpg", "safe/beach/two.jpg"),
    *("piped.jpg", "boxes.json", "looked-at/photo.jpg", "corrected.jpg", "from-python.jpg"),
    *("many/1.jpg", "many/2.jpg"),
}


@pytest.mark.timeout(300)
def test_every_example_runs(tmp_path: Path) -> None:
    (tmp_path / "holiday" / "beach").mkdir(parents=True)
    for name, photo in zip(
        ("photo.jpg", "holiday/one.jpg", "holiday/beach/two.jpg"), photos(), strict=False
    ):
        (tmp_path / name).write_bytes(photo)
    examples = re.findall(r"^```(sh|python)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "FACEBLUR_MODELS_DIR": str(models.ensure()),
    }
    for language, text in examples:
        program = ["bash", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(
            program, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert (done.returncode, text if done.returncode else "") == (0, ""), done.stderr

    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    originals = {"photo.jpg", "holiday/one.jpg", "holiday/beach/two.jpg"}
    ledgers = {".faceblur.jsonl", "safe/.faceblur.jsonl", "looked-at/.faceblur.jsonl"}
    assert made == WANTED | originals | ledgers


@pytest.mark.parametrize("verb", ["blur", "detect", "models", "serve", "probe"])
def test_every_verb_is_on_the_page(verb: str) -> None:
    assert f"usage: faceblur {verb} " in PAGE
