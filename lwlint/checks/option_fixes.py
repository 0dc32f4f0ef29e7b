"""Fixes for option files: another value, an option that is added, renamed, moved or taken away; none where that is not certain."""

from __future__ import annotations

import re
from typing import Optional

from lwlint.facts.oslo import FILE, Option
from lwlint.facts.oslo_sets import OptionSet
from lwlint.facts.oslo_values import Name
from lwlint.finding import AddOption, DropLines, Fix, Replace, SetOption


def is_ours(option: Option) -> bool:
    """Return whether the option stands in a file that may be edited: not in a unit's environment, nor in a package's own file."""
    return option.origin == FILE and re.search(r"(^|/)usr/(local/)?share/|-dist\.conf$", option.file) is None


def set_value(option_set: OptionSet, option: Option, value: str) -> Optional[Fix]:
    """Return the fix that gives the option another value. It is safe unless a `$reference` ties it to other options."""
    if not is_ours(option):
        return None
    return Fix(
        f"set `{option.name}` to `{value}`",
        (SetOption(option.key, value),),
        safe="$" not in option.value and not _named(option_set, option),
    )


def add_beside(connection: Option, name: Name, value: str) -> Optional[Fix]:
    """Return the fix that adds an option to the file of another one."""
    if not is_ours(connection):
        return None
    section, option = name
    return Fix(f"add `{option} = {value}` to `[{section}]`", (AddOption(connection.key, section, option, value),))


def take_away(option_set: OptionSet, option: Option) -> Optional[Fix]:
    """Return the fix that takes away an option which nothing reads, and all values of it that this one beats."""
    spans = [option.key, *(text.span for text in option.beaten)]
    if not is_ours(option) or any(text.span.path != option.file for text in option.beaten) or _named(option_set, option):
        return None
    return Fix(f"take `{option.name}` away", tuple(DropLines(span) for span in spans))


def rename(option_set: OptionSet, option: Option, to: Name) -> Optional[Fix]:
    """Return the fix that gives an option the name (section and option) under which it is read; none if that is taken.

    To be read is what was meant where the value is as it should be; else it is not safe.
    """
    section, name = to
    if not is_ours(option) or to in option_set.options or option.beaten or _named(option_set, option):
        return None
    if section == option.section:
        return Fix(f"call it `{name}`", (Replace(option.key, name),), safe=option.value.strip() == "-1")
    if not re.fullmatch(r"[+-]?\d+", option.value):
        return None
    changes = (DropLines(option.key), AddOption(option.key, section, name, option.value))
    return Fix(f"move it to `[{section}]` as `{name}`", changes, safe=option.value.strip() == "-1")


def _named(option_set: OptionSet, option: Option) -> bool:
    """Return whether the value of another option refers to this one by its name."""
    pattern = re.compile(rf"\$\{{?(?:\w+\.)?{re.escape(option.option)}\b")
    return any(pattern.search(other.value) for other in option_set.options.values() if "$" in other.value and other is not option)
