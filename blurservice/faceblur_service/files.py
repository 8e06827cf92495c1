"""Files on the disk over several processes: hide or find the faces of each."""

from collections.abc import Callable, Iterator, Sequence

from faceblur_service import batch
from faceblur_service.batch import Lost, Trade
from faceblur_service.filejob import FileAnswer, FileJob, writes


def start() -> Callable[[FileJob], FileAnswer]:
    """Make this process's pipeline and return what does one job.

    Raises:
        StartError: There is no detector to be had.
    """
    # Imported here: the process that only hands out jobs needs neither OpenCV nor MediaPipe.
    from faceblur_service.detection.factory import make_detector
    from faceblur_service.filework import FileWork
    from faceblur_service.pipeline import Pipeline

    return FileWork(Pipeline(make_detector()))


FILES: Trade[FileJob, FileAnswer] = Trade(start, writes)


def run(jobs: Sequence[FileJob], *, workers: int) -> Iterator[tuple[FileJob, FileAnswer]]:
    """Do the jobs over several processes, and yield each with what became of it as it finishes.

    Args:
        jobs: What to do.
        workers: Processes at once. A single job is done in this process.

    Raises:
        StartError: There is no detector to be had.
    """
    if len(jobs) == 1:
        yield jobs[0], start()(jobs[0])
        return
    for job, answer in batch.run(jobs, FILES, workers=workers):
        if isinstance(answer, Lost):
            yield job, FileAnswer(code="process-lost", error=str(answer))
        else:
            yield job, answer
