"""`rules/services.yaml` -> the services and what only the catalogue needs to recognise them by.

In that file a list is written as words with blanks between; `docs/catalogue.md` explains every key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from lwlint.facts.service import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE, RELEASES, Database, Service
from lwlint.read import Mismatch, Path, near
from lwlint.record import dataclass

KINDS = (CORE, ACTIVE_PASSIVE, ACTIVE_ACTIVE, INFRASTRUCTURE)
NAMESPACE = "OS::TripleO::Services::"
PROFILE = "tripleo::profile::pacemaker::"

_DATABASE = {"section", "option", "retry_section", "connection", "retries"}
_PACEMAKER = {"releases", "agents", "agents_with_id", "ids", "full_ha", "bundle", "images", "templates", "profiles"}
_SERVICE = {
    "title", "in_spec", "project", "daemon", "releases", "aliases", "outside_aliases", "templates", "pacemaker", "units", "httpd",
    "containers", "files", "generated", "databases", "broker", "modules", "note",
}  # fmt: skip
_TRUTH = {"in_spec", "daemon", "broker"}


@dataclass(frozen=True)
class Entry:
    """One service, and how a cluster or a host names it.

    `images` are base names of container images, `agents_with_id` pairs of an agent and the only id (a glob) under which
    it is this service, `generated` the directories below `puppet-generated/` from which its containers are fed.
    """

    service: Service
    path: Path
    images: tuple[str, ...] = ()
    agents_with_id: tuple[tuple[str, str], ...] = ()
    generated: tuple[str, ...] = ()


def entries(plain: Any) -> list[Entry]:
    """Return the entries of the plain values of `services.yaml`; raise Mismatch where they do not fit."""
    _keys(plain, {"databases", *KINDS}, ())
    databases = {name: _database(d, ("databases", name)) for name, d in (plain.get("databases") or {}).items()}
    found: list[Entry] = []
    names: set[str] = set()
    for kind in KINDS:
        services = plain.get(kind) or {}
        if not isinstance(services, dict):
            raise Mismatch((kind,), "must be a mapping")
        for name, values in services.items():
            if name in names:
                raise Mismatch((kind, name), f"`{name}` stands under two kinds", key=True)
            names.add(name)
            found.append(_entry(name, kind, values, databases))
    return found


def _keys(plain: Any, known: set[str], path: Path) -> None:
    if not isinstance(plain, dict):
        raise Mismatch(path, "must be a mapping")
    for key in plain:
        if key not in known:
            raise Mismatch((*path, key), f"`{key}`: unknown key{near(str(key), known)}", key=True)


def _words(values: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    if key not in values:
        return ()
    value = values[key]
    if not isinstance(value, str):
        raise Mismatch((*path, key), f"`{key}` must be words with blanks between")
    return tuple(value.split())


def _range(values: Mapping[str, Any], key: str, path: Path, default: str = "") -> tuple[str, ...]:
    try:
        return _releases(str(values.get(key, default)))
    except ValueError as error:
        raise Mismatch((*path, key), str(error)) from None


@lru_cache
def _releases(text: str) -> tuple[str, ...]:
    """Return the releases of a range: `mitaka..rocky`, `ocata..` (to the last), or one name."""
    if not text:
        return ()
    first, dots, last = text.partition("..")
    last = last or (RELEASES[-1] if dots else first)
    for name in (first, last):
        if name not in RELEASES:
            raise ValueError(f"`{name}`: unknown release{near(name, RELEASES)}")
    return RELEASES[RELEASES.index(first) : RELEASES.index(last) + 1]


def _database(plain: Any, path: Path) -> Database:
    _keys(plain, _DATABASE, path)
    if not isinstance(plain.get("section"), str):
        raise Mismatch(path, "`section` is missing")
    return Database(
        section=plain["section"],
        connection_keys=_words(plain, "connection", path),
        retry_keys=_words(plain, "retries", path),
        option=plain.get("option", "connection"),
        retry_section=plain.get("retry_section", ""),
    )


def _paths(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        if word.startswith("services/"):
            yield f"puppet/{word}.yaml"
            yield f"docker/{word}.yaml"
        else:
            yield f"{word}.yaml"


def _entry(name: str, kind: str, values: Any, databases: Mapping[str, Database]) -> Entry:
    path: Path = (kind, name)
    values = {} if values is None else values
    _keys(values, _SERVICE, path)
    for key in _TRUTH & values.keys():
        if not isinstance(values[key], bool):
            raise Mismatch((*path, key), f"`{key}` must be `true` or `false`")
    pacemaker = values.get("pacemaker", {})
    inside: Path = (*path, "pacemaker")
    _keys(pacemaker, _PACEMAKER, inside)
    units = _words(values, "units", path)
    project = values.get("project", "")
    pacemaker_templates = tuple(_paths(_words(pacemaker, "templates", inside)))
    outside = tuple(NAMESPACE + word for word in _words(values, "outside_aliases", path))
    service = Service(
        name=name,
        title=values.get("title") or (units[0].rstrip("@") if units else name.replace("_", "-")),
        kind=kind,
        releases=_range(values, "releases", path, "mitaka.."),
        under_pacemaker=_range(pacemaker, "releases", inside),
        in_spec=values.get("in_spec", False),
        openstack=bool(project),
        aliases=tuple(NAMESPACE + word for word in _words(values, "aliases", path)) + outside,
        templates=tuple(_paths(_words(values, "templates", path))) + pacemaker_templates,
        units=units,
        containers=_words(values, "containers", path),
        config_files=_words(values, "files", path) if "files" in values or not project else (f"/etc/{project}/{project}.conf",),
        databases=tuple(_databases(values, databases, path)),
        broker=values.get("broker", bool(project)),
        daemon=values.get("daemon", True),
        outside_aliases=outside,
        pacemaker_templates=pacemaker_templates,
        profiles=tuple(PROFILE + word for word in _words(pacemaker, "profiles", inside)),
        resource_ids=tuple(dict.fromkeys(i for key in ("ids", "full_ha", "bundle") for i in _words(pacemaker, key, inside))),
        full_ha_ids=_words(pacemaker, "full_ha" if "full_ha" in pacemaker else "ids", inside),
        bundle_ids=_words(pacemaker, "bundle", inside),
        agents=_words(pacemaker, "agents", inside),
        httpd=_range(values, "httpd", path),
        modules=(project, *_words(values, "modules", path)) if project else _words(values, "modules", path),
        note=values.get("note", ""),
    )
    return Entry(
        service,
        path,
        images=_words(pacemaker, "images", inside),
        agents_with_id=tuple(_agents_with_id(pacemaker, inside)),
        generated=_words(values, "generated", path) if "generated" in values or not project else (project,),
    )


def _databases(values: Mapping[str, Any], databases: Mapping[str, Database], path: Path) -> Iterator[Database]:
    for word in _words(values, "databases", path):
        if word not in databases:
            raise Mismatch((*path, "databases"), f"`{word}`: unknown database{near(word, databases)}")
        yield databases[word]


def _agents_with_id(pacemaker: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    for word in _words(pacemaker, "agents_with_id", path):
        agent, equals, glob = word.partition("=")
        if not equals:
            raise Mismatch((*path, "agents_with_id"), f"`{word}` must be `AGENT=ID`")
        yield agent, glob
