"""A headless Chromium for tests of pages; tests that need it are skipped where there is none."""

import shutil
from contextlib import contextmanager

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
        pytest.skip("no Chromium: apt-get install chromium")
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
