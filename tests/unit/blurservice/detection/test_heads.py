"""YuNet's file with one output for each level."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.support.pictures import portrait

from faceblur_service import models
from faceblur_service.detection import yunet_detector
from faceblur_service.detection.heads import LEVELS, with_one_head_a_level

# Where its file says that these are, one for each level.
BRANCHES = [f"{kind}_{stride}" for stride in (8, 16, 32) for kind in ("cls", "obj", "bbox")]


def test_each_level_says_what_the_branches_of_the_file_say() -> None:
    model = (models.ensure() / models.YUNET.name).read_bytes()
    picture = portrait()[:320, :320].transpose(2, 0, 1)[None].astype(np.float32)
    picture = np.pad(picture, ((0, 0), (0, 0), (0, 320), (0, 320)))

    said = _run(with_one_head_a_level(model), LEVELS, picture)

    branches = _run(model, BRANCHES, picture)
    for i, level in enumerate(said):
        face, thing, box = (one[0] for one in branches[3 * i : 3 * i + 3])
        cells = level[0].reshape(6, -1).T
        np.testing.assert_allclose(_squeezed(cells[:, :1]), face, atol=1e-6)
        np.testing.assert_allclose(_squeezed(cells[:, 1:2]), thing, atol=1e-6)
        np.testing.assert_allclose(cells[:, 2:], box, atol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b"\x3a\x00", id="a network without anything"),
        pytest.param(b"\x3a\x05", id="cut off"),
    ],
)
def test_another_file_is_an_error(model: bytes) -> None:
    with pytest.raises(ValueError, match="not the YuNet"):
        with_one_head_a_level(model)


def _squeezed(said: Any) -> Any:
    return 1 / (1 + np.exp(-said))


def _run(model: bytes, outputs: Sequence[str], picture: Any) -> list[Any]:
    # After our own module, which forbids it to report its use.
    assert yunet_detector
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return list(session.run(list(outputs), {"input": picture}))
