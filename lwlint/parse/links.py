"""Symbolic links of a report or a host's tree, followed inside it: never out of it, and never on the machine that lwlint runs on."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from lwlint.parse.archive_format import HOST

_MOST_HOPS = 40  # as Linux allows


def root_of(path: str) -> str:
    """Return the part of `path` in front of a host's file system tree (with a final `/`, or empty); without one, the first folder."""
    top = HOST.search(path)
    if top is not None:
        return path[: top.end()]
    first, slash, _ = path.partition("/")
    return first + slash if slash else ""


def followed(path: str, link: Callable[[str], str | None], *, last: bool) -> str | None:
    """Return where `path` leads when links are followed, whether there is something or not; None for links in a circle.

    `link` returns the target of the link at a path without links in front of it, None where there is none. The `last` part of the
    path, too, is followed if it is a link. An absolute target is meant from the root of the host's tree that the link lies in.
    """
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    done: list[str] = []
    hops = 0
    while todo:
        part = todo.pop()
        if part == "..":
            del done[-1:]
            continue
        done.append(part)
        target = link("/".join(done)) if todo or last else None
        if target is None:
            continue
        hops += 1
        if hops > _MOST_HOPS:
            return None
        if target.startswith("/"):
            target = root_of("/".join(done)) + posixpath.normpath(target).lstrip("/")
            done = []
        else:
            done.pop()
        todo += [part for part in reversed(target.split("/")) if part not in ("", ".")]
    return "/".join(done)
