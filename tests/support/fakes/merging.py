"""The three ways the API server merges, as far as our objects need them."""

import copy
from typing import Any

# Lists whose elements are merged one by one, by these keys; all others are replaced whole.
LIST_KEYS = {"containers": "name", "env": "name", "ports": "containerPort"}
# Before the name of such a list: the order its elements shall have.
ORDER = "$setElementOrder/"


def json_merge(into: Any, change: Any) -> Any:
    """Merge as RFC 7396: None removes, lists are replaced."""
    if not isinstance(change, dict) or not isinstance(into, dict):
        return copy.deepcopy(change)
    result = dict(into)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = json_merge(result.get(name, {}), value)
    return result


def strategic_merge(into: Any, change: Any, *, where: str = "") -> Any:
    """Merge with some lists by key; an element may ask for its own removal."""
    if isinstance(change, dict) and isinstance(into, dict):
        result = dict(into)
        for name, value in change.items():
            if value is None:
                result.pop(name, None)
            elif not name.startswith(ORDER):
                result[name] = strategic_merge(result.get(name), value, where=name)
        for name in filter(lambda one: one.startswith(ORDER), change):
            listed = name.removeprefix(ORDER)
            ranks = [one[LIST_KEYS[listed]] for one in change[name]]
            result[listed].sort(key=lambda one: ranks.index(one[LIST_KEYS[listed]]))
        return result
    key = LIST_KEYS.get(where)
    if isinstance(change, list) and key and all(key in one for one in change):
        # New elements come first, as the API server has it.
        by_key = {one.get(key): one for one in into or []}
        gone = {one[key] for one in change if one.get("$patch") == "delete"}
        new = [one for one in change if one[key] not in by_key and one[key] not in gone]
        changes = {one[key]: one for one in change}
        kept = [
            strategic_merge(one, changes.get(name, {}))
            for name, one in by_key.items()
            if name not in gone
        ]
        return [*copy.deepcopy(new), *kept]
    return copy.deepcopy(change)


def apply_merge(into: Any, before: Any, wanted: Any) -> Any:
    """Merge a server-side apply: what the manager applied before and no longer wants is removed."""
    return strategic_merge(_without(into, before, wanted), wanted)


def _without(into: Any, before: Any, wanted: Any) -> Any:
    if not (isinstance(into, dict) and isinstance(before, dict)):
        return into
    wanted = wanted if isinstance(wanted, dict) else {}
    result = {}
    for name, value in into.items():
        if name in before and name not in wanted:
            left = _without(value, before[name], {})
            if isinstance(left, dict) and left and isinstance(before[name], dict):
                result[name] = left
            continue
        result[name] = _without(value, before.get(name), wanted.get(name))
    return result
