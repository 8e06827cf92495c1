"""The clock of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the machine's time; the only place that asks for it."""

    def now(self) -> datetime:
        """Return the time as an aware UTC datetime."""
        return datetime.now(UTC)  # noqa: TID251 - the one place
