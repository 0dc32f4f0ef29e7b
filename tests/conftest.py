"""How the tests run: none fails because the machine is busy."""

from __future__ import annotations

from hypothesis import settings

from tests.browser import browser

__all__ = ["browser"]  # a fixture of every module that opens a page

settings.register_profile("calm", deadline=None)
settings.load_profile("calm")
