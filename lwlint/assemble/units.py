"""Unit files, drop-ins and links of hosts -> units as systemd has them in force."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from lwlint.assemble import unit_state
from lwlint.assemble.unit_defaults import defaults
from lwlint.assemble.unit_files import Finder, Found, Tree, trees
from lwlint.assemble.unit_settings import Settings
from lwlint.catalogue import Catalogue
from lwlint.facts import Fact
from lwlint.facts.input import Unreadable
from lwlint.facts.service import Service
from lwlint.facts.systemd import (
    BAD_SETTING,
    ERROR,
    LOADED,
    MASKED,
    NOT_FOUND,
    DropInWithoutUnit,
    IgnoredLine,
    Setting,
    Unit,
)
from lwlint.parse import unit as parser
from lwlint.parse import unit_names, unit_values
from lwlint.parse.unit import UnitText
from lwlint.source import Link, Source, Span, Text


def unit_facts(sources: Sequence[Source], links: Sequence[Link], catalogue: Catalogue) -> Iterator[Fact]:
    """Yield the units of every host and folder among `sources` and `links`, the lines in them that do nothing, and the files that
    systemd gives up (`Unreadable`)."""
    for tree in trees(sources, links):
        yield from _Host(tree, catalogue).facts()


class _Host:
    """Reads each file of one tree once, and assembles its units."""

    def __init__(self, tree: Tree, catalogue: Catalogue) -> None:
        self.tree = tree
        self.catalogue = catalogue
        self.loose = tree.search_path == ("",)
        self.finder = Finder(tree)
        self.texts: dict[str, UnitText] = {}
        self.defaults = defaults(tree.manager)
        self.enabling = unit_state.Enabling(tree)

    def facts(self) -> Iterator[Fact]:
        """Yield the facts of this tree, each unit once, under its own name."""
        done = set()
        ignored: dict[tuple[Span, str], IgnoredLine] = {}
        names = self.finder.names()
        for name in names:  # which grows by the instances that other units ask for
            found = self.finder.find(name)
            if found.name in done:
                continue
            done.add(found.name)
            unit, dropped = self._unit(found)
            yield unit
            names += [word for word in _instances(unit) if word not in done and self.finder.find(word).path is not None]
            for line in dropped:
                ignored.setdefault((line.span, line.because), line)
        yield from ignored.values()
        for text in self.texts.values():
            if text.stop is not None:
                message = f"{text.stop.because}; systemd reads the file no further"
                yield Unreadable(text.path, text.stop.text.span, message, self._host(text.path))
        yield from self._lost_drop_ins()

    def _text(self, path: str) -> UnitText | None:
        source = self.tree.source(path)
        if source is None:
            return None
        if source.path not in self.texts:
            self.texts[source.path] = parser.read(source)
        return self.texts[source.path]

    def _host(self, shown: str) -> str:
        items: tuple[Source | Link, ...] = (*self.tree.files.values(), *self.tree.links.values())
        return next((item.host for item in items if item.path == shown), "")

    def _shown(self, path: str) -> str:
        """Return the path of a file on the host as it is shown: that of its source, else of its link."""
        item = self.tree.files.get(path) or self.tree.elsewhere.get(path) or self.tree.links.get(path)
        source = self.tree.source(path) if path in self.tree.links else None
        return source.path if source is not None else item.path if item is not None else path

    def _at(self, path: str) -> str:
        """Return the path of a file or link on the host as it is shown, links not followed."""
        item = self.tree.links.get(path) or self.tree.files.get(path)
        return item.path if item is not None else path

    def _item(self, found: Found) -> Source | Link | None:
        for path in (found.path, *self._placed(found)):
            if path is not None:
                item = self.tree.links.get(path) or self.tree.files.get(path)
                if item is not None:
                    return item
        return None

    def _placed(self, found: Found) -> Iterator[str]:
        """Yield the paths that tell of a unit without a file: its drop-ins, and links by its names."""
        yield from found.drop_ins
        for path in self.tree.links:
            if posixpath.basename(path) in found.names:
                yield path

    def _unit(self, found: Found) -> tuple[Unit, list[IgnoredLine]]:
        read = Settings(found.name)
        state, because, place = self._read_fragment(found, read)
        applied = Settings(found.name) if state == NOT_FOUND else read
        if state in (LOADED, NOT_FOUND):
            self._read_drop_ins(found, applied)
            self._add_required(found, applied)
        settings, lists = read.done()
        if state == LOADED and unit_names.type_of(found.name) == "service":
            refusal = unit_state.refused(read, settings)
            if refusal is not None:
                state, (because, place) = BAD_SETTING, refusal
        item = self._item(found)
        first = item.path if item is not None else found.name
        host = item.host if item is not None else ""
        service = self._service(found)
        unit = Unit(
            name=found.name,
            span=Span(self._shown(found.path) if found.path and state != MASKED else first, 0, 0),
            host=host,
            load_state=state,
            because=because,
            because_span=place,
            settings=settings,
            lists=lists,
            pending=applied.done()[0] if state == NOT_FOUND else {},
            fragment=self._at(found.path) if found.path and state != NOT_FOUND else "",
            drop_ins=tuple(self._at(path) for path in found.drop_ins),
            names=found.names,
            enabled=self._enabled(found, lists, state),
            type=unit_state.service_type(settings) if unit_names.type_of(found.name) == "service" and settings else "",
            template=unit_names.is_template(found.name),
            loose=self.loose,
            service=service,
            restart_usec=_time(settings, "Service.RestartSec", self.defaults.restart_usec),
            start_limit_interval_usec=_time(settings, "Unit.StartLimitIntervalSec", self.defaults.start_limit_interval_usec),
            start_limit_burst=_burst(settings, self.defaults.start_limit_burst),
            timeout_start_usec=_start_timeout(settings, self.defaults.timeout_start_usec),
        )
        dropped = [IgnoredLine(i.name, i.span, found.name, i.because, i.value, host, service) for i in applied.ignored]
        return unit, dropped

    def _service(self, found: Found) -> Service | None:
        return next((s for s in map(self.catalogue.of_unit, found.names) if s is not None), None)

    def _enabled(self, found: Found, lists: Mapping[str, tuple[Setting, ...]], state: str) -> str:
        says = self.enabling.state(found, lists)
        if says in ("disabled", "not-found") and not self.enabling.known:
            return "unknown"
        return says

    def _read_fragment(self, found: Found, read: Settings) -> tuple[str, str, Span | None]:
        """Read the unit file; return the load state so far, and why and where if it is a bad one."""
        if found.path is None:
            link = next((self.tree.links[p] for p in self.tree.links if posixpath.basename(p) in found.names), None)
            why = f"it is a link to `{link.target}`, where there is no unit file" if link is not None else "there is no unit file for it"
            return NOT_FOUND, why, None
        if self.tree.is_null(found.path):
            return MASKED, "", None
        text = self._text(found.path)
        if text is None:
            return NOT_FOUND, f"it is a link to `{self.tree.links[found.path].target}`, which is not there", None
        fatal = read.read(text)
        if fatal is not None:
            return BAD_SETTING, fatal[0], fatal[1]
        if text.stop is not None:
            return ERROR, text.stop.because, text.stop.text.span
        return LOADED, "", None

    def _read_drop_ins(self, found: Found, read: Settings) -> None:
        for path in found.drop_ins:
            text = self._text(path)
            if text is not None:
                read.read(text)

    def _add_required(self, found: Found, read: Settings) -> None:
        """Add the dependencies that links in `UNIT.requires/` and `UNIT.wants/` make."""
        for suffix, key in ((".wants", "Unit.Wants"), (".requires", "Unit.Requires")):
            for folder in self.finder.folders_of(found.names, suffix):
                for name in sorted(self.tree.folders[folder]):
                    path = posixpath.join(folder, name)
                    if path in self.tree.links and unit_names.is_unit(name) and not self.tree.is_null(path):
                        span = Span(self.tree.links[path].path, 0, 0)
                        read.lists.setdefault(key, []).append(Setting(name, span, Text(suffix, span)))

    def _lost_drop_ins(self) -> Iterator[DropInWithoutUnit]:
        """Yield the drop-ins of Pacemaker's that lie where systemd does not look."""
        for path, source in self.tree.files.items():
            folder, name = posixpath.split(path)
            if name != "50-pacemaker.conf":
                continue
            last = posixpath.basename(folder)
            doubled = re.fullmatch(r"(.+\.service)\.service\.d", last)
            bus = re.fullmatch(r".*_2eservice", last)
            if doubled or bus:
                meant = doubled[1] if doubled else re.sub(r"_([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), last)
                yield DropInWithoutUnit(last, source.span(0, 0), meant, source.host, self.catalogue.of_unit(meant))


def _instances(unit: Unit) -> Iterator[str]:
    """Yield the instances of templates that the unit starts."""
    for key in ("Wants", "Requires", "BindsTo", "Upholds"):
        for entry in unit.lists.get(f"Unit.{key}", ()):
            yield from (word for word in entry.value.split() if unit_names.instance_of(word))


def _time(settings: Mapping[str, Setting], key: str, default: int | None) -> int | None:
    """Return a time span in microseconds, None for never; a timeout of 0 is never too."""
    if key not in settings:
        return default
    read = unit_values.timeout if "Timeout" in key else unit_values.time_span
    value = read(settings[key].value)
    return None if value == unit_values.INFINITY else value


def _start_timeout(settings: Mapping[str, Setting], given: int | None) -> int | None:
    default = None if unit_state.service_type(settings) == "oneshot" else given
    return _time(settings, "Service.TimeoutStartSec", default)


def _burst(settings: Mapping[str, Setting], default: int) -> int:
    value = unit_values.unsigned(settings["Unit.StartLimitBurst"].value) if "Unit.StartLimitBurst" in settings else None
    return default if value is None else value
