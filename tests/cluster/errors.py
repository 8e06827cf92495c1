"""The one error of this package: every message says what to do next."""


class ClusterError(RuntimeError):
    """Something that the person at the keyboard can act upon."""
