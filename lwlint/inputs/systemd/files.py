"""The unit files of one host: which file, which drop-ins and which links systemd would find for a name.

Sources: systemd.unit(5), "Unit File Load Path"; systemd 252 in test mode and booted.

Of quadlets podman's generator makes unit files. Sources: podman-systemd.unit(5); podman's `pkg/systemd/quadlet/quadlet.go` and
`cmd/quadlet/main.go` (6.0), and that generator itself. What it adds to a unit is told where a rule may ask for it: `Type=`, `ExecStart=`,
a pod's `Restart=`, the other quadlets that a unit needs. Those of volumes, networks, images, builds and artifacts make a thing once, and
run no service.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.kind import UNREADABLE
from lwlint.core.source import Link, Source, Span, Text
from lwlint.inputs.systemd import settings as parser
from lwlint.inputs.systemd.facts import MADE_ONCE, QUADLETS, SECOND, Version
from lwlint.inputs.systemd.settings import Assignment, Stray, UnitText

_PATH = re.compile(r"(?P<top>etc|run|usr/local/lib|usr/lib|lib)/systemd/system\.conf(?P<drop_in>\.d/[^/]+\.conf)?$")
_TOPS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
_MAIN = "etc/systemd/system.conf"
GENERATOR = "run/systemd/generator"
_RUN = {suffix: suffix.capitalize() for suffix in QUADLETS}
_SECTIONS = {**_RUN, **{suffix: suffix.capitalize() for suffix in MADE_ONCE}}
_OWN = (*_SECTIONS.values(), "Quadlet")  # of podman alone: the unit has them under names of which systemd reads nothing
_FOLDERS = ("run/containers/systemd", "etc/containers/systemd", "usr/share/containers/systemd")  # the strongest first
_TYPES = ("notify", "oneshot")
_KILL_MODES = ("mixed", "control-group")
_PORTS = re.compile(r"\d+(-\d+)?(/udp|/tcp)?\Z")  # the end of a range of ports, as podman looks for one
_NO_HEADER = re.compile(r"[\x00-\x1f\x7f-\x9f\[\]]")
_MISSPELT = 0.88  # how much like a key another one must be
_NEWEST = "6.0"  # the last podman whose keys these are
# the keys that podman 4.4 to 6.0 know, by podman-systemd.unit(5) and `pkg/systemd/quadlet/quadlet.go`; none was ever taken away
_QUADLET_KEYS = ("DefaultDependencies",)
_ANY_KEYS = "ContainersConfModule GlobalArgs PodmanArgs ServiceName"
_ANY_RUN = "Network PublishPort UserNS RemapGid RemapUid RemapUidSize RemapUsers"
_KEYS = {
    "container": (
        "AddCapability AddDevice AddHost Annotation AppArmor AutoUpdate CgroupsMode ContainerName DNS DNSOption DNSSearch DropCapability"
        " Entrypoint Environment EnvironmentFile EnvironmentHost Exec ExposeHostPort GIDMap Group GroupAdd HealthCmd HealthInterval"
        " HealthLogDestination HealthMaxLogCount HealthMaxLogSize HealthOnFailure HealthRetries HealthStartPeriod HealthStartupCmd"
        " HealthStartupInterval HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName HttpProxy IP IP6"
        " Image Label LogDriver LogOpt Mask Memory Mount NetworkAlias NoNewPrivileges Notify PidsLimit Pod Pull ReadOnly ReadOnlyTmpfs"
        " ReloadCmd ReloadSignal Retry RetryDelay Rootfs RunInit SeccompProfile Secret SecurityLabelDisable SecurityLabelFileType"
        " SecurityLabelLevel SecurityLabelNested SecurityLabelType ShmSize StartWithPod StopSignal StopTimeout SubGIDMap SubUIDMap Sysctl"
        " Timezone Tmpfs UIDMap Ulimit Unmask User VolatileTmp Volume WorkingDir"
    ),
    "pod": (
        "AddHost DNS DNSOption DNSSearch ExitPolicy GIDMap HostName IP IP6 Label NetworkAlias PodName ShmSize StopTimeout SubGIDMap"
        " SubUIDMap UIDMap Volume"
    ),
    "kube": "AutoUpdate ConfigMap ExitCodePropagation KubeDownForce LogDriver LogOpt SetWorkingDirectory Yaml",
    "volume": "Copy Device Driver GID Group Image Label Options Type UID User VolumeName",
    "network": (
        "DisableDNS DNS Driver Gateway InterfaceName Internal IPAMDriver IPRange IPv6 Label NetworkDeleteOnStop NetworkName Options Subnet"
    ),
    "image": "AllTags Arch AuthFile CertDir Creds DecryptionKey Image ImageTag OS Policy Retry RetryDelay TLSVerify Variant",
    "build": (
        "Annotation Arch AuthFile BuildArg DNS DNSOption DNSSearch Environment File ForceRM GroupAdd IgnoreFile ImageTag Label Network Pull"
        " Retry RetryDelay Secret SetWorkingDirectory Target TLSVerify Variant Volume"
    ),
    "artifact": "Artifact AuthFile CertDir Creds DecryptionKey Quiet Retry RetryDelay TLSVerify",
}
# in which podman's generator (5.5 and later) puts the names of units in the stead of those of quadlets
_DEPENDENCIES = (
    "Wants", "Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts", "Before", "After", "OnFailure", "OnSuccess",
    "PropagatesReloadTo", "PropagatesStopTo", "ReloadPropagatedFrom", "StopPropagatedFrom",
)  # fmt: skip
# the keys that name another quadlet, and what such a name ends in
_NAMING: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "container": {
        "Image": (".image", ".build"), "Volume": (".volume", ".artifact"), "Mount": (".volume", ".image", ".artifact"),
        "Network": (".network", ".container"), "Pod": (".pod",),
    },
    "pod": {"Volume": (".volume", ".artifact"), "Network": (".network", ".container")},
    "kube": {"Network": (".network", ".container")},
    "volume": {"Image": (".image", ".build")},
    "build": {"Volume": (".volume", ".artifact"), "Network": (".network", ".container")},
}  # fmt: skip
_LAST_COUNTS = ("Image", "Pod")
_NONE = Text("", Span("", 0, 0))
_WITH_SOURCE = ("volume", "bind", "glob", "image", "artifact")  # kinds of mounts
_MAPPINGS = ("UserNS", "UIDMap", "GIDMap", "SubUIDMap", "SubGIDMap")
_REMAPS = ("", "auto", "manual", "keep-id")
_WITHOUT_FOLDER = re.compile(r"/|%[^%]|https?|git://|.*github\.com/.")  # a `File=` that needs no folder to be found


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
        return parser.read_unsigned(value)
    return parser.timeout(value) if key == "DefaultTimeoutStartSec" else parser.time_span(value)


def _time(found: Mapping[str, str], key: str, default: int | None) -> int | None:
    if key not in found:
        return default
    value = _reads(key, found[key])
    return None if value == parser.INFINITY else value


PERSISTENT = "etc/systemd/system"
TRANSIENT = "run/systemd/transient"
GENERATED = ("run/systemd/generator.early", "run/systemd/generator", "run/systemd/generator.late")
SEARCH_PATH = (
    "etc/systemd/system.control",
    "run/systemd/system.control",
    TRANSIENT,
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
_ABOVE = tuple(f"{top}/systemd" for top in _TOPS)
_MOST_HOPS = 8


class Tree(Struct):
    """Files and links of one host by their path on it; `folders` lists the names in each folder, `manager` is what configures systemd.

    `made` are the units that podman's generator makes of quadlets, by the path where it puts them; `files` has the quadlets there.
    `strays` are drop-ins beside the folders of units, such as `etc/systemd/a.service.d/b.conf`. `root` is the path of the host's own
    file system; None for a folder of loose files. `systemd` is the version that reads them, as far as anything tells.
    """

    search_path: tuple[str, ...]
    root: str | None = None
    systemd: Version = Version()
    files: dict[str, Source] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    elsewhere: dict[str, Source] = field(default_factory=dict)
    folders: dict[str, dict[str, None]] = field(default_factory=dict)
    manager: dict[str, Source] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    strays: dict[str, Source] = field(default_factory=dict)

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

    def follow(self, path: str) -> str | None:
        """Return where the links at `path` lead in the end; None for a circle."""
        for _ in range(40):
            if path not in self.links:
                return path
            path = self.target(path)
        return None

    def source(self, path: str) -> Source | None:
        """Return the file at `path`, links followed."""
        real = self.follow(path)
        return None if real is None else self.files.get(real) or self.elsewhere.get(real)

    def is_null(self, path: str) -> bool:
        """Return whether `path` is an empty file or leads to /dev/null, as masks do; not an empty quadlet of which podman makes a unit."""
        if path in self.made and self.made[path].refused is None:
            return False
        real = self.follow(path)
        source = self.source(path)
        return real == "dev/null" or (source is not None and not source.text)

    def folder(self, path: str) -> str | None:
        """Return the real folder at `path`, a link followed; None if there is no folder."""
        real = self.follow(path)
        return real if real is not None and real in self.folders else None

    def units(self) -> Iterator[tuple[str, str]]:
        """Yield each name of a unit file or link with its path: of equal names the first in the search path."""
        seen = set()
        for folder in self.search_path:
            for name in sorted(self.folders.get(folder, ())):
                path = posixpath.join(folder, name)
                if name not in seen and parser.is_unit(name) and path not in self.folders:
                    if path in self.links and self.is_bad_alias(path):
                        continue
                    seen.add(name)
                    yield name, path

    def is_bad_alias(self, path: str) -> bool:
        """Return whether the link at `path` stays in the search path but makes no alias, so that systemd skips it."""
        target = self.target(path)
        return self.in_search_path(target) and not parser.may_alias(posixpath.basename(path), posixpath.basename(target))

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
                hosts.setdefault(item.root, Tree(SEARCH_PATH, item.root)).manager[below] = item
            continue
        on_host = any(below.startswith(folder + "/") for folder in SEARCH_PATH)
        if on_host:
            tree = hosts.setdefault(item.root, Tree(SEARCH_PATH, item.root))
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
        tree = hosts.setdefault(place, Tree(SEARCH_PATH, place)) if on_host else loose.setdefault(place, Tree(("",)))
        for made in units:
            path = f"{GENERATOR}/{made.name}" if on_host else made.name
            if is_valid(made):
                tree.made[path], tree.files[path] = made, made.source
                tree.add(path)
    return [*hosts.values(), *(tree for tree in loose.values() if tree.files or tree.links)]


def _adopt(hosts: dict[str, Tree], loose: dict[str, Tree]) -> None:
    """Give files that a host's links lead to to that host, and forget what lies in its tree outside the search path."""
    for root, host in hosts.items():
        wanted = {host.follow(path) for path in host.links}
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
                    if inside in _ABOVE and path in tree.files:
                        host.strays[on_host] = tree.files[path]
                    tree.drop(path)


_TYPES_SINCE = (parser.TYPES_HAVE_DROP_INS, parser.TYPES_DROP_INS)


class Found(Struct, frozen=True):
    """What systemd finds for one unit. `path` is its file (None: none), `names` all its names, its own first. `passed_over` are drop-ins
    that later versions of systemd would read, with that version; `open` are those versions of which nobody knows whether the host has
    them, as in `Settings`."""

    name: str
    names: tuple[str, ...]
    path: str | None
    drop_ins: tuple[str, ...]
    passed_over: tuple[tuple[str, int], ...] = ()
    open: tuple[tuple[int, str], ...] = ()


class Finder:
    """Looks units up in one tree, as systemd does once it has listed the search path."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._shortens = not tree.systemd.lacks(parser.PREFIXES_SHORTENED)
        self._has_types = not tree.systemd.lacks(*_TYPES_SINCE)
        self._ids = dict(tree.units())
        self._called: dict[str, list[str]] = {}
        for name in self._ids:
            path = self._fragment(name)
            if path and (tree.is_null(path) or tree.source(path) is not None):
                target = posixpath.basename(path)
                instance = parser.instance_of(name)
                if instance and parser.is_template(target):
                    target = parser.instantiate(target, instance)
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
                    found.update(n for n in self.tree.folders[inside] if parser.instance_of(n))
        return sorted(found)

    def _confs(self, folder: str) -> list[str]:
        return [n for n in self.tree.folders[folder] if n.endswith(".conf") and not n.startswith(".")]

    def _fragment(self, name: str) -> str | None:
        """Return the path of the unit file that `name` leads to, over aliases; None if they lead nowhere."""
        for hop in range(_MOST_HOPS):
            path = self._ids.get(name)
            if path is None and hop and parser.instance_of(name):
                path = self._ids.get(parser.template_of(name))
            if path is None:
                return None
            if path not in self.tree.links:
                return path
            target = self.tree.target(path)
            if not self.tree.in_search_path(target):
                return path
            name = posixpath.basename(target)
        return None

    def find_own_name(self, name: str) -> str:
        """Return the own name of the unit that `name` is a name of, without looking for what else belongs to it."""
        return self._find_own(name)[0]

    def _find_own(self, name: str) -> tuple[str, str | None]:
        """Return the own name of a unit, and the path of its file."""
        instance = parser.instance_of(name)
        path = self._fragment(name)
        if path is None and instance:
            path = self._fragment(parser.template_of(name))
        if path is None:
            return name, None
        base = posixpath.basename(path)
        return (parser.instantiate(base, instance) if instance and parser.is_template(base) else base), path

    def find(self, name: str) -> Found:
        """Return what systemd finds for `name`."""
        instance = parser.instance_of(name)
        own, path = self._find_own(name)
        known = dict.fromkeys((name, *self._aliases(name, instance, None)))
        if path is not None:
            base = posixpath.basename(path)
            if base != name:
                known.update(dict.fromkeys(self._aliases(base, instance, base)))
                known[own] = None
        every = (own, *sorted(n for n in known if n != own))
        drop_ins = self._drop_ins(every)
        return Found(own, every, path, tuple(drop_ins), tuple(self._find_too_new(every)), tuple(self._find_open(every, drop_ins)))

    def _aliases(self, name: str, instance: str | None, base: str | None) -> Iterator[str]:
        for alias in self._called.get(name, ()):
            if not (instance and parser.is_template(alias)):
                yield alias
                continue
            made = parser.instantiate(alias, instance)
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
            stems = tuple(_stems(name)) if self._shortens else _whole_stems(name)
            for top in self.tree.search_path:
                for stem in stems:
                    self._add(found, top, stem + suffix)
        for top in self.tree.search_path if self._has_types else ():
            self._add(found, top, parser.type_of(every[0]) + suffix)
        return list(found)

    def _find_too_new(self, every: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        """Yield the drop-ins of prefixes and of types, and the version from which on systemd reads them, where the host's does not."""
        shorter = [] if self._shortens else [s for name in every for s in _stems(name) if s not in _whole_stems(name)]
        types = [] if self._has_types else [parser.type_of(every[0])]
        sinces = [*((stem, parser.PREFIXES_SHORTENED) for stem in shorter), *((stem, parser.TYPES_HAVE_DROP_INS) for stem in types)]
        for stem, since in sinces:
            for top in self.tree.search_path:
                folder = self.tree.folder(posixpath.join(top, f"{stem}.d"))
                yield from ((posixpath.join(folder, name), since) for name in self._confs(folder)) if folder is not None else ()

    def _find_open(self, every: tuple[str, ...], drop_ins: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Yield what drop-ins of prefixes and of types depend on, where nobody knows whether the systemd of the host reads them."""
        open_ = [since for since in ((parser.PREFIXES_SHORTENED, ""), _TYPES_SINCE) if drop_ins and self.tree.systemd.is_open(*since)]
        whole = {f"{stem}.d" for name in every for stem in _whole_stems(name)} if open_ else set()
        of_type = f"{parser.type_of(every[0])}.d"
        folders = {posixpath.basename(posixpath.dirname(path)) for path in drop_ins} if open_ else set()
        for since in open_:
            if (of_type in folders) if since == _TYPES_SINCE else bool(folders - whole - {of_type}):
                yield since

    def _add(self, found: dict[str, None], top: str, name: str) -> None:
        if top in self.tree.folders and name in self.tree.folders[top]:
            folder = self.tree.folder(posixpath.join(top, name))
            if folder is not None:
                found[folder] = None


def _is_meant(stem: str) -> bool:
    """Return whether a drop-in folder of this stem speaks of one unit: not of a prefix (`a-.service`), nor of a doubled suffix."""
    return parser.is_unit(stem) and not parser.prefix_of(stem).endswith("-") and not parser.is_unit(parser.prefix_of(stem))


def _stems(name: str) -> Iterator[str]:
    """Yield the names whose folders count for a unit: its own, its template's, then those of its prefixes."""
    yield name
    if parser.instance_of(name):
        yield from _stems(parser.template_of(name))
    shorter = parser.shorten(name)
    if shorter is not None:
        yield from _stems(shorter)


def _whole_stems(name: str) -> tuple[str, ...]:
    """Return the names whose folders count for a unit of an old systemd: its own and its template's."""
    return (name, parser.template_of(name)) if parser.instance_of(name) else (name,)


class Made(Struct, frozen=True):
    """What the generator makes of one file: a unit `name` with this text.

    `source` is the file, `container` the name of the container or pod, that of the file where it has none of its own; `runs` tells whether
    it is of one, or of a thing that is made once. `refused` is why it makes none, or one that cannot start, with the line at fault; None if
    it does. `unsure` is why nobody knows whether it makes one, or empty. `broken` tells that podman cannot read the file.
    """

    name: str
    source: Source
    text: UnitText
    container: str
    refused: tuple[str, Span | None] | None = None
    unsure: str = ""
    runs: bool = True
    broken: bool = False


class _Quadlets(Struct):
    """The quadlets of one host or folder by their names: the files, their texts (by path), the lines of each with those of its drop-ins.

    `called` are the names of their units, `named` the other quadlets that each names in its own section, with the key.
    """

    files: dict[str, Source]
    texts: dict[str, UnitText]
    lines: dict[str, list[Assignment | Stray]]
    called: dict[str, str] = field(default_factory=dict)
    named: dict[str, list[tuple[str, Text]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, lines in self.lines.items():
            self.called[name] = _unit_name(name, lines)
            self.named[name] = list(_find_named(name.rpartition(".")[2], lines))

    def unit(self, name: str) -> str:
        """Return the name of the unit of a quadlet, of one that was not given too."""
        return self.called.get(name) or _unit_name(name, ())


def _file_name(source: Source, text: UnitText) -> str:
    """Return the name of the quadlet that a unit is made of; empty for a drop-in, which only adds to one.

    A file that the user calls a quadlet (`--kind`), and whose name does not tell what it is of, has the name that its section asks for.
    """
    folder, name = posixpath.split(source.path)
    if name.rpartition(".")[2] in _SECTIONS:
        return name
    if name.endswith(".conf") and folder.endswith(".d"):
        return ""
    has = {section.value for section in text.sections}
    return next((f"{name}.{suffix}" for suffix, section in _SECTIONS.items() if section in has), "")


def read_made(sources: Iterable[Source]) -> Iterator[tuple[str, bool, list[Made]]]:
    """Yield the units that are made of quadlets, together for each host, with its root and True, and for each folder of files that lie in
    no host's tree, with that and False."""
    places: dict[tuple[str, bool], list[Source]] = {}
    for source in sources:
        below = source.path[len(source.root) :]
        on_host = below.startswith(tuple(folder + "/" for folder in _FOLDERS))
        if on_host:
            places.setdefault((source.root, True), []).append(source)
        else:
            folder, name = posixpath.split(source.path)
            above = posixpath.dirname(folder) if folder.endswith(".d") and name.endswith(".conf") else folder
            places.setdefault((above, False), []).append(source)
    yield from ((place, on_host, list(_make(found, on_host))) for (place, on_host), found in places.items())


def _make(sources: list[Source], on_host: bool) -> Iterator[Made]:
    """Yield what is made of the quadlets of one host or folder: of equal names the first that podman comes to and can read.

    For one that it cannot read, as a link that leads nowhere, podman's generator passes over its whole folder; where it is only here that
    nobody can, that is not known.
    """
    unread = {posixpath.dirname(source.path): source.path for source in sources if source.kind == UNREADABLE and _is_whole(source)}
    sources = [source for source in sources if source.kind != UNREADABLE]
    texts = {source.path: parser.read_quadlet(source) for source in sources}
    ordered = sorted(sources, key=_strength)
    main: dict[str, Source] = {}
    broken: dict[str, Source] = {}
    lost: dict[str, str] = {}  # by folder: a quadlet that podman cannot read, for which it passes over all others there
    for source in ordered:
        name = _file_name(source, texts[source.path])
        if not name or name in main:
            continue
        if _find_broken(texts[source.path]) is None:
            main[name] = source
        else:
            broken.setdefault(name, source)
            lost.setdefault(posixpath.dirname(source.path) if on_host else source.path, name)
    main = {**broken, **main}
    drop_ins: dict[str, list[tuple[str, Source]]] = {}  # by the name of their folder
    for source in ordered:
        above, file = posixpath.split(source.path)
        if file.endswith(".conf"):
            drop_ins.setdefault(posixpath.basename(above), []).append((file, source))
    yield from _convert(
        _Quadlets(main, texts, {name: [*texts[main[name].path].lines, *_add(name, drop_ins, texts)] for name in main}),
        lost,
        unread if on_host else {},
    )


def _is_whole(source: Source) -> bool:
    """Return whether a file is a quadlet itself, and no drop-in of one."""
    return source.path.rpartition(".")[2] in _SECTIONS


def _strength(source: Source) -> tuple[int, list[str]]:
    """Return what sorts the files as podman comes to them: a folder first, then each folder in it with all that it holds."""
    below = source.path[len(source.root) :]
    top = next((i for i, folder in enumerate(_FOLDERS) if below.startswith(folder + "/")), len(_FOLDERS))
    folder, name = posixpath.split(below)
    if name.endswith(".conf") and folder.endswith(".d"):
        folder = posixpath.dirname(folder)
    return top, [*folder.split("/"), "", name]  # the empty one is less than the name of any folder


def _add(name: str, drop_ins: Mapping[str, list[tuple[str, Source]]], texts: Mapping[str, UnitText]) -> Iterator[Assignment | Stray]:
    """Yield the lines of the drop-ins of a quadlet, in the order in which they are merged."""
    chosen: dict[str, Source] = {}
    for folder in _drop_in_folders(name):
        for file, source in drop_ins.get(folder, ()):
            chosen.setdefault(file, source)
    for file in sorted(chosen):
        if _find_broken(texts[chosen[file].path]) is None:
            yield from texts[chosen[file].path].lines


def _drop_in_folders(name: str) -> Iterator[str]:
    """Yield the folders of drop-ins that podman looks for, by their names, the strongest first."""
    stem, _, suffix = name.rpartition(".")
    prefix, at, instance = stem.partition("@")
    yield f"{name}.d"
    if instance:
        yield f"{prefix}@.{suffix}.d"
    for cut in range(len(prefix) - 1, -1, -1):
        if prefix[cut] == "-":
            if at:
                yield f"{prefix[: cut + 1]}@.{suffix}.d"
            yield f"{prefix[: cut + 1]}.{suffix}.d"
    yield f"{suffix}.d"


def _convert(quadlets: _Quadlets, lost: Mapping[str, str], unread: Mapping[str, str]) -> Iterator[Made]:
    """Yield the units of quadlets; `lost` has, by folder, one that podman cannot read, for which it passes over all others there, and
    `unread` one that could not be read here."""
    refused: dict[str, tuple[str, Span | None]] = {}
    unsure: dict[str, str] = {}
    for name, source in quadlets.files.items():
        why = _makes_none(name, quadlets, lost.get(posixpath.dirname(source.path), name))
        if why is not None:
            refused[name] = why
            continue
        unknown = _not_known(name, quadlets) or _explain_unread(unread.get(posixpath.dirname(source.path), ""))
        if unknown:
            unsure[name] = unknown
    ends = dict(refused)
    for name, (other, span) in _that_need(refused, quadlets).items():
        ends.setdefault(name, (f"it needs `{other}`: {refused[other][0]}", span))
    for name, (other, _) in _that_need(unsure, quadlets).items():
        unsure.setdefault(name, unsure[other])
    inside: dict[str, list[str]] = {}  # by pod: its containers
    for name in quadlets.files:
        pod = "" if name in refused else _find_starter(name, quadlets)
        if pod:
            inside.setdefault(pod, []).append(name)
    for name in quadlets.files:
        made = _unit_of(name, quadlets, inside.get(name, []))
        yield replace(made, refused=ends.get(name), unsure="" if name in ends else unsure.get(name, ""))


def _explain_unread(path: str) -> str:
    return f"`{posixpath.basename(path)}` could not be read: where podman cannot either, it passes over the whole folder" if path else ""


def _makes_none(name: str, quadlets: _Quadlets, beside: str) -> tuple[str, Span | None] | None:
    """Return why the generator makes no unit of a quadlet by itself; `beside` is one of its folder that podman cannot read, or itself."""
    refusal: tuple[str, Span | None] | None = _find_broken(quadlets.texts[quadlets.files[name].path])
    if refusal is None and beside != name:
        refusal = f"podman's generator makes no unit of it: it passes over the whole folder, as it cannot read `{beside}` there", None
    suffix, lines = name.rpartition(".")[2], quadlets.lines[name]
    own, service = _keys(lines, _SECTIONS[suffix]), _keys(lines, "Service")
    return (
        refusal
        or _refusal(suffix, own, service)
        or _refusal_of_a_thing(suffix, own, service, lines)
        or _find_wrong_port(suffix, lines)
        or _find_lost_source(suffix, lines)
        or _find_wrong_users(suffix, lines)
        or _find_misplaced(suffix, lines)
        or _joins_nameless(name, quadlets)
    )


def _keys(lines: Iterable[Assignment | Stray], section: str) -> dict[str, Text]:
    """Return the keys of a section, each with the last of its values, as podman looks it up: without the quotes around it."""
    return {line.key.value: _unquote(line.value) for line in lines if isinstance(line, Assignment) and line.section == section}


def _is_true(value: str) -> bool:
    """Return what a boolean of podman's says: it knows fewer words than systemd."""
    return value.lower() in ("1", "yes", "true", "on")


def _unquote(text: Text) -> Text:
    value = text.value
    return Text(value[1:-1], text.span) if len(value) > 1 and value[0] == value[-1] == '"' else text


def _unit_of(name: str, quadlets: _Quadlets, inside: list[str]) -> Made:
    """Return the unit of a quadlet; `inside` are the containers of a pod that it starts."""
    stem, _, suffix = name.rpartition(".")
    source, lines, section = quadlets.files[name], quadlets.lines[name], _SECTIONS[suffix]
    text = quadlets.texts[source.path]
    own, service = _keys(lines, section), _keys(lines, "Service")
    head = next((one.span for one in text.sections if one.value == section), source.span(0, 0))
    container = own.get({"container": "ContainerName", "pod": "PodName"}.get(suffix, ""), Text("", head)).value or stem.partition("@")[0]

    def add(key: str, value: str, span: Span = head) -> Assignment:
        group, _, word = key.partition(".")
        return Assignment(group, Text(word, span), Text(value, span))

    added: list[Assignment] = []
    kind = service.get("Type")
    if suffix in MADE_ONCE:
        added += [] if kind is not None else [add("Service.Type", "oneshot")]
        if suffix != "build" and "RemainAfterExit" not in service:
            added.append(add("Service.RemainAfterExit", "yes"))
        verb = {"build": "", "image": " pull", "artifact": " pull"}.get(suffix, " create")
        added.append(add("Service.ExecStart", f"/usr/bin/podman {suffix}{verb}"))
    elif suffix == "pod":
        added.append(add("Service.Type", "forking"))
        if "Restart" not in service:
            added.append(add("Service.Restart", "on-failure"))
        added.append(add("Service.ExecStart", f"/usr/bin/podman pod start {container}"))
        for one in inside:
            added += [add("Unit.Wants", quadlets.unit(one)), add("Unit.Before", quadlets.unit(one))]
    else:
        if kind is None or kind.value != "oneshot":
            added.append(add("Service.Type", "notify"))
            added.append(add("Service.NotifyAccess", "all"))
        added.append(add("Service.ExecStart", _command(suffix, container, {key: text.value for key, text in own.items()})))
    for key, other in quadlets.named[name]:
        unit = quadlets.unit(other.value)
        added += [add("Unit.BindsTo" if key == "Pod" else "Unit.Requires", unit, other.span), add("Unit.After", unit, other.span)]
    kept = tuple(_translate(line, quadlets) for line in (*lines, *added) if line.section not in _OWN)
    whole = UnitText(source.path, text.empty, text.sections, kept, text.stop)
    return Made(quadlets.called[name], source, whole, container, runs=suffix in _RUN, broken=_find_broken(text) is not None)


def _find_named(suffix: str, lines: Iterable[Assignment | Stray]) -> Iterator[tuple[str, Text]]:
    """Yield the other quadlets that one names in its own section, each with the key; an empty value takes those before it away."""
    section, naming = _SECTIONS[suffix], _NAMING.get(suffix, {})
    values: dict[str, list[Text]] = {}
    for line in lines:
        if isinstance(line, Assignment) and line.section == section and line.key.value in naming:
            found = values.setdefault(line.key.value, [])
            value = _unquote(line.value) if line.key.value in _LAST_COUNTS else line.value
            if not value.value or line.key.value in _LAST_COUNTS:
                found.clear()
            if value.value:
                found.append(value)
    driver = _keys(lines, section).get("Driver")
    for key, texts in values.items():
        for text in texts:
            if key == "Mount":
                names = [_source(mount) or "" for mount in _mounts_in(text.value)]
            else:
                names = [text.value if key in _LAST_COUNTS else text.value.partition(":")[0]]
            for name in names:
                is_one = name.endswith(naming[key]) and (key != "Volume" or name != text.value)
                if is_one and (suffix != "volume" or (driver is not None and driver.value == "image")):
                    yield key, Text(name, text.span)


def _mounts_in(value: str) -> list[str]:
    """Return the mounts of one `Mount=`, which podman parts at blanks."""
    return [word for word in parser.words(value, unquote=True) if word]


def _source(mount: str) -> str | None:
    """Return the source of a mount of a kind that must have one; empty where it lacks it, None for another kind."""
    parts = [part.partition("=") for part in mount.split(",")]
    kind = next((value for key, equals, value in parts if key == "type" and equals), "volume")
    if kind not in _WITH_SOURCE:
        return None
    found = [(equals, value) for key, equals, value in parts if key in ("source", "src")]
    return found[-1][1] if found and all(equals for equals, _ in found) else ""


def _that_need(those: Iterable[str], quadlets: _Quadlets) -> dict[str, tuple[str, Span]]:
    """Return each quadlet that needs one of `those`, over others too, with the one that it needs and the place where it names what leads
    there."""
    users: dict[str, list[tuple[str, Span]]] = {}
    for name, named in quadlets.named.items():
        for _, other in named:
            users.setdefault(other.value, []).append((name, other.span))
    found: dict[str, tuple[str, Span]] = {}
    ahead = [(name, name) for name in those]
    for name, needed in ahead:  # which grows
        for user, span in users.get(name, ()):
            if user not in found:
                found[user] = needed, span
                ahead.append((user, needed))
    return found


def _find_starter(name: str, quadlets: _Quadlets) -> str:
    """Return the pod whose unit starts that of a quadlet; empty where there is none."""
    pod = next((other.value for key, other in quadlets.named[name] if key == "Pod"), "")
    own = _keys(quadlets.lines[name], "Container") if pod else {}
    is_started = "StartWithPod" not in own or _is_true(own["StartWithPod"].value)
    return pod if is_started and not name.endswith("@.container") else ""


def _joins_nameless(name: str, quadlets: _Quadlets) -> tuple[str, Span] | None:
    """Return why the generator makes no unit of a quadlet that joins the network of a template's container, and the line at fault."""
    for key, other in quadlets.named[name]:
        if key == "Network" and other.value in quadlets.lines and other.value.endswith(".container"):
            own = _keys(quadlets.lines[other.value], "Container")
            called = own["ContainerName"].value if "ContainerName" in own else ""
            if "%" in called.replace("%N", "") or (not called and "@" in other.value):
                why = f"podman's generator makes no unit of it: the container of `{other.value}` has no single name, which `Network=` needs"
                return why, other.span
    return None


def _words_for(lines: Iterable[Assignment | Stray]) -> Iterator[str]:
    """Yield the quadlets that a dependency on a unit names."""
    for line in lines:
        if isinstance(line, Assignment) and line.section == "Unit" and line.key.value in _DEPENDENCIES:
            yield from (word for word in _units_in(line.value.value) if word.rpartition(".")[2] in _SECTIONS)


def _units_in(value: str) -> list[str]:
    """Return the words of a dependency, as podman parts them: it takes quotes off, which systemd does not."""
    return [word for word in parser.words(value, unquote=True) if word] if '"' in value or "'" in value else value.split()


def _translate(line: Assignment | Stray, quadlets: _Quadlets) -> Assignment | Stray:
    """Return a dependency with the names of quadlets (`db.container`) as those of their units; any other line as it is."""
    if not isinstance(line, Assignment) or line.section != "Unit" or line.key.value not in _DEPENDENCIES:
        return line
    every = _units_in(line.value.value)
    names = {word: quadlets.unit(word) for word in every if word.rpartition(".")[2] in _SECTIONS}
    if names and every != line.value.value.split():
        return replace(line, value=Text(" ".join(names.get(word, word) for word in every), line.value.span), words=())
    parts = tuple(Text(" ".join(names.get(word, word) for word in part.value.split()), part.span) for part in line.words or (line.value,))
    if all(part.value == " ".join(old.value.split()) for part, old in zip(parts, line.words or (line.value,))):
        return line
    return replace(line, value=Text(" ".join(part.value for part in parts), line.value.span), words=parts)


def _command(suffix: str, container: str, own: Mapping[str, str]) -> str:
    """Return the command that starts a container, or the pods of a manifest, as far as it tells which service it is."""
    if suffix == "kube":
        return f"/usr/bin/podman kube play {own.get('Yaml', '')}".rstrip()
    notify = own.get("Notify", "")
    told_by = "healthy" if notify == "healthy" else "container" if _is_true(notify) else "conmon"
    image = own.get("Image") or own.get("Rootfs") or ""
    return f"/usr/bin/podman run --name={container} --sdnotify={told_by} {image} {own.get('Exec', '')}".rstrip()


def _find_broken(text: UnitText) -> tuple[str, Span] | None:
    """Return why podman reads nothing of a file, and the line at fault: one that is no assignment, no header, or in no section."""
    begin = "podman's generator makes no unit of it:"
    for line in text.lines:
        if isinstance(line, Stray):
            return f"{begin} {line.because}: `{line.text.value}`", line.text.span
        if not line.section and not any(section.span.start < line.key.span.start for section in text.sections):
            return f"{begin} `{line.key.value}` comes before any section", line.key.span
    bad = next((section for section in text.sections if not section.value or _NO_HEADER.search(section.value)), None)
    return None if bad is None else (f"{begin} `[{bad.value}]` is no header of a section", bad.span)


def _refusal(suffix: str, own: Mapping[str, Text], service: Mapping[str, Text]) -> tuple[str, Span | None] | None:
    """Return why the generator makes no unit, and the line at fault; None if it makes one."""
    begin = "podman's generator makes no unit of it:"
    given = {key: text for key, text in own.items() if text.value}
    if suffix == "container" and not ("Image" in given or "Rootfs" in given):
        return f"{begin} it has neither `Image=` nor `Rootfs=`", None
    if suffix == "container" and "Image" in given and "Rootfs" in given:
        return f"{begin} it has both `Image=` and `Rootfs=`", given["Rootfs"].span
    if suffix == "kube" and "Yaml" not in given:
        return f"{begin} it has no `Yaml=`", None
    if suffix not in ("container", "kube"):
        return None
    kind, kill, pod = service.get("Type"), service.get("KillMode"), given.get("Pod")
    if kind is not None and kind.value not in _TYPES:
        return f"{begin} `Type=` may be `notify` or `oneshot` only", kind.span
    if kill is not None and kill.value not in _KILL_MODES:
        return f"{begin} `KillMode=` may be `mixed` or `control-group` only", kill.span
    if suffix == "container" and pod is not None and not pod.value.endswith(".pod"):
        return f"{begin} `Pod=` must name a quadlet, which ends in `.pod`", pod.span
    if suffix == "container" and "Group" in given and "User" not in given:
        return f"{begin} it has a `Group=` without a `User=`", given["Group"].span
    where = given.get("SetWorkingDirectory")
    if suffix == "kube" and where is not None and where.value.lower() not in ("yaml", "unit"):
        return f"{begin} `SetWorkingDirectory=` may be `yaml` or `unit` only", where.span
    if suffix == "container" and "ReloadCmd" in given and "ReloadSignal" in given:
        return f"{begin} it has both `ReloadCmd=` and `ReloadSignal=`", given["ReloadSignal"].span
    return None


def _refusal_of_a_thing(
    suffix: str, own: Mapping[str, Text], service: Mapping[str, Text], lines: Iterable[Assignment | Stray]
) -> tuple[str, Span | None] | None:
    """Return why the generator makes no unit of a thing that is made once, and the line at fault; None if it makes one, or it is none."""
    begin = "podman's generator makes no unit of it:"
    given = {key: text for key, text in own.items() if text.value}
    needed = {"image": "Image", "build": "ImageTag", "artifact": "Artifact"}.get(suffix)
    if needed is not None and needed not in given:
        return f"{begin} it has no `{needed}=`", None
    if suffix == "build" and not ("File" in given or "SetWorkingDirectory" in given) and not service.get("WorkingDirectory", _NONE).value:
        return f"{begin} it has neither `File=` nor `SetWorkingDirectory=`", None
    if suffix == "build" and not ("SetWorkingDirectory" in given or service.get("WorkingDirectory", _NONE).value):
        file = given["File"]
        if not _WITHOUT_FOLDER.match(file.value):
            return f"{begin} a relative `File=` needs a `SetWorkingDirectory=`", file.span
    where = given.get("SetWorkingDirectory")
    if suffix == "build" and where is not None and where.value.lower() == "yaml":
        return f"{begin} `SetWorkingDirectory=yaml` is for quadlets of `.kube` only", where.span
    if suffix == "build" and where is not None and where.value.lower() == "file" and "File" not in own:
        return f"{begin} it has no `File=`, which `SetWorkingDirectory=file` needs", where.span
    if suffix == "volume" and own.get("Driver", _NONE).value == "image":
        return None if "Image" in own else (f"{begin} it has no `Image=`, which `Driver=image` needs", own["Driver"].span)
    if suffix == "volume" and "Type" in given and "Device" not in given:
        return f"{begin} it has a `Type=` without a `Device=`", given["Type"].span
    if suffix == "network":
        counts = {key: _values(lines, "Network", key) for key in ("Subnet", "Gateway", "IPRange")}
        for key in ("Gateway", "IPRange"):
            if len(counts[key]) > len(counts["Subnet"]):
                return f"{begin} it has more `{key}=` than `Subnet=`", counts[key][-1].span
    return None


def _values(lines: Iterable[Assignment | Stray], section: str, key: str) -> list[Text]:
    """Return the values of a key; an empty one takes those before it away."""
    found: list[Text] = []
    for line in lines:
        if isinstance(line, Assignment) and (line.section, line.key.value) == (section, key):
            found = [*found, line.value] if line.value.value else []
    return found


def _find_wrong_port(suffix: str, lines: Iterable[Assignment | Stray]) -> tuple[str, Span] | None:
    """Return why the generator makes no unit where one of the ports that a container exposes is none, and the line at fault."""
    ports = _values(lines, "Container", "ExposeHostPort") if suffix == "container" else []
    wrong = next((port for port in ports if not _PORTS.search(port.value)), None)
    why = "podman's generator makes no unit of it: `ExposeHostPort=` must be a port or a range of ports"
    return None if wrong is None else (why, wrong.span)


def _find_lost_source(suffix: str, lines: Iterable[Assignment | Stray]) -> tuple[str, Span] | None:
    """Return why the generator makes no unit of a container with a mount of nothing, and the line at fault."""
    for text in _values(lines, "Container", "Mount") if suffix == "container" else ():
        lost = next((mount for mount in _mounts_in(text.value) if _source(mount) == ""), None)
        if lost is not None:
            return f"podman's generator makes no unit of it: `{lost}` has no `source=`", text.span
    return None


def _find_wrong_users(suffix: str, lines: Sequence[Assignment | Stray]) -> tuple[str, Span] | None:
    """Return why the generator makes no unit where users are mapped in the old way (`RemapUsers=`) and wrongly, and the line at fault."""
    if suffix not in _RUN:
        return None
    begin, section = "podman's generator makes no unit of it:", _SECTIONS[suffix]
    olds = {key: _values(lines, section, key) for key in ("RemapUid", "RemapGid")}
    given = [line for line in lines if isinstance(line, Assignment) and line.section == section]
    how = next((line.value for line in reversed(given) if line.key.value == "RemapUsers"), None)
    old = next((line.key for line in given if line.key.value in ("RemapUsers", *olds)), None)
    if old is not None and any(line.key.value in _MAPPINGS and _unquote(line.value).value for line in given):
        return f"{begin} it has both `{old.value}=` and a setting that takes its place", old.span
    if how is not None and (how.value not in _REMAPS or (how.value == "manual" and suffix == "kube")):
        return (
            f"{begin} `RemapUsers=` may be {'`auto` or `keep-id`' if suffix == 'kube' else '`auto`, `manual` or `keep-id`'} only",
            how.span,
        )
    for key, texts in olds.items():
        words = [word for text in texts for word in parser.words(text.value, unquote=True) if word]
        if words and (how is None or not how.value):
            return f"{begin} it has `{key}=` without `RemapUsers=`", texts[0].span
        if len(words) > 1 and how is not None and how.value == "keep-id":
            return f"{begin} it has more than one `{key}=`, which `RemapUsers=keep-id` takes one of", texts[-1].span
    return None


def _strange(suffix: str, lines: Iterable[Assignment | Stray]) -> Iterator[tuple[Text, tuple[str, ...]]]:
    """Yield the keys of podman's own sections that no podman knows, each with those that it knows there."""
    more = _ANY_RUN.split() if suffix in _RUN else ()
    known = {_SECTIONS[suffix]: (*_ANY_KEYS.split(), *more, *_KEYS[suffix].split()), "Quadlet": _QUADLET_KEYS}
    for line in lines:
        keys = known.get(line.section)
        if isinstance(line, Assignment) and keys is not None and line.key.value not in keys:
            yield line.key, keys


def _find_misplaced(suffix: str, lines: Iterable[Assignment | Stray]) -> tuple[str, Span] | None:
    """Return why the generator makes no unit where a key of its own is misspelt, or systemd's stands among them, and the line at fault.

    It refuses each key that it does not know. One that is like no other may be of a later podman.
    """
    from difflib import get_close_matches

    for strange, known in _strange(suffix, lines):
        key = strange.value
        meant = [each for each in known if each.lower() == key.lower()] or get_close_matches(key, known, n=1, cutoff=_MISSPELT)
        theirs = next((section for section in ("Service", "Unit", "Install") if key in parser.KEYS[section]), "")
        if theirs and not (meant and meant[0].lower() == key.lower()):
            return f"podman's generator makes no unit of it: `{key}` belongs in `[{theirs}]`", strange.span
        if meant:
            return f"podman's generator makes no unit of it: unknown key `{key}`; did you mean `{meant[0]}`?", strange.span
    return None


def _not_known(name: str, quadlets: _Quadlets) -> str:
    """Return why nobody knows whether the generator makes a unit of the quadlet `name`; empty where it does."""
    strange = next(_strange(name.rpartition(".")[2], quadlets.lines[name]), None)
    if strange is not None:
        return f"podman up to {_NEWEST} knows no key `{strange[0].value}`, and makes no unit of {name} where it does not know one"
    lines = quadlets.lines[name]
    own = _keys(lines, "Volume") if name.endswith(".volume") else {}
    if own.get("Options", _NONE).value and not own.get("Device", _NONE).value and own.get("Driver", _NONE).value != "image":
        return f"podman up to 5.8 makes no unit of {name}, which has `Options=` without a `Device=`"
    words = (*(other.value for _, other in quadlets.named[name]), *_words_for(lines))
    lost = next((word for word in words if word not in quadlets.lines), None)
    return "" if lost is None else f"`{lost}` was not given, which {name} names: podman makes no unit of {name} without it"


def _unit_name(name: str, lines: Iterable[Assignment | Stray]) -> str:
    """Return the name of the unit that is made of a quadlet: that of the file, unless `ServiceName=` says another."""
    stem, _, suffix = name.rpartition(".")
    given = ""
    for line in lines:
        if isinstance(line, Assignment) and line.section == _SECTIONS[suffix] and line.key.value == "ServiceName":
            given = _unquote(line.value).value
    if given:
        return f"{given}.service"
    added = "" if suffix in ("container", "kube") else f"-{suffix}"
    return re.sub(r"(@?)$", rf"{added}\1", stem, count=1) + ".service"


def read_enabled(made: Made) -> str:
    """Return whether something starts the unit at the next boot: the generator itself obeys `[Install]`, of a template only with a
    `DefaultInstance=`."""
    wanted = ("WantedBy", "RequiredBy", "UpheldBy")
    found = [line for line in made.text.lines if isinstance(line, Assignment) and line.section == "Install"]
    if parser.is_template(made.name) and not any(line.key.value == "DefaultInstance" for line in found):
        return "static"
    return "enabled" if any(line.key.value in wanted and line.value.value for line in found) else "static"


def is_valid(made: Made) -> bool:
    """Return whether systemd takes the name of the unit."""
    return parser.is_unit(made.name)
