"""What Pacemaker's RELAX NG schemas say of elements, read from the schemas themselves: names, places, attributes and what is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pytest

FOLDER = Path("/usr/share/pacemaker")
_RNG = "{http://relaxng.org/ns/structure/1.0}"
Sets = frozenset[frozenset[str]]
_NOTHING: Sets = frozenset([frozenset()])


class Grammar(NamedTuple):
    """A grammar: its definitions, with the file of each, what it starts with, and the grammar around it."""

    defines: dict[str, list[tuple[Any, Path]]]
    start: list[tuple[Any, Path]]
    around: Optional[Grammar]


class Found(NamedTuple):
    """What a pattern may have: attributes, and elements by name with where each is defined."""

    attributes: set[str]
    elements: dict[str, list[tuple[Any, Path, Any]]]


def installed() -> list[str]:
    """Return the versions of the schemas of the installed Pacemaker; skip the test without one."""
    found = [path.stem.partition("-")[2] for path in FOLDER.glob("pacemaker-[0-9]*.rng")]
    if not found:
        pytest.skip("Pacemaker is not installed")
    return sorted(found, key=lambda version: [int(part) for part in version.split(".")])


def smallest(sets: frozenset[frozenset[str]] | set[frozenset[str]]) -> Sets:
    return frozenset(one for one in sets if not any(other < one for other in sets))


class Schema:
    """One schema, as a table: element -> (its attributes, its elements, the smallest sets of what it needs)."""

    def __init__(self, version: str) -> None:
        self._roots: dict[Path, Any] = {}
        self._grammars: dict[tuple[int, int], Grammar] = {}
        self.table: dict[str, tuple[frozenset[str], frozenset[str], Sets]] = {}
        path = FOLDER / f"pacemaker-{version}.rng"
        grammar = self._grammar(self._root(path), path, None)
        top = Found(set(), {})
        for pattern, file in grammar.start:
            self._needs(pattern, file, grammar, top)
        self._fill(top)

    def _fill(self, top: Found) -> None:
        todo, done = list(top.elements.items()), set()
        while todo:
            name, defined = todo.pop()
            identity = (name, frozenset(id(element) for element, _, _ in defined))
            if identity in done:
                continue
            done.add(identity)
            found, needs = Found(set(), {}), set[frozenset[str]]()
            for element, file, grammar in defined:
                needs |= self._all(_children(element), file, grammar, found)
            attributes, elements, before = self.table.get(name, (frozenset(), frozenset(), frozenset()))
            self.table[name] = (attributes | found.attributes, elements | set(found.elements), smallest({*before, *needs}))
            todo += found.elements.items() if name != "status" else ()

    def _root(self, path: Path) -> Any:
        from lxml import etree

        if path not in self._roots:
            self._roots[path] = etree.parse(str(path)).getroot()
        return self._roots[path]

    def _grammar(self, element: Any, path: Path, around: Optional[Grammar]) -> Grammar:
        key = (id(element), id(around))
        if key not in self._grammars:
            self._grammars[key] = Grammar({}, [], around)
            self._collect(element, path, frozenset(), self._grammars[key])
        return self._grammars[key]

    def _collect(self, element: Any, path: Path, replaced: frozenset[str], into: Grammar) -> None:
        """Take in the definitions below an element; a `start` that is met first holds, as that of an include's own file comes later."""
        for child in _children(element):
            kind = child.tag.removeprefix(_RNG)
            if kind == "define" and child.get("name") not in replaced:
                into.defines.setdefault(child.get("name"), []).append((child, path))
            elif kind == "start" and not into.start:
                into.start.extend((pattern, path) for pattern in _children(child))
            elif kind == "include":
                self._collect(child, path, frozenset(), into)
                own = {one.get("name") for one in _children(child) if one.tag == f"{_RNG}define"}
                below = path.parent / child.get("href")
                self._collect(self._root(below), below, replaced | own, into)

    def _all(self, patterns: Iterator[Any], path: Path, grammar: Grammar, found: Found) -> Sets:
        result = _NOTHING
        for pattern in patterns:
            here = self._needs(pattern, path, grammar, found)
            result = smallest({one | other for one in result for other in here})
        return result

    def _needs(self, pattern: Any, path: Path, grammar: Grammar, found: Found) -> Sets:
        kind, name = pattern.tag.removeprefix(_RNG), (pattern.get("name") or "").strip()
        if kind in ("optional", "zeroOrMore"):
            self._all(_children(pattern), path, grammar, found)
            return _NOTHING
        if kind in ("group", "interleave", "oneOrMore", "mixed"):
            return self._all(_children(pattern), path, grammar, found)
        if kind == "choice":
            return smallest({one for child in _children(pattern) for one in self._needs(child, path, grammar, found)})
        if kind == "attribute":
            found.attributes.add(name or "*")
            return frozenset([frozenset([name] if name else [])])
        if kind == "element":
            found.elements.setdefault(name or "*", []).append((pattern, path, grammar))
            return frozenset([frozenset([f"<{name}>"] if name else [])])
        if kind in ("ref", "parentRef"):
            home = grammar.around if kind == "parentRef" and grammar.around is not None else grammar
            result = _NOTHING
            for define, file in home.defines[name]:
                here = self._all(_children(define), file, home, found)
                result = smallest({one | other for one in result for other in here})
            return result
        if kind in ("externalRef", "grammar"):
            path = path.parent / pattern.get("href") if kind == "externalRef" else path
            inner = self._grammar(pattern if kind == "grammar" else self._root(path), path, grammar if kind == "grammar" else None)
            result = _NOTHING
            for start, file in inner.start:
                here = self._needs(start, file, inner, found)
                result = smallest({one | other for one in result for other in here})
            return result
        return frozenset() if kind == "notAllowed" else _NOTHING


def _children(element: Any) -> Iterator[Any]:
    return (child for child in element if isinstance(child.tag, str))
