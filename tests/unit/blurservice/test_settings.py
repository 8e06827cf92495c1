"""What the environment may set."""

from dataclasses import replace
from pathlib import Path

import pytest

from faceblur_service.errors import SettingsError
from faceblur_service.fault import Fault
from faceblur_service.settings import Sensitivity, Settings, read


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
