"""Retries that a Puppet manifest sets, or fails to set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Optional

from lwlint.checks.check import Check, Saw, Unknown, needs
from lwlint.facts import Facts
from lwlint.facts.puppet import Manifest, ManifestClass, ManifestDatabase, ManifestOption
from lwlint.finding import Problem
from lwlint.named import NamedTuple
from lwlint.record import dataclass
from lwlint.source import Span

_UNSET = ("undef",)


@dataclass(frozen=True)
class Params:
    """Which settings are judged, and by what: `parameters` of classes and `options` (`section/option`), as globs.

    Their value must be in `one_of`, or a whole number no greater than `at_most`.
    """

    parameters: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    at_most: Optional[int] = None


class _Set(NamedTuple):
    name: str
    value: str | None
    written: str
    span: Span
    host: str


def manifest_databases(facts: Facts, concerns: Callable[[str], bool], on_nodes: frozenset[str]) -> Iterator[Problem]:
    """Yield a problem for each database connection in a manifest that sets no retries for it, of those whose hiera key `concerns`.

    A retry that the manifest sets to something else is no problem of this kind: that setting is judged by itself. `on_nodes` are the
    keys of hiera that the nodes have with the right value, whatever the manifest.
    """
    for database in facts.of(ManifestDatabase):
        if database.retry is None and concerns(database.name) and on_nodes.isdisjoint(database.retry_keys):
            key = database.retry_keys[0] if database.retry_keys else f"{database.module}_config database/max_retries"
            message = f"`{database.name}`: `{key}` is not set in this manifest (default `10`); it must be `-1`"
            yield Problem(database.span, message, f"manifest connection {database.name}", host=database.host)


def _settings(facts: Facts, params: Params) -> Iterator[Saw]:
    expected = " or ".join(f"`{value}`" for value in params.one_of) or f"`{params.at_most}` or less"
    for found in _found(facts, params):
        if found.value is None:
            yield Unknown(f"`{found.name}`: only Puppet can tell what `{found.written}` is", found.span)
        elif found.value not in _UNSET and not _fits(found.value, params):
            message = f"`{found.name}` is `{found.value}`; it must be {expected}"
            yield Problem(found.span, message, f"manifest setting {found.name}", host=found.host)


def _found(facts: Facts, params: Params) -> Iterator[_Set]:
    for used in facts.of(ManifestClass):
        for setting in used.settings:
            if _matches(setting.name, params.parameters):
                yield _Set(f"{used.name}::{setting.name}", setting.value, setting.written, setting.span, used.host)
    for option in facts.of(ManifestOption):
        if not option.absent and option.written and _matches(f"{option.section}/{option.option}", params.options):
            yield _Set(option.name, option.value, option.written, option.span, option.host)


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _fits(value: str, params: Params) -> bool:
    value = value.strip()
    if params.one_of and value in params.one_of:
        return True
    return params.at_most is not None and value.lstrip("-").isdigit() and int(value) <= params.at_most


CHECK = Check("manifest-setting", _settings, needs(Manifest, "no Puppet manifest was given"), Params)
