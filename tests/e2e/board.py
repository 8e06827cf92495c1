"""A change board in the cluster: a real Service that is asked by a gate and told by a notification.

The program below runs in a pod of its own. It answers nobody until it is told to agree, and
prints a line of JSON about each request that it has read.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml
from tests.e2e.scene import SCALED, Scene
from tests.support import installation
from tests.support.eventually import eventually

NAME = "change-board"
KEY = "a key that only the board and its friends know"
_PORT = 8080
_PROGRAM = """
import http.server, json, os, sys, time

class Board(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        said = {"path": self.path, "headers": dict(self.headers.items()), "body": body}
        print(json.dumps(said), flush=True)
        while self.path == "/gate" and not os.path.exists("/tmp/agrees"):
            time.sleep(0.1)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Board).serve_forever()
"""


@dataclass(frozen=True)
class Request:
    """What somebody sent to the board."""

    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        """Return the body as it was meant."""
        read: dict[str, Any] = json.loads(self.body)
        return read


class Board:
    """The board as a test sees it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.url = f"http://{NAME}.{installation.NAMESPACE}.svc"

    def agree(self) -> None:
        """Answer from now on, and agree to everything."""
        program = "open('/tmp/agrees', 'w').close()"
        self._scene.kubectl("exec", f"pod/{NAME}", "--", "python", "-c", program)

    def got(self, path: str) -> list[Request]:
        """Return what was sent to a path so far."""
        lines = self._scene.kubectl("logs", f"pod/{NAME}").splitlines()
        read = [json.loads(line) for line in lines]
        return [Request(one["headers"], one["body"]) for one in read if one["path"] == path]


@contextmanager
def a_board(scene: Scene) -> Iterator[Board]:
    """Let there be a board that does not answer, and a Secret with its key, until the end."""
    scene.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(_manifests()))
    try:
        eventually(
            lambda: scene.kubectl(
                "get", f"endpoints/{NAME}", "-o=jsonpath={.subsets[*].addresses}"
            ),
            lambda found: "ip" in found,
            within=SCALED,
            what="the board can be reached",
        )
        yield Board(scene)
    finally:
        scene.delete_rollout()
        objects = (f"pod/{NAME}", f"service/{NAME}", f"secret/{NAME}")
        scene.kubectl("delete", *objects, "--grace-period=0", "--force", "--ignore-not-found")


def _manifests() -> list[dict[str, Any]]:
    labels = {"app": NAME}
    container = {
        "name": "board",
        "image": installation.VERSION_STABLE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", _PROGRAM, str(_PORT)],
        # Ready means that it listens.
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": NAME},
            "stringData": {"token": KEY},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": _PORT}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": NAME, "labels": labels},
            "spec": {"containers": [container]},
        },
    ]
