"""Where a resource registry maps a service, against where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Annotated, Any, Literal, Optional

from msgspec import Meta, field
from msgspec.structs import replace

from lwlint.checks.parameters import AboutService, HieraName, KnownRelease, Places, ServiceKind, ServiceName, nothing_in
from lwlint.core.check import Check, Reads, Saw, Unknown, unseen
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import ACTIVE_ACTIVE, Facts, Service
from lwlint.core.finding import AddKey, DropLines, Fix, Problem, Related, Replace
from lwlint.core.harmless import whole
from lwlint.inputs.heat.facts import (
    CONTAINERS,
    EXTRA_CONFIG,
    NONE,
    REGISTRY,
    Container,
    Environment,
    HieraKey,
    ServiceMapping,
)

NO_SERVICE = "no environment or registry maps a service"
NO_MAPPING, NO_CONTAINER_TEMPLATE = "no Heat environment or registry was given", "no template with containers was given"


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
    the service off where it is `false`. From the release `before` on, both are right. A template that runs the service on several
    nodes outside Pacemaker, in the releases that the catalogue names, is never wrong for leading to `systemd`.
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
    spread_by: Annotated[
        Mapping[ServiceName, HieraName],
        Meta(description="services, and the setting that makes each run active/active where it is not empty"),
    ] = field(default_factory=dict)
    other_roles: Annotated[tuple[str, ...], Meta(description="how the roles begin whose overrides do not make it so")] = ()
    while_spread: Annotated[bool, Meta(description="judge only services that run active/active by `spread_by`, instead of all others")] = (
        False
    )
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


_PACEMAKER = "os::tripleo::services::pacemaker"


def _run(facts: Facts, params: MappingParams) -> Iterator[Saw]:
    yield from unseen(facts, REGISTRY)
    if params.before is not None and facts.release.at_least(params.before):
        return
    views = {view.name: view for view in facts.of(Environment)}
    aliased = _Aliased(facts, params)
    off = params.off_by is not None and _is_off(facts, params.off_by)
    told = {mapping.environment for mapping in facts.of(ServiceMapping) if mapping.alias.lower() == _PACEMAKER}
    is_spread = cache(partial(_is_spread, facts, params))
    for mapping in facts.of(ServiceMapping):
        service = mapping.service or mapping.template_service
        if service is None and (what := _find_strange(mapping, params)):
            yield Unknown(f"`{mapping.alias}` {what}", mapping.span)
        if service is None or not mapping.in_force or mapping.final == NONE or not _concerns(service, mapping, facts, params):
            continue
        if mapping.made and not mapping.final:
            yield Unknown(f"only Jinja tells what `{mapping.alias}` is mapped to", mapping.span)
            continue
        if not mapping.final and not mapping.missing:
            continue  # the template of a tree that is here: another rule tells it
        if mapping.outside is False and _cannot_tell(mapping):
            yield Unknown(f"`{mapping.alias}` is mapped to `{mapping.template}`, which is not here", mapping.span)
            continue
        if mapping.outside or not _leads(mapping, params):
            continue
        by_design = params.leads_to == "systemd" and _runs_outside(mapping, service, facts)
        if by_design is not False:
            if by_design is None:
                since = service.outside[0]
                told_by = f"may run {service.title} on several nodes from {since} on, and the release is not known"
                yield Unknown(f"`{mapping.template}` {told_by}", mapping.span)
            continue
        if params.while_pacemaker and not mapping.pacemaker:
            if not views[mapping.environment].base and mapping.environment not in told:
                yield Unknown(
                    f"`{mapping.alias}` leads to `{mapping.template}`, and nothing here shows whether Pacemaker is on", mapping.span
                )
            continue
        if "://" in mapping.final and not mapping.final.startswith("file://"):
            yield Unknown(f"`{mapping.alias}` is mapped to `{mapping.final}`, which is not here", mapping.span)
            continue
        if off or aliased.has(mapping):
            continue
        if (spread := is_spread(service.name)) is not params.while_spread:
            if spread is None:
                yield Unknown(f"`{params.spread_by[service.name]}`, which makes {service.title} active/active, is not known", mapping.span)
            continue
        if spread and (other := _also_outside(mapping, service, facts)) is not None:
            either = f"`{mapping.alias}` or `{other.alias}`"
            yield Unknown(f"nothing here shows whether {service.title} runs active/active by {either}", other.span)
            continue
        view = views[mapping.environment]
        if mapping.inherited and not view.merged and not _is_judged_here(mapping, view, params):
            continue
        if not view.merged and any(fnmatchcase(view.name, pattern) for pattern in params.elsewhere):
            yield Unknown(
                f"`{mapping.alias}` is mapped to `{mapping.template}` in an environment for hosts without the cluster", mapping.span
            )
            continue
        yield _problem(mapping, service, view, params)


def _find_strange(mapping: ServiceMapping, params: MappingParams) -> str:
    """Return why an alias of nobody's may put what is active/active under Pacemaker; empty where not, and for a step on another's way."""
    judged = params.leads_to == "pacemaker" and ACTIVE_ACTIVE in params.kinds
    if not judged or not mapping.in_force or mapping.final == NONE or mapping.chain:
        return ""
    if mapping.under_pacemaker:
        return f"leads to `{mapping.template}`, which puts under Pacemaker what is not known"
    is_service = mapping.alias.lower().startswith(_SERVICES)
    return f"is mapped to `{mapping.template}`, which is not here" if is_service and _is_elsewhere(mapping) else ""


def _is_elsewhere(mapping: ServiceMapping) -> bool:
    """Return whether the template at the end of the way is not here: it is missing, or at a URL."""
    return bool(mapping.missing) or "://" in mapping.final


def _cannot_tell(mapping: ServiceMapping) -> bool:
    """Return whether the end of the way is not here, so that what it does for Pacemaker is not known."""
    if _is_elsewhere(mapping):
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


def _runs_outside(mapping: ServiceMapping, service: Service, facts: Facts) -> bool | None:
    """Return whether the template runs the service on several nodes outside Pacemaker by design; None where only the release tells."""
    path = mapping.final or mapping.missing
    if not any(path == template or path.endswith("/" + template) for template in service.outside_templates):
        return False
    return None if facts.release.name is None else facts.release.name in service.outside


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
    settings = (setting for setting in facts.of(HieraKey) if not setting.of_one_node)
    return any(setting.name == key and setting.values == ("false",) for setting in settings)


def _is_spread(facts: Facts, params: MappingParams, service: str) -> bool | None:
    """Return whether a setting makes the service run active/active, so that it belongs outside Pacemaker; None where that is not known."""
    key = params.spread_by.get(service)
    found = [setting for setting in facts.of(HieraKey) if setting.name == key and setting.in_force] if key is not None else []
    found = [setting for setting in found if not setting.of_one_node]
    over = overriding(setting for setting in found if setting.overrides and not setting.place.startswith(params.other_roles))
    counted = over or [setting for setting in found if not setting.overrides]
    if any(setting.values is None for setting in counted):
        return None
    outcomes = [{*(value not in ("", "null") for value in s.values or ()), *((False,) if s.branch else ())} for s in counted]
    if not over and {True} in outcomes:
        return True
    every = set().union(*outcomes)  # which roles run it is not known, nor which way a condition goes
    return None if len(every) > 1 else True in every


def overriding(overrides: Iterable[HieraKey]) -> list[HieraKey]:
    """Return those of the overrides, in the order of their environments, that count: the last for each role, and these before one for all.

    The old name of a role's parameter (`controllerExtraConfig`) is merged before the new one, whatever the environments.
    """
    in_order = sorted(overrides, key=lambda key: not key.place[:1].islower())
    last = {(key.name, key.place.lower()): key for key in in_order}
    of_roles = {name for name, place in last if place != EXTRA_CONFIG}
    return [key for (name, place), key in last.items() if place != EXTRA_CONFIG or name not in of_roles]


def _also_outside(mapping: ServiceMapping, service: Service, facts: Facts) -> ServiceMapping | None:
    """Return the mapping by which an environment deploys the service for nodes outside the cluster; None where none does."""
    names = {alias.lower() for alias in service.outside_aliases}
    others = (other for other in facts.of(ServiceMapping) if other.environment == mapping.environment and other.in_force)
    deployed = (other for other in others if not other.inherited and other.final not in ("", NONE))
    return next((other for other in deployed if other.alias.lower() in names), None)


def _is_judged_here(mapping: ServiceMapping, view: Environment, params: MappingParams) -> bool:
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


RestartPolicy = Literal["always", "unless-stopped", "on-failure", "no"]


class ContainerParams(Document, frozen=True):
    """`policies` are the restart policies with which a container comes back whenever it ends.

    Those in `before` do so before a release only: from then on no unit is written for a container that has one.
    """

    policies: Annotated[
        tuple[RestartPolicy, ...],
        Meta(description="the restart policies with which a container comes back whenever it ends; a fix sets the first", min_length=1),
    ]
    before: Annotated[Mapping[RestartPolicy, KnownRelease], Meta(description="policies, and the first release that passes them over")] = (
        field(default_factory=dict)
    )


def containers(facts: Facts, params: ContainerParams) -> Iterator[Saw]:
    """Yield a problem for each container that runs for long and is not restarted."""
    yield from unseen(facts, CONTAINERS)
    gone = {policy for policy, release in params.before.items() if facts.release.at_least(release)}
    heeded = tuple(policy for policy in params.policies if policy not in gone)
    expected = " or ".join(f"`{policy}`" for policy in heeded)
    for container in facts.of(Container):
        policy = container.restart
        if container.one_shot:
            continue
        if container.policies is None:
            yield Unknown(f"only a deployment can show whether container `{container.name}` is restarted", container.span)
            continue
        wrong = next((value for value in container.policies if value.partition(":")[0] not in heeded or _restarts(value)), None)
        if policy is not None and wrong is None:
            continue
        what = "is not set" if policy is None else f"{'may be' if len(container.policies) > 1 else 'is'} `{wrong}`"
        name = wrong.partition(":")[0] if wrong is not None else ""
        if name in gone:
            what += f", for which no unit is written from {params.before[name]} on"
        elif wrong is not None and name in heeded:
            what += f", which ends after {_restarts(wrong)} restarts"
        yield Problem(
            span=container.span if policy is None else policy.span,
            message=f"container `{container.name}` of `{container.step}`: `restart` {what}; it must be {expected or 'another policy'}",
            subject=f"container {container.name}",
            host=container.host,
            fix=_restarting(container, params.policies[0]),
        )


def _restarts(policy: str) -> int:
    """Return after how many restarts a policy ends (`on-failure:5`); 0 where it does not."""
    return whole(policy.partition(":")[2]) or 0


def _restarting(container: Container, policy: str) -> Optional[Fix]:
    """Return the fix that sets the policy where it is not set, or set to a word that stands there as it is."""
    if container.restart is None:
        having = ("image", "command", "net", "volumes", "environment", "privileged")
        return Fix(f"add `restart: {policy}`", (AddKey(container.span, "restart", policy, inside=True, having=having),))
    place, value = container.restart.span, container.restart.value
    if not 0 <= place.end - place.start - len(value) <= 2:
        return None
    return Fix(f"set `restart` to `{policy}`", (Replace(place, policy),), safe=False)


def _maps_a_service(facts: Facts, params: MappingParams) -> str | None:
    """Return why there is nothing to judge: no mapping at all, or none of a service."""
    lacking = needs_heat(ServiceMapping, NO_MAPPING)(facts, params)
    if lacking is not None:
        return lacking
    known = (one.service or one.template_service or one.alias.lower().startswith(_SERVICES) for one in facts.of(ServiceMapping))
    return None if any(known) else NO_SERVICE


_SERVICES = "os::tripleo::services::"
_READS = Reads(("heat",), not_of_hosts=(NO_MAPPING, NO_CONTAINER_TEMPLATE))
CHECKS = (
    Check("service-mapping", run, _maps_a_service, MappingParams, _READS),
    Check("container-not-restarted", containers, needs_heat(Container, NO_CONTAINER_TEMPLATE), ContainerParams, _READS),
)
