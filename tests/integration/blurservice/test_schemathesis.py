"""schemathesis, a stranger to this project, reads the OpenAPI document and tries to break the API.

Against the service as its image runs it, on loopback. Its environment is its own: see `separate`.
"""

import io
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from tests.support import blurservice, separate
from tests.support.pictures import photos

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LOCKED = Path(separate.__file__).with_name("schemathesis.txt")
CONFIG = """
seed = 7
continue-on-failure = true
warnings = false
hooks = "{hooks}"

[generation]
max-examples = {examples}
database = "none"

[checks]
# 414: many boxes do not fit into an address, and no schema can say so.
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 414]
# What it does not know by itself: 408, 413, 414 and 429 refuse too.
negative_data_rejection.expected-statuses = [
  400, 401, 403, 404, 405, 408, 413, 414, 415, 422, 429, 503
]
"""
EXAMPLES = 150
HOOKS = Path(separate.__file__).with_name("schemathesis_hooks.py")


def _pictures(folder: Path) -> Path:
    """Return a folder with a small picture of each format."""
    folder.mkdir()
    pixels = Image.open(io.BytesIO(photos()[4])).resize((64, 60))
    for suffix in ("jpeg", "png", "webp", "avif", "tiff", "gif"):
        pixels.save(folder / f"picture.{suffix}")
    return folder


def _run(folder: Path, url: str) -> "subprocess.CompletedProcess[str]":
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(examples=EXAMPLES, hooks=HOOKS))
    # Nothing but loopback can be reached: the proxy for everything else does not exist.
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return subprocess.run(
        [
            *(str(separate.environment(LOCKED) / "bin" / "st"), "--no-color"),
            *("--config-file", str(config), "run", f"{url}/api/v1/openapi.json"),
            *("--header", "Authorization: Bearer admin"),
        ],
        cwd=folder,
        env={
            **os.environ,
            **nowhere,
            "NO_PROXY": "127.0.0.1",
            "SCHEMATHESIS_PICTURES": str(_pictures(folder / "pictures")),
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_the_api_does_what_its_document_says(tmp_path: Path) -> None:
    with blurservice.running(
        tmp_path, FACEBLUR_ADMIN_TOKEN="admin", FACEBLUR_STALL_SECONDS="2"
    ) as service:
        done = _run(tmp_path, service.url)
        log = service.log.read_text()

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested: 10" in done.stdout
    assert "unexpected error" not in log
    for address in ("blur", "blur/batch", "detect"):
        assert f'"route": "/api/v1/{address}", "status": 200' in log, "pictures were pictures"
