"""A unit file and its drop-ins -> the settings in force, with what each one beats, and the lines that do nothing.

The text is read by systemd's own grammar, that of systemd 252 (systemd.syntax(7), and what `systemd --test` does with the rest); it has
not changed since 219 but for `.include`, which went in 246. Sources of the rest: systemd.unit(5), systemd.service(5); systemd 252 in test
mode and booted.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

from msgspec import Struct, field

from lwlint.core.kind import Piece
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.systemd import values
from lwlint.inputs.systemd.facts import Setting
from lwlint.inputs.systemd.values import CHOICES, CONDITIONS, INSTALL_KEYS, RENAMED, SERVICE_KEYS, UNIT_KEYS

LONGEST_LINE = 1024 * 1024  # bytes; systemd refuses a file with a longer one, or a longer joined one
_BLANK = " \t\n\r"
_LINE = re.compile(r"([^\n\r\0]*)((?:\n\r?|\r\n?)\0?|\0|\Z)")
_WORD = re.compile(rf"[^{_BLANK}]+")
_UNSAFE = re.compile("[\x01-\x1f\x7f\"'\\\\]")
_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_NOT_UTF8 = re.compile(f"[\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")


class Assignment(Struct, frozen=True):
    """One `key=value`, in the section `section` (empty: before any section header).

    `words` are the words of a value that goes on over several lines, each where it stands; empty for any other value.
    """

    section: str
    key: Text
    value: Text
    words: tuple[Text, ...] = ()


class Stray(Struct, frozen=True):
    """A line that assigns nothing, and why; `section` is the one it stands in."""

    section: str
    text: Text
    because: str


class UnitText(Struct, frozen=True):
    """One unit file or drop-in as systemd reads it, before it knows what the keys mean.

    `lines` holds assignments and strays in file order. `stop` is where systemd gives up the file, with the reason:
    what stands above it counts, what stands below is never read.
    """

    path: str
    empty: bool
    sections: tuple[Text, ...] = ()
    lines: tuple[Assignment | Stray, ...] = ()
    stop: Stray | None = None


class _Logical(Struct, frozen=True):
    """A line with its continuations joined; its part at offset `at[i]` of `text` stands at `starts[i]` of the source."""

    text: str
    at: tuple[int, ...]
    starts: tuple[int, ...]
    too_long: bool = False

    def offset(self, index: int) -> int:
        """Return the offset in the source of the character at `index`."""
        part = bisect_right(self.at, index) - 1
        return self.starts[part] + index - self.at[part]

    def piece(self, source: Source, start: int, end: int) -> Text:
        """Return the characters from `start` to `end` of the joined line, without the blanks around them, as Text."""
        word = self.text[start:end]
        start += len(word) - len(word.lstrip(_BLANK))
        word = word.strip(_BLANK)
        first = self.offset(start)
        return Text(word, source.span(first, self.offset(start + len(word) - 1) + 1 if word else first))


def read(source: Source) -> UnitText:
    """Return the sections and assignments of `source`; never raises, whatever the text is."""
    section = ""
    sections: list[Text] = []
    lines: list[Assignment | Stray] = []
    for logical in _logical_lines(source.text):
        line = logical.piece(source, 0, len(logical.text))
        reason = _refusal(line.value, logical.too_long)
        if reason:
            return UnitText(source.path, not source.text, tuple(sections), tuple(lines), Stray(section, line, reason))
        if line.value.startswith("["):
            section = line.value[1:-1]
            sections.append(Text(section, line.span))
        elif line.value:
            lines.append(_assignment(source, logical, line, section))
    return UnitText(source.path, not source.text, tuple(sections), tuple(lines))


def _assignment(source: Source, logical: _Logical, line: Text, section: str) -> Assignment | Stray:
    equals = logical.text.find("=")
    if equals < 0:
        return Stray(section, line, "it has no `=`")
    key = logical.piece(source, 0, equals)
    if not key.value:
        return Stray(section, line, "it has no key in front of `=`")
    words = [logical.piece(source, *word.span()) for word in _WORD.finditer(logical.text, equals + 1)] if len(logical.starts) > 1 else ()
    return Assignment(section, key, logical.piece(source, equals + 1, len(logical.text)), tuple(words))


def _refusal(line: str, too_long: bool) -> str:
    """Return why systemd stops reading at this line, or an empty string."""
    if too_long:
        return "line is longer than 1 MiB"
    if _NOT_UTF8.search(line):
        return "line is not UTF-8"
    if line.startswith("["):
        if not line.endswith("]") or len(line) < 2:
            return f"section header `{line}` does not end in `]`"
        if _UNSAFE.search(line[1:-1]):
            return f"section header `{line}` has a character that is not allowed in one"
    return ""


def _physical_lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield each line with its offset; a NUL ends a line too, and `\\n\\r` is one line break."""
    bom_seen = False
    for match in _LINE.finditer(text):
        line, start = match.group(1), match.start()
        if start == len(text):
            return
        if not bom_seen and line.startswith("\ufeff"):
            bom_seen = True
            line, start = line[1:], start + 1
        yield line, start


def _logical_lines(text: str) -> Iterator[_Logical]:
    parts: list[str] = []
    starts: list[int] = []
    size = 0
    for line, start in _physical_lines(text):
        if line.lstrip(_BLANK)[:1] in ("#", ";") and text[start - 1 : start] != "\ufeff":
            continue
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        parts.append(line[:-1] + " " if continued else line)
        starts.append(start)
        length = len(line.encode("utf-8", "surrogateescape"))
        size += length
        if length >= LONGEST_LINE or size > LONGEST_LINE:
            yield _joined([parts[0][:80]], starts[:1], too_long=True)
            return
        if not continued:
            yield _joined(parts, starts)
            parts, starts, size = [], [], 0
    if parts:
        yield _joined(parts, starts)


def _joined(parts: list[str], starts: list[int], *, too_long: bool = False) -> _Logical:
    at = accumulate((len(part) for part in parts[:-1]), initial=0)
    return _Logical("".join(parts), tuple(at), tuple(starts), too_long)


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the assignments and the sections of a unit or drop-in."""
    settings = read(source)
    heads = [section.span.start for section in settings.sections]
    yield from ((line.key.span.start, line.value.span.end) for line in settings.lines if isinstance(line, Assignment))
    yield from zip(heads, [*heads[1:], len(source.text) + 1])


KEYS = {"Unit": UNIT_KEYS, "Service": SERVICE_KEYS, "Install": INSTALL_KEYS}
_DEPENDENCY_KEYS = """
    Requires Requisite Wants BindsTo PartOf Upholds Conflicts Before After OnFailure OnSuccess PropagatesReloadTo PropagatesStopTo
    ReloadPropagatedFrom StopPropagatedFrom JoinsNamespaceOf
"""
_SERVICE_LISTS = """
    Environment EnvironmentFile PassEnvironment UnsetEnvironment SupplementaryGroups ReadWritePaths ReadOnlyPaths InaccessiblePaths
    Sockets SystemCallFilter
"""
DEPENDENCIES = frozenset(f"Unit.{key}" for key in _DEPENDENCY_KEYS.split())
_STATUS_LISTS = frozenset(("Service.RestartPreventExitStatus", "Service.RestartForceExitStatus", "Service.SuccessExitStatus"))
_COMMANDS = frozenset(f"Service.Exec{key}" for key in ("Condition", "StartPre", "Start", "StartPost", "Reload", "Stop", "StopPost"))
_OTHER_LISTS = frozenset(
    (
        *(f"Unit.{key}" for key in (*CONDITIONS, "Documentation", "RequiresMountsFor")),
        *(f"Install.{key}" for key in ("Alias", "WantedBy", "RequiredBy", "UpheldBy", "Also")),
        *(f"Service.{key}" for key in _SERVICE_LISTS.split()),
    )
)
LISTS = DEPENDENCIES | _STATUS_LISTS | _COMMANDS | _OTHER_LISTS
_EMPTIED = ("Service.PIDFile", "Service.KillMode")  # an empty value takes these back; most others keep what they have


def _service_name(text: str) -> bool | None:
    parts = text.split(".")
    good = len(text) <= 255 and len(parts) > 1 and all(p and p.replace("_", "a").replace("-", "a").isalnum() and p.isascii() for p in parts)
    return True if good and not any(part[0].isdigit() for part in parts) else None


_CHECKED: dict[str, tuple[Callable[[str], object], str]] = {
    **{f"Service.{key}": (values.boolean, "a boolean") for key in ("RemainAfterExit", "GuessMainPID", "SendSIGKILL", "SendSIGHUP")},
    **{f"Unit.{key}": (values.boolean, "a boolean") for key in ("DefaultDependencies", "RefuseManualStart", "RefuseManualStop")},
    "Service.RestartSec": (values.time_span, "a time span"),
    "Unit.StartLimitIntervalSec": (values.time_span, "a time span"),
    "Unit.StartLimitBurst": (values.unsigned, "a whole number"),
    "Service.TimeoutStartSec": (values.timeout, "a time span"),
    "Service.TimeoutStopSec": (values.timeout, "a time span"),
    "Service.BusName": (_service_name, "a D-Bus name"),
}


class Ignored(Struct, frozen=True):
    """An assignment, or another line, that does nothing, and why."""

    name: str
    span: Span
    value: str
    because: str


class Settings(Struct):
    """The settings of one unit while its files are read in order; `read` adds one file."""

    unit: str
    settings: dict[str, Setting] = field(default_factory=dict)
    lists: dict[str, list[Setting]] = field(default_factory=dict)
    dropped: dict[str, list[Setting]] = field(default_factory=dict)
    _beaten: dict[str, list[Setting]] = field(default_factory=dict)
    programs: dict[str, list[tuple[str, Span]]] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)

    def read(self, text: UnitText) -> tuple[str, Span] | None:
        """Apply one file; return the reason and place if it makes systemd refuse the unit (`ExecStart=` of nothing runnable)."""
        kind = values.type_of(self.unit)
        own = {"service": "Service"}.get(kind, kind.capitalize())
        for line in text.lines:
            if line.section not in ("Unit", "Install", own):
                self._ignore_section(line, own)
            elif isinstance(line, Stray):
                self._drop(line.section, line.text, line.text.value, line.because)
            elif line.section in KEYS:
                fatal = self._assign(line)
                if fatal:
                    return fatal, line.value.span
        return None

    def _ignore_section(self, line: Assignment | Stray, own: str) -> None:
        if isinstance(line, Stray) or line.section.startswith("X-"):
            return
        if not line.section:
            self._drop("", line.key, line.value.value, "it comes before any section")
            return
        section = next((s for s in ("Unit", "Install", own) if s.lower() == line.section.strip().lower()), "")
        meant = f" (`[{section}]` is)" if section else ""
        self._drop(line.section, line.key, line.value.value, f"`[{line.section}]` is no section of a {values.type_of(self.unit)}{meant}")

    def _drop(self, section: str, key: Text, value: str, because: str) -> None:
        name = f"{section}.{key.value}" if section else key.value
        self.ignored.append(Ignored(name, key.span, value, because))

    def _assign(self, line: Assignment) -> str:
        known = KEYS[line.section]
        key = line.key.value
        if key not in known:
            if not key.startswith("X-"):
                self._drop(line.section, line.key, line.value.value, _unknown_key(line.section, key))
            return ""
        name = RENAMED.get(f"{line.section}.{key}", f"{line.section}.{key}")
        if name == "Service.TimeoutSec":
            return self._set("Service.TimeoutStartSec", line) or self._set("Service.TimeoutStopSec", line)
        if name in _COMMANDS:
            return self._add_command(name, line)
        if name in LISTS:
            self._add(name, line)
            return ""
        return self._set(name, line)

    def _set(self, name: str, line: Assignment) -> str:
        value = line.value.value
        because = ""
        if name in _EMPTIED and not value:
            self.settings.pop(name, None)
            self._beaten.pop(name, None)
            return ""
        if name in CHOICES:
            choices = CHOICES[name].split()
            because = "" if value in choices else f"it is none of {', '.join(f'`{choice}`' for choice in choices)}"
        elif name in _CHECKED:
            check, what = _CHECKED[name]
            because = "" if check(values.expand(value, self.unit)) is not None else f"it is not {what}"
        if because:
            self._drop(line.section, line.key, value, _bad_value(value, because))
            return ""
        if name in self.settings:
            self._beaten.setdefault(name, []).append(self.settings[name])
        self.settings[name] = Setting(value, line.value.span, line.key)
        return ""

    def _add_command(self, name: str, line: Assignment) -> str:
        if not line.value.value:
            self.programs.pop(name, None)
            self._add(name, line)
            return ""
        specifier = values.unknown_specifier(line.value.value)
        if specifier is not None and "-" not in values.marks_of(line.value.value):
            return f"`{line.key.value}={line.value.value}`: systemd knows no specifier `{specifier}` (a plain `%` is written `%%`)"
        if specifier is not None:
            self._drop(line.section, line.key, line.value.value, f"systemd knows no specifier `{specifier}` (a plain `%` is written `%%`)")
            return ""
        found = values.commands(values.expand(line.value.value, self.unit))
        self.programs.setdefault(name, []).extend((program, line.value.span) for program in found.programs)
        if found.programs:
            self._add(name, line)
        if found.ignored:
            self._drop(line.section, line.key, line.value.value, found.ignored)
        return f"`{line.key.value}={line.value.value}`: {found.fatal}" if found.fatal else ""

    def _add(self, name: str, line: Assignment) -> None:
        value = line.value.value
        entries = self.lists.setdefault(name, [])
        if not value:
            if name not in DEPENDENCIES:
                self.dropped.setdefault(name, []).extend(entries)
                entries.clear()
            elif entries:
                self._drop(line.section, line.key, "", "an empty value does not take a dependency away")
            return
        if name in _STATUS_LISTS:
            words = [word for word in values.words(value) if word]
            bad = [word for word in words if values.exit_status(word) is None]
            if bad:
                self._drop(line.section, line.key, value, f"`{bad[0]}` is neither an exit status nor a signal")
            value = " ".join(word for word in words if word not in bad)
        elif name in DEPENDENCIES:
            entries += self._units_named(line)
            return
        if value:
            entries.append(Setting(value, line.value.span, line.key))

    def _units_named(self, line: Assignment) -> Iterator[Setting]:
        """Yield an entry for each unit that a dependency names; systemd drops words that are no names (`mariadb`, or one in quotes)."""
        for part in line.words or (line.value,):
            exact = part.span.end - part.span.start == len(part.value)
            for match in _WORD.finditer(part.value):
                name = values.expand(match[0], self.unit)
                if "%" not in name and not values.is_unit(name):
                    whole = f"{name}.service"
                    meant = f" (`{whole}` is)" if values.is_unit(whole) else ""
                    self._drop(line.section, line.key, match[0], f"`{name}` is not the name of a unit{meant}")
                    continue
                start = part.span.start + match.start()
                yield Setting(name, part.span._replace(start=start, end=start + len(match[0])) if exact else part.span, line.key)

    def done(self) -> tuple[dict[str, Setting], dict[str, tuple[Setting, ...]]]:
        """Return the settings in force by `Section.Key`, and the entries of those that are lists."""
        settings = dict(self.settings)
        for name, beaten in self._beaten.items():
            last = settings[name]
            settings[name] = Setting(last.value, last.span, last.key, tuple(beaten))
        for name, entries in self.lists.items():
            if entries:
                joined = " ".join(entry.value for entry in entries)
                settings[name] = Setting(joined, entries[-1].span, entries[-1].key, tuple(self.dropped.get(name, ())))
        return settings, {name: tuple(entries) for name, entries in self.lists.items() if entries}


def _unknown_key(section: str, key: str) -> str:
    for other, keys in KEYS.items():
        if key in keys and other != section:
            return f"`{key}` belongs in `[{other}]`"
    near = next((k for k in KEYS[section] if k.lower() == key.lower().replace("_", "")), None)
    return f"systemd knows no `{key}` (`{near}` it does)" if near else f"systemd knows no `{key}` in `[{section}]`"


def _bad_value(value: str, because: str) -> str:
    if not value:
        return "an empty value sets nothing here"
    if value[:1] in "\"'":
        return "quotes count as part of the value"
    if " #" in value or " ;" in value:
        return "a comment behind a value counts as part of it"
    return because
