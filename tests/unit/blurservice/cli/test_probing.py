"""`faceblur probe` against a service that is none."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from faceblur_service.cli import main
from faceblur_service.cli.probing import Told

FACE = {"id": "1", "x": 0, "y": 0, "width": 40, "height": 40, "score": 0.9}


@contextmanager
def service(status: int = 200) -> Iterator[str]:
    """Answer every picture with one face, as the gray version when asked to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"width": 99, "height": 99, "faces": [FACE]}).encode()
            is_picture = self.headers["Content-Type"].startswith("image/")
            is_known = self.path == "/api/v1/detect" and is_picture
            self.send_response(status if is_known else 415)
            gray = self.headers.get("X-Gray-Enable") == "true"
            self.send_header("X-Face-Blur-Track", "gray" if gray else "stable")
            self.send_header("X-Face-Blur-Version", "1.1" if gray else "1.0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def labels(tmp_path: Path) -> str:
    """Return labels of one picture with two faces, of which the service finds one."""
    (tmp_path / "a.jpg").write_bytes(b"picture")
    boxes = [[0, 0, 40, 40], [60, 60, 90, 90]]
    (tmp_path / "labels.json").write_text(json.dumps([{"file": "a.jpg", "boxes": boxes}]))
    return str(tmp_path / "labels.json")


def test_it_tells_what_each_track_found(labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    with service() as url:
        stable = main(["probe", "--url", url, "--labels", labels])
        gray = main(["probe", "--url", url, "--labels", labels, "--header", "X-Gray-Enable: true"])

    assert (stable, gray) == (0, 0)
    found = "recall 0.500 (1 of 2 faces), precision 1.000 (0 extra boxes), 1 picture answered"
    assert capsys.readouterr().out.splitlines() == [
        f"stable 1.0: {found}, 0 failed",
        f"gray 1.1: {found}, 0 failed",
    ]


@pytest.mark.parametrize(("least", "want"), [("0.5", 0), ("0.6", 1)])
def test_a_recall_may_be_demanded(labels: str, least: str, want: int) -> None:
    with service() as url:
        command = ["probe", "--url", url, "--labels", labels, "--least-recall", least]
        assert main(command) == want


def test_a_service_that_fails_is_a_failure(labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    with service(status=500) as url:
        status = main(["probe", "--url", url, "--labels", labels])

    said = capsys.readouterr()
    assert (status, said.out) == (
        1,
        "stable 1.0: recall - (0 of 0 faces), precision - (0 extra boxes), "
        "0 pictures answered, 1 failed\n",
    )
    assert said.err == f"1 picture failed; the last: {url} answered HTTP 500\n"


def test_nobody_there_is_a_failure_of_an_unknown_track(
    labels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with service() as url:
        pass

    status = main(["probe", "--url", url, "--labels", labels])

    said = capsys.readouterr()
    assert (status, said.out.startswith("unknown unknown: recall -")) == (1, True)
    assert said.err == f"1 picture failed; the last: {url}: Connection refused\n"


def test_a_service_that_is_another_one_is_a_failure(
    labels: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FACE, "width", None)
    with service() as url:
        status = main(["probe", "--url", url, "--labels", labels])

    wanted = f"1 picture failed; the last: {url} answered, but not as a face blur service does\n"
    assert (status, capsys.readouterr().err) == (1, wanted)


def test_a_port_that_is_taken_is_told(labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    with service() as url:
        port = url.rpartition(":")[2]
        status = main(["probe", "--url", url, "--labels", labels, "--every", "9", "--serve", port])

    wanted = f"faceblur probe: --serve {port}: Address already in use.\n"
    assert (status, capsys.readouterr().err) == (2, wanted)


@pytest.mark.parametrize(
    ("more", "want"),
    [
        (["--every", "0"], "must be a number of 0.1 or more, found '0'"),
        (["--every", "nan"], "found 'nan'"),
        (["--least-recall", "90"], "must be a number from 0 to 1, found '90'"),
        (["--serve", "65536"], "must be a port from 0 to 65535, found '65536'"),
    ],
)
def test_numbers_out_of_range_are_refused(
    capsys: pytest.CaptureFixture[str], more: list[str], want: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["probe", "--url", "http://127.0.0.1:1", "--labels", "x.json", *more])

    assert (ended.value.code, want in capsys.readouterr().err) == (2, True)


def test_counts_are_written_for_the_node_exporter(labels: str, tmp_path: Path) -> None:
    target = tmp_path / "faceblur.prom"
    with service() as url:
        status = main(["probe", "--url", url, "--labels", labels, "--textfile", str(target)])

    line = 'faceblur_probe_faces_total{track="stable",version="1.0",result="missed"} 1'
    assert (status, line in target.read_text().splitlines()) == (0, True)


def test_counts_are_served_to_whoever_asks() -> None:
    told = Told()
    told.text = "faceblur_probe_extra_total 3\n"
    port = told.serve(0, "127.0.0.1")

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        said = answer.read()

    assert said == b"faceblur_probe_extra_total 3\n"


@pytest.mark.parametrize(
    ("more", "want"),
    [
        (["--serve", "0"], "--serve needs --every"),
        (["--header", "x"], "must look like"),
        (["--url", "ftp://x"], "ftp://x is no http address"),
        (["--labels", "none.json"], "none.json cannot be read: No such file or directory."),
    ],
)
def test_what_cannot_be_meant_is_refused(
    labels: str, capsys: pytest.CaptureFixture[str], more: list[str], want: str
) -> None:
    status = main(["probe", "--url", "http://127.0.0.1:1", "--labels", labels, *more])

    assert (status, want in capsys.readouterr().err) == (2, True)
