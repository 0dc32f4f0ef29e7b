"""The unit files of one host: which file, which drop-ins and which links systemd would find for a name.

Sources: systemd.unit(5), "Unit File Load Path"; systemd 252 in test mode and booted.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from lwlint.core.source import Link, Source
from lwlint.inputs.systemd import text as parser
from lwlint.inputs.systemd import values
from lwlint.inputs.systemd import values as names
from lwlint.inputs.systemd.facts import SECOND
from lwlint.inputs.systemd.quadlet import GENERATOR, Made, is_valid, read_made
from lwlint.inputs.systemd.text import Assignment

_PATH = re.compile(r"(?P<top>etc|run|usr/local/lib|usr/lib|lib)/systemd/system\.conf(?P<drop_in>\.d/[^/]+\.conf)?$")
_TOPS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
_MAIN = "etc/systemd/system.conf"


class Defaults(Struct, frozen=True):
    """The defaults of one host; times in microseconds, None for never."""

    restart_usec: int | None = SECOND // 10
    start_limit_interval_usec: int | None = 10 * SECOND
    start_limit_burst: int = 5
    timeout_start_usec: int | None = 90 * SECOND


def is_of_the_manager(path: str) -> bool:
    """Return whether the file at `path` of a host configures systemd itself."""
    return _PATH.match(path) is not None


def defaults(files: Mapping[str, Source]) -> Defaults:
    """Return the defaults that the manager's `files`, by their paths on the host, give."""
    drop_ins: dict[str, str] = {}
    for path in sorted(files, key=lambda path: _TOPS.index(_top(path))):
        if path.endswith(".conf") and "/system.conf.d/" in path:
            drop_ins.setdefault(posixpath.basename(path), path)
    found: dict[str, str] = {}
    for path in (*([_MAIN] if _MAIN in files else []), *(drop_ins[name] for name in sorted(drop_ins))):
        for line in parser.read(files[path]).lines:
            if isinstance(line, Assignment) and line.section == "Manager":
                key = {"DefaultStartLimitInterval": "DefaultStartLimitIntervalSec"}.get(line.key.value, line.key.value)
                if _reads(key, line.value.value) is not None:
                    found[key] = line.value.value
    given = Defaults()
    burst = _reads("DefaultStartLimitBurst", found["DefaultStartLimitBurst"]) if "DefaultStartLimitBurst" in found else None
    return Defaults(
        restart_usec=_time(found, "DefaultRestartSec", given.restart_usec),
        start_limit_interval_usec=_time(found, "DefaultStartLimitIntervalSec", given.start_limit_interval_usec),
        start_limit_burst=given.start_limit_burst if burst is None else burst,
        timeout_start_usec=_time(found, "DefaultTimeoutStartSec", given.timeout_start_usec),
    )


def _top(path: str) -> str:
    match = _PATH.match(path)
    return match["top"] if match else _TOPS[-1]


def _reads(key: str, value: str) -> int | None:
    if key == "DefaultStartLimitBurst":
        return values.unsigned(value)
    return values.timeout(value) if key == "DefaultTimeoutStartSec" else values.time_span(value)


def _time(found: Mapping[str, str], key: str, default: int | None) -> int | None:
    if key not in found:
        return default
    value = _reads(key, found[key])
    return None if value == values.INFINITY else value


PERSISTENT = "etc/systemd/system"
RUNTIME = ("run/systemd/system.control", "run/systemd/transient", "run/systemd/system", "run/systemd/system.attached")
GENERATED = ("run/systemd/generator.early", "run/systemd/generator", "run/systemd/generator.late")
SEARCH_PATH = (
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    PERSISTENT,
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
)
_MOST_HOPS = 8


class Tree(Struct):
    """Files and links of one host by their path on it; `folders` lists the names in each folder, `manager` is what configures systemd.

    `made` are the units that podman's generator makes of quadlets, by the path where it puts them; `files` has the quadlets there.
    """

    search_path: tuple[str, ...]
    files: dict[str, Source] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    elsewhere: dict[str, Source] = field(default_factory=dict)
    folders: dict[str, dict[str, None]] = field(default_factory=dict)
    manager: dict[str, Source] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)

    def add(self, path: str) -> None:
        """Enter `path` in the list of its folder, and the folder in that of its parent."""
        while path:
            folder, name = posixpath.split(path)
            inside = self.folders.setdefault(folder, {})
            if name in inside:
                return
            inside[name] = None
            path = folder

    def drop(self, path: str) -> None:
        """Forget the file or link at `path`."""
        folder, name = posixpath.split(path)
        self.files.pop(path, None)
        self.links.pop(path, None)
        self.folders[folder].pop(name, None)

    def target(self, path: str) -> str:
        """Return the path on the host that the link at `path` names, not followed further."""
        written = self.links[path].target
        joined = written if written.startswith("/") else posixpath.join("/", posixpath.dirname(path), written)
        return posixpath.normpath(joined).lstrip("/")

    def followed(self, path: str) -> str | None:
        """Return where the links at `path` lead in the end; None for a circle."""
        for _ in range(40):
            if path not in self.links:
                return path
            path = self.target(path)
        return None

    def source(self, path: str) -> Source | None:
        """Return the file at `path`, links followed."""
        real = self.followed(path)
        return None if real is None else self.files.get(real) or self.elsewhere.get(real)

    def is_null(self, path: str) -> bool:
        """Return whether `path` is an empty file or leads to /dev/null, as masks do."""
        real = self.followed(path)
        source = self.source(path)
        return real == "dev/null" or (source is not None and not source.text)

    def folder(self, path: str) -> str | None:
        """Return the real folder at `path`, a link followed; None if there is no folder."""
        real = self.followed(path)
        return real if real is not None and real in self.folders else None

    def units(self) -> Iterator[tuple[str, str]]:
        """Yield each name of a unit file or link with its path: of equal names the first in the search path."""
        seen = set()
        for folder in self.search_path:
            for name in sorted(self.folders.get(folder, ())):
                path = posixpath.join(folder, name)
                if name not in seen and names.is_unit(name) and path not in self.folders:
                    if path in self.links and self.is_bad_alias(path):
                        continue
                    seen.add(name)
                    yield name, path

    def is_bad_alias(self, path: str) -> bool:
        """Return whether the link at `path` stays in the search path but makes no alias, so that systemd skips it."""
        target = self.target(path)
        return self.in_search_path(target) and not names.may_alias(posixpath.basename(path), posixpath.basename(target))

    def in_search_path(self, path: str) -> bool:
        """Return whether `path` lies below one of the folders of units."""
        return any(path.startswith(folder + "/") for folder in self.search_path)


def trees(sources: Iterable[Source], links: Iterable[Link], quadlets: Iterable[Source] = ()) -> list[Tree]:
    """Return one tree for each host among the sources, and one for each folder of loose unit files; `quadlets` are those of podman."""
    hosts: dict[str, Tree] = {}
    loose: dict[str, Tree] = {}
    items: tuple[Source | Link, ...] = (*sources, *links)
    for item in items:
        below = item.path[len(item.root) :]
        if is_of_the_manager(below):
            if isinstance(item, Source):
                hosts.setdefault(item.root, Tree(SEARCH_PATH)).manager[below] = item
            continue
        on_host = any(below.startswith(folder + "/") for folder in SEARCH_PATH)
        if on_host:
            tree = hosts.setdefault(item.root, Tree(SEARCH_PATH))
        else:
            folder, name = posixpath.split(item.path)
            place = posixpath.dirname(folder) if folder.endswith(".d") and name.endswith(".conf") else folder
            tree = loose.setdefault(place, Tree(("",)))
            below = item.path[len(place) :].lstrip("/")
        if isinstance(item, Source):
            tree.files[below] = item
        else:
            tree.links[below] = item
        tree.add(below)
    _adopt(hosts, loose)
    for place, on_host, units in read_made(quadlets):
        tree = hosts.setdefault(place, Tree(SEARCH_PATH)) if on_host else loose.setdefault(place, Tree(("",)))
        for made in units:
            path = f"{GENERATOR}/{made.name}" if on_host else made.name
            if is_valid(made):
                tree.made[path], tree.files[path] = made, made.source
                tree.add(path)
    return [*hosts.values(), *(tree for tree in loose.values() if tree.files or tree.links)]


def _adopt(hosts: dict[str, Tree], loose: dict[str, Tree]) -> None:
    """Give files that a host's links lead to to that host, and forget what lies in its tree outside the search path."""
    for root, host in hosts.items():
        wanted = {host.followed(path) for path in host.links}
        for place, tree in loose.items():
            if not f"{place}/".startswith(root):
                continue
            inside = place[len(root) :]
            outside = inside.split("/")[0] in ("usr", "etc", "lib", "run", "var")
            for path in [*tree.files, *tree.links]:
                on_host = posixpath.join(inside, path)
                if on_host in wanted and path in tree.files:
                    host.elsewhere[on_host] = tree.files[path]
                    tree.drop(path)
                elif outside:
                    tree.drop(path)


class Found(Struct, frozen=True):
    """What systemd finds for one unit. `path` is its file (None: none), `names` all its names, its own first."""

    name: str
    names: tuple[str, ...]
    path: str | None
    drop_ins: tuple[str, ...]


class Finder:
    """Looks units up in one tree, as systemd does once it has listed the search path."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._ids = dict(tree.units())
        self._called: dict[str, list[str]] = {}
        for name in self._ids:
            path = self._fragment(name)
            if path and (tree.is_null(path) or tree.source(path) is not None):
                target = posixpath.basename(path)
                instance = names.instance_of(name)
                if instance and names.is_template(target):
                    target = names.instantiated(target, instance)
                self._called.setdefault(target, []).append(name)

    def names(self) -> list[str]:
        """Return every name that has a unit file, a link or a drop-in folder, sorted."""
        found = set(self._ids)
        for folder in self.tree.search_path:
            for name in self.tree.folders.get(folder, ()):
                stem, _, suffix = name.rpartition(".")
                inside = self.tree.folder(posixpath.join(folder, name))
                if inside is None:
                    continue
                if suffix == "d" and _is_meant(stem) and self._confs(inside):
                    found.add(stem)
                if suffix in ("wants", "requires"):
                    found.update(n for n in self.tree.folders[inside] if names.instance_of(n))
        return sorted(found)

    def _confs(self, folder: str) -> list[str]:
        return [n for n in self.tree.folders[folder] if n.endswith(".conf") and not n.startswith(".")]

    def _fragment(self, name: str) -> str | None:
        """Return the path of the unit file that `name` leads to, over aliases; None if they lead nowhere."""
        for hop in range(_MOST_HOPS):
            path = self._ids.get(name)
            if path is None and hop and names.instance_of(name):
                path = self._ids.get(names.template_of(name))
            if path is None:
                return None
            if path not in self.tree.links:
                return path
            target = self.tree.target(path)
            if not self.tree.in_search_path(target):
                return path
            name = posixpath.basename(target)
        return None

    def own_name(self, name: str) -> str:
        """Return the own name of the unit that `name` is a name of, without looking for what else belongs to it."""
        return self._own(name)[0]

    def _own(self, name: str) -> tuple[str, str | None]:
        """Return the own name of a unit, and the path of its file."""
        instance = names.instance_of(name)
        path = self._fragment(name)
        if path is None and instance:
            path = self._fragment(names.template_of(name))
        if path is None:
            return name, None
        base = posixpath.basename(path)
        return (names.instantiated(base, instance) if instance and names.is_template(base) else base), path

    def find(self, name: str) -> Found:
        """Return what systemd finds for `name`."""
        instance = names.instance_of(name)
        own, path = self._own(name)
        known = dict.fromkeys((name, *self._aliases(name, instance, None)))
        if path is not None:
            base = posixpath.basename(path)
            if base != name:
                known.update(dict.fromkeys(self._aliases(base, instance, base)))
                known[own] = None
        every = (own, *sorted(n for n in known if n != own))
        return Found(own, every, path, tuple(self._drop_ins(every)))

    def _aliases(self, name: str, instance: str | None, base: str | None) -> Iterator[str]:
        for alias in self._called.get(name, ()):
            if not (instance and names.is_template(alias)):
                yield alias
                continue
            made = names.instantiated(alias, instance)
            other = self._fragment(made)
            if not (other and base and posixpath.basename(other) != base):
                yield made

    def _drop_ins(self, every: tuple[str, ...]) -> list[str]:
        chosen: dict[str, str] = {}
        for folder in self.folders_of(every, ".d"):
            for name in self._confs(folder):
                chosen.setdefault(name, posixpath.join(folder, name))
        return [chosen[name] for name in sorted(chosen, key=lambda n: n.encode("utf-8", "surrogateescape"))]

    def folders_of(self, every: tuple[str, ...], suffix: str) -> list[str]:
        """Return the folders with `suffix` that count for a unit with these names, the strongest first."""
        found: dict[str, None] = {}
        for name in every:
            stems = tuple(_stems(name))
            for top in self.tree.search_path:
                for stem in stems:
                    self._add(found, top, stem + suffix)
        for top in self.tree.search_path:
            self._add(found, top, names.type_of(every[0]) + suffix)
        return list(found)

    def _add(self, found: dict[str, None], top: str, name: str) -> None:
        if top in self.tree.folders and name in self.tree.folders[top]:
            folder = self.tree.folder(posixpath.join(top, name))
            if folder is not None:
                found[folder] = None


def _is_meant(stem: str) -> bool:
    """Return whether a drop-in folder of this stem speaks of one unit: not of a prefix (`a-.service`), nor of a doubled suffix."""
    return names.is_unit(stem) and not names.prefix_of(stem).endswith("-") and not names.is_unit(names.prefix_of(stem))


def _stems(name: str) -> Iterator[str]:
    """Yield the names whose folders count for a unit: its own, its template's, then those of its prefixes."""
    yield name
    if names.instance_of(name):
        yield from _stems(names.template_of(name))
    shorter = names.shortened(name)
    if shorter is not None:
        yield from _stems(shorter)
