"""Settings come from the environment; a wrong one says which and why."""

import pytest

from faceblur_operator.wiring import Settings, read_settings


def test_nothing_set_is_the_defaults() -> None:
    assert read_settings({}) == Settings()


def test_every_setting_has_its_variable() -> None:
    environment = {
        "FACEBLUR_OPERATOR_PROMETHEUS_URL": "http://prometheus.monitoring:9090",
        "FACEBLUR_OPERATOR_PROMETHEUS_ALLOW": "prometheus.*, thanos.monitoring",
        "FACEBLUR_OPERATOR_NAMESPACES": "a, b",
        "FACEBLUR_OPERATOR_PORT": "9999",
        "FACEBLUR_OPERATOR_DRAIN": "7.5",
        "FACEBLUR_OPERATOR_LOG_LEVEL": "DEBUG",
        "POD_NAME": "operator-1",
        "POD_NAMESPACE": "faceblur-system",
    }

    assert read_settings(environment) == Settings(
        prometheus_url="http://prometheus.monitoring:9090",
        prometheus_allow=("prometheus.*", "thanos.monitoring"),
        namespaces=("a", "b"),
        port=9999,
        drain=7.5,
        log_level="DEBUG",
        pod_name="operator-1",
        pod_namespace="faceblur-system",
    )


@pytest.mark.parametrize("text", ["*", "", " "])
def test_star_and_nothing_are_all_namespaces(text: str) -> None:
    assert read_settings({"FACEBLUR_OPERATOR_NAMESPACES": text}).namespaces == ()


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("FACEBLUR_OPERATOR_PORT", "many"),
        ("FACEBLUR_OPERATOR_PORT", "70000"),
        ("FACEBLUR_OPERATOR_PROMETHEUS_URL", "prometheus:9090"),
        ("FACEBLUR_OPERATOR_LOG_LEVEL", "loud"),
        ("FACEBLUR_OPERATOR_DRAIN", "soon"),
    ],
)
def test_wrong_setting_names_its_variable_and_what_was_found(variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{variable}: .*found '{text}'"):
        read_settings({variable: text})


def test_identity_differs_between_two_processes_of_one_pod() -> None:
    settings = Settings(pod_name="operator-1")

    assert settings.identity.startswith("operator-1_")
    assert settings.identity != Settings(pod_name="operator-1").identity
