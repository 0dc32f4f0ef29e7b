"""Profiles: configurations that come with lwlint, to extend by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROFILES: Mapping[str, str] = MappingProxyType(
    {
        "templates": "# for trees of Heat templates and Puppet manifests\nselect: [LW4, LW9]\n",
        "controllers": "# for what was taken from controllers: CIBs, units, option files\nselect: [LW1, LW2, LW3, LW9]\n",
    }
)
