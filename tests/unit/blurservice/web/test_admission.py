"""Who may work, who waits, who comes back."""

import threading

import pytest

from faceblur_service.codec import MAX_COST
from faceblur_service.errors import QueueFull
from faceblur_service.web.admission import Admission


def test_more_than_slots_and_queue_are_refused_until_one_leaves() -> None:
    admission = Admission(slots=1, queue=1)

    with admission.place():
        with admission.place(), pytest.raises(QueueFull), admission.place():
            pass
        with admission.place():
            pass


def test_slots_are_given_up_to_their_number() -> None:
    admission = Admission(slots=2, queue=0, wait_s=0.01)

    with admission.slot(1), admission.slot(1), pytest.raises(QueueFull), admission.slot(1):
        pass


def test_the_room_that_is_left_is_what_no_picture_at_work_needs() -> None:
    admission = Admission(slots=2, queue=0, wait_s=0.01)

    with admission.slot(1000):
        assert admission.room_left() == MAX_COST - 1000
    assert admission.room_left() == MAX_COST


def test_pictures_that_do_not_fit_together_work_one_after_the_other() -> None:
    admission = Admission(slots=2, queue=0, wait_s=0.01)
    large, small = MAX_COST * 2 // 3, MAX_COST // 3

    with admission.slot(large), pytest.raises(QueueFull), admission.slot(large):
        pass
    with admission.slot(large), admission.slot(small):
        pass
    with admission.slot(large):
        pass


def test_who_was_given_up_leaves_at_once() -> None:
    admission = Admission(slots=1, queue=1)
    given_up, refused = threading.Event(), threading.Event()

    def wait() -> None:
        with pytest.raises(QueueFull), admission.slot(1, given_up):
            pass
        refused.set()

    waiting = threading.Thread(target=wait)
    with admission.slot(1):
        waiting.start()
        given_up.set()
        admission.nudge()
        waiting.join(20)

    assert (refused.is_set(), admission.load()) == (True, (0, 0))


def test_who_waits_gets_the_slot_that_comes_free() -> None:
    admission = Admission(slots=1, queue=1)
    got = threading.Event()

    def wait() -> None:
        with admission.slot(1):
            got.set()

    waiting = threading.Thread(target=wait)
    with admission.slot(1):
        waiting.start()
        early = got.is_set()
    waiting.join(20)

    assert (early, got.is_set()) == (False, True)


def test_an_error_gives_the_slot_back() -> None:
    admission = Admission(slots=1, queue=0, wait_s=0.01)

    with pytest.raises(ZeroDivisionError), admission.place(), admission.slot(1):
        raise ZeroDivisionError

    with admission.place(), admission.slot(1):
        pass
