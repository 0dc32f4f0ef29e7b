"""Answers of earlier runs: what the rules said, kept by the hash of everything that it followed from.

That is every source that was found, what the run was asked, the rules with their parameters, lwlint itself and the libraries that
read for it. Files that were read as context are only known at the end; the entry tells which were looked for and what was there,
and holds no longer if that has changed. Where anything else could matter nothing is kept: rules of other packages, hosts, timing.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Sequence
from importlib.util import MAGIC_NUMBER
from typing import Any

from lwlint import checks
from lwlint.core import finding
from lwlint.core.facts import Release
from lwlint.core.named import NamedTuple
from lwlint.core.record import is_dataclass
from lwlint.core.source import Source, Span
from lwlint.files.cache import Cache, described, hasher
from lwlint.files.discover import Discovery
from lwlint.policy.rules import Rule, own_folder
from lwlint.run.engine import Answer

_MARSHAL = 2  # as old as Python 3: every version reads it
_FOLDERS = ("", "assemble", "checks", "facts", "parse")
_LIBRARIES = ("yaml", "lxml", "tree_sitter", "tree_sitter_puppet")
_RULE = ("id", "code", "severity", "clause", "remedy", "check", "params")
_RECORDS = {cls.__name__: cls for cls in vars(finding).values() if is_dataclass(cls)}


class Known(NamedTuple):
    """What is kept: the answer, and the release that was judged by."""

    answer: Answer
    release: Release


class Answers:
    """The one answer that a cache may hold for a run. Without a folder, and where something else could matter, it holds none."""

    def __init__(self, cache: Cache, asked: tuple[object, ...], rules: Sequence[Rule], discovery: Discovery) -> None:
        """`asked` is what the run was asked, besides the sources that `discovery` has found."""
        self._cache = cache
        self._discovery = discovery
        self._found = discovery.mark()
        certain = cache.folder is not None and all(rule.check in checks.MODULES for rule in rules)
        self._name = f"answer-{_hash(asked, rules, discovery)}" if certain else ""

    def find(self) -> Known | None:
        """Return the answer that is kept. What it had read as context has been read then, as `discovery` tells."""
        data = self._cache.get(self._name) if self._name else None
        if data is None:
            return None
        try:
            release, context, (findings, verdicts) = marshal.loads(data)
            if self._replay(context):
                return Known(Answer(_record(findings), _record(verdicts), ()), Release(*release))
        except (ValueError, EOFError, TypeError, KeyError):
            pass  # by another version of Python; it is written anew
        self._discovery.back(self._found)
        return None

    def keep(self, answer: Answer, release: Release) -> None:
        """Keep the answer, and what was read for it besides what had been found before."""
        if not self._name or answer.tracebacks:
            return
        found = self._discovery.found.sources
        context = [(path, judged, kind, _described(found.get(path))) for path, judged, kind in self._discovery.looked_for]
        plain = (release.name, release.because), context, (_plain(answer.findings), _plain(answer.verdicts))
        self._cache.put(self._name, marshal.dumps(plain, _MARSHAL))

    def _replay(self, context: list[tuple[str, bool, str | None, Any]]) -> bool:
        """Look for what was looked for, and return whether all of that is as it was."""
        return all(_described(self._discovery.load(path, judged=judged, kind=kind)) == then for path, judged, kind, then in context)


def _hash(asked: tuple[object, ...], rules: Sequence[Rule], discovery: Discovery) -> str:
    here = os.path.dirname(__file__)
    made_by = described([*(os.path.join(here, name) for name in _FOLDERS), own_folder()], _LIBRARIES)
    policy = [tuple(getattr(rule, name) for name in _RULE) for rule in rules]
    found = discovery.found
    links = [(link.path, link.target, link.host, link.root) for link in found.links]
    unreadable = [(one.name, one.span, one.message, one.host, one.fatal) for one in found.unreadable]
    whole = hasher()
    whole.update(repr((MAGIC_NUMBER, made_by, policy, asked, links, unreadable)).encode("utf-8", "surrogatepass"))
    for source in found.sources.values():
        _add(whole, source)
    found_as: str = whole.hexdigest()
    return found_as


def _described(source: Source | None) -> Any:
    """Return what tells one source from another, as values that `marshal` takes."""
    if source is None:
        return None
    whole = hasher()
    _add(whole, source)
    return whole.digest()


def _add(whole: Any, source: Source) -> None:
    text = source.text.encode("utf-8", "surrogatepass")
    whole.update(repr((source.path, source.kind, source.host, source.root, source.judged, len(text))).encode("utf-8", "surrogatepass"))
    whole.update(text)


def _plain(value: Any) -> Any:
    """Return records as tuples that begin with their name, tuples as lists."""
    if isinstance(value, Span):
        return (Span.__name__, *value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if is_dataclass(type(value)):
        return (type(value).__name__, *(_plain(getattr(value, name)) for name in type(value).__match_args__))
    return value


def _record(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(_record(each) for each in plain)
    if not isinstance(plain, tuple):
        return plain
    name, *values = plain
    return Span(*values) if name == Span.__name__ else _RECORDS[name](*map(_record, values))
