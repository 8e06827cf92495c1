"""Joins the ports to their adapters and runs the operator."""

from faceblur_operator.wiring.app import App, Watch
from faceblur_operator.wiring.garbage import look_for_garbage_less_often
from faceblur_operator.wiring.logs import log_as_json
from faceblur_operator.wiring.settings import Settings, read_settings

__all__ = [
    "App",
    "Settings",
    "Watch",
    "log_as_json",
    "look_for_garbage_less_often",
    "read_settings",
]
