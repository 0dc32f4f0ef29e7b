"""Quadlets: files of which podman's generator makes units -> the text of the unit that each gives.

Sources: podman-systemd.unit(5); podman's `pkg/systemd/quadlet/quadlet.go` and `cmd/quadlet/main.go` (6.0). What the generator adds to a
unit is told where a rule may ask for it: `Type=`, `ExecStart=`, a pod's `Restart=`, the pod that a container is bound to.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.source import Source, Span, Text
from lwlint.inputs.systemd import text as parser
from lwlint.inputs.systemd import values
from lwlint.inputs.systemd.text import Assignment, Stray, UnitText

GENERATOR = "run/systemd/generator"
_SECTIONS = {"container": "Container", "pod": "Pod", "kube": "Kube"}
_OWN = (*_SECTIONS.values(), "Quadlet")  # of podman alone: the unit has them under names of which systemd reads nothing
_FOLDERS = ("run/containers/systemd", "etc/containers/systemd", "usr/share/containers/systemd")  # the strongest first
_TYPES = ("notify", "oneshot")
# in which podman's generator (5.3 and later) puts the names of units in the stead of those of quadlets
_DEPENDENCIES = ("Wants", "Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts", "Before", "After")


class Made(Struct, frozen=True):
    """What the generator makes of one file: a unit `name` with this text.

    `source` is the file, `container` the name of the container or pod, that of the file where it has none of its own. `refused` is why it
    makes none, with the line at fault; None if it does.
    """

    name: str
    source: Source
    text: UnitText
    container: str
    refused: tuple[str, Span | None] | None = None


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
    yield from ((place, on_host, list(_made(found))) for (place, on_host), found in places.items())


def _made(sources: list[Source]) -> Iterator[Made]:
    """Yield what is made of the quadlets of one host or folder: of equal names the first that podman comes to."""
    texts = {source.path: parser.read(source) for source in sources}
    ordered = sorted(sources, key=_strength)
    main: dict[str, Source] = {}
    for source in ordered:
        name = _file_name(source, texts[source.path])
        if name and source.text:
            main.setdefault(name, source)
    drop_ins: dict[str, list[tuple[str, Source]]] = {}  # by the name of their folder
    for source in ordered:
        above, file = posixpath.split(source.path)
        if file.endswith(".conf"):
            drop_ins.setdefault(posixpath.basename(above), []).append((file, source))
    lines = {name: [*texts[source.path].lines, *_added(name, drop_ins, texts)] for name, source in main.items()}
    called = {name: _unit_name(name, found) for name, found in lines.items()}
    for name, source in main.items():
        yield _convert(name, source, texts[source.path], lines[name], called)


def _strength(source: Source) -> tuple[int, int, str]:
    below = source.path[len(source.root) :]
    top = next((i for i, folder in enumerate(_FOLDERS) if below.startswith(folder + "/")), len(_FOLDERS))
    return top, below.count("/"), below


def _added(name: str, drop_ins: Mapping[str, list[tuple[str, Source]]], texts: Mapping[str, UnitText]) -> Iterator[Assignment | Stray]:
    """Yield the lines of the drop-ins of a quadlet, in the order in which they are merged."""
    stem, _, suffix = name.rpartition(".")
    folders = [f"{name}.d", *(f"{stem[: at + 1]}.{suffix}.d" for at in range(len(stem) - 2, 0, -1) if stem[at] == "-"), f"{suffix}.d"]
    chosen: dict[str, Source] = {}
    for folder in folders:
        for file, source in drop_ins.get(folder, ()):
            chosen.setdefault(file, source)
    for file in sorted(chosen):
        yield from texts[chosen[file].path].lines


def _convert(name: str, source: Source, text: UnitText, lines: list[Assignment | Stray], called: Mapping[str, str]) -> Made:
    stem, _, suffix = name.rpartition(".")
    section = _SECTIONS[suffix]
    own = {line.key.value: line.value for line in lines if isinstance(line, Assignment) and line.section == section}
    service = {line.key.value: line.value for line in lines if isinstance(line, Assignment) and line.section == "Service"}
    head = next((one.span for one in text.sections if one.value == section), source.span(0, 0))
    container = own.get({"container": "ContainerName", "pod": "PodName"}.get(suffix, ""), Text("", head)).value or stem.rstrip("@")

    def add(key: str, value: str, span: Span = head) -> Assignment:
        group, _, word = key.partition(".")
        return Assignment(group, Text(word, span), Text(value, span))

    added: list[Assignment] = []
    kind = service.get("Type")
    if suffix == "pod":
        added.append(add("Service.Type", "forking"))
        if "Restart" not in service:
            added.append(add("Service.Restart", "on-failure"))
        added.append(add("Service.ExecStart", f"/usr/bin/podman pod start {container}"))
    else:
        if kind is None or kind.value != "oneshot":
            added.append(add("Service.Type", "notify"))
            added.append(add("Service.NotifyAccess", "all"))
        added.append(add("Service.ExecStart", _command(suffix, container, {key: text.value for key, text in own.items()})))
        pod = own.get("Pod", Text("", head))
        if suffix == "container" and pod.value:
            unit = called.get(pod.value, f"{pod.value.rpartition('.')[0]}-pod.service")
            added += [add("Unit.BindsTo", unit, pod.span), add("Unit.After", unit, pod.span)]
    kept = tuple(_translated(line, called) for line in (*lines, *added) if line.section not in _OWN)
    whole = UnitText(source.path, text.empty, text.sections, kept, text.stop)
    return Made(called[name], source, whole, container, _refusal(suffix, own, kind))


def _translated(line: Assignment | Stray, called: Mapping[str, str]) -> Assignment | Stray:
    """Return a dependency with the names of quadlets (`db.container`) as those of their units; any other line as it is."""
    if not isinstance(line, Assignment) or line.section != "Unit" or line.key.value not in _DEPENDENCIES:
        return line
    parts = tuple(Text(" ".join(called.get(word, word) for word in part.value.split()), part.span) for part in line.words or (line.value,))
    if all(part.value == " ".join(old.value.split()) for part, old in zip(parts, line.words or (line.value,))):
        return line
    return replace(line, value=Text(" ".join(part.value for part in parts), line.value.span), words=parts)


def _command(suffix: str, container: str, own: Mapping[str, str]) -> str:
    """Return the command that starts a container, or the pods of a manifest, as far as it tells which service it is."""
    if suffix == "kube":
        return f"/usr/bin/podman kube play {own.get('Yaml', '')}".rstrip()
    told_by = "container" if values.boolean(own.get("Notify", "no")) else "conmon"
    image = own.get("Image") or own.get("Rootfs") or ""
    return f"/usr/bin/podman run --name={container} --sdnotify={told_by} {image} {own.get('Exec', '')}".rstrip()


def _refusal(suffix: str, own: Mapping[str, Text], kind: Text | None) -> tuple[str, Span | None] | None:
    """Return why the generator makes no unit, and the line at fault; None if it makes one."""
    if suffix == "container" and not any(own.get(key) and own[key].value for key in ("Image", "Rootfs")):
        return "podman's generator makes no unit of it: it has neither `Image=` nor `Rootfs=`", None
    if suffix == "kube" and not (own.get("Yaml") and own["Yaml"].value):
        return "podman's generator makes no unit of it: it has no `Yaml=`", None
    if suffix != "pod" and kind is not None and kind.value not in _TYPES:
        return "podman's generator makes no unit of it: `Type=` may be `notify` or `oneshot` only", kind.span
    return None


def _unit_name(name: str, lines: Iterable[Assignment | Stray]) -> str:
    """Return the name of the unit that is made of a quadlet: that of the file, unless `ServiceName=` says another."""
    stem, _, suffix = name.rpartition(".")
    given = ""
    for line in lines:
        if isinstance(line, Assignment) and line.section == _SECTIONS[suffix] and line.key.value == "ServiceName":
            given = line.value.value
    if given:
        return f"{given}.service"
    return re.sub(r"(@?)$", r"-pod\1", stem, count=1) + ".service" if suffix == "pod" else f"{stem}.service"


def enabled(made: Made) -> str:
    """Return whether something starts the unit at the next boot: the generator itself obeys `[Install]`."""
    wanted = ("WantedBy", "RequiredBy", "UpheldBy")
    found = (line for line in made.text.lines if isinstance(line, Assignment) and line.section == "Install")
    return "enabled" if any(line.key.value in wanted and line.value.value for line in found) else "static"


def is_valid(made: Made) -> bool:
    """Return whether systemd takes the name of the unit."""
    return values.is_unit(made.name)
