"""Where a resource registry maps a service, against where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Literal, Optional

from lwlint.checks import NO_MAPPING
from lwlint.checks.check import Check, Saw, Unknown
from lwlint.checks.heat_jinja import needs_heat, unseen
from lwlint.facts import Facts
from lwlint.facts.heat import NONE, Environment, HieraKey, ServiceMapping
from lwlint.facts.service import Service
from lwlint.finding import DropLines, Fix, Problem, Related, Replace
from lwlint.record import dataclass


@dataclass(frozen=True)
class MappingParams:
    """Which services to look at, and which target is wrong for them.

    `leads_to` is the wrong target: a template that puts the service under `pacemaker`, one that leaves it to `systemd`, or `any` template.
    `while_pacemaker` looks only where Pacemaker is on. `shims` are templates without a service of their own. Environments that
    match `elsewhere` are written for hosts without the cluster; they are judged only where they were given with `-e`. `inherited`
    looks at entries of the base registry too, which the environment leaves as they are. `off_by` is a setting that turns
    the service off where it is `false`. From the release `before` on, both are right.
    `mend` offers to map to the same template without Pacemaker.
    """

    expected: str
    leads_to: Literal["pacemaker", "systemd", "any"]
    kinds: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    in_spec: Optional[bool] = None
    while_pacemaker: bool = False
    inherited: bool = True
    shims: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    combined: tuple[str, ...] = ()
    off_by: Optional[str] = None
    before: Optional[str] = None
    mend: bool = False


def run(facts: Facts, params: MappingParams) -> Iterator[Saw]:
    """Yield a problem for each mapping in force that leads where it must not."""
    yield from unseen(facts)
    if params.before is not None and facts.release.at_least(params.before):
        return
    views = {view.name: view for view in facts.of(Environment)}
    for mapping in facts.of(ServiceMapping):
        service = mapping.service or mapping.template_service
        if service is None or not mapping.in_force or mapping.final in ("", NONE) or not _concerns(service, params):
            continue
        if mapping.outside or (params.while_pacemaker and not mapping.pacemaker) or not _leads(mapping, params):
            continue
        if "://" in mapping.final and not mapping.final.startswith("file://"):
            yield Unknown(f"`{mapping.alias}` is mapped to `{mapping.final}`, which is not here", mapping.span)
            continue
        if _is_aliased(mapping, facts, params) or (params.off_by is not None and _is_off(facts, params.off_by)):
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


def _concerns(service: Service, params: MappingParams) -> bool:
    if service.name in params.services:
        return True
    return service.kind in params.kinds and params.in_spec in (None, service.in_spec)


def _leads(mapping: ServiceMapping, params: MappingParams) -> bool:
    if params.leads_to == "pacemaker":
        return mapping.under_pacemaker
    if "::" in mapping.final:
        return False  # a resource type of Heat's own or of a plugin
    if params.leads_to == "any":
        return True
    other = mapping.template_service is not None and mapping.service is not None and mapping.template_service != mapping.service
    return not mapping.under_pacemaker and not other and not any(fnmatchcase(mapping.final, shim) for shim in params.shims)


def _is_aliased(mapping: ServiceMapping, facts: Facts, params: MappingParams) -> bool:
    """Return whether the mapping leads there only by another alias, which is blamed itself, or is only a step of such a way."""
    known = (m for m in facts.of(ServiceMapping) if m.in_force and m.service is not None and _concerns(m.service, params))
    if mapping.service is None:  # a name of nobody's: it is no service but on the way of one
        return any(mapping.alias in other.chain and other.environment == mapping.environment for other in known)
    return bool(mapping.chain) and any(other.alias == mapping.chain[-1] for other in known)


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
    related = [Related(view.span, "Pacemaker is on here")] if params.while_pacemaker and not left else []
    if left:
        what = f"{what} in the base registry, and this environment turns Pacemaker on"
        related = [Related(mapping.span, "mapped here")]
    return Problem(
        span=view.span if left else mapping.span,
        message=f"`{mapping.alias}`: {what}; {params.expected.format(service=service.title)}",
        subject=f"mapping {mapping.alias}",
        related=tuple(related),
        severity="warning" if left else None,
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
