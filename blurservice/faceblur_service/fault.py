"""A switch that makes the service slow and failing, as a bad release is.

Used by the demo's bad image. Off unless FACEBLUR_FAULT is set; bad values stop the start.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from faceblur_service.errors import InjectedFault, SettingsError

_WANTED = 'FACEBLUR_FAULT must be JSON like {"latencyMs": 600, "errorRate": 0.3}'
# Real slowness is never constant: each request takes between 0.6 and 1.6 times the asked latency.
_JITTER = (0.6, 1.0, 1.6)


@dataclass(frozen=True, slots=True)
class Fault:
    """How bad to be."""

    latency_ms: float = 0.0
    """Added to each request, jittered around this. Milliseconds."""

    error_rate: float = 0.0
    """Share of requests answered with 500. 0 to 1."""

    sleep: Callable[[float], None] = field(default=time.sleep, compare=False, repr=False)
    rng: random.Random = field(default_factory=random.Random, compare=False, repr=False)

    @classmethod
    def from_json(cls, text: str) -> "Fault":
        """Return the fault that the JSON text asks for.

        Raises:
            SettingsError: The text is not what is wanted.
        """
        try:
            values = json.loads(text)
        except ValueError as err:
            raise SettingsError(f"{_WANTED}, found {text!r}.") from err
        if not isinstance(values, dict) or not set(values) <= {"latencyMs", "errorRate"}:
            raise SettingsError(f"{_WANTED}, found {text!r}.")
        latency, rate = values.get("latencyMs", 0), values.get("errorRate", 0)
        if not _number(latency) or not 0 <= latency <= 60_000:
            raise SettingsError(f"{_WANTED}; latencyMs is from 0 to 60000, found {latency!r}.")
        if not _number(rate) or not 0 <= rate <= 1:
            raise SettingsError(f"{_WANTED}; errorRate is from 0 to 1, found {rate!r}.")
        return cls(float(latency), float(rate))

    def strike(self) -> None:
        """Be slow, and perhaps fail.

        Raises:
            InjectedFault: In `error_rate` of all calls.
        """
        if self.latency_ms:
            low, mode, high = _JITTER
            self.sleep(self.latency_ms / 1000 * self.rng.triangular(low, high, mode))
        if self.rng.random() < self.error_rate:
            raise InjectedFault("The blur engine failed.")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
