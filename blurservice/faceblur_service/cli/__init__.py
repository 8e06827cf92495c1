"""The command line: `faceblur VERB`."""

from faceblur_service.cli.main import main

__all__ = ["main"]
