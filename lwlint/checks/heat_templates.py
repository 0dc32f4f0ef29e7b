"""Templates by themselves: what they put under Pacemaker, what they run, what they repeat, and what they miss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from lwlint.checks import NO_CONTAINER_TEMPLATE, NO_TEMPLATE
from lwlint.checks.check import Check, NoParams, Saw, Unknown
from lwlint.checks.heat_jinja import needs_heat, unseen
from lwlint.facts import Facts
from lwlint.facts.heat import Container, DanglingReference, DuplicateKey, Environment, StrayFunction, Template
from lwlint.finding import AddKey, Fix, Problem, Related, Replace
from lwlint.record import dataclass


@dataclass(frozen=True)
class TemplateParams:
    """`kinds` are the kinds of services that no template may put under Pacemaker."""

    kinds: tuple[str, ...]


def templates(facts: Facts, params: TemplateParams) -> Iterator[Saw]:
    """Yield a problem for each template that puts a service of the wrong kind under Pacemaker."""
    yield from unseen(facts)
    for template in facts.of(Template):
        if not template.under_pacemaker:
            continue
        if template.service is None:
            yield Unknown("the template puts a service under Pacemaker that the catalogue does not know", template.span)
        elif template.service.kind in params.kinds:
            yield Problem(
                span=template.span,
                message=f"`{template.name}`: it puts {template.service.title} under Pacemaker; systemd must run it",
                subject=f"template {template.service.name}",
                related=tuple(Related(profile.span, "by this class") for profile in template.profiles),
                host=template.host,
            )


@dataclass(frozen=True)
class ContainerParams:
    """`policies` are the restart policies with which a container comes back whenever it ends."""

    policies: tuple[str, ...]


def containers(facts: Facts, params: ContainerParams) -> Iterator[Saw]:
    """Yield a problem for each container that runs for long and is not restarted."""
    yield from unseen(facts)
    expected = " or ".join(f"`{policy}`" for policy in params.policies)
    for container in facts.of(Container):
        policy = container.restart
        if container.one_shot:
            continue
        if container.policies is None:
            yield Unknown(f"only a deployment tells whether container `{container.name}` is restarted", container.span)
            continue
        wrong = next((value for value in container.policies if value.partition(":")[0] not in params.policies), None)
        if policy is not None and wrong is None:
            continue
        what = "is not set" if policy is None else f"is `{wrong}`"
        yield Problem(
            span=container.span if policy is None else policy.span,
            message=f"container `{container.name}` of `{container.step}`: `restart` {what}; it must be {expected}",
            subject=f"container {container.name}",
            host=container.host,
            fix=_restarting(container, params.policies[0]),
        )


def _restarting(container: Container, policy: str) -> Optional[Fix]:
    """Return the fix that sets the policy where it is not set, or set to a word that stands there as it is."""
    if container.restart is None:
        having = ("image", "command", "net", "volumes", "environment", "privileged")
        return Fix(f"add `restart: {policy}`", (AddKey(container.span, "restart", policy, inside=True, having=having),))
    place, value = container.restart.span, container.restart.value
    if not 0 <= place.end - place.start - len(value) <= 2:
        return None
    return Fix(f"set `restart` to `{policy}`", (Replace(place, policy),), safe=False)


@dataclass(frozen=True)
class DanglingParams:
    """`aliases` is how the aliases begin that are looked at (in any case); `others` looks at all but these."""

    aliases: str
    others: bool = False


def dangling(facts: Facts, params: DanglingParams) -> Iterator[Saw]:
    """Yield a problem for each reference to a template that does not exist."""
    yield from unseen(facts)
    for reference in facts.of(DanglingReference):
        if reference.alias.lower().startswith(params.aliases.lower()) is params.others:
            continue
        place = f"`{reference.alias}`: template `{reference.name}`"
        message, severity = f"{place} does not exist (`{reference.resolved}`); it must be one of the tree", None
        if reference.installed:
            if params.others:
                continue
            message = f"{place} is the installed one, outside this tree; it must be a relative path"
            severity = "warning"
        elif reference.lone:
            yield Unknown(f"{place} is not here, and neither is anything else that the file refers to", reference.span)
            continue
        subject = f"reference {reference.alias} {reference.name}"
        yield Problem(span=reference.span, message=message, subject=subject, severity=severity, host=reference.host)


def duplicates(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each key that stands twice with different values."""
    yield from unseen(facts)
    for duplicate in facts.of(DuplicateKey):
        if duplicate.differs and not duplicate.schema:
            yield Problem(
                span=duplicate.span,
                message=f"`{duplicate.name}`: it is set twice in one mapping and the first value is dropped; it must be set once",
                subject=f"key {duplicate.name}",
                related=(Related(duplicate.dropped, "this value is dropped"),),
                host=duplicate.host,
            )


def stray(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each function that Heat does not see as one."""
    yield from unseen(facts)
    for function in facts.of(StrayFunction):
        yield Problem(
            span=function.span,
            message=f"`{function.name}`: it stands beside other keys, so Heat takes it for a setting of that name; it must stand alone",
            subject=f"function {function.name}",
            host=function.host,
        )


def _any_file(facts: Facts, params: object) -> Optional[str]:
    found = any(facts.of(kind) for kind in (Template, Environment, DanglingReference))
    return None if found else _NO_FILE(facts, params)


_NO_FILE = needs_heat(DuplicateKey, "no Heat template or environment was given")
_NO_TEMPLATE = needs_heat(Template, NO_TEMPLATE)
_NO_CONTAINER = needs_heat(Container, NO_CONTAINER_TEMPLATE)
CHECKS = (
    Check(name="pacemaker-template", run=templates, evidence=_NO_TEMPLATE, params=TemplateParams),
    Check(name="container-restart", run=containers, evidence=_NO_CONTAINER, params=ContainerParams),
    Check(name="dangling-template", run=dangling, evidence=_any_file, params=DanglingParams),
    Check(name="duplicate-key", run=duplicates, evidence=_any_file),
    Check(name="stray-function", run=stray, evidence=_NO_TEMPLATE),
)
