"""The generated pages are those that the rules give today."""

from __future__ import annotations

import runpy

from tests.shared import HERE


def test_the_generated_pages_are_current() -> None:
    pages = runpy.run_path(str(HERE / "docs" / "generate.py"))["pages"]()
    stale = [name for name, text in pages.items() if (HERE / "docs" / name).read_text("utf-8") != text]
    assert stale == [], "run `python docs/generate.py`"
