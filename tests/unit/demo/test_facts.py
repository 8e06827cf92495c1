"""What is read off a recorded release."""

from tests.demo.facts import StepShare, failed_elsewhere, gray_after_the_end, rollback_s, shares
from tests.support.answers import Answer, Share
from tests.unit.demo.recorded import GOOD_END, a_bad_release, a_good_release, seen


def test_requests_near_a_change_of_weight_count_for_no_step() -> None:
    release = a_bad_release(
        sightings=(seen(10, "Progressing", 5), seen(20, "Progressing", 25)),
        answers=tuple(Answer(at, at + 0.1, 200, "gray") for at in (9.9, 10.9, 11, 19.4, 19.6, 21)),
    )

    assert shares(release) == [StepShare(5, Share(2, 2)), StepShare(25, Share(0, 0))]


def test_a_status_that_repeats_a_weight_does_not_cut_its_step() -> None:
    release = a_good_release()
    again = seen(30, "Progressing", 5, message="still holding")
    longer = a_good_release(
        sightings=tuple(sorted((*release.sightings, again), key=lambda one: one.at))
    )

    assert shares(longer) == shares(release)


def test_a_step_nobody_was_counted_at_is_not_met() -> None:
    assert not StepShare(5, Share(0, 0)).is_met


def test_few_answers_allow_for_uneven_ends() -> None:
    found = [StepShare(50, Share(gray, 10)).is_met for gray in (2, 3, 7, 8)]

    assert found == [False, True, True, False]


def test_a_rollback_lasts_from_the_first_bad_to_the_last_gray_answer() -> None:
    release = a_bad_release(
        answers=(
            Answer(1.0, 1.1, 200, "gray"),
            Answer(2.0, 2.5, 200, "gray"),
            Answer(3.0, 3.1, 500, "gray"),
            Answer(4.0, 4.1, 200, "gray"),
            Answer(9.0, 9.1, 200, "stable"),
        )
    )

    assert rollback_s(release) == 4.1 - 2.5


def test_no_bad_answer_no_rollback_time() -> None:
    assert rollback_s(a_bad_release(answers=(Answer(1, 1.1, 200, "gray"),))) is None


def test_an_answer_of_nobody_is_not_grays_fault() -> None:
    lost = Answer(1, 2, 0, error="ServerDisconnectedError")

    found = failed_elsewhere(a_bad_release(answers=(lost, Answer(1, 2, 500, "gray"))))

    assert found == [lost]


def test_gray_may_finish_what_it_had_when_the_release_ended() -> None:
    on_the_way = Answer(GOOD_END - 0.1, GOOD_END + 3, 200, "gray")

    assert gray_after_the_end(a_good_release(answers=(on_the_way,))) == []
