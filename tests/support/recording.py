"""Samples as JSON lines, one per look: what Prometheus said, to be decided about again offline.

Floats are written in full, so that what is read back is the same to the last bit.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from faceblur_operator.core.snapshot import NoSamples, Samples, Series


def written(samples: Samples | NoSamples) -> str:
    """Return one answer of Prometheus as a line."""
    said: dict[str, object] = {"at": samples.at.isoformat()}
    if isinstance(samples, NoSamples):
        return json.dumps(said | {"why": samples.why})
    series = {
        key: [[dict(one.labels), one.value] for one in found]
        for key, found in samples.series.items()
    }
    return json.dumps(said | {"series": series})


def read(lines: Iterable[str]) -> Iterator[Samples | NoSamples]:
    """Return the answers that were written."""
    for line in lines:
        said = json.loads(line)
        at = datetime.fromisoformat(said["at"])
        if "why" in said:
            yield NoSamples(at, said["why"])
            continue
        yield Samples(
            at,
            {
                key: tuple(Series(tuple(sorted(labels.items())), value) for labels, value in found)
                for key, found in said["series"].items()
            },
        )
