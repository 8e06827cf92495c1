"""A real Chromium for tests and benchmarks of the page."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Nothing but the page: Chromium's own services would call out at every start.
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch(playwright: Playwright) -> Browser:
    """Return a new browser; only where `CHROMIUM` is not None."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(_OPTIONS))


def tab_peak_mib(browser: Browser) -> float:
    """Return the most memory that the largest tab had at any time, in MiB of resident set."""
    session = browser.new_browser_cdp_session()
    told = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return max(_peak_mib(int(one["id"])) for one in told if one["type"] == "renderer")


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
