"""lwlint's own rules and catalogue in a form that loads without a YAML parser: made when a wheel is built, or kept in the cache.

A form is named after the hash of all that it was made of: the YAML files, and the modules that read them. One that was
made of anything else is not found, so nothing can be stale.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable
from importlib.util import source_hash
from typing import Any, TypeVar

from lwlint.core import catalogue
from lwlint.core.catalogue import Catalogue, Entry
from lwlint.core.facts import Database, Service
from lwlint.core.record import described, restored
from lwlint.files.cache import Cache, sealed, unsealed
from lwlint.policy.rules import NO_RULES, Rule, load_folder, own_folder

T = TypeVar("T")
_READERS = ("read.py", "rules.py", "services.py", "catalogue.py", "facts/service.py", "compiled.py")
_MARSHAL = 2  # as old as Python 3: every version reads it, and equal values give equal bytes
_SERVICES = "services.yaml"
_RULE = ("id", "code", "title", "severity", "clause", "why", "remedy", "check", "params")
_SUFFIX = ".compiled"


def rules(cache: Cache) -> list[Rule]:
    """Return lwlint's own rules, without their examples."""
    folder = own_folder()

    def made() -> list[Rule]:
        from pathlib import Path

        return load_folder(Path(folder), "rules", examples=False)

    return _of("rules", folder, _rule_files(folder), cache, made, (_rules_as_plain, _rules_from_plain))


def services(cache: Cache) -> Catalogue:
    """Return lwlint's own catalogue of services."""
    folder = own_folder()

    def made() -> Catalogue:
        with open(os.path.join(folder, _SERVICES), encoding="utf-8") as file:
            return catalogue.load(file.read(), f"rules/{_SERVICES}")

    return _of("services", folder, [_SERVICES], cache, made, (_services_as_plain, _services_from_plain))


def write(folder: str) -> None:
    """Write the compiled forms of the rules in `folder` there, for `rules` and `services` to find when they are installed."""
    from pathlib import Path

    own = Path(folder)
    plain = {
        "rules": (_rule_files(folder), _rules_as_plain(load_folder(own, "rules", examples=False))),
        "services": ([_SERVICES], _services_as_plain(catalogue.load((own / _SERVICES).read_text("utf-8"), f"rules/{_SERVICES}"))),
    }
    for name, (files, values) in plain.items():
        (own / (name + _SUFFIX)).write_bytes(sealed(_key(folder, files) + marshal.dumps(values, _MARSHAL)))


def _of(
    name: str, folder: str, files: list[str], cache: Cache, make: Callable[[], T], how: tuple[Callable[[T], Any], Callable[[Any], T]]
) -> T:
    """Return what is kept under `name` if it was made of what the `files` hold now; else make it, and keep it."""
    as_plain, from_plain = how
    key = _key(folder, files)
    entry = f"{name}-{key.hex()}"
    for data in (_shipped(folder, name, key), cache.get(entry)):
        if data is not None:
            try:
                return from_plain(marshal.loads(data))  # nosec B302 -- shipped, or sealed by this user
            except (ValueError, EOFError, TypeError):
                continue
    found = make()
    cache.put(entry, marshal.dumps(as_plain(found), _MARSHAL))
    return found


def _shipped(folder: str, name: str, key: bytes) -> bytes | None:
    try:
        data = unsealed(_bytes(os.path.join(folder, name + _SUFFIX)))
    except OSError:
        return None
    return data[len(key) :] if data is not None and data.startswith(key) else None


def _key(folder: str, files: list[str]) -> bytes:
    here = os.path.dirname(__file__)
    parts = [repr([(cls.__name__, described(cls)) for cls in (Rule, Entry, Service, Database)]).encode()]
    for root, names in ((here, _READERS), (folder, files)):
        for name in names:
            content = _bytes(os.path.join(root, name))
            parts.append(b"%s %d\n%s" % (name.encode("utf-8", "surrogateescape"), len(content), content))
    return source_hash(b"".join(parts))


def _bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _rule_files(folder: str) -> list[str]:
    found = []
    for above, _, names in os.walk(folder):
        inside = os.path.relpath(above, folder) if above != folder else ""
        found += [f"{inside}/{name}".lstrip("/") for name in names if name.endswith(".yaml") and name not in NO_RULES]
    return sorted(found)


def _rules_as_plain(rules: list[Rule]) -> Any:
    return [tuple(getattr(rule, name) for name in _RULE) for rule in rules]


def _rules_from_plain(plain: Any) -> list[Rule]:
    return [restored(Rule, (*values[:-1], (), values[-1])) for values in plain]


def _services_as_plain(found: Catalogue) -> Any:
    return [(*(getattr(e, name) for name in _names(Entry)[1:]), _values(e.service)) for e in found.entries]


def _services_from_plain(plain: Any) -> Catalogue:
    at = _names(Service).index("databases")
    found = []
    for *rest, values in plain:
        databases = tuple(restored(Database, each) for each in values[at])
        every: list[Any] = [databases if i == at else value for i, value in enumerate(values)]
        found.append(restored(Entry, (restored(Service, every), *rest)))
    return Catalogue(found)


def _values(service: Service) -> tuple[Any, ...]:
    values = {name: getattr(service, name) for name in _names(Service)}
    values["databases"] = tuple(tuple(getattr(d, name) for name in _names(Database)) for d in service.databases)
    return tuple(values.values())


def _names(cls: type) -> tuple[str, ...]:
    return described(cls)[0]
