"""Files put on the disk wholly or not at all, by a process that may be ended at any moment.

What is written has no name before all of it is there (open(2), O_TMPFILE), so that nothing is left of a process that is killed over
it; where a file system cannot do that, it has a name that begins with a dot. Signals that end a process wait until names are given.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Union

from lwlint.files.processes import hold_signals
from lwlint.files.tree import checkout, read_regular

_DEVICES = ("/dev/fd/", "/dev/std")  # links of the system's own, by which a shell hands over what is open


def refusal(path: str, kept: Iterable[str] = ()) -> str:
    """Return why nothing may be written to `path`, as a predicate; empty if it may.

    That is so for a link, for what a link of the checkout (without one, of the current folder) leads to, and for one of the files to be
    `kept`, by whatever name.
    """
    if path.startswith(_DEVICES):
        return ""
    if os.path.islink(path):
        return "is a link, and nothing is written through one"
    here = os.getcwd()
    base = checkout(here) or here
    folder = os.path.dirname(os.path.abspath(path))
    while (folder + os.sep).startswith(base + os.sep) and folder != base:
        if os.path.islink(folder):
            return f"lies behind the link `{os.path.relpath(folder)}`, and nothing is written through one"
        folder = os.path.dirname(folder)
    own = _identity(path)
    if own is not None and any(_identity(one) == own for one in kept):
        return "is a file that was read for this run, and is not overwritten"
    return ""


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def replace(path: str, data: bytes, *, keep_owner: bool = False) -> None:
    """Put `data` in the place of the file at `path` (no link): wholly or not at all; its mode is kept, on demand its owner and labels too.

    Raises OSError.
    """
    handle = _nameless(os.path.dirname(path), data)
    if handle is None:
        with hold_signals():
            _replace_named(path, data, keep_owner)
        return
    try:
        there = os.path.exists(path)
        if there:
            _take_after(handle, path, keep_owner)
        with hold_signals():
            if not there:
                with suppress(FileExistsError):
                    _name(handle, path)
                    return
            fresh = _fresh(path)
            _name(handle, fresh)
            _move(fresh, path)
    finally:
        os.close(handle)


def is_as_read(path: str, before: bytes | None) -> bool:
    """Return whether the bytes at `path` still are those `before`, None for no file. Raises OSError for what cannot be read."""
    return (read_regular(path) if os.path.lexists(path) else None) == before


def edit(path: str, before: bytes | None, after: bytes) -> None:
    """Put `after` in the place of `before`, None for no file, as `replace` does. Raises OSError, also where that is not there any more."""
    if not is_as_read(path, before):
        raise OSError(errno.EBUSY, "it has been changed since it was read")
    replace(path, after, keep_owner=before is not None)


def appear(folder: str, files: Mapping[str, bytes]) -> None:
    """Make the folder, which is not there, with all these files (by name) in it, or nothing at all. Raises OSError."""
    parent = os.path.dirname(os.path.abspath(folder))
    os.makedirs(parent, exist_ok=True)
    handles = {name: _nameless(parent, data) for name, data in files.items()}
    try:
        with hold_signals():
            fresh = _fresh(os.path.abspath(folder))
            os.mkdir(fresh)
            try:
                for name, handle in handles.items():
                    path = os.path.join(fresh, name)
                    if handle is None:
                        _write(path, files[name])
                    else:
                        _name(handle, path)
                os.rename(fresh, folder)
            except BaseException:
                for name in files:
                    with suppress(FileNotFoundError):
                        os.unlink(os.path.join(fresh, name))
                os.rmdir(fresh)
                raise
    finally:
        for handle in handles.values():
            if handle is not None:
                os.close(handle)


def _fresh(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:200]}.{os.getpid()}.tmp")


def _nameless(folder: str, data: bytes) -> int | None:
    """Return a handle of a file on the folder's file system that has the data and no name; None where there is no such thing."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        handle = os.open(folder or ".", os.O_TMPFILE | os.O_WRONLY, 0o666)
    except OSError:
        return None  # a file system without: what is wrong else is met again, and told, with a name
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _name(handle: int, path: str) -> None:
    """Give a nameless file its name, which no other has. `src_dir_fd` makes Python call linkat(2), which follows the link in /proc."""
    os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)


def _move(fresh: str, path: str) -> None:
    try:
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise


def _write(path: str, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        file.write(data)


def _replace_named(path: str, data: bytes, keep_owner: bool) -> None:
    fresh = _fresh(path)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if os.path.exists(path):
            _take_after(fresh, path, keep_owner)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise


def _take_after(fresh: Union[str, int], old: str, keep_owner: bool) -> None:
    before, now = os.stat(old), os.stat(fresh)
    if keep_owner and (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        os.chown(fresh, before.st_uid, before.st_gid)
    os.chmod(fresh, stat.S_IMODE(before.st_mode))
    for name in os.listxattr(old) if keep_owner and hasattr(os, "listxattr") else ():
        value = os.getxattr(old, name)  # the label that SELinux goes by, access lists
        if name not in os.listxattr(fresh) or os.getxattr(fresh, name) != value:
            os.setxattr(fresh, name, value)
