"""What the environment may set."""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from faceblur_service.errors import SettingsError
from faceblur_service.fault import Fault
from faceblur_service.options import Sensitivity
from faceblur_service.settings import Settings, read


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read({}) == Settings()


def test_empty_values_count_as_unset() -> None:
    names = ("FACEBLUR_VERSION", "FACEBLUR_TRACK", "REDIS_URL", "FACEBLUR_FAULT", "FACEBLUR_SLOTS")

    assert read(dict.fromkeys(names, "")) == Settings()


def test_every_variable_is_read() -> None:
    environ = {
        "FACEBLUR_VERSION": "1.1",
        "FACEBLUR_TRACK": "stable",
        "ENABLE_GRAY_FEATURE": "True",
        "FACEBLUR_SENSITIVITY": "fast",
        "REDIS_URL": "redis://r:6379/0",
        "FACEBLUR_GRAY_DB": "/data/gray.sqlite",
        "FACEBLUR_SECRET_KEY": "s3cret",
        "FACEBLUR_FAULT": '{"latencyMs": 600, "errorRate": 0.3}',
        "FACEBLUR_SLOTS": "3",
        "FACEBLUR_QUEUE": "0",
        "FACEBLUR_DRAIN_SECONDS": "7",
    }

    assert read(environ) == Settings(
        version="1.1",
        track="stable",
        gray_feature=True,
        sensitivity=Sensitivity.FAST,
        redis_url="redis://r:6379/0",
        gray_db=Path("/data/gray.sqlite"),
        secret_key="s3cret",
        fault=Fault(600, 0.3),
        slots=3,
        queue=0,
        drain_s=7,
    )


def test_an_image_built_as_gray_says_so_by_itself() -> None:
    assert read({"ENABLE_GRAY_FEATURE": "true"}) == replace(
        Settings(), track="gray", gray_feature=True
    )


@pytest.mark.parametrize(
    ("name", "value", "want"),
    [
        pytest.param(
            "ENABLE_GRAY_FEATURE",
            "yes",
            "ENABLE_GRAY_FEATURE must be true or false, found 'yes'.",
            id="a flag that is no flag",
        ),
        pytest.param(
            "FACEBLUR_TRACK",
            "canary",
            "FACEBLUR_TRACK must be stable or gray, found 'canary'.",
            id="another track",
        ),
        pytest.param(
            "FACEBLUR_SENSITIVITY",
            "ultra",
            "FACEBLUR_SENSITIVITY must be fast, normal, high or max, found 'ultra'.",
            id="another sensitivity",
        ),
        pytest.param(
            "FACEBLUR_SLOTS",
            "0",
            "FACEBLUR_SLOTS must be a whole number of at least 1, found '0'.",
            id="no slot",
        ),
        pytest.param(
            "FACEBLUR_QUEUE",
            "-1",
            "FACEBLUR_QUEUE must be a whole number of at least 0, found '-1'.",
            id="a negative queue",
        ),
        pytest.param(
            "FACEBLUR_FAULT",
            "slow",
            "FACEBLUR_FAULT must be JSON like "
            '{"latencyMs": 600, "errorRate": 0.3}, found \'slow\'.',
            id="a fault that is no JSON",
        ),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence(name: str, value: str, want: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read({name: value})

    assert str(caught.value) == want


def test_every_variable_of_the_web_is_read() -> None:
    environ = {
        "FACEBLUR_CACHE_MIB": "0",
        "FACEBLUR_STALL_SECONDS": "3",
        "FACEBLUR_API_TOKENS": "one, two,",
        "FACEBLUR_ADMIN_TOKEN": "admin",
        "FACEBLUR_RATE_PER_MINUTE": "60",
        "FACEBLUR_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8",
        "FACEBLUR_CORS_ORIGINS": "https://app.example,http://localhost:8080",
        "FACEBLUR_USER_HEADER": "X-Forwarded-User",
        "FACEBLUR_GRAY_USERS": "ann,bob",
        "FACEBLUR_GRAY_RANGES": "192.0.2.7",
        "FACEBLUR_FALLBACK_URL": "http://face-blur-service:80/",
        "FACEBLUR_FALLBACK_AFTER_MS": "700",
        "FACEBLUR_FALLBACK_PERCENT": "50",
        "FACEBLUR_SHADOW_PERCENT": "0",
    }

    assert read(environ) == Settings(
        cache_mib=0,
        stall_s=3,
        api_tokens=("one", "two"),
        admin_token="admin",
        rate_per_minute=60,
        trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
        cors_origins=("https://app.example", "http://localhost:8080"),
        user_header="X-Forwarded-User",
        gray_users=frozenset({"ann", "bob"}),
        gray_ranges=(ip_network("192.0.2.7/32"),),
        fallback_url="http://face-blur-service:80",
        fallback_after_ms=700,
        fallback_percent=50,
        shadow_percent=0,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACEBLUR_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("FACEBLUR_GRAY_RANGES", "everybody"),
        ("FACEBLUR_CORS_ORIGINS", "*"),
        ("FACEBLUR_CORS_ORIGINS", "https://app.example/path"),
        ("FACEBLUR_USER_HEADER", "X User"),
        ("FACEBLUR_FALLBACK_URL", "face-blur-service"),
        ("FACEBLUR_FALLBACK_URL", "ftp://stable"),
        ("FACEBLUR_FALLBACK_URL", "http://user:secret@stable"),
        ("FACEBLUR_FALLBACK_URL", "http://stable:many"),
        ("FACEBLUR_SHADOW_PERCENT", "101"),
        ("FACEBLUR_STALL_SECONDS", "0"),
    ],
)
def test_a_value_that_would_do_harm_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be "):
        read({name: value})
