"""The page in a real Chromium, against a real service on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from tests.support import blurservice
from tests.support.blurservice import Running

SCREENSHOTS = Path(os.environ.get("FACEBLUR_SCREENSHOTS") or "build/screenshots")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with blurservice.running(tmp_path_factory.mktemp("service")) as made:
        yield made


# Browser, service and perhaps a cluster share two cores.
TIMEOUT_MS = 30_000
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def open_context(browser: Browser) -> Iterator["OpenContext"]:
    opener = OpenContext(browser)
    yield opener
    opener.close()


class OpenContext:
    """Makes browser profiles and throws them away."""

    def __init__(self, browser: Browser) -> None:
        """Start with none."""
        self._browser = browser
        self._made: list[BrowserContext] = []

    def __call__(
        self,
        *,
        width: int = 1280,
        height: int = 900,
        locale: str = "en-US",
        dark: bool = False,
        phone: bool = False,
    ) -> BrowserContext:
        """Return a new profile."""
        made = self._browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
            has_touch=phone,
            is_mobile=phone,
        )
        made.set_default_timeout(TIMEOUT_MS)
        self._made.append(made)
        return made

    def close(self) -> None:
        """Throw all away."""
        for made in self._made:
            made.close()
