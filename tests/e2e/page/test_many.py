"""Many photos, corrected boxes, styles, and links into the gray channel."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect
from tests.e2e.page.conftest import OpenContext
from tests.e2e.page.test_page import JOINED, LEFT, TWO_FACES, Visit
from tests.support import blurservice
from tests.support.blurservice import Running
from tests.support.browser import tab_peak_mib
from tests.support.pictures import photos

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def _files(count: int) -> list[Any]:
    return [
        {"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": photos()[n % 5]}
        for n in range(count)
    ]


def _asked(visit: Visit, path: str) -> list[Request]:
    return [r for r in visit.requests if urlsplit(r.url).path == path]


def _saved(page: Page, button: str, path: Path) -> bytes:
    with page.expect_download() as started:
        page.locator(button).click()
    started.value.save_as(path)
    return path.read_bytes()


def test_many_photos_are_done_two_at_a_time_and_saved_as_one_archive(
    open_context: OpenContext, service: Running, tmp_path: Path
) -> None:
    visit = Visit(open_context(), service.url)
    page = visit.page
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"nothing"}

    page.set_input_files("#file", [*_files(12), broken])

    expect(page.locator("#batch-text")).to_have_text("12 of 13 done, 1 failed")
    expect(page.locator("#tray li")).to_have_count(13)
    saved = _saved(page, "#download-all", tmp_path / "all.zip")
    archive = zipfile.ZipFile(io.BytesIO(saved))
    assert archive.testzip() is None
    want = ["holiday-blurred.jpg", *(f"holiday-blurred-{n}.jpg" for n in range(2, 13))]
    assert archive.namelist() == want
    assert archive.read(want[2]) == service.blur(photos()[2]).body

    page.locator("#tray button").last.click()
    expect(page.locator("#problem-text")).to_contain_text("not supported")
    expect(page.locator("#problem-code")).to_contain_text("broken.png · Error code")
    expect(page.locator("#retry")).to_be_hidden()
    page.locator("#tray button").nth(2).press("Enter")
    expect(page.locator("#result-title")).to_have_text("2 faces hidden")
    expect(page.locator("#problem")).to_be_hidden()


def test_two_hundred_photos_do_not_end_the_tab(
    open_context: OpenContext, service: Running, browser: Browser
) -> None:
    visit = Visit(open_context(), service.url)

    visit.page.set_input_files("#file", _files(200))

    expect(visit.page.locator("#batch-text")).to_have_text("200 of 200 done", timeout=200_000)
    assert visit.complaints == []
    # With two photos it has 190, and about one more for each of the others.
    assert tab_peak_mib(browser) < 500


def test_boxes_are_kept_removed_and_drawn(open_context: OpenContext, service: Running) -> None:
    visit = Visit(open_context(), service.url)
    page = visit.page
    visit.give(TWO_FACES)
    page.evaluate("""() => {
      const set = FormData.prototype.set;
      FormData.prototype.set = function (name, value, ...rest) {
        if (name === "boxes") window.sentBoxes = value;
        return set.call(this, name, value, ...rest);
      };
    }""")
    page.locator("#adjust").click()
    boxes = page.locator("#boxes button")
    expect(boxes).to_have_count(2)
    expect(boxes.first).to_be_focused()

    # One face is kept, by keyboard; one is drawn, by pointer; one is added and removed again.
    page.keyboard.press("Enter")
    expect(boxes.first).to_have_attribute("aria-label", "Face 1: kept clear")
    bounds = page.locator("#boxes").bounding_box()
    assert bounds is not None
    x, y, width, height = (bounds[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(x + width * 0.4, y + height * 0.8)
    page.mouse.down()
    page.mouse.move(x + width * 0.5, y + height * 0.95)
    page.mouse.up()
    expect(boxes).to_have_count(3)
    page.locator("#add-box").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    expect(page.locator("#box-count")).to_have_text("2 faces will be hidden")
    page.locator("#apply-boxes").click()

    expect(page.locator("#editor")).to_be_hidden()
    expect(page.locator("#result-title")).to_have_text("2 faces hidden")
    _, drawn = json.loads(page.evaluate("window.sentBoxes"))
    assert (drawn["x"], drawn["width"]) == pytest.approx((256, 64), abs=3)
    assert (drawn["y"], drawn["height"]) == pytest.approx((384, 72), abs=3)
    assert visit.complaints == []


def test_a_style_is_asked_for_and_only_solid_is_called_irreversible(
    open_context: OpenContext, service: Running
) -> None:
    visit = Visit(open_context(), service.url)
    page = visit.page
    hint = page.locator("#mode-hint")
    expect(hint).to_contain_text("may still allow guesses. Only solid is irreversible.")
    visit.give(TWO_FACES)
    expect(page.locator("#result")).to_be_visible()

    page.locator("#mode").select_option("solid")

    expect(hint).to_have_text("Solid is the only irreversible style: nothing of the face is left.")
    expect(page.locator("#strength")).to_be_disabled()
    expect(page.locator("#result")).to_be_visible()
    asked = [parse_qs(urlsplit(r.url).query)["mode"] for r in _asked(visit, "/api/v1/blur")]
    assert asked == [["blur"], ["solid"]]


def test_a_link_leads_into_the_gray_channel_and_out(
    open_context: OpenContext, service: Running
) -> None:
    # Not a Visit: the address changes while it waits for the page to settle.
    page = open_context().new_page()
    page.goto(f"{service.url}/?v=gray")
    expect(page.locator("#lab-message")).to_have_text(JOINED["en-US"])
    expect(page.locator("#toggle-gray-mode")).to_be_checked()
    expect(page).to_have_url(f"{service.url}/")

    page.goto(f"{service.url}/?v=stable")

    expect(page.locator("#lab-message")).to_have_text(LEFT["en-US"])
    expect(page.locator("#toggle-gray-mode")).not_to_be_checked()


def test_a_token_is_asked_for_and_used(open_context: OpenContext, tmp_path: Path) -> None:
    with blurservice.running(tmp_path, FACEBLUR_API_TOKENS="secret") as service:
        visit = Visit(open_context(), service.url)
        page = visit.page
        visit.give(TWO_FACES)
        expect(page.locator("#problem-text")).to_have_text("This service wants an access token.")

        page.locator("#token-value").fill("guessed")
        page.keyboard.press("Enter")
        expect(page.locator("#problem-text")).to_contain_text("not the right one")
        page.locator("#token-value").fill("secret")
        page.keyboard.press("Enter")

        expect(page.locator("#result-title")).to_have_text("2 faces hidden")
        expect(page.locator("#problem")).to_be_hidden()


def test_a_failed_answer_is_asked_for_again_without_gray(
    open_context: OpenContext, service: Running
) -> None:
    visit = Visit(open_context(), service.url)
    page = visit.page
    page.locator("#toggle-gray-mode").click()
    expect(page.locator("#lab-message")).to_have_text(JOINED["en-US"])
    page.route("**/api/v1/blur*", lambda route: route.abort(), times=1)

    visit.give(TWO_FACES)

    expect(page.locator("#result-title")).to_have_text("2 faces hidden")
    assert visit.gray_headers("/api/v1/blur") == ["true", "never"]


@pytest.mark.parametrize(
    ("locale", "want"),
    [
        ("zh-CN", "灰度版未能完成，已由 1.0 · 稳定版处理"),
        ("en-US", "The gray version could not do it: done by 1.0 · stable"),
    ],
)
def test_the_page_says_plainly_when_stable_stood_in(
    open_context: OpenContext, service: Running, locale: str, want: str
) -> None:
    def stand_in(route: Route) -> None:
        named = {"Version": "1.0", "Track": "stable", "Degraded": "slow", "Faces": "2"}
        headers = {f"X-Face-Blur-{name}": value for name, value in named.items()}
        kind = {"Content-Type": "image/jpeg"}
        route.fulfill(status=200, headers=headers | kind, body=TWO_FACES)

    visit = Visit(open_context(locale=locale), service.url)
    visit.page.route("**/api/v1/blur*", stand_in)

    visit.give(TWO_FACES)

    expect(visit.page.locator("#served")).to_have_text(want)


def test_a_phone_takes_a_photo_with_its_camera(open_context: OpenContext, service: Running) -> None:
    page = Visit(open_context(width=390, height=844, phone=True), service.url).page
    camera = page.locator("#camera")

    expect(page.get_by_text("Take a photo")).to_be_visible()
    expect(camera).to_have_attribute("capture", "environment")
    expect(page.get_by_text("Drop photos here")).to_be_hidden()
    camera.set_input_files({"name": "image.jpg", "mimeType": "image/jpeg", "buffer": TWO_FACES})

    expect(page.locator("#result-title")).to_have_text("2 faces hidden")
