"""Where the configuration is: the nearest `.lwlint.yaml`, or file of other programs with settings of lwlint, upwards; and its text."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from lwlint.core.finding import ConfigurationError
from lwlint.files.tree import CONFIGURATION, Boundary, checkout, read_bounded

NAME = ".lwlint.yaml"
_MISNAMED = (".lwlint.yml", "lwlint.yaml", "lwlint.yml", ".lwlint.toml", "lwlint.toml", ".lwlint.json")
SHARED = ("pyproject.toml", "tox.ini", "setup.cfg")  # files of other programs too, in which lwlint has a place


class Disk:
    """The files of a configuration, as they are on the disk but for those that are told otherwise."""

    def __init__(self, others: Mapping[str, bytes | None] | None = None) -> None:
        """`others` are bytes by path from where lwlint runs, None for a file that is not there."""
        self._others = dict(others or {})

    def is_there(self, path: str) -> bool:
        """Return whether there is something at the path."""
        return self._is(os.path.lexists, path)

    def is_file(self, path: str) -> bool:
        """Return whether there is a file at the path."""
        return self._is(os.path.isfile, path)

    def _is(self, ask: Callable[[str], bool], path: str) -> bool:
        name = show_path(path) if self._others else ""
        return self._others[name] is not None if name in self._others else ask(path)

    def read(self, path: str, within: Boundary | None) -> bytes:
        """Return the bytes of a file `within` a boundary. Raises OSError."""
        name = show_path(path)
        data = self._others.get(name)
        if data is None:
            if name in self._others:
                raise FileNotFoundError(2, os.strerror(2), path)
            return read_bounded(path, CONFIGURATION, within)
        if len(data) > CONFIGURATION:
            raise OSError(27, f"it has more than {CONFIGURATION} bytes", path)
        return data


DISK = Disk()


def nearest(*, trusted: bool = False, disk: Disk = DISK) -> str | None:
    """Return the path of the nearest configuration, from the current folder upwards; None if there is none.

    Raises ConfigurationError where one folder has two, for a file whose name is almost the right one, and for one outside of the
    checkout that another user has put there, unless it is `trusted`.
    """
    folder = os.getcwd()
    top = checkout(folder) or folder
    while True:
        own = os.path.join(folder, NAME)
        is_inside = (folder + os.sep).startswith(top + os.sep)
        found = [own] if disk.is_there(own) else []
        shared = [path for name in SHARED if disk.is_file(path := os.path.join(folder, name))]
        within = around_configuration(own) if shared and not trusted else None
        found += [path for path in shared if _has_table(path, within, disk)]
        if len(found) > 1:
            raise ConfigurationError(f"`{show_path(found[0])}`: `{show_path(found[1])}` has settings of lwlint too; keep one of them")
        if found:
            return found[0] if is_inside or trusted else _of_this_user(found[0])
        for name in _MISNAMED:
            if disk.is_file(os.path.join(folder, name)):
                raise ConfigurationError(f"`{show_path(os.path.join(folder, name))}`: is not read; name it `{NAME}`")
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def show_path(path: str) -> str:
    """Return the path from where lwlint runs, with `/`."""
    return os.path.relpath(path).replace(os.sep, "/")


def around_configuration(path: str) -> Boundary:
    """Return what a configuration may name files in: the git checkout that it lies in or, without one, its own folder."""
    folder = os.path.dirname(os.path.abspath(path))
    return Boundary((checkout(folder) or folder,))


def _of_this_user(path: str) -> str:
    owner = os.lstat(path).st_uid
    if hasattr(os, "geteuid") and owner not in (0, os.geteuid()):
        raise ConfigurationError(f"`{show_path(path)}`: another user has put it there; name it with `--config`, or use `--no-config`")
    return path


def text_of(path: str, within: Boundary | None = None, disk: Disk = DISK) -> str:
    """Return the text of a configuration file `within` a boundary; raise ConfigurationError if it cannot be read."""
    try:
        return disk.read(path, within).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise ConfigurationError(f"`{show_path(path)}`: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"`{show_path(path)}`: is not UTF-8") from error


def _has_table(path: str, within: Boundary | None, disk: Disk) -> bool:
    """Return whether a file of several programs has settings of lwlint."""
    if path.endswith(".toml"):
        text = text_of(path, within, disk)
        if "lwlint" not in text.lower():
            return False
        from lwlint.policy import shared_files

        return shared_files.table(text, show_path(path)) is not None
    try:
        data = disk.read(path, within)  # in any encoding, if it is not lwlint's
    except OSError as error:
        raise ConfigurationError(f"`{show_path(path)}`: cannot be read ({error.strerror})") from error
    if b"lwlint" not in data.lower():
        return False
    from lwlint.policy import shared_files

    return (
        shared_files.names_lwlint(data.decode("utf-8", "replace"))
        and shared_files.table(text_of(path, within, disk), show_path(path)) is not None
    )
