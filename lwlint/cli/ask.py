"""What the arguments ask for: the input, the settings and the rules of one run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lwlint.cache import Cache
from lwlint.finding import ConfigurationError
from lwlint.run import Request, load_rules

if TYPE_CHECKING:
    import argparse
    import datetime

    from lwlint.rules import Rule
    from lwlint.settings import Settings


def settings(options: argparse.Namespace) -> Settings | None:
    """Return the settings of the configuration that is named or nearest; None if there is none."""
    from lwlint.nearest import nearest

    if options.no_config:
        if options.config:
            raise ConfigurationError("`--config` and `--no-config` exclude each other")
        return None
    path = options.config or nearest()
    if path is None:
        return None
    from lwlint.config import load

    return load(path)


def rules(options: argparse.Namespace, found: Settings | None) -> list[Rule]:
    """Return the rules that the arguments and the settings choose."""
    select, ignore = split(options.select), split(options.ignore)
    if found is None:
        return load_rules(options.rules, select, ignore, examples=False, cache=cache(options))
    from lwlint.policy import configured

    return configured(load_rules((*found.rule_directories, *options.rules), examples=False, cache=cache(options)), found, select, ignore)


def cache(options: argparse.Namespace) -> Cache:
    """Return what is kept between runs: in `--cache-dir`, else where XDG has it; nothing with `--no-cache` or without a home."""
    if options.no_cache:
        if options.cache_dir:
            raise ConfigurationError("`--cache-dir` and `--no-cache` exclude each other")
        return Cache()
    if options.cache_dir:
        return Cache(options.cache_dir)
    above = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(above):
        above = os.path.join(os.path.expanduser("~"), ".cache")
    return Cache(os.path.join(above, "lwlint") if os.path.isabs(above) else None)


def request(options: argparse.Namespace, found: Settings | None) -> Request:
    """Return the input that the arguments name."""
    if "" in options.paths:
        raise ConfigurationError("``: a path with nothing in it; the current folder is `.`")
    paths = tuple(path for path in options.paths if path != "-")
    text = sys.stdin.buffer.read() if "-" in options.paths else None
    if not paths and text is None and not options.environment:
        paths = (".",)
    if options.stdin_filename and text is None:
        raise ConfigurationError("`--stdin-filename` goes with `-`")
    return Request(
        paths=tuple(_relative(path) for path in paths),
        environments=tuple(_relative(path) for path in options.environment),
        release=options.release or (found.release if found is not None else "auto"),
        kind=options.kind,
        text=text,
        text_path=_relative(options.stdin_filename or "stdin"),
        settings=found,
        gitignore=True,
        rule_folders=(*(found.rule_directories if found is not None else ()), *getattr(options, "rules", ())),
        today=_today() if found is not None else None,
        cache=cache(options),
        jobs=getattr(options, "jobs", 0),
    )


def split(values: Sequence[str]) -> list[str]:
    """Return the names in the values of an argument that may be given several times, with commas in each."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _today() -> datetime.date:
    import datetime

    return datetime.date.today()


def _relative(path: str) -> str:
    """Return `path` relative to the current directory, as it is shown."""
    try:
        return os.path.relpath(path) if os.path.isabs(path) else path
    except ValueError:  # another drive
        return path
