"""The files of a tree of templates: read once each, found by relative and absolute references."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from lwlint.facts.input import NotEvaluated, Unreadable
from lwlint.parse import heat
from lwlint.parse.heat import HeatFile
from lwlint.source import Source

BASES = ("overcloud-resource-registry-puppet.j2.yaml", "overcloud-resource-registry-puppet.yaml")
INSTALLED = "/usr/share/openstack-tripleo-heat-templates/"
# a file without any of these words gives no fact; it is only checked to be YAML
_WORDS = (
    "resource_registry", "role_data", "docker_config", "container_config", "get_file", "parameter_defaults", "mapped_data",
    "config_settings", "hieradata", "resources:", "environment_groups", "::",
)  # fmt: skip
_TEMPLATES = (".yaml", ".yml", ".template")
# templates of which Jinja makes one for each role or network: what their names end in, the rest is the role's
_PER_ROLE = ("role.role.j2.yaml", "port.network.j2.yaml", "network.network.j2.yaml", "port_from_pool.network.j2.yaml")


class HeatTree:
    """All Heat files of one run: those that were given, and those that they refer to, loaded when they are wanted."""

    def __init__(self, sources: Sequence[Source], load: Callable[[str], Source | None]) -> None:
        self._load = load
        self._sources: dict[str, Source | None] = {source.path: source for source in sources}
        self._given = list(sources)
        self._read: dict[str, HeatFile | Unreadable | NotEvaluated] = {}
        self._resolved: dict[tuple[str, str], str] = {}
        self._bases: dict[str, HeatFile | None] = {}

    def given(self) -> Iterator[HeatFile | Unreadable | NotEvaluated]:
        """Yield what became of each given source that can matter or cannot be read."""
        for source in self._given:
            if source.kind != "heat":
                continue
            if any(word in source.text for word in _WORDS) or not source.text.strip():
                yield self._reading(source)
            else:
                wrong = heat.syntax_error(source)
                if wrong is not None:
                    yield wrong

    def files(self) -> list[HeatFile]:
        """Return every file that has been read so far, context included."""
        return [reading for reading in self._read.values() if isinstance(reading, HeatFile)]

    def source(self, path: str) -> Source | None:
        """Return the source at `path`, given or loaded; None where there is no file."""
        if path not in self._sources:
            self._sources[path] = self._load(path)
        return self._sources[path]

    def file(self, path: str) -> HeatFile | None:
        """Return the file at `path`, read; None where there is none or it cannot be read."""
        source = self.source(path)
        if source is None or source.kind != "heat":
            return None
        reading = self._reading(source)
        return reading if isinstance(reading, HeatFile) else None

    def find(self, path: str) -> str | None:
        """Return the path of the file that is `path` when Jinja has been rendered; None where there is none."""
        if self.source(path) is not None:
            return path
        stem, dot, suffix = path.rpartition(".")
        rendered = f"{stem}.j2.{suffix}" if dot else path
        return rendered if dot and self.source(rendered) is not None else None

    def is_generated(self, path: str) -> bool:
        """Return whether Jinja may make the file at `path`, for a role or a network of its own data."""
        folder = posixpath.dirname(path)
        name = posixpath.basename(path)
        if any(self.source(posixpath.join(folder, maker)) is not None for maker in _PER_ROLE):
            return True
        match = re.match(r"[a-z0-9]+[-_](.+)\.yaml$", name)
        return match is not None and any(
            self.source(posixpath.join(folder, f"{match.group(1)}.{what}.j2.yaml")) is not None for what in ("role", "network")
        )

    def base(self, path: str) -> HeatFile | None:
        """Return the base registry of the tree that the file at `path` belongs to: the nearest one above it."""
        folder = posixpath.dirname(path)
        if folder not in self._bases:
            found = next((file for name in BASES if (file := self.file(posixpath.join(folder, name))) is not None), None)
            outside = folder in ("", "/") or folder == ".." or folder.endswith("/..")
            self._bases[folder] = found if found is not None or outside else self.base(folder)
        return self._bases[folder]

    def root(self, path: str) -> str | None:
        """Return the folder of the tree that the file at `path` belongs to: the nearest one with a base registry, readable or not."""
        folder = posixpath.dirname(path)
        while not any(self.source(posixpath.join(folder, name)) is not None for name in BASES):
            if folder in ("", "/") or folder == ".." or folder.endswith("/.."):
                return None
            folder = posixpath.dirname(folder)
        return folder

    def resolve(self, path: str, target: str) -> str | None:
        """Return the path of the template that `target`, written in the file at `path`, names; None if it names no file."""
        if not target.endswith(_TEMPLATES) or "://" in target:
            return None
        known = (path, target)
        if known not in self._resolved:
            self._resolved[known] = self._path(path, target)
        return self._resolved[known]

    def _path(self, path: str, target: str) -> str:
        return self.installed(path, target) or posixpath.normpath(posixpath.join(posixpath.dirname(path), target))

    def installed(self, path: str, target: str) -> str | None:
        """Return the path in the tree of `path` that an absolute target below the place of installation means; None for others."""
        if not target.startswith(INSTALLED):
            return None
        return posixpath.normpath(posixpath.join(self.root(path) or "", target[len(INSTALLED) :]))

    def _reading(self, source: Source) -> HeatFile | Unreadable | NotEvaluated:
        if source.path not in self._read:
            self._read[source.path] = heat.read(source)
        return self._read[source.path]
