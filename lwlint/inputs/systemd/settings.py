"""Assignments of a unit file and its drop-ins -> the settings in force, with what each one beats, and the lines that do nothing.

Sources: systemd.unit(5), systemd.service(5); systemd 252 in test mode and booted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct, field

from lwlint.core.source import Span, Text
from lwlint.inputs.systemd import values
from lwlint.inputs.systemd.facts import Setting
from lwlint.inputs.systemd.text import Assignment, Stray, UnitText
from lwlint.inputs.systemd.values import CHOICES, CONDITIONS, INSTALL_KEYS, RENAMED, SERVICE_KEYS, UNIT_KEYS

KEYS = {"Unit": UNIT_KEYS, "Service": SERVICE_KEYS, "Install": INSTALL_KEYS}
_DEPENDENCY_KEYS = """
    Requires Requisite Wants BindsTo PartOf Upholds Conflicts Before After OnFailure OnSuccess PropagatesReloadTo PropagatesStopTo
    ReloadPropagatedFrom StopPropagatedFrom JoinsNamespaceOf
"""
_SERVICE_LISTS = """
    Environment EnvironmentFile PassEnvironment UnsetEnvironment SupplementaryGroups ReadWritePaths ReadOnlyPaths InaccessiblePaths
    Sockets SystemCallFilter
"""
_WORD = re.compile(r"[^ \t\n\r]+")
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
