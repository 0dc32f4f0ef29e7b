"""The catalogue for a reader: the list of services, and one of them with the command that manages it in each architecture."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lwlint.facts.service import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE, RELEASES, Service

_KINDS = {
    CORE: "core: Pacemaker must run it",
    ACTIVE_PASSIVE: "active/passive: Pacemaker may run it",
    ACTIVE_ACTIVE: "active/active: Pacemaker must not run it",
    INFRASTRUCTURE: "infrastructure of the cluster",
}
_WIDTH = 110


@dataclass(frozen=True)
class _Architecture:
    title: str
    first: str
    last: str

    @property
    def releases(self) -> tuple[str, ...]:
        return RELEASES[RELEASES.index(self.first) : RELEASES.index(self.last) + 1]


_FULL = _Architecture("everything under Pacemaker", "liberty", "mitaka")
_HOST = _Architecture("lightweight, on the host", "newton", "rocky")
_DOCKER = _Architecture("lightweight, docker", "pike", "train")
_PODMAN = _Architecture("lightweight, podman", "stein", RELEASES[-1])


def service_table(services: Sequence[Service]) -> str:
    """Return one line for each service: its title, its kind, and the releases in which Pacemaker may run it."""
    rows = [(s.title, s.kind.replace("_", "/"), _span(s.under_pacemaker) or "-", ", ".join(s.units or s.containers)) for s in services]
    rows.insert(0, ("service", "kind", "under Pacemaker", "units"))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "".join(
        f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:{widths[2]}}  {textwrap.shorten(row[3], 60, placeholder=' ...')}".rstrip()
        + "\n"
        for row in rows
    )


def one_service(service: Service) -> str:
    """Return all that is known of one service: its kind, the command for it in each architecture, and its names."""
    lines = [service.title, f"  {_KINDS[service.kind]}" + (f", {_span(service.under_pacemaker)}" if service.under_pacemaker else "")]
    if not service.daemon:
        lines.append("  no daemon of its own")
    if service.note:
        lines += _wrap(service.note, "  ", 2)
    managed = [(a, command) for a in (_FULL, _HOST, _DOCKER, _PODMAN) for command in _commands(service, a)]
    if managed:
        lines += ["", "  restarted by (`pcs` once in the cluster, the others on each node)"]
        for architecture, command in managed:
            lines += _wrap(command, f"    {architecture.title + ', ' + _span(architecture.releases):47} ", 52)
    lines += ["", *_names(service)]
    return "\n".join(lines).rstrip() + "\n"


def _commands(service: Service, architecture: _Architecture) -> Iterator[str]:
    """Yield the commands that restart a service."""
    if not set(service.releases) & set(architecture.releases):
        return
    if architecture is _FULL:
        ids = service.full_ha_ids
        if not ids and set(service.httpd) & set(architecture.releases):
            ids = ("httpd-clone",)
    else:
        ids = _lightweight_ids(service, architecture)
    if ids:
        yield from (f"{'pcs stonith cleanup' if service.name == 'stonith' else 'pcs resource restart'} {id}" for id in ids)
    elif architecture is _DOCKER and service.containers:
        yield "docker restart " + " ".join(service.containers)
    elif architecture is _PODMAN and service.containers:
        yield "systemctl restart " + " ".join(f"tripleo_{container}" for container in service.containers)
    else:
        yield from _on_host(service, architecture)


def _lightweight_ids(service: Service, architecture: _Architecture) -> tuple[str, ...]:
    if not set(service.under_pacemaker) & set(architecture.releases):
        return ()
    host_ids = tuple(id for id in service.resource_ids if id not in service.bundle_ids)
    return (host_ids or service.resource_ids) if architecture is _HOST else service.bundle_ids


def _on_host(service: Service, architecture: _Architecture) -> Iterator[str]:
    releases = architecture.releases
    httpd = [release for release in releases if release in service.httpd]
    units = _real(service.units)
    if units and httpd != list(releases):
        yield "systemctl restart " + " ".join(units)
    if httpd:
        yield "systemctl restart httpd" + (f" (from {httpd[0]})" if units and httpd != list(releases) else "")


def _real(units: Iterable[str]) -> list[str]:
    """Return RDO's name of a service's unit: the first; all where it has several programs of its own."""
    named = [unit for unit in units if not unit.endswith("@") and "*" not in unit]
    prefix = named[0].rpartition("-")[0] if named else ""
    return [unit for unit in named if unit == named[0] or (prefix.count("-") and unit.startswith(prefix))]


def _names(service: Service) -> Iterator[str]:
    for title, values in (
        ("units", service.units),
        ("containers", service.containers),
        ("aliases", service.aliases),
        ("resource ids", service.resource_ids),
        ("agents", service.agents),
        ("option files", service.config_files),
        ("databases", tuple(f"[{d.section}] {d.option}" for d in service.databases)),
        ("Puppet modules", service.modules),
    ):
        if values:
            yield from _wrap(", ".join(values), f"  {title + ':':16}", 18)


def _wrap(text: str, start: str, indent: int) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False)


def _span(releases: Sequence[str]) -> str:
    if not releases:
        return ""
    return releases[0] if len(releases) == 1 else f"{releases[0]} to {releases[-1]}"
