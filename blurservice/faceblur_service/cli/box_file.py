"""`--boxes FILE`: what `detect` or a report gave, corrected by a person."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceblur_service.boxes import boxes_from_json
from faceblur_service.cli.sources import real
from faceblur_service.cli.words import UsageError
from faceblur_service.errors import BadRequest
from faceblur_service.geometry import Box


def read(path: Path, sources: Sequence[Path]) -> dict[Path, tuple[Box, ...]]:
    """Return the corrected boxes by picture; pictures that are not named are looked at as usual.

    Args:
        path: JSON, `{"pictures": [{"file": …, "faces": […]}]}`, or `{"faces": […]}` for a single
            picture. File names count from the current folder, or else from the file's own.
        sources: The pictures of the command line.

    Raises:
        UsageError: The file cannot be used, or names a picture that the command line does not: a
            slip there would leave a face clear that somebody wanted hidden.
    """
    whole = _load(path)
    if isinstance(whole, dict) and "faces" in whole and "pictures" not in whole:
        if len(sources) != 1:
            raise UsageError(f"{path} is for one picture, found {len(sources)}.")
        return {sources[0]: _boxes(path, "faces", whole["faces"])}
    pictures = whole.get("pictures") if isinstance(whole, dict) else None
    if not isinstance(pictures, list):
        raise UsageError(f"{path} must hold what `faceblur detect` prints, found something else.")
    known = {real(source): source for source in sources}
    corrected = {}
    for picture in pictures:
        name = picture.get("file") if isinstance(picture, dict) else None
        if not isinstance(name, str):
            raise UsageError(f"{path}: a picture has no file name.")
        source = known.get(real(Path(name))) or known.get(real(path.parent / name))
        if source is None:
            raise UsageError(f"{path} names {name}, which is not among the pictures.")
        # Without faces: that picture had failed, so nobody corrected anything.
        if "faces" in picture:
            corrected[source] = _boxes(path, name, picture["faces"])
    return corrected


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())  # in any Unicode: editors differ
    except OSError as err:
        raise UsageError(f"{path} cannot be read: {err.strerror}.") from err
    except UnicodeDecodeError as err:
        raise UsageError(f"{path} cannot be read: {err}.") from err
    except (ValueError, RecursionError) as err:
        raise UsageError(f"{path} is not JSON: {err}.") from err


def _boxes(path: Path, name: str, value: Any) -> tuple[Box, ...]:
    try:
        return boxes_from_json(value)
    except BadRequest as err:
        raise UsageError(f"{path}, {name}: {err}") from err
