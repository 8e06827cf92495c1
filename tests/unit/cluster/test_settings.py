"""The cluster's settings as texts and values, without a cluster."""

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from tests.cluster import ClusterError, lifecycle, node_files, paths, tools
from tests.cluster.layout import Layout

LAYOUT = Layout(
    name="x",
    state="/state",
    kubenode="/bin/kubenode",
    debs="/debs",
    images=("/a.tar", "/b.tar"),
    cgroup="faceblur-x-0",
    nodes=True,
    port=0,
)


def test_a_layout_reads_as_it_was_written(tmp_path: Path) -> None:
    layout = dataclasses.replace(LAYOUT, state=str(tmp_path))

    layout.save()

    assert Layout.load(tmp_path) == layout


def test_pods_live_below_the_clusters_own_cgroup_and_images_stay() -> None:
    kubelet = yaml.safe_load(node_files.kubelet("faceblur-x-0"))

    wanted = {
        "cgroupRoot": "/faceblur-x-0",
        "imageGCHighThresholdPercent": 100,
        "maxPods": 110,
        "protectKernelDefaults": True,
    }
    assert {key: kubelet[key] for key in wanted} == wanted


def test_the_pod_network_has_no_way_out() -> None:
    bridge, _ports = json.loads(node_files.cni())["plugins"]

    assert bridge["ipMasq"] is False


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("../x", id="a path"),
        pytest.param("A", id="upper case"),
        pytest.param("x" * 25, id="25 letters"),
        pytest.param("-x", id="starts with a dash"),
    ],
)
def test_a_name_that_would_not_do_as_a_folder_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="is no cluster name: use up to 24"):
        lifecycle.new_layout(name, nodes=False, port=0)


def test_an_unknown_program_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="there is no program docker; known: traefik kubenode"):
        tools.binary("docker")


def test_a_key_changes_with_content_name_and_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "REPO", tmp_path)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("same")
    two.write_text("same")

    keys = {
        paths.content_key([one]),
        paths.content_key([two]),
        paths.content_key([one], "fact"),
        paths.content_key([one], "fa", "ct"),
    }

    assert len(keys) == 4
    assert paths.content_key([one]) in keys


def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("FACEBLUR_CACHE", raising=False)
    by_xdg = paths.cache()
    monkeypatch.setenv("FACEBLUR_CACHE", str(tmp_path / "own"))

    assert (by_xdg, paths.cache()) == (tmp_path / "xdg/faceblur", tmp_path / "own")
