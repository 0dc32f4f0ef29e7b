"""Where option files lie, and which of them a program reads when it is not told: oslo.config's search, and RDO's."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from lwlint.core.catalogue import PROJECTS
from lwlint.core.source import Source, Span
from lwlint.inputs.systemd import programs
from lwlint.inputs.systemd import settings as parser
from lwlint.inputs.systemd.facts import MASKED, Setting, Unit


class KollaContainer(Struct, frozen=True):
    """The program of a container, its option files and folders (with a final `/`) in the order of its command line, and where its files
    come to lie, by their names."""

    program: str
    arguments: tuple[str, ...]
    files: Mapping[str, str]


def read_container(text: str | None) -> KollaContainer | None:
    """Return what a `config.json` says; None if there is none, or it is not one. Paths are without their first `/`."""
    try:
        plain = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(plain, dict):
        return None
    command = plain.get("command")
    started = programs.read_started(command) if isinstance(command, str) else None
    words = started.words if started is not None else ()
    arguments = tuple(value.lstrip("/") for _, value in _flags(words))
    entries = plain.get("config_files")
    files: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        source, dest = (entry.get("source"), entry.get("dest")) if isinstance(entry, dict) else (None, None)
        if isinstance(source, str) and isinstance(dest, str):
            files[source.rsplit("/", 1)[-1]] = dest.lstrip("/")
    return KollaContainer(started.names[0] if started is not None and started.names else "", arguments, files)


# `inspector.conf` and the like
_MAIN = {"ironic-inspector": "inspector"}  # whose main file is not called like the project
_NEUTRON = re.compile(r"(\w+_agent|ml2_conf|plugin|\w+_conf)\.ini$")
_DIST = re.compile(r"(?:.*\.)?(?P<program>[a-z][a-z-]*)-dist\.conf$")
_CONTAINER = re.compile(r"var/lib/config-data/(?P<generated>puppet-generated/)?(?P<name>[^/]+)/(?=etc/|usr/)")
_DATA_PLANE = re.compile(r"var/lib/openstack/config/(?P<project>[^/]+)/(?P<file>[^/]+)$")
_HOME = re.compile(r"(?P<home>(?:[^/]+/)*?)(?:plugins/.*/|conf\.d/(?:.*/)?|[^/]+\.conf\.d/)?[^/]+$")
_ON_HOST = re.compile(r"(etc|usr/share|usr/local/etc|usr/local/share)/")
# Not oslo.config: Paste, uWSGI, logging, rootwrap; all of swift.
_OTHERS = re.compile(
    r"(^|[-_/])(api-)?(paste|uwsgi|logging|rootwrap)[^/]*\.(ini|conf)$|-paste\.ini$|(^|/)(swift|rootwrap\.d|keystone\.domains)/"
)
# What the units of some services add to their command lines, in load order; `%` stands for the main file.
_COMMAND_LINES: Mapping[str, tuple[str, ...]] = {
    "neutron": (
        "usr/share/neutron/server/",
        "%",
        "etc/neutron/plugin.ini",
        "etc/neutron/conf.d/common/",
        "etc/neutron/conf.d/neutron-server/",
    ),
    "octavia": ("%", "etc/octavia/conf.d/common/"),
}
# parts of projects that have files of their own and no service in the catalogue
_PARTS = (
    "cache",
    "cpu",
    "dhcpbridge",
    "glare",
    "idmapshift",
    "manage",
    "registry",
    "scrubber",
    "swift",
    "taskmanager",
    "conductor",
    "guestagent",
)
_COPIES = (".rpmnew", ".rpmsave", ".rpmorig", ".dpkg-dist", ".dpkg-old", ".dpkg-new", ".ucf-dist", ".bak", ".orig", ".old", ".swp", "~")
ML2 = "etc/neutron/plugins/ml2/ml2_conf.ini"
PLUGIN = "etc/neutron/plugin.ini"


class Place(NamedTuple):
    """A file system that programs run in: a host's, or what a container is given. `name` is the container's, else empty."""

    root: str
    name: str = ""
    loose: bool = False
    generated: bool = False


class Search(NamedTuple):
    """What one program reads: paths inside the place, in load order. `partial`: on top of files that are not known.

    `read` is false for a file that lies where programs look and that none takes, by its name.
    """

    project: str
    program: str
    paths: tuple[str, ...]
    partial: bool = False
    read: bool = True


def is_foreign(path: str) -> bool:
    """Return whether the file at `path` is read by something else than oslo.config, though it looks alike."""
    return _OTHERS.search(path) is not None


def locate(source: Source, knows: Callable[[str], bool]) -> tuple[Place, str]:
    """Return the place of an option file and its path there; a loose file gets the path that its name stands for.

    The path of a loose file whose name tells nothing is just its name. `knows` tells the programs that there are.
    """
    below = source.path[len(source.root) :]
    container = _CONTAINER.match(below)
    if container:
        return Place(source.root, container["name"], generated=container["generated"] is not None), below[container.end() :]
    plane = _DATA_PLANE.match(below)
    if plane:
        return Place(source.root, plane["project"]), f"etc/{plane['project']}/{plane['project']}.conf.d/{plane['file']}"
    if _ON_HOST.match(below):
        return Place(source.root), below.replace("usr/local/", "usr/" if below.startswith("usr/local/share") else "", 1)
    lost = _BELOW_FOLDER.match(source.path)
    if lost is not None:  # which lies too deep for its folder to be that of a program; the one above is
        at = lost.start("folder")
        path = _find_installed(source.path[at:], knows)
        if path != source.path[at:]:
            return Place(source.path[:at], loose=True), path
    return Place(source.root, loose=True), _find_installed(below, knows)


def _find_installed(name: str, knows: Callable[[str], bool]) -> str:
    dist = _DIST.match(name)
    if dist:
        project = project_of_program(dist["program"])
        return f"usr/share/{project}/{dist['program']}-dist.conf" if project else name
    if _NEUTRON.match(name):
        return f"etc/neutron/{'plugins/ml2/' if name == 'ml2_conf.ini' else ''}{name}"
    stem = name.split("/")[0].split(".conf")[0]
    project = next((p for p, main in _MAIN.items() if stem == main), None) or project_of_program(stem)
    if project is None or ".conf" not in name:
        return name
    own = stem in (project, _MAIN.get(project)) or "." in stem or knows(stem) or stem[len(project) + 1 :] in _PARTS
    return f"etc/{project}/{name}" if own else name


def project_named(name: str) -> str | None:
    """Return the project whose name is a word of a file's name (`ctl1-cinder.conf`); None where none is, or several are."""
    words = [word for word in re.split(r"[-_.@+ ]", name) if word]
    found = {
        project for project in PROJECTS for i in range(len(words)) if "-".join(words[i:]).startswith(project) and _ends(words[i:], project)
    }
    longest = {project for project in found if not any(other != project and other.startswith(project) for other in found)}
    return longest.pop() if len(longest) == 1 else None


def _ends(words: Sequence[str], project: str) -> bool:
    return project.split("-") == list(words[: project.count("-") + 1])


def project_of_program(program: str) -> str | None:
    """Return the project that a program (`nova-api`, `nova`) belongs to, by its name; the longest fits best."""
    fitting = [p for p in PROJECTS if program == p or program.startswith(p + "-")]
    return max(fitting, key=len, default=None)


def project_of(path: str) -> str:
    """Return the project whose file lies at `path` of a place; empty if the path does not tell."""
    parts = path.split("/")
    if parts[0] == "etc" and len(parts) > 2:
        return parts[1] if parts[1] in PROJECTS else _by_name(parts) or _by_container(parts) or parts[1]
    if parts[:2] == ["usr", "share"] and len(parts) > 3:
        return parts[2]
    if parts[0] == "etc":
        stem = parts[-1].rsplit(".", 1)[0]
        return project_of_program(stem) or stem
    return ""


def _by_name(parts: Sequence[str]) -> str:
    """Return the project that a file in a folder of none belongs to, by its name (`etc/kolla/nova-api/nova.conf`); empty if none tells."""
    names = [parts[-1], *(part[: -len(".d")] for part in parts[-2:-1] if part.endswith(".conf.d"))]
    for name in names:
        if _NEUTRON.match(name):
            return "neutron"
        stem = name.split(".conf")[0]
        project = next((p for p, main in _MAIN.items() if stem == main), None) or project_of_program(stem)
        if project and ".conf" in name:
            return project
    return project_of_program(parts[-2]) or project_named(parts[-1]) or ""


def _by_container(parts: Sequence[str]) -> str:
    """Return the name of a file that kolla gives to a container of a project that is not known (`etc/kolla/skyline-x/skyline.conf`)."""
    return parts[-1].split(".conf")[0] if parts[1] == "kolla" and len(parts) == 4 and parts[2] != "config" and ".conf" in parts[-1] else ""


def home(path: str) -> str:
    """Return the folder, with a final `/`, in which the files of one program lie together with the one at `path`."""
    match = _HOME.match(path)
    return match["home"] if match else ""


def find_installed(name: str, project: str) -> str:
    """Return where a file of `project` called `name` lies on a host that has it as its distribution does."""
    if _NEUTRON.match(name) and project == "neutron":
        return f"etc/neutron/{'plugins/ml2/' if name == 'ml2_conf.ini' else ''}{name}"
    return f"etc/{project}/{name}"


class Paths:
    """The paths of one place by their folders, so that of ten thousand of them none is looked at for each other one."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.every = list(paths)
        self._known = frozenset(self.every)
        self._in: dict[str, list[str]] = {}
        for path in self.every:
            self._in.setdefault(path[: path.rfind("/") + 1], []).append(path)
        self._above: set[str] = set()
        for below in self._in:
            while below and below not in self._above:
                self._above.add(below)
                below = below[: below.rfind("/", 0, -1) + 1]

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def directly_in(self, below: str) -> Sequence[str]:
        """Return the paths of what lies in the folder `below` (with a final `/`) itself."""
        return self._in.get(below, ())

    def any_below(self, below: str) -> bool:
        """Return whether anything lies in the folder `below`, or in one of its folders."""
        return below in self._above


def folder(paths: Iterable[str], below: str) -> list[str]:
    """Return what `--config-dir` reads from the folder `below` (with a final `/`): `*.conf`, not hidden, sorted by bytes."""
    names = (path[len(below) :] for path in paths if path.startswith(below))
    fitting = [name for name in names if "/" not in name and name.endswith(".conf") and not name.startswith(".")]
    return [below + name for name in sorted(fitting, key=lambda name: name.encode())]


def is_hidden(path: str) -> bool:
    """Return whether no folder and no search takes the file at `path`, by its name; a unit may still name it."""
    return path.rsplit("/", 1)[-1].startswith(".")


_BELOW_FOLDER = re.compile(r"(?:^|.*/)(?P<folder>[^/]+\.conf\.d)/.*/")


def below_folder(path: str) -> str:
    """Return the folder `NAME.conf.d` in a folder of which the file at `path` lies, where oslo.config takes none; else empty."""
    match = _BELOW_FOLDER.match(path)
    return match["folder"] if match is not None else ""


def search(project: str, program: str, there: Paths) -> list[str]:
    """Return what a program of `project` reads of `there` without arguments: RDO's distribution files, then oslo.config's search."""
    names = list(dict.fromkeys((project, program)))
    found = [p for p in (f"usr/share/{project}/{name}-dist.conf" for name in names) if p in there]
    for name in names:
        found += [p for p in (f"etc/{project}/{name}.conf", f"etc/{name}.conf") if p in there][:1]
    for name in names:
        places = (f"etc/{project}/{name}.conf.d/", f"etc/{name}.conf.d/")
        found += next((folder(there.directly_in(place), place) for place in places if there.any_below(place)), [])
    return found


def searches(project: str, paths: Iterable[str]) -> Iterator[Search]:
    """Yield what the programs of `project` read of the `paths` of one place, when no unit tells; all paths but copies are in one."""
    index = Paths(paths)
    there = index.every
    main = _MAIN.get(project, project)
    used: set[str] = set()
    found: list[Search] = []
    for program in (main, *_programs(project, main, there)):
        plain = search(project, program, index)
        read = tuple(_with_arguments(project, plain, index) if program == main else plain)
        own = [p for p in read if p.startswith("etc/") and (program == main or program in p)]
        if own:
            found.append(Search(project, program, read))
            used.update(read)
    if not found and project in PROJECTS and not any(p.startswith("usr/share/") for p in there):
        files = [p for p in there if p.endswith(".conf") and not is_hidden(p) and not below_folder(p)]
        read = tuple(sorted((p for p in files if "/conf.d/" not in p), key=str.encode)) + tuple(folder(there, f"etc/{project}/conf.d/"))
        if read:
            found.append(Search(project, project, read))
            used.update(read)
    yield from found
    for path in there:
        folder_name, name = path.rsplit("/", 1) if "/" in path else ("", path)
        if path not in used and not is_hidden(path) and not name.endswith(_COPIES):
            taken = name.endswith(".conf") or not f"{folder_name}/".endswith((".conf.d/", "/conf.d/"))
            taken = taken and not below_folder(path)
            yield Search(project, name, (path,), partial=True, read=taken)


_OWN = re.compile(r"(?P<program>[^/]+)\.conf(?:\.d/[^/]+)?")  # the file or the folder of one program


def _programs(project: str, main: str, paths: Iterable[str]) -> list[str]:
    """Return the programs that have a file of their own, or a folder `PROGRAM.conf.d`, each once."""
    homes = (f"etc/{project}/", "etc/")
    found = (
        match["program"]
        for path in paths
        for below in homes
        if path.startswith(f"{below}{project}-") and (match := _OWN.fullmatch(path[len(below) :])) is not None
    )
    return [program for program in dict.fromkeys(found) if program != main]


def _with_arguments(project: str, found: list[str], there: Paths) -> list[str]:
    """Return the files of the project's main program, with what its unit usually adds on the command line."""
    read: list[str] = [path for path in found if path.startswith("usr/")]
    rest = [path for path in found if not path.startswith("usr/")]
    if not rest:
        return found
    for step in _COMMAND_LINES.get(project, ("%",)):
        if step == "%":
            read += rest
        elif step.endswith("/"):
            read += folder(there.directly_in(step), step)
        elif step in there:
            read.append(step)
        elif step.endswith("plugin.ini") and ML2 in there:
            read.append(ML2)
    return read


def find_unnamed(paths: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the sets of loose files whose names tell no project, each with a name, `*` for several files.

    Files that are numbered make one set, as the folder of one program does, with the folders beside them; any other is alone.
    """
    index = Paths(paths)
    there = index.every
    folders = sorted({path.rsplit("/", 1)[0] + "/" for path in there if "/" in path and not below_folder(path)})
    together = sorted((path for path in there if "/" not in path and path[:1].isdigit()), key=str.encode)
    together += [path for below in folders for path in folder(index.directly_in(below), below)]
    if together:
        yield (together[0] if len(together) == 1 else "*"), together
    taken = set(together)
    for path in there:
        if "/" not in path and path not in taken:
            yield path, [path]


_UNIT_FOLDER = re.compile(r"(^|/)(etc|run|lib|usr/lib|usr/local/lib)/systemd/")
_OTHER_TOOLS = ("paunch",)
Reader = Callable[[str], "str | None"]  # the text of a file by its path as it is shown; None if it is not at hand
_VARIABLE = re.compile(r"OS_(?P<group>[A-Z0-9_](?:(?!__)[A-Z0-9_])*)__(?P<option>[A-Z0-9_]+)")


class Variable(Struct, frozen=True):
    """An option that the environment of a unit sets (oslo.config 6.5, stein, and later)."""

    section: str
    option: str
    value: str
    span: Span


class Command(Struct, frozen=True):
    """A program as a unit starts it. `arguments` are its files (`/etc/x.conf`) and directories (`/etc/x/`), in order; `root`
    is the host's tree. `files` tells whether `--config-file` was given at all, `folders` whether `--config-dir` was. `untold` is what
    keeps the command line from being known, or empty; `unordered` what keeps it from being known whether its files are named, or empty.
    `instead` are files that its environment names in the stead of those of oslo.config's search."""

    unit: Unit
    root: str
    program: str
    arguments: tuple[str, ...] = ()
    files: bool = False
    folders: bool = False
    environment: tuple[Variable, ...] = ()
    untold: str = ""
    unordered: str = ""
    instead: tuple[str, ...] = ()


def is_from_rdo(unit: str, project: str) -> bool:
    """Return whether a unit may be RDO's, whose programs read a file below `/usr/share` unasked, by how RDO names it."""
    return project != "nova" or unit.startswith("openstack-nova-")


def commands(units: Iterable[Unit], read: Reader) -> list[Command]:
    """Return the programs that the units start themselves (not in containers); `read` gives the text of a file of environment."""
    found = []
    every = list(units)
    instances = {parser.template_of(name) for unit in every for name in unit.names if parser.instance_of(name)}
    for unit in every:
        start = unit.settings.get("Service.ExecStart")
        if start is None or not start.value or unit.load_state == MASKED or (unit.template and unit.name in instances):
            continue
        command = _command(unit, start.value.replace("\n", " "), read)
        if command is not None:
            found.append(command)
    return found


def _command(unit: Unit, line: str, read: Reader) -> Command | None:
    root = _root(unit.span.path)
    every, missing = _environment(unit, root, read)
    known = {name: value for name, (value, _) in every.items()}
    written = programs.words_in(line, unit.name)
    for path in programs.find_sourced(written):
        text = _file(root, path, read)
        if text is None:
            missing.append(path)
        else:
            known.update(programs.read_file(text))
    plain = ":" in parser.marks_of(line.lstrip(" "))  # systemd then replaces no variable
    used = set() if plain else programs.names(written)
    passed = {name for one in _every(unit, "Service.PassEnvironment") for name in one.value.split()} & used - set(known)
    untold = ""
    if missing and used:
        names = ", ".join(f"`${name}`" for name in sorted(used))
        untold = f"{unit.name} takes {names} from `{missing[0]}`, which was not given"
    elif passed:
        untold = f"{unit.name} takes `${min(passed)}` from systemd's own environment, which is not known"
    elif unit.template and re.search("%[iIjJ]", line):
        untold = f"{unit.name} is a template, of which no instance is known"
        written = [word for word in written if "--config" not in word]
    words = written if plain else programs.expand(written, {**_folders(unit), **known})
    started = programs.find_started(words)
    if started is None or started.runner in programs.ENGINES or started.program in _OTHER_TOOLS:
        return None
    unordered = ""
    if words[1:2] == [_DEBIAN] and words[0].startswith(_SCRIPTS):
        of_script = _in_script(started.program, _file(root, words[0], read), root, read)
        if of_script is None:
            unordered = f"{unit.name} takes its option files from `{words[0]}`, which was not given"
            defaults = ("openstack", words[0].rpartition("/")[2])
            if any(_FILES_BY_DEFAULT.search(_file(root, f"/etc/default/{name}", read) or "") for name in defaults):
                untold = untold or unordered  # what they name comes beside or instead of what the script does
        else:
            started = of_script
    start = unit.settings["Service.ExecStart"].span
    every.update((name, (value, start)) for name, value in started.environment)
    working = unit.settings.get("Service.WorkingDirectory")
    found = list(_flags(started.words, "/" if working is None else parser.expand(working.value, unit.name).lstrip("-")))
    arguments = tuple(value for _, value in found)
    files, folders = any(flag == FILE_FLAG for flag, _ in found), any(flag == FOLDER_FLAG for flag, _ in found)
    instead = tuple(_find_named_by_environment(started, {name: value for name, (value, _) in every.items()}))
    return Command(unit, root, started.program, arguments, files, folders, tuple(_variables(every)), untold, unordered, instead)


# WSGI applications whose environment may name their folder, with the files that they read there when it names none
_OF_WSGI = {
    "glance": ("glance-image-import.conf", "glance-api.conf"), "keystone": ("keystone.conf",),
    "neutron": ("neutron.conf", "plugins/ml2/ml2_conf.ini"), "nova": ("nova.conf",), "placement": ("placement.conf",),
}  # fmt: skip


def _find_named_by_environment(started: programs.Started, known: Mapping[str, str]) -> Iterator[str]:
    """Yield the option files that `OS_NOVA_CONFIG_DIR` and `OS_NOVA_CONFIG_FILES` (or another project's) name for a WSGI application."""
    project = project_of_program(started.program) or ""
    if project not in _OF_WSGI or (not started.runner and "wsgi" not in started.program):
        return
    directory, files = (known.get(f"OS_{project.upper()}_CONFIG_{what}", "").strip() for what in ("DIR", "FILES"))
    named = [name.strip() for name in files.split(";") if name.strip()]
    if not directory and not named:
        return
    for name in named or _OF_WSGI[project]:
        path = posixpath.join(directory or f"/etc/{project}", name)
        if path.startswith("/") and not path.endswith("paste.ini"):
            yield posixpath.normpath(path)


_SCRIPTS, _DEBIAN = "/etc/init.d/", "systemd-start"
_FILES_BY_DEFAULT = re.compile(r"^[ \t]*(?:export[ \t]+)?(?:DAEMON_ARGS|PYARGV)=.*--config-", re.M)


def _in_script(name: str, text: str | None, root: str, read: Reader) -> programs.Started | None:
    """Return what a script of Debian's starts, of which most is the same for all services; None without the script.

    It names the main file, then what `DAEMON_ARGS` has; what runs in uWSGI gets no file. `/etc/default/openstack` and `/etc/default/NAME`
    are read last, if they are there.
    """
    if text is None:
        return None
    known = programs.read_script(text.partition("# The content after this line")[0], {})
    project = known.get("PROJECT_NAME", "")
    uwsgi = all(known.get(f"UWSGI_{key}") for key in ("PORT", "INI_PATH", "INI_APP"))
    if not uwsgi and not known.get("NO_OPENSTACK_CONFIG_FILE_DAEMON_ARG"):
        main = known.get("CONFIG_FILE") or f"/etc/{project}/{project}.conf"
        known["DAEMON_ARGS"] = f"--config-file={main} {known.get('DAEMON_ARGS', '')}"
    for path in ("/etc/default/openstack", f"/etc/default/{known.get('NAME') or name}"):
        known = programs.read_script(_file(root, path, read) or "", known)
    arguments = known.get("PYARGV" if uwsgi else "DAEMON_ARGS", "")
    return programs.Started(name, tuple(programs.split(arguments)), "uwsgi" if uwsgi else "", (name,))


_FOLDERS = {
    "ConfigurationDirectory": "/etc/", "StateDirectory": "/var/lib/", "CacheDirectory": "/var/cache/", "LogsDirectory": "/var/log/",
    "RuntimeDirectory": "/run/",
}  # fmt: skip


def _folders(unit: Unit) -> dict[str, str]:
    """Return the variables that systemd sets for the folders which it makes for a unit (`CONFIGURATION_DIRECTORY`)."""
    found: dict[str, str] = {}
    for key, parent in _FOLDERS.items():
        setting = unit.settings.get(f"Service.{key}")
        if setting is not None and setting.value:
            name = f"{key.removesuffix('Directory').upper()}_DIRECTORY"
            found[name] = ":".join(parent + word.partition(":")[0] for word in parser.expand(setting.value, unit.name).split())
    return found


def _environment(unit: Unit, root: str, read: Reader) -> tuple[dict[str, tuple[str, Span]], list[str]]:
    """Return the variables of a unit with the places that set them, and the files of environment that are not at hand."""
    found: dict[str, tuple[str, Span]] = {}
    for one in _every(unit, "Service.Environment"):
        if not one.value:
            found.clear()  # an empty assignment resets the list
        for name, value in programs.assignments(one.value):
            found.pop(name, None)
            found[name] = parser.expand(value, unit.name), one.span
    missing: list[str] = []
    for one in _every(unit, "Service.EnvironmentFile"):
        path = parser.expand(one.value, unit.name).lstrip("-")
        text = _file(root, path, read)
        if text is None:
            missing += [path] if path else []
            continue
        for name, value in programs.read_file(text).items():
            found.pop(name, None)
            found[name] = value, one.span
    for one in _every(unit, "Service.UnsetEnvironment"):
        for word in programs.words_of(one.value):
            name, assigned, value = parser.expand(word, unit.name).partition("=")
            if name in found and (not assigned or found[name][0] == value):
                del found[name]
    return found, missing


def _file(root: str, path: str, read: Reader) -> str | None:
    """Return the text of a file of environment of the host at `root`; None where it is not at hand, or not one file."""
    inside = posixpath.normpath("/" + path).lstrip("/")  # never above the host's tree
    return read(root + inside) if path and not set("*?[%") & set(path) else None


def _every(unit: Unit, key: str) -> tuple[Setting, ...]:
    setting = unit.settings.get(key)
    return unit.lists.get(key) or (() if setting is None else (*setting.beaten, setting))


FILE_FLAG, FOLDER_FLAG = "--config-file", "--config-dir"


def _flags(words: Iterable[str], working: str = "/") -> Iterator[tuple[str, str]]:
    """Yield the option files (`--config-file`) and folders (`--config-dir`, with a final `/`) that a program is started with, in order;
    `working` is the folder in which it is started."""
    words = list(words)
    for i, word in enumerate(words):
        flag, equal, value = word.partition("=")
        if flag not in (FILE_FLAG, FOLDER_FLAG):
            continue
        if not equal:
            value = words[i + 1] if i + 1 < len(words) else ""
        value = value.rstrip(";")
        if not value:
            continue
        if not value.startswith(("/", "~")) and working.startswith("/"):
            value = posixpath.join(working, value)
        if value.startswith("/"):
            value = "/" + posixpath.normpath(value).lstrip("/")
            yield flag, value if flag == FILE_FLAG else value.rstrip("/") + "/"
        else:
            yield flag, value  # in a home, which is not known


def _root(path: str) -> str:
    match = _UNIT_FOLDER.search(path)
    if match:
        return path[: match.start(2)]
    parent = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
    return re.sub(r"(^|/)[^/]+\.d/$", r"\1", parent)


def _variables(every: dict[str, tuple[str, Span]]) -> Iterable[Variable]:
    last: dict[tuple[str, str], Variable] = {}
    for name, (value, span) in every.items():
        match = _VARIABLE.fullmatch(name)
        if match:
            group = "DEFAULT" if match["group"] == "DEFAULT" else match["group"].lower()
            last[group, match["option"].lower()] = Variable(group, match["option"].lower(), value, span)
    yield from last.values()
