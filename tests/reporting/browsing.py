"""A headless Chromium for tests of pages; tests that need it are skipped where there is none."""

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip


@contextmanager
def chromium():
    """A browser, by PyPI's playwright, that goes to no network."""
    driver = pytest.importorskip("playwright.sync_api", reason="no playwright: it is in the extra dev")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: make browser")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


def violations(page):
    """What axe-core finds against WCAG and its best practices, as texts."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: it is in the extra dev").Axe()
    found = axe.run(page).response["violations"]
    return [f"{row['id']}: {row['help']}: {[node['target'] for node in row['nodes']][:5]}" for row in found]


def screenshots(page, folder):
    """A page's first screen, at two widths in two themes, as PNG files: `python -m tests.reporting.browsing PAGE FOLDER`."""
    with chromium() as browser:
        for width, height in ((1280, 900), (390, 844)):
            for theme in ("light", "dark"):
                tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
                tab.goto(page.resolve().as_uri())
                tab.screenshot(path=folder / f"{page.stem}_{width}_{theme}.png")
                tab.close()


if __name__ == "__main__":
    screenshots(*map(Path, sys.argv[1:3]))
