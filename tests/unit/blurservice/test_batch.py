"""Jobs over several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.eventually import Patience, eventually
from tests.support.trades import REFUSING, SHOUTING, VANISHING

from faceblur_service import batch
from faceblur_service.errors import ModelError

BEGUN = Patience("the job begins", 30)


def _answers(
    jobs: list[str],
    workers: int = 2,
    timeout_s: float = 60,
    trade: batch.Trade[str, str] = SHOUTING,
) -> dict[str, str]:
    done = batch.run(jobs, trade, workers=workers, timeout_s=timeout_s)
    return {job: str(answer) for job, answer in done}


def test_no_jobs_start_no_process() -> None:
    assert _answers([]) == {}


def test_every_job_is_done_once() -> None:
    jobs = [f"job {n}" for n in range(20)]

    assert _answers(jobs) == {job: job.upper() for job in jobs}


def test_the_work_is_done_in_other_processes() -> None:
    pids = set(_answers([f"pid {n}" for n in range(8)]).values())

    assert str(os.getpid()) not in pids
    assert len(pids) <= 2


def test_ctrl_c_does_not_reach_the_processes() -> None:
    """Of the first one neither; only the parent decides what ends when."""
    program = (
        "from tests.support.trades import SHOUTING; from faceblur_service import batch\n"
        "if __name__ == '__main__':\n"
        "    print([said for _, said in batch.run(['masked 1'], SHOUTING, workers=1)])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.stdout, done.stderr) == ("['True']\n", "")


@pytest.mark.parametrize(
    ("bad", "want"),
    [
        ("exit 3", "Its process ended with exit code 3."),
        ("kill", "Its process ended with SIGKILL, probably for lack of memory."),
    ],
)
def test_a_job_that_ends_its_process_costs_only_itself(bad: str, want: str) -> None:
    assert _answers(["a", bad, "b", "c"], workers=1) == {"a": "A", bad: want, "b": "B", "c": "C"}


def test_a_job_that_takes_too_long_is_ended_and_leaves_nothing(tmp_path: Path) -> None:
    hang = f"hang {tmp_path / 'out.jpg'}"

    answers = _answers(["a", hang, "b"], workers=1, timeout_s=1)

    assert answers == {"a": "A", hang: "It took more than 1 seconds.", "b": "B"}
    assert [path.name for path in tmp_path.iterdir()] == ["out.jpg.begun"]


def test_leaving_early_ends_the_processes_and_removes_half_written_files(tmp_path: Path) -> None:
    """As Ctrl-C does."""
    hang = f"hang {tmp_path / 'out.jpg'}"
    done = batch.run([hang, "a"], SHOUTING, workers=2)

    first = next(done)
    eventually(
        lambda: (tmp_path / "out.jpg.begun").exists(), bool, within=BEGUN, what="a half file"
    )
    done.close()  # type: ignore[attr-defined]  # it is a generator

    assert first == ("a", "A")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jpg.begun"]


def test_processes_that_cannot_work_end_it_all() -> None:
    with pytest.raises(ModelError, match=r"No model\."):
        _answers(["a", "b"], trade=REFUSING)


def test_processes_that_vanish_at_the_start_are_not_started_for_ever() -> None:
    with pytest.raises(ModelError, match="ended while it started, with exit code 7"):
        _answers(["a", "b"], workers=1, trade=VANISHING)


def test_there_is_at_least_one_core() -> None:
    assert 1 <= batch.cores() <= (os.cpu_count() or 1)
