"""What a Puppet manifest makes: virtual IPs with HAProxy, constraints that name nothing, ports, nodes of the core, settings of classes."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, NamedTuple, Optional

from msgspec import Meta

from lwlint.checks.parameters import HieraName, OptionName, nothing_in
from lwlint.core.check import Check, NoParams, Reads, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts, Service
from lwlint.core.finding import Problem, Related
from lwlint.core.harmless import whole
from lwlint.core.lazy import pattern
from lwlint.core.source import Span
from lwlint.inputs.heat.facts import ServiceMapping, Template
from lwlint.inputs.puppet.facts import (
    Manifest,
    ManifestClass,
    ManifestConstraint,
    ManifestOption,
    ManifestResource,
    Member,
    Setting,
    bare,
    expression,
)
from lwlint.inputs.puppet.manifest import VIRTUAL_IP


def _run_outside(facts: Facts, _: NoParams) -> Iterator[Saw]:
    for constraint in facts.of(ManifestConstraint):
        yield from _constraint(constraint)


def _constraint(constraint: ManifestConstraint) -> Iterator[Saw]:
    if constraint.absent:
        return
    if constraint.unrealized:
        yield _find_unrealized(constraint.name, constraint.span)
        return
    outside = [member for member in constraint.members if member.service is not None and member.service.is_active_active]
    if outside:
        names = " and ".join(f"`{id}`" for id in dict.fromkeys(member.id for member in outside))
        which = "services" if len({member.id for member in outside}) > 1 else "a service"
        message = f"`{constraint.name}`: {constraint.type} names {names}; no constraint may touch {which} outside the core"
        related = tuple(_relate(member) for member in outside)
        yield Problem(constraint.span, message, f"manifest constraint {constraint.name}", related, host=constraint.host)
        return
    for member in constraint.members:
        if member.service is None and not member.decided:
            yield Unknown(f"only Puppet can tell which resource `{member.id}` is", member.span)


def _find_unrealized(name: str, span: Span) -> Unknown:
    return Unknown(f"only Puppet can tell whether something realizes `{name}`, which is virtual", span)


def _relate(member: Member) -> Related:
    title = member.service.title if member.service else member.id
    return Related(member.span, f"{title} must run outside Pacemaker")


_HAPROXY, _VIP = "haproxy", "vip"
_NO_MANIFEST = "no Puppet manifest was given"
_INFINITE = ("infinity", "+infinity", "inf", "+inf")
_PORT = pattern(r"control-port=(\d+)")
_MOST = 1_000_000  # from this score on Pacemaker takes it for infinite
_ALONE = "it stays up by itself if HAProxy can run nowhere"
_BIND = (
    "Declare a colocation of the address with HAProxy: `cs_colocation` with `primitives => ['HAPROXY', 'ADDRESS']` (HAProxy first), or "
    "Fuel's `cs_rsc_colocation` with `primitives => ['ADDRESS', 'HAPROXY']`."
)
_ORDER = (
    "Declare `cs_order` with the address as `first`, HAProxy as `second` and `kind => 'Optional'`, so that HAProxy is not stopped with "
    "the address."
)
_OF_NODES = "primitive"  # `cs_location` and its like: for single nodes, or by what a ping tells, not by role
_FIRST, _SECOND = ("first_resource", "first"), ("second_resource", "second")


def _is(member: Member, service: str) -> bool:
    """Return whether a member is of a service, whichever of its candidates it turns out to be."""
    return member.service.name == service if member.service is not None else member.services == (service,)


def _is_mandatory(constraint: ManifestConstraint) -> bool | None:
    """Return whether a colocation is mandatory; None where only Puppet can tell. The wrappers of others default to INFINITY."""
    if constraint.score is None or constraint.unrealized:
        return None
    score = constraint.score.lower()
    return score in _INFINITE or (whole(score) or 0) >= _MOST


class _Pair:
    """A colocation or an order as two members: the one that depends (or comes first), and the other."""

    def __init__(self, constraint: ManifestConstraint, one: Member, other: Member) -> None:
        self.constraint, self.one, self.other = constraint, one, other
        self.one_id, self.other_id = expression(one.id), expression(other.id)


class _Pairs:
    """Colocations or orders, each list in the order of the manifest; by the ids of their members too, so that each is looked at once."""

    def __init__(self, pairs: Iterable[_Pair]) -> None:
        self.all = list(pairs)
        self.by_one: dict[str, list[_Pair]] = {}
        self.by_other: dict[str, list[_Pair]] = {}
        for pair in self.all:
            self.by_one.setdefault(pair.one_id, []).append(pair)
            self.by_other.setdefault(pair.other_id, []).append(pair)

    def from_one(self, id: str) -> list[_Pair]:
        """Return those whose first member has this id."""
        return self.by_one.get(id, [])

    def to_other(self, id: str) -> list[_Pair]:
        """Return those whose other member has this id."""
        return self.by_other.get(id, [])

    @cached_property
    def has_open_member(self) -> bool:
        """Whether only Puppet can tell what one of them names."""
        members = (member for pair in self.all for member in (pair.one, pair.other))
        return any(not member.decided and member.service is None and not member.services for member in members)


def _colocations(constraints: Sequence[ManifestConstraint]) -> Iterator[_Pair]:
    """Yield each colocation with the member that goes where the other is."""
    for constraint in constraints:
        named = {member.name: member for member in constraint.members}
        if constraint.type != "colocation" or constraint.off:
            continue
        if "source" in named and "target" in named:
            yield _Pair(constraint, named["source"], named["target"])
        elif "first_resource" in named and "second_resource" in named:  # `pcs constraint colocation add FIRST SECOND`
            yield _Pair(constraint, named["first_resource"], named["second_resource"])
        elif "first" in named and "second" in named:  # pcmk_colocation of fuel-library: the second goes where the first is
            yield _Pair(constraint, named["second"], named["first"])
        listed = [member for member in constraint.members if member.name == "primitives"]  # each goes where the one before it is
        yield from (_Pair(constraint, one, other) for other, one in pairwise(listed))


def _orders(constraints: Sequence[ManifestConstraint]) -> Iterator[_Pair]:
    """Yield each order with what comes first and what comes after it."""
    for constraint in constraints:
        first = next((member for member in constraint.members if member.name in _FIRST), None)
        second = next((member for member in constraint.members if member.name in _SECOND), None)
        if constraint.type == "order" and not constraint.off and first is not None and second is not None:
            yield _Pair(constraint, first, second)


class _File:
    """The resources and constraints of one manifest."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.resources: list[ManifestResource] = []
        self.constraints: list[ManifestConstraint] = []

    @property
    def vips(self) -> list[ManifestResource]:
        """The virtual IPs that it makes."""
        return [one for one in self.resources if one.service is not None and one.service.name == _VIP]

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of the resources that it makes, as they are compared."""
        return frozenset(expression(bare(id)) for resource in self.resources for id in resource.ids)

    @cached_property
    def knows_haproxy(self) -> bool:
        """Whether it makes HAProxy or names it in a constraint."""
        made = any(one.service is not None and one.service.name == _HAPROXY for one in self.resources)
        return made or any(_is(member, _HAPROXY) for constraint in self.constraints for member in constraint.members)


def _files(facts: Facts) -> list[_File]:
    files = {manifest.name: _File(manifest) for manifest in facts.of(Manifest)}
    for resource in facts.of(ManifestResource):
        if not resource.absent and resource.span.path in files:
            files[resource.span.path].resources.append(resource)
    for constraint in facts.of(ManifestConstraint):
        if not constraint.absent and constraint.span.path in files:
            files[constraint.span.path].constraints.append(constraint)
    return list(files.values())


def _setting(resource: ManifestResource, name: str) -> Setting | None:
    return next((setting for setting in resource.settings if setting.name == name), None)


def _in_group(resource: ManifestResource) -> bool:
    group = _setting(resource, "group_params") or _setting(resource, "group")
    return group is not None and group.value not in ("", "undef")


class _Cluster:
    """What all manifests of a run make: the constraints between them, and the groups of puppet-corosync."""

    def __init__(self, files: Sequence[_File]) -> None:
        self.constraints = [constraint for file in files for constraint in file.constraints]
        self.colocations, self.orders = _Pairs(_colocations(self.constraints)), _Pairs(_orders(self.constraints))
        made = [one for file in files for one in file.resources if one.decided]
        self.services = {expression(bare(id)): one.service for one in made if one.service is not None for id in one.ids}
        self._has_haproxy = any(service.name == _HAPROXY for service in self.services.values())
        groups = [_Group(one, self.services) for file in files for one in file.resources if one.form == "group"]
        self._groups = {id: group for group in reversed(groups) for id in group.ids}  # of several the first
        sets = [member for one in self.constraints for member in one.members if member.name == "set" and one.type == "colocation"]
        self.sets = {expression(member.id) for member in sets}
        self.has_open_set = any(not member.decided and member.service is None for member in sets)

    def knows_haproxy(self, vip: ManifestResource, file: _File) -> bool:
        """Whether the manifest makes or names HAProxy, or another does, to which its plain id is known."""
        elsewhere = _is_plain(vip) and _is_of_corosync(vip)
        return file.knows_haproxy or (elsewhere and self._has_haproxy)

    def group_of(self, id: str) -> _Group | None:
        """Return the group that a resource is a member of."""
        return self._groups.get(id)


class _Group:
    """A group of resources: each goes where those before it are."""

    def __init__(self, resource: ManifestResource, services: Mapping[str, Service]) -> None:
        listed = _setting(resource, "primitives")
        self.id, self.resource = expression(resource.id), resource
        self.ids = [expression(item.value or item.written) for item in listed.items] if listed is not None else []
        found = [services.get(bare(member)) for member in self.ids]
        names = [service.name if service is not None else "" for service in found]
        self.is_of_others = any(name not in (_HAPROXY, _VIP) for name in names)  # something other than HAProxy and addresses is in it
        self._places = {id: place for place, id in reversed(list(enumerate(self.ids)))}
        self._haproxy = [place for place, name in enumerate(names) if name == _HAPROXY]

    def follows_haproxy(self, id: str) -> bool:
        """Whether HAProxy comes before the member."""
        return bool(self._haproxy) and self._haproxy[0] < self._places[id]

    def leads_haproxy(self, id: str) -> bool:
        """Whether HAProxy comes behind the member."""
        return bool(self._haproxy) and self._haproxy[-1] > self._places[id]


def _partners(vip: str, pairs: _Pairs) -> Iterator[Member]:
    """Yield what mandatory colocations, either way round, tie the address to."""
    for pair in (*pairs.from_one(vip), *pairs.to_other(vip)):
        if _is_mandatory(pair.constraint) is not False:
            yield pair.other if pair.one_id == vip else pair.one


def _belongs_elsewhere(vip: str, pairs: _Pairs) -> bool:
    """Return whether the address is tied to something that is neither HAProxy nor an address."""
    partners = _partners(vip, pairs)
    return any(not _is(partner, _HAPROXY) and not _is(partner, _VIP) and not _is_open(partner) for partner in partners)


def _is_open(member: Member) -> bool:
    """Return whether a member may be HAProxy or an address, and may be something else; only Puppet can tell."""
    if member.decided or member.service is not None:
        return False
    return not member.services or (len(member.services) > 1 and not {_HAPROXY, _VIP}.isdisjoint(member.services))


def _why_whose_is_open(vip: ManifestResource, id: str, pairs: _Pairs) -> str:
    """Return why it cannot be told whose the address is, as long as nothing ties it to HAProxy; empty if it can."""
    partner = next(filter(_is_open, _partners(id, pairs)), None)
    if partner is not None:
        return f"only Puppet can tell what `{partner.id}` is, to which `{vip.id}` is bound"
    if vip.type == VIRTUAL_IP:
        return f"only Puppet can tell whether `{vip.id}` is in the network namespace of HAProxy"
    return ""


class BoundParams(Document, frozen=True):
    """The parameters of the check."""

    switches: Annotated[
        tuple[HieraName, ...],
        Meta(description="parameters (`CLASS::PARAMETER`) that, being `false`, leave the virtual IPs of a module unbound"),
    ] = ()


def judge_bindings(facts: Facts, params: BoundParams) -> Iterator[Saw]:
    """Yield a problem for each virtual IP of a manifest that has no mandatory colocation with HAProxy."""
    files = _files(facts)
    cluster = _Cluster(files)
    plain = {expression(vip.id) for file in files for vip in file.vips if _is_plain(vip)}
    for file in files:
        pairs = _Pairs(_colocations(file.constraints))
        for vip in file.vips:
            yield from _judge_binding(vip, file, cluster.colocations if _is_plain(vip) else pairs, cluster)
        own = {expression(vip.id) for vip in file.vips} | plain
        for pair in pairs.all:
            turned = _is(pair.one, _HAPROXY) and _is(pair.other, _VIP) and _is_mandatory(pair.constraint)
            id = pair.other_id
            if turned and id not in own and not any(_is(p.other, _HAPROXY) for p in pairs.from_one(id)):
                what = f"it binds HAProxy to `{pair.other.id}`; it must bind the virtual IP to HAProxy, for {_ALONE}"
                yield _problem(pair.constraint, what, "warning")
    for used in facts.of(ManifestClass):
        for setting in used.settings:
            if any(fnmatchcase(f"{used.name}::{setting.name}", switch) for switch in params.switches):
                yield from _switch(used, setting)


def _switch(used: ManifestClass, setting: Setting) -> Iterator[Saw]:
    if setting.value == "false" or (setting.value is None and setting.candidates == ("false",)):
        unless = "" if setting.value is not None else " unless hiera says otherwise"
        message = f"`{used.name}::{setting.name}` is `false`{unless}, so that the virtual IPs have no colocation; it must be `true`"
        yield Problem(setting.span, message, f"manifest setting {used.name}::{setting.name}", host=used.host)
    elif setting.value is None:
        yield Unknown(f"only Puppet can tell what `{used.name}::{setting.name}` is", setting.span)


def _is_plain(vip: ManifestResource) -> bool:
    """Return whether the id of an address is what it is in all manifests, not a variable of one."""
    return vip.decided and "$" not in vip.id


def _judge_binding(vip: ManifestResource, file: _File, pairs: _Pairs, cluster: _Cluster) -> Iterator[Saw]:
    if vip.unrealized:
        yield _find_unrealized(vip.id, vip.span)
        return
    id = expression(vip.id)
    group = cluster.group_of(id)
    if _in_group(vip) or _belongs_elsewhere(id, pairs) or (group is not None and (group.is_of_others or group.follows_haproxy(id))):
        return
    if group is not None and group.leads_haproxy(id):
        what = f"it comes before HAProxy in group `{group.resource.id}`, so that {_ALONE}"
        related = (Related(group.resource.span, "this group"),)
        message = f"`{vip.name}`: virtual IP `{vip.id}`: {what}"
        yield Problem(vip.span, message, f"manifest resource {vip.id}", related, "note", host=vip.host)
        return
    if group is not None and not pairs.from_one(id):
        id = group.id
    to_haproxy = [pair for pair in pairs.from_one(id) if _is(pair.other, _HAPROXY)]
    if any(_is_mandatory(pair.constraint) for pair in to_haproxy) or any(_through(p, pairs) for p in pairs.from_one(id)):
        return
    if why := _why_whose_is_open(vip, id, pairs):
        yield Unknown(why, vip.span)
    elif any(_is_mandatory(pair.constraint) is None for pair in to_haproxy):
        yield Unknown(f"only Puppet can tell how `{vip.id}` is bound to HAProxy", vip.span)
    elif to_haproxy:
        pair = to_haproxy[0]
        yield _unbound(vip, f"its colocation with HAProxy has the score `{pair.constraint.score}`; it must be `INFINITY`", pair)
    elif (turned := next((p for p in pairs.to_other(id) if _is(p.one, _HAPROXY)), None)) is not None:
        hard = bool(_is_mandatory(turned.constraint))
        reason = "the colocation binds HAProxy to it; it must bind the virtual IP to HAProxy"
        yield _unbound(vip, f"{reason}, for {_ALONE}" if hard else reason, turned, "warning" if hard else None)
    elif pairs.has_open_member or id in cluster.sets or cluster.has_open_set:
        yield Unknown(f"only Puppet can tell whether a colocation names `{vip.id}`", vip.span)
    elif cluster.knows_haproxy(vip, file):
        yield _unbound(vip, "no colocation binds it to HAProxy; one with the score `INFINITY` must", None)
    else:
        yield Unknown(f"this manifest makes no HAProxy that `{vip.id}` could be bound to", vip.span)


def _through(pair: _Pair, pairs: _Pairs) -> bool:
    """Return whether a mandatory colocation leads to another virtual IP that is bound to HAProxy itself."""
    if not _is_mandatory(pair.constraint) or not _is(pair.other, _VIP):
        return False
    return any(_is(p.other, _HAPROXY) and _is_mandatory(p.constraint) for p in pairs.from_one(pair.other_id))


def _unbound(vip: ManifestResource, what: str, pair: _Pair | None, severity: str | None = None) -> Problem:
    related = (Related(pair.constraint.span, "this colocation"),) if pair is not None else ()
    message, remedy = f"`{vip.name}`: virtual IP `{vip.id}`: {what}", _BIND if _is_of_corosync(vip) else None
    return Problem(vip.span, message, f"manifest resource {vip.id}", related, severity, remedy, vip.host)


def _is_of_corosync(resource: ManifestResource) -> bool:
    return resource.type.startswith("cs_")


def _problem(constraint: ManifestConstraint, what: str, severity: str | None = None) -> Problem:
    message = f"`{constraint.name}`: {what}"
    return Problem(constraint.span, message, f"manifest constraint {constraint.name}", (), severity, host=constraint.host)


def judge_orders(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each virtual IP that a manifest does not order before HAProxy, and for each order that puts HAProxy first."""
    files = _files(facts)
    cluster = _Cluster(files)
    for file in files:
        own = _Pairs(_colocations(file.constraints)), _Pairs(_orders(file.constraints))
        orders = own[1]
        turned = [pair for pair in orders.all if _is(pair.one, _HAPROXY) and _is(pair.other, _VIP)]
        last = {pair.other_id for pair in turned}
        for pair in turned:
            yield _problem(pair.constraint, f"it starts `{pair.one.id}` before `{pair.other.id}`; the virtual IP must come first")
        for vip in file.vips:
            if vip.unrealized:
                yield _find_unrealized(vip.id, vip.span)
                continue
            id = expression(vip.id)
            colocations, orders = (cluster.colocations, cluster.orders) if _is_plain(vip) else own
            group = cluster.group_of(id)
            if group is not None and (group.is_of_others or group.leads_haproxy(id)):
                continue
            if _in_group(vip) or _belongs_elsewhere(id, colocations) or id in last:
                continue
            if group is not None and not orders.from_one(id):
                id = group.id
            if any(_is(pair.one, _HAPROXY) for pair in orders.to_other(id)):
                continue  # told at the order
            ordering = [pair.constraint for pair in orders.from_one(id) if _is(pair.other, _HAPROXY)]
            if ordering:
                if all(constraint.unrealized for constraint in ordering):
                    yield _find_unrealized(ordering[0].name, ordering[0].span)
                continue
            is_bound = any(_is(pair.other, _HAPROXY) for pair in colocations.from_one(id))
            if not is_bound and (why := _why_whose_is_open(vip, id, colocations)):
                yield Unknown(why, vip.span)
            elif orders.has_open_member:
                yield Unknown(f"only Puppet can tell whether an order names `{vip.id}`", vip.span)
            elif cluster.knows_haproxy(vip, file):
                message = f"`{vip.name}`: virtual IP `{vip.id}`: no order puts it before HAProxy; one with `kind=Optional` must"
                remedy = _ORDER if _is_of_corosync(vip) else None
                yield Problem(vip.span, message, f"manifest resource {vip.id}", remedy=remedy, host=vip.host)
            else:
                yield Unknown(f"this manifest makes no HAProxy that `{vip.id}` could be ordered with", vip.span)


class _Made:
    """What all manifests of a run make, and where only Puppet can tell what else.

    `by_templates` are the templates that have classes which are not here put a service under Pacemaker, by its name.
    """

    def __init__(self, files: Sequence[_File], by_templates: Mapping[str, str]) -> None:
        every = [resource for file in files for resource in file.resources]
        self.ids = {expression(bare(id)) for resource in every for id in resource.ids}
        addresses = [_setting(resource, "ip_address") for resource in every if resource.id.startswith("ip-")]
        self._open_addresses = any(address is None or address.value is None for address in addresses)
        self._open_titles = any(not resource.decided for resource in every if not resource.id.startswith("ip-"))
        self._services = {one.service.name for one in every if one.service is not None}
        self._by_templates = by_templates

    def why_not_told(self, member: Member, constraint: ManifestConstraint, file: _File) -> str:
        """Return why it cannot be told that nothing makes the resource that a constraint names; empty if it can."""
        if not member.decided:
            return f"only Puppet can tell which resource `{member.id}` is"
        if member.id.startswith("stonith-"):
            return f"`{member.id}` may be made by a class for fencing"
        if file.manifest.defines and member.service is not None and member.service.name not in self._services:
            return f"no class that is here makes {member.service.title}, of which `{member.id}` is"
        if elsewhere := file.manifest.first_elsewhere:
            return f"`{member.id}` may be made by `{elsewhere}`, which is not here"
        if member.service is not None and (template := self._by_templates.get(member.service.name)):
            return f"`{member.id}` may be made by a class of `{template}`, which is not here"
        if self._open_addresses if member.id.startswith("ip-") else self._open_titles:
            return f"only Puppet can tell whether a resource is called `{member.id}`"
        if file.ids.isdisjoint(expression(bare(other.id)) for other in constraint.members):
            return f"`{member.id}` may be made by a manifest that is not here"
        return ""


def _find_in_templates(facts: Facts, defined: Container[str]) -> dict[str, str]:
    """Return the templates of services, mapped by some registry, of which not all classes for Pacemaker are `defined`, by the service."""
    profiles = {template.name: template.profiles for template in facts.of(Template)}
    found: dict[str, str] = {}
    for mapping in facts.of(ServiceMapping):
        service, included = mapping.template_service or mapping.service, profiles.get(mapping.final, ())
        if service is not None and mapping.under_pacemaker and not (included and all(one.value in defined for one in included)):
            found.setdefault(service.name, mapping.final)
    return found


def dangling(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each constraint that names a resource which no manifest makes."""
    files = _files(facts)
    made = _Made(files, _find_in_templates(facts, {name for file in files for name in file.manifest.defines}))
    for file in files:
        for constraint in file.constraints:
            if constraint.unrealized:
                yield _find_unrealized(constraint.name, constraint.span)
                continue
            nothing = []
            for member in constraint.members:
                if expression(bare(member.id)) in made.ids:
                    continue
                why = made.why_not_told(member, constraint, file)
                if why:
                    yield Unknown(why, member.span)
                else:
                    nothing.append(member)
            if nothing:
                what = " and ".join(f"`{member.id}`" for member in nothing)
                related = tuple(Related(member.span, "named here") for member in nothing)
                message = f"`{constraint.name}`: no manifest makes {what}; the {constraint.type} must name resources that there are"
                yield Problem(constraint.span, message, f"manifest constraint {constraint.name}", related, host=constraint.host)


class PortParams(Document, frozen=True):
    """The parameters of the check."""

    remote: Annotated[int, Meta(description="the port of pacemaker_remote on the nodes themselves")] = 3121


def ports(facts: Facts, params: PortParams) -> Iterator[Saw]:
    """Yield a problem for each bundle whose control port is that of another one, or of the nodes' own pacemaker_remote."""
    first: dict[str, ManifestResource] = {}
    for resource in facts.of(ManifestResource):
        network = _setting(resource, "network")
        if resource.absent or resource.form != "bundle" or network is None:
            continue
        written = (network.value,) if network.value is not None else network.candidates
        found = {match.group(1) for value in written if "ip-range-start" not in value for match in [_PORT.search(value)] if match}
        if len(found) != 1:
            if "control-port" in network.written and "ip-range-start" not in network.written:
                yield Unknown(f"only Puppet can tell the control port of `{resource.id}`", network.span)
            continue
        port = found.pop()
        unless = "" if network.value is not None else " unless hiera says otherwise"
        other = first.setdefault(port, resource)
        what = ""
        related: tuple[Related, ...] = ()
        if port == str(params.remote):
            what = "that of pacemaker_remote on the nodes"
        elif other is not resource and other.id != resource.id:
            what, related = f"that of `{other.id}`", (Related(other.span, "this bundle"),)
        if what:
            message = f"`{resource.name}`: the control port is `{port}`{unless}, {what}; it must be one of its own"
            yield Problem(resource.span, message, f"manifest resource {resource.id}", related, host=resource.host)


def anywhere(facts: Facts, _: NoParams) -> Iterator[Saw]:
    """Yield a problem for each core resource without a location rule, where others of the same manifests have one."""
    core = [one for one in facts.of(ManifestResource) if _is_core(one)]
    outer = [one for one in core if (inside := _setting(one, "bundle")) is None or inside.value in ("undef", "", "false")]
    constraints = facts.of(ManifestConstraint)
    located = [(expression(bare(m.id)), m.name == _OF_NODES) for c in constraints if c.type == "location" for m in c.members]
    placed = {id for id, _ in located}
    by_role = {id for id, of_nodes in located if not of_nodes}
    follows = {expression(bare(pair.one.id)) for pair in _colocations(constraints) if _is_mandatory(pair.constraint)}
    ruled = [one for one in outer if _has_rule(one) or expression(bare(one.id)) in by_role]
    for resource in outer:
        rule = _setting(resource, "location_rule")
        if resource in ruled or expression(bare(resource.id)) in placed or expression(bare(resource.id)) in follows:
            continue
        if rule is not None and rule.value is None:
            yield Unknown(f"only Puppet can tell whether `{resource.id}` has a location rule", rule.span)
        elif ruled:
            beside = next((one for one in ruled if one.span.path == resource.span.path), ruled[0])
            message = (
                f"`{resource.name}`: `{resource.id}` has no `location_rule`, as `{beside.id}` has; it must keep to the nodes of its role"
            )
            related = (Related(beside.span, "with a location rule"),)
            yield Problem(resource.span, message, f"manifest resource {resource.id}", related, host=resource.host)


def _is_core(resource: ManifestResource) -> bool:
    return not resource.absent and resource.service is not None and resource.service.is_core


def _has_rule(resource: ManifestResource) -> bool:
    rule = _setting(resource, "location_rule")
    return rule is not None and rule.hashed


def _addresses(facts: Facts, params: object) -> str | None:
    """Return why there is no virtual IP to judge; None where a manifest makes one, binds one, or sets a switch for them."""
    if not facts.of(Manifest):
        return _NO_MANIFEST
    made = [resource.service for resource in facts.of(ManifestResource)]
    made += [member.service for constraint in facts.of(ManifestConstraint) for member in constraint.members]
    if any(service is not None and service.name == _VIP for service in made):
        return None
    switches = params.switches if isinstance(params, BoundParams) else ()
    names = (f"{used.name}::{setting.name}" for used in facts.of(ManifestClass) for setting in used.settings)
    return None if any(fnmatchcase(name, switch) for name in names for switch in switches) else "no manifest makes a virtual IP"


def _having(kind: type, reason: str, fits: Callable[[Any], bool]) -> Callable[[Facts, Any], str | None]:
    """Return an `evidence` function: a manifest must make something of this kind that `fits`."""

    def evidence(facts: Facts, _: Any) -> str | None:
        return _NO_MANIFEST if not facts.of(Manifest) else None if any(map(fits, facts.of(kind))) else reason

    return evidence


_READS = Reads(("puppet",))
_bundles = _having(ManifestResource, "no manifest makes a bundle", lambda one: one.form == "bundle" and not one.absent)
_constraints = _having(ManifestConstraint, "no manifest makes a constraint", lambda constraint: not constraint.absent)
_core = _having(ManifestResource, "no manifest makes a core resource of the cluster", _is_core)


class SettingParams(Document, frozen=True):
    """Which settings are judged, and by what: `parameters` of classes and `options` (`section/option`), as globs.

    Their value must be in `one_of`, or a whole number no greater than `at_most`.
    """

    parameters: Annotated[tuple[str, ...], Meta(description="globs of the parameters of classes that are judged")] = ()
    options: Annotated[tuple[OptionName, ...], Meta(description="globs of the options (`section/option`) that are judged")] = ()
    one_of: Annotated[tuple[str, ...], Meta(description="the values that are right")] = ()
    at_most: Annotated[Optional[int], Meta(description="the greatest whole number that is right")] = None

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged, or that no value is right."""
        yield from nothing_in(self, "parameters", "options")
        if self.at_most is None and not self.one_of:
            yield Mismatch(("one_of",), "nothing is in `one_of`, and there is no `at_most`: no value would be right")


class _Set(NamedTuple):
    name: str
    value: str | None
    written: str
    span: Span
    host: str


def settings(facts: Facts, params: SettingParams) -> Iterator[Saw]:
    """Yield a problem for each setting of a class, and each option, that a manifest gives another value than it must have."""
    expected = " or ".join(f"`{value}`" for value in params.one_of) or f"`{params.at_most}` or less"
    for found in _find_sets(facts, params):
        if found.value is None:
            yield Unknown(f"`{found.name}`: only Puppet can tell what `{found.written}` is", found.span)
        elif not _fits(found.value, params):
            message = f"`{found.name}` is `{found.value}`; it must be {expected}"
            yield Problem(found.span, message, f"manifest setting {found.name}", host=found.host)


def _find_sets(facts: Facts, params: SettingParams) -> Iterator[_Set]:
    for used in facts.of(ManifestClass):
        for setting in used.settings:
            if setting.is_set and _matches(setting.name, params.parameters):
                yield _Set(f"{used.name}::{setting.name}", setting.value, setting.written, setting.span, used.host)
    for option in facts.of(ManifestOption):
        if not option.absent and option.is_set and _matches(f"{option.section}/{option.option}", params.options):
            yield _Set(option.name, option.value, option.written, option.span, option.host)


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _fits(value: str, params: SettingParams) -> bool:
    value = value.strip()
    if params.one_of and value in params.one_of:
        return True
    found = whole(value)
    return params.at_most is not None and found is not None and found <= params.at_most


CHECKS = (
    Check("manifest-setting", settings, needs(Manifest, "no Puppet manifest was given"), SettingParams, Reads(("puppet",))),
    Check("manifest-constraint-outside-the-core", _run_outside, _constraints, NoParams, _READS),
    Check("manifest-vip-without-haproxy", judge_bindings, _addresses, BoundParams, _READS),
    Check("manifest-vip-not-ordered", judge_orders, _addresses, NoParams, _READS),
    Check("manifest-constraint-dangling", dangling, _constraints, NoParams, _READS),
    Check("manifest-control-ports-collide", ports, _bundles, PortParams, _READS),
    Check("manifest-core-resource-anywhere", anywhere, _core, NoParams, _READS),
)
