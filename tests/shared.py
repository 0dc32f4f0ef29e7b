"""The one way to material that lies beside the project, not in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent


def shared(name: str) -> Path:
    """Return the path of `name` in the folder `shared` beside the project; skip the test, saying so, without it."""
    folder = Path(os.environ.get("LWLINT_SHARED", HERE.parent / "shared"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"SHARED MATERIAL IS MISSING: {name} (set LWLINT_SHARED to the folder that holds it)")
    return path
