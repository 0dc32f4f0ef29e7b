"""A real Chromium without a window, for the tests that open a page; without it they skip, and say so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The browser, which is ended when the module's tests are over."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("CHROMIUM IS MISSING: no page is opened (install chromium and chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="SELENIUM IS MISSING: no page is opened")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}", "--window-size=1366,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield found
    finally:
        found.quit()


def opened(browser: Any, folder: Path, content: str) -> Any:
    """Return the browser with a page open that is written to `audit.html` in a folder; what its logs held before is gone."""
    (folder / "audit.html").write_text(content, "utf-8")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get((folder / "audit.html").as_uri())
    return browser


def asked(browser: Any) -> list[str]:
    """Return the addresses that were asked for since the page was opened."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if url.startswith(("file:", "http:", "https:", "ws:", "wss:", "ftp:"))]
