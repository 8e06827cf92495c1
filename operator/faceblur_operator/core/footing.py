"""The fields of a state: which of them move at every tick, and a quick way to change some.

Used where a rollout is looked at again and again and hardly anything changes.
"""

from dataclasses import fields
from operator import attrgetter

from faceblur_operator.core.state import State

# What moves at nearly every tick without changing which objects shall exist or what is told about
# the rollout beyond its sentences and numbers. A new field is not among them unless listed here.
VOLATILE = frozenset({"slos", "sampled_at", "no_data_since", "message", "serial"})
NAMES = tuple(one.name for one in fields(State))

_values = attrgetter(*NAMES)
_PLACES = {name: place for place, name in enumerate(NAMES)}
_footing = attrgetter(*(name for name in NAMES if name not in VOLATILE))


def footing(state: State) -> tuple[object, ...]:
    """Return everything of a state that is not volatile."""
    values: tuple[object, ...] = _footing(state)
    return values


def changed(state: State, **changes: object) -> State:
    """Return the state with other values; like `replace`, which takes three times as long."""
    values = list(_values(state))
    for name, value in changes.items():
        values[_PLACES[name]] = value
    return State(*values)
