"""Start a service on port 5000, send it a picture, stop it: `PICTURE -- COMMAND...`.

Runs inside a network namespace, where the tests themselves are not.
"""

import http.client
import signal
import subprocess
import sys
import time
from pathlib import Path

ATTEMPTS = 300


def main() -> int:
    """Return 0 when the picture came back."""
    picture, command = Path(sys.argv[1]), sys.argv[3:]
    service = subprocess.Popen(command)
    try:
        for _ in range(ATTEMPTS):
            status, faces = _post(picture.read_bytes())
            if status:
                break
            time.sleep(0.2)
        sys.stdout.write(f"{status} faces={faces}\n")
        return 0 if status == 200 else 1
    finally:
        # The tracer hands the signal of its group on and ends with what it traces.
        subprocess.run(["pkill", "-QUIT", "-P", str(service.pid)], check=False)
        try:
            service.wait(20)
        except subprocess.TimeoutExpired:
            service.send_signal(signal.SIGKILL)


def _post(picture: bytes) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", 5000, timeout=30)
    try:
        connection.request("POST", "/api/v1/blur", picture, {"Content-Type": "image/jpeg"})
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return 0, None
    else:
        return answer.status, answer.headers.get("X-Face-Blur-Faces")
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
