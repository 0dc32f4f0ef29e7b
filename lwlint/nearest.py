"""Where the configuration is. Apart from what reads it, so that a run without one costs nothing."""

from __future__ import annotations

import os

from lwlint.finding import ConfigurationError

NAME = ".lwlint.yaml"
_MISNAMED = (".lwlint.yml", "lwlint.yaml", "lwlint.yml")
_PYPROJECT = "pyproject.toml"


def nearest() -> str | None:
    """Return the path of the nearest configuration, from the current folder upwards; None if there is none.

    Raises ConfigurationError where one folder has two, and for a file whose name is almost the right one.
    """
    folder = os.getcwd()
    while True:
        own, project = os.path.join(folder, NAME), os.path.join(folder, _PYPROJECT)
        has_project = os.path.isfile(project) and _has_table(project)
        if os.path.isfile(own):
            if has_project:
                raise ConfigurationError(f"`{shown(own)}`: `{shown(project)}` has settings of lwlint too; keep one of them")
            return own
        if has_project:
            return project
        for name in _MISNAMED:
            if os.path.isfile(os.path.join(folder, name)):
                raise ConfigurationError(f"`{shown(os.path.join(folder, name))}`: is not read; name it `{NAME}`")
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def shown(path: str) -> str:
    """Return the path from where lwlint runs, with `/`."""
    return os.path.relpath(path).replace(os.sep, "/")


def text_of(path: str) -> str:
    """Return the text of a configuration file; raise ConfigurationError if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise ConfigurationError(f"`{shown(path)}`: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"`{shown(path)}`: is not UTF-8") from error


def _has_table(project: str) -> bool:
    text = text_of(project)
    if "lwlint" not in text:
        return False
    from lwlint import pyproject

    return pyproject.table(text, shown(project)) is not None
