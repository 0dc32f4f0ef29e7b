"""Fleets: reports of thousands of clusters, read and judged by Dask, with the answers as tables in a store.

All that is read and judged here is read and judged by `lwlint.audit`; what is new is where the work runs and where its results stay.
"""

from __future__ import annotations

from lwlint.core.finding import ConfigurationError

_NEEDED = ("distributed", "fsspec", "pyarrow")


def need() -> None:
    """Raise ConfigurationError, which says what to install, where a library of the extra is not there."""
    from importlib.util import find_spec

    lacking = [name for name in _NEEDED if find_spec(name) is None]
    if lacking:
        raise ConfigurationError(f"`lwlint fleet` needs `pip install 'lwlint[fleet]'` (not there: {', '.join(lacking)})")
