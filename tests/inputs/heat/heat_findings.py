"""What the rules on Heat find, as lines `CODE path:line`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from lwlint.core.facts import Fact
from lwlint.core.finding import Report
from lwlint.files.tree import Content, Memory
from lwlint.policy.rules import Rule
from lwlint.run import Request, check, load_rules, read_facts

RULES = ("LW401", "LW402", "LW403", "LW404", "LW405", "LW406", "LW409", "LW410", "LW411", "LW412", "LW413", "LW414", "LW415", "LW901")
MORE_RULES = ("LW416", "LW417", "LW418", "LW419", "LW421", "LW423", "LW424", "LW425", "LW426", "LW427", "LW428")  # asked for by name only


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """The rules on Heat, and the one on what cannot be read."""
    return tuple(rule for rule in every_rule() if rule.code in RULES)


@lru_cache(maxsize=1)
def every_rule() -> tuple[Rule, ...]:
    """The rules on Heat, on roles and on manifests, and the one on what cannot be read."""
    return tuple(rule for rule in load_rules() if rule.code in (*RULES, *MORE_RULES))


def lines(report: Report) -> list[str]:
    """The findings of a report, in order of code and place."""
    assert report.tracebacks == ()
    found = [(f.code, f.span.path, report.sources[f.span.path].position(f.span.start).line) for f in report.findings]
    return [f"{code} {path}:{line}" for code, path, line in sorted(found)]


def findings(files: Mapping[str, Content], *codes: str, environments: tuple[str, ...] = (), paths: tuple[str, ...] = (".",)) -> list[str]:
    """What the rules with `codes` (all, if none is named) find in `files`."""
    chosen = [rule for rule in every_rule() if rule.code in (codes or RULES)]
    return lines(check(Request(paths=paths, environments=environments, tree=Memory(files)), chosen))


def facts(files: Mapping[str, Content], kind: str, environments: tuple[str, ...] = (), paths: tuple[str, ...] = (".",)) -> list[Fact]:
    """The facts of one kind in `files`."""
    read = read_facts(Request(paths=paths, environments=environments, tree=Memory(files)))
    return [fact for fact in read.facts if fact.kind == kind]


def of_tree(folder: Path, environments: tuple[str, ...] = (), paths: tuple[str, ...] = (".",)) -> list[str]:
    """What the rules find in a tree on the disk, with paths relative to it."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        return lines(check(Request(paths=paths, environments=environments), rules()))
    finally:
        os.chdir(here)


def template(config: str, resources: str = "") -> str:
    """A template with these `config_settings` (lines without indentation)."""
    body = "".join(f"        {line}\n" for line in config.splitlines())
    head = f"heat_template_version: pike\n{resources}"
    return f"{head}outputs:\n  role_data:\n    value:\n      config_settings:\n{body}"
