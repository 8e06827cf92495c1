"""Files whole or not at all."""

import os
from pathlib import Path

import pytest

from faceblur_service import atomic


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_written_with_its_folder(tmp_path: Path, *, durable: bool) -> None:
    target = tmp_path / "a" / "b.jpg"

    atomic.write(target, b"new", durable=durable)

    assert (target.read_bytes(), [path.name for path in target.parent.iterdir()]) == (
        b"new",
        ["b.jpg"],
    )


def test_an_old_file_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "b.jpg"
    target.write_bytes(b"old")
    target.chmod(0o640)

    atomic.write(target, b"new")

    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o640)


def test_an_old_file_survives_a_failed_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "b.jpg"
    target.write_bytes(b"old")

    def full(_: Path, __: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        atomic.write(target, b"new")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("b.jpg", b"old")]


def test_it_is_told_of_before_it_gets_its_name(tmp_path: Path) -> None:
    target, seen = tmp_path / "b.jpg", list[tuple[bytes, int, bool]]()

    def told(scratch: Path) -> None:
        seen.append((scratch.read_bytes(), scratch.stat().st_mtime_ns, target.exists()))

    atomic.write(target, b"new", before_naming=told)

    assert seen == [(b"new", target.stat().st_mtime_ns, False)]


def test_what_cannot_be_told_of_is_not_there(tmp_path: Path) -> None:
    def refused(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device: '.*b\.jpg'"):
        atomic.write(tmp_path / "b.jpg", b"new", before_naming=refused)

    assert list(tmp_path.iterdir()) == []


def test_an_error_names_the_file_that_was_asked_for() -> None:
    with pytest.raises(OSError, match="No such file") as failed:
        atomic.write(Path("/proc/x"), b"new")

    assert failed.value.filename == "/proc/x"


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 255)

    atomic.write(target, b"new")

    assert list(tmp_path.iterdir()) == [target]


def test_what_ended_processes_left_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "b.jpg"
    # No process has that number: it is beyond the largest.
    left, other = atomic.scratch_of(target, 2**30), atomic.scratch_of(tmp_path / "c.jpg", 2**30)
    running = atomic.scratch_of(target, os.getpid())
    for path in (left, other, running, target):
        path.write_bytes(b"")

    atomic.remove_left([target, tmp_path / "no-folder" / "d.jpg"])

    assert set(tmp_path.iterdir()) == {other, running, target}
