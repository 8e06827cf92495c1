"""`kubectl faceblur`: shows rollouts and gives them commands; everything else is the operator's."""

from faceblur_operator.cli.main import main

__all__ = ["main"]
