"""Images: what decides whether one is built again, and what an archive written by hand holds."""

import dataclasses
import json
import tarfile
from pathlib import Path

import pytest
import yaml
from tests.cluster import ClusterError, images, paths
from tests.cluster.images.archive import read_settings, write_archive
from tests.cluster.images.catalogue import IMAGES, DockerfileImage


def _operator() -> DockerfileImage:
    image = IMAGES["faceblur-operator:0.1.0"]
    assert isinstance(image, DockerfileImage)
    return image


def test_every_name_that_the_manifests_use_can_be_built() -> None:
    used = set()
    for manifest in paths.MANIFESTS.glob("*.yaml"):
        for each in yaml.safe_load_all(manifest.read_text()):
            if each["kind"] == "Deployment":
                containers = each["spec"]["template"]["spec"]["containers"]
                used |= {container["image"] for container in containers}

    assert used <= set(images.names())


def test_no_manifest_pulls_an_image_that_is_there() -> None:
    policies = {
        container["imagePullPolicy"]
        for manifest in paths.MANIFESTS.glob("*.yaml")
        for each in yaml.safe_load_all(manifest.read_text())
        if each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
    }

    assert policies == {"IfNotPresent"}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"arguments": {"VERSION": "0.2.0"}}, id="another build argument"),
        pytest.param({"name": "faceblur-operator:0.2.0"}, id="another name"),
        pytest.param({"sources": ("pyproject.toml",)}, id="fewer sources"),
    ],
)
def test_an_image_is_built_again_when_an_input_changes(other: dict[str, object]) -> None:
    image = _operator()

    changed = dataclasses.replace(image, **other)  # type: ignore[arg-type] # a table of fields

    assert image.key("builder") == _operator().key("builder")
    assert changed.key("builder") != image.key("builder")
    assert image.key("another builder") != image.key("builder")


def test_the_versions_of_the_service_have_the_same_sources() -> None:
    versions = [image for name, image in IMAGES.items() if name.startswith("ai-face-blur:")]

    sources = [(v.dockerfile, v.sources) for v in versions if isinstance(v, DockerfileImage)]

    assert sources == [sources[0]] * 3


def test_sources_leave_out_what_python_writes_beside_them() -> None:
    names = {file.name for file in _operator().files()}

    assert "__init__.py" in names
    assert not [name for name in names if name.endswith(".pyc")]


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match=r"there is no image nginx; there are: ai-face-blur"):
        images.build("nginx")


def test_an_archive_is_the_same_for_the_same_layer_and_says_its_settings(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    with tarfile.open(layer, "w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    settings = {"User": "65532", "Entrypoint": ["/usr/bin/x"]}

    for name in ("one", "two"):
        write_archive("x:1", settings, layer, tmp_path / name)

    with tarfile.open(tmp_path / "one") as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        tags = [each["RepoTags"] for each in json.load(manifest)]
    assert (tags, read_settings(tmp_path / "one")) == ([["x:1"]], settings)
    with tarfile.open(tmp_path / "one") as one, tarfile.open(tmp_path / "two") as two:
        assert one.getnames() == two.getnames()
