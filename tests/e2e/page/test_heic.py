"""A photo as iPhones take them, in a browser that cannot show it."""

import pytest
from playwright.sync_api import expect
from tests.e2e.page.conftest import SCREENSHOTS, OpenContext
from tests.support.blurservice import Running
from tests.support.pictures import pair
from tests.support.samples import image, saved

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

UNSEEN = {"zh-CN": "此浏览器无法显示原图", "en-US": "This browser cannot show the original"}


# Some systems have no name for the type.
@pytest.mark.parametrize(("locale", "kind"), [("zh-CN", ""), ("en-US", "image/heic")])
def test_a_heic_is_hidden_and_saved_as_a_jpeg(
    open_context: OpenContext, service: Running, locale: str, kind: str
) -> None:
    page = open_context(locale=locale).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(service.url)
    heic = saved(image(pair()), "HEIC")

    page.set_input_files("#file", {"name": "IMG_1.HEIC", "mimeType": kind, "buffer": heic})

    # Then the result is there, and the original's side says why it is empty
    expect(page.locator("#result-title")).to_contain_text("2")
    expect(page.locator("#tag-before")).to_have_text(UNSEEN[locale])
    expect(page.locator("#before")).to_be_hidden()
    expect(page.locator("#download")).to_have_attribute("download", "IMG_1-blurred.jpg")
    page.wait_for_function("document.getElementById('after').naturalWidth === 640")
    page.screenshot(path=SCREENSHOTS / f"heic-{locale}.png", full_page=True)

    # And boxes are drawn on the result
    page.locator("#adjust").click()
    expect(page.locator("#boxes button")).to_have_count(2)
    assert page.locator("#slider").input_value() == "0"
    assert complaints == []


def test_a_photo_that_can_be_shown_is_shown_again_after_one_that_cannot(
    open_context: OpenContext, service: Running
) -> None:
    page = open_context().new_page()
    page.goto(service.url)
    for name, kind in (("a.heic", "HEIC"), ("b.jpg", "JPEG")):
        data = saved(image(pair()), kind)
        page.set_input_files("#file", {"name": name, "mimeType": "", "buffer": data})
        expect(page.locator("#download")).to_have_attribute("download", f"{name[0]}-blurred.jpg")

    expect(page.locator("#before")).to_be_visible()
    expect(page.locator("#tag-before")).to_have_text("Before")
