"""Start a service on port 5000, send it a picture, stop it.

`PICTURE [--after PORT] [--until TEXT] -- COMMAND...`: after PORT of this machine answers, and until
TEXT is in the service's metrics; not before it has lived for a while: onnxruntime makes its first
report after ten seconds, when it may. Runs inside a network namespace, where the tests themselves
are not.
"""

import argparse
import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ATTEMPTS = 300
PAUSE_S = 0.2
LIVES_S = 20.0


def main() -> int:
    """Return 0 when the picture came back, and the text was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("picture", type=Path)
    parser.add_argument("--after", type=int)
    parser.add_argument("--until", default="")
    split = sys.argv.index("--")
    asked = parser.parse_args(sys.argv[1:split])
    if asked.after and not _wait(lambda: _listens(asked.after)):
        sys.stdout.write(f"nobody listens on {asked.after}\n")
        return 1
    began = time.monotonic()
    service = subprocess.Popen(sys.argv[split + 1 :])
    try:
        up = _wait(lambda: _listens(5000) and bool(_metrics()))
        status, *told = _post(asked.picture.read_bytes())
        sys.stdout.write(f"{status} {' '.join(told)}\n")
        done = _wait(lambda: asked.until in _metrics())
        _wait(lambda: time.monotonic() - began > LIVES_S or service.poll() is not None)
        return 0 if up and status == 200 and done and service.poll() is None else 1
    finally:
        # The tracer hands the signal of its group on and ends with what it traces.
        subprocess.run(["pkill", "-QUIT", "-P", str(service.pid)], check=False)
        try:
            service.wait(20)
        except subprocess.TimeoutExpired:
            service.send_signal(signal.SIGKILL)


def _wait(happened: Callable[[], bool]) -> bool:
    for _ in range(ATTEMPTS):
        if happened():
            return True
        time.sleep(PAUSE_S)
    return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _metrics() -> str:
    connection = http.client.HTTPConnection("127.0.0.1", 5000, timeout=30)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def _post(picture: bytes) -> tuple[int, str, str]:
    """Return the status, 0 for no answer, how many faces, and why stable answered."""
    connection = http.client.HTTPConnection("127.0.0.1", 5000, timeout=30)
    try:
        connection.request("POST", "/api/v1/blur", picture, {"Content-Type": "image/jpeg"})
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return 0, "", ""
    else:
        faces, why = (answer.getheader(f"X-Face-Blur-{name}") for name in ("Faces", "Degraded"))
        return answer.status, f"faces={faces}", f"degraded={why}"
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
