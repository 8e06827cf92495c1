"""Files whole or not at all."""

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
