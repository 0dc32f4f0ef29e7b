"""What can be set: the keys of `.lwlint.yaml` and of `[tool.lwlint]`, and what they come to together.

The dataclasses are the configuration's shape: the reader, the JSON schema and the starter file are made from them.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal, Optional, Union

from lwlint.facts.service import RELEASES
from lwlint.named import NamedTuple
from lwlint.record import dataclass, field

Severity = Literal["error", "warning", "note"]
Strings = tuple[str, ...]


def _about(text: str, **more: Any) -> dict[str, Any]:
    """Return the metadata of a field: what it is, and more for its schema."""
    return {"description": text, **more}


@dataclass(frozen=True)
class RuleSettings:
    """How one rule is judged."""

    severity: Optional[Severity] = field(default=None, metadata=_about("instead of the rule's own severity"))
    params: Optional[Mapping[str, Any]] = field(default=None, metadata=_about("instead of the rule's own parameters, key by key"))


@dataclass(frozen=True)
class Paths:
    """Which files are read. Patterns are those of `.gitignore`, from the folder of the configuration."""

    include: Optional[Strings] = field(default=None, metadata=_about("read only what matches one of these, when a folder is read"))
    exclude: Optional[Strings] = field(default=None, metadata=_about("leave out what matches one of these, files that are named too"))
    gitignore: Optional[bool] = field(default=None, metadata=_about("leave out what git ignores, when a folder is read (default: true)"))


@dataclass(frozen=True)
class Allowance:
    """An exception: findings of one rule about one fact, or below a path, are allowed."""

    rule: str = field(metadata=_about("an id or a code"))
    because: str = field(metadata=_about("the reason, which is shown in every report", minLength=1))
    fact: Optional[str] = field(
        default=None, metadata=_about("the name of the fact, as in `resource haproxy-clone`; `*` and `?` stand for any")
    )
    path: Optional[str] = field(default=None, metadata=_about("a pattern as in `.gitignore`, from the folder of the configuration"))
    until: Optional[Union[str, datetime.date]] = field(default=None, metadata=_about("the last day on which it holds", format="date"))


@dataclass(frozen=True)
class Override:
    """Other settings for some files."""

    paths: Strings = field(metadata=_about("patterns as in `.gitignore`, from the folder of the configuration", minItems=1))
    ignore: Strings = field(default=(), metadata=_about("rules that find nothing there: ids, codes, beginnings of codes"))
    severity: Mapping[str, Severity] = field(default_factory=dict, metadata=_about("the severity of rules there, by id or code"))


@dataclass(frozen=True)
class File:
    """One configuration file as it is written; what it does not say is None."""

    extends: Optional[Union[str, Strings]] = field(
        default=None, metadata=_about("files, from the folder of this one, and profiles of lwlint's own, that this one goes on from")
    )
    release: Optional[str] = field(
        default=None, metadata=_about("the release to judge by; `auto` goes by evidence", enum=["auto", *RELEASES])
    )
    select: Optional[Strings] = field(default=None, metadata=_about("run only these rules: ids, codes, beginnings of codes"))
    ignore: Optional[Strings] = field(default=None, metadata=_about("leave these rules out"))
    rules: Optional[Mapping[str, RuleSettings]] = field(default=None, metadata=_about("settings of single rules, by id or code"))
    paths: Optional[Paths] = field(default=None, metadata=_about("which files are read"))
    rule_directories: Optional[Strings] = field(
        default=None, metadata=_about("folders with rules of your own, from the folder of this file")
    )
    allow: Optional[tuple[Allowance, ...]] = field(default=None, metadata=_about("exceptions, each with its reason"))
    overrides: Optional[tuple[Override, ...]] = field(default=None, metadata=_about("other settings for some files; a later one wins"))


Key = tuple[Union[str, int], ...]  # the way to a value from the top of a file: ("allow", 0, "rule")


@dataclass(frozen=True)
class Layer:
    """One file that was read (or a profile): its name as shown, its folder from where lwlint runs, and what it says."""

    name: str
    folder: str
    text: str = field(repr=False)
    plain: Mapping[str, Any]
    file: File


class Placed(NamedTuple):
    """Something of a layer, with its key there: an exception, an override, a pattern."""

    layer: Layer
    key: Key
    value: Any


@dataclass(frozen=True)
class Settings:
    """What all layers come to, the later ones over the earlier; without any, the defaults.

    `release`, `select`, `include` and `gitignore` are of the last layer that sets them; the settings of a rule are, key
    by key; everything else adds up. Patterns and exceptions keep their layer, whose folder they count from.
    """

    release: str = "auto"
    select: Strings = ()
    ignore: Strings = ()
    rules: Mapping[str, RuleSettings] = field(default_factory=dict)
    rule_directories: Strings = ()
    include: tuple[Placed, ...] = ()
    exclude: tuple[Placed, ...] = ()
    gitignore: bool = True
    allow: tuple[Placed, ...] = ()
    overrides: tuple[Placed, ...] = ()
    layers: tuple[Layer, ...] = ()
