"""Errors the engine handles.

OperatorError
├── NotLeadingError      this process must not write (not retryable here)
└── ClusterError         the API server said no, or nothing
    ├── ConflictError    the object changed or is new: look again at once
    ├── RefusedError     forbidden or invalid: an event and a slow retry
    └── UnreachableError no answer in time: retry with back-off
"""


class OperatorError(Exception):
    """Root of the operator's own errors."""


class NotLeadingError(OperatorError):
    """The Lease is not held by this process."""


class ClusterError(OperatorError):
    """The API server did not do what was asked."""


class ConflictError(ClusterError):
    """The object changed since it was read."""


class RefusedError(ClusterError):
    """The API server refuses the request itself."""


class UnreachableError(ClusterError):
    """The API server did not answer in time."""
