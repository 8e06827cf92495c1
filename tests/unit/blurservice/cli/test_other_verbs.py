"""`faceblur detect`, `models`, `serve`, and the entry itself."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from tests.support.eventually import Patience, eventually
from tests.support.pictures import photos

from faceblur_service import blur_bytes, detect_bytes, models
from faceblur_service.cli import main
from faceblur_service.cli.serving import server_command
from faceblur_service.cli.words import faces_json

PROGRAM = [sys.executable, "-m", "faceblur_service"]


def _want(name: str, data: bytes) -> dict[str, object]:
    found = detect_bytes(data)
    faces = faces_json(tuple(found.faces))
    return {"file": name, "width": found.width, "height": found.height, "faces": faces}


@pytest.mark.usefixtures("folder")
def test_faces_are_told_and_failures_too(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["detect", "nothing.jpg", "photo.jpg"])

    said = capsys.readouterr()
    missing = "there is no such file or folder."
    assert (status, said.err) == (1, f"nothing.jpg: {missing}\n")
    assert json.loads(said.out) == {
        "pictures": [
            {"file": "nothing.jpg", "code": "file-error", "error": missing},
            _want("photo.jpg", photos()[0]),
        ]
    }


def test_boxes_are_drawn_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["detect", "photo.jpg", "--draw", "looked-at", "-q"])

    drawn = cv2.imread(str(folder / "looked-at" / "photo.jpg"))
    assert (status, drawn is not None and drawn.shape) == (0, (512, 512, 3))
    assert (folder / "photo.jpg").read_bytes() == photos()[0]
    capsys.readouterr()


def test_only_what_was_drawn_before_is_drawn_over(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = ["detect", "photo.jpg", "--draw", "mine", "-q"]
    mine = folder / "mine" / "photo.jpg"
    mine.parent.mkdir()
    mine.write_bytes(b"by hand")

    assert (main(drawing), "--force replaces it" in capsys.readouterr().err) == (2, True)
    assert mine.read_bytes() == b"by hand"
    assert (main([*drawing, "--force"]), main(drawing)) == (0, 0)
    assert mine.read_bytes() != b"by hand"
    assert main(["blur", "photo.jpg", "-o", "safe", "-q"]) == 0
    assert main(["detect", "photo.jpg", "--draw", "safe", "-q"]) == 2
    capsys.readouterr()


@pytest.mark.usefixtures("folder")
def test_drawing_over_an_original_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["detect", "photo.jpg", "--draw", "."])

    assert (status, "is an original" in capsys.readouterr().err) == (2, True)


@pytest.mark.usefixtures("folder")
def test_a_picture_is_read_from_a_pipe(
    stdin: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin.write(photos()[0])
    stdin.seek(0)

    status = main(["detect", "-"])

    assert (status, json.loads(capsys.readouterr().out)) == (
        0,
        {"pictures": [_want("-", photos()[0])]},
    )


def test_models_are_listed_with_hash_and_licence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = main(["models", "list", str(models.ensure())])
    listed = capsys.readouterr().out
    missing = main(["models", "list", str(folder)])

    assert (there, missing) == (0, 1)
    assert [m.sha256 in listed and m.licence in listed for m in models.MANIFEST] == [True, True]
    assert "is missing" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_models_are_put_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "models"

    status = main(["models", "fetch", str(target)])

    names = [model.name for model in models.MANIFEST]
    assert (status, sorted(path.name for path in target.iterdir())) == (0, sorted(names))
    assert capsys.readouterr().out.splitlines() == [str(target / name) for name in names]


def test_the_server_listens_where_it_is_told() -> None:
    command = server_command("127.0.0.1", 8080)

    assert command[1:5] == [
        "-m",
        "gunicorn",
        "--config",
        "python:faceblur_service.web.gunicorn_conf",
    ]
    assert command[5:7] == ["--bind", "127.0.0.1:8080"]


def test_an_address_of_version_6_is_written_in_brackets() -> None:
    assert server_command("::1", 8080)[5:7] == ["--bind", "[::1]:8080"]


@pytest.mark.usefixtures("folder")
def test_a_port_that_is_taken_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status = main(["serve", "--port", str(port)])

    wanted = f"cannot listen on 127.0.0.1:{port}: Address already in use; --port takes another one."
    assert (status, capsys.readouterr().err) == (2, f"faceblur serve: {wanted}\n")


@pytest.mark.usefixtures("folder")
def test_a_wrong_setting_is_told_before_the_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACEBLUR_STALL_SECONDS", "soon")
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("the server was started"))

    status = main(["serve", "--port", "0"])

    wanted = "FACEBLUR_STALL_SECONDS must be a whole number of at least 1, found 'soon'."
    assert (status, capsys.readouterr().err) == (1, f"faceblur: {wanted}\n")


@pytest.mark.usefixtures("folder")
def test_an_address_of_somebody_else_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["serve", "--host", "192.0.2.1"])

    wanted = "faceblur serve: cannot listen on 192.0.2.1:5000: Cannot assign requested address.\n"
    assert (status, capsys.readouterr().err) == (2, wanted)


def test_without_models_nothing_is_served(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEBLUR_MODELS_DIR", str(folder))

    status = main(["serve"])

    assert (status, "is missing: `faceblur models fetch" in capsys.readouterr().err) == (1, True)


def test_with_a_broken_model_nothing_is_served(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(models.find(models.FACE_FULL_RANGE), folder)
    (folder / models.YUNET.name).write_bytes(b"x")
    monkeypatch.setenv("FACEBLUR_MODELS_DIR", str(folder))

    status = main(["serve"])

    assert (status, "is broken: wanted sha256" in capsys.readouterr().err) == (1, True)


def test_an_interrupt_ends_it_without_half_files(folder: Path) -> None:
    """SIGTERM is the same wish; standard input never ends here."""
    process = subprocess.Popen(
        [*PROGRAM, "blur", "-", "-o", "safe.jpg"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "FACEBLUR_MODELS_DIR": str(models.ensure())},
    )
    asleep = Patience("it waits for its input", 30)
    eventually(
        lambda: Path(f"/proc/{process.pid}/wchan").read_text(),
        lambda place: "pipe" in place,
        within=asleep,
        what="it reads the pipe",
    )

    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)

    assert (process.returncode, err.decode()) == (
        130,
        "\nfaceblur: interrupted; what was finished stays, nothing is half done\n",
    )
    assert not (folder / "safe.jpg").exists()


def test_a_reader_that_goes_away_is_no_complaint(folder: Path) -> None:
    shell = f"{' '.join(PROGRAM)} blur holiday photo.jpg --dry-run | true"

    done = subprocess.run(
        ["bash", "-c", shell], cwd=folder, capture_output=True, text=True, check=False, timeout=30
    )

    assert (done.stdout, "Traceback" in done.stderr, "Exception" in done.stderr) == (
        "",
        False,
        False,
    )


def test_a_kill_at_any_moment_is_gone_on_from(folder: Path) -> None:
    """Nobody can clean up after SIGKILL: what is there then must be known as ours."""
    many = folder / "many"
    many.mkdir()
    for place in range(40):
        (many / f"{place:02}.jpg").write_bytes(photos()[place % 2])
    command = [*PROGRAM, "blur", "many", "-o", "safe", "--sensitivity", "fast", "-j", "2"]
    environ = {**os.environ, "FACEBLUR_MODELS_DIR": str(models.ensure())}
    safe = folder / "safe"
    killed = subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.DEVNULL)
    eventually(
        lambda: len(list(safe.glob("*.jpg"))) if safe.exists() else 0,
        lambda count: count >= 5,
        within=Patience("it works on pictures", 60),
        what="some are done",
    )

    killed.kill()
    killed.wait()
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120
    )

    assert (done.returncode, "failed" in done.stderr, "done before" in done.stderr) == (
        0,
        False,
        True,
    ), done.stderr
    assert len(list(safe.glob("*.jpg"))) == 40
    assert list(safe.glob(".*.part")) == []


@pytest.mark.parametrize(
    "command",
    ["detect photo.jpg -q", "blur photo.jpg -o -", "models list", "blur holiday --dry-run"],
)
@pytest.mark.parametrize(
    ("where", "want"),
    [
        (">/dev/full", "faceblur: No space left on device: standard output.\n"),
        (">&-", "faceblur: Bad file descriptor: standard output.\n"),
    ],
)
def test_output_that_cannot_be_written_fails_with_a_sentence(
    folder: Path, command: str, where: str, want: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(PROGRAM)} {command} {where}"],
        cwd=folder,
        env={**os.environ, "FACEBLUR_MODELS_DIR": str(models.ensure())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (1, want)


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_nothing(folder: Path, closed: str) -> None:
    """As cron jobs close them; a file that got such a number would hold what libraries say."""
    program = f"{' '.join(PROGRAM)} blur photo.jpg holiday/one.jpg -o safe {closed}"

    status = subprocess.run(["bash", "-c", program], cwd=folder, check=False).returncode

    assert status == 0
    assert (folder / "safe" / "photo.jpg").read_bytes() == blur_bytes(photos()[0]).data


def test_no_input_fails_with_a_sentence(folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(PROGRAM)} blur - <&-"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    wanted = "faceblur: Standard input is empty: a picture was wanted.\n"
    assert (done.returncode, done.stderr) == (1, wanted)


def test_without_a_verb_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    status = main([])

    assert (status, "faceblur blur holiday -o safe -r" in capsys.readouterr().err) == (2, True)
