"""The fields of a state: which of them move at every tick, and a quick way to change some.

Used where a rollout is looked at again and again and hardly anything changes.
"""

from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from faceblur_operator.core.state import Reading, SloState, State

# What moves at nearly every tick without changing which objects shall exist or what is told about
# the rollout beyond its sentences and numbers. A new field is not among them unless listed here.
VOLATILE = frozenset({"slos", "sampled_at", "no_data_since", "message", "read", "serial"})
NAMES = tuple(one.name for one in fields(State))

_values = attrgetter(*NAMES)
_PLACES = {name: place for place, name in enumerate(NAMES)}
_SLOS, _SAMPLED_AT = _PLACES["slos"], _PLACES["sampled_at"]
_NO_DATA_SINCE, _READ = _PLACES["no_data_since"], _PLACES["read"]
_setters = tuple(getattr(State, name).__set__ for name in NAMES)
_footing = attrgetter(*(name for name in NAMES if name not in VOLATILE))


def footing(state: State) -> tuple[object, ...]:
    """Return everything of a state that is not volatile."""
    values: tuple[object, ...] = _footing(state)
    return values


def sampled(
    state: State,
    slos: tuple[SloState, ...],
    at: datetime,
    no_data_since: datetime | None,
    read_at: datetime | None,
) -> State:
    """Return the state with what samples said at a time."""
    values = list(_values(state))
    values[_SLOS], values[_SAMPLED_AT], values[_NO_DATA_SINCE] = slos, at, no_data_since
    if read_at is not None:
        values[_READ] = Reading(read_at)
    return _made(values)


def changed(state: State, **changes: object) -> State:
    """Return the state with other values; like `replace`, which takes three times as long."""
    values = list(_values(state))
    for name, value in changes.items():
        values[_PLACES[name]] = value
    return _made(values)


def _made(values: list[object]) -> State:
    """Return the state with these values, sooner than its constructor would."""
    state = object.__new__(State)
    for put, value in zip(_setters, values, strict=True):
        put(state, value)
    return state
