"""Configuration: the nearest `.lwlint.yaml` or `[tool.lwlint]` upwards, what it extends, and what they come to."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lwlint import pyproject
from lwlint.facts.service import RELEASES
from lwlint.finding import ConfigurationError
from lwlint.nearest import nearest, shown, text_of
from lwlint.patterns import useless
from lwlint.profiles import PROFILES
from lwlint.read import Mismatch, build, located, near
from lwlint.read import load as load_yaml
from lwlint.record import replace
from lwlint.settings import File, Key, Layer, Paths, Placed, RuleSettings, Settings


def load(path: str | None = None) -> Settings:
    """Return the settings of the file `path` or, without it, of the nearest one from the current folder upwards.

    Raises ConfigurationError, with the place, for everything that does not fit.
    """
    found = path if path is not None else nearest()
    return Settings() if found is None else merged(_layers(found, ()))


def layer(text: str, name: str, folder: str = ".") -> Layer:
    """Return the configuration `text` as a layer; a `name` that ends with `.toml` is read as pyproject.toml.

    Raises ConfigurationError with `name:line:column` for what does not fit.
    """
    plain = pyproject.table(text, name) if name.endswith(".toml") else load_yaml(text, name)
    plain = {} if plain is None else plain
    try:
        file: File = build(plain, File)
        _check(file)
    except Mismatch as mismatch:
        raise complaint(text, name, mismatch) from None
    return Layer(name, folder, text, plain, file)


def complaint(text: str, name: str, mismatch: Mismatch) -> ConfigurationError:
    """Return the mismatch as an error with its place in the configuration `text`."""
    if not name.endswith(".toml"):
        return located(mismatch, text, name)
    line, column = pyproject.place(text, mismatch.path)
    return ConfigurationError(f"{name}:{line}:{column}: {mismatch}")


def _check(file: File) -> None:
    if file.release is not None and file.release not in ("auto", *RELEASES):
        raise Mismatch(("release",), f"`{file.release}`: unknown release{near(file.release, ('auto', *RELEASES))}")
    for key, pattern in _patterns(file):
        if why := useless(pattern):
            raise Mismatch(key, f"`{pattern}`: {why}")
    for i, entry in enumerate(file.allow or ()):
        if not entry.because.strip():
            raise Mismatch(("allow", i, "because"), "an exception needs a reason")
        if entry.fact is None and entry.path is None:
            raise Mismatch(("allow", i), "an exception needs a `fact` or a `path`; to leave out a rule altogether, `ignore` it")
        if (entry.path or "").startswith("!"):
            raise Mismatch(("allow", i, "path"), f"`{entry.path}`: takes back what a pattern before it covers, and there is none")
        until_of(entry.until, ("allow", i, "until"))
    for i, override in enumerate(file.overrides or ()):
        if not override.paths:
            raise Mismatch(("overrides", i, "paths"), "names no path")
        if not override.ignore and not override.severity:
            raise Mismatch(("overrides", i), "changes nothing; it has `ignore` or `severity`")


def _patterns(file: File) -> Iterator[tuple[Key, str]]:
    """Yield every pattern for paths, with its key."""
    paths = file.paths or Paths()
    for name, found in (("include", paths.include), ("exclude", paths.exclude)):
        yield from ((("paths", name, i), pattern) for i, pattern in enumerate(found or ()))
    yield from ((("allow", i, "path"), entry.path) for i, entry in enumerate(file.allow or ()) if entry.path is not None)
    for i, override in enumerate(file.overrides or ()):
        yield from ((("overrides", i, "paths", j), pattern) for j, pattern in enumerate(override.paths))


def until_of(until: str | datetime.date | None, key: Key = ()) -> datetime.date | None:
    """Return the last day of an exception; raise Mismatch for what is no date."""
    if isinstance(until, str):
        try:
            return datetime.date.fromisoformat(until)
        except ValueError:
            raise Mismatch(key, f"`{until}`: must be a date, as `2030-12-31`") from None
    if isinstance(until, datetime.datetime):
        raise Mismatch(key, f"`{until}`: must be a date without a time, as `2030-12-31`")
    return until


def _layers(path: str, trail: Sequence[str]) -> Iterator[Layer]:
    """Yield the layers that the file goes on from, lowest first, then its own."""
    real = os.path.realpath(path)
    name = shown(path)
    if real in trail:
        raise ConfigurationError(f"`{name}`: extends itself, through {', '.join(f'`{shown(p)}`' for p in trail)}")
    top = layer(text_of(path), name, os.path.dirname(name) or ".")
    for i, folder in enumerate(top.file.rule_directories or ()):
        if not os.path.isdir(os.path.join(top.folder, folder)):
            raise complaint(top.text, name, Mismatch(("rule_directories", i), f"`{folder}`: no such folder"))
    extends = top.file.extends or ()
    for i, other in enumerate((extends,) if isinstance(extends, str) else extends):
        if other in PROFILES:
            yield layer(PROFILES[other], f"profile {other}")
            continue
        below = os.path.join(os.path.dirname(path), other)
        if not os.path.isfile(below):
            key: Key = ("extends",) if isinstance(extends, str) else ("extends", i)
            said = f"`{other}`: no such file, and no profile{near(other, PROFILES)}"
            raise complaint(top.text, name, Mismatch(key, said))
        yield from _layers(below, (*trail, real))
    yield top


def merged(layers: Iterable[Layer]) -> Settings:
    """Return what the layers, lowest first, come to."""
    settings = Settings()
    for one in layers:
        file, paths = one.file, one.file.paths or Paths()
        folders = tuple(shown(os.path.join(one.folder, folder)) for folder in file.rule_directories or ())
        settings = Settings(
            release=file.release or settings.release,
            select=settings.select if file.select is None else file.select,
            ignore=(*settings.ignore, *(file.ignore or ())),
            rules=_rules(settings.rules, file.rules or {}),
            rule_directories=(*settings.rule_directories, *folders),
            include=settings.include if paths.include is None else tuple(_placed(one, paths.include, "paths", "include")),
            exclude=(*settings.exclude, *_placed(one, paths.exclude, "paths", "exclude")),
            gitignore=settings.gitignore if paths.gitignore is None else paths.gitignore,
            allow=(*settings.allow, *_placed(one, file.allow, "allow")),
            overrides=(*settings.overrides, *_placed(one, file.overrides, "overrides")),
            layers=(*settings.layers, one),
        )
    return settings


def _placed(one: Layer, values: Sequence[Any] | None, *key: str) -> Iterator[Placed]:
    return (Placed(one, (*key, i), value) for i, value in enumerate(values or ()))


def _rules(below: Mapping[str, RuleSettings], above: Mapping[str, RuleSettings]) -> Mapping[str, RuleSettings]:
    result = dict(below)
    for name, new in above.items():
        old = result.get(name, RuleSettings())
        params = {**(old.params or {}), **(new.params or {})} if old.params or new.params else None
        result[name] = replace(old, severity=new.severity or old.severity, params=params)
    return result


def position(one: Layer, key: Key) -> tuple[int, int]:
    """Return line and column, from 1, of what `key` leads to in the layer, or of what holds it."""
    if one.name.endswith(".toml"):
        return pyproject.place(one.text, key)
    match = re.search(r":(\d+):(\d+): $", str(located(Mismatch(key, ""), one.text, one.name)))
    return (int(match[1]), int(match[2])) if match else (1, 1)
