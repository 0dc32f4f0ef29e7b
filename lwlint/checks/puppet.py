"""What a Puppet manifest puts into the cluster that does not belong there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from lwlint.core.check import Check, Saw, Unknown, needs
from lwlint.core.config_reader import Document
from lwlint.core.facts import ACTIVE_ACTIVE, Facts
from lwlint.core.finding import Problem, Related
from lwlint.inputs.puppet.facts import Manifest, ManifestConstraint, ManifestResource, Member


class Params(Document, frozen=True):
    """`each` is what is judged: the resources of a manifest, or its constraints."""

    each: Annotated[Literal["resource", "constraint"], Meta(description="what is judged: the resources of a manifest, or its constraints")]


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    if params.each == "resource":
        for resource in facts.of(ManifestResource):
            yield from _resource(resource)
    else:
        for constraint in facts.of(ManifestConstraint):
            yield from _constraint(constraint)


def _resource(resource: ManifestResource) -> Iterator[Saw]:
    if resource.absent:
        return
    service = resource.service
    if service is not None and service.kind == ACTIVE_ACTIVE:
        which = "" if service.title in resource.id else f" ({service.title})"
        message = f"`{resource.name}`: `{resource.type}` creates `{resource.id}`{which}; it must run outside Pacemaker"
        yield Problem(resource.span, message, f"manifest resource {resource.id}", host=resource.host)
    elif service is None and not resource.decided:
        yield Unknown(f"only Puppet can tell which resource `{resource.name}` is", resource.span)


def _constraint(constraint: ManifestConstraint) -> Iterator[Saw]:
    if constraint.absent:
        return
    outside = [member for member in constraint.members if member.service is not None and member.service.kind == ACTIVE_ACTIVE]
    if outside:
        names = " and ".join(f"`{id}`" for id in dict.fromkeys(member.id for member in outside))
        which = "services" if len({member.id for member in outside}) > 1 else "a service"
        message = f"`{constraint.name}`: {constraint.type} names {names}; no constraint may touch {which} outside the core"
        related = tuple(_related(member) for member in outside)
        yield Problem(constraint.span, message, f"manifest constraint {constraint.name}", related, host=constraint.host)
        return
    for member in constraint.members:
        if member.service is None and not member.decided:
            yield Unknown(f"only Puppet can tell which resource `{member.id}` is", member.span)


def _related(member: Member) -> Related:
    title = member.service.title if member.service else member.id
    return Related(member.span, f"{title} must run outside Pacemaker")


CHECK = Check("manifest-outside-the-core", _run, needs(Manifest, "no Puppet manifest was given"), Params)
