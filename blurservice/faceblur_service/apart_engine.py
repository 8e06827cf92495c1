"""The process in which a gray pod works on pictures: `python -m faceblur_service.apart_engine FD…`.

Started by `apart.Engine`, which hands down one connection per picture at work. It may be killed at
any moment: nobody but it loses anything. Ends when its standard input does.
"""

import logging
import logging.config
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from faceblur_service import allocator, jsonlog
from faceblur_service.detection.factory import make_detector
from faceblur_service.errors import FaceBlurError, ServiceError, StartError
from faceblur_service.pipeline import Pipeline

_log = logging.getLogger("faceblur.engine")

# The kernel's first choice when memory runs out, long before the process that holds the requests.
_KILL_ME_FIRST = "1000"


def main() -> int:
    """Serve until standard input ends."""
    logging.config.dictConfig(jsonlog.config())
    allocator.give_back_large_blocks()
    # An interrupt at a terminal goes to the whole group; the server decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        Path("/proc/self/oom_score_adj").write_text(_KILL_ME_FIRST, encoding="ascii")
    except OSError as err:
        _log.warning("may not be killed first", extra={"fields": {"reason": str(err)}})
    try:
        pipeline = Pipeline(make_detector())
    except StartError as err:
        jsonlog.fatal(str(err))
        return 1
    methods = methods_of(pipeline)
    for number in sys.argv[1:]:
        lane: Connection[Any, Any] = Connection(int(number))
        threading.Thread(target=serve, args=(lane, methods), daemon=True).start()
    sys.stdin.buffer.read()
    # Not by the usual way: a picture in native code would hold it up, and nobody waits for it.
    os._exit(0)


def methods_of(pipeline: Pipeline) -> Mapping[str, Callable[..., Any]]:
    """Return what may be asked, by name."""
    detector = pipeline.detector
    return {
        "run": pipeline.run,
        "detect": pipeline.detect,
        "find_faces": detector.find_faces,
        "find_leftovers": detector.find_leftovers,
        "detectors": detector.detectors,
    }


def serve(lane: "Connection[Any, Any]", methods: Mapping[str, Callable[..., Any]]) -> None:
    """Answer one question after the other until the other end is closed."""
    while True:
        try:
            what, arguments = lane.recv()
        except (EOFError, OSError):
            return
        lane.send(_answer(methods[what], arguments))
        del arguments  # the picture goes now, not with the next one


def _answer(method: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, method(*arguments)
    except FaceBlurError as err:
        return False, err
    except Exception:  # noqa: BLE001 - the outermost loop of this process
        _log.exception("unexpected error")
        return False, ServiceError("The blur engine failed.")


if __name__ == "__main__":
    sys.exit(main())
