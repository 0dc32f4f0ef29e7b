"""Where a resource registry maps a service, against where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Optional

from msgspec import Meta
from msgspec.structs import replace

from lwlint.checks import NO_CONTAINER_TEMPLATE, NO_MAPPING, NO_ROLE, NO_TEMPLATE
from lwlint.checks.parameters import AboutService, KnownRelease, Places, ServiceKind, ServiceName, nothing_in
from lwlint.core.check import Check, NoParams, Saw, Unknown
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts, NotEvaluated, Service
from lwlint.core.finding import AddKey, DropLines, Fix, Problem, Related, Replace
from lwlint.inputs.heat.facts import (
    CLUSTER,
    CONTAINERS,
    GET_FILE,
    NONE,
    REGISTRY,
    ROLE,
    Container,
    DanglingReference,
    DuplicateKey,
    Environment,
    HieraKey,
    RoleService,
    ServiceMapping,
    StrayFunction,
    Template,
)


def unseen(facts: Facts, *words: str) -> Iterator[Unknown]:
    """Yield one unknown for each file whose content is not known before Jinja has been rendered, and that may be about one of `words`.

    Without `words` each file matters.
    """
    for file in facts.of(NotEvaluated):
        if file.because == "Jinja" and (not words or file.about is None or any(word in file.about for word in words)):
            yield Unknown(file.because, file.span)


def needs_heat(kind: type, reason: str) -> Callable[[Facts, Any], str | None]:
    """Return an `evidence` function: a fact of type `kind` must be there; where there is none, Jinja may be why."""

    def evidence(facts: Facts, _: Any) -> str | None:
        if facts.of(kind):
            return None
        return next((f"{unknown.because} in `{unknown.span.path}`" for unknown in unseen(facts) if unknown.span), reason)

    return evidence


class MappingParams(Document, frozen=True):
    """Which services to look at, and which target is wrong for them.

    `leads_to` is the wrong target: a template that puts the service under `pacemaker`, one that leaves it to `systemd`, or `any` template.
    `while_pacemaker` looks only where Pacemaker is on. `shims` are templates without a service of their own. Environments that
    match `elsewhere` are written for hosts without the cluster; they are judged only where they were given with `-e`. `inherited`
    looks at entries of the base registry too, which the environment leaves as they are. `off_by` is a setting that turns
    the service off where it is `false`. From the release `before` on, both are right.
    `mend` offers to map to the same template without Pacemaker. Of `taken_back` kinds of services only those are looked at that a later
    environment takes from Pacemaker, the services in `unless` before the release `unless_before` apart, of which another rule speaks;
    what is expected of them is `expected_back`. With `once` only the first of all problems is told, with the number of the others.
    """

    expected: Annotated[AboutService, Meta(description="what the message says must be; `{service}` is the service")]
    leads_to: Annotated[
        Literal["pacemaker", "systemd", "any"],
        Meta(
            description="the wrong target: a template that puts the service under Pacemaker, one that leaves it to systemd, or any template"
        ),
    ]
    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged")] = ()
    services: Annotated[tuple[ServiceName, ...], Meta(description="single services that are judged")] = ()
    in_spec: Annotated[
        Optional[bool], Meta(description="judge only services that the specification names (`true`), or does not (`false`)")
    ] = None
    while_pacemaker: Annotated[bool, Meta(description="judge only where Pacemaker is on")] = False
    inherited: Annotated[bool, Meta(description="judge entries of the base registry too")] = True
    shims: Annotated[tuple[str, ...], Meta(description="globs of templates that hold no service of their own")] = ()
    elsewhere: Annotated[
        tuple[str, ...], Meta(description="globs of environments for hosts without the cluster: judged only where they are given with `-e`")
    ] = ()
    combined: Annotated[tuple[str, ...], Meta(description="globs of environments that are always given together with others")] = ()
    off_by: Annotated[Optional[str], Meta(description="a setting that turns the service off where it is `false`")] = None
    before: Annotated[Optional[KnownRelease], Meta(description="from this release on, both are right")] = None
    mend: Annotated[bool, Meta(description="offer to map to the same template without Pacemaker")] = False
    taken_back: Annotated[
        tuple[ServiceKind, ...], Meta(description="the kinds of services that a later environment may not take from Pacemaker")
    ] = ()
    unless: Annotated[tuple[ServiceName, ...], Meta(description="services of which another rule speaks before `unless_before`")] = ()
    unless_before: Annotated[Optional[KnownRelease], Meta(description="the release from which on `unless` does not count")] = None
    expected_back: Annotated[
        str,
        Places("service", "earlier"),
        Meta(description="what is expected of a service that is taken from Pacemaker: `{service}`, which `{earlier}` put under it"),
    ] = ""
    once: Annotated[bool, Meta(description="tell only the first of all problems, with the number of the others")] = False

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "kinds", "services", "taken_back")


def run(facts: Facts, params: MappingParams) -> Iterator[Saw]:
    """Yield a problem for each mapping in force that leads where it must not."""
    if not params.once:
        yield from _run(facts, params)
        return
    problems = []
    for saw in _run(facts, params):
        if isinstance(saw, Problem):
            problems.append(saw)
        else:
            yield saw
    if problems:
        first = min(problems, key=lambda problem: problem.span)
        more = f" (and {len(problems) - 1} more mappings)" if len(problems) > 2 else " (and 1 more mapping)" if len(problems) > 1 else ""
        yield replace(first, message=first.message + more)


def _run(facts: Facts, params: MappingParams) -> Iterator[Saw]:
    yield from unseen(facts, REGISTRY)
    if params.before is not None and facts.release.at_least(params.before):
        return
    views = {view.name: view for view in facts.of(Environment)}
    aliased = _Aliased(facts, params)
    off = params.off_by is not None and _is_off(facts, params.off_by)
    for mapping in facts.of(ServiceMapping):
        service = mapping.service or mapping.template_service
        if service is None or not mapping.in_force or mapping.final == NONE or not _concerns(service, mapping, facts, params):
            continue
        if not mapping.final and not mapping.missing:
            continue  # the template of a tree that is here: another rule tells it
        if mapping.outside is False and _cannot_tell(mapping):
            yield Unknown(f"`{mapping.alias}` is mapped to `{mapping.template}`, which is not here", mapping.span)
            continue
        if mapping.outside or (params.while_pacemaker and not mapping.pacemaker) or not _leads(mapping, params):
            continue
        if "://" in mapping.final and not mapping.final.startswith("file://"):
            yield Unknown(f"`{mapping.alias}` is mapped to `{mapping.final}`, which is not here", mapping.span)
            continue
        if off or aliased.has(mapping):
            continue
        view = views[mapping.environment]
        if mapping.inherited and not view.merged and not _judged_here(mapping, view, params):
            continue
        if not view.merged and any(fnmatchcase(view.name, pattern) for pattern in params.elsewhere):
            yield Unknown(
                f"`{mapping.alias}` is mapped to `{mapping.template}` in an environment for hosts without the cluster", mapping.span
            )
            continue
        yield _problem(mapping, service, view, params)


def _cannot_tell(mapping: ServiceMapping) -> bool:
    """Return whether the end of the way is not here, so that what it does for Pacemaker is not known."""
    if mapping.missing:
        return mapping.template_service is None and not mapping.under_pacemaker
    return mapping.final.lower().startswith("os::tripleo::")


def _concerns(service: Service, mapping: ServiceMapping, facts: Facts, params: MappingParams) -> bool:
    if service.name in params.services:
        return True
    if _is_taken_back(service, mapping, params):
        return service.name not in params.unless or (params.unless_before is None or facts.release.at_least(params.unless_before) is True)
    return service.kind in params.kinds and params.in_spec in (None, service.in_spec)


def _is_taken_back(service: Service, mapping: ServiceMapping, params: MappingParams) -> bool:
    return service.kind in params.taken_back and mapping.taken_from != ""


def _leads(mapping: ServiceMapping, params: MappingParams) -> bool:
    if params.leads_to == "pacemaker":
        return mapping.under_pacemaker
    if "::" in mapping.final:
        return False  # a resource type of Heat's own or of a plugin
    if params.leads_to == "any":
        return True
    other = mapping.template_service is not None and mapping.service is not None and mapping.template_service != mapping.service
    return not mapping.under_pacemaker and not other and not any(fnmatchcase(mapping.final or mapping.missing, s) for s in params.shims)


class _Aliased:
    """The mappings that lead somewhere only by another alias, which is blamed itself, or are only a step of such a way."""

    def __init__(self, facts: Facts, params: MappingParams) -> None:
        known = [m for m in facts.of(ServiceMapping) if m.in_force and m.service is not None and _concerns(m.service, m, facts, params)]
        self._aliases = {mapping.alias for mapping in known}
        self._steps = {(mapping.environment, step) for mapping in known for step in mapping.chain}

    def has(self, mapping: ServiceMapping) -> bool:
        """Return whether the mapping is one."""
        if mapping.service is None:  # a name of nobody's: it is no service but on the way of one
            return (mapping.environment, mapping.alias) in self._steps
        return bool(mapping.chain) and mapping.chain[-1] in self._aliases


def _is_off(facts: Facts, key: str) -> bool:
    return any(setting.name == key and setting.values == ("false",) for setting in facts.of(HieraKey))


def _judged_here(mapping: ServiceMapping, view: Environment, params: MappingParams) -> bool:
    """Return whether the environment itself is to blame for what it inherits: it turns Pacemaker on, and deploys the service."""
    if not params.inherited or view.span.path not in view.environments or any(fnmatchcase(view.name, p) for p in params.combined):
        return False
    return not view.services or any(alias.lower() == mapping.alias.lower() for alias in view.services)


def _problem(mapping: ServiceMapping, service: Service, view: Environment, params: MappingParams) -> Problem:
    what = f"template is `{mapping.template}`"
    if mapping.chain:
        what = f"it leads to `{mapping.final}` by way of `{mapping.chain[-1]}`"
    left = mapping.inherited and not view.merged
    back = _is_taken_back(service, mapping, params)
    expected = (
        params.expected_back.format(service=service.title, earlier=mapping.taken_from)
        if back
        else params.expected.format(service=service.title)
    )
    related = [Related(view.span, "Pacemaker is on here")] if params.while_pacemaker and not left else []
    if left:
        what = f"{what} in the base registry, and this environment turns Pacemaker on"
        related = [Related(mapping.span, "mapped here")]
    return Problem(
        span=view.span if left else mapping.span,
        message=f"`{mapping.alias}`: {what}; {expected}",
        subject=f"mapping {mapping.alias}",
        related=tuple(related),
        severity="warning" if left or back else None,
        host=mapping.host,
        fix=_fix(mapping, service, left) if params.mend else None,
    )


def _fix(mapping: ServiceMapping, service: Service, left: bool) -> Optional[Fix]:
    """Return the fix that maps to the plain template beside the one for Pacemaker; where none is known, the one that drops the line."""
    if left or mapping.chain:
        return None
    plain = mapping.template.replace("pacemaker/", "", 1)
    known = (t for t in service.templates if t not in service.pacemaker_templates)
    written = mapping.target.end - mapping.target.start == len(mapping.template)  # without quotes
    if written and plain != mapping.template and any(plain == t or plain.endswith("/" + t) for t in known):
        return Fix(f"map it to `{plain}`", (Replace(mapping.target, plain),))
    if mapping.inherited:
        return None
    return Fix("take the line away, so that the base registry's template is used", (DropLines(mapping.span),), safe=False)


CHECK = Check(name="service-mapping", run=run, evidence=needs_heat(ServiceMapping, NO_MAPPING), params=MappingParams)


_MOST_RELATED = 3  # other places that are shown with the first


class TemplateParams(Document, frozen=True):
    """`kinds` are the kinds of services that no template may put under Pacemaker."""

    kinds: Annotated[
        tuple[ServiceKind, ...], Meta(description="the kinds of services that no template may put under Pacemaker", min_length=1)
    ]


def templates(facts: Facts, params: TemplateParams) -> Iterator[Saw]:
    """Yield a problem for each template that puts a service of the wrong kind under Pacemaker."""
    yield from unseen(facts, CLUSTER)
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


class ContainerParams(Document, frozen=True):
    """`policies` are the restart policies with which a container comes back whenever it ends."""

    policies: Annotated[
        tuple[Literal["always", "unless-stopped", "on-failure", "no"], ...],
        Meta(description="the restart policies with which a container comes back whenever it ends; a fix sets the first", min_length=1),
    ]


def containers(facts: Facts, params: ContainerParams) -> Iterator[Saw]:
    """Yield a problem for each container that runs for long and is not restarted."""
    yield from unseen(facts, CONTAINERS)
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


class DanglingParams(Document, frozen=True):
    """`aliases` is how the aliases begin that are looked at (in any case); `others` looks at all but these."""

    aliases: Annotated[str, Meta(description="how the aliases begin that are judged, in any case")]
    others: Annotated[bool, Meta(description="judge all but these")] = False


def dangling(facts: Facts, params: DanglingParams) -> Iterator[Saw]:
    """Yield a problem for each reference to a template that does not exist.

    Of those that are no services' one problem is told for each file and each thing that is wrong: the rest of them is related.
    """
    yield from unseen(facts)
    folded: dict[tuple[str, str | None, bool], list[tuple[DanglingReference, Problem]]] = {}
    for reference in facts.of(DanglingReference):
        if reference.alias.lower().startswith(params.aliases.lower()) is params.others:
            continue
        of_file = reference.alias == GET_FILE
        place = f"`{reference.alias}`: {'file' if of_file else 'template'} `{reference.name}`"
        message, severity = f"{place} does not exist (`{reference.resolved}`); it must be one of the tree", None
        if params.others and reference.hangs:
            severity = "error" if reference.hangs == "cluster" else "warning"
        if reference.installed:
            if params.others and not of_file:
                continue
            message = f"{place} is the installed one, outside this tree; it must be a relative path"
            severity = "warning"
        elif reference.lone:
            yield Unknown(f"{place} is not here, and neither is anything else that the file refers to", reference.span)
            continue
        subject = f"reference {reference.alias} {reference.name}"
        problem = Problem(span=reference.span, message=message, subject=subject, severity=severity, host=reference.host)
        if params.others:
            folded.setdefault((reference.span.path, severity, reference.installed), []).append((reference, problem))
        else:
            yield problem
    for together in folded.values():
        (_, first), *more = sorted(together, key=lambda pair: pair[1].span)
        related = tuple(Related(reference.span, f"`{reference.name}` neither") for reference, _ in more[:_MOST_RELATED])
        count = f" ({len(more)} more in this file)" if more else ""
        yield replace(first, message=first.message + count, related=related)


def duplicates(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each key that stands twice, a note where both say the same."""
    yield from unseen(facts)
    for duplicate in facts.of(DuplicateKey):
        if duplicate.schema:
            continue
        what = "and the first value is dropped" if duplicate.differs else "to the same value"
        yield Problem(
            span=duplicate.span,
            message=f"`{duplicate.name}`: it is set twice in one mapping {what}; it must be set once",
            subject=f"key {duplicate.name}",
            related=(Related(duplicate.dropped, "this value is dropped" if duplicate.differs else "set here"),),
            severity=None if duplicate.differs else "note",
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
_ROLE_CHECKS = (
    Check(name="role-without-pacemaker", run=without_pacemaker, evidence=_ANY_ROLE, params=ClusterParams),
    Check(name="role-names-no-service", run=unknown_services, evidence=_ANY_ROLE),
    Check(name="role-names-service-twice", run=repeated_services, evidence=_ANY_ROLE),
)
