"""Samples as JSON lines, one per look: what Prometheus said, to be decided about again offline.

Floats are written in full, so that what is read back is the same to the last bit.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from faceblur_operator.core.snapshot import NoSamples, Samples, Series, Vector


def written(samples: Samples | NoSamples) -> str:
    """Return one answer of Prometheus as a line."""
    return json.dumps(_said(samples))


def _said(samples: Samples | NoSamples) -> dict[str, Any]:
    said: dict[str, Any] = {"at": samples.at.isoformat()}
    if isinstance(samples, NoSamples):
        return said | {"why": samples.why}
    series = {
        key: [[dict(one.labels), one.value] for one in found]
        for key, found in samples.series.items()
    }
    read_at = samples.read_at.isoformat() if samples.read_at else None
    past = _said(samples.past) if samples.past else None
    return said | {"series": series, "read_at": read_at, "past": past}


def read(lines: Iterable[str]) -> Iterator[Samples | NoSamples]:
    """Return the answers that were written."""
    for line in lines:
        said = json.loads(line)
        if "why" in said:
            yield NoSamples(datetime.fromisoformat(said["at"]), said["why"])
        else:
            yield _samples(said)


def _samples(said: dict[str, Any]) -> Samples:
    return Samples(
        datetime.fromisoformat(said["at"]),
        {
            key: Vector.of(Series(tuple(sorted(labels.items())), value) for labels, value in found)
            for key, found in said["series"].items()
        },
        read_at=datetime.fromisoformat(said["read_at"]) if said["read_at"] else None,
        past=_samples(said["past"]) if said["past"] else None,
    )
