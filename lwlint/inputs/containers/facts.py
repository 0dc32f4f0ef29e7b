"""Facts about the containers of a host: by what their engine says of them, else by what they are started from."""

from __future__ import annotations

from typing import ClassVar, Union

from msgspec import Struct

from lwlint.core.facts import Service
from lwlint.core.source import Span, Text

INSPECT, LIST, CONFIGURATION = "inspect", "ps", "start configuration"
DOCKER, PODMAN = "docker", "podman"


class HostContainer(Struct, frozen=True):
    """A container of a host. `evidence` is what tells of it: INSPECT, LIST (`podman ps`), or CONFIGURATION, the best there is.

    `engine` is DOCKER, PODMAN or empty where nothing tells. `policy` is the engine's own restart policy (None: not told; docker and podman
    call none `no` or leave it empty), `retries` after how many restarts `on-failure` gives up (0: never), `running` is None where
    nothing tells. `status` says in words what it does (`exited`). `ends` says why it ends by itself; empty: no sign of it. `bundle` is the
    id of the cluster's bundle that it is a replica of, by its name. `unit` is the unit that it says it runs in, `called` the name that its
    deployment gave it, by which `service` is known. `looks_like` is the project of OpenStack that one which is not known has the name of.
    """

    kind: ClassVar[str] = "host_container"
    name: str
    span: Span
    host: str = ""
    evidence: str = INSPECT
    engine: str = ""
    policy: Union[Text, None] = None
    retries: int = 0
    running: Union[bool, None] = None
    status: str = ""
    ends: str = ""
    bundle: str = ""
    unit: str = ""
    called: str = ""
    service: Union[Service, None] = None
    looks_like: str = ""
