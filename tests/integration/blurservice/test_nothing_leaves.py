"""The promise of the product: a picture is hidden without a single attempt to reach anything.

The service runs as its image does, in a network namespace with nothing but a loopback, under
strace. Whatever it would like to say to anybody shows up as a connect or a sendto.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.support import blurservice
from tests.support.pictures import photos

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="iproute2 is not installed"),
]

SCRIPT = Path(__file__).with_name("client_in_namespace.py")
CALLS = "connect,sendto,sendmsg,sendmmsg,socket"


def _traced(tmp_path: Path, *service: str) -> list[str]:
    """Run a service command in an empty namespace and return its network calls."""
    picture, trace = tmp_path / "photo.jpg", tmp_path / "calls"
    picture.write_bytes(photos()[0])
    program = [sys.executable, str(SCRIPT), str(picture), "--", "strace", "-f", "-qq"]
    tracer = [*program, "-e", f"trace={CALLS}", "-o", str(trace), *service]
    inside = f"ip link set lo up && exec {' '.join(map(_quoted, tracer))}"
    done = blurservice.run(["unshare", "-n", "sh", "-c", inside], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 faces=" in done.stdout
    return trace.read_text().splitlines()


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _leaving(calls: list[str]) -> list[str]:
    """Return the calls that would reach beyond this process.

    Allowed are Unix sockets, what is sent over connections that were accepted (no address), and
    sockets that are only listened on. Not even the loopback may be dialled: nothing is there.
    """
    # "sa_family=AF_INET", also in look-ups of names, which go to port 53 of the loopback.
    reach = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\(.*sa_family=AF_(?!UNIX)")
    datagram = re.compile(r"\bsocket\(AF_INET6?, SOCK_(DGRAM|RAW)")
    return [call for call in calls if reach.search(call) or datagram.search(call)]


def test_no_connection_is_attempted_while_a_photo_is_hidden(tmp_path: Path) -> None:
    calls = _traced(tmp_path, *blurservice.command(5000))

    assert any("socket(AF_INET" in call for call in calls), "the tracer saw the listening socket"
    assert _leaving(calls) == []


def test_the_tracer_would_see_an_attempt(tmp_path: Path) -> None:
    """The same run with a service that looks a name up is noticed."""
    config = tmp_path / "leaky_conf.py"
    config.write_text(
        "from faceblur_service.web.gunicorn_conf import *\n"
        "def post_worker_init(worker):\n"
        "    import socket\n"
        "    try:\n"
        "        socket.create_connection(('192.0.2.1', 443), timeout=1)\n"
        "    except OSError:\n"
        "        pass\n"
    )
    command = blurservice.command(5000)
    command[command.index("--config") + 1] = str(config)

    assert _leaving(_traced(tmp_path, *command)) != []
