"""One key of one Secret, by name; whatever is not a text there is nothing."""

import asyncio
from typing import Any

import pytest

from faceblur_operator.adapters.kube_api import NotFoundError
from faceblur_operator.adapters.kube_secrets import KubeSecrets
from faceblur_operator.ports.errors import RefusedError

PATH = "/api/v1/namespaces/demo/secrets/chat"


class Api:
    """Answers every read with one object, or an error."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.paths: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        self.paths.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(api: Api) -> str | None:
    secrets = KubeSecrets(api)  # type: ignore[arg-type]  # stands for the part that is used
    return asyncio.run(secrets.secret("demo", "chat", "token"))


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        pytest.param({}, None, id="no data"),
        pytest.param({"data": {"other": "eA=="}}, None, id="another key"),
        pytest.param({"data": {"token": "czNjcmV0Cg=="}}, "s3cret", id="with a line end"),
        pytest.param({"data": {"token": "!"}}, None, id="not base64"),
        pytest.param({"data": {"token": "/w=="}}, None, id="not a text"),
        pytest.param(NotFoundError("x"), None, id="no such Secret"),
    ],
)
def test_a_key_is_a_text_or_nothing(answer: dict[str, Any] | Exception, want: str | None) -> None:
    api = Api(answer)

    assert (read(api), api.paths) == (want, [PATH])


def test_a_secret_that_must_not_be_read_is_an_error() -> None:
    with pytest.raises(RefusedError):
        read(Api(RefusedError("forbidden")))
