"""What counts as another version."""

from copy import deepcopy

import pytest
from tests.support.builders import a_plan
from tests.support.world import a_template

from faceblur_operator.core.revision import (
    container_of,
    previous_of,
    revision_of,
    target_template,
    with_release,
)
from faceblur_operator.core.state import Previous


@pytest.mark.parametrize(
    ("wanted", "want"),
    [
        pytest.param(None, "processor", id="the only one"),
        pytest.param("processor", "processor", id="the named one"),
        pytest.param("sidecar", None, id="there is no such container"),
    ],
)
def test_container(wanted: str | None, want: str | None) -> None:
    assert container_of(a_template(), wanted) == want


def test_of_two_containers_one_must_be_named() -> None:
    template = a_template()
    template["spec"]["containers"].append({"name": "sidecar", "image": "x:1"})

    assert (container_of(template, None), container_of(template, "sidecar")) == (None, "sidecar")


def test_a_release_changes_the_image_and_merges_the_variables() -> None:
    made = with_release(a_template(), "processor", "x:2", [("LOG_LEVEL", "debug"), ("NEW", "1")])

    wanted = a_template("x:2")
    wanted["spec"]["containers"][0]["env"] = [
        {"name": "LOG_LEVEL", "value": "debug"},
        {"name": "NEW", "value": "1"},
    ]
    assert made == wanted


def test_releasing_what_is_released_changes_nothing() -> None:
    plan = a_plan()
    once = target_template(plan, a_template(), "processor")

    assert target_template(plan, once, "processor") == once


def test_an_empty_variable_is_kept_as_the_api_server_keeps_it() -> None:
    made = with_release(a_template(), "processor", "x:2", [("EMPTY", "")])

    assert made["spec"]["containers"][0]["env"][-1] == {"name": "EMPTY"}


def test_a_restart_is_no_new_revision_but_a_limit_is() -> None:
    template, restarted, limited = a_template(), a_template(), deepcopy(a_template())
    restarted["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    limited["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "1"

    assert revision_of(restarted) == revision_of(template)
    assert revision_of(limited) != revision_of(template)


def test_previous_remembers_what_a_promotion_overwrites() -> None:
    template = a_template()
    template["spec"]["containers"][0]["env"].append({"name": "EMPTY"})
    env = (("LOG_LEVEL", "debug"), ("NEW", "1"), ("EMPTY", "now set"))

    found = previous_of(template, "processor", env)

    assert found == Previous(
        "ai-face-blur:1.0", (("LOG_LEVEL", "info"), ("NEW", None), ("EMPTY", ""))
    )
