"""What declarations of puppet-pacemaker make of the cluster.

Source: puppet-pacemaker `manifests/resource/*.pp`, `manifests/constraint/*.pp` and `lib/puppet/provider/pcmk_*` (2015 to 2021).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

from lwlint.assemble.manifest_reading import Declared
from lwlint.catalogue import Catalogue
from lwlint.facts.puppet import ManifestConstraint, ManifestResource, Member, Setting
from lwlint.facts.service import Service
from lwlint.record import replace

_RESOURCES = ("pacemaker::resource::", "pcmk_resource", "pcmk_bundle", "pcmk_remote")
_CONSTRAINTS = ("pacemaker::constraint::", "pcmk_constraint")
_AGENTS = MappingProxyType({
    "ip": "ocf:heartbeat:IPaddr2",
    "filesystem": "ocf:heartbeat:Filesystem",
    "route": "ocf:heartbeat:Route",
    "remote": "ocf:pacemaker:remote",
    "mysql": "ocf:heartbeat:mysql",
    "mongod": "ocf:heartbeat:mongod",
})  # fmt: skip
_MEMBERS = ("first_resource", "second_resource", "resource", "source", "target")
_UNSET = ("undef", "false", "")
_VARIABLE = re.compile(r"^\$([\w:]+)$")
_CLASSES = ("ocf", "systemd", "lsb", "service", "stonith", "upstart")


def makes_resource(type: str) -> bool:
    """Tell whether declarations of this Puppet type create a resource of the cluster."""
    return type.startswith(_RESOURCES) and type not in ("pacemaker::resource::op", "pacemaker::resource::defaults")


def makes_constraint(type: str) -> bool:
    """Tell whether declarations of this Puppet type create a constraint of the cluster."""
    return type.startswith(_CONSTRAINTS)


def resource(declared: Declared, catalogue: Catalogue, host: str) -> ManifestResource:
    """Return the resource of the cluster that `declared` creates."""
    settings = declared.settings
    kind = declared.type.rpartition("::")[2]
    agent, id, form = _agent(declared, kind), _id(declared, kind), _form(settings, kind)
    service = catalogue.of_resource(agent, id, form) if agent is not None or declared.title.decided else None
    return ManifestResource(
        name=declared.title.value,
        span=declared.title.span,
        type=declared.type,
        id=id + {"clone": "-clone", "promotable": "-master"}.get(form, ""),
        agent=agent,
        form=form,
        host=host,
        decided=declared.title.decided,
        conditional=declared.conditional,
        absent=_plain(settings, "ensure") == "absent",
        settings=tuple(settings.values()),
        service=service,
    )


def constraint(declared: Declared, catalogue: Catalogue, host: str) -> ManifestConstraint:
    """Return the constraint that `declared` creates; its members' services are found by their ids alone."""
    settings = declared.settings
    kind = declared.type.rpartition("::")[2]
    named = _plain(settings, "constraint_type")
    kind = named or {"location_rule": "location", "rule": "location", "base": "unknown", "pcmk_constraint": "unknown"}.get(kind, kind)
    members = tuple(_member(settings[name], catalogue) for name in _MEMBERS if name in settings)
    params = _plain(settings, "constraint_params") or ""
    kinds = [word[len("kind=") :] for word in params.split() if word.startswith("kind=")]
    return ManifestConstraint(
        name=declared.title.value,
        span=declared.title.span,
        type=kind,
        members=members,
        score=_plain(settings, "score"),
        constraint_kind=kinds[-1] if kinds else None,
        host=host,
        conditional=declared.conditional,
        absent=_plain(settings, "ensure") == "absent",
    )


def joined(constraint: ManifestConstraint, resources: Sequence[ManifestResource]) -> ManifestConstraint:
    """Return `constraint` with the services of members that the manifest itself declares: their agents tell more than ids."""
    by_id = {bare(one.id): one for one in resources if one.decided and one.service is not None}
    members = []
    for member in constraint.members:
        known = by_id.get(bare(member.id)) if member.decided else None
        members.append(member if known is None else replace(member, service=known.service))
    return replace(constraint, members=tuple(members))


def bare(id: str) -> str:
    """Return the id of the primitive in a clone or master of puppet-pacemaker."""
    for suffix in ("-clone", "-master"):
        if id.endswith(suffix):
            return id[: -len(suffix)]
    return id


def _plain(settings: dict[str, Setting], name: str) -> str | None:
    return settings[name].value if name in settings else None


def _agent(declared: Declared, kind: str) -> str | None:
    settings, title = declared.settings, declared.title
    if kind in ("service", "systemd", "lsb"):
        other = settings.get("service_name")
        if other is not None and other.value != "undef":
            unit = other.candidates[0] if other.candidates else None
        else:
            unit = title.value if title.decided else None
        return None if unit is None else f"{'lsb' if kind == 'lsb' else 'systemd'}:{unit}"
    if kind in ("ocf", "pcmk_resource"):
        named = _plain(settings, "ocf_agent_name" if kind == "ocf" else "resource_type")
        if named is None:
            return None
        return named if named.partition(":")[0] in _CLASSES else f"ocf:{named}"
    return _AGENTS.get(kind)


def _id(declared: Declared, kind: str) -> str:
    if kind != "ip":
        return declared.title.value
    address = declared.settings.get("ip_address")
    if address is None:
        return f"ip-{declared.title.value}"
    return "ip-" + (address.value.replace(":", ".") if address.value else _VARIABLE.sub(r"${\1}", address.written))


def _form(settings: dict[str, Setting], kind: str) -> str:
    if kind in ("bundle", "pcmk_bundle"):
        return "bundle"
    if "bundle" in settings and _plain(settings, "bundle") not in _UNSET:
        return "primitive"
    if "master_params" in settings and settings["master_params"].value not in ("undef", "false"):
        return "promotable"
    if "clone_params" in settings and settings["clone_params"].value not in ("undef", "false"):
        return "clone"
    return "primitive"


def _member(setting: Setting, catalogue: Catalogue) -> Member:
    id = setting.value if setting.value is not None else setting.written.strip("\"'")
    return Member(id, setting.span, setting.value is not None, member_service(id, catalogue))


def member_service(id: str, catalogue: Catalogue) -> Service | None:
    """Return the service of a resource by its id as puppet-pacemaker makes it; `ip-` and anything is a virtual IP."""
    if id.startswith("ip-"):
        return catalogue.of_resource("ocf:heartbeat:IPaddr2", id)
    return catalogue.of_resource(None, id) or catalogue.of_unit(bare(id))
