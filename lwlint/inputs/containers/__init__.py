"""Containers, as podman, docker and their start configurations describe them."""

from __future__ import annotations

import re

from lwlint.core.kind import Kind, Recognised, decode_loosely, made_by
from lwlint.core.lazy import classes, pattern

_PATH = pattern(
    r"(?:^|/)(?:sos_commands/(?P<engine>podman|docker)/(?:containers/)?(?P=engine)_(?:inspect|container_inspect|ps)[^/]*"
    r"|var/lib/tripleo-config/(?:.+/)?[^/]*startup-config[^/]*(?:/[^/]+)*\.json)$"
)
_SOMETHING = pattern(r"\{|^CONTAINER ID", re.MULTILINE)  # an object of JSON, or a list of containers


def _recognise(path: str, text: str, named: bool) -> Recognised:
    if _SOMETHING.search(text):
        return True
    return "no container in it, only what a command complained of" if text.strip() else "it is empty"


CONTAINER = Kind(
    name="container",
    noun="description of containers",
    title="containers of a host",
    missing="no description of containers was given",
    limit=16_000_000,
    may_hold=lambda path: _PATH.search(path) is not None,
    recognise=_recognise,
    decode=decode_loosely,
    facts=made_by("lwlint.inputs.containers.reader:container_facts", "container", given=lambda material: (material.catalogue,)),
    gives=classes("lwlint.inputs.containers.facts", "HostContainer"),
    language="json",
    printed=True,
)
KINDS = (CONTAINER,)
