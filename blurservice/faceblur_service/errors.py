"""All errors of the service: one tree, each with a stable code and an HTTP status.

FaceBlurError
├── StartError                 the service must not start
│   ├── SettingsError
│   └── ModelError             a model file is missing or broken
├── RequestError               the caller can do something about it
│   ├── BadRequest             400 bad-request
│   ├── NoPicture              400 no-picture
│   ├── NoToken                401 unauthorized
│   ├── CrossSite              403 cross-site
│   ├── NotOffered             404 not-found
│   ├── UploadStalled          408 upload-stalled
│   ├── PictureTooLarge        413 picture-too-large
│   ├── UnsupportedPicture     415 unsupported-picture
│   ├── BrokenPicture          422 broken-picture
│   ├── PictureTooSlow         422 picture-too-slow
│   └── RateLimited            429 rate-limited
└── ServiceError               the caller can only try again
    ├── DetectionFailed        500 detection-failed
    ├── EncodingFailed         500 encoding-failed
    ├── InjectedFault          500 internal-error
    ├── EngineLost             500 engine-lost
    ├── QueueFull              503 queue-full
    └── GrayPoolUnavailable    503 gray-pool-unavailable
"""


# ruff: noqa: N818 - each is named after what happened, as its code is


class FaceBlurError(Exception):
    """Anything this package raises on purpose; the message is a sentence for people."""

    code = "internal-error"
    title = "Internal error"
    status = 500


class StartError(FaceBlurError):
    """The service must not start like this."""


class SettingsError(StartError):
    """An environment variable has a value that cannot be used."""

    code = "bad-setting"


class ModelError(StartError):
    """A model file is missing, has the wrong content, or cannot be loaded."""

    code = "model-unusable"


class RequestError(FaceBlurError):
    """The caller sent something that cannot be served."""

    status = 400


class BadRequest(RequestError):
    """The request is not one this address understands."""

    code = "bad-request"
    title = "Bad request"


class NoPicture(RequestError):
    """Nothing was sent, or a file is empty."""

    code = "no-picture"
    title = "No picture"


class NoToken(RequestError):
    """The address wants a token and got none, or a wrong one."""

    code = "unauthorized"
    title = "Token wanted"
    status = 401


class NotOffered(RequestError):
    """This service has no such address, or was not set up to offer it."""

    code = "not-found"
    title = "Not found"
    status = 404


class UploadStalled(RequestError):
    """The rest of the request did not come."""

    code = "upload-stalled"
    title = "Upload stalled"
    status = 408


class CrossSite(RequestError):
    """Another site's page tried to act in a visitor's name."""

    code = "cross-site"
    title = "Cross-site request refused"
    status = 403


class PictureTooLarge(RequestError):
    """The picture has more bytes, pixels or frames than allowed."""

    code = "picture-too-large"
    title = "Picture too large"
    status = 413


class UnsupportedPicture(RequestError):
    """The bytes are not a picture of a kind that can be read and written."""

    code = "unsupported-picture"
    title = "Unsupported picture"
    status = 415


class BrokenPicture(RequestError):
    """The bytes look like a picture but cannot be decoded."""

    code = "broken-picture"
    title = "Broken picture"
    status = 422


class RateLimited(RequestError):
    """This client has sent more pictures than it may."""

    code = "rate-limited"
    title = "Too many pictures"
    status = 429

    def __init__(self, message: str, retry_after_s: int) -> None:
        """Say when to come back."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PictureTooSlow(RequestError):
    """The picture takes longer than one picture may; it does not leave."""

    code = "picture-too-slow"
    title = "Picture too slow"
    status = 422


class ServiceError(FaceBlurError):
    """The service could not do its work; no picture leaves."""


class DetectionFailed(ServiceError):
    """Nobody knows where the faces are, so the picture must not leave."""

    code = "detection-failed"
    title = "Detection failed"


class EncodingFailed(ServiceError):
    """The result could not be written."""

    code = "encoding-failed"
    title = "Encoding failed"


class InjectedFault(ServiceError):
    """A failure asked for by FACEBLUR_FAULT."""


class EngineLost(ServiceError):
    """The process that works on pictures ended, or does not answer any more."""

    code = "engine-lost"
    title = "Engine lost"


class QueueFull(ServiceError):
    """All places are taken; the caller should come back."""

    code = "queue-full"
    title = "Too busy"
    status = 503


class GrayPoolUnavailable(ServiceError):
    """The store of the gray channel's members does not answer."""

    code = "gray-pool-unavailable"
    title = "Gray channel unavailable"
    status = 503
