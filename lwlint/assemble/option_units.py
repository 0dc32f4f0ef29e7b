"""What units tell of option files: the `--config-file` and `--config-dir` of their command lines, and `OS_GROUP__NAME`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from lwlint.facts.systemd import MASKED, Unit
from lwlint.record import dataclass
from lwlint.source import Span

_UNIT_FOLDER = re.compile(r"(^|/)(etc|run|lib|usr/lib|usr/local/lib)/systemd/")
_CONTAINER_TOOLS = ("podman", "docker", "paunch")
_SHELLS = ("sh", "bash", "env", "python", "python2", "python3", "sudo", "ionice", "nice", "chrt", "taskset")
_VARIABLE = re.compile(r"OS_(?P<group>[A-Z0-9_]+?)__(?P<option>[A-Z0-9_]+)=(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True)
class Variable:
    """An option that the environment of a unit sets (oslo.config 6.5, stein, and later)."""

    section: str
    option: str
    value: str
    span: Span


@dataclass(frozen=True)
class Command:
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
