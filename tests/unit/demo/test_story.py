"""How a release that was played becomes facts."""

import pytest
from tests.demo.releases import the_bad, the_good
from tests.demo.story import record
from tests.support.answers import Answer
from tests.unit.demo.recorded import seen

EARLIER = Answer(9.0, 10.5, 200, "stable")
FIRST, LAST = Answer(10.0, 10.1, 200, "stable"), Answer(99.0, 99.1, 500, "gray")


def test_only_what_was_sent_since_the_beginning_counts() -> None:
    release = record(the_good(), 10.0, None, (), (EARLIER, FIRST, LAST))

    assert release.answers == (FIRST, LAST)


@pytest.mark.parametrize(
    ("last", "want"),
    [
        pytest.param("Succeeded", 50.0, id="promoted"),
        pytest.param("RolledBack", None, id="a good version that was rolled back has not ended"),
        pytest.param("Invalid", None, id="a refused one neither"),
    ],
)
def test_a_good_release_ends_with_its_promotion(last: str, want: float | None) -> None:
    release = record(the_good(), 10.0, 50.0, (seen(50.0, last, 0),), ())

    assert (release.ended, release.phase) == (want, last)


def test_a_bad_release_that_is_promoted_has_not_ended_as_wanted() -> None:
    release = record(the_bad(), 10.0, 50.0, (seen(50.0, "Succeeded", 0),), ())

    assert release.ended is None


def test_a_release_that_said_nothing_has_not_ended() -> None:
    release = record(the_good(), 10.0, None, (), ())

    assert (release.ended, release.phase) == (None, "nothing")
