"""The values of systemd settings, as systemd's own parsers take them: time spans, booleans, numbers, words.

Each function returns None for a value that systemd refuses. Sources: systemd.time(7), systemd.syntax(7), systemd.service(5), and
systemd 252 itself in test mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

INFINITY = 2**64 - 1  # microseconds; systemd's own word for "never"
_SECOND = 1_000_000
_UNITS = {
    "seconds": _SECOND, "second": _SECOND, "sec": _SECOND, "s": _SECOND,
    "minutes": 60 * _SECOND, "minute": 60 * _SECOND, "min": 60 * _SECOND,
    "months": 2629800 * _SECOND, "month": 2629800 * _SECOND, "M": 2629800 * _SECOND,
    "msec": 1000, "ms": 1000, "m": 60 * _SECOND,
    "hours": 3600 * _SECOND, "hour": 3600 * _SECOND, "hr": 3600 * _SECOND, "h": 3600 * _SECOND,
    "days": 86400 * _SECOND, "day": 86400 * _SECOND, "d": 86400 * _SECOND,
    "weeks": 604800 * _SECOND, "week": 604800 * _SECOND, "w": 604800 * _SECOND,
    "years": 31557600 * _SECOND, "year": 31557600 * _SECOND, "y": 31557600 * _SECOND,
    "usec": 1, "us": 1, "µs": 1,
}  # fmt: skip
_PART = re.compile(r"\s*\+?(?P<whole>\d*)(?P<fraction>\.\d*)?(?P<unit>[ \t\n\r]*(?:" + "|".join(_UNITS) + r"))?", re.ASCII)
_BLANK = " \t\n\r"


def time_span(text: str) -> int | None:
    """Return a time span in microseconds (`INFINITY` for `infinity`); a bare number is seconds."""
    text = text.strip(_BLANK)
    if text == "infinity":
        return INFINITY
    total, at = 0, 0
    while at < len(text):
        match = _PART.match(text, at)
        if not match or match.end() == at or (match["fraction"] == "." or not (match["whole"] or match["fraction"])):
            return None
        unit = _UNITS[match["unit"].strip(_BLANK)] if match["unit"] else _SECOND
        if not match["unit"] and match.end() < len(text) and text[match.end()] not in _BLANK:
            return None
        total += int(match["whole"] or 0) * unit + _fraction(match["fraction"], unit)
        if total >= INFINITY:
            return None
        at = match.end()
        at += len(text[at:]) - len(text[at:].lstrip(_BLANK))
    return total if text else None


def _fraction(digits: str | None, unit: int) -> int:
    total = 0
    for digit in (digits or ".")[1:]:
        unit //= 10
        total += int(digit) * unit
    return total


def timeout(text: str) -> int | None:
    """Return a time span as timeouts take it: 0 means never."""
    span = time_span(text)
    return INFINITY if span == 0 else span


def boolean(text: str) -> bool | None:
    """Return what a boolean says."""
    word = text.lower()
    if word in ("1", "yes", "y", "true", "t", "on"):
        return True
    return False if word in ("0", "no", "n", "false", "f", "off") else None


def unsigned(text: str) -> int | None:
    """Return a number from 0 to 2^32-1, decimal, `0x` hexadecimal, `0o` or `0` octal, `0b` binary."""
    text = text.lstrip(_BLANK)
    match = re.fullmatch(r"([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0o[0-7]+|0[0-7]*|[1-9][0-9]*)", text)
    if not match:
        return None
    sign, digits = match.groups()
    if sign and digits[:2].lower() in ("0b", "0o"):
        return None
    if re.fullmatch(r"0[0-7]+", digits):
        digits = "0o" + digits[1:]
    value = int(digits, 0)
    return None if value >= 2**32 or (sign == "-" and value) else value


_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'", "s": " "}
_ESCAPE = re.compile(r"[abfnrtv\\\"'s]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}")


def first_word(text: str, at: int, *, unquote: bool = True) -> tuple[str, int] | None:
    """Return the first word of `text` from `at` on and the offset behind it and its blanks; None if a quote stays open.

    At the end of the text the word is empty and the offset -1. With `unquote`, quotes are taken off and C escapes are
    read, an unknown escape stays as it is; without, a backslash only makes the next character plain.
    """
    while at < len(text) and text[at] in _BLANK:
        at += 1
    if at >= len(text):
        return "", -1
    word, quote = [], ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            match = _ESCAPE.match(text, at + 1) if unquote else None
            if match and (unescaped := _unescaped(match[0])) is not None:
                word.append(unescaped)
                at = match.end()
                continue
            if at + 1 >= len(text) and (quote or not unquote):
                return None
            word.append(text[at : at + 2] if unquote else text[at + 1 : at + 2])
            at += 2
            continue
        if quote and char == quote:
            quote = ""
        elif not quote and unquote and char in "\"'":
            quote = char
        elif not quote and char in _BLANK:
            break
        else:
            word.append(char)
        at += 1
    if quote:
        return None
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return "".join(word), at


def _unescaped(escape: str) -> str | None:
    if escape in _ESCAPES:
        return _ESCAPES[escape]
    code = int(escape, 8) if escape.isdigit() else int(escape[1:], 16)
    if not code or code > (255 if escape.isdigit() else 0x10FFFF) or 0xD800 <= code < 0xE000:
        return None
    return chr(code)


def words(text: str, *, unquote: bool = False) -> Iterator[str | None]:
    """Yield the words of a list; None, and no more, where a quote stays open."""
    at = 0
    while at >= 0:
        found = first_word(text, at, unquote=unquote)
        if found is None:
            yield None
            return
        word, at = found
        if at >= 0:
            yield word


_SIGNALS = """
    HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF
    WINCH IO PWR SYS
"""
_EXIT_NAMES = """
    SUCCESS FAILURE INVALIDARGUMENT NOTIMPLEMENTED NOPERMISSION NOTINSTALLED NOTCONFIGURED NOTRUNNING USAGE DATAERR NOINPUT NOUSER NOHOST
    UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR TEMPFAIL PROTOCOL NOPERM CONFIG CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST
    SIGNAL_MASK STDIN STDOUT CHROOT IOPRIO TIMERSLACK SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID CONFIRM
    STDERR PAM NETWORK NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR ADDRESS_FAMILIES RUNTIME_DIRECTORY CHOWN
    SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF EXCEPTION
"""


def exit_status(word: str) -> str | None:
    """Return an exit status or a signal by its number or its name without `SIG`, as `systemctl show` prints it."""
    if word in _EXIT_NAMES.split():
        return word
    number = unsigned(word)
    if number is not None:
        return str(number) if number <= 255 else None
    name = word[3:] if word.startswith("SIG") else word
    real_time = re.fullmatch(r"RTMIN(\+\d+)?|RTMAX(-\d+)?", name)
    return name if name in _SIGNALS.split() or real_time else None
