"""Which pictures are named, and where results go."""

import os
from pathlib import Path

import pytest

from faceblur_service.cli.sources import Source, clashes, find, target_of


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

    assert sorted(clashes(pairs)) == sorted(source for source, _ in pairs)


def test_two_results_in_one_place_are_a_clash_of_the_second() -> None:
    first, second = Path("a/x.jpg"), Path("b/x.jpg")

    bad = clashes([(first, Path("out/x.jpg")), (second, Path("out/../out/x.jpg"))])

    assert bad == {second: "out/../out/x.jpg would be written twice, also from a/x.jpg."}


def test_results_of_their_own_are_no_clash(folder: Path) -> None:
    source = Source(folder / "lone.jpg", folder)

    assert clashes([(source.path, target_of(source, None))]) == {}
