"""Who builds the images: docker only when it can really build them."""

from pathlib import Path

import pytest
from tests.cluster.images import engines
from tests.cluster.images.buildah import Buildah
from tests.cluster.images.docker import Docker


def a_docker(folder: Path, script: str) -> None:
    client = folder / "docker"
    client.write_text(f"#!/bin/sh\n{script}\n")
    client.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "want"),
    [
        pytest.param("exit 1", Buildah, id="a client without an engine"),
        pytest.param('case "$1" in info) echo;; *) exit 1;; esac', Buildah, id="an empty answer"),
        pytest.param(
            'case "$1" in info) echo 28.1;; *) exit 1;; esac', Buildah, id="no registry, no base"
        ),
        pytest.param(
            'case "$1" in info|pull) echo ok;; *) exit 1;; esac', Docker, id="it pulls the base"
        ),
        pytest.param(
            'case "$1" in info|image) echo ok;; *) exit 1;; esac', Docker, id="it has the base"
        ),
    ],
)
def test_engine(script: str, want: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_docker(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    found = engines.engine.__wrapped__()

    assert type(found) is want
