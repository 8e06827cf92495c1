"""Labelled pictures against a service."""

import json
from pathlib import Path
from typing import Any

import pytest

from faceblur_service.geometry import Box
from faceblur_service.probe import (
    Answer,
    Labelled,
    ProbeError,
    Tallies,
    Tally,
    ask_over_http,
    labels,
    prometheus_text,
    run,
)

BIG, SMALL, ELSEWHERE = Box(0, 0, 40, 40), Box(100, 0, 110, 12), Box(200, 200, 230, 230)


def _tally(faces: tuple[Box, ...] | None, labelled: tuple[Box, ...]) -> Tally:
    tallies = Tallies()
    tallies.count(Answer("gray", "1.1", faces), labelled, 16)
    return tallies.by["gray", "1.1"]


@pytest.mark.parametrize(
    ("faces", "labelled", "want"),
    [
        pytest.param((), (), Tally(answered=1), id="nothing to find"),
        pytest.param((BIG,), (BIG,), Tally(found=1, answered=1), id="found"),
        pytest.param((), (BIG,), Tally(missed=1, answered=1), id="missed"),
        pytest.param((ELSEWHERE,), (), Tally(extra=1, answered=1), id="where no face is"),
        pytest.param((), (SMALL,), Tally(answered=1), id="a small face is not asked for"),
        pytest.param((SMALL,), (SMALL,), Tally(answered=1), id="nor held against who sees it"),
        pytest.param((SMALL,), (), Tally(answered=1), id="nor where none is labelled"),
        pytest.param(None, (BIG,), Tally(failed=1), id="no answer is no missed face"),
    ],
)
def test_answers_are_counted(
    faces: tuple[Box, ...] | None, labelled: tuple[Box, ...], want: Tally
) -> None:
    assert _tally(faces, labelled) == want


def test_shares_need_something_to_share() -> None:
    empty, some = Tally(), Tally(found=3, missed=1, extra=2)

    assert (empty.recall, empty.precision) == (None, None)
    assert (some.recall, some.precision) == (0.75, 0.6)


def test_every_service_is_asked_about_every_picture(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"data")
    tallies, seen = Tallies(), []

    def stable(data: bytes) -> Answer:
        seen.append(data)
        return Answer("stable", "1.0", (BIG,))

    def gray(_: bytes) -> Answer:
        return Answer("gray", "1.1", ())

    run([stable, gray], [Labelled(picture, (BIG,))] * 2, tallies, 16)

    assert (seen, tallies.by) == (
        [b"data", b"data"],
        {
            ("stable", "1.0"): Tally(found=2, answered=2),
            ("gray", "1.1"): Tally(missed=2, answered=2),
        },
    )


def test_a_picture_that_went_away_ends_it(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="cannot be read"):
        run([lambda _: Answer("a", "b", ())], [Labelled(tmp_path / "no", ())], Tallies(), 16)


def test_prometheus_gets_every_series() -> None:
    tallies = Tallies({("gray", 'a"\\\n'): Tally(1, 2, 3, 4, 5)})
    own = 'track="gray",version="a\\"\\\\\\n"'

    lines = [line for line in prometheus_text(tallies).splitlines() if line[0] != "#"]

    assert lines == [
        f'faceblur_probe_faces_total{{{own},result="found"}} 1',
        f'faceblur_probe_faces_total{{{own},result="missed"}} 2',
        f"faceblur_probe_extra_total{{{own}}} 3",
        f'faceblur_probe_pictures_total{{{own},outcome="answered"}} 4',
        f'faceblur_probe_pictures_total{{{own},outcome="failed"}} 5',
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            {
                "pictures": [
                    {"file": "a.jpg", "faces": [{"x": 0, "y": 0, "width": 40, "height": 40}]}
                ]
            },
            id="what detect prints",
        ),
        pytest.param([{"file": "a.jpg", "boxes": [[0, 0, 40, 40]], "set": "x"}], id="corners"),
    ],
)
def test_labels_are_read(tmp_path: Path, content: Any) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "labels.json").write_text(json.dumps(content))

    assert labels(tmp_path / "labels.json") == [Labelled(tmp_path / "a.jpg", (BIG,))]


@pytest.mark.parametrize(
    ("content", "want"),
    [
        ("{", "holds no labels"),
        ("[" * 100_000, "holds no labels"),
        ("{}", "holds no labels"),
        ('[{"file": "a.jpg", "boxes": [[1]]}]', "holds no labels"),
        ("[]", "names no picture"),
        ('[{"file": "b.jpg", "boxes": []}]', "names no picture that is there: .*b.jpg"),
    ],
)
def test_other_labels_are_refused(tmp_path: Path, content: str, want: str) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "labels.json").write_text(content)

    with pytest.raises(ProbeError, match=want):
        labels(tmp_path / "labels.json")


def test_missing_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="cannot be read"):
        labels(tmp_path / "labels.json")


def test_another_kind_of_address_is_refused() -> None:
    with pytest.raises(ProbeError, match="is no http address"):
        ask_over_http("file:///etc", {})
