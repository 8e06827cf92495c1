"""Who asks for gray gets it while a release runs: programs, and a person in a real Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.e2e.page.test_page import JOINED, LAB, LEFT, TWO_FACES, Visit
from tests.e2e.scene import NAME, OPERATOR_ACTS, OPT_IN, ROLLBACK, Scene
from tests.support import installation
from tests.support.answers import Share, share_of
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]

PURGE = {"secretRef": {"name": "face-blur-service-key", "key": "admin-token"}}
GRAY, STABLE = "灰度版", "稳定版"
TIMEOUT_MS = 30_000


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="zh-CN")
    made.set_default_timeout(TIMEOUT_MS)
    yield made
    made.close()


def test_who_asks_for_gray_gets_it_at_any_weight_until_the_release_ends(
    scene: Scene, visitor: BrowserContext
) -> None:
    # Given a release at 5 %
    traffic = {"ingresses": [installation.INGRESS], "optIn": {**OPT_IN, "purge": PURGE}}
    scene.release(5, 100, traffic=traffic)
    scene.waits_at(5)

    # When programs ask for gray, by header or by cookie
    by_header = share_of(scene.ask(100, X_Gray_Enable="true"))
    by_cookie = share_of(scene.ask(100, Cookie="gray=always"))
    # and others ask for nothing, or to be left alone
    by_chance = share_of(scene.ask(200))
    never = share_of(scene.ask(100, Cookie="gray=never"))

    # Then all of the first get it, few of the others do, and none who do not want it.
    assert (by_header, by_cookie, never) == (Share(100, 100), Share(100, 100), Share(0, 100))
    assert 0 < by_chance.gray <= 20

    # When a person turns the switch on
    visit = Visit(visitor, scene.page.url.removesuffix("healthz"))
    page = visit.page
    page.get_by_role("switch", name=LAB["zh-CN"]).click()
    expect(page.locator("#lab-message")).to_have_text(JOINED["zh-CN"])

    # Then gray hides his photos and serves him the page, however often he asks,
    visit.give(TWO_FACES)
    expect(page.locator("#served")).to_contain_text(GRAY)
    for _ in range(5):
        page.reload()
        expect(page.locator("#page-served")).to_contain_text(GRAY)
    expect(page.locator("#toggle-gray-mode")).to_be_checked()
    # until he turns it off,
    page.locator("#toggle-gray-mode").click()
    expect(page.locator("#lab-message")).to_have_text(LEFT["zh-CN"])
    assert _remembered(visitor, page) == (None, None)
    # or the release ends.
    page.locator("#toggle-gray-mode").click()
    expect(page.locator("#lab-message")).to_have_text(JOINED["zh-CN"])
    assert _remembered(visitor, page) == ("true", "always")
    scene.command("abort", NAME)
    scene.reaches("RolledBack", within=ROLLBACK)
    eventually(
        lambda: _asked_again(visitor, page),
        lambda told: told == (None, None),
        within=OPERATOR_ACTS,
        what="the operator has ended all memberships",
    )
    expect(page.locator("#toggle-gray-mode")).not_to_be_checked()
    expect(page.locator("#page-served")).to_contain_text(STABLE)
    visit.give(TWO_FACES)
    expect(page.locator("#served")).to_contain_text(STABLE)
    assert visit.complaints == []


def _asked_again(visitor: BrowserContext, page: Page) -> tuple[str | None, str | None]:
    """Return what is remembered after the page was opened again."""
    page.reload()
    page.wait_for_load_state("networkidle")
    return _remembered(visitor, page)


def _remembered(visitor: BrowserContext, page: Page) -> tuple[str | None, str | None]:
    """Return what the browser remembers of the channel: the page's note, the routing cookie."""
    cookies = {cookie["name"]: cookie["value"] for cookie in visitor.cookies()}
    note: str | None = page.evaluate("localStorage.getItem('grayModeEnabled')")
    return note, cookies.get("gray")
