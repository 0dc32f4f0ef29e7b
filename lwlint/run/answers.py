"""Answers of earlier runs: what the rules said, kept by the hash of everything that it followed from.

That is every source that was found, what the run was asked, the rules with their parameters, lwlint itself and the libraries that
read for it. Files that were read as context are only known at the end; the entry tells which were looked for and what was there,
and holds no longer if that has changed. Where anything else could matter nothing is kept: rules of other packages, hosts, timing.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import MAGIC_NUMBER
from typing import Any, NamedTuple, Optional

from msgspec import DecodeError, Struct, msgpack

from lwlint.core.facts import Release
from lwlint.core.finding import Finding, Verdict
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source
from lwlint.files.cache import Cache, describe_files, digest_of, hasher
from lwlint.files.discover import Discovery
from lwlint.policy.redaction import Redaction, remember_lines
from lwlint.policy.rules import Rule, own_folder
from lwlint.run.engine import Answer

_KINDS = ("containers", "heat", "oslo", "pacemaker", "puppet", "systemd")
_FOLDERS = ("core", "files", "inputs", *(f"inputs/{kind}" for kind in _KINDS), "checks", "policy", "run")
_LIBRARIES = ("yaml", "lxml", "tree_sitter", "tree_sitter_puppet")
_RULE = ("id", "code", "severity", "clause", "remedy", "check", "params")


class Known(NamedTuple):
    """What is kept: the answer, and the release that was judged by."""

    answer: Answer
    release: Release


class _Looked(Struct, frozen=True, array_like=True):
    """A file that was looked for as context, as what kind, and the hash of what was there."""

    path: str
    judged: bool
    kind: Optional[str]
    then: Optional[bytes]


class _Kept(Struct, frozen=True, array_like=True):
    """What an entry of the cache holds."""

    release: Release
    context: list[_Looked]
    there: list[tuple[str, bool]]
    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    hidden: list[str]  # the parameters that a template says are hidden
    lines: list[tuple[str, int, str]]  # where each finding begins: path, number, and the line as it may be shown then


class Answers:
    """The one answer that a cache may hold for a run. Without a folder, and where something else could matter, it holds none."""

    def __init__(self, cache: Cache, asked: tuple[object, ...], rules: Sequence[Rule], discovery: Discovery) -> None:
        """`asked` is what the run was asked, besides the sources that `discovery` has found."""
        self._cache = cache
        self._discovery = discovery
        self._found = discovery.mark()
        certain = cache.folder is not None and all(rule.declared.module for rule in rules)
        self._name = f"answer-{_hash(asked, rules, discovery)}" if certain else ""

    def find(self) -> Known | None:
        """Return the answer that is kept. What it had read as context has been read then, as `discovery` tells."""
        data = self._cache.get(self._name) if self._name else None
        if data is None:
            return None
        try:
            kept = msgpack.decode(data, type=_Kept)
            if self._replay(kept.context) and all(self._discovery.exists(path) == then for path, then in kept.there):
                remember_lines(self._discovery.found.sources, frozenset(kept.hidden), kept.lines)
                return Known(Answer(kept.findings, kept.verdicts, ()), kept.release)
        except DecodeError:
            pass  # damaged; it is written anew
        self._discovery.back(self._found)
        return None

    def keep(self, answer: Answer, release: Release) -> None:
        """Keep the answer, and what was read for it besides what had been found before."""
        if not self._name or answer.tracebacks or self._discovery.found.defects or any(_has_secret(found) for found in answer.findings):
            return
        found = self._discovery.found.sources
        context = [_Looked(path, judged, kind, _describe(found.get(path))) for path, judged, kind in self._discovery.looked_for]
        there = list(self._discovery.asked_for.items())
        redaction = Redaction(found)
        hidden, lines = sorted(redaction.find_hidden_names()), list(_lines(answer.findings, found, redaction))
        with suppress(UnicodeEncodeError):  # a name that is no UTF-8
            self._cache.put(self._name, msgpack.encode(_Kept(release, context, there, answer.findings, answer.verdicts, hidden, lines)))

    def _replay(self, context: Sequence[_Looked]) -> bool:
        """Look for what was looked for, and return whether all of that is as it was."""
        return all(_describe(self._discovery.load(one.path, judged=one.judged, kind=one.kind)) == one.then for one in context)


def _lines(findings: Sequence[Finding], sources: Mapping[str, Source], redaction: Redaction) -> Iterator[tuple[str, int, str]]:
    """Yield the lines that findings begin on, as they may be shown; each was taken apart for the finding's message."""
    begun = {(one.span.path, sources[one.span.path].position(one.span.start).line) for one in findings if one.span.path in sources}
    for path, number in sorted(begun):
        yield path, number, redaction.line(sources[path], number)


def _has_secret(found: Finding) -> bool:
    """Return whether a fix puts a secret somewhere: it must be true to be applied, and a cache keeps none."""
    texts = repr(found.fix.changes) if found.fix is not None else ""
    return mask_secrets(texts) != texts


def _hash(asked: tuple[object, ...], rules: Sequence[Rule], discovery: Discovery) -> str:
    here = os.path.dirname(os.path.dirname(__file__))
    made_by = describe_files([*(os.path.join(here, name) for name in _FOLDERS), own_folder()], _LIBRARIES)
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


def _describe(source: Source | None) -> bytes | None:
    """Return the hash of what tells one source from another."""
    if source is None:
        return None
    whole = hasher()
    _add(whole, source)
    digest: bytes = whole.digest()
    return digest


def _add(whole: Any, source: Source) -> None:
    told = (source.path, source.kind, source.host, source.root, source.judged, digest_of(source))
    whole.update(repr(told).encode("utf-8", "surrogatepass"))
