"""The folders of `examples/`, for the tests that go through all of them."""

from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def folders() -> list[Path]:
    """Return every example's folder."""
    return sorted(path for path in EXAMPLES.iterdir() if path.is_dir())


def rollout(folder: Path) -> dict[str, Any]:
    """Return the FaceBlurRollout of an example."""
    loaded: dict[str, Any] = yaml.safe_load((folder / "rollout.yaml").read_text(encoding="utf-8"))
    return loaded
