"""Command lines for a POSIX shell."""

from __future__ import annotations

from lwlint.core.lazy import pattern

_PLAIN = pattern(r"[A-Za-z0-9_@%+=:,./-]+")


def quoted(word: str) -> str:
    """Return `word` so that a POSIX shell reads it as one word that means itself; it never holds a line break."""
    word = "".join(c if c.isprintable() else "?" for c in word)
    if _PLAIN.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def command(*words: str) -> str:
    """Return a command line of words, each quoted where it needs it."""
    return " ".join(word if word.startswith("--") and _PLAIN.fullmatch(word) else quoted(word) for word in words)
