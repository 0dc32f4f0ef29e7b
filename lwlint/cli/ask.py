"""What the arguments ask for: the input, the settings and the rules of one run."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lwlint.finding import ConfigurationError
from lwlint.run import Request, load_rules

if TYPE_CHECKING:
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
        return load_rules(options.rules, select, ignore, examples=False)
    from lwlint.policy import configured

    return configured(load_rules((*found.rule_directories, *options.rules), examples=False), found, select, ignore)


def request(options: argparse.Namespace, found: Settings | None) -> Request:
    """Return the input that the arguments name."""
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
        today=datetime.date.today() if found is not None else None,
    )


def split(values: Sequence[str]) -> list[str]:
    """Return the names in the values of an argument that may be given several times, with commas in each."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _relative(path: str) -> str:
    """Return `path` relative to the current directory, as it is shown."""
    try:
        return os.path.relpath(path) if os.path.isabs(path) else path
    except ValueError:  # another drive
        return path
