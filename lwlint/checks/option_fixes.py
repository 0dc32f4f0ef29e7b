"""Fixes for option files: another value, an option that is added, renamed, moved or taken away; none where that is not certain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Optional

from lwlint.facts.oslo import FILE, Option
from lwlint.facts.oslo_sets import OptionSet
from lwlint.facts.oslo_values import Name
from lwlint.finding import AddOption, DropLines, Fix, Replace, SetOption

_RETRIES = ("max_retries", "sql_max_retries", "db_max_retries", "rabbit_max_retries")


def is_ours(option: Option) -> bool:
    """Return whether the option stands in a file that may be edited: not in a unit's environment, nor in a package's own file."""
    return option.origin == FILE and re.search(r"(^|/)usr/(local/)?share/|-dist\.conf$", option.file) is None


def set_value(option_set: OptionSet, option: Option, value: str, names: Iterable[Name]) -> Optional[Fix]:
    """Return the fix that gives the option another value. It is safe unless a `$reference` to one of its `names` ties others to it."""
    if not is_ours(option):
        return None
    return Fix(
        f"set `{option.name}` to `{value}`",
        (SetOption(option.key, value),),
        safe="$" not in option.value and not _named(option_set, option, *(name for _, name in names)),
    )


def add_beside(option_set: OptionSet, connection: Option, names: Sequence[Name], value: str) -> Optional[Fix]:
    """Return the fix that adds an option, by the first of its `names`, to the file of another one. It is safe unless others refer to it."""
    if not is_ours(connection):
        return None
    section, option = names[0]
    tied = _named(option_set, connection, *(name for _, name in names))
    return Fix(f"add `{option} = {value}` to `[{section}]`", (AddOption(connection.key, section, option, value),), safe=not tied)


def take_away(option_set: OptionSet, option: Option) -> Optional[Fix]:
    """Return the fix that takes away an option which nothing reads, and all values of it that this one beats."""
    spans = [option.key, *(text.span for text in option.beaten)]
    if not is_ours(option) or any(text.span.path != option.file for text in option.beaten) or _named(option_set, option, option.option):
        return None
    return Fix(f"take `{option.name}` away", tuple(DropLines(span) for span in spans))


def rename(option_set: OptionSet, option: Option, to: Name, *, alike: bool = False) -> Optional[Fix]:
    """Return the fix that gives an option the name (section and option) under which it is read; none if that is taken.

    It is safe if both names are `alike`, or if the value is as it should be, for then to be read is what was meant; not
    where other options refer to the name that it gets, or to any other of retries, which it may be an old name of.
    """
    section, name = to
    if not is_ours(option) or to in option_set.options or option.beaten or _named(option_set, option, option.option):
        return None
    safe = (alike or option.value.strip() == "-1") and not _named(option_set, option, name, *_RETRIES)
    if section == option.section:
        return Fix(f"call it `{name}`", (Replace(option.key, name),), safe=safe)
    if not re.fullmatch(r"[+-]?\d+", option.value):
        return None
    changes = (DropLines(option.key), AddOption(option.key, section, name, option.value))
    return Fix(f"move it to `[{section}]` as `{name}`", changes, safe=safe)


def _named(option_set: OptionSet, option: Option, *names: str) -> bool:
    """Return whether the value of an option other than this one refers to an option with one of the names, in whatever section."""
    pattern = re.compile(rf"\$\{{?(?:[\w-]+\.)?(?:{'|'.join(map(re.escape, names))})\b")
    others = (value for other in option_set.options.values() if other is not option for value in (other.value, *other.values))
    return any("$" in value and pattern.search(value) for value in others)
