"""The objects we look at, as last seen: fed by watches and by the answers to our own writes.

A look at a rollout then costs no request. What is not here is fetched once; what has not been
confirmed for a while is fetched again, because a watch can lose a deletion. No network here.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from faceblur_operator.ports.cluster import Key

Object = dict[str, Any]
# Longest time for which an unconfirmed entry is believed, in seconds.
MAX_AGE = 300.0


class Ref(NamedTuple):
    """Names one object, or (`name` is empty, `value` set) all objects with one index value."""

    kind: str
    namespace: str
    name: str = ""
    value: str = ""


@dataclass(slots=True)
class _Entry:
    object: Object | None
    version: int
    seen: float
    indexed: frozenset[str] = frozenset()


@dataclass(slots=True)
class ObjectCache:
    """Objects by reference, secondary indexes, and which rollout has looked at which of them.

    Attributes:
        index: for each kind the values an object is found under, besides its name.
        now: a clock in seconds that never goes back.
    """

    index: dict[str, Callable[[Object], frozenset[str]]]
    now: Callable[[], float]
    _entries: dict[Ref, _Entry] = field(default_factory=dict)
    _by_value: dict[Ref, set[str]] = field(default_factory=dict)
    _listed: dict[tuple[str, str], float] = field(default_factory=dict)
    _readers: dict[Ref, set[Key]] = field(default_factory=dict)
    _read: dict[Key, frozenset[Ref]] = field(default_factory=dict)

    def knows(self, ref: Ref) -> bool:
        """Whether the presence or absence of an object is known and fresh enough."""
        entry = self._entries.get(ref)
        return entry is not None and self.now() - entry.seen < MAX_AGE

    def get(self, ref: Ref) -> Object | None:
        """Return an object, None when it does not exist."""
        entry = self._entries.get(ref)
        return entry.object if entry else None

    def version(self, ref: Ref) -> int:
        """Return the version of what is known, 0 when nothing is."""
        entry = self._entries.get(ref)
        return entry.version if entry else 0

    def is_listed(self, kind: str, namespace: str) -> bool:
        """Whether all objects of a kind in a namespace are known and fresh enough."""
        listed = self._listed.get((kind, namespace))
        return listed is not None and self.now() - listed < MAX_AGE

    def find(self, ref: Ref) -> list[Object]:
        """Return the objects that have `ref.value` among their index values."""
        names = self._by_value.get(ref, ())
        found = (self.get(Ref(ref.kind, ref.namespace, name)) for name in sorted(names))
        return [one for one in found if one is not None]

    def put(self, kind: str, item: Object) -> frozenset[Key]:
        """Take an object as seen; return the rollouts for which that is news."""
        ref = _ref_of(kind, item)
        version = version_of(item)
        entry = self._entries.get(ref)
        if entry is not None and version <= entry.version:
            if version == entry.version:
                entry.seen = self.now()
            return frozenset()
        item["metadata"].pop("managedFields", None)
        find_values = self.index.get(kind)
        values = find_values(item) if find_values else frozenset()
        before = None if entry is None else entry.object
        return self._set(ref, _Entry(_shared(item, before), version, self.now(), values))

    def remove(self, ref: Ref, version: int) -> frozenset[Key]:
        """Note that an object is gone as of a version; return the rollouts for which it is news."""
        entry = self._entries.get(ref)
        if entry is not None and version < entry.version:
            return frozenset()
        if entry is not None and entry.object is None:
            entry.version, entry.seen = version, self.now()
            return frozenset()
        return self._set(ref, _Entry(None, version, self.now()))

    def put_list(self, kind: str, namespace: str, items: Iterable[Object], version: int) -> None:
        """Take the complete list of a kind in a namespace; what is not in it is gone."""
        names = set()
        for item in items:
            names.add(item["metadata"]["name"])
            self.put(kind, item)
        for ref, entry in list(self._entries.items()):
            if (ref.kind, ref.namespace) != (kind, namespace) or ref.name in names:
                continue
            if entry.object is not None:
                self.remove(ref, version)
            elif entry.version <= version and ref not in self._readers:
                # Nobody asks for it any more, and no older news of it can come.
                del self._entries[ref]
        self._listed[kind, namespace] = self.now()

    def observe(self, kind: str, item: Object, *, is_gone: bool) -> frozenset[Key]:
        """Take what a watch tells; return the rollouts for which it is news."""
        if not self.is_wanted(kind, item):
            return frozenset()
        if is_gone:
            return self.remove(_ref_of(kind, item), version_of(item))
        return self.put(kind, item)

    def forget(self, key: Key) -> None:
        """Stop believing what a rollout looks at: its next look fetches it again."""
        own = Ref("FaceBlurRollout", key.namespace, key.name)
        for ref in {own, *self._read.get(key, ())}:
            entry = self._entries.get(ref)
            if entry is not None:
                entry.seen = self.now() - MAX_AGE

    def set_read(self, key: Key, refs: frozenset[Ref]) -> None:
        """Note what a rollout looks at: changes of these are news for it."""
        before = self._read.get(key, frozenset())
        if before is refs:
            return
        for ref in before - refs:
            readers = self._readers[ref]
            readers.discard(key)
            if not readers:
                del self._readers[ref]
                self._drop(ref)
        for ref in refs - before:
            self._readers.setdefault(ref, set()).add(key)
        if refs:
            self._read[key] = refs
        else:
            self._read.pop(key, None)

    def is_wanted(self, kind: str, item: Object) -> bool:
        """Whether anybody looks at an object; others are not kept."""
        ref = _ref_of(kind, item)
        if kind == "FaceBlurRollout":
            return True
        is_read = ref in self._entries or ref in self._readers
        return is_read or (kind, ref.namespace) in self._listed

    def _set(self, ref: Ref, entry: _Entry) -> frozenset[Key]:
        before = self._entries.get(ref)
        old = before.indexed if before else frozenset()
        self._entries[ref] = entry
        for value in old - entry.indexed:
            self._by_value[_value_ref(ref, value)].discard(ref.name)
        for value in entry.indexed - old:
            self._by_value.setdefault(_value_ref(ref, value), set()).add(ref.name)
        told = set(self._readers.get(ref, ()))
        if ref.kind == "FaceBlurRollout":
            told.add(Key(ref.namespace, ref.name))
        for value in old ^ entry.indexed:
            told |= self._readers.get(_value_ref(ref, value), set())
        return frozenset(told)

    def _drop(self, ref: Ref) -> None:
        """Forget an object nobody looks at any more, unless its kind is kept as a list."""
        if ref.name and (ref.kind, ref.namespace) not in self._listed:
            self._entries.pop(ref, None)


def _shared(value: Any, before: Any = None) -> Any:
    """Return the same JSON with one string in memory for all that are equal.

    Objects of a rollout name one another, and those of different rollouts have the same fields:
    apart, their strings are more than half of what the operator keeps.

    Args:
        value: the JSON.
        before: what stood in its place, shared already: most of an object never changes. No field
            of Kubernetes turns from a number into a boolean, which Python finds equal.
    """
    if type(value) is type(before) and value == before:
        return before
    if isinstance(value, dict):
        old = before if isinstance(before, dict) else {}
        return {sys.intern(name): _shared(one, old.get(name)) for name, one in value.items()}
    if isinstance(value, list):
        return [_shared(one) for one in value]
    return sys.intern(value) if type(value) is str else value


def version_of(item: Object) -> int:
    """Return the resource version; larger is later, within one kind."""
    text = str((item.get("metadata") or {}).get("resourceVersion", "0"))
    return int(text) if text.isdecimal() else 0


def _ref_of(kind: str, item: Object) -> Ref:
    metadata = item["metadata"]
    return Ref(kind, metadata["namespace"], metadata["name"])


def _value_ref(ref: Ref, value: str) -> Ref:
    return Ref(ref.kind, ref.namespace, value=value)
