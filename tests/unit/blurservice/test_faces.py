"""Faces in JSON."""

from faceblur_service.faces import Face, numbered
from faceblur_service.geometry import Box


def test_a_face_in_json_holds_all_of_its_box() -> None:
    face = Face("1", Box(10.4, -2.5, 40.1, 60.0, 0.906))

    assert face.as_json() == {
        "id": "1",
        "x": 10,
        "y": -3,
        "width": 31,
        "height": 63,
        "score": 0.91,
    }


def test_faces_are_numbered_from_the_surest_on() -> None:
    one, two, three = Box(0, 0, 9, 9, 0.5), Box(50, 0, 59, 9, 0.9), Box(90, 0, 99, 9, 0.5)

    assert numbered([one, two, three]) == [Face("1", two), Face("2", one), Face("3", three)]
