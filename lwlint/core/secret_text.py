"""Secrets in texts of several lines: those that only the lines around tell, and those that are known and stand anywhere else too."""

from __future__ import annotations

import functools
import itertools
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator

from lwlint.core.lazy import pattern
from lwlint.core.secret import BLOB, FEW, KEPT, LEAST, LIMIT, NOTHING, is_long_word, is_secret, masked, names_any, starred, stars
from lwlint.core.secret_signs import places

_DESCRIBING = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")
_PEM = pattern(r"-----BEGIN [A-Z0-9 ]{0,40}-----")
_PEM_END = pattern(r"-----END ")
_NO_WORD = dict.fromkeys(map(ord, ":='\"{}[],<>"), " ")  # what stands between words that may be names, as in `secret._NAME_WORD`
_LEADING = " \t\ufeff\xa0" + "".join(map(chr, (*range(9), 11, 12, *range(14, 32))))
_LINES = pattern(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$")


def concealed(value: str) -> str:
    """Return the value of a key that holds a secret as asterisks, but for a number, a truth, a reference, and what an address needs."""
    if value.lower() in NOTHING or re.fullmatch(r"[+-]?\d{1,5}|\s*", value):
        return value
    hidden = masked_value(value)
    return hidden if hidden != value and "://" in value else stars(value)


def masked_lines(text: str, also: Collection[str] = (), *, broken: bool = False) -> str:
    """Return a text of several lines with every secret as asterisks, also where only the lines around tell that there is one.

    These are further lines of an option, a block scalar, a list below its key, a command, an element, or a key in PEM. A line break
    stays what and where it is. `also` are names that hold a secret in this text, though not everywhere. Of YAML that is
    `broken`, so that no reader tells more, all below such a name is hidden, but for what tells something about it.
    """
    also = _named(text, also)
    lines = _lines(text)
    return "".join(_masked_lines(lines, _suspects(lines, text, also), also, broken=broken))


def _lines(text: str) -> list[str]:
    """Return the lines of a text with their breaks, which are `\\n`, `\\r\\n` and `\\r`; `splitlines` knows more of them."""
    if text.isascii() and not any(other in text for other in "\x0b\x0c\x1c\x1d\x1e"):
        return text.splitlines(keepends=True)
    return _LINES.findall(text)


def _named(text: str, names: Collection[str]) -> frozenset[str]:
    """Return those of the names that stand in a text, none if each of them holds a secret anywhere. Of many the words are looked for."""
    odd = _odd(frozenset(names))
    if len(odd) <= FEW and not any(name in text for name in odd):
        return frozenset()
    if len(names) > FEW:
        return frozenset(text.translate(_NO_WORD).split()).intersection(names)
    return frozenset(name for name in names if name and name in text)


@functools.lru_cache(maxsize=8)
def _odd(names: frozenset[str]) -> tuple[str, ...]:
    """Return those of the names that hold no secret elsewhere."""
    return tuple(name for name in names if name and not is_secret(name))


def _suspects(lines: list[str], text: str, names: frozenset[str]) -> set[int]:
    """Return the lines that may hold a secret, or begin something that does; each of the others says nothing by itself.

    `text` is that of the lines, and `names` are names that hold a secret in it.
    """
    starts = [0, *itertools.accumulate(map(len, lines))]
    found = {bisect_right(starts, at) - 1 for at in places(text)}
    found.update(number for number, line in enumerate(lines) if is_long_word(line) and BLOB.match(line))
    if not text.isascii():
        found.update(number for number, line in enumerate(lines) if not line.isascii())
    odd = _odd(names)
    if len(odd) > FEW:
        many = frozenset(odd)
        found.update(number for number, line in enumerate(lines) if names_any(line, many))
    for name in odd if len(odd) <= FEW else ():
        at = text.find(name)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            found.add(number)
            at = text.find(name, starts[number + 1])
    return found


def _masked_lines(lines: list[str], suspects: Collection[int], also: Collection[str], *, broken: bool) -> Iterator[str]:
    """Yield the lines in logical ones: each is masked by itself, and as the part of what it goes on with that it is."""
    opened: tuple[int, bool, bool] | None = None  # indentation of the key that holds a secret, whether `=` follows it, whether a value does
    pem = False
    group: list[tuple[str, str]] = []  # a line, and what of it belongs to the logical one
    for number, line in enumerate(lines):
        if number not in suspects and opened is None and not pem and not group:
            yield line
            continue
        text = line.rstrip("\r\n")
        if pem or "-----BEGIN" in text:
            yield from _joined(group, also)
            group = []
            hidden, pem = _pem(text, pem)
            yield masked(hidden, also) + line[len(text) :]
            continue
        stripped = text.lstrip(_LEADING)
        indent = len(text) - len(stripped)
        if not stripped or stripped[0] in "#;":
            if group and not group[-1][1].endswith(" "):
                yield from _joined(group, also)
                group = []
            if group:
                group.append((line, ""))
            else:
                yield masked(text, also) + line[len(text) :]
            continue
        if not group and opened is not None and _is_below(opened, indent, stripped):
            yield text[:indent] + "*" * len(stripped.rstrip()) + text[len(text.rstrip()) :] + line[len(text) :]
            continue
        outdented = 0 < indent <= (opened[0] if opened is not None else 0) and _colon(stripped.removeprefix("- ")) < 0
        if broken and not group and opened is not None and (indent > opened[0] or outdented):
            hidden = _deep(stripped)
            yield text[:indent] + hidden + line[len(text) :]
            continue
        if not group:
            opened = _opened(text, indent, also) or (opened if opened is not None and indent > opened[0] else None)
            if opened is None and text.rstrip()[-1:] not in "\\,>=" and "<" not in text:
                yield masked(text, also) + line[len(text) :]
                continue
        end = text.rstrip()[-2:]
        goes_on = text.endswith("\\") or end == "=>" or _is_open(group, text)
        goes_on = goes_on or (end[-1:] in (",", "=") and ("@" in text or "://" in text or bool(group)))
        part = text[:-1] if text.endswith("\\") else text
        group.append((line, f"{part} " if goes_on and end[-1:] not in (",", "=") else part))
        if not goes_on:
            yield from _joined(group, also)
            group = []
    yield from _joined(group, also)


def _pem(text: str, pem: bool) -> tuple[str, bool]:
    """Return a line in or around a key in PEM without the key, and whether the key goes on behind it."""
    begin = None if pem else _PEM.search(text)
    start = 0 if pem else begin.end() if begin else len(text)
    end = _PEM_END.search(text, start)
    stop = end.start() if end else len(text)
    inside = re.sub(r"[^\s'\",\[\]\\]", "*", text[start:stop])
    return text[:start] + inside + text[stop:], (pem or begin is not None) and end is None


def _is_below(opened: tuple[int, bool, bool], indent: int, stripped: str) -> bool:
    """Return whether a line is part of the value of the secret's key above it."""
    above, equals, has_value = opened
    if indent > above:
        return equals or has_value or _colon(stripped.removeprefix("- ")) < 0
    return indent == above and not equals and not has_value and stripped.startswith("- ") and _colon(stripped[2:]) < 0


def _colon(text: str) -> int:
    """Return where the colon of a mapping's key is, -1 if there is none."""
    match = re.compile(r"[\w:.'\"/-]{1,200}?:(?=\s|$)").match(text)
    return match.end() - 1 if match else -1


def _deep(stripped: str) -> str:
    """Return an entry below the key that holds a secret, in YAML that is broken, without its value."""
    key = _colon(stripped.removeprefix("- "))
    at = key + (2 if stripped.startswith("- ") else 0) + 1
    name = stripped[:at].strip("- '\":")
    if name in KEPT or name in _DESCRIBING:
        return masked(stripped)
    return stripped[:at] + re.sub(r"[^\s\[\]{},]", "*", stripped[at:])


def _opened(text: str, indent: int, also: Collection[str]) -> tuple[int, bool, bool] | None:
    """Return what a key leaves open for the lines below it, if it holds a secret."""
    place = indent + (2 if text.startswith("- ", indent) else 0)
    head = re.compile(r"[\"']?([\w:./-]{1,200}?)[\"']?[ \t]{0,200}(=(?!>)|(?<!:):(?![:>]))").match(text, place)
    if head is None or not (is_secret(head[1]) or head[1] in also):
        return None
    value = text[head.end() :].strip()
    if value.startswith(("{", "[")) or (value and value[0] in "'\"" and value.endswith(value[0]) and len(value) > 1):
        return None
    return indent, head[2] == "=", bool(value)


def _is_open(group: list[tuple[str, str]], text: str) -> bool:
    """Return whether an element of XML that began in these lines has not ended."""
    if "<" not in text and not (group and group[-1][1].endswith(" ")):
        return False
    last = text.rfind("<")
    if last < 0:
        return ">" not in text and any("<" in part for _, part in group[:1])
    return text.find(">", last) < 0 and re.match(r"[A-Za-z_][\w.:-]*(?:\s|$)", text[last + 1 : last + LIMIT]) is not None


def _joined(group: list[tuple[str, str]], also: Collection[str]) -> Iterator[str]:
    """Yield the lines of a logical one with what it and they by themselves show to be secrets."""
    if len(group) == 1:
        line = group[0][0]
        text = line.rstrip("\r\n")
        yield masked(text, also) + line[len(text) :]
        return
    parts = [part if not number else part.lstrip(_LEADING) for number, (_, part) in enumerate(group)]
    whole, at = masked("".join(parts), also), 0
    for part, (line, uncut) in zip(parts, group):
        text = line.rstrip("\r\n")
        lead = len(uncut) - len(part)
        hidden = text[:lead] + whole[at : at + len(part)][: len(text) - lead]
        yield _only(hidden + text[len(hidden) :], masked(text, also)) + line[len(text) :]
        at += len(part)


def _only(one: str, other: str) -> str:
    """Return the text with what either of them masks."""
    return "".join("*" if "*" in (a, b) else b for a, b in zip(one, other)) if one != other else one


def masked_value(value: str) -> str:
    """Return a value, whose lines may be parts of one address, with every secret as asterisks."""
    if "\n" not in value:
        return masked(value)
    hidden = iter(masked(value.replace("\n", "")))
    return _only("".join(c if c == "\n" else next(hidden) for c in value), masked_lines(value))


def hidden_in(text: str, shown: str) -> set[str]:
    """Return the secrets of a text of which `shown` is what may be shown: each piece in one line that is masked, if it has some length."""
    found = set()
    if text != shown:
        for run in re.finditer(r"\*{4,}", shown):
            piece = text[run.start() : run.end()].strip()
            if piece.strip("*"):
                found |= {piece, piece.lstrip("*&!'\""), piece.strip("*&!'\" ,")}
                if piece[0] in "&!" and " " in piece:  # an anchor or a tag, and the value behind it
                    anchor, _, value = piece.partition(" ")
                    found |= {anchor.lstrip("&!"), value.strip("'\" ")}
    return {one for one in found if len(one) >= LEAST}


def secrets(text: str) -> set[str]:
    """Return the secrets in a text, those of some length, to be found again where nothing tells them to be ones."""
    return hidden_in(text, masked_lines(text))


class Known:
    """Secrets that are known, to be found again wherever they stand, in time that does not grow with their number."""

    def __init__(self, known: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for one in sorted(set(known), key=lambda secret: (-len(secret), secret)):
            if len(one) >= LEAST:
                self._by_start.setdefault(one[:LEAST], []).append(one)

    def hidden(self, text: str) -> str:
        """Return the text with each of the secrets as asterisks."""
        if not self._by_start:
            return text
        at, spans = 0, []
        while at <= len(text) - LEAST:
            one = next((one for one in self._by_start.get(text[at : at + LEAST], ()) if text.startswith(one, at)), "")
            if one:
                spans.append((at, at + len(one)))
            at += len(one) or 1
        return starred(text, spans)


def without(text: str, known: Iterable[str]) -> str:
    """Return `text` with each of the `known` secrets as asterisks, and masked as a text."""
    return masked_lines(Known(known).hidden(text))
