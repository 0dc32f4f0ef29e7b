"""Options whose text the service cannot read as the number or switch that it must be: it does not start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, Optional

from lwlint.checks.check import Check, Saw, Unknown, needs
from lwlint.facts import Facts
from lwlint.facts.oslo import OptionFiles
from lwlint.facts.oslo_sets import applies, option_sets
from lwlint.facts.oslo_values import boolean, integer, split_name
from lwlint.finding import Problem
from lwlint.record import dataclass


@dataclass(frozen=True)
class Typed:
    """Options (`section/option`) that must be of one type, and the releases that have them."""

    type: Literal["integer", "number", "boolean"]
    options: tuple[str, ...]
    since: Optional[str] = None
    until: Optional[str] = None


@dataclass(frozen=True)
class Types:
    """What `option-value` looks at."""

    types: tuple[Typed, ...]


def _number(text: str) -> Optional[float]:
    return float(text) if text.strip() else None


_READ: Mapping[str, Callable[[str], Any]] = MappingProxyType({"integer": integer, "number": _number, "boolean": boolean})
_WORDS: Mapping[str, str] = MappingProxyType({"integer": "a whole number", "number": "a number", "boolean": "`true` or `false`"})


def _run(facts: Facts, params: Types) -> Iterator[Saw]:
    for option_set in option_sets(facts):
        files = option_set.files
        if files.refused is not None:
            yield Unknown(f"oslo.config refuses `{files.refused}`, so that nothing is known of `{files.name}`", files.span)
        for typed in params.types:
            if not files.read or not applies(facts.release, typed.since, typed.until):
                continue
            for name in typed.options:
                option = option_set.options.get(split_name(name))
                if option is None or "$" in option.value:
                    continue
                try:
                    _READ[typed.type](option.value)
                except ValueError:
                    shown = option.value.replace("\n", "\\n")
                    what = f"`{option.name}` is `{shown}`, and the service does not start; it must be {_WORDS[typed.type]}"
                    message = f"{option.span.path.rsplit('/', 1)[-1]}: {what}"
                    yield Problem(option.span, message, f"option {option.name}", host=option.host)


CHECK = Check("option-value", _run, needs(OptionFiles, "no oslo.config option file was given"), Types)
