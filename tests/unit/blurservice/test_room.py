"""Memory that pictures share."""

import threading

import pytest
from tests.support.eventually import Patience, eventually

from faceblur_service.codec import MAX_COST, Format, Header
from faceblur_service.errors import QueueFull
from faceblur_service.room import Room


def test_small_pictures_fit_beside_each_other() -> None:
    room = Room(100)

    with room.hold(50), room.hold(50):
        assert room.free == 0

    assert room.free == 100


def test_a_picture_that_does_not_fit_beside_the_others_is_told_to_come_back() -> None:
    room = Room(100)

    with room.hold(60), pytest.raises(QueueFull, match="memory"), room.hold(50, wait_s=0):
        pass

    assert room.free == 100


def test_room_is_given_back_when_the_work_fails() -> None:
    room = Room(100)

    with pytest.raises(ValueError, match="broken"), room.hold(60):
        raise ValueError("broken")

    assert room.free == 100


def test_a_picture_dearer_than_the_room_has_it_alone() -> None:
    room = Room(100)

    with room.hold(10**9):
        assert room.free == 0


def test_two_pictures_of_25_megapixels_run_one_after_the_other() -> None:
    large = Header(Format.JPEG, 5000, 5000, plain=True)
    room, together, most, done = Room(), 0, 0, list[int]()
    lock = threading.Lock()

    def work() -> None:
        nonlocal together, most
        with room.hold(large.cost):
            with lock:
                together += 1
                most = max(most, together)
            _until_waiting(room, 3 - len(done))
            with lock:
                together -= 1
                done.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert 2 * large.cost > MAX_COST
    assert (most, room.free) == (1, MAX_COST)


def test_a_small_picture_does_not_overtake_a_large_one() -> None:
    room, order = Room(100), list[str]()
    first = room.hold(60)
    first.__enter__()

    def work(name: str, cost: int) -> None:
        with room.hold(cost):
            order.append(name)

    large = threading.Thread(target=work, args=("large", 90))
    large.start()
    _until_waiting(room, 1)
    small = threading.Thread(target=work, args=("small", 30))
    small.start()
    _until_waiting(room, 2)
    first.__exit__(None, None, None)
    large.join()
    small.join()

    assert order == ["large", "small"]


def _until_waiting(room: Room, count: int) -> None:
    patience = Patience("in line", 5)
    eventually(lambda: room.waiting, lambda n: n == count, within=patience, what="pictures")
