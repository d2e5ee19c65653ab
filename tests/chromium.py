"""A real browser, where this machine has one."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, sync_playwright

from tests.services import missing

WIDE = {"width": 1300, "height": 1000}
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Headless Chromium; skips the test where there is none, or fails it where services are required."""
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        missing("needs a browser: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def open_page() -> Iterator[Page]:
    """An empty page of a browser of its own."""
    with open_browser() as browser:
        yield browser.new_page(viewport=WIDE)
