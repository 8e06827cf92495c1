"""What schemathesis takes for a picture; runs in its own environment, see `separate`.

To a schema any bytes are a file. With real pictures, "valid data is accepted" can be told.
"""

import os
from pathlib import Path
from typing import Any

import schemathesis  # type: ignore[import-not-found]  # not in this environment
from hypothesis import strategies as st

_FOLDER = Path(os.environ["SCHEMATHESIS_PICTURES"])


def _register() -> None:
    pictures = {path.suffix[1:]: path.read_bytes() for path in sorted(_FOLDER.iterdir())}
    for suffix, data in pictures.items():
        schemathesis.openapi.media_type(f"image/{suffix}", st.just(data))
    schemathesis.openapi.format("binary", st.sampled_from(sorted(pictures.values())))


@schemathesis.hook  # type: ignore[untyped-decorator]  # no types here
def filter_case(_context: Any, case: schemathesis.Case) -> bool:
    """Leave out "wrong" forms that come out right: an empty value is not sent at all."""
    fields = case.body.items() if isinstance(case.body, dict) else []
    return all(value not in (None, [], {}) or name == "image" for name, value in fields)


_register()
