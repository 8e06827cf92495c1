"""schemathesis, a stranger to this project, reads the OpenAPI document and tries to break the API.

Against the service as its image runs it, on loopback. Its environment is its own: see `separate`.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tests.support import blurservice, separate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LOCKED = Path(separate.__file__).with_name("schemathesis.txt")
# Bytes that are a file to a schema are no picture: "valid data is accepted" cannot be told of them.
CONFIG = """
seed = 7
continue-on-failure = true
warnings = false

[generation]
max-examples = {examples}
database = "none"

[checks]
positive_data_acceptance.enabled = false
# What it does not know by itself: 408, 413, 414 and 429 refuse too.
negative_data_rejection.expected-statuses = [
  400, 401, 403, 404, 405, 408, 413, 414, 415, 422, 429, 503
]
"""
EXAMPLES = 150


def _run(folder: Path, url: str) -> "subprocess.CompletedProcess[str]":
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(examples=EXAMPLES))
    # Nothing but loopback can be reached: the proxy for everything else does not exist.
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return subprocess.run(
        [
            *(str(separate.environment(LOCKED) / "bin" / "st"), "--no-color"),
            *("--config-file", str(config), "run", f"{url}/api/v1/openapi.json"),
            *("--header", "Authorization: Bearer admin"),
        ],
        cwd=folder,
        env={**os.environ, **nowhere, "NO_PROXY": "127.0.0.1"},
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
