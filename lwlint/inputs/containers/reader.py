"""Containers as `podman inspect`, `docker inspect` and `ps` print them, and the configurations they are started from.

These are written by paunch (one file for each step) and tripleo-ansible (one for each container).
Sources: podman 1.0 (which prints no restart policy and spells `ID`) to 4.3, docker 1.13 to 20.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Optional, Union

from msgspec import Struct

from lwlint.core.catalogue import Catalogue, project_like
from lwlint.core.facts import Service, Unreadable
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.containers.facts import CONFIGURATION, INSPECT, LIST, HostContainer

_DEEPEST = 200
_BLANK = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null")


class NoJson(Exception):
    """The text is no JSON; `at` is the offset where it ends to be."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Value(Struct, frozen=True):
    """One value. Of an object `content` is a mapping, of an array a sequence, else the text (of a string) or word as it stands."""

    content: Union[Mapping[str, Value], Sequence[Value], str]
    span: Span
    is_string: bool = False

    def get(self, *keys: str) -> Value | None:
        """Return what stands under the `keys`, one inside the other; None where there is no such thing."""
        value: Value | None = self
        for key in keys:
            value = value.content.get(key) if value is not None and isinstance(value.content, Mapping) else None
        return value

    def text(self, *keys: str) -> Text | None:
        """Return the string, number or word under the `keys`; None where there is none, or `null`."""
        value = self.get(*keys)
        if value is None or not isinstance(value.content, str) or (value.content == "null" and not value.is_string):
            return None
        return Text(value.content, value.span)

    def items(self) -> Sequence[Value]:
        """Return the entries of an array; nothing of anything else."""
        return () if isinstance(self.content, (str, Mapping)) else self.content


def read(source: Source, start: int = 0) -> Value:
    """Return the one value in the text of `source` from the offset `start` on. Raises NoJson."""
    value, end = _Reader(source).value(start, 0)
    end = _skip(source.text, end)
    if end < len(source.text):
        raise NoJson("there is more behind its end", end)
    return value


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


class _Reader:
    def __init__(self, source: Source) -> None:
        self._text = source.text
        self._path = source.path

    def value(self, at: int, depth: int) -> tuple[Value, int]:
        """Return the value at `at` or behind blanks there, and where it ends."""
        at = _skip(self._text, at)
        first = self._text[at : at + 1]
        if depth > _DEEPEST:
            raise NoJson(f"it is more than {_DEEPEST} levels deep", at)
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._array(at, depth)
        if first == '"':
            text, end = self._string(at)
            return Value(text, Span(self._path, at + 1, end - 1), is_string=True), end
        word = _WORD.match(self._text, at)
        if word is None:
            raise NoJson("a value is missing", at)
        return Value(word.group(), Span(self._path, at, word.end())), word.end()

    def _string(self, at: int) -> tuple[str, int]:
        try:
            found: tuple[str, int] = scanstring(self._text, at + 1, False)
        except JSONDecodeError as error:
            raise NoJson("a string does not end", error.pos) from None
        return found

    def _object(self, at: int, depth: int) -> tuple[Value, int]:
        found: dict[str, Value] = {}
        start, at = at, _skip(self._text, at + 1)
        while self._text[at : at + 1] != "}":
            if self._text[at : at + 1] != '"':
                raise NoJson("a key is missing", at)
            key, end = self._string(at)
            end = _skip(self._text, end)
            if self._text[end : end + 1] != ":":
                raise NoJson("`:` is missing", end)
            found[key], end = self.value(end + 1, depth + 1)
            at = self._next(end, "}")
        return Value(found, Span(self._path, start, at + 1)), at + 1

    def _array(self, at: int, depth: int) -> tuple[Value, int]:
        found: list[Value] = []
        start, at = at, _skip(self._text, at + 1)
        while self._text[at : at + 1] != "]":
            value, end = self.value(at, depth + 1)
            found.append(value)
            at = self._next(end, "]")
        return Value(tuple(found), Span(self._path, start, at + 1)), at + 1

    def _next(self, at: int, closing: str) -> int:
        """Return where the next entry starts, or where `closing` stands."""
        at = _skip(self._text, at)
        sign = self._text[at : at + 1]
        if sign == ",":
            at = _skip(self._text, at + 1)
            if self._text[at : at + 1] != closing:
                return at
        elif sign == closing:
            return at
        raise NoJson(f"`,` or `{closing}` is missing" if sign != "," else "a value is missing", at)


DOCKER, PODMAN = "docker", "podman"
_START = re.compile(r"^[\[{]", re.MULTILINE)
_HEADING = re.compile(r"^CONTAINER ID\b.*\bSTATUS\b.*\bNAMES\b(?:[ \t]+SIZE)?[ \t\r]*$", re.MULTILINE)
_ROW = re.compile(r"\n([0-9a-f]{12,64}\b[^\n]*)")
_BOOTSTRAP = "KOLLA_BOOTSTRAP"


class Container(Struct, frozen=True):
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


def read_inspected(source: Source) -> Iterator[Container]:
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
        return _explain_end(read(Source("config_data", told.value, "")))
    except NoJson:
        return ""  # tripleo-ansible writes it as Python prints it


def _bootstraps(environment: Value) -> bool:
    """Return whether kolla's variable is there: it asks for nothing else, in a list of `NAME=VALUE` or in an object."""
    if isinstance(environment.content, Mapping):
        return _BOOTSTRAP in environment.content
    return any(isinstance(item.content, str) and item.content.partition("=")[0] == _BOOTSTRAP for item in environment.items())


def _explain_end(value: Value) -> str:
    """Return why a container with this start configuration ends by itself."""
    detach, action, environment = value.text("detach"), value.text("action"), value.get("environment")
    if detach is not None and detach.value.lower() in ("false", "no"):
        return "`detach` is `false`"
    if action is not None and action.value == "exec":
        return "`action` is `exec`"
    return f"`{_BOOTSTRAP}` is set" if environment is not None and _bootstraps(environment) else ""


def read_list(source: Source) -> Iterator[Container]:
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


def read_start(source: Source) -> Iterator[Container]:
    """Yield the containers of a start configuration: one object of them by name (paunch), or one container in a file of its own name.

    Raises NoJson.
    """
    top = read(source)
    if not isinstance(top.content, Mapping):
        return
    if isinstance(top.content.get("image"), Value):
        stem = source.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        yield _make_started(Text(stem, Span(source.path, top.span.start, top.span.start)), top)
        return
    for name, value in top.content.items():
        if value.get("image") is not None:
            yield _make_started(Text(name, Span(source.path, value.span.start, value.span.start)), value)


def _make_started(name: Text, value: Value) -> Container:
    return Container(name, value.span, restart=value.text("restart"), image=value.text("image"), ends=_explain_end(value))


_OF_AGENTS = re.compile(r"neutron-(?:dibbler|dnsmasq|haproxy|keepalived|radvd)-.+")  # neutron's agents start these, and look after them
_REPLICA = re.compile(r"(?P<bundle>.+)-(?:docker|podman|rkt)-\d+")  # how Pacemaker names the containers of a bundle
_LIST = re.compile(r"/(?:docker|podman)_ps[^/]*$")
_STEPS = re.compile(r"/(?:hashed-)?(?P<docker>docker-)?container-startup-config")
_SUFFIX = re.compile(r"-[a-z0-9]{8}$")  # what paunch adds to a name that is taken


def container_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[Union[HostContainer, Unreadable]]:
    """Yield each container of each host once, by the best evidence of it, and what is cut or no JSON.

    Start configurations count only where no engine tells what there is: they outlive the containers that were made of them.
    """
    by_host: dict[str, list[Source]] = {}
    for source in sources:
        by_host.setdefault(source.host, []).append(source)
    for own in by_host.values():
        found: dict[tuple[str, str], HostContainer] = {}
        for evidence in (INSPECT, LIST, CONFIGURATION):
            if evidence == CONFIGURATION and found:
                break
            for source in sorted((s for s in own if _evidence(s) == evidence), key=_rank):
                try:
                    for container in _containers(source, evidence):
                        fact = _fact(container, source, evidence, catalogue)
                        found.setdefault((fact.engine, fact.name), fact)
                except NoJson as error:
                    yield Unreadable(source.path, source.span(error.at, error.at), f"containers cannot be read: {error}", source.host)
        yield from found.values()


def _evidence(source: Source) -> str:
    if _LIST.search(source.path):
        return LIST
    return INSPECT if "/sos_commands/" in f"/{source.path}" else CONFIGURATION


def _rank(source: Source) -> tuple[bool, bool, str]:
    """Order a host's sources: the list of all containers before that of running ones, configurations as deployed before hashed copies."""
    return "-a" not in source.path.rpartition("/")[2], "/hashed-" in source.path, source.path


def _containers(source: Source, evidence: str) -> Sequence[Container]:
    return list({INSPECT: read_inspected, LIST: read_list, CONFIGURATION: read_start}[evidence](source))


def _fact(container: Container, source: Source, evidence: str, catalogue: Catalogue) -> HostContainer:
    name = container.name.value
    called = container.called.value if container.called is not None and container.called.value else name
    steps = _STEPS.search(source.path)
    replica = _REPLICA.fullmatch(name)
    service = _service(name, called, replica["bundle"] if replica is not None else "", catalogue)
    return HostContainer(
        name=name,
        span=container.name.span,
        host=source.host,
        evidence=evidence,
        engine=container.engine or ("docker" if steps is not None and steps["docker"] else ""),
        policy=container.restart,
        retries=_count(container),
        running=None if container.running is None else container.running.value == "true",
        status=container.status.value if container.status is not None else "",
        ends=container.ends,
        bundle=replica["bundle"] if replica is not None else "",
        unit=container.unit.value if container.unit is not None else "",
        called=called,
        service=service,
        looks_like=project_like(called) if service is None and not _OF_AGENTS.fullmatch(called) else "",
    )


def _service(name: str, called: str, bundle: str, catalogue: Catalogue) -> Optional[Service]:
    if bundle:
        return catalogue.of_resource(None, bundle, "bundle")
    return catalogue.of_container(called) or catalogue.of_container(_SUFFIX.sub("", name))


def _count(container: Container) -> int:
    text = container.retries.value if container.retries is not None else ""
    return int(text) if text.isdecimal() and len(text) < 10 else 0
