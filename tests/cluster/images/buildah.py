"""Builds by buildah where no Docker engine and no registry is reachable."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Buildah:
    """Buildah, unpacked from Debian packages, with storage of its own in the cache."""
