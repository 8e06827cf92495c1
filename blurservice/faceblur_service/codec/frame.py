"""One picture as pixels: what detection and hiding work on."""

from dataclasses import dataclass

from faceblur_service.blurring import Picture


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels as a person would see them: turned upright, in sRGB."""

    picture: Picture
    """uint8, shape (height, width, 3), BGR."""

    alpha: Picture | None = None
    """uint8, shape (height, width); None when the picture is opaque."""

    duration_ms: float = 0
    """How long it is shown; 0 for a still picture."""
