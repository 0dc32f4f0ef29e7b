"""Output of `inspect` and `ps` of podman and docker, and start configurations -> the containers of hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional, Union

from lwlint.catalogue import Catalogue
from lwlint.facts.containers import CONFIGURATION, INSPECT, LIST, HostContainer
from lwlint.facts.input import Unreadable
from lwlint.facts.service import Service
from lwlint.parse.containers import Container, inspected, listed, started
from lwlint.parse.json_text import NoJson
from lwlint.source import Source

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
    return list({INSPECT: inspected, LIST: listed, CONFIGURATION: started}[evidence](source))


def _fact(container: Container, source: Source, evidence: str, catalogue: Catalogue) -> HostContainer:
    name = container.name.value
    called = container.called.value if container.called is not None and container.called.value else name
    steps = _STEPS.search(source.path)
    replica = _REPLICA.fullmatch(name)
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
        service=_service(name, called, replica["bundle"] if replica is not None else "", catalogue),
    )


def _service(name: str, called: str, bundle: str, catalogue: Catalogue) -> Optional[Service]:
    if bundle:
        return catalogue.of_resource(None, bundle, "bundle")
    return catalogue.of_container(called) or catalogue.of_container(_SUFFIX.sub("", name))


def _count(container: Container) -> int:
    text = container.retries.value if container.retries is not None else ""
    return int(text) if text.isdecimal() and len(text) < 10 else 0
