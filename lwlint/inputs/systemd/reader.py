"""Unit files, drop-ins and links of hosts -> units as systemd has them in force.

Units whose files are not at hand are known by what `systemctl show` said of them. Names of the properties: systemd 208 to 252, whose `show`
prints a property that ends in `USec` as a time span and others as they are.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.catalogue import Catalogue, find_container, project_like
from lwlint.core.facts import Fact, Release, Service, Unreadable, by_version
from lwlint.core.harmless import whole
from lwlint.core.lazy import pattern
from lwlint.core.source import Link, Source, Span, Text
from lwlint.inputs.containers.facts import DOCKER, HostContainer
from lwlint.inputs.systemd import programs
from lwlint.inputs.systemd import settings as parser
from lwlint.inputs.systemd.facts import (
    BAD_SETTING,
    ENDLESS_STARTS,
    ERROR,
    LOADED,
    MASKED,
    NOT_FOUND,
    PACEMAKER_DROP_IN,
    SECOND,
    DropInWithoutUnit,
    IgnoredLine,
    Setting,
    ShownUnit,
    Unit,
    Version,
)
from lwlint.inputs.systemd.files import GENERATED, PERSISTENT, TRANSIENT, Finder, Found, Tree, defaults, read_enabled, trees
from lwlint.inputs.systemd.programs import Started
from lwlint.inputs.systemd.settings import INFINITY, Assignment, Settings, UnitText, boolean, time_span, type_of

_SDNOTIFY = pattern(r"\s--sdnotify[=\s]\s*(\w+)")
DEPENDENCY_FOLDERS = (".wants", ".requires", ".upholds")


def service_type(settings: Mapping[str, Setting]) -> str:
    """Return the effective Type= of a service."""
    if "Service.Type" in settings:
        return settings["Service.Type"].value
    if "Service.BusName" in settings:
        return "dbus"
    return "simple" if "Service.ExecStart" in settings else "oneshot"


def find_refusal(read: Settings, settings: Mapping[str, Setting]) -> tuple[str, Span | None] | None:
    """Return why systemd refuses a service with these settings (LoadState bad-setting), and the line at fault; None if it does not."""

    def value(key: str, default: str = "") -> str:
        return settings[key].value if key in settings else default

    def at(key: str) -> Span | None:
        return settings[key].span if key in settings else None

    kind = service_type(settings)
    start = read.programs.get("Service.ExecStart", [])
    acts = value("Unit.SuccessAction", "none") != "none"
    if not start and "Service.ExecStop" not in settings and not acts:
        return "it has no `ExecStart=`", None
    if kind != "oneshot" and not start:
        return "it has no `ExecStart=`, which only `Type=oneshot` may lack", at("Service.Type")
    if not start and not boolean(value("Service.RemainAfterExit", "no")) and not acts:
        return "it has no `ExecStart=` and no `RemainAfterExit=yes`", None
    if kind != "oneshot" and len(start) > 1:
        why = "it has more than one `ExecStart=`, which only `Type=oneshot` may have (an empty `ExecStart=` first takes the others away)"
        return why, start[-1][1]
    if kind == "oneshot" and value("Service.Restart", "no") in ("always", "on-success"):
        return f"`Type=oneshot` cannot have `Restart={value('Service.Restart')}`", at("Service.Restart")
    if kind == "oneshot" and value("Service.Restart", "no") != "no" and read.lacks(parser.ONESHOT_RESTARTED, parser.ONESHOT):
        why = f"before systemd {parser.ONESHOT_RESTARTED} ({read.systemd.because})"
        return f"`Type=oneshot` cannot have `Restart={value('Service.Restart')}` {why}", at("Service.Restart")
    if kind == "oneshot" and "Service.RestartForceExitStatus" in settings:
        return "`Type=oneshot` cannot have `RestartForceExitStatus=`", at("Service.RestartForceExitStatus")
    if kind == "oneshot" and value("Service.ExitType") == "cgroup":
        return "`Type=oneshot` cannot have `ExitType=cgroup`", at("Service.ExitType")
    if kind == "dbus" and "Service.BusName" not in settings:
        return "`Type=dbus` needs a `BusName=`", at("Service.Type")
    if value("Service.PAMName") and value("Service.KillMode", "control-group") not in ("control-group", "mixed"):
        return f"`PAMName=` cannot be with `KillMode={value('Service.KillMode')}`", at("Service.KillMode")
    return None


_INCLUDE = pattern(r"\.include\s+(\S.*)")


def _find_include(line: Assignment | parser.Stray) -> str:
    """Return the file that a line of a unit file includes; empty where it is no such line."""
    match = _INCLUDE.fullmatch(line.text.value) if isinstance(line, parser.Stray) else None
    return match[1] if match is not None else ""


class _Entry(Struct, frozen=True):
    """A link beside the unit files with the name that it leads to, or one `inside` a folder such as `a.target.wants`, whose own name alone
    counts: for an instance `target` is its template there. `circles` tells that it leads to a file of its own name in another
    such folder."""

    name: str
    target: str
    inside: bool
    circles: bool = False


class Enabling:
    """The links of one host that enable its units, entered once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.known = False  # whether they are at hand at all: at least one unit of the host is enabled in /etc
        self._entries: dict[str, dict[str, list[_Entry]]] = {top: {} for top in tree.search_path}  # by their names and their targets'
        self.upheld: dict[str, set[str]] = {}  # by their names: the units in whose folders `.upholds` they are
        for path in tree.links:
            folder, name = posixpath.split(path)
            top = posixpath.dirname(folder)
            inside = folder not in self._entries
            if inside and (top not in self._entries or not folder.endswith(DEPENDENCY_FOLDERS) or folder in tree.links):
                self.known = self.known or (top == PERSISTENT and folder.endswith(DEPENDENCY_FOLDERS))
                continue
            of_name = parser.template_of(name) if parser.instance_of(name) else name
            target = of_name if inside else posixpath.basename(tree.links[path].target)
            entry = _Entry(name, target, inside, not inside and name == target and tree.in_search_path(tree.target(path)))
            for called in {entry.name, entry.target}:
                self._entries[top if inside else folder].setdefault(called, []).append(entry)
            if folder.endswith(".upholds"):
                self.upheld.setdefault(name, set()).add(posixpath.basename(folder).removesuffix(".upholds"))
            self.known = self.known or (inside and top == PERSISTENT)

    def state(self, found: Found, settings: Mapping[str, Setting]) -> str:
        """Return what `systemctl is-enabled` says of a unit, as far as links and [Install] tell.

        Source: `src/shared/install.c` of systemd 252, and its answers. What a generator makes is `enabled` where a link starts it, as at
        each boot, and not `generated`; a link to the file of its own name elsewhere makes it `bad` only where no other link starts it.
        """
        if found.path is None:
            return "not-found"
        if found.path in self.tree.made:
            return read_enabled(self.tree.made[found.path])
        if self.tree.is_null(found.path):
            return "masked-runtime" if found.path.startswith("run/") else "masked"
        if posixpath.dirname(found.path) == TRANSIENT and found.path not in self.tree.links:
            return "transient"
        state = self._by_links(found, _names_of_links(found.name, settings))
        if state is None and self._by_links(found, None) is not None:
            state = "indirect"
        if state is not None:
            return state
        if any(f"Install.{key}" in settings for key in ("Alias", "WantedBy", "RequiredBy", "UpheldBy")):
            return "disabled"
        return "indirect" if "Install.Also" in settings else "static"

    def _by_links(self, found: Found, called: set[str] | None) -> str | None:
        """Return the state that links to the unit give it: those called as in `called`, or any (None)."""
        states = set()
        below = False  # whether the folder is weaker than that of the unit file, so that a link of its name there does not count
        for top in self.tree.search_path:
            is_persistent, is_runtime = top == PERSISTENT, top.startswith("run/")
            for entry in self._entries[top].get(found.name, ()):
                by_name, by_target = entry.name == found.name and (entry.inside or not below), entry.target == found.name
                if by_name and by_target and not entry.inside:
                    states.add("bad" if entry.circles else "linked" if is_persistent else "linked-runtime" if is_runtime else "")
                elif (by_name or by_target) and (called is None or entry.name in called):
                    if is_persistent or top in GENERATED:  # which are made anew at each boot; `systemctl` says `enabled-runtime`
                        return "enabled"
                    states.add("enabled-runtime" if is_runtime else "static" if parser.instance_of(found.name) else "")
            below = below or (found.path not in self.tree.links and posixpath.dirname(found.path or "") == top)
        return next((state for state in ("enabled-runtime", "static", "bad", "linked", "linked-runtime") if state in states), None)


def _names_of_links(unit: str, settings: Mapping[str, Setting]) -> set[str]:
    """Return the names of the links that `systemctl enable` would make for a unit."""

    def words(key: str) -> list[str]:
        return settings[key].value.split() if key in settings else []  # `%p` in it: systemd compares the names as they are written

    instances = words("Install.DefaultInstance") if parser.is_template(unit) else []
    return {unit, *words("Install.Alias"), *(parser.instantiate(unit, instance) for instance in instances)}


def version_of(root: str | None, read_text: Callable[[str], str | None], release: Release) -> Version:
    """Return the systemd of the host whose file system begins at `root` (None: of files of no host), by its distribution or the release.

    Files that come with no sign of a distribution may be of a repository, and are judged as its latest systemd does.
    """
    is_of_host = False
    for name in ("etc/os-release", "usr/lib/os-release", "etc/redhat-release", "etc/lsb-release", "etc/debian_version"):
        text = read_text(root + name) if root is not None else None
        found = parser.version_of_system(text) if text is not None else None
        if found is not None:
            return found
        is_of_host = is_of_host or bool(text)
    known = Version() if release.name is None or release.or_later else parser.version_in_release(release.name)
    return replace(known, of_host=True) if is_of_host else known


def unit_facts(
    sources: Sequence[Source],
    links: Sequence[Link],
    catalogue: Catalogue,
    quadlets: Sequence[Source] = (),
    find_version: Callable[[str | None], Version] = lambda root: Version(),
) -> Iterator[Fact]:
    """Yield the units of every host and folder among `sources`, `links` and `quadlets` (of which podman makes units), the lines in them
    that do nothing, and the files that systemd gives up (`Unreadable`). `find_version` tells the systemd of a host by its root."""
    for tree in trees(sources, links, quadlets):
        tree.systemd = find_version(tree.root)
        host = _Host(tree, catalogue)
        found = list(host.facts()) if tree.systemd.of_host else host.facts()
        yield from _compare(host, found) if host.open else found


def _compare(host: _Host, found: Iterable[Fact]) -> Iterator[Fact]:
    """Yield the facts of a host that is read as its latest systemd would, with what each other systemd that it may have makes of them."""
    systemd = host.tree.systemd
    others = {_name_systemd(systemd, *since): list(host.read_without(*since).facts()) for since in sorted(host.open)}
    units = {name: {fact.name: fact for fact in facts if isinstance(fact, Unit)} for name, facts in others.items()}
    lines = {name: {_identify(fact): fact for fact in facts if isinstance(fact, IgnoredLine)} for name, facts in others.items()}
    ours = set()
    for fact in found:
        if isinstance(fact, Unit):
            pairs = ((name, known[fact.name]) for name, known in units.items() if fact.name in known)
            fact = replace(fact, systemd=systemd.latest, otherwise=tuple(pairs))
        elif isinstance(fact, IgnoredLine):
            ours.add(_identify(fact))
            reads = next((name for name, known in lines.items() if _identify(fact) not in known), None)
            fact = fact if reads is None else replace(fact, unsure=_say_unsure(f"{reads} reads it", systemd))
        yield fact
    for name, known in lines.items():
        for key, line in known.items():
            if key not in ours:
                ours.add(key)
                yield replace(line, unsure=_say_unsure(f"{name} does not read it", systemd))


def _name_systemd(systemd: Version, since: int, what: str) -> str:
    """Return what a systemd is called that lacks what came with version `since`."""
    return f"systemd before {since}" if systemd.most >= since else f"systemd {systemd.most} without {parser.describe_taken(what)}"


def _identify(line: IgnoredLine) -> tuple[Span, str]:
    return line.span, line.name


def _say_unsure(said: str, systemd: Version) -> str:
    return f"{said}, and nothing tells whether the host has one{f' ({systemd.because})' if systemd.because else ''}"


MOST_AGAIN = 300_000  # lines of files that count for several units (templates, drop-ins of a prefix or a type), each time but the first


class _TooMuch(Exception):
    """The files that units of one host share come to more than `MOST_AGAIN` lines, counted each time."""


class _Host:
    """Reads each file of one tree once, and assembles its units."""

    def __init__(self, tree: Tree, catalogue: Catalogue) -> None:
        self.tree = tree
        self.catalogue = catalogue
        self.loose = tree.search_path == ("",)
        self.finder = Finder(tree)
        self.texts: dict[str, UnitText] = {}
        self.defaults = defaults(tree.manager)
        self.enabling = Enabling(tree)
        self._links: dict[str, list[tuple[int, str]]] = {}  # by their names: paths, in their order
        for i, path in enumerate(tree.links):
            self._links.setdefault(posixpath.basename(path), []).append((i, path))
        self._hosts: dict[str, str] = {}
        self._counted: set[str] = set()
        self._timers: set[str] | None = None  # the names of timers, without the end
        self._again = 0  # lines that were counted before
        self.open: set[tuple[int, str]] = set()  # what depends on the systemd of the host, as in `Settings`
        items: tuple[Source | Link, ...] = (*tree.files.values(), *tree.links.values())
        for item in items:
            self._hosts.setdefault(item.path, item.host)

    def facts(self) -> Iterator[Fact]:
        """Yield the facts of this tree, each unit once, under its own name."""
        done = set()
        ignored: dict[tuple[Span, str], IgnoredLine] = {}
        names = self.finder.names()
        for name in names:  # which grows by the instances that other units ask for
            if self.finder.find_own_name(name) in done:
                continue
            found = self.finder.find(name)
            done.add(found.name)
            try:
                unit, dropped = self._unit(found)
            except _TooMuch:
                message = f"the templates and drop-ins that units share come to more than {MOST_AGAIN:,} lines: no more units are judged"
                path = self._show(found.path or next(iter(found.drop_ins), found.name))
                yield Unreadable(path, Span(path, 0, 0), message, self._host(path))
                break
            yield unit
            names += [word for word in _instances(unit) if word not in done and self.finder.find(word).path is not None]
            for line in dropped:
                ignored.setdefault((line.span, line.because), line)
        yield from ignored.values()
        things = {made.source.path: made for made in self.tree.made.values() if not made.runs}
        for made in things.values():
            if made.broken and made.refused is not None:
                place = made.refused[1] or made.source.span(0, 0)
                yield Unreadable(made.source.path, place, f"{made.refused[0]}, nor of any other in its folder", made.source.host)
        for text in self.texts.values():
            if text.stop is not None and text.path not in things:
                message = f"{text.stop.because}; systemd reads the file no further"
                yield Unreadable(text.path, text.stop.text.span, message, self._host(text.path))
        yield from self._find_lost_drop_ins()
        yield from self._unread()

    def read_without(self, since: int, what: str) -> _Host:
        """Return the same host with a systemd that lacks what came with version `since`."""
        other = _Host(replace(self.tree, systemd=self.tree.systemd.without(since, what)), self.catalogue)
        other.texts = self.texts
        return other

    def _lacks(self, since: int) -> bool:
        """Return whether the host surely has a systemd before version `since`; where that is open, it is noted."""
        if self.tree.systemd.is_open(since):
            self.open.add((since, ""))
        return self.tree.systemd.lacks(since)

    def _text(self, path: str) -> UnitText | None:
        source = self.tree.source(path)
        if source is None:
            return None
        if source.path not in self.texts:
            made = self.tree.made.get(path)
            self.texts[source.path] = made.text if made is not None else parser.read(source)
        return self.texts[source.path]

    def _put_included(self, path: str, text: UnitText) -> UnitText:
        """Return a unit file with the lines of those that it includes in their places, as systemd read them once; these include no more."""
        if not any(map(_find_include, text.lines)) or not self._lacks(parser.INCLUDE_GONE):
            return text
        lines: list[Assignment | parser.Stray] = []
        for line in text.lines:
            name = _find_include(line)
            other = self._text(self._locate(path, name)) if name else None
            if other is not None:
                self._count(other)
                lines += other.lines
            elif not name:
                lines.append(line)
        return replace(text, lines=tuple(lines))

    def _locate(self, path: str, included: str) -> str:
        """Return the path on the host of what the file at `path` includes."""
        return posixpath.normpath(posixpath.join("/", posixpath.dirname(path), included)).lstrip("/")

    def _find_not_included(self, found: Found) -> str:
        """Return that a file which the unit file includes is not at hand; empty where none is missed."""
        text = self._text(found.path) if found.path is not None and self.tree.systemd.lacks(parser.INCLUDE_GONE) else None
        for name in filter(None, map(_find_include, text.lines if text is not None else ())):
            if self.tree.source(self._locate(found.path or "", name)) is None:
                return f"`{name}`, which {found.name} includes, was not given"
        return ""

    def _read_passed_over(self, found: Found, host: str, service: Service) -> Iterator[IgnoredLine]:
        """Yield the lines of drop-ins of a prefix or of a type, for which the systemd of the host is too old."""
        for path, since in found.passed_over:
            text = self._text(path)
            folder = posixpath.basename(posixpath.dirname(path))
            because = f"systemd reads no `{folder}` before {since} ({self.tree.systemd.because})"
            for line in text.lines if text is not None else ():
                if isinstance(line, Assignment):
                    name = f"{line.section}.{line.key.value}"
                    yield IgnoredLine(name, line.key.span, found.name, because, line.value.value, host, service)

    def _host(self, shown: str) -> str:
        return self._hosts.get(shown, "")

    def _show(self, path: str) -> str:
        """Return the path of a file on the host as it is shown: that of its source, else of its link."""
        item = self.tree.files.get(path) or self.tree.elsewhere.get(path) or self.tree.links.get(path)
        source = self.tree.source(path) if path in self.tree.links else None
        return source.path if source is not None else item.path if item is not None else path

    def _at(self, path: str) -> str:
        """Return the path of a file or link on the host as it is shown, links not followed."""
        item = self.tree.links.get(path) or self.tree.files.get(path)
        return item.path if item is not None else path

    def _item(self, found: Found) -> Source | Link | None:
        for path in (found.path, *self._find_placed(found)):
            if path is not None:
                item = self.tree.links.get(path) or self.tree.files.get(path)
                if item is not None:
                    return item
        return None

    def _find_placed(self, found: Found) -> Iterator[str]:
        """Yield the paths that tell of a unit without a file: its drop-ins, and links by its names."""
        yield from found.drop_ins
        yield from self._find_called(found)

    def _find_called(self, found: Found) -> list[str]:
        """Return the links that have one of the names of a unit, in their order."""
        return [path for _, path in sorted(link for name in found.names for link in self._links.get(name, ()))]

    def _unit(self, found: Found) -> tuple[Unit, list[IgnoredLine]]:
        read = Settings(found.name, systemd=self.tree.systemd)
        state, because, place = self._read_fragment(found, read)
        applied = Settings(found.name, systemd=self.tree.systemd) if state == NOT_FOUND else read
        if state in (LOADED, NOT_FOUND):
            self._read_drop_ins(found, applied)
            self._add_required(found, applied)
        settings, lists = read.done()
        lacking = self._find_not_included(found)
        if state == LOADED and parser.type_of(found.name) == "service" and not lacking:
            refusal = find_refusal(read, settings)
            if refusal is not None:
                state, (because, place) = BAD_SETTING, refusal
        item = self._item(found)
        first = item.path if item is not None else found.name
        host = item.host if item is not None else ""
        service, started = self._service(found, settings, lists)
        made = self.tree.made.get(found.path or "")
        upheld = self.enabling.upheld if not self.tree.systemd.lacks(parser.UPHOLDS_READ) else {}
        self.open.update((*found.open, *read.open, *applied.open))
        self._note_judged_by_systemd(found, settings)
        unit = Unit(
            name=found.name,
            span=Span(self._show(found.path) if found.path and state != MASKED else first, 0, 0),
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
            enabled=self._find_state(found, settings, state),
            type=service_type(settings) if parser.type_of(found.name) == "service" and settings else "",
            template=parser.is_template(found.name),
            loose=self.loose,
            service=service,
            runner=started.runner if started is not None else "",
            looks_like=_looks_like(found, started) if service is None and state != MASKED and (made is None or made.runs) else "",
            told_from_inside=started is not None and _is_told_from_inside(started, _line(settings)),
            script=_script(settings, found.name) if started is not None else "",
            restart_steps=_read_unsigned(settings, "Service.RestartSteps"),
            restart_max_delay_usec=_span(settings, "Service.RestartMaxDelaySec"),
            remains_after_exit=_boolean(settings, "Service.RemainAfterExit", False),
            guesses_main_pid=_boolean(settings, "Service.GuessMainPID", True),
            restart_usec=_time(settings, "Service.RestartSec", self.defaults.restart_usec),
            start_limit_interval_usec=_time(settings, "Unit.StartLimitIntervalSec", self.defaults.start_limit_interval_usec),
            start_limit_burst=_burst(settings, self.defaults.start_limit_burst),
            timeout_start_usec=_start_timeout(settings, self.defaults.timeout_start_usec),
            unsure=lacking or (made.unsure if made is not None else ""),
            upheld_by=tuple(sorted({by for called in found.names for by in upheld.get(called, ())})),
            systemd=self.tree.systemd,
        )
        dropped = [IgnoredLine(i.name, i.span, found.name, i.because, i.value, host, service) for i in applied.ignored]
        if service is not None:
            dropped += self._read_passed_over(found, host, service)
        return unit, dropped

    def _note_judged_by_systemd(self, found: Found, settings: Mapping[str, Setting]) -> None:
        """Note what every systemd has as it is, and judges as its version does."""
        if "Service.TimeoutStartSec" in settings and settings["Service.TimeoutStartSec"].value == "infinity":
            self._lacks(ENDLESS_STARTS)
        if "Service.RestartSteps" in settings:
            self._lacks(parser.STEPS_READ)
        if any(name in self.enabling.upheld for name in found.names):
            self._lacks(parser.UPHOLDS_READ)

    def _service(
        self, found: Found, settings: Mapping[str, Setting], lists: Mapping[str, tuple[Setting, ...]]
    ) -> tuple[Service | None, Started | None]:
        """Return the service of a unit, and what its `ExecStart=` starts: the service by the program, unless a name of the unit tells
        more (one of the same project), else by the names of the unit."""
        named = next((s for s in map(self.catalogue.of_unit, found.names) if s is not None), None)
        if named is not None and named.is_by_pattern and self._has_timer(found):
            named = None  # what is known by `openstack-*` only, and started by the clock, runs to its end
        made = self.tree.made.get(found.path or "")
        if made is not None and not made.runs:
            return None, None
        if named is None and made is not None:
            named = self.catalogue.of_container(made.container)
        if "Service.ExecStart" not in settings:
            return named, None
        started = programs.find_started(_words(settings["Service.ExecStart"].value, found.name, lists))
        if started is None:
            return named, None
        of_program = self.catalogue.of_started(started.names, contained=started.runner in programs.ENGINES)
        if of_program is None or (named is not None and set(named.modules) & set(of_program.modules)):
            return named, started
        return of_program, started

    def _has_timer(self, found: Found) -> bool:
        """Return whether there is a timer of one of the names of a unit, by which systemd starts it."""
        if self._timers is None:
            paths = (*self.tree.files, *self.tree.links)
            self._timers = {posixpath.basename(path).removesuffix(".timer") for path in paths if path.endswith(".timer")}
        return any(name.removesuffix(".service") in self._timers for name in found.names)

    def _find_state(self, found: Found, settings: Mapping[str, Setting], state: str) -> str:
        says = self.enabling.state(found, settings)
        if says in ("disabled", "not-found") and not self.enabling.known:
            return "unknown"
        return says

    def _read_fragment(self, found: Found, read: Settings) -> tuple[str, str, Span | None]:
        """Read the unit file; return the load state so far, and why and where if it is a bad one."""
        if found.path is None:
            link = next((self.tree.links[path] for path in self._find_called(found)), None)
            why = f"it is a link to `{link.target}`, where there is no unit file" if link is not None else "there is no unit file for it"
            return NOT_FOUND, why, None
        if self.tree.is_null(found.path):
            return MASKED, "", None
        text = self._text(found.path)
        if text is None:
            return NOT_FOUND, f"it is a link to `{self.tree.links[found.path].target}`, which is not there", None
        text = self._put_included(found.path, text)
        self._count(text)
        made = self.tree.made.get(found.path)
        fatal = made.refused if made is not None and made.refused is not None else read.read(text)
        if fatal is not None:
            return read.state, fatal[0], fatal[1]
        if text.stop is not None:
            return ERROR, "it cannot be read to its end", text.stop.text.span
        return LOADED, "", None

    def _read_drop_ins(self, found: Found, read: Settings) -> None:
        for path in found.drop_ins:
            text = self._text(path)
            if text is not None:
                self._count(text)
                read.read_drop_in(text)

    def _count(self, text: UnitText) -> None:
        if text.path in self._counted:
            self._again += len(text.lines) + 1
        self._counted.add(text.path)
        if self._again > MOST_AGAIN:
            raise _TooMuch

    def _add_required(self, found: Found, read: Settings) -> None:
        """Add the dependencies that links in `UNIT.requires/` and `UNIT.wants/` make."""
        for suffix, key in ((".wants", "Unit.Wants"), (".requires", "Unit.Requires")):
            for folder in self.finder.folders_of(found.names, suffix):
                for name in sorted(self.tree.folders[folder]):
                    path = posixpath.join(folder, name)
                    if path in self.tree.links and parser.is_unit(name) and not self.tree.is_null(path):
                        span = Span(self.tree.links[path].path, 0, 0)
                        read.lists.setdefault(key, []).append(Setting(parser.fill(name, found.name), span, Text(suffix, span)))

    def _find_lost_drop_ins(self) -> Iterator[DropInWithoutUnit]:
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

    def _unread(self) -> Iterator[IgnoredLine]:
        """Yield the lines of a host's files that were meant as drop-ins of services, and that systemd does not read by their names."""
        items = () if self.loose else (*self.tree.files.items(), *self.tree.strays.items())
        for path, source in items:
            meant, because = _guess_unit(path, self.tree.search_path)
            service = self.catalogue.of_unit(meant) if meant else None
            if service is None:
                continue
            for line in parser.read(source).lines:
                if isinstance(line, Assignment) and line.key.value in parser.KEYS.get(line.section, ()):
                    name = f"{line.section}.{line.key.value}"
                    yield IgnoredLine(name, line.key.span, meant, because, line.value.value, source.host, service)


def _guess_unit(path: str, search_path: Collection[str]) -> tuple[str, str]:
    """Return the unit whose drop-in a file was meant to be, and why systemd does not read it; empty where it does, or nothing tells."""
    folder, name = posixpath.split(path)
    top, last = posixpath.split(folder)
    stem, dot, suffix = last.rpartition(".")
    if not dot or suffix != "d" or stem in parser.TYPES:
        return "", ""
    if top in search_path and parser.is_unit(stem):
        if "." in name:
            return "", ""  # a drop-in, or a copy of one that is put aside
        return stem, f"the name of a drop-in must end in `.conf`, and this is `{name}`"
    bare = stem.removesuffix(".conf")
    unit = bare if parser.is_unit(bare) else f"{bare}.service"
    if not name.endswith(".conf") or not parser.is_unit(unit) or parser.type_of(unit) != "service":
        return "", ""
    if top in search_path:
        return unit, f"systemd reads no folder `{last}` (`{unit}.d` it does)"
    return unit, f"systemd reads no drop-ins in `/{top}` (in `/{top}/system` it does)"


# those without a service in the catalogue too
_BINARY = re.compile(r"/(?:[^/\s]+/)*s?bin/[^/\s]+$")


def _looks_like(found: Found, started: Started | None) -> str:
    """Return the project of OpenStack that a unit which is not known looks like one of, by its names and those of what it starts."""
    names = [name.rpartition(".")[0] for name in found.names]
    inside = started.words if started is not None and not started.runner else ()
    every = [
        *(find_container(name) or name for name in names),
        *(started.names if started is not None else ()),
        *(word.rsplit("/", 1)[-1] for word in inside if _BINARY.match(word)),  # which an unknown program may start
    ]
    for name in every:
        if name.startswith("devstack@"):
            return "openstack"
        project = project_like(name)
        if project:
            return project
    return ""


def _words(line: str, name: str, lists: Mapping[str, tuple[Setting, ...]]) -> list[str]:
    """Return the words of a command line with those of its variables replaced that `Environment=` sets."""
    words = programs.words_in(line, name)
    if "$" not in line or ":" in parser.marks_of(line):
        return words
    every = [pair for entry in lists.get("Service.Environment", ()) for pair in programs.assignments(entry.value)]
    unknown = {variable: "${" + variable + "}" for variable in programs.names(words)}
    return programs.expand(words, {**unknown, **{variable: parser.expand(value, name) for variable, value in every}})


def _instances(unit: Unit) -> Iterator[str]:
    """Yield the instances of templates that the unit starts."""
    for key in ("Wants", "Requires", "BindsTo", "Upholds"):
        for entry in unit.lists.get(f"Unit.{key}", ()):
            yield from (word for word in entry.value.split() if parser.instance_of(word))


def _line(settings: Mapping[str, Setting]) -> str:
    return settings["Service.ExecStart"].value if "Service.ExecStart" in settings else ""


_OF_DEBIAN = pattern(r"(/etc/init\.d/\S+)\s+systemd-start\s*")


def _script(settings: Mapping[str, Setting], unit: str) -> str:
    """Return the script of Debian's that starts a service of `Type=notify` under uWSGI, if it is an API, or else by itself.

    Units of its packages have `NotifyAccess=all` where it is no API: openstack-pkg-tools, `SYSTEMD_NOTIFY_ACCESS`.
    """
    match = _OF_DEBIAN.fullmatch(parser.expand(_line(settings), unit)) if "init.d" in _line(settings) else None
    access = settings.get("Service.NotifyAccess")
    return match[1] if match is not None and (access is None or access.value != "all") else ""


def _is_told_from_inside(started: Started, line: str) -> bool:
    """Return whether the program in a container, or the check that asks it, tells systemd that it is ready: podman-run(1), `--sdnotify`,
    which is `container` unless it says otherwise. How a container is told that `podman start` starts, nothing shows."""
    said = _SDNOTIFY.search(line)
    if said is not None:
        return said[1] in ("container", "healthy")
    return started.runner == "podman" and "run" in line.split()


def _read_unsigned(settings: Mapping[str, Setting], key: str) -> int:
    return (parser.read_unsigned(settings[key].value) or 0) if key in settings else 0


def _span(settings: Mapping[str, Setting], key: str) -> int:
    return (parser.time_span(settings[key].value) or 0) if key in settings else 0


def _boolean(settings: Mapping[str, Setting], key: str, default: bool) -> bool:
    said = parser.boolean(settings[key].value) if key in settings else None
    return default if said is None else said


def _time(settings: Mapping[str, Setting], key: str, default: int | None) -> int | None:
    """Return a time span in microseconds, None for never; a timeout of 0 is never too."""
    if key not in settings:
        return default
    read = parser.timeout if "Timeout" in key else parser.time_span
    value = read(settings[key].value)
    return None if value == parser.INFINITY else value


def _start_timeout(settings: Mapping[str, Setting], given: int | None) -> int | None:
    default = None if service_type(settings) == "oneshot" else given
    return _time(settings, "Service.TimeoutStartSec", default)


def _burst(settings: Mapping[str, Setting], default: int) -> int:
    value = parser.read_unsigned(settings["Unit.StartLimitBurst"].value) if "Unit.StartLimitBurst" in settings else None
    return default if value is None else value


# the folder of a service of OpenStack-Ansible, whose major version goes up by one with every release
_VENV = pattern(r"/openstack/venvs/[\w-]+-(\d+)\.\d+(?:\.\w+)*/")


def release_of(sources: Sequence[Source]) -> Release | None:
    """Return the release that units tell, by their names and what they start."""
    for source in sources:
        venv = _VENV.search(source.text)
        named = by_version(whole(venv.group(1)) or 0) if venv is not None else None
        if venv is not None and named is not None:
            return Release(named, f"`{venv.group()}` of OpenStack-Ansible in `{source.path}`")
    for source in sources:
        if re.search(r"(^|/)edpm_\w+\.service$", source.path):
            because = "units of the external data plane came with antelope; it may be later"
            return Release("antelope", f"`{source.path}`: {because}", or_later=True)
        if re.search(r"(^|/)tripleo_\w+\.service$", source.path):
            because = "units of containers came with podman in stein; it may be later"
            return Release("stein", f"`{source.path}`: {because}", or_later=True)
    return None


_LIMIT = ("StartLimitIntervalUSec", "StartLimitIntervalSec", "StartLimitInterval")
_DEPENDENCIES = ("Requires", "Requisite", "BindsTo", "PartOf", "StopPropagatedFrom", "Conflicts")
_STATUSES = ("RestartPreventExitStatus", "RestartForceExitStatus", "SuccessExitStatus")
_TEN_SECONDS, _TENTH, _BURST = 10 * SECOND, SECOND // 10, 5  # systemd's own


def shown_unit(shown: ShownUnit, known: Collection[tuple[str, str]]) -> Iterator[Unit]:
    """Yield the unit of a service that `systemctl show` has, unless it is `known` (host, name) by a file, or Pacemaker runs it now.

    `Service.Restart` and `Service.TimeoutStartSec` are always set (`unknown` where they are not printed), others where they are not
    systemd's own defaults.
    """
    state = shown.value("LoadState")
    names = tuple(dict.fromkeys([shown.name, *shown.value("Names").split()]))
    if shown.listed or shown.service is None or type_of(shown.name) != "service" or state not in (LOADED, MASKED, BAD_SETTING, ERROR):
        return
    if any((shown.host, name) in known for name in names) or PACEMAKER_DROP_IN in shown.value("DropInPaths"):
        return
    limit = next((name for name in _LIMIT if shown.value(name)), "")
    pause, interval = _usec(shown, "RestartUSec", _TENTH), _usec(shown, limit, _TEN_SECONDS)
    told = whole(shown.value("StartLimitBurst"))
    burst = told if told is not None else _BURST
    wanted = {
        "Service.RestartSec": "RestartUSec" if pause != _TENTH else "",
        "Unit.StartLimitIntervalSec": limit if interval != _TEN_SECONDS else "",
        "Unit.StartLimitBurst": "StartLimitBurst" if burst != _BURST else "",
    }
    settings = {key: _setting(key, shown.properties[name]) for key, name in wanted.items() if shown.value(name)}
    for key, name in (("Service.Restart", "Restart"), ("Service.TimeoutStartSec", "TimeoutStartUSec")):
        settings[key] = _setting(key, shown.properties.get(name) or Text("unknown", shown.span))
    yield Unit(
        name=shown.name,
        span=shown.span,
        host=shown.host,
        load_state=state,
        because="as `systemctl show` has it" if state in (BAD_SETTING, ERROR) else "",  # up to 238 the one is called the other
        settings=settings if state == LOADED else {},
        lists=dict(_lists(shown)) if state == LOADED else {},
        fragment=_place(shown, shown.value("FragmentPath")),
        drop_ins=tuple(_place(shown, path) for path in shown.value("DropInPaths").split()),
        names=names,
        enabled=_shown_state(shown) or "unknown",
        active=shown.value("ActiveState"),
        type=shown.value("Type"),
        restart_usec=pause,
        restart_steps=whole(shown.value("RestartSteps")) or 0,
        restart_max_delay_usec=_usec(shown, "RestartMaxDelayUSec", 0) or 0,
        start_limit_interval_usec=interval,
        start_limit_burst=burst,
        timeout_start_usec=_usec(shown, "TimeoutStartUSec", INFINITY) or None,
        shown=True,
        service=shown.service,
        upheld_by=tuple(shown.value("UpheldBy").split()),
    )


def _setting(key: str, value: Text) -> Setting:
    return Setting(value.value, value.span, Text(key.rpartition(".")[2], value.span))


def _lists(shown: ShownUnit) -> Iterator[tuple[str, tuple[Setting, ...]]]:
    for name in _DEPENDENCIES:
        found = shown.properties.get(name)
        if found is not None and found.value:
            yield f"Unit.{name}", tuple(_setting(name, _word(found, word)) for word in re.finditer(r"\S+", found.value))
    for name in _STATUSES:
        found = shown.properties.get(name)
        if found is not None and found.value:
            words = " ".join(map(_name_signal, found.value.split()))
            yield f"Service.{name}", (replace(_setting(name, found), value=words),)


def _name_signal(status: str) -> str:
    """Return an exit status as it is, and a signal, whose name `systemctl` shows without its beginning, as it is written."""
    return status if status.isdecimal() or status.startswith("SIG") else f"SIG{status}"


def _word(value: Text, match: re.Match[str]) -> Text:
    start = value.span.start + match.start()
    return Text(match[0], Span(value.span.path, start, start + len(match[0])))


def _usec(shown: ShownUnit, name: str, default: int) -> int | None:
    """Return a time in microseconds, None for never; `default` where it is not printed."""
    text = shown.value(name)
    if not text or (text.isdecimal() and not name.endswith("USec")):
        found = whole(text or str(default)) or 0
    else:
        span = time_span(text)
        found = default if span is None else span
    return None if found >= INFINITY else found


def _place(shown: ShownUnit, path: str) -> str:
    """Return where a file of a unit, which is not at hand, would be in the tree of its host; empty where nothing tells it."""
    at = shown.span.path.rfind("sos_commands/")
    return shown.span.path[:at] + path.lstrip("/") if at >= 0 and path else ""


def with_evidence(facts: Iterable[Fact], others: Iterable[Fact]) -> Iterator[Fact]:
    """Yield `facts`, of which the units of services have what `others` (shown units, containers) tell of them.

    A unit that runs a container with podman is active where that container runs, if systemd itself does not tell. Units whose files
    are not at hand (or their drop-ins alone) are those that `systemctl show` has.
    """
    facts = list(facts)
    known = {
        (fact.host, name) for fact in facts if isinstance(fact, Unit) and fact.load_state != NOT_FOUND for name in (fact.name, *fact.names)
    }
    others = list(others)
    units = [unit for other in others if isinstance(other, ShownUnit) for unit in shown_unit(other, known)]
    shown = {(unit.host, unit.name) for unit in units}
    facts = [*(fact for fact in facts if not isinstance(fact, Unit) or (fact.host, fact.name) not in shown), *units]
    told: dict[tuple[str, str], tuple[str, str]] = {}
    running: set[tuple[str, str]] = set()
    for other in others:
        if isinstance(other, ShownUnit):
            told[other.host, other.name] = other.value("ActiveState"), _shown_state(other)
        elif isinstance(other, HostContainer) and other.running and other.engine != DOCKER:
            running.update(((other.host, other.name), (other.host, other.called)))
    for fact in facts:
        if not isinstance(fact, Unit) or fact.service is None:
            yield fact
            continue
        active, state = told.get((fact.host, fact.name), ("", ""))
        if not active and (fact.host, find_container(fact.name)) in running:
            active = "active"
        # a link may not have been collected, but none is there that does not enable
        counts = fact.enabled == "unknown" or (fact.enabled == "disabled" and state.startswith("enabled"))
        if active or (fact.host, fact.name) in told:
            fact = replace(fact, active=active, enabled=state if state and counts else fact.enabled)
        yield fact


def _shown_state(shown: ShownUnit) -> str:
    """Return whether a unit is enabled as far as `systemctl` tells: of a `generated` one by the units that want it."""
    state = shown.value("UnitFileState")
    if state != "generated":
        return state
    if any(shown.value(key) for key in ("WantedBy", "RequiredBy", "UpheldBy")):
        return "enabled"
    return "unknown" if shown.listed else "static"


# what an audit asks of a unit; a service has some 270 properties
SHOWN = (
    "Id", "Names", "LoadState", "UnitFileState", "ActiveState", "SubState", "FragmentPath", "DropInPaths", "NeedDaemonReload",
    "Type", "Restart", "RestartUSec", "RestartSteps", "RestartMaxDelayUSec", "RestartPreventExitStatus", "RestartForceExitStatus",
    "SuccessExitStatus", "TimeoutStartUSec", "RemainAfterExit", "ExecStart", "StopPropagatedFrom", "Conflicts",
    "StartLimitInterval", "StartLimitIntervalSec", "StartLimitIntervalUSec", "StartLimitBurst",
    "Requires", "Requisite", "BindsTo", "PartOf", "After", "Before", "WantedBy", "RequiredBy", "BoundBy", "UpheldBy", "TriggeredBy",
)  # fmt: skip
_NAME = r"[^\s/]+\.(?:service|socket|timer|mount|automount|path|swap|slice|scope|target|device|snapshot)"
_UNIT_FILE = re.compile(rf"^(?P<name>{_NAME})[ \t]+(?P<state>[a-z-]+)(?:[ \t]+(?P<preset>[a-z-]+))?[ \t\r]*$", re.MULTILINE)
_UNIT = re.compile(
    rf"^(?:[ \t]*[^\w\s.-]?[ \t]+)?(?P<name>{_NAME})[ \t]+(?P<load>[a-z-]+)[ \t]+(?P<active>[a-z]+)[ \t]+(?P<sub>[a-z-]+)(?=[ \t\r\n]|$)",
    re.MULTILINE,
)
_END_OF_COMMAND = re.compile(r" ; status=\S* \}\r?$|^Id=", re.MULTILINE)


class ShownBlock(Struct, frozen=True):
    """One unit as `systemctl show` has it. `properties` holds those that were asked for, as far as they are printed."""

    name: Text
    properties: Mapping[str, Text]


class UnitFileState(Struct, frozen=True):
    """One line of `systemctl list-unit-files`: whether the unit is enabled, disabled, static, masked, ..."""

    name: Text
    state: Text
    preset: Text | None = None


class ListedUnit(Struct, frozen=True):
    """One line of `systemctl list-units`."""

    name: Text
    load: Text
    active: Text
    sub: Text


def shown_units(source: Source, properties: Iterable[str] = SHOWN) -> Iterator[ShownBlock]:
    """Yield the units of `systemctl show UNITS --all`; a block without `Id` (the manager's own, or one that was cut) is passed over.

    Empty lines part the units. `sos clean` of sos 4.0 and 4.1 takes them out, so a unit ends as well where a property comes again: systemd
    prints those of all units in one order, and the lines of one property (`ExecStart=`) together. A command may have line breaks and empty
    lines inside.
    """
    wanted = {*properties, "Id"}
    line = re.compile(rf"^(?:(?P<empty>[ \t\r]*$)|(?P<name>{'|'.join(sorted(wanted))}|Exec\w+)=(?P<value>[^\r\n]*))", re.MULTILINE)
    found: dict[str, Text] = {}
    first: set[str] = set()  # what is printed before `Id`
    last, at = "", 0
    end = _END_OF_COMMAND.search(source.text)
    while at <= len(source.text) and (match := line.search(source.text, at)) is not None:
        name, at = match["name"], match.end() + 1
        again = name in found and (name != last or name == "Id")
        if name is None or again or ("Id" in found and name in first):
            yield from _read_block(found)
            found = {}
        if name is None:
            first.clear()
            continue
        if name == "Id":
            first.update(found)
        if name in wanted:
            found.setdefault(name, Text(match["value"], Span(source.path, *match.span("value"))))
            last = name
        if name.startswith("Exec") and match["value"].startswith("{") and not match["value"].endswith("}"):
            end = _END_OF_COMMAND.search(source.text, at) if end is not None and end.start() < at else end
            at = end.end() if end is not None and not end[0].startswith("Id") else at
    yield from _read_block(found)


def _read_block(found: Mapping[str, Text]) -> Iterator[ShownBlock]:
    if "Id" in found and found["Id"].value:
        yield ShownBlock(found["Id"], found)


def unit_file_states(source: Source) -> Iterator[UnitFileState]:
    """Yield the lines of `systemctl list-unit-files`; its heading and its count are no lines of it."""
    for match in _UNIT_FILE.finditer(source.text):
        preset = None if match["preset"] is None else _text(source, match, "preset")
        yield UnitFileState(_text(source, match, "name"), _text(source, match, "state"), preset)


def listed_units(source: Source) -> Iterator[ListedUnit]:
    """Yield the lines of `systemctl list-units [--all]`; a mark in front of a failed or missing unit is left out."""
    for match in _UNIT.finditer(source.text):
        yield ListedUnit(*(_text(source, match, part) for part in ("name", "load", "active", "sub")))


def _text(source: Source, match: re.Match[str], group: str) -> Text:
    return Text(match[group], Span(source.path, match.start(group), match.end(group)))


_STATES = "systemctl_list-unit-files"
_LIST = "systemctl_list-unit"


def shown_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[ShownUnit]:
    """Yield every unit that is shown, and those that are only in the lists of units and of unit files, with what these tell.

    A unit that `systemctl show` has keeps its properties; the lists add those that it lacks.
    """
    every = list(sources)
    listed = _read_lists(source for source in every if _LIST in source.path)
    for source in every:
        if _LIST in source.path:
            continue
        for unit in shown_units(source):
            more = listed.pop((source.host, unit.name.value), {})
            properties = {**more, **{name: text for name, text in unit.properties.items() if text.value or name not in more}}
            yield ShownUnit(unit.name.value, unit.name.span, properties, source.host, catalogue.of_unit(unit.name.value))
    for (host, name), properties in listed.items():
        first = min(text.span for text in properties.values())
        yield ShownUnit(name, first, properties, host, catalogue.of_unit(name), listed=True)


def _read_lists(sources: Iterable[Source]) -> dict[tuple[str, str], dict[str, Text]]:
    """Return the properties of units in lists, by host and unit; the first list that tells of one counts."""
    found: dict[tuple[str, str], dict[str, Text]] = {}
    for source in sorted(sources, key=lambda source: source.path):
        if _STATES in source.path:
            for state in unit_file_states(source):
                found.setdefault((source.host, state.name.value), {}).setdefault("UnitFileState", state.state)
            continue
        for unit in listed_units(source):
            own = found.setdefault((source.host, unit.name.value), {})
            for name, text in (("LoadState", unit.load), ("ActiveState", unit.active), ("SubState", unit.sub)):
                own.setdefault(name, text)
    return found
