"""Containers as `podman inspect`, `docker inspect` and `ps` print them, and the configurations they are started from.

These are written by paunch (one file for each step) and tripleo-ansible (one for each container).
Sources: podman 1.0 (which prints no restart policy and spells `ID`) to 4.3, docker 1.13 to 20.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lwlint.parse.json_text import NoJson, Value, read
from lwlint.record import dataclass
from lwlint.source import Source, Span, Text

DOCKER, PODMAN = "docker", "podman"
_START = re.compile(r"^[\[{]", re.MULTILINE)
_HEADING = re.compile(r"^CONTAINER ID\b.*\bSTATUS\b.*\bNAMES\b(?:[ \t]+SIZE)?[ \t\r]*$", re.MULTILINE)
_ROW = re.compile(r"\n([0-9a-f]{12,64}\b[^\n]*)")
_BOOTSTRAP = "KOLLA_BOOTSTRAP"


@dataclass(frozen=True)
class Container:
    """One container. What is None is not printed.

    `restart` is the name of its restart policy as the engine holds it (podman of TripleO: empty, as systemd restarts it), `retries` how
    often it is tried, `running` is `true` or `false`, `status` a word (`exited`) or what `ps` prints (`Up 3 weeks`), `managed_by` the label
    of that name (`paunch`, `tripleo_ansible`), `called` the label `container_name`, which stays what it was where paunch adds letters to
    the name, `unit` the label `PODMAN_SYSTEMD_UNIT`. `engine` is DOCKER, PODMAN or empty. `ends` says why it ends by itself, if so.
    """

    name: Text
    span: Span
    restart: Text | None = None
    retries: Text | None = None
    running: Text | None = None
    image: Text | None = None
    managed_by: Text | None = None
    status: Text | None = None
    called: Text | None = None
    unit: Text | None = None
    engine: str = ""
    ends: str = ""


def inspected(source: Source) -> Iterator[Container]:
    """Yield the containers of `podman inspect` or `docker inspect`; lines in front of the JSON are the command's complaints.

    Raises NoJson where there is none, or it was cut short.
    """
    start = _START.search(source.text)
    if start is None:
        raise NoJson("there is no JSON in it", 0)
    top = read(source, start.start())
    for value in top.items() or (top,):
        name = value.text("Name")
        if name is not None and value.get("HostConfig") is not None:
            yield Container(
                _bare(name),
                value.span,
                value.text("HostConfig", "RestartPolicy", "Name"),
                value.text("HostConfig", "RestartPolicy", "MaximumRetryCount"),
                value.text("State", "Running"),
                value.text("ImageName") or value.text("Config", "Image"),
                value.text("Config", "Labels", "managed_by"),
                value.text("State", "Status"),
                value.text("Config", "Labels", "container_name"),
                value.text("Config", "Labels", "PODMAN_SYSTEMD_UNIT"),
                DOCKER if name.value.startswith("/") else PODMAN,
                _ends(value),
            )


def _bare(name: Text) -> Text:
    """Return the name without the `/` that docker puts in front of it."""
    return Text(name.value[1:], Span(name.span.path, name.span.start + 1, name.span.end)) if name.value.startswith("/") else name


def _ends(value: Value) -> str:
    """Return why an inspected container ends by itself: by its environment, and by what it was started from, a label of both deployers."""
    environment = value.get("Config", "Env")
    if environment is not None and _bootstraps(environment):
        return f"`{_BOOTSTRAP}` is set"
    told = value.text("Config", "Labels", "config_data")
    if told is None:
        return ""
    try:
        return _started_ends(read(Source("config_data", told.value, "")))
    except NoJson:
        return ""  # tripleo-ansible writes it as Python prints it


def _bootstraps(environment: Value) -> bool:
    """Return whether kolla's variable is there: it asks for nothing else, in a list of `NAME=VALUE` or in an object."""
    if isinstance(environment.content, Mapping):
        return _BOOTSTRAP in environment.content
    return any(isinstance(item.content, str) and item.content.partition("=")[0] == _BOOTSTRAP for item in environment.items())


def _started_ends(value: Value) -> str:
    """Return why a container with this start configuration ends by itself."""
    detach, action, environment = value.text("detach"), value.text("action"), value.get("environment")
    if detach is not None and detach.value.lower() in ("false", "no"):
        return "`detach` is `false`"
    if action is not None and action.value == "exec":
        return "`action` is `exec`"
    return f"`{_BOOTSTRAP}` is set" if environment is not None and _bootstraps(environment) else ""


def listed(source: Source) -> Iterator[Container]:
    """Yield the containers of `podman ps` or `docker ps`, by the columns under its heading; nothing where there is none.

    `--no-trunc` and `--size` change nothing; docker's names of linked containers (`a,b/c`) are one name, the first.
    """
    heading = _HEADING.search(source.text)
    if heading is None:
        return
    status, names = heading.group().index("STATUS"), heading.group().index("NAMES")
    after = heading.group().find("PORTS", status)
    ends = after if after > 0 else names
    engine = DOCKER if source.path.rsplit("/", 1)[-1].startswith(DOCKER) else PODMAN
    for row in _ROW.finditer(source.text, heading.end()):
        start, line = row.start(1), row.group(1)
        name = re.match(r"[^\s,]+", line[names:])
        if name is None:
            continue
        said = line[status:ends].rstrip()
        at = Span(source.path, start + names, start + names + name.end())
        state = Text(said, Span(source.path, start + status, start + status + len(said)))
        running = Text("true" if said.startswith(("Up", "Restarting")) else "false", state.span)
        yield Container(Text(name.group(), at), at, running=running, status=state, engine=engine)


def started(source: Source) -> Iterator[Container]:
    """Yield the containers of a start configuration: one object of them by name (paunch), or one container in a file of its own name.

    Raises NoJson.
    """
    top = read(source)
    if not isinstance(top.content, Mapping):
        return
    if isinstance(top.content.get("image"), Value):
        stem = source.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        yield _started(Text(stem, Span(source.path, top.span.start, top.span.start)), top)
        return
    for name, value in top.content.items():
        if value.get("image") is not None:
            yield _started(Text(name, Span(source.path, value.span.start, value.span.start)), value)


def _started(name: Text, value: Value) -> Container:
    return Container(name, value.span, restart=value.text("restart"), image=value.text("image"), ends=_started_ends(value))
