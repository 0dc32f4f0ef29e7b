"""Where option files lie, and which of them a program reads when it is not told: oslo.config's search, and RDO's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from lwlint.core.source import Source, Span
from lwlint.inputs.systemd.facts import MASKED, Unit

# Projects whose files are known by their names alone. `inspector.conf` and the like are spelled out below.
PROJECTS = (
    "aodh", "barbican", "ceilometer", "cinder", "congress", "designate", "ec2api", "glance", "gnocchi", "heat", "ironic",
    "ironic-inspector", "keystone", "magnum", "manila", "mistral", "murano", "neutron", "nova", "octavia", "panko", "placement",
    "sahara", "senlin", "tacker", "trove", "watcher", "zaqar",
)  # fmt: skip
_MAIN = {"ironic-inspector": "inspector"}  # whose main file is not called like the project
_NEUTRON = re.compile(r"(\w+_agent|ml2_conf|plugin|\w+_conf)\.ini$")
_DIST = re.compile(r"(?:.*\.)?(?P<program>[a-z][a-z-]*)-dist\.conf$")
_CONTAINER = re.compile(r"var/lib/config-data/(?P<generated>puppet-generated/)?(?P<name>[^/]+)/(?=etc/|usr/)")
_DATA_PLANE = re.compile(r"var/lib/openstack/config/(?P<project>[^/]+)/(?P<file>[^/]+)$")
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
_COPIES = (".rpmnew", ".rpmsave", ".rpmorig", ".dpkg-dist", ".dpkg-old", ".dpkg-new", ".ucf-dist", ".bak", ".orig", ".old", ".swp", "~")
_ML2 = "etc/neutron/plugins/ml2/ml2_conf.ini"


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


def locate(source: Source) -> tuple[Place, str]:
    """Return the place of an option file and its path there; a loose file gets the path that its name stands for.

    The path of a loose file whose name tells nothing is just its name.
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
    return Place(source.root, loose=True), _installed(below)


def _installed(name: str) -> str:
    dist = _DIST.match(name)
    if dist:
        project = project_of_program(dist["program"])
        return f"usr/share/{project}/{dist['program']}-dist.conf" if project else name
    if _NEUTRON.match(name):
        return f"etc/neutron/{'plugins/ml2/' if name == 'ml2_conf.ini' else ''}{name}"
    stem = name.split("/")[0].split(".conf")[0]
    project = next((p for p, main in _MAIN.items() if stem == main), None) or project_of_program(stem)
    return f"etc/{project}/{name}" if project and ".conf" in name else name


def project_of_program(program: str) -> str | None:
    """Return the project that a program (`nova-api`, `nova`) belongs to, by its name; the longest fits best."""
    fitting = [p for p in PROJECTS if program == p or program.startswith(p + "-")]
    return max(fitting, key=len, default=None)


def project_of(path: str) -> str:
    """Return the project whose file lies at `path` of a place; empty if the path does not tell."""
    parts = path.split("/")
    if parts[0] == "etc" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ["usr", "share"] and len(parts) > 3:
        return parts[2]
    if parts[0] == "etc":
        stem = parts[-1].rsplit(".", 1)[0]
        return project_of_program(stem) or stem
    return ""


def folder(paths: Iterable[str], below: str) -> list[str]:
    """Return what `--config-dir` reads from the folder `below` (with a final `/`): `*.conf`, not hidden, sorted by bytes."""
    names = (path[len(below) :] for path in paths if path.startswith(below))
    fitting = [name for name in names if "/" not in name and name.endswith(".conf") and not name.startswith(".")]
    return [below + name for name in sorted(fitting, key=lambda name: name.encode())]


def search(project: str, program: str, paths: Iterable[str]) -> list[str]:
    """Return what a program of `project` reads of `paths` without arguments: RDO's distribution files, then oslo.config's search."""
    there = list(paths)
    names = list(dict.fromkeys((project, program)))
    found = [p for p in (f"usr/share/{project}/{name}-dist.conf" for name in names) if p in there]
    for name in names:
        found += [p for p in (f"etc/{project}/{name}.conf", f"etc/{name}.conf") if p in there][:1]
    for name in names:
        found += folder(there, f"etc/{project}/{name}.conf.d/") or folder(there, f"etc/{name}.conf.d/")
    return found


def searches(project: str, paths: Iterable[str]) -> Iterator[Search]:
    """Yield what the programs of `project` read of the `paths` of one place, when no unit tells; all paths but copies are in one."""
    there = list(paths)
    main = _MAIN.get(project, project)
    used: set[str] = set()
    found: list[Search] = []
    for program in (main, *_programs(project, main, there)):
        plain = search(project, program, there)
        read = tuple(_with_arguments(project, plain, there) if program == main else plain)
        own = [p for p in read if p.startswith("etc/") and (program == main or program in p)]
        if own:
            found.append(Search(project, program, read))
            used.update(read)
    if not found and not any(p.startswith("usr/share/") for p in there):
        files = [p for p in there if p.endswith(".conf")]
        read = tuple(sorted((p for p in files if "/conf.d/" not in p), key=str.encode)) + tuple(folder(there, f"etc/{project}/conf.d/"))
        if read:
            found.append(Search(project, project, read))
            used.update(read)
    yield from found
    for path in there:
        folder_name, name = path.rsplit("/", 1) if "/" in path else ("", path)
        if path not in used and not name.startswith(".") and not name.endswith(_COPIES):
            taken = name.endswith(".conf") or not f"{folder_name}/".endswith((".conf.d/", "/conf.d/"))
            yield Search(project, name, (path,), partial=True, read=taken)


def _programs(project: str, main: str, paths: Iterable[str]) -> list[str]:
    names = (path[len(f"etc/{project}/") :] for path in paths if path.startswith(f"etc/{project}/{project}-"))
    return [name[: -len(".conf")] for name in names if name.endswith(".conf") and "/" not in name and name[: -len(".conf")] != main]


def _with_arguments(project: str, found: list[str], there: list[str]) -> list[str]:
    """Return the files of the project's main program, with what its unit usually adds on the command line."""
    read: list[str] = [path for path in found if path.startswith("usr/")]
    rest = [path for path in found if not path.startswith("usr/")]
    if not rest:
        return found
    for step in _COMMAND_LINES.get(project, ("%",)):
        if step == "%":
            read += rest
        elif step.endswith("/"):
            read += folder(there, step)
        elif step in there:
            read.append(step)
        elif step.endswith("plugin.ini") and _ML2 in there:
            read.append(_ML2)
    return read


def unnamed(paths: Iterable[str]) -> list[str]:
    """Return loose files whose names tell no project, in the order in which they are read as one set: by name, `*.d/` last."""
    files = [path for path in paths if "/" not in path]
    folders = sorted({path.rsplit("/", 1)[0] + "/" for path in paths if "/" in path})
    inside = [path for below in folders for path in folder(paths, below)]
    return sorted(files, key=str.encode) + inside


_UNIT_FOLDER = re.compile(r"(^|/)(etc|run|lib|usr/lib|usr/local/lib)/systemd/")
_CONTAINER_TOOLS = ("podman", "docker", "paunch")
_SHELLS = ("sh", "bash", "env", "python", "python2", "python3", "sudo", "ionice", "nice", "chrt", "taskset")
_VARIABLE = re.compile(r"OS_(?P<group>[A-Z0-9_]+?)__(?P<option>[A-Z0-9_]+)=(?P<value>.*)", re.DOTALL)


class Variable(Struct, frozen=True):
    """An option that the environment of a unit sets (oslo.config 6.5, stein, and later)."""

    section: str
    option: str
    value: str
    span: Span


class Command(Struct, frozen=True):
    """A program as a unit starts it. `arguments` are its files (`/etc/x.conf`) and directories (`/etc/x/`), in order; `root`
    is the host's tree. `files` tells whether `--config-file` was given at all, `folders` whether `--config-dir` was."""

    unit: Unit
    root: str
    program: str
    arguments: tuple[str, ...] = ()
    files: bool = False
    folders: bool = False
    environment: tuple[Variable, ...] = ()


def is_from_rdo(unit: str, project: str) -> bool:
    """Return whether a unit may be RDO's, whose programs read a file below `/usr/share` unasked, by how RDO names it."""
    return project != "nova" or unit.startswith("openstack-nova-")


def commands(units: Iterable[Unit]) -> list[Command]:
    """Return the programs that the units start themselves (not in containers)."""
    found = []
    for unit in units:
        start = unit.settings.get("Service.ExecStart")
        if start is None or not start.value or unit.load_state == MASKED:
            continue
        command = _command(unit, start.value.replace("\n", " "))
        if command is not None:
            found.append(command)
    return found


def _command(unit: Unit, line: str) -> Command | None:
    words = _words(line.lstrip("-@:+! "))
    while words and (words[0].rsplit("/", 1)[-1] in _SHELLS or words[0].startswith("-") or "=" in words[0].split("/")[0]):
        words.pop(0)
    if not words or words[0].rsplit("/", 1)[-1] in _CONTAINER_TOOLS:
        return None
    program = words[0].rsplit("/", 1)[-1]
    program = program[: -len(".py")] if program.endswith(".py") else program
    arguments, files, folders = [], False, False
    for flag, value in _flags(words[1:], unit.name):
        arguments.append(value if flag == "--config-file" else value.rstrip("/") + "/")
        files |= flag == "--config-file"
        folders |= flag == "--config-dir"
    return Command(unit, _root(unit.span.path), program, tuple(arguments), files, folders, tuple(_variables(unit)))


def _flags(words: list[str], unit: str) -> Iterable[tuple[str, str]]:
    instance = unit.rsplit(".", 1)[0].partition("@")[2]
    for i, word in enumerate(words):
        flag, equal, value = word.partition("=")
        if flag not in ("--config-file", "--config-dir"):
            continue
        if not equal and i + 1 < len(words):
            value = words[i + 1]
        value = value.replace("%i", instance).replace("%I", instance).rstrip(";")
        if value.startswith("/"):
            yield flag, value


def _root(path: str) -> str:
    match = _UNIT_FOLDER.search(path)
    if match:
        return path[: match.start(2)]
    parent = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
    return re.sub(r"(^|/)[^/]+\.d/$", r"\1", parent)


def _variables(unit: Unit) -> Iterable[Variable]:
    setting = unit.settings.get("Service.Environment")
    every = unit.lists.get("Service.Environment") or (() if setting is None else (*setting.beaten, setting))
    last: dict[tuple[str, str], Variable] = {}
    for one in every:
        for word in _words(one.value):
            match = _VARIABLE.fullmatch(word)
            if match:
                group = "DEFAULT" if match["group"] == "DEFAULT" else match["group"].lower()
                name = (group, match["option"].lower())
                last[name] = Variable(*name, match["value"], one.span)
        if not one.value:
            last.clear()  # an empty assignment resets the list
    yield from last.values()


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()
