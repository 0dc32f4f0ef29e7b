"""The services of roles: what a role needs beside them, and those that are nobody's or stand twice."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated

from msgspec import Meta

from lwlint.checks import NO_ROLE
from lwlint.checks.heat import needs_heat, unseen
from lwlint.core.check import Check, NoParams, Saw, Unknown
from lwlint.core.config_reader import Document
from lwlint.core.facts import Facts
from lwlint.core.finding import Problem, Related
from lwlint.inputs.heat.facts import REGISTRY, ROLE, RoleService


class ClusterParams(Document, frozen=True):
    """The parameters of the check."""

    elsewhere: Annotated[tuple[str, ...], Meta(description="globs of files and roles that are for hosts without the cluster")] = ()


def without_pacemaker(facts: Facts, params: ClusterParams) -> Iterator[Saw]:
    """Yield a problem for each service that is put under Pacemaker in a role that has no Pacemaker."""
    yield from unseen(facts, REGISTRY, ROLE)
    for service in facts.of(RoleService):
        if service.beside or service.first is not None:
            continue
        if any(fnmatchcase(word.lower(), glob) for word in (service.span.path, service.role) for glob in params.elsewhere):
            continue
        if not service.whole:
            yield Unknown("there is no registry that tells where the services of the role lead to", service.span)
        elif service.under_pacemaker:
            by = f"`{service.under_pacemaker}` puts it under Pacemaker"
            message = f"`{service.name}`: {by}, and role `{service.role}` has no Pacemaker; it must have `Pacemaker` or `PacemakerRemote`"
            severity = "warning" if service.optional else None
            yield Problem(service.span, message, f"role {service.role} {service.name}", severity=severity, host=service.host)


def unknown_services(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each service of a role that no registry maps."""
    yield from unseen(facts, REGISTRY, ROLE)
    for service in facts.of(RoleService):
        if service.mapped is None:
            yield Unknown(f"`{service.name}`: not all registries of its tree were given", service.span)
        elif not service.mapped and service.first is None:
            message = f"`{service.name}`: no registry maps it, though role `{service.role}` names it; it must be a service of the tree"
            yield Problem(service.span, message, f"role {service.role} {service.name}", host=service.host)


def repeated_services(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each service that a role names again."""
    yield from unseen(facts, ROLE)
    for service in facts.of(RoleService):
        if service.first is not None:
            message = f"`{service.name}`: role `{service.role}` names it twice; it must name it once"
            related = (Related(service.first, "named here"),)
            yield Problem(service.span, message, f"role {service.role} {service.name}", related, host=service.host)


_ANY_ROLE = needs_heat(RoleService, NO_ROLE)
CHECKS = (
    Check(name="role-without-pacemaker", run=without_pacemaker, evidence=_ANY_ROLE, params=ClusterParams),
    Check(name="role-names-no-service", run=unknown_services, evidence=_ANY_ROLE),
    Check(name="role-names-service-twice", run=repeated_services, evidence=_ANY_ROLE),
)
