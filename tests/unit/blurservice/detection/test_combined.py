"""Which engines look, how hard, and whose box is kept."""

import numpy as np
import pytest
from tests.support.detectors import FakeDetector

from faceblur_service.detection.combined import CombinedDetector
from faceblur_service.detection.zoomed import ZoomedEngine
from faceblur_service.geometry import Box
from faceblur_service.options import Sensitivity

# Between 0.6 and 2.8 MP: enlarged by one and a half, to 1500 x 1050.
PICTURE = np.random.default_rng(0).integers(0, 256, (700, 1000, 3), np.uint8)
# Where there is no sure face: a small copy turned once, twice and three times.
TURNS = [(320, 224), (224, 320), (320, 224)]


@pytest.mark.parametrize(
    ("sensitivity", "want_mediapipe", "want_yunet"),
    [
        pytest.param(Sensitivity.FAST, [(700, 1000)], [], id="fast: the whole once"),
        pytest.param(
            Sensitivity.NORMAL, [(700, 1000), *[(384, 384)] * 12], [], id="normal: and tiles"
        ),
        pytest.param(
            Sensitivity.HIGH,
            [(700, 1000)],
            [(700, 1000), *TURNS],
            id="high: both at the whole, and whether a small copy is turned",
        ),
        pytest.param(
            Sensitivity.MAX,
            [(700, 1000), *[(384, 384)] * 12],
            [(1050, 831), (1050, 831), (700, 1000), (1000, 700), (700, 1000), (1000, 700)],
            id="max: everything",
        ),
    ],
)
def test_each_sensitivity_looks_with_its_engines(
    sensitivity: Sensitivity,
    want_mediapipe: list[tuple[int, int]],
    want_yunet: list[tuple[int, int]],
) -> None:
    mediapipe, yunet = FakeDetector(), FakeDetector()

    CombinedDetector(mediapipe, yunet).find_faces(PICTURE, sensitivity)

    assert [shape[:2] for shape in mediapipe.seen] == want_mediapipe
    assert [shape[:2] for shape in yunet.seen] == want_yunet


@pytest.mark.parametrize("sensitivity", [Sensitivity.HIGH, Sensitivity.MAX])
def test_without_yunet_high_and_max_look_at_tiles(sensitivity: Sensitivity) -> None:
    mediapipe = FakeDetector()

    CombinedDetector(mediapipe).find_faces(PICTURE, sensitivity)

    assert [shape[:2] for shape in mediapipe.seen] == [(700, 1000), *[(384, 384)] * 12]


@pytest.mark.parametrize(
    ("sensitivity", "score", "want"),
    [
        # YuNet sees none of these, so they count half.
        (Sensitivity.FAST, 0.79, 0),
        (Sensitivity.FAST, 0.81, 1),
        (Sensitivity.NORMAL, 0.97, 0),
        (Sensitivity.NORMAL, 1.0, 1),
        (Sensitivity.HIGH, 0.64, 0),
        (Sensitivity.HIGH, 0.73, 1),
        (Sensitivity.MAX, 0.44, 1),
    ],
)
def test_a_face_counts_from_the_sensitivitys_threshold_on(
    sensitivity: Sensitivity, score: float, want: int
) -> None:
    """MediaPipe's scores count nine tenths beside YuNet's, and those of small faces less."""
    # Of 35 pixels: of a larger one `high` would ask again; and its score counts 0.04 less there.
    mediapipe = FakeDetector([Box(10, 10, 45, 45, score)])

    # So small that there are no tiles.
    found = CombinedDetector(mediapipe, FakeDetector()).find_faces(PICTURE[:300, :400], sensitivity)

    assert len(found) == want


@pytest.mark.parametrize("sensitivity", [Sensitivity.FAST, Sensitivity.NORMAL])
@pytest.mark.parametrize(("score", "want"), [(0.39, 0), (0.41, 1)])
def test_without_yunet_mediapipe_is_believed(
    sensitivity: Sensitivity, score: float, want: int
) -> None:
    mediapipe = FakeDetector([Box(10, 10, 90, 90, score)])

    found = CombinedDetector(mediapipe).find_faces(PICTURE[:300, :400], sensitivity)

    assert len(found) == want


def test_a_confirmed_face_has_yunets_box_and_both_scores() -> None:
    mediapipe = FakeDetector([Box(10, 10, 90, 90, 0.31)])
    # In a cell of 128 pixels for 200 of the picture, which begins at -50.
    yunet = FakeDetector([Box(40, 44, 88, 92, 0.69)])

    (found,) = CombinedDetector(mediapipe, yunet).find_faces(PICTURE[:300, :400], Sensitivity.FAST)

    assert yunet.seen == [(128, 128, 3)]
    assert found.score == pytest.approx(0.5)
    assert (found.x1, found.y1, found.x2, found.y2) == pytest.approx((12.5, 18.75, 87.5, 93.75))


@pytest.mark.parametrize(("size", "want"), [((700, 1000), 1), ((300, 400), 0)])
def test_high_is_stricter_in_a_small_picture(size: tuple[int, int], want: int) -> None:
    mediapipe = FakeDetector([Box(10, 10, 45, 45, 0.65)])

    found = CombinedDetector(mediapipe, FakeDetector()).find_faces(PICTURE[: size[0], : size[1]])

    assert len(found) == want


def test_where_both_engines_see_a_face_yunets_box_is_kept_and_moved_a_little() -> None:
    """A third of the way: MediaPipe's box weighs half as much."""
    mediapipe = FakeDetector([Box(10, 10, 90, 100, 0.9)])
    yunet = FakeDetector([Box(13, 13, 84, 97, 0.9)])

    (found,) = CombinedDetector(mediapipe, yunet).find_faces(PICTURE[:300, :400])

    assert found.score == 0.9
    assert (found.x1, found.y1, found.x2, found.y2) == pytest.approx((12, 12, 86, 98))


@pytest.mark.parametrize(
    "coarse",
    [
        pytest.param(Box(10, 10, 90, 100, 0.45), id="that is not sure"),
        pytest.param(Box(60, 10, 140, 100, 0.9), id="of another face"),
    ],
)
def test_yunets_box_stays_where_it_is_beside_a_box(coarse: Box) -> None:
    yunet = FakeDetector([Box(13, 13, 84, 97, 0.9)])

    found = CombinedDetector(FakeDetector([coarse]), yunet).find_faces(PICTURE[:300, :400])

    assert found[0] == Box(13, 13, 84, 97, 0.9)


class Again(FakeDetector):
    """Sees the face in the middle of a cell, two fifths of it, with another score each time.

    After the last of them it sees nothing.
    """

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self._scores = iter(scores)

    def find_faces(
        self, picture: np.ndarray, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        super().find_faces(picture, sensitivity)
        side, score = picture.shape[0], next(self._scores, 0.0)
        return [Box(0.3 * side, 0.3 * side, 0.7 * side, 0.7 * side, score)] if score else []


class Doubtful(Again):
    """Sees a face with one score in the picture and with others when it looks again."""

    def find_faces(
        self, picture: np.ndarray, sensitivity: Sensitivity = Sensitivity.HIGH
    ) -> list[Box]:
        first = not self.seen
        found = super().find_faces(picture, sensitivity)
        return [Box(10, 10, 90, 90, found[0].score)] if first else found


@pytest.mark.parametrize(
    ("scores", "want"),
    [
        pytest.param((0.75, 0.45, 0.45), 0, id="surer only at first"),
        pytest.param((0.40, 0.75, 0.60), 1, id="surer at second sight"),
    ],
)
def test_high_looks_again_at_a_doubtful_face(scores: tuple[float, ...], want: int) -> None:
    """The mean of three looks counts, the mirrored one twice."""
    yunet = Doubtful(*scores)

    found = CombinedDetector(FakeDetector(), yunet).find_faces(PICTURE[:300, :400])

    assert len(found) == want
    assert [shape[:2] for shape in yunet.seen[:3]] == [(300, 400), (128, 128), (160, 160)]
    if found:
        assert found[0].score == pytest.approx((scores[0] + 2 * scores[1] + scores[2]) / 4)


@pytest.mark.parametrize(
    ("scores", "want"),
    [
        pytest.param((0.50, 0.37, 1.0), [128, 160], id="it may count yet"),
        pytest.param((0.50, 0.36, 1.0), [128], id="no look could help"),
    ],
)
def test_a_face_that_cannot_count_any_more_costs_no_further_look(
    scores: tuple[float, ...], want: list[int]
) -> None:
    """In a small picture a face counts from 0.56 on; the last look is a fourth of the mean."""
    yunet = Doubtful(*scores)

    found = CombinedDetector(FakeDetector(), yunet).find_faces(PICTURE[:300, :400])

    assert [shape[0] for shape in yunet.seen if shape[0] in {128, 160}] == want
    assert len(found) == (want == [128, 160])


@pytest.mark.parametrize(
    ("again", "want"),
    [
        pytest.param((0.6, 0.3, 0.3), 0, id="surer only at first"),
        pytest.param((0.6, 0.5, 0.5), 1, id="as sure at second sight"),
    ],
)
def test_normal_looks_again_at_what_yunet_confirmed(again: tuple[float, ...], want: int) -> None:
    mediapipe, yunet = FakeDetector([Box(10, 10, 90, 90, 0.6)]), Again(*again)

    found = CombinedDetector(mediapipe, yunet).find_faces(PICTURE[:300, :400], Sensitivity.NORMAL)

    assert len(found) == want
    assert [shape[:2] for shape in yunet.seen] == [(128, 128), (128, 128), (160, 160)]


@pytest.mark.parametrize(
    "face",
    [
        pytest.param(Box(10, 10, 90, 90, 0.81), id="that it is sure of"),
        pytest.param(Box(10, 10, 90, 90, 0.29), id="that is none"),
    ],
)
def test_high_does_not_look_again_at_a_face(face: Box) -> None:
    yunet = FakeDetector([face])

    CombinedDetector(FakeDetector(), yunet).find_faces(PICTURE[:300, :400])

    assert not [shape for shape in yunet.seen if shape[0] in {128, 160}]


def test_a_face_in_a_window_is_found_at_its_place_in_the_picture() -> None:
    class OnlyInTheSecondWindow(FakeDetector):
        def find_faces(
            self, picture: np.ndarray, sensitivity: Sensitivity = Sensitivity.HIGH
        ) -> list[Box]:
            super().find_faces(picture, sensitivity)
            return [Box(30, 60, 150, 180, 0.9)] if len(self.seen) == 2 else []

    found = ZoomedEngine(OnlyInTheSecondWindow()).find_faces(PICTURE)

    # The second of two windows begins at 446 of 1000 columns.
    assert found == [Box(466, 40, 546, 120, 0.9)]


def test_the_best_engine_looks_for_leftovers() -> None:
    mediapipe, yunet = FakeDetector(), FakeDetector()

    CombinedDetector(mediapipe, yunet).find_leftovers(PICTURE)
    CombinedDetector(mediapipe).find_leftovers(PICTURE)

    assert (len(yunet.seen), len(mediapipe.seen)) == (1, 1)


def test_missing_engines_are_named() -> None:
    assert CombinedDetector(FakeDetector(), FakeDetector()).detectors() == {
        "mediapipe": True,
        "yunet": True,
    }
    assert CombinedDetector(FakeDetector()).detectors() == {"mediapipe": True, "yunet": False}
