"""The HTML report in a real Chromium: it filters, drills down and copies, says nothing to the console, and asks no host for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lwlint.report.html.page import render
from tests.browser import asked, opened
from tests.report.html_sample import AUDIT, CLAUSES, changed

RETRIES, ORDERS = "retries-forever", "few-constraints"


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The sample's page, opened; afterwards nothing was said to the console, and nothing but the file was asked for."""
    yield opened(browser, tmp_path, render(AUDIT, CLAUSES))
    assert browser.get_log("browser") == []
    assert [url for url in asked(browser) if url != (tmp_path / "audit.html").as_uri()] == []


def _shown(page: Any) -> list[str]:
    """The messages that can be seen, each with the host that it is of."""
    return list(page.execute_script("return [...document.querySelectorAll('.finding')].filter(f => f.checkVisibility()).map(f => f.id)"))


def _choose(page: Any, id: str, value: str) -> None:
    page.find_element("css selector", f"#{id} option[value='{value}']").click()


def _count(page: Any) -> str:
    return str(page.find_element("id", "count").text)


def test_findings_are_filtered_by_severity_host_clause_and_words(page: Any) -> None:
    everything = ["c0-k1-r0-0", "c0-k2-r0-0", "c0-k2-r0-1", "c1-k2-r0-0"]
    assert (_shown(page), _count(page)) == (everything, "4 findings")
    _choose(page, "clause", RETRIES)
    assert (_shown(page), _count(page)) == (everything[1:], "3 of 4 findings")
    _choose(page, "host", "c0h1")
    assert _shown(page) == ["c0-k2-r0-1"]
    assert page.find_element("css selector", "#c1-findings .nothing").is_displayed()
    _choose(page, "clause", "")
    assert _shown(page) == ["c0-k1-r0-0", "c0-k2-r0-1"]
    page.find_element("css selector", "input[value=warning]").click()
    assert _shown(page) == ["c0-k1-r0-0"]
    page.find_element("id", "clear").click()
    assert _shown(page) == everything
    page.find_element("id", "search").send_keys("MAX_RETRIES=99 nova")
    assert (_shown(page), _count(page)) == (["c0-k2-r0-1"], "1 of 4 findings")
    assert page.find_element("css selector", "#c0-k2 h4 .count").text == "1 of 2 findings"
    assert not page.find_element("id", "c0-k1").is_displayed()


def test_a_cell_of_the_matrix_leads_to_its_findings_and_they_open_to_the_evidence(page: Any) -> None:
    page.find_element("css selector", f".matrix a[data-host=c0h1][data-clause={RETRIES}]").click()
    assert _shown(page) == ["c0-k2-r0-1"]
    finding = page.find_element("id", "c0-k2-r0-1")
    source = finding.find_element("css selector", ".source code")
    assert not source.is_displayed()
    finding.find_element("tag name", "summary").click()
    assert source.is_displayed()
    assert [place.text for place in finding.find_elements("class name", "place")] == [
        "controller-1:etc/nova/nova.conf:5:13",
        "controller-1:etc/nova/nova.conf:1:1",
    ]
    assert source.text == "max_retries=99"
    page.find_element("id", "clear").click()
    page.find_element("id", "open").click()
    assert len(page.find_elements("css selector", ".finding[open]")) == 4
    page.find_element("id", "close").click()
    assert page.find_elements("css selector", ".finding[open]") == []


def test_all_of_it_is_reached_by_the_keyboard(page: Any) -> None:
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    reached = []
    for _ in range(60):
        page.switch_to.active_element.send_keys(keys.TAB)
        reached.append(page.execute_script("let e = document.activeElement; return e.id || e.className || e.tagName.toLowerCase()"))
    assert reached[0] == "skip"
    wanted = {"search", "host", "clause", "open", "close", "clear", "copy", "summary", "scroll"}
    assert wanted - set(reached) == set()
    page.execute_script("document.querySelector('#c0-k1-r0-0 summary').focus()")
    page.switch_to.active_element.send_keys(keys.ENTER)
    assert page.find_element("id", "c0-k1-r0-0").get_attribute("open") is not None


def _told(page: Any) -> str:
    """What the page says of a copy, once it says something; it says nothing any more afterwards."""
    look = "const [done, said] = [arguments[0], document.getElementById('said')]; const look = () => { if (!said.textContent) "
    look += "{ setTimeout(look, 20); return; } const words = said.textContent; said.textContent = ''; done(words); }; look()"
    return str(page.execute_async_script(look))


@pytest.mark.parametrize("clipboard", ["granted", "denied"])
def test_a_remedy_is_copied_with_and_without_the_clipboards_permission(page: Any, clipboard: str) -> None:
    for name in ("clipboard-write", "clipboard-read"):
        page.execute_cdp_cmd("Browser.setPermission", {"permission": {"name": name}, "setting": "granted"})
    if clipboard == "denied":
        page.execute_script("navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'))")
    commands = "pcs constraint delete order-core-api\npcs constraint"
    for css, expected in ((".command .copy", commands), (".what .copy", f"Delete it:\n{commands}")):
        button = page.find_element("css selector", f"#c0-k1 {css}")
        button.click()
        assert _told(page) == "Copied"
        assert page.execute_async_script("navigator.clipboard.readText().then(arguments[0], arguments[0])") == expected
        assert page.switch_to.active_element == button


def test_where_nothing_can_be_copied_it_is_selected(page: Any) -> None:
    page.execute_script("navigator.clipboard.writeText = () => Promise.reject(new Error()); document.execCommand = () => false")
    page.find_element("css selector", "#c0-k1 .command .copy").click()
    assert "press Ctrl+C" in _told(page)
    assert page.execute_script("return String(getSelection())") == "pcs constraint delete order-core-api\npcs constraint"


def test_the_page_is_as_wide_as_the_window_on_a_phone(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True})
    try:
        page.find_element("id", "open").click()
        assert page.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_without_its_script_all_can_be_read(browser: Any, tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, tmp_path, render(AUDIT, CLAUSES))
        shown = browser.find_element("tag name", "main").text
        assert "must be `-1`".replace("`", "") in shown
        assert [one for one in browser.find_elements("css selector", ".controls, button") if one.is_displayed()] == []
        browser.find_element("css selector", "#c0-k2-r0-1 summary").click()
        assert browser.find_element("css selector", "#c0-k2-r0-1 .source").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hostile_words_run_nothing(browser: Any, tmp_path: Path) -> None:
    hostile = (
        "</script></style></title><script>window.caught = 1</script><img src=x onerror='window.caught = 2'>\"' onclick='window.caught = 3'"
    )
    content = render(changed(AUDIT, lambda words: words + hostile), changed(CLAUSES, lambda words: words + hostile))
    page = opened(browser, tmp_path, content)
    page.find_element("id", "open").click()
    page.find_element("id", "search").send_keys("onerror")
    assert page.execute_script("return [window.caught, document.querySelectorAll('img, script').length, document.scripts.length]") == [
        None,
        1,
        1,
    ]
    assert _count(page) == "4 findings"
    assert browser.get_log("browser") == []
    assert asked(browser) == [(tmp_path / "audit.html").as_uri()]
