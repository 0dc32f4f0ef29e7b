"""Git's patterns for paths (gitignore(5)), matched as git matches them.

A path is covered if a pattern matches it or one of its folders. Of the patterns that match one path the last one counts;
one that begins with `!` takes back, but nothing below a folder that is covered.
"""

from __future__ import annotations

import functools
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Union

from msgspec import Struct

from lwlint.core.lazy import linear, pattern
from lwlint.files.tree import CONFIGURATION, read_bounded


class Pattern(Struct, frozen=True):
    """One pattern: what it says of a path that `regex` matches whole, and whether it speaks of folders only."""

    covers: bool
    folders_only: bool
    regex: Union[re.Pattern[str], _Linear]


class _Linear:
    """An expression with so many stars that one which goes back and tries again could take for ever: RE2 runs it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def fullmatch(self, path: str) -> bool:
        """Return whether all of the path is what the expression says."""
        return linear(self.pattern.translate(_BYTES)).fullmatch(path.translate(_BYTES)) is not None


_BYTES = {0xDC00 + byte: 0x10FE00 + byte for byte in range(0x80, 0x100)}  # RE2 takes no bytes that are no text: they stand for themselves


@functools.lru_cache(maxsize=256)
def patterns(*lines: str) -> tuple[Pattern, ...]:
    """Return the patterns in the lines; blank lines and comments are none."""
    return tuple(one for line in lines if (one := _pattern(line)) is not None)


def verdict(known: tuple[Pattern, ...], path: str, *, folder: bool) -> bool | None:
    """Return whether the patterns cover exactly this path (not: a folder of it); None where none speaks of it."""
    for one in reversed(known):
        if (folder or not one.folders_only) and one.regex.fullmatch(path):
            return one.covers
    return None


def covers(lines: tuple[str, ...], path: str) -> bool:
    """Return whether the patterns cover the file at `path`, which counts from where the patterns are."""
    known = patterns(*lines)
    parts = path.split("/")
    return any(verdict(known, "/".join(parts[:end]), folder=end < len(parts)) for end in range(1, len(parts) + 1))


def useless(line: str) -> str:
    """Return why the line matches no path at all, in words; empty if it may match one."""
    found = _pattern(line)
    if found is None:
        return "is a comment to git, and matches nothing; write `\\#`" if line.startswith("#") else "is empty, and matches nothing"
    steps = line.removeprefix("!").rstrip("/").split("/")
    if "." in steps or ".." in steps:
        return "matches nothing: a pattern counts from the folder of its file, without `.` and `..`"
    return "matches nothing: no character fits its `[`" if found.regex.pattern == _NOTHING else ""


def _pattern(line: str) -> Pattern | None:
    line = _without_blanks(line.rstrip("\r\n"))
    if not line or line.startswith("#"):
        return None
    covers = not line.startswith("!")
    line = line if covers else line[1:]
    folders_only = line.endswith("/")
    line = line[:-1] if folders_only else line
    if not line:
        return None
    if "/" not in line:
        return Pattern(covers, folders_only, _compile("(?:.*/)?", line))
    line = line.removeprefix("/")
    plain = _PLAIN.match(line)
    assert plain is not None
    rest = line[plain.end() :]  # to git it is a pattern of its own behind what has no wildcard: `a**/c` is `a` and `**/c`
    return Pattern(covers, folders_only, _compile(re.escape(plain[0]), rest))


def _without_blanks(line: str) -> str:
    """Return the line without the blanks at its end, but for one that a backslash keeps."""
    body = line.rstrip(" \t")
    backslashes = len(body) - len(body.rstrip("\\"))
    return line[: len(body) + backslashes % 2]


_NOTHING = r"[^\s\S]"
_SLASH = r"[^\S\s]"  # a class of nothing but the slash, which none fits
_MOST_STARS = 2  # and one of several folders: going back over them takes little time
_LONGEST_PATH = 4096  # characters, as Linux has it: a pattern that asks for more matches nothing


def _compile(before: str, line: str) -> Union[re.Pattern[str], _Linear]:
    """Return what matches whole the paths that begin as the expression `before` says, and go on as a pattern does."""
    parts, stars, deep, fixed = [before], 0, int(before.startswith("(?:.*")), 0
    for name, part in _regex(line):
        if part == _NOTHING or fixed > _LONGEST_PATH:
            return re.compile(_NOTHING)
        parts.append(part)
        stars += name == "stars"
        deep += name in ("lead", "deep")  # one at the end takes all there is
        fixed += name not in ("lead", "deep", "whole", "stars")
    text = "".join(parts)
    return re.compile(text, re.DOTALL) if stars <= _MOST_STARS and deep <= 1 else _Linear(text)


_PLAIN = pattern(r"[^*?\[\\]*")
_PARTS = pattern(
    r"(?P<lead>(?:^|(?<=/))(?:\*\*+/)+)|(?P<whole>(?:^|(?<=/))\*\*+$)|(?P<deep>(?:^|(?<=/))\*\*+(?=\\/))|(?P<stars>\*+)|(?P<any>\?)"
    r"|(?P<class>\[(?:[!^]|(?![!^]))(?:\\.|\[:\w+:\]|[^\\])(?:\\.|\[:\w+:\]|[^\]\\])*\])|(?P<open>\[)|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)
_REGEX = {  # of `**`, a slash behind it goes with it unless it is escaped
    "lead": "(?:.*/)?", "whole": ".*", "deep": ".*", "stars": "[^/]*", "any": "[^/]",
}  # fmt: skip


def _regex(line: str) -> Iterator[tuple[str, str]]:
    """Yield what the parts of a pattern are, and their expressions: `_NOTHING` for one that fits no character."""
    for match in _PARTS.finditer(line):
        name = match.lastgroup or ""
        if name == "class":
            yield name, _class(match.group())
        elif name == "open":  # a class that does not end matches nothing
            yield name, _NOTHING
        else:
            yield name, _REGEX.get(name) or re.escape(match[name])


_CLASSES = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s"}


_ITEM = pattern(r"\[:(?P<name>\w+):\]|(?P<low>\\.|[^\\])-(?P<high>\\.|[^\\])|(?P<one>\\.|.)", re.DOTALL)


def _class(text: str) -> str:
    """Return a class, `[a-z]`, as a regular expression; a range that goes down holds its first character, as git has it."""
    negated = text[1] in "!^"
    items: list[str] = []
    told = False
    for match in _ITEM.finditer(text[2 if negated else 1 : -1]):
        told = True
        low, high = (match["low"] or match["one"] or "")[-1:], (match["high"] or match["one"] or "")[-1:]
        if match["name"]:
            if match["name"] not in _CLASSES:
                return _NOTHING
            items.append(_CLASSES[match["name"]])
        else:
            items += _range(low, high) if low <= high else _range(low, low)
    if negated:
        return f"[^/{''.join(items)}]"
    return f"[{''.join(items)}]" if items else _SLASH if told else _NOTHING


def _range(low: str, high: str) -> Iterator[str]:
    """Yield a range of a class, without the slash: none fits one."""
    for first, last in ((low, min(high, ".")), (max(low, "0"), high)) if low <= "/" <= high else ((low, high),):
        if first <= last:
            yield re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"


class Ignored:
    """The answers of one run. It reads `.gitignore` files as it meets their folders, each once."""

    def __init__(self, may_hold: Callable[[str], bool] = lambda path: True) -> None:
        """`may_hold` tells whether a file at a path is worth asking git for."""
        self._may_hold = may_hold
        self._tracked: dict[str, frozenset[str]] = {}
        self._here = os.getcwd().replace(os.sep, "/")
        self._roots: dict[str, str | None] = {}
        self._lines: dict[str, tuple[str, ...]] = {}
        self._answers: dict[tuple[str, str, bool], str] = {}

    def refusal(self, path: str, given: str | None) -> str | None:
        """Return why the file is left out, as `by` has it; None if it is taken.

        One that was named itself (`given` is None) is, and one that git knows all the same: a `.gitignore` is for others only.
        """
        found = self.by(path, given) if given is not None else ""
        if not found or (given is not None and self._may_hold(path) and self._is_tracked(path, given)):
            return None
        return f"ignored by git ({found})"

    def _is_tracked(self, path: str, given: str) -> bool:
        root = self._roots[given]
        if root is None:
            return False
        if root not in self._tracked:
            from lwlint.files import git

            self._tracked[root] = git.list_tracked(root or "/")
        return self._absolute(path)[len(root) :].strip("/") in self._tracked[root]

    def by(self, path: str, given: str) -> str:
        """Return the `.gitignore` that ignores the file at `path` or one of its folders below `given`; empty if none does.

        `given` is the folder that the user named, which is read though git ignores it. The answer counts from the top of the checkout.
        """
        if given not in self._roots:
            self._roots[given] = _checkout(self._absolute(given))
        root = self._roots[given]
        if root is None:
            return ""
        first, parts = (self._absolute(each)[len(root) :].strip("/") for each in (given, path))
        steps = parts.split("/")
        for end in range(len(first.split("/")) + 1 if first else 1, len(steps) + 1):
            found = self._answer(root, "/".join(steps[:end]), folder=end < len(steps))
            if found:
                return found
        return ""

    def _absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._here, path.replace(os.sep, "/")))

    def _answer(self, root: str, path: str, *, folder: bool) -> str:
        """Return the `.gitignore` that ignores exactly this path; the deepest one that speaks of it counts."""
        key = (root, path, folder)
        if key not in self._answers:
            self._answers[key] = ""
            above = path
            while above:
                above = posixpath.dirname(above)
                said = verdict(patterns(*self._read(posixpath.join(root, above))), path[len(above) :].lstrip("/"), folder=folder)
                if said is not None:
                    self._answers[key] = posixpath.join(above, ".gitignore") if said else ""
                    break
        return self._answers[key]

    def _read(self, folder: str) -> tuple[str, ...]:
        if folder not in self._lines:
            path = posixpath.join(folder, ".gitignore")
            try:  # git takes none that is a link
                data = b"" if os.path.islink(path) else read_bounded(path, CONFIGURATION)
                self._lines[folder] = tuple(data.decode("utf-8", "surrogateescape").splitlines())
            except OSError:
                self._lines[folder] = ()
        return self._lines[folder]


def _checkout(folder: str) -> str | None:
    """Return the top of git's work tree around the folder, without a final `/`; None if there is none."""
    while not os.path.lexists(folder + "/.git"):
        above = posixpath.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder.rstrip("/")
