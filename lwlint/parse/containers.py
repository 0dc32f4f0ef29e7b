"""Containers as `podman inspect` and `docker inspect` print them, and the configurations they are started from.

These are written by paunch (one file for each step) and tripleo-ansible (one for each container).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lwlint.parse.json_text import NoJson, Value, read
from lwlint.source import Source, Span, Text

_START = re.compile(r"^[\[{]", re.MULTILINE)


@dataclass(frozen=True)
class Container:
    """One container. What is None is not printed.

    `restart` is the name of its restart policy as the engine holds it (podman of TripleO: empty, as systemd restarts it), `retries` how
    often it is tried, `running` is `true` or `false`, `managed_by` the label of that name (`paunch`, `tripleo_ansible`).
    """

    name: Text
    span: Span
    restart: Text | None = None
    retries: Text | None = None
    running: Text | None = None
    image: Text | None = None
    managed_by: Text | None = None


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
            )


def _bare(name: Text) -> Text:
    """Return the name without the `/` that docker puts in front of it."""
    return Text(name.value[1:], Span(name.span.path, name.span.start + 1, name.span.end)) if name.value.startswith("/") else name


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
    return Container(name, value.span, restart=value.text("restart"), image=value.text("image"))
