"""`faceblur probe`: labelled pictures against a running service."""

import argparse
import threading
from pathlib import Path
from typing import Any

from faceblur_service import atomic, probe
from faceblur_service.cli.words import (
    UsageError,
    Verb,
    add_verb,
    number,
    plural,
    port,
    say,
    write_out,
)
from faceblur_service.probe import ProbeError, Tallies

_VERB = Verb(
    "probe",
    "send labelled pictures to a running service and count what it finds",
    """\
Labels are what `faceblur detect` prints, corrected by a person. A face counts as found when a box
shares half of the common area with it.

With --every the probe goes on, adds up, and serves the counts to Prometheus (--serve) or writes
them for its node exporter (--textfile):
  faceblur_probe_faces_total{track,version,result="found"|"missed"}
  faceblur_probe_extra_total{track,version}
  faceblur_probe_pictures_total{track,version,outcome="answered"|"failed"}

Examples:
  faceblur probe --url http://127.0.0.1:5000 --labels faces/labels.json
  faceblur probe --url https://blur.example.com --header 'X-Gray-Enable: true' --labels l.json
  faceblur probe --url http://face-blur-service:5000 --url http://face-blur-gray-service:5000 \\
      --labels l.json --every 300 --serve 9100

Exit status: 0 all pictures were answered (and --least-recall kept), 1 not, 2 wrong usage.
""",
)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, _VERB)
    parser.add_argument(
        "--url", action="append", required=True, help="address of a service; may be repeated"
    )
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="FILE", help="JSON beside the pictures"
    )
    parser.add_argument(
        "--header", action="append", default=[], metavar="'NAME: VALUE'", help="sent with each"
    )
    parser.add_argument(
        "--least-side",
        type=number(0),
        default=probe.LEAST_SIDE,
        metavar="PX",
        help=f"longer side of the faces that count, in pixels (default: {probe.LEAST_SIDE})",
    )
    parser.add_argument(
        "--least-recall", type=number(0, 1), metavar="SHARE", help="fail below this share, 0 to 1"
    )
    parser.add_argument(
        "--every", type=number(0.1), metavar="SECONDS", help="go on, and add up; 0.1 or more"
    )
    parser.add_argument("--serve", type=port, metavar="PORT", help="serve the counts at /metrics")
    parser.add_argument(
        "--textfile", type=Path, metavar="FILE", help="write the counts there after each round"
    )
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Probe once, or until interrupted, and return the exit status."""
    if asked.serve is not None and asked.every is None:
        raise UsageError("--serve needs --every: a probe that ends cannot be asked.")
    try:
        asks = [probe.ask_over_http(url, _headers(asked.header)) for url in asked.url]
        pictures = probe.labels(asked.labels)
    except ProbeError as err:
        raise UsageError(str(err)) from err
    tallies, told = Tallies(), Told()
    if asked.serve is not None:
        try:
            told.serve(asked.serve)
        except OSError as err:
            raise UsageError(f"--serve {asked.serve}: {err.strerror}.") from err
        say(f"serving the counts at port {asked.serve}, /metrics")
    while True:
        before = _failures(tallies)
        probe.run(asks, pictures, tallies, asked.least_side)
        for version, (count, why) in _failures(tallies).items():
            if count > before.get(version, (0, None))[0]:
                say(f"{plural(count, 'picture')} failed; the last: {why}")
        told.text = probe.prometheus_text(tallies)
        if asked.textfile is not None:
            atomic.write(asked.textfile, told.text.encode())
        if asked.every is None:
            return _tell(tallies, asked.least_recall)
        threading.Event().wait(asked.every)


class Told:
    """The counts of the last round, served to whoever asks."""

    def __init__(self) -> None:
        """Have nothing to tell yet."""
        self.text = ""

    def serve(self, port: int, host: str = "") -> int:
        """Answer HTTP in a thread of its own, and return the port."""
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.path in {"/metrics", "/healthz"}
                body = told.text.encode() if self.path == "/metrics" else b"ok\n"
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.end_headers()
                self.wfile.write(body if known else b"")

            def log_message(self, *_: Any) -> None:
                """Say nothing: Prometheus asks every few seconds."""

        server = ThreadingHTTPServer((host, port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return int(server.server_address[1])


def _failures(tallies: Tallies) -> dict[tuple[str, str], tuple[int, str | None]]:
    return {version: (tally.failed, tally.why) for version, tally in tallies.by.items()}


def _tell(tallies: Tallies, least_recall: float | None) -> int:
    good = True
    for (track, version), tally in sorted(tallies.by.items()):
        write_out(
            f"{track} {version}: recall {_share(tally.recall)} "
            f"({tally.found} of {tally.found + tally.missed} faces), "
            f"precision {_share(tally.precision)} ({tally.extra} extra boxes), "
            f"{plural(tally.answered, 'picture')} answered, {tally.failed} failed\n"
        )
        good &= tally.failed == 0
        if least_recall is not None:
            good &= tally.recall is not None and tally.recall >= least_recall
    return 0 if good else 1


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _headers(given: list[str]) -> dict[str, str]:
    headers = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"--header must look like 'Name: value', found {one!r}.")
        headers[name.strip()] = value.strip()
    return headers
