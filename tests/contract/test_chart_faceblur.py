"""The chart of the service makes what the operator, the docs and the demo rely on."""

import argparse
import base64
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.helm import CHARTS, environment, render, template

from faceblur_operator.core import preflight
from faceblur_service import probe, settings
from faceblur_service.cli import probing

ROOT = CHARTS.parent

NAMESPACE = "faceblur"
SELECTOR = {"app": "face-blur", "faceblur.dev/track": "stable"}
KEY = {"secretKeyRef": {"name": "face-blur-service-key", "key": "secret-key"}}


def _key(name: str) -> dict[str, Any]:
    ref = {"name": "face-blur-service-key", "key": name, "optional": True}
    return {"secretKeyRef": ref}


SERVICE = {
    "FACEBLUR_SENSITIVITY": "high",
    "FACEBLUR_SLOTS": "2",
    "FACEBLUR_QUEUE": "8",
    "FACEBLUR_DRAIN_SECONDS": "5",
    "FACEBLUR_CACHE_MIB": "64",
    "FACEBLUR_STALL_SECONDS": "10",
    "FACEBLUR_RATE_PER_MINUTE": "0",
    "FACEBLUR_TRUSTED_PROXIES": "",
    "FACEBLUR_CORS_ORIGINS": "",
    "FACEBLUR_USER_HEADER": "",
    "FACEBLUR_GRAY_USERS": "",
    "FACEBLUR_GRAY_RANGES": "",
    "FACEBLUR_FALLBACK_URL": "http://face-blur-service",
    "FACEBLUR_FALLBACK_AFTER_MS": "1000",
    "FACEBLUR_FALLBACK_PERCENT": "100",
    "FACEBLUR_SHADOW_PERCENT": "10",
    "FACEBLUR_ADMIN_TOKEN": _key("admin-token"),
    "FACEBLUR_API_TOKENS": _key("api-tokens"),
}
TRACK = {"fieldRef": {"fieldPath": "metadata.labels['faceblur.dev/track']"}}


def test_default_objects() -> None:
    assert render("faceblur", NAMESPACE).names() == {
        "Deployment/face-blur-stable",
        "Service/face-blur-service",
        "Ingress/face-blur-ingress",
        "Secret/face-blur-service-key",
    }


def test_stable_has_three_pods_with_the_limits_of_the_promise() -> None:
    made = render("faceblur", NAMESPACE)
    spec = made.one("Deployment", "face-blur-stable")["spec"]

    container = made.container("face-blur-stable")
    assert spec["replicas"] == 3
    assert spec["selector"] == {"matchLabels": SELECTOR}
    assert spec["template"]["metadata"]["labels"] == SELECTOR
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container["name"] == "processor"
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"cpu": "500m", "memory": "512Mi"},
    }


def test_pods_stop_after_the_ingress_controller_noticed() -> None:
    made = render("faceblur", NAMESPACE)
    spec = made.one("Deployment", "face-blur-stable")["spec"]["template"]["spec"]

    container = made.container("face-blur-stable")
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 3}}}
    assert spec["terminationGracePeriodSeconds"] == 35
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param((), {}, id="by default no Redis"),
        pytest.param(
            ("redis.enabled=true",),
            {"REDIS_URL": "redis://face-blur-redis:6379/0"},
            id="the chart's Redis",
        ),
        pytest.param(
            ("redis.url=rediss://cache.example:6380/1",),
            {"REDIS_URL": "rediss://cache.example:6380/1"},
            id="a Redis elsewhere",
        ),
        pytest.param(
            ("service.sensitivity=fast", "service.slots=1"),
            {"FACEBLUR_SENSITIVITY": "fast", "FACEBLUR_SLOTS": "1"},
            id="another way of working",
        ),
        pytest.param(
            ("fallback.enabled=false",), {"FACEBLUR_FALLBACK_URL": ""}, id="no falling back"
        ),
        pytest.param(
            ("gray.ranges={10.20.0.0/16,fd00::/8}", "service.trustedProxies={10.0.0.0/8}"),
            {
                "FACEBLUR_GRAY_RANGES": "10.20.0.0/16,fd00::/8",
                "FACEBLUR_TRUSTED_PROXIES": "10.0.0.0/8",
            },
            id="lists",
        ),
        pytest.param(
            ("extraEnv[0].name=TZ", "extraEnv[0].value=UTC"), {"TZ": "UTC"}, id="anything else"
        ),
    ],
)
def test_environment(given: tuple[str, ...], want: dict[str, Any]) -> None:
    container = render("faceblur", NAMESPACE, *given).container("face-blur-stable")

    always = {"FACEBLUR_TRACK": TRACK, "FACEBLUR_SECRET_KEY": KEY, **SERVICE}
    assert environment(container) == always | want


def test_every_setting_of_the_service_is_set_by_the_chart_or_the_image() -> None:
    code = inspect.getsource(settings)
    known = set(re.findall(r"^    \"\"\"([A-Z_]+): ", code, re.MULTILINE))
    image = re.findall(r"([A-Z_]+)=", (ROOT / "blurservice" / "Dockerfile").read_text("utf-8"))
    chart = environment(
        render("faceblur", NAMESPACE, "redis.enabled=true").container("face-blur-stable")
    )

    assert known >= {"FACEBLUR_TRACK", "REDIS_URL"}
    assert set(chart) <= known
    # The file in /tmp is right in every pod.
    assert known - set(chart) - set(image) == {"FACEBLUR_GRAY_DB"}


def test_two_redis_at_once_are_refused() -> None:
    done = template("faceblur", NAMESPACE, "redis.enabled=true", "redis.url=redis://a:1")

    assert done.returncode != 0
    assert "/redis" in done.stderr


def test_a_secret_of_the_users_own_is_used_and_none_made() -> None:
    made = render("faceblur", NAMESPACE, "secretKey.existingSecret=mine")

    assert "Secret/face-blur-service-key" not in made.names()
    wanted = {"secretKeyRef": {"name": "mine", "key": "secret-key"}}
    assert environment(made.container("face-blur-stable"))["FACEBLUR_SECRET_KEY"] == wanted


def test_service_leads_port_80_to_stable_pods_only() -> None:
    spec = render("faceblur", NAMESPACE).one("Service", "face-blur-service")["spec"]

    assert spec == {
        "selector": SELECTOR,
        "ports": [{"name": "http", "port": 80, "targetPort": 5000}],
    }


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param((), {}, id="every host"),
        pytest.param(("ingress.host=blur.example",), {"host": "blur.example"}, id="one host"),
    ],
)
def test_ingress_sends_all_paths_to_the_service(
    given: tuple[str, ...], want: dict[str, Any]
) -> None:
    spec = render("faceblur", NAMESPACE, *given).one("Ingress", "face-blur-ingress")["spec"]

    backend = {"service": {"name": "face-blur-service", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    assert spec == {"ingressClassName": "nginx", "rules": [{**want, "http": {"paths": [path]}}]}


def test_a_certificate_needs_a_host() -> None:
    done = template("faceblur", NAMESPACE, "ingress.tlsSecret=cert")

    assert done.returncode != 0
    assert "ingress.tlsSecret needs ingress.host" in done.stderr


def test_prometheus_finds_the_pods_by_annotation() -> None:
    template_of = render("faceblur", NAMESPACE).one("Deployment", "face-blur-stable")["spec"]

    assert template_of["template"]["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "5000",
        "prometheus.io/path": "/metrics",
    }


def test_pod_monitor_selects_stable_and_gray() -> None:
    made = render("faceblur", NAMESPACE, "podMonitor.enabled=true", "podMonitor.labels.release=kps")
    monitor = made.one("PodMonitor", "face-blur-service")

    assert monitor["metadata"]["labels"]["release"] == "kps"
    assert monitor["spec"] == {
        "selector": {
            "matchExpressions": [
                {"key": "faceblur.dev/track", "operator": "In", "values": ["stable", "gray"]}
            ]
        },
        "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "5s"}],
    }


def test_names_can_be_chosen() -> None:
    made = render(
        "faceblur",
        NAMESPACE,
        "names.deployment=web",
        "names.service=web-svc",
        "names.ingress=web-in",
        "names.redis=cache",
        "names.probe=watch",
        "redis.enabled=true",
        "probe.enabled=true",
    )

    assert made.names() == {
        "Deployment/web",
        "Deployment/cache",
        "Deployment/watch",
        "ConfigMap/watch-pictures",
        "Service/web-svc",
        "Service/cache",
        "Ingress/web-in",
        "Secret/web-svc-key",
    }


def _probe_asked(*given: str) -> argparse.Namespace:
    """Return what the probe's command line means to the probe itself."""
    container = render("faceblur", NAMESPACE, "probe.enabled=true", *given).container(
        "face-blur-probe"
    )
    parser = argparse.ArgumentParser()
    probing.add_to(parser.add_subparsers())
    assert container["command"] == ["faceblur", "probe"]
    return parser.parse_args(["probe", *container["args"]])


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param((), {}, id="as shipped"),
        pytest.param(
            ("names.service=web", "probe.everySeconds=300", "probe.leastSide=40"),
            {"url": ["http://web", "http://web-gray"], "every": 300.0, "least_side": 40.0},
            id="another service, pace and size",
        ),
        pytest.param(
            ("probe.grayService=next",),
            {"url": ["http://face-blur-service", "http://next"]},
            id="a gray service of another name",
        ),
        pytest.param(
            ("probe.labels.existingClaim=many", "probe.labels.file=faces/all.json"),
            {"labels": Path("/labels/faces/all.json")},
            id="labels elsewhere in a volume",
        ),
        pytest.param(
            ("probe.tokenSecret=mine",),
            {"header": ["Authorization: Bearer $(FACEBLUR_PROBE_TOKEN)"]},
            id="a token",
        ),
    ],
)
def test_the_probe_asks_stable_and_gray_each_by_its_own_service(
    given: tuple[str, ...], want: dict[str, Any]
) -> None:
    asked = vars(_probe_asked(*given))

    always = {
        "url": ["http://face-blur-service", "http://face-blur-service-gray"],
        "labels": Path("/labels/labels.json"),
        "header": [],
        "least_side": 16.0,
        "least_recall": None,
        "every": 60.0,
        "serve": 9100,
        "textfile": None,
        "run": probing.run,
    }
    assert asked == always | want


def test_the_probes_token_comes_from_a_secret() -> None:
    made = render("faceblur", NAMESPACE, "probe.enabled=true", "probe.tokenSecret=mine")

    wanted = {"secretKeyRef": {"name": "mine", "key": "token"}}
    assert environment(made.container("face-blur-probe")) == {"FACEBLUR_PROBE_TOKEN": wanted}


def test_prometheus_finds_the_probe_and_users_and_the_operator_do_not() -> None:
    made = render("faceblur", NAMESPACE, "probe.enabled=true", "podMonitor.enabled=true")
    pod = made.one("Deployment", "face-blur-probe")["spec"]["template"]

    # Without the track's label no Service and no Deployment of the service takes it for its own.
    assert pod["metadata"]["labels"] == {"app": "face-blur-probe"}
    scraped = {k: v for k, v in pod["metadata"]["annotations"].items() if "prometheus" in k}
    assert scraped == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "9100",
        "prometheus.io/path": "/metrics",
    }
    assert made.container("face-blur-probe")["ports"] == [
        {"name": "metrics", "containerPort": 9100}
    ]
    assert made.one("PodMonitor", "face-blur-probe")["spec"] == {
        "selector": {"matchLabels": {"app": "face-blur-probe"}},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/metrics", "interval": "5s"}],
    }


@pytest.mark.parametrize(
    ("given", "volume"),
    [
        pytest.param((), {"configMap": {"name": "face-blur-probe-pictures"}}, id="shipped"),
        pytest.param(
            ("probe.labels.configMap=mine",), {"configMap": {"name": "mine"}}, id="own, few"
        ),
        pytest.param(
            ("probe.labels.existingClaim=mine",),
            {"persistentVolumeClaim": {"claimName": "mine", "readOnly": True}},
            id="own, many",
        ),
    ],
)
def test_where_the_probes_pictures_come_from(
    given: tuple[str, ...], volume: dict[str, Any]
) -> None:
    made = render("faceblur", NAMESPACE, "probe.enabled=true", *given)
    spec = made.one("Deployment", "face-blur-probe")["spec"]["template"]["spec"]

    assert {"name": "labels", **volume} in spec["volumes"]
    assert ("ConfigMap/face-blur-probe-pictures" in made.names()) is (not given)


def test_two_sources_of_pictures_are_refused() -> None:
    both = ("probe.labels.configMap=a", "probe.labels.existingClaim=b")

    done = template("faceblur", NAMESPACE, "probe.enabled=true", *both)

    assert done.returncode != 0
    assert "/probe/labels" in done.stderr


def test_the_shipped_pictures_are_what_the_probe_reads(tmp_path: Path) -> None:
    made = render("faceblur", NAMESPACE, "probe.enabled=true")
    shipped = made.one("ConfigMap", "face-blur-probe-pictures")
    for name, data in shipped["binaryData"].items():
        (tmp_path / name).write_bytes(base64.b64decode(data))
    labels = tmp_path / "labels.json"
    labels.write_text(shipped["data"]["labels.json"], encoding="utf-8")

    read = probe.labels(labels)

    folder = CHARTS / "faceblur" / "files" / "probe"
    kept = {path.name: path.read_bytes() for path in folder.glob("*.jpg")}
    assert {one.path.name: one.path.read_bytes() for one in read} == kept
    # values.yaml says ten faces, and three rounds for the preflight.
    assert sum(len(one.faces) for one in read) == 10
    assert preflight.FEWEST == 30
    assert len(json.dumps(shipped)) < 512 * 1024


def test_every_shipped_picture_has_its_origin_written_down() -> None:
    folder = CHARTS / "faceblur" / "files" / "probe"
    told = re.findall(r"^\| `([^`]+)` \|", (folder / "ORIGIN.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(told) == sorted(path.name for path in folder.glob("*.jpg"))
