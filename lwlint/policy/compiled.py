"""lwlint's own rules and catalogue in a form that loads without a YAML parser: made when a wheel is built, or kept in the cache.

A form is named after the hash of all that it was made of: the YAML files, and the modules that read them. One that was
made of anything else is not found, so nothing can be stale.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from importlib.util import source_hash
from typing import Any, TypeVar

from msgspec import DecodeError, msgpack

from lwlint.checks import Declared
from lwlint.core import catalogue
from lwlint.core.catalogue import Catalogue, Entry
from lwlint.core.check import Reads
from lwlint.core.facts import Database, Outcome, Service
from lwlint.files.cache import Cache, sealed, unsealed
from lwlint.files.tree import read_regular
from lwlint.policy.rules import NO_RULES, Rule, load_folder, own_folder

T = TypeVar("T")
_READERS = (
    "core/config_reader.py",
    "core/catalogue.py",
    "core/check.py",
    "core/facts.py",
    "core/observed.py",
    "policy/rules.py",
    "policy/compiled.py",
)
_SERVICES = "services.yaml"
_OBSERVED = "observed.yaml"
_CATALOGUE = [_SERVICES, _OBSERVED]
_SUFFIX = ".compiled"


def rules(cache: Cache) -> list[Rule]:
    """Return lwlint's own rules, without their examples."""
    folder = own_folder()
    found = _of("rules", folder, _key(folder, _rule_files(folder)), cache, lambda: _rules(folder), list[tuple[Rule, Declared]])
    return [rule.knowing(declared) for rule, declared in found]  # so that no check is imported to tell


def _rules(folder: str) -> list[tuple[Rule, Declared]]:
    from pathlib import Path

    return [(rule, rule.declared) for rule in load_folder(Path(folder), "rules", examples=False)]


def services(cache: Cache) -> Catalogue:
    """Return lwlint's own catalogue of services."""
    folder = own_folder()

    key = _key(folder, _CATALOGUE)
    kept = (key, cache.folder)
    if kept not in _catalogues:
        _catalogues[kept] = Catalogue(_of("services", folder, key, cache, lambda: _entries(folder), list[Entry]))
    return _catalogues[kept]


def _entries(folder: str) -> list[Entry]:
    from lwlint.core import observed

    services, seen = (read_regular(os.path.join(folder, name)).decode("utf-8") for name in _CATALOGUE)
    return list(catalogue.load(services, f"rules/{_SERVICES}", observed.load(seen, f"rules/{_OBSERVED}")).entries)


_catalogues: dict[tuple[bytes, object], Catalogue] = {}  # a process that checks often reads the catalogue once


def write(folder: str) -> None:
    """Write the compiled forms of the rules in `folder` there, for `rules` and `services` to find when they are installed."""
    from pathlib import Path

    own = Path(folder)
    forms: dict[str, tuple[list[str], Any]] = {
        "rules": (_rule_files(folder), _rules(folder)),
        "services": (_CATALOGUE, _entries(folder)),
    }
    for name, (files, found) in forms.items():
        (own / (name + _SUFFIX)).write_bytes(sealed(_key(folder, files) + msgpack.encode(found)))


def _of(name: str, folder: str, key: bytes, cache: Cache, make: Callable[[], T], into: type[T]) -> T:
    """Return what is kept under `name` if it was made of what `key` stands for; else make it, and keep it."""
    entry = f"{name}-{key.hex()}"
    for data in (_shipped(folder, name, key), cache.get(entry)):
        if data is not None:
            try:
                return msgpack.decode(data, type=into)
            except DecodeError:
                continue
    found = make()
    cache.put(entry, msgpack.encode(found))
    return found


def _shipped(folder: str, name: str, key: bytes) -> bytes | None:
    try:
        data = unsealed(read_regular(os.path.join(folder, name + _SUFFIX)))
    except OSError:
        return None
    return data[len(key) :] if data is not None and data.startswith(key) else None


def _key(folder: str, files: list[str]) -> bytes:
    """Return the hash of all that a form is made of: the `files` in the folder of the rules, and the modules that read them."""
    return source_hash(_modules() + b"".join(_content(folder, name) for name in files))


@lru_cache(maxsize=1)  # a process runs the modules that it has imported
def _modules() -> bytes:
    here = os.path.dirname(os.path.dirname(__file__))
    records = repr([(cls.__name__, cls.__struct_fields__) for cls in (Rule, Declared, Reads, Entry, Service, Database, Outcome)])
    return records.encode() + b"".join(_content(here, name) for name in (*_READERS, *_checks(here)))


def _content(folder: str, name: str) -> bytes:
    content = read_regular(os.path.join(folder, name))
    return b"%s %d\n%s" % (name.encode("utf-8", "surrogateescape"), len(content), content)


def _checks(here: str) -> list[str]:
    """Return the modules whose checks say what they read."""
    return sorted(f"checks/{name}" for name in os.listdir(os.path.join(here, "checks")) if name.endswith(".py"))


def _rule_files(folder: str) -> list[str]:
    found = []
    for above, _, names in os.walk(folder):
        inside = os.path.relpath(above, folder) if above != folder else ""
        found += [f"{inside}/{name}".lstrip("/") for name in names if name.endswith(".yaml") and name not in NO_RULES]
    return sorted(found)
