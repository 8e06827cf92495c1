"""Which pictures are named, and where results go."""

import os
from pathlib import Path

import pytest

from faceblur_service.cli.sources import Source, clashes, find, other_format, target_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a current folder with a holiday in it."""
    for name in (
        *("h/b.JPG", "h/a.png", "h/notes.txt", "h/.hidden.jpg", "h/a.blurred.png"),
        *("h/sub/c.webp", "h/.cache/d.jpg", "lone.jpg", "odd[1].jpg", "no-suffix"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "recursive", "want"),
    [
        pytest.param(["h"], False, ["h/a.png", "h/b.JPG"], id="a folder: its own pictures"),
        pytest.param(["h"], True, ["h/a.png", "h/b.JPG", "h/sub/c.webp"], id="and those inside"),
        pytest.param(["lone.jpg", "h"], False, ["lone.jpg", "h/a.png", "h/b.JPG"], id="in order"),
        pytest.param(["no-suffix", "h/notes.txt"], False, ["no-suffix", "h/notes.txt"], id="named"),
        pytest.param(["h/*"], False, ["h/a.png", "h/b.JPG", "h/notes.txt"], id="a pattern"),
        pytest.param(["h/**/*.webp"], False, ["h/sub/c.webp"], id="a pattern over folders"),
        pytest.param(["odd[1].jpg"], False, ["odd[1].jpg"], id="a file that looks like a pattern"),
        pytest.param(["lone.jpg", "./lone.jpg"], False, ["lone.jpg"], id="twice"),
        pytest.param(["h/a.blurred.png"], False, ["h/a.blurred.png"], id="a result that is named"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_pictures_are_found(named: list[str], recursive: bool, want: list[str]) -> None:
    found = find(named, recursive=recursive)

    assert ([str(one.path) for one in found.sources], found.missing) == (want, {})


@pytest.mark.usefixtures("folder")
def test_what_is_not_there_is_told_and_the_rest_is_found() -> None:
    found = find(["nothing.jpg", "*.gif", "lone.jpg"], recursive=False)

    assert ([str(one.path) for one in found.sources], found.missing) == (
        ["lone.jpg"],
        {
            "nothing.jpg": "there is no such file or folder.",
            "*.gif": "no picture matches this pattern.",
        },
    )


def test_a_folder_that_contains_itself_ends(folder: Path) -> None:
    (folder / "h" / "loop").symlink_to(folder / "h")

    assert len(find(["h"], recursive=True).sources) == 3


@pytest.mark.parametrize(
    ("named", "output", "want"),
    [
        (["h/a.png"], None, ["h/a.blurred.png"]),
        (["h/a.png"], "out", ["out/a.png"]),
        (["h"], "out", ["out/a.png", "out/b.JPG", "out/sub/c.webp"]),
        (["h/*/*.webp"], "out", ["out/sub/c.webp"]),
        (["*.jpg"], "out", ["out/lone.jpg", "out/odd[1].jpg"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_results_keep_their_place(named: list[str], output: str | None, want: list[str]) -> None:
    place = None if output is None else Path(output)
    found = find(named, recursive=True).sources

    assert [str(target_of(source, place)) for source in found] == want


@pytest.mark.parametrize("name", ["IMG_1.HEIC", "IMG_1.heif", "IMG_1.hif"])
def test_a_result_of_another_format_is_named_after_that(name: str) -> None:
    source = Source(Path("phone", name), Path("phone"))

    assert target_of(source, None) == Path("phone/IMG_1.blurred.jpg")
    assert target_of(source, Path("out")) == Path("out/IMG_1.jpg")


def test_an_original_is_never_a_target_by_whatever_name(folder: Path) -> None:
    original, other = folder / "lone.jpg", folder / "h" / "a.png"
    os.link(original, folder / "hard.jpg")
    (folder / "soft.jpg").symlink_to(original)
    pairs = [
        (original, folder / "soft.jpg"),
        (other, folder / "hard.jpg"),
        (folder / "h" / "b.JPG", original),
    ]

    assert sorted(clashes(pairs, "")) == sorted(source for source, _ in pairs)


def test_two_results_in_one_place_are_a_clash_of_the_second() -> None:
    first, second = Path("a/x.jpg"), Path("b/x.jpg")

    bad = clashes([(first, Path("out/x.jpg")), (second, Path("out/../out/x.jpg"))], "")

    assert bad == {second: "out/../out/x.jpg would be written twice, also from a/x.jpg."}


def test_results_of_their_own_are_no_clash(folder: Path) -> None:
    source = Source(folder / "lone.jpg", folder)

    assert clashes([(source.path, target_of(source, None))], "") == {}


def test_results_inside_of_the_folder_are_not_taken_again(folder: Path) -> None:
    inside = Path("h/safe")
    (folder / inside / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.jpg"):
        (inside / name).write_bytes(b"result")

    in_folder = find(["h"], recursive=True, output=inside).sources
    by_pattern = find(["h/**/*.png"], recursive=False, output=inside).sources
    named = find(["h/safe/a.png"], recursive=False, output=inside).sources

    assert [str(one.path) for one in in_folder] == ["h/a.png", "h/b.JPG", "h/sub/c.webp"]
    assert [str(one.path) for one in by_pattern] == ["h/a.png"]
    assert [str(one.path) for one in named] == ["h/safe/a.png"]


@pytest.mark.parametrize(
    ("named", "output", "want"),
    [
        pytest.param(["h/sub"], "h", ["h/sub/c.webp"], id="around what is named"),
        pytest.param(["*.jpg"], ".", ["lone.jpg", "odd[1].jpg"], id="the folder of a pattern"),
        pytest.param(["h/sub", "h"], "elsewhere", None, id="elsewhere"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_pictures_are_taken_when_results_go_elsewhere_or_around_them(
    named: list[str], output: str, want: list[str] | None
) -> None:
    found = find(named, recursive=False, output=Path(output))

    assert [str(one.path) for one in found.sources] == (
        want or ["h/sub/c.webp", "h/a.png", "h/b.JPG"]
    )
    assert found.missing == {}


def test_a_folder_where_results_would_go_is_no_success(folder: Path) -> None:
    found = find(["h"], recursive=False, output=folder / "h")
    beside = find(["h", "lone.jpg"], recursive=False, output=folder / "h")

    want = {"h": "this is where results would go: choose another folder for them."}
    assert (found.sources, found.missing) == ([], want)
    assert beside.missing == want


def test_a_folder_of_results_that_a_shell_names_too_is_passed_over(folder: Path) -> None:
    (folder / "h" / ".faceblur.jsonl").touch()

    found = find(["h", "lone.jpg"], recursive=False, output=Path("h"))

    assert ([str(one.path) for one in found.sources], found.missing) == (["lone.jpg"], {})
    assert found.notes == ["h: this is where results go, it is not looked into"]


@pytest.mark.usefixtures("folder")
def test_pictures_of_other_kinds_are_told() -> None:
    for name in ("h/x.BMP", "h/y.bmp", "h/z.mp4", "h/.hidden.bmp"):
        Path(name).touch()

    notes = find(["h", "h/sub"], recursive=False).notes

    assert notes == ["h: passed over, for such files are not read: 2 .bmp, 1 .mp4"]


def test_a_link_in_a_circle_stops_nothing(folder: Path) -> None:
    (folder / "h" / "loop.jpg").symlink_to("loop.jpg")
    (folder / "h" / "gone.jpg").symlink_to("nowhere")

    found = find(["h"], recursive=False)

    assert [one.path.name for one in found.sources] == ["a.png", "b.JPG", "gone.jpg", "loop.jpg"]


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "h" / "pipe.jpg")

    for named in ("h", "h/*.[pPjJ]*"):
        found = find([named], recursive=False)

        assert [one.path.name for one in found.sources] == ["a.png", "b.JPG"]
        assert found.missing == {"h/pipe.jpg": "is no file."}


def _lock_sub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid to read the folder `sub`. The system is played: root may read everything."""
    real = os.scandir

    def locked(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", locked)


def test_a_folder_that_cannot_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be taken for done otherwise."""
    _lock_sub(monkeypatch)

    found = find([str(folder / "h")], recursive=True)

    assert found.missing == {str(folder / "h" / "sub"): "Permission denied."}


def test_a_pattern_into_a_folder_that_cannot_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lock_sub(monkeypatch)

    found = find([f"{folder}/**/*.png", f"{folder}/h/.cache/*"], recursive=True)

    assert found.missing == {str(folder / "h" / "sub"): "Permission denied."}
    assert [one.path.name for one in found.sources] == ["a.png", "d.jpg"]


@pytest.mark.usefixtures("folder")
def test_files_that_a_folder_lets_nobody_look_at_stop_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder may give its names and keep everything else; root would see all the same."""
    real = os.stat

    def locked(path: object, *args: object, **more: object) -> object:
        if str(path).endswith("c.webp"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **more)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(os, "stat", locked)

    found = find(["h/sub/*", "lone.jpg"], recursive=False)

    assert [str(one.path) for one in found.sources] == ["h/sub/c.webp", "lone.jpg"]


@pytest.mark.usefixtures("folder")
def test_folders_without_pictures_are_told() -> None:
    Path("empty").mkdir()

    found = find(["empty", "h/sub", "."], recursive=False)

    assert found.notes == ["empty: there are no pictures"]
    assert find(["h/.cache", "h"], recursive=False).notes == []


@pytest.mark.parametrize(
    ("source", "target", "want"),
    [
        ("a.jpg", "b.JPEG", None),
        ("a.jpg", "b", None),
        ("a", "b.png", None),
        ("a.HEIC", "b.jpg", None),
        ("a.jpg", "b.png", "b.png would hold a JPEG, the format of the result: name it .jpg."),
        ("a.heic", "b.heic", "b.heic would hold a JPEG, the format of the result: name it .jpg."),
    ],
)
def test_a_name_does_not_lie_about_the_format(source: str, target: str, want: str | None) -> None:
    assert other_format(Path(source), Path(target)) == want
