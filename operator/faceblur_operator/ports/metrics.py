"""Where samples come from."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from faceblur_operator.core.snapshot import NoSamples, Samples


class MetricsSource(Protocol):
    """Answers several PromQL queries with one request."""

    async def query(
        self,
        url: str,
        queries: Mapping[str, str],
        *,
        timeout: timedelta,
        at: datetime | None = None,
    ) -> Samples | NoSamples:
        """Return the series of each query under its key, as they are or as they were.

        Args:
            url: the server.
            queries: PromQL by key.
            timeout: how long an answer may take.
            at: the moment that is asked about, by Prometheus' own clock; None: now. Answers tell
                theirs in `read_at`; asked about that again, Prometheus says the same again as
                long as it keeps it, unless a scrape that had begun before ended later.

        Never raises for what Prometheus does: down, slow, an error, not JSON and an
        unreadable body are all a `NoSamples` with a sentence.
        """
        ...
