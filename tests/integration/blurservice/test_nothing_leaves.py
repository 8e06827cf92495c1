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
from tests.support.pictures import pair
from tests.support.samples import image, saved

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="iproute2 is not installed"),
]

SCRIPT = Path(__file__).with_name("client_in_namespace.py")
STABLE_PORT = 5001
CALLS = "connect,sendto,sendmsg,sendmmsg,socket"


def _traced(
    tmp_path: Path,
    *service: str,
    kind: str = "JPEG",
    before: str = "true",
    client: str = "",
    **more: str,
) -> tuple[list[str], str]:
    """Run a service command in an empty namespace; return its network calls and the answer.

    Args:
        tmp_path: Where its files go.
        *service: The command.
        kind: The format of the picture.
        before: A shell command in the namespace before it; what that leaves running is ended.
        client: What the client is asked for beside sending the picture.
        **more: Environment variables of the service.
    """
    picture, trace = tmp_path / "photo.jpg", tmp_path / "calls"
    picture.write_bytes(saved(image(pair()), kind))
    tracer = ["strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", str(trace), "env"]
    tracer += [f"{name}={value}" for name, value in more.items()]
    program = " ".join(map(_quoted, [sys.executable, str(SCRIPT), str(picture)]))
    traced = " ".join(map(_quoted, [*tracer, *service]))
    # The namespace of processes ends all that is in it with its first one.
    inside = f"ip link set lo up && {before}; {program} {client} -- {traced}"
    done = blurservice.run(
        ["unshare", "-n", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", inside], tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 faces=" in done.stdout
    return trace.read_text().splitlines(), done.stdout


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


@pytest.mark.parametrize("kind", ["JPEG", "HEIC"])
def test_no_connection_is_attempted_while_a_photo_is_hidden(tmp_path: Path, kind: str) -> None:
    calls, _ = _traced(tmp_path, *blurservice.command(5000), kind=kind, HOME=str(tmp_path))

    assert any("socket(AF_INET" in call for call in calls), "the tracer saw the listening socket"
    assert _leaving(calls) == []
    # Nor is anything kept to be reported later.
    assert not (tmp_path / ".cache" / "Microsoft").exists()


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

    calls, _ = _traced(tmp_path, *command)

    assert _leaving(calls) != []


@pytest.mark.parametrize(
    ("more", "client", "want"),
    [
        pytest.param(
            {"FACEBLUR_FALLBACK_AFTER_MS": "1", "FACEBLUR_SHADOW_PERCENT": "0"},
            "",
            "degraded=slow",
            id="stable answers",
        ),
        pytest.param(
            {"FACEBLUR_FALLBACK_AFTER_MS": "30000", "FACEBLUR_SHADOW_PERCENT": "100"},
            "--until 'faceblur_shadow_pictures_total{result=\"compared\"'",
            "degraded=None",
            id="stable is compared with",
        ),
    ],
)
def test_only_the_configured_stable_is_called(
    tmp_path: Path, more: dict[str, str], client: str, want: str
) -> None:
    gunicorn = " ".join(map(_quoted, blurservice.command(STABLE_PORT)))
    calls, told = _traced(
        tmp_path,
        *blurservice.command(5000),
        before=f"(FACEBLUR_TRACK=stable exec {gunicorn} > {tmp_path}/stable.log 2>&1 &)",
        client=f"--after {STABLE_PORT} {client}",
        FACEBLUR_FALLBACK_URL=f"http://127.0.0.1:{STABLE_PORT}",
        **more,
    )

    stable = f'sin_port=htons({STABLE_PORT}), sin_addr=inet_addr("127.0.0.1")'
    leaving = _leaving(calls)
    assert want in told
    assert leaving != []
    assert [call for call in leaving if stable not in call] == []
