"""What a visitor does on the page."""

from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from tests.e2e.page.conftest import SCREENSHOTS, OpenContext
from tests.support.blurservice import Running
from tests.support.pictures import photos

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

TWO_FACES = photos()[2]
JOINED = {
    "zh-CN": "✅ 已进入灰度通道!您正在试用最新版智能打码引擎。",
    "en-US": "✅ You are in the gray channel and try the newest blur engine.",
}
LEFT = {
    "zh-CN": "🔁 已退出灰度模式,恢复稳定版本服务。",
    "en-US": "🔁 You have left the gray channel; the stable version serves you again.",
}
LAB = {"zh-CN": "实验性功能", "en-US": "Experimental features"}
HIDDEN = {"zh-CN": "已遮住 2 张人脸", "en-US": "2 faces hidden"}
SERVED = {"zh-CN": "由 1.1 · 灰度版处理", "en-US": "Done by 1.1 · gray"}


class Visit:
    """A page that remembers every request and every complaint."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        """Open the page."""
        self.page: Page = context.new_page()
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        self.page.goto(url)
        self.page.wait_for_load_state("networkidle")

    def give(self, picture: bytes, kind: str = "image/jpeg") -> None:
        """Choose a picture."""
        self.page.set_input_files(
            "#file", {"name": "holiday.jpg", "mimeType": kind, "buffer": picture}
        )

    def gray_headers(self, path: str) -> list[str | None]:
        """Return the gray header of each request to a path."""
        found = [r for r in self.requests if urlsplit(r.url).path == path]
        return [r.all_headers().get("x-gray-enable") for r in found]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_a_photo_is_hidden_and_the_gray_channel_switched(
    open_context: OpenContext, service: Running, width: int, locale: str
) -> None:
    # Given the page in the browser's language
    context = open_context(width=width, locale=locale, dark=locale == "zh-CN")
    visit = Visit(context, service.url)
    page = visit.page
    expect(page.get_by_role("switch", name=LAB[locale])).not_to_be_checked()

    # When a photo is given
    visit.give(TWO_FACES)

    # Then it is shown before and after, with who did it
    expect(page.locator("#result-title")).to_have_text(HIDDEN[locale])
    expect(page.locator("#served")).to_have_text(SERVED[locale])
    expect(page.locator("#before")).to_be_visible()
    after = _pixels_of(page, "#after")
    assert after.shape == (480, 640, 3)
    assert np.abs(after[150:250, 440:540].astype(int) - _given()[150:250, 440:540]).mean() > 5

    # When the switch is turned on, and another photo given
    page.locator("#toggle-gray-mode").click()
    expect(page.locator("#lab-message")).to_have_text(JOINED[locale])
    assert page.evaluate("localStorage.grayModeEnabled") == "true"
    assert _routing(context) == "always"
    page.locator("#again").click()
    visit.give(TWO_FACES)
    expect(page.locator("#result")).to_be_visible()

    # Then only the requests since say so, and a new visit still does
    assert visit.gray_headers("/api/v1/blur") == [None, "true"]
    _screenshot(page, f"page-{width}-{locale}.png")
    again = Visit(context, service.url)
    expect(again.page.locator("#toggle-gray-mode")).to_be_checked()
    assert again.gray_headers("/api/enable-gray") == ["true"]

    # When it is turned off
    again.page.locator("#toggle-gray-mode").click()
    expect(again.page.locator("#lab-message")).to_have_text(LEFT[locale])

    # Then nothing says so any more
    assert _routing(context) is None
    assert again.page.evaluate("localStorage.grayModeEnabled") is None
    again.give(TWO_FACES)
    expect(again.page.locator("#result")).to_be_visible()
    assert again.gray_headers("/api/v1/blur") == [None]

    # And the page fits, never complained and never asked anybody else
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert visit.complaints + again.complaints == []
    assert {r.url.split("/")[2] for r in visit.requests if not r.url.startswith("blob:")} == {
        service.url.split("/")[2]
    }


def test_the_language_is_switched_and_remembered(
    open_context: OpenContext, service: Running
) -> None:
    context = open_context(locale="en-US")
    page = Visit(context, service.url).page
    expect(page.locator("h1")).to_have_text("Hide every face in a photo")

    page.locator("#language").click()

    expect(page.locator("h1")).to_have_text("把照片里的每张脸藏起来")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    again = Visit(context, service.url).page
    expect(again.locator("h1")).to_have_text("把照片里的每张脸藏起来")


def test_the_keyboard_is_enough(open_context: OpenContext, service: Running) -> None:
    visit = Visit(open_context(), service.url)
    page = visit.page
    visit.give(TWO_FACES)
    expect(page.locator("#slider")).to_be_focused()

    page.keyboard.press("End")
    at_end = page.locator("#compare").evaluate("e => e.style.getPropertyValue('--at')")
    page.keyboard.press("Tab")
    expect(page.locator("#download")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#adjust")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#again")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")

    expect(page.locator("#lab-message")).to_have_text(JOINED["en-US"])
    expect(page.locator("#toggle-gray-mode")).to_be_focused()
    assert at_end == "100%"


def test_a_photo_can_be_dropped_or_pasted(open_context: OpenContext, service: Running) -> None:
    visit = Visit(open_context(), service.url)
    send = """([bytes, kind]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], "x.jpg", {type: "image/jpeg"}));
      const event = kind === "drop"
        ? new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
        : new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
      document.body.dispatchEvent(event);
    }"""

    for kind in ("drop", "paste"):
        visit.page.evaluate(send, [list(TWO_FACES), kind])
        expect(visit.page.locator("#result-title")).to_have_text(HIDDEN["en-US"])
        visit.page.locator("#again").click()

    assert len(visit.gray_headers("/api/v1/blur")) == 2


def test_the_download_is_the_hidden_picture(
    open_context: OpenContext, service: Running, tmp_path: Path
) -> None:
    visit = Visit(open_context(), service.url)
    visit.give(TWO_FACES)
    expect(visit.page.locator("#result")).to_be_visible()

    with visit.page.expect_download() as started:
        visit.page.locator("#download").click()
    started.value.save_as(tmp_path / "got.jpg")

    assert started.value.suggested_filename == "holiday-blurred.jpg"
    got = cv2.imread(str(tmp_path / "got.jpg"), cv2.IMREAD_COLOR)
    assert got is not None
    assert np.array_equal(got, _decoded(service.blur(TWO_FACES).body))


@pytest.mark.parametrize(
    ("data", "kind", "want"),
    [
        pytest.param(b"hello", "text/plain", "Please choose a picture.", id="no picture"),
        pytest.param(b"", "image/jpeg", "The file is empty.", id="nothing"),
        pytest.param(
            b"hello",
            "image/jpeg",
            "This kind of picture is not supported. Use JPEG, PNG, WebP, AVIF, HEIC, TIFF or GIF.",
            id="called one",
        ),
    ],
)
def test_a_mistake_is_explained_and_can_be_mended(
    open_context: OpenContext, service: Running, data: bytes, kind: str, want: str
) -> None:
    visit = Visit(open_context(), service.url)

    visit.give(data, kind)

    expect(visit.page.locator("#problem-text")).to_have_text(want)
    expect(visit.page.locator("#retry")).to_be_hidden()
    visit.give(TWO_FACES)
    expect(visit.page.locator("#result")).to_be_visible()
    expect(visit.page.locator("#problem")).to_be_hidden()


def _given() -> npt.NDArray[np.uint8]:
    return _decoded(TWO_FACES)


def _decoded(data: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _pixels_of(page: Page, selector: str) -> npt.NDArray[np.uint8]:
    """Return what an image element really shows."""
    read = """async (image) => {
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      canvas.getContext("2d").drawImage(image, 0, 0);
      const blob = await canvas.convertToBlob({type: "image/png"});
      return Array.from(new Uint8Array(await blob.arrayBuffer()));
    }"""
    return _decoded(bytes(page.locator(selector).evaluate(read)))


def _routing(context: BrowserContext) -> str | None:
    found = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    return found.get("gray")


def _screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / name, full_page=True)
