"""Sources as they may be shown: by their structure, which tells what scalar is a secret, and then by the look of each line.

The structure is that of the readers: the value of an option with the lines that it goes on in, a scalar, list or mapping of YAML below
the key that holds a secret, the default of a parameter that is hidden, the attribute of a CIB. What no reader takes (a broken file) is left
to the lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from lwlint.core.lazy import pattern
from lwlint.core.secret import Known, find_hidden, mask_lines, mask_secrets
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS

_PLAIN_WORD = pattern(r"[a-z_.-]{1,11}|[A-Z]?[a-z]{1,9}|true|false|\d{1,5}")

_SHOWN, _HIDES, _LINES = "_shown", "_hides", "_lines_shown"
_SHORT = 16_384  # characters of a source that is kept for the next run in the same process
_MANY = 8  # sources whose secrets are looked for one source after the other


class Redaction:
    """What may be shown of the sources of one run. Each is taken apart when it is first asked for, and once."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._names: frozenset[str] | None = None
        self._known: dict[str, frozenset[str]] = {}
        self._hiders: dict[str, Known] = {}

    def text(self, source: Source) -> str:
        """Return the text of a source with every secret as asterisks, and every character that stays in its place."""
        kept: tuple[frozenset[str], str] | None = source.__dict__.get(_SHOWN)  # as `line_starts` is: once, whoever asks
        if kept is None or kept[0] != self.find_hidden_names():
            show = _show_again if len(source.text) <= _SHORT else _show
            kept = source.__dict__[_SHOWN] = self.find_hidden_names(), show(source, self.find_hidden_names())
        return kept[1]

    def line(self, source: Source, number: int) -> str:
        """Return line `number` (from 1) of a source as it may be shown, without its line break."""
        names, lines = source.__dict__.get(_LINES, (None, {}))
        if number in lines and names == self.find_hidden_names():
            known: str = lines[number]
            return known
        starts = source.line_starts()
        end = starts[number] if number < len(starts) else len(source.text)
        return self.text(source)[starts[number - 1] : end].rstrip("\r\n").lstrip("\ufeff" if number == 1 else "")

    def message(self, text: str, paths: Iterable[str] = ()) -> str:
        """Return a message without secrets, those too that only the sources at `paths` tell to be ones."""
        return self.hider(paths)(text)

    def hider(self, paths: Iterable[str]) -> Callable[[str], str]:
        """Return what `message` does to each of several messages on the same sources, which are looked at once."""
        telling = [path for path in dict.fromkeys(paths) if self.find_known(path)]
        if len(telling) > _MANY:
            hiders = [Known(secret for path in telling for secret in self.find_known(path))]
        else:
            for path in telling:
                if path not in self._hiders:
                    self._hiders[path] = Known(self.find_known(path))
            hiders = [self._hiders[path] for path in telling]

        def hide(text: str) -> str:
            for each in hiders:
                text = each.hide(text)
            return mask_secrets(text)

        return hide

    def find_known(self, path: str) -> frozenset[str]:
        """Return the secrets in the source at a path, but for words that stand for other things as well (`guest`, `nova`)."""
        if path not in self._known:
            source = self._sources.get(path)
            found = find_hidden(source.text, self.text(source)) if source is not None and source.text else set()
            self._known[path] = frozenset(one for one in found if not _PLAIN_WORD.fullmatch(one))
        return self._known[path]

    def is_hidden(self, span: Span) -> bool:
        """Return whether a secret, or a part of one, stands at the place."""
        source = self._sources.get(span.path)
        return source is not None and self.text(source)[span.start : span.end] != source.text[span.start : span.end]

    def find_hidden_names(self) -> frozenset[str]:
        """Return the parameters that a template of the run says are hidden."""
        if self._names is None:
            self._names = frozenset(name for source in self._sources.values() for name in _hides(source))
        return self._names


def remember_lines(sources: Mapping[str, Source], names: frozenset[str], lines: Iterable[tuple[str, int, str]]) -> None:
    """Take over lines (path, number from 1, text) that an earlier run of equal sources showed, while these `names` were hidden."""
    for path, number, text in lines:
        if path in sources:
            sources[path].__dict__.setdefault(_LINES, (names, {}))[1][number] = text


def _hides(source: Source) -> frozenset[str]:
    """Return the parameters that a source says are hidden."""
    kept: frozenset[str] | None = source.__dict__.get(_HIDES)
    if kept is None:
        kind = KINDS.get(source.kind)
        can = kind is not None and kind.hidden_names is not None and "hidden:" in source.text
        told = kind.hidden_names(source.text) if can and kind is not None and kind.hidden_names is not None else ()
        kept = source.__dict__[_HIDES] = frozenset(told)
    return kept


def _show(source: Source, names: frozenset[str]) -> str:
    kind = KINDS.get(source.kind)
    spans = sorted({(start, end) for start, end in kind.secrets(source, names) if start < end}) if kind is not None else []
    also = (*kind.secret_names, *(names if kind.hidden_names is not None else ())) if kind is not None else ()
    shown = mask_lines(source.text, also, broken=kind.has_no_structure(source) if kind is not None else True)
    pieces, at = [], 0
    for start, end in spans:
        start = max(start, at)
        if start < end:
            pieces += [shown[at:start], re.sub(r"[^\s]", "*", source.text[start:end])]
            at = end
    return "".join((*pieces, shown[at:])) if pieces else shown


@lru_cache(maxsize=256)  # a change is judged by two runs, in which most sources are the same
def _show_again(source: Source, names: frozenset[str]) -> str:
    return _show(source, names)
