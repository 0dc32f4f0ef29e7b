"""What is judged: pure functions from facts and parameters to problems, a file for each subject.

A module tells its checks in `CHECKS`. It is imported when a rule needs one of them; what else must be known of a rule's check before
that, `Declared` has.
"""

# Annotations are types here and not texts, which msgspec would compile one by one whenever the compiled rules are read.
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lwlint.core.check import AnyCheck, Check, Reads
from lwlint.core.finding import ConfigurationError
from lwlint.core.kind import load
from lwlint.core.lazy import late_expressions

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


ENTRY_POINTS = "lwlint.checks"


class Declared(Struct, frozen=True):
    """What a check says of itself: the `module` of lwlint's own that holds it (empty: another package's), and what it reads."""

    module: str
    reads: Reads


@cache
def modules() -> dict[str, str]:
    """Return the names of lwlint's own checks, each with its module; all of these are imported."""
    from pkgutil import iter_modules

    every = [f"{__name__}.{found.name}" for found in iter_modules(__path__)]
    return {check.name: name for name in every for check in getattr(import_module(name), "CHECKS", ())}


def names() -> list[str]:
    """Return the names of lwlint's own checks and of those that installed packages bring."""
    return [*modules(), *_plugins()]


def declare(check: AnyCheck, params: Any, module: str = "") -> Declared:
    """Return what a check says of itself with these parameters; `module` is the one that holds it, where that is known."""
    return Declared(module or modules().get(check.name, ""), check.reads(params) if callable(check.reads) else check.reads)


def find(name: str, module: str = "") -> AnyCheck:
    """Return the check called `name`; in `module` where that is known, so that no other is imported.

    Raises ConfigurationError if there is none, or if a package's entry point cannot be loaded or gives no `Check`.
    """
    module = module or modules().get(name, "")
    if module:
        found: AnyCheck = next(check for check in _import(module).CHECKS if check.name == name)
        return found
    plugins = _plugins()
    if name not in plugins:
        raise ConfigurationError(f"`{name}`: unknown check")
    check = load(plugins[name])
    if not isinstance(check, Check):
        raise ConfigurationError(f"`{name}`: entry point `{plugins[name].value}` is no `Check`")
    return check


@cache
def _import(module: str) -> Any:
    with late_expressions():
        return import_module(module)


def _plugins() -> "dict[str, EntryPoint]":
    from importlib.metadata import entry_points

    every: Any = entry_points()
    group = every.select(group=ENTRY_POINTS) if hasattr(every, "select") else every.get(ENTRY_POINTS, ())
    return {point.name: point for point in group}
