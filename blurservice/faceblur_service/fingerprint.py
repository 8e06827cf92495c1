"""What every result depends on beside its picture and options: this code and the models there."""

import importlib.metadata
import os
from collections.abc import Mapping

from faceblur_service import models


def fingerprint(environ: Mapping[str, str] = os.environ) -> str:
    """Return the version and the hash of each model file; another one makes other results.

    Raises:
        ModelError: A model file is there and has not the pinned content.
    """
    parts = [importlib.metadata.version("faceblur")]
    for model in models.MANIFEST:
        there = models.find_optional(model, environ) is not None
        parts.append(f"{model.name}={model.sha256 if there else 'none'}")
    return " ".join(parts)
