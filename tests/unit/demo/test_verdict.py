"""The demo ends with 0 only if everything it promises was seen."""

from dataclasses import replace

import pytest
from tests.demo.facts import Release
from tests.demo.verdict import exit_status, problems
from tests.support.answers import Answer
from tests.unit.demo.recorded import (
    GOOD_END,
    a_bad_release,
    a_good_release,
    answers,
    seen,
    spoiled,
    without,
)

GOOD, BAD = a_good_release(), a_bad_release()


def test_a_run_in_which_all_was_seen_ends_with_0() -> None:
    found = problems(GOOD, BAD)

    assert (found, exit_status(found)) == ([], 0)


@pytest.mark.parametrize(
    ("good", "bad", "want"),
    [
        pytest.param(None, None, "the good release was never started", id="nothing happened"),
        pytest.param(GOOD, None, "the bad release was never started", id="no bad release"),
        pytest.param(
            a_good_release(ended=None, sightings=(*GOOD.sightings, seen(130, "RolledBack", 0))),
            BAD,
            "new was not promoted: its last phase was RolledBack",
            id="the good one was not promoted",
        ),
        pytest.param(
            a_good_release(answers=spoiled(GOOD.answers, 3, status=502)),
            BAD,
            "1 of 2200 requests failed during the good release: 1 × 502 from stable",
            id="one request of the good release failed",
        ),
        pytest.param(
            a_good_release(answers=spoiled(GOOD.answers, -1, status=0, track="", error="Reset")),
            BAD,
            "1 of 2200 requests failed during the good release: 1 × Reset from nobody",
            id="one request failed after the promotion",
        ),
        pytest.param(
            a_good_release(sightings=without(GOOD.sightings, 25)),
            BAD,
            "the good release went through other weights than its steps: 5 %, 50 %, 100 %",
            id="a step was left out",
        ),
        pytest.param(
            a_good_release(
                answers=tuple(replace(one, track="gray") for one in GOOD.answers[:900])
                + GOOD.answers[900:]
            ),
            BAD,
            "at weight 5 % clients saw 100.0 % (370 of 370) of gray, more than 1.5 points off",
            id="clients saw another share",
        ),
        pytest.param(
            a_good_release(
                answers=(*GOOD.answers, Answer(GOOD_END + 5, GOOD_END + 6, 200, "gray"))
            ),
            BAD,
            "1 requests went to gray after the good release was over",
            id="gray still has users at the end",
        ),
        pytest.param(
            GOOD,
            a_bad_release(ended=None, sightings=BAD.sightings[:2]),
            "worse was not rolled back: its last phase was Progressing",
            id="the bad one was not rolled back",
        ),
        pytest.param(
            GOOD,
            a_bad_release(answers=spoiled(BAD.answers, 0, status=503)),
            "1 requests failed during the bad release that gray had no part in: "
            "1 × 503 from stable",
            id="stable failed during the bad release",
        ),
        pytest.param(
            GOOD,
            a_bad_release(answers=tuple(answers(0, 40, 0))),
            "no client saw a bad answer, so the rollback shows nothing",
            id="the bad release had no effect",
        ),
        pytest.param(
            GOOD,
            a_bad_release(ended=100.0, answers=tuple(answers(0, 90, 5, status=500, latency_s=0.7))),
            "89 s from the first bad answer to the last gray one, allowed 60 s",
            id="the rollback took for ever",
        ),
    ],
)
def test_a_promise_that_was_not_kept_ends_with_1(
    good: Release | None, bad: Release | None, want: str
) -> None:
    found = problems(good, bad)

    assert want in found
    assert exit_status(found) == 1
