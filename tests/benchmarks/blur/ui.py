"""ui.*: photos on the page in a real Chromium: the first result seen, the last, the tab's memory.

The browser, the service and this program share the machine.
"""

import base64
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Playwright, expect, sync_playwright
from tests.benchmarks.blur.client import unlike
from tests.benchmarks.figures import Figure
from tests.support.blurservice import Running, running
from tests.support.browser import CHROMIUM, launch, tab_peak_mib
from tests.support.pictures import photos

PICTURES = 50
VISITS = 5
# So many large photos at once must not end the tab.
MANY = 200
LARGE = (1920, 1080)
_GIVE_UP_MS = 120_000
# Dropped by the page's own script, as a hand does it: the clock of the browser starts there.
_DROP = """([files, target]) => {
  const carried = new DataTransfer();
  for (const [name, text] of files) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    carried.items.add(new File([bytes], name, { type: "image/jpeg" }));
  }
  window.firstResult = new Promise((found) => {
    const began = performance.now();
    const look = () => {
      const shown = document.querySelector("#after");
      if (shown && shown.complete && shown.naturalWidth > 0 && shown.offsetParent !== null) {
        found(performance.now() - began);
      } else {
        requestAnimationFrame(look);
      }
    };
    look();
  });
  const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
  document.querySelector(target).dispatchEvent(event);
}"""


def measure(pictures: int = PICTURES, visits: int = VISITS, many: int = MANY) -> list[Figure]:
    """Return the figures; none without a Chromium."""
    if CHROMIUM is None:
        sys.stderr.write("ui.*: skipped, chromium is not installed\n")
        return []
    first: list[float] = []
    last: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), FACEBLUR_CACHE_MIB="0") as service,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for visit in range(visits + 1):
            page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
            page.goto(service.url)
            page.wait_for_load_state("networkidle")
            start = time.perf_counter()
            page.evaluate(_DROP, [_files(pictures, visit), "#drop"])
            shown = float(page.evaluate("window.firstResult"))
            expect(page.locator("#batch-text")).to_have_text(
                f"{pictures} of {pictures} done", timeout=_GIVE_UP_MS
            )
            # The first visit warms up the browser and the service.
            if visit:
                first.append(shown)
                last.append(time.perf_counter() - start)
            page.close()
        browser.close()
        memory = _many(playwright, service, Path(folder), many)
    return [*_figures(sorted(first), sorted(last), pictures), *memory]


def _many(playwright: Playwright, service: Running, folder: Path, count: int) -> list[Figure]:
    """Give a fresh browser many large photos at once, as files of a disk."""
    pixels = cv2.imdecode(np.frombuffer(photos()[2], np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    large = cv2.imencode(".jpg", cv2.resize(pixels, LARGE))[1].tobytes()
    files = [folder / f"photo-{number}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(unlike(large, number))
    browser = launch(playwright)
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
    page.goto(service.url)
    start = time.perf_counter()
    page.set_input_files("#file", files)
    done = page.locator("#batch-text")
    expect(done).to_have_text(f"{count} of {count} done", timeout=2 * _GIVE_UP_MS)
    last, peak = time.perf_counter() - start, tab_peak_mib(browser)
    browser.close()
    name = f"ui.{count}-pictures-1080p"
    return [
        Figure(name=f"{name}.last", value=last, unit="s", n=1),
        Figure(name=f"{name}.tab.peak", value=peak, unit="MiB", n=1),
    ]


def _figures(first: list[float], last: list[float], pictures: int) -> list[Figure]:
    middle, n = len(first) // 2, len(first)
    name = f"ui.{pictures}-pictures"
    return [
        Figure(name=f"{name}.first.median", value=first[middle], unit="ms", n=n),
        Figure(name=f"{name}.first.worst", value=first[-1], unit="ms", n=n),
        Figure(name=f"{name}.last.median", value=last[middle], unit="s", n=n),
    ]


def _files(count: int, visit: int) -> list[Any]:
    return [
        (
            f"photo-{number}.jpg",
            base64.b64encode(unlike(photos()[number % 5], 1000 * visit + number)).decode(),
        )
        for number in range(count)
    ]
