"""How often Python looks for garbage that refers to itself."""

import gc

# New objects between two looks, and looks between those at older objects. By default it is 700:
# each answer of the API server would be walked through several times while it is read, which is a
# quarter of the work when a thousand rollouts turn bad at once; see docs/design/state.md.
_NEW, _YOUNG, _OLD = 50_000, 20, 100


def look_for_garbage_less_often() -> None:
    """Leave out of the looks what was loaded until now, and let more come between two of them.

    They begin now, if they were off while the program was loaded.
    """
    gc.freeze()
    gc.set_threshold(_NEW, _YOUNG, _OLD)
    gc.enable()
