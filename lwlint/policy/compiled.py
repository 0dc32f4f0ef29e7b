"""lwlint's own rules and catalogue in a form that loads without a YAML parser: made when a wheel is built, or kept in the cache.

A form is named after the hash of all that it was made of: the YAML files, and the modules that read them. One that was
made of anything else is not found, so nothing can be stale. Of a form in a wheel, that costs a look at each of these files and
not a reading of them: it is believed where they have the names and sizes that they had when it was made, and none was touched
after the form was installed. Where any of this is otherwise, the contents decide.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, lru_cache, partial
from importlib import import_module
from importlib.util import source_hash
from typing import Any, TypeVar

from msgspec import NODEFAULT, DecodeError, Raw, Struct, msgpack
from msgspec.structs import FieldInfo, fields

from lwlint.checks import Declared
from lwlint.core import catalogue
from lwlint.core.catalogue import Catalogue, Entry
from lwlint.core.check import Reads
from lwlint.core.config_reader import Document
from lwlint.core.facts import Database, Outcome, Service
from lwlint.files.cache import Cache
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
_HEAD = b"lwlint compiled 3\n"
_HASH = 8  # bytes
_AT_ONCE = 5_000_000_000  # nanoseconds in which the files of a package are installed, in whatever order


def rules(cache: Cache) -> list[Rule]:
    """Return lwlint's own rules, without their examples."""
    found = _of("rules", own_folder(), cache, _rules, list[tuple[Rule, Declared, Raw]])
    return [rule.knowing(declared, partial(_restore, kept)) for rule, declared, kept in found]  # so that no check is imported to tell


def _rules(folder: str) -> list[tuple[Rule, Declared, Raw]]:
    from pathlib import Path

    return [(rule, rule.declared, _keep_raw(rule)) for rule in load_folder(Path(folder), "rules", examples=False)]


_CLASS = ""  # the key of the class of a record
_OF_PARAMETERS = ("lwlint.checks.", "lwlint.core.check")  # the modules of these classes


def _keep_raw(rule: Rule) -> Raw:
    """Return the rule's parameters as the record that they are: to be read as one, they need not be compared with its types again."""
    try:
        return Raw(msgpack.encode(_name_classes(rule.parameters)))
    except Exception:  # the rule is broken, and the run tells why
        return Raw(msgpack.encode(None))


def _name_classes(value: Any) -> Any:
    """Return what a rule's parameters are made of as plain values; raise TypeError for what `_make` would not make the same of."""
    if isinstance(value, Struct):
        kind = type(value)
        return {
            _CLASS: f"{kind.__module__}:{kind.__name__}",
            **{name: _name_classes(getattr(value, name)) for name in _list_told_fields(value)},
        }
    if type(value) is tuple:
        return [_name_classes(item) for item in value]
    if type(value) is dict and _CLASS not in value and all(type(key) is str for key in value):
        return {key: _name_classes(item) for key, item in value.items()}
    if value is None or type(value) in (str, bool, int, float):
        return value
    raise TypeError(value)


def _restore(kept: Raw) -> Any:
    """Return the parameters that were kept; None where there are none, or none that can be made."""
    try:
        return _make(msgpack.decode(kept))
    except Exception:  # they are read from YAML's values then, which tells what is wrong
        return None


def _make(value: Any) -> Any:
    if type(value) is list:
        return tuple(map(_make, value))
    if type(value) is not dict:
        return value
    name = value.pop(_CLASS, None)
    fields = {key: _make(item) for key, item in value.items()}
    return fields if name is None else _class(name)(**fields)


@cache
def _class(name: str) -> Any:
    """Return the class of parameters that is kept as `MODULE:NAME`: one of a check's, so that no other code is run for what is read."""
    module, _, kind = name.partition(":")
    found = getattr(import_module(module), kind) if module.startswith(_OF_PARAMETERS) else None
    if not isinstance(found, type) or not issubclass(found, Document):
        raise ValueError(name)
    return found


def services(cache: Cache) -> Catalogue:
    """Return lwlint's own catalogue of services."""
    folder = own_folder()
    kept = (tuple(_stat_files("services", folder)), cache.folder)
    if kept not in _catalogues:
        _catalogues[kept] = Catalogue(_of("services", folder, cache, _entries, list[Entry]))
    return _catalogues[kept]


def _entries(folder: str) -> list[Entry]:
    from lwlint.core import observed

    services, seen = (read_regular(os.path.join(folder, name)).decode("utf-8") for name in _CATALOGUE)
    return list(catalogue.load(services, f"rules/{_SERVICES}", observed.load(seen, f"rules/{_OBSERVED}")).entries)


_catalogues: dict[object, Catalogue] = {}  # a process that checks often reads the catalogue once


def write(folder: str) -> None:
    """Write the compiled forms of the rules in `folder` there, for `rules` and `services` to find when they are installed."""
    from pathlib import Path

    made: dict[str, Callable[[str], Any]] = {"rules": _rules, "services": _entries}
    for name, make in made.items():
        content = b"".join((_shape(_stat_files(name, folder)), _key(name, folder), msgpack.encode(_strip_defaults(make(folder)))))
        Path(folder, name + _SUFFIX).write_bytes(_HEAD + source_hash(content) + content)


def _strip_defaults(value: Any) -> Any:
    """Return a value as plain ones, of records only those fields that are not what they are by default."""
    if isinstance(value, Struct):
        return {name: _strip_defaults(getattr(value, name)) for name in _list_told_fields(value)}
    if isinstance(value, (list, tuple)):
        return [_strip_defaults(item) for item in value]
    return value


def _list_told_fields(record: Struct) -> list[str]:
    return [field.name for field in _fields(type(record)) if not _is_default(field, getattr(record, field.name))]


@cache
def _fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    return fields(kind)  # msgspec reads the annotations anew each time


def _is_default(field: FieldInfo, value: object) -> bool:
    made = field.default_factory() if field.default_factory is not NODEFAULT else field.default
    return type(made) is type(value) and bool(made == value)


def _of(name: str, folder: str, cache: Cache, make: Callable[[str], T], into: type[T]) -> T:
    """Return what is kept under `name` if it was made of what is there now; else make it, and keep it."""
    shipped = _read_shipped(name, folder)
    if shipped is not None:
        with suppress(DecodeError):
            return msgpack.decode(shipped, type=into)
    entry = f"{name}-{_key(name, folder).hex()}"
    kept = cache.get(entry)
    if kept is not None:
        with suppress(DecodeError):
            return msgpack.decode(kept, type=into)
    found = make(folder)
    cache.put(entry, msgpack.encode(_strip_defaults(found)))
    return found


def _read_shipped(name: str, folder: str) -> bytes | None:
    """Return the form that lies beside the rules, if it was made of what is there now."""
    path = os.path.join(folder, name + _SUFFIX)
    try:
        data, there_since = read_regular(path), os.stat(path).st_ctime_ns
    except OSError:
        return None
    seal, content = data[len(_HEAD) : len(_HEAD) + _HASH], data[len(_HEAD) + _HASH :]
    if not data.startswith(_HEAD) or source_hash(content) != seal:
        return None
    shape, key, form = content[:_HASH], content[_HASH : 2 * _HASH], content[2 * _HASH :]
    seen = _stat_files(name, folder)
    untouched = shape == _shape(seen) and all(touched <= there_since + _AT_ONCE for _, _, touched in seen)
    return form if untouched or key == _key(name, folder) else None


Seen = list[tuple[str, int, int]]  # the files that a form is made of: the name, the size, and when it was touched last


def _stat_files(name: str, folder: str) -> Seen:
    """Return what the system says of all files that the form `name` is made of."""
    found = list(_below(folder, "")) if name == "rules" else [_status(folder, file) for file in _CATALOGUE]
    return sorted(found) + _stat_modules()


def _below(folder: str, inside: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{inside}{entry.name}/")
            elif entry.name.endswith(".yaml") and entry.name not in NO_RULES:
                status = entry.stat()
                yield inside + entry.name, status.st_size, _find_time(status)


@lru_cache(maxsize=1)  # a process runs the modules that it has imported
def _stat_modules() -> Seen:
    here = os.path.dirname(os.path.dirname(__file__))
    with os.scandir(os.path.join(here, "checks")) as entries:
        checks = [(f"checks/{one.name}", (status := one.stat()).st_size, _find_time(status)) for one in entries if one.name.endswith(".py")]
    return [_status(here, name) for name in _READERS] + sorted(checks)


def _status(folder: str, name: str) -> tuple[str, int, int]:
    status = os.stat(os.path.join(folder, name))
    return name, status.st_size, _find_time(status)


def _find_time(status: os.stat_result) -> int:
    """Return when a file was written or, where that was set back, put there: the time of a change cannot be set."""
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _shape(seen: Seen) -> bytes:
    """Return the hash of names and sizes, and of the fields of the records that are kept."""
    return source_hash(repr((_records(), [(name, size) for name, size, _ in seen])).encode("utf-8", "surrogateescape"))


def _key(name: str, folder: str) -> bytes:
    """Return the hash of all that a form is made of: the files in the folder of the rules, and the modules that read them."""
    files = sorted(file for file, _, _ in _below(folder, "")) if name == "rules" else _CATALOGUE
    return source_hash(_modules() + b"".join(_content(folder, file) for file in files))


@lru_cache(maxsize=1)
def _modules() -> bytes:
    here = os.path.dirname(os.path.dirname(__file__))
    return repr(_records()).encode() + b"".join(_content(here, name) for name, _, _ in _stat_modules())


def _records() -> list[tuple[str, tuple[str, ...]]]:
    return [(cls.__name__, cls.__struct_fields__) for cls in (Rule, Declared, Reads, Entry, Service, Database, Outcome)]


def _content(folder: str, name: str) -> bytes:
    content = read_regular(os.path.join(folder, name))
    return b"%s %d\n%s" % (name.encode("utf-8", "surrogateescape"), len(content), content)
