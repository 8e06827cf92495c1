"""The cache of results."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceblur_service.cache import CacheStats, ResultCache
from faceblur_service.codec import Format
from faceblur_service.faces import Face
from faceblur_service.geometry import Box
from faceblur_service.options import Mode, Options, Sensitivity, Strength
from faceblur_service.pipeline import Result

MIB = 1024 * 1024
OPTIONS = Options()


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = 100.0
        self.looked = threading.Event()

    def __call__(self) -> float:
        self.looked.set()
        return self.now


def a_result(size: int = 1000, faces: int = 0) -> Result:
    found = [Face(str(n), Box(0, 0, 9, 9)) for n in range(faces)]
    return Result(bytes(size), Format.JPEG, found, 0, {})


def a_cache(clock: Callable[[], float] | None = None, **more: float) -> ResultCache:
    return ResultCache("1.0", monotonic=clock or Clock(), **more)  # type: ignore[arg-type]  # numbers of two kinds


def ask(cache: ResultCache, data: bytes, options: Options = OPTIONS, size: int = 1000) -> bool:
    """Ask for a picture's result and return whether it was there."""
    return cache.get_or_make(cache.key(data, options), lambda: a_result(size))[1]


def test_the_same_picture_again_needs_no_work() -> None:
    cache, made = a_cache(), a_result()
    key = cache.key(b"picture", OPTIONS)

    first = cache.get_or_make(key, lambda: made)
    second = cache.get_or_make(key, lambda: pytest.fail("worked again"))

    assert (first, second) == ((made, False), (made, True))
    assert second[0] is made
    assert cache.stats() == CacheStats(hits=1, misses=1, evictions=0, entries=1, bytes=2024)


@pytest.mark.parametrize(
    "other",
    [
        replace(OPTIONS, mode=Mode.SOLID),
        replace(OPTIONS, strength=Strength.STRONG),
        replace(OPTIONS, sensitivity=Sensitivity.MAX),
        replace(OPTIONS, boxes=()),
        replace(OPTIONS, boxes=(Box(1, 2, 3, 4),)),
    ],
    ids=str,
)
def test_another_option_is_another_result(other: Options) -> None:
    cache = a_cache()
    ask(cache, b"picture")

    assert ask(cache, b"picture", other) is False


def test_every_field_of_the_options_is_in_the_key() -> None:
    """The hash takes their repr: a field that is left out there would mix up results."""
    hidden = [name for name, field in Options.__dataclass_fields__.items() if not field.repr]

    assert hidden == []


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_pictures_share_a_key_only_when_they_are_equal(one: bytes, other: bytes) -> None:
    cache = a_cache()

    assert (cache.key(one, OPTIONS) == cache.key(other, OPTIONS)) == (one == other)


def test_a_key_says_nothing_outside_of_its_process() -> None:
    """Equal pictures have other names elsewhere: nobody can look for a known one."""
    assert a_cache().key(b"picture", OPTIONS) != a_cache().key(b"picture", OPTIONS)


def test_the_original_is_not_kept() -> None:
    cache, original = a_cache(), b"the original picture"
    ask(cache, original)

    held = repr([(key, entry.result.data) for key, entry in cache._entries.items()])
    assert "original" not in held


def test_a_result_is_forgotten_after_its_time_even_when_it_is_asked_for() -> None:
    clock = Clock()
    cache = a_cache(clock, ttl_s=60)
    ask(cache, b"picture")

    clock.now += 59
    before = ask(cache, b"picture")
    clock.now += 1

    assert (before, cache.stats().entries, ask(cache, b"picture")) == (True, 0, False)


def test_memory_is_given_back_after_the_time_without_any_request() -> None:
    clock = Clock()
    cache = a_cache(clock, ttl_s=60)
    ask(cache, b"picture")

    clock.now += 60

    assert cache.stats().bytes == 0


def test_the_least_recently_used_result_makes_room() -> None:
    quarter = MIB - 1024
    cache = a_cache(max_bytes=4 * MIB)
    for name in (b"a", b"b", b"c", b"d", b"a", b"e"):
        ask(cache, name, size=quarter)

    kept = [ask(cache, name, size=quarter) for name in (b"a", b"c", b"d", b"e")]

    assert (kept, cache.stats().evictions) == ([True, True, True, True], 1)
    assert ask(cache, b"b", size=quarter) is False


def test_a_picture_at_work_takes_the_room_of_the_least_recently_used_results() -> None:
    cache = a_cache()
    for name in (b"a", b"b", b"c"):
        ask(cache, name)
    ask(cache, b"a")

    cache.shrink(cache.stats().bytes - 1)

    assert [ask(cache, name) for name in (b"a", b"c", b"b")] == [True, True, False]

    cache.shrink(0)

    assert cache.stats().bytes == 0


def test_a_very_large_result_does_not_push_out_all_others() -> None:
    cache = a_cache(max_bytes=4 * MIB)
    ask(cache, b"small", size=MIB // 2)
    ask(cache, b"large", size=2 * MIB)

    assert (ask(cache, b"small"), ask(cache, b"large", size=2 * MIB)) == (True, False)


def test_without_room_nothing_is_kept() -> None:
    cache = a_cache(max_bytes=0)
    ask(cache, b"picture")

    assert (ask(cache, b"picture"), cache.stats().bytes) == (False, 0)


def test_faces_count_as_memory_too() -> None:
    cache = a_cache()
    cache.get_or_make(b"few", lambda: a_result(faces=0))
    few = cache.stats().bytes
    cache.get_or_make(b"many", lambda: a_result(faces=1000))

    assert cache.stats().bytes - few > few + 100_000


def test_other_models_clear_the_cache() -> None:
    cache = a_cache()
    old = cache.key(b"picture", OPTIONS)
    ask(cache, b"picture")

    cache.renew("1.1")

    assert (cache.stats().entries, cache.key(b"picture", OPTIONS) != old) == (0, True)


def test_the_same_models_leave_the_cache_alone() -> None:
    cache = a_cache()
    ask(cache, b"picture")

    cache.renew("1.0")

    assert ask(cache, b"picture") is True


def test_a_result_of_models_that_were_changed_meanwhile_is_not_kept() -> None:
    cache = a_cache()

    def make() -> Result:
        cache.renew("1.1")
        return a_result()

    cache.get_or_make(cache.key(b"picture", OPTIONS), make)

    assert cache.stats().entries == 0


def test_a_failure_is_not_kept() -> None:
    cache = a_cache()
    key = cache.key(b"picture", OPTIONS)

    with pytest.raises(ZeroDivisionError):
        cache.get_or_make(key, lambda: 1 // 0)  # type: ignore[arg-type, return-value]  # never returns

    assert cache.get_or_make(key, a_result)[1] is False


class _Crowd:
    """A leader that works until told, and a follower that surely waits for it."""

    def __init__(self, *, leader_fails: bool = False) -> None:
        self.clock = Clock()
        # No room: the follower can have the result only from the leader's own hands.
        self.cache = a_cache(self.clock, max_bytes=0)
        self.answers: dict[str, tuple[Result, bool] | None] = {}
        self._fails = leader_fails
        self._working, self._go = threading.Event(), threading.Event()

    def run(self) -> None:
        leader = threading.Thread(target=self._ask, args=("leader", self._work))
        leader.start()
        assert self._working.wait(10)
        self.clock.looked.clear()
        follower = threading.Thread(target=self._ask, args=("follower", lambda: a_result(2)))
        follower.start()
        # It looks at the clock under the lock, which the leader needs to end its work.
        assert self.clock.looked.wait(10)
        self._go.set()
        leader.join(10)
        follower.join(10)

    def _ask(self, name: str, make: Callable[[], Result]) -> None:
        try:
            self.answers[name] = self.cache.get_or_make(b"key", make)
        except RuntimeError:
            self.answers[name] = None

    def _work(self) -> Result:
        self._working.set()
        assert self._go.wait(10)
        if self._fails:
            raise RuntimeError("no slot")
        return a_result(1)


def test_equal_requests_at_once_work_only_once() -> None:
    crowd = _Crowd()

    crowd.run()

    assert crowd.answers == {"leader": (a_result(1), False), "follower": (a_result(1), True)}
    assert crowd.cache.stats() == CacheStats(1, 1, 0, 0, 0)


def test_after_a_failure_the_next_one_works_itself() -> None:
    crowd = _Crowd(leader_fails=True)

    crowd.run()

    assert crowd.answers == {"leader": None, "follower": (a_result(2), False)}


_ASKED = st.lists(
    st.tuples(st.binary(min_size=1, max_size=1), st.integers(0, 600), st.integers(0, 20)),
    max_size=40,
)


@given(_ASKED, st.integers(0, 20_000))
def test_it_never_holds_more_than_it_may(
    asked: list[tuple[bytes, int, int]], max_bytes: int
) -> None:
    """Whatever is asked for and however time passes; and its books agree with what it holds."""
    clock = Clock()
    cache = a_cache(clock, max_bytes=max_bytes, ttl_s=30)
    for data, size, seconds in asked:
        clock.now += seconds
        ask(cache, data, size=size)

        stats = cache.stats()
        held = sum(entry.size for entry in cache._entries.values())
        assert (stats.bytes <= max_bytes, stats.bytes) == (True, held)
        assert stats.entries == len(cache._entries)
    assert cache.stats().hits + cache.stats().misses == len(asked)
