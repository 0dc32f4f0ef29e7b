"""Database connections that a manifest gives to a class, and the retries that it sets for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lwlint.catalogue import Catalogue
from lwlint.facts.puppet import ManifestClass, ManifestDatabase, ManifestOption, Setting
from lwlint.facts.service import Database, Service

_CONNECTION = "database_connection"
_OTHER_STORES = ("mongodb:", "redis:", "memcached:", "file:")


def databases(classes: Sequence[ManifestClass], options: Sequence[ManifestOption], catalogue: Catalogue) -> Iterator[ManifestDatabase]:
    """Yield the connections that the declarations of `classes` set, each with the retry key that the same manifest sets for it.

    A parameter is a connection when the catalogue knows it as a hiera key, or when it is called `database_connection` and belongs to
    a class of a module in the catalogue.
    """
    for used in classes:
        for setting in used.settings:
            found = _database(f"{used.name}::{setting.name}", used.name, setting, catalogue)
            if found is None or setting.value == "undef" or (setting.value or "").startswith(_OTHER_STORES):
                continue
            service, section, keys = found
            module = used.name.partition("::")[0]
            retry = _retry(keys, used.name, section, classes, options)
            yield ManifestDatabase(f"{used.name}::{setting.name}", setting.key, module, keys, retry, used.host, service)


def _database(key: str, used: str, setting: Setting, catalogue: Catalogue) -> tuple[Service, str, tuple[str, ...]] | None:
    """Return the service, the section of its retries and the retry keys for a connection key; None if it is none."""
    services = catalogue.module(used.partition("::")[0])
    if not services or not setting.name.endswith(("connection", "uri")):
        return None
    own = _own_keys(used, setting.name)
    for service in services:
        for database in service.databases:
            if key in database.connection_keys:
                return service, database.retry_section or database.section, _keys(database, own)
    if setting.name != _CONNECTION:
        return None
    service, known = _nearest(used, services)
    return service, (known.retry_section or known.section) if known else "database", _keys(known, own)


def _keys(database: Database | None, own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the retry keys of a database; none where the catalogue says that its module has no such parameter (gnocchi)."""
    known = () if database is None else database.retry_keys
    return () if database is not None and not known else tuple(dict.fromkeys((*known, *own)))


def _own_keys(used: str, parameter: str) -> tuple[str, ...]:
    """Return the keys of the class itself and of its `::db` class, where older modules had them."""
    if not parameter.endswith(_CONNECTION):
        return ()
    name = parameter[: -len("connection")] + "max_retries"
    base = used[: -len("::db")] if used.endswith("::db") else used
    return tuple(dict.fromkeys((f"{used}::{name}", f"{base}::{name}", f"{base}::db::{name}")))


def _nearest(used: str, services: Sequence[Service]) -> tuple[Service, Database | None]:
    """Return the service with the database whose connection key shares the longest beginning with the class."""
    best: tuple[int, Service, Database | None] = (-1, services[0], None)
    for service in services:
        for database in service.databases:
            for key in database.connection_keys:
                owner = key.rpartition("::")[0]
                if (owner == used or owner.startswith(f"{used}::")) and len(used) > best[0]:
                    best = (len(used), service, database)
    return best[1], best[2]


def _retry(
    keys: tuple[str, ...], used: str, section: str, classes: Sequence[ManifestClass], options: Sequence[ManifestOption]
) -> Setting | None:
    for one in classes:
        for setting in one.settings:
            if f"{one.name}::{setting.name}" in keys:
                return setting
    configs = (f"{used.replace('::', '_')}_config", f"{used.partition('::')[0]}_config")
    for option in options:
        if option.config in configs and option.section == section and option.option == "max_retries" and not option.absent:
            return Setting(option.name, option.value, option.written, option.span, option.span)
    return None
