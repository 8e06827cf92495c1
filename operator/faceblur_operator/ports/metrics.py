"""Where samples come from."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from faceblur_operator.core.snapshot import NoSamples, Samples


class MetricsSource(Protocol):
    """Answers several PromQL queries with one request."""

    async def query(
        self, url: str, queries: Mapping[str, str], *, timeout: timedelta
    ) -> Samples | NoSamples:
        """Return the series of each query under its key.

        Never raises for what Prometheus does: down, slow, an error, not JSON and an
        unreadable body are all a `NoSamples` with a sentence.
        """
        ...
