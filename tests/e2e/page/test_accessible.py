"""Every state of the page, held against the rules of WCAG by axe-core."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.page.conftest import OpenContext
from tests.e2e.page.test_page import TWO_FACES, Visit
from tests.support import separate
from tests.support.blurservice import Running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WIDTHS = (390, 820, 1280, 3840)


@pytest.fixture(scope="session")
def axe() -> str:
    locked = Path(separate.__file__).with_name("axe.txt")
    (found,) = separate.environment(locked).glob("lib/*/site-packages/*/axe.min.js")
    return found.read_text(encoding="utf-8")


def _violations(page: Page, axe: str) -> list[tuple[str, Any]]:
    page.evaluate(f"{axe}; undefined")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (one["id"], [(node["target"], node["failureSummary"]) for node in one["nodes"]])
        for one in found["violations"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_no_state_of_the_page_breaks_a_rule(
    open_context: OpenContext, service: Running, axe: str, locale: str, dark: bool
) -> None:
    visit = Visit(open_context(locale=locale, dark=dark), service.url)
    page, found = visit.page, {}
    found["empty"] = _violations(page, axe)

    visit.give(TWO_FACES)
    expect(page.locator("#result")).to_be_visible()
    page.locator("#toggle-gray-mode").click()
    expect(page.locator("#lab-message")).to_be_visible()
    found["a result, in the gray channel"] = _violations(page, axe)

    page.locator("#adjust").click()
    expect(page.locator("#boxes button")).to_have_count(2)
    found["correcting boxes"] = _violations(page, axe)

    visit.give(b"nothing", "image/png")
    expect(page.locator("#problem")).to_be_visible()
    found["several, one of them broken"] = _violations(page, axe)

    assert {state: broken for state, broken in found.items() if broken} == {}


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_nothing_sticks_out_at_any_width(
    open_context: OpenContext, service: Running, locale: str
) -> None:
    visit = Visit(open_context(locale=locale), service.url)
    page = visit.page
    visit.give(TWO_FACES)
    expect(page.locator("#result")).to_be_visible()
    page.locator("#adjust").click()
    expect(page.locator("#editor")).to_be_visible()

    wide = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide[width] = page.evaluate("document.documentElement.scrollWidth")

    assert wide == {width: width for width in WIDTHS}
