"""The command that writes exceptions: `lwlint allow`."""

from __future__ import annotations

import datetime
import difflib
import os
import sys
from typing import TYPE_CHECKING, Any

from lwlint.core.config_reader import Mismatch, near
from lwlint.core.finding import ConfigurationError
from lwlint.files import atomic
from lwlint.files.gitignore import covered, useless
from lwlint.policy.apply import configured
from lwlint.policy.round_trip import with_exception
from lwlint.policy.settings import NAME, SHARED, layer, load, nearest, shown, until_of
from lwlint.run import Request, check, load_rules

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from lwlint.policy.rules import Rule
    from lwlint.policy.settings import Layer, Settings


CONFORMS = 0
_GLOB = "*?["


def allow(options: argparse.Namespace) -> int:
    """`lwlint allow`: write an exception into the configuration, or show it as a diff."""
    path = options.config or nearest() or NAME
    if os.path.basename(path) in SHARED:
        raise ConfigurationError(f"`{shown(path)}`: holds the configuration, and only YAML is edited; write the exception there by hand")
    there = os.path.lexists(path)
    if options.config and not there:
        raise ConfigurationError(f"`{path}`: no such file")
    settings = load(path) if there else None
    rules = load_rules(settings.rule_directories if settings is not None else (), examples=False)
    if settings is not None:
        configured(rules, settings)  # raises for a configuration that no run would take
    rule = _rule(options.rule, rules)
    if not options.because.strip():
        raise ConfigurationError("`--because`: an exception needs a reason")
    folder = os.path.dirname(shown(path)) or "."
    place = _place(options.place, folder, rule, rules, settings)
    entry: dict[str, Any] = {"rule": options.rule, **place, "because": options.because}
    if options.until is not None:
        entry["until"] = _day(options.until)
    text = _text(path) if there else ""
    if there:
        _refuse_twice(entry, rule, layer(text, shown(path), folder))
    changed = with_exception(text, shown(path), entry)
    layer(changed, shown(path), folder)  # raises for an entry that would not be read
    if options.diff:
        before = shown(path) if there else "/dev/null"
        sys.stdout.write("".join(_ended(difflib.unified_diff(_lines(text), _lines(changed), before, shown(path)))))
        return CONFORMS
    try:
        atomic.replace(os.path.realpath(path), changed.encode("utf-8"), keep_owner=there)
    except OSError as error:
        raise ConfigurationError(f"`{shown(path)}`: cannot be written ({error.strerror})") from error
    covers = f"`{place['fact']}` in `{place['path']}`" if "fact" in place else f"`{place['path']}`"
    print(f"{shown(path)}: {rule.code} {rule.id} is allowed for {covers}")
    return CONFORMS


def _rule(name: str, rules: Sequence[Rule]) -> Rule:
    for rule in rules:
        if name in (rule.id, rule.code):
            return rule
    known = [word for rule in rules for word in (rule.id, rule.code)]
    raise ConfigurationError(f"`{name}`: unknown rule{near(name, known)}")


def _day(text: str) -> datetime.date:
    try:
        day = until_of(text)
    except Mismatch as mismatch:
        raise ConfigurationError(f"`--until`: {mismatch}") from None
    assert day is not None
    if day < datetime.date.today():
        raise ConfigurationError(f"`--until`: `{text}` is past; the exception would have no effect")
    return day


def _place(place: str, folder: str, rule: Rule, rules: Sequence[Rule], settings: Settings | None) -> Mapping[str, str]:
    """Return `path`, and `fact` where a line is named, of an exception in a configuration that lies in `folder`."""
    if os.path.lexists(place):
        return {"path": _pattern(place, folder)}
    path, colon, line = place.rpartition(":")
    if colon and line.isdecimal() and os.path.isfile(path):
        return {"path": _pattern(path, folder), "fact": _fact(path, int(line), rule, rules, folder, settings)}
    if any(character in place for character in _GLOB):
        below = os.path.relpath(".", folder).replace(os.sep, "/")
        steps = [] if below == "." else [_escaped(below)] if "/" in place.rstrip("/") else [_escaped(below), "**"]
        pattern = "/".join([*steps, place.lstrip("/") if steps else place])
        why = "lies outside the folder of the configuration" if below.startswith("..") else useless(pattern)
        if place.startswith("!"):
            why = "takes back what a pattern before it covers, and there is none"
        if why:
            raise ConfigurationError(f"`{place}`: {why}")
        return {"path": pattern}
    raise ConfigurationError(f"`{place}`: no such file or folder; a pattern has one of `*`, `?` and `[` in it")


def _pattern(path: str, folder: str) -> str:
    """Return the pattern, from `folder`, that covers this path alone, and what is below it."""
    below = os.path.relpath(path, folder).replace(os.sep, "/")
    if below == ".." or below.startswith("../"):
        raise ConfigurationError(f"`{path}`: lies outside `{folder}`, the folder of the configuration")
    if below == ".":
        return "*"
    pattern = _escaped(below) + ("/" if os.path.isdir(path) else "")
    return pattern if "/" in pattern.rstrip("/") else f"/{pattern}"


def _escaped(path: str) -> str:
    """Return a path as a pattern in which no character stands for another."""
    path = "".join(f"\\{character}" if character in "\\*?[" else character for character in path)
    trailing = len(path) - len(path.rstrip(" \t"))
    return path[: len(path) - trailing] + "".join(f"\\{blank}" for blank in path[len(path) - trailing :])


def _fact(path: str, line: int, rule: Rule, rules: Sequence[Rule], folder: str, settings: Settings | None) -> str:
    """Return what `rule` finds something of on a line: the file is judged by itself, then with all that is in `folder`."""
    known = os.path.relpath(path)
    others: set[int] = set()
    for paths in ((known,), (folder,)):
        request = Request(paths=paths, release=settings.release if settings is not None else "auto", gitignore=True)
        report = check(request, [one for one in rules if one.id == rule.id])
        for finding in report.findings:
            if finding.rule != rule.id or os.path.normpath(finding.span.path) != os.path.normpath(known):
                continue
            at = report.sources[finding.span.path].position(finding.span.start)[0]
            if at == line and finding.subject:
                return "".join(f"[{character}]" if character in _GLOB else character for character in finding.subject)
            others.add(at)
    near_by = f"; it does on line {', '.join(map(str, sorted(others)))}" if others else ""
    raise ConfigurationError(f"`{path}:{line}`: {rule.code} finds nothing there that has a name{near_by}")


def _refuse_twice(entry: Mapping[str, Any], rule: Rule, known: Layer) -> None:
    from lwlint.policy.settings import position

    for i, other in enumerate(known.file.allow or ()):
        if other.rule not in (rule.id, rule.code):
            continue
        same = (other.path, other.fact) == (entry["path"], entry.get("fact"))
        plain = not any(character in entry["path"].replace("\\", "") for character in _GLOB)
        wider = other.fact is None and other.path is not None and plain and covered((other.path,), entry["path"].strip("/"))
        if same or wider:
            line, column = position(known, ("allow", i))
            until = until_of(other.until)
            held = f", until {until.isoformat()}; change the date there" if until is not None else ""
            raise ConfigurationError(f"{known.name}:{line}:{column}: this exception is there already{held}")


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"`{shown(path)}`: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"`{shown(path)}`: is not UTF-8") from error


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _ended(lines: Any) -> list[str]:
    """Return the lines of a diff, each with an end."""
    return [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
