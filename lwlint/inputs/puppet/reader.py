"""What declarations of puppet-pacemaker make of the cluster.

Source: puppet-pacemaker `manifests/resource/*.pp`, `manifests/constraint/*.pp` and `lib/puppet/provider/pcmk_*` (2015 to 2021); the types
and providers `cs_*` of puppet-corosync (0.8 to 9.1) and of Fuel's module pacemaker (5.0 to 8.0), and its `pcmk_*` (9.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Database, Fact, Service, Unreadable
from lwlint.core.source import Source
from lwlint.inputs.puppet.facts import (
    Manifest,
    ManifestClass,
    ManifestConstraint,
    ManifestDatabase,
    ManifestOption,
    ManifestResource,
    Member,
    Setting,
    bare,
    expression,
)
from lwlint.inputs.puppet.manifest import Declared, Reading, Used, find_commanded, makes_nothing, unwrap
from lwlint.inputs.puppet.syntax import Definition, parse, walk

_CONNECTION, _CONFIG = "database_connection", "_config"
_OTHER_STORES = ("mongodb:", "redis:", "memcached:", "file:", "sqlite")


def databases(classes: Sequence[ManifestClass], options: Sequence[ManifestOption], catalogue: Catalogue) -> Iterator[ManifestDatabase]:
    """Yield the connections that the declarations of `classes` set, each with the retry key that the same manifest sets for it.

    A parameter is a connection when the catalogue knows it as a hiera key, or when it is called `database_connection` and belongs to
    a class of a module in the catalogue. Of the `options` those are that name the database of a program in the catalogue; the manifest of a
    module, which hands on what it was given, is none that sets one.
    """
    retries = _Retries(classes, options)
    for used in classes:
        for setting in used.settings:
            found = _database(f"{used.name}::{setting.name}", used.name, setting, catalogue)
            begins = (setting.value,) if setting.value is not None else setting.begins
            if found is None or setting.value == "undef" or (begins and all(one.startswith(_OTHER_STORES) for one in begins)):
                continue
            service, section, keys = found
            module = used.name.partition("::")[0]
            retry = retries.of(keys, used.name, section)
            yield ManifestDatabase(f"{used.name}::{setting.name}", setting.key, module, keys, retry, used.host, service)
    for option in options:
        url = option.value if option.value is not None else option.written.strip("\"'")
        if "://" not in url or option.absent or url.startswith(_OTHER_STORES):
            continue
        for service, database in _of_option(option, catalogue):
            module = database.connection_keys[0].partition("::")[0]
            section = database.retry_section or database.section
            retry = retries.of(database.retry_keys, option.config[: -len(_CONFIG)].replace("_", "::"), section)
            yield ManifestDatabase(database.connection_keys[0], option.span, module, database.retry_keys, retry, option.host, service)
            break


def _of_option(option: ManifestOption, catalogue: Catalogue) -> Iterator[tuple[Service, Database]]:
    """Yield the databases that an option may be the connection of, each with its service (`cinder_config database/connection`)."""
    whose = option.config[: -len(_CONFIG)]
    for service in catalogue.module(whose.partition("_")[0]):
        for database in service.databases:
            if (option.section, option.option) == (database.section, database.option) and database.connection_keys:
                owners = {key.rpartition("::")[0].replace("::", "_").removesuffix("_db") for key in database.connection_keys}
                if whose in owners:
                    yield service, database


def _database(key: str, used: str, setting: Setting, catalogue: Catalogue) -> tuple[Service, str, tuple[str, ...]] | None:
    """Return the service, the section of its retries and the retry keys for a connection key; None if it is none."""
    services = catalogue.module(used.partition("::")[0])
    if not services or not setting.name.endswith(("connection", "uri")):
        return None
    own = _list_own_keys(used, setting.name)
    for service in services:
        for database in service.databases:
            if key in database.connection_keys:
                return service, database.retry_section or database.section, _keys(database, own)
    if setting.name != _CONNECTION:
        return None
    service, known = _nearest(used, services)
    return service, (known.retry_section or known.section) if known else "database", _keys(known, own)


def _keys(database: Database | None, own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the retry keys of a database; none where the catalogue says that its module has no such parameter (gnocchi)."""
    known = () if database is None else database.retry_keys
    return () if database is not None and not known else tuple(dict.fromkeys((*known, *own)))


def _list_own_keys(used: str, parameter: str) -> tuple[str, ...]:
    """Return the keys of the class itself and of its `::db` class, where older modules had them."""
    if not parameter.endswith(_CONNECTION):
        return ()
    name = parameter[: -len("connection")] + "max_retries"
    base = used[: -len("::db")] if used.endswith("::db") else used
    return tuple(dict.fromkeys((f"{used}::{name}", f"{base}::{name}", f"{base}::db::{name}")))


def _nearest(used: str, services: Sequence[Service]) -> tuple[Service, Database | None]:
    """Return the service with the database whose connection key shares the longest beginning with the class."""
    best: tuple[int, Service, Database | None] = (-1, services[0], None)
    for service in services:
        for database in service.databases:
            for key in database.connection_keys:
                owner = key.rpartition("::")[0]
                if (owner == used or owner.startswith(f"{used}::")) and len(used) > best[0]:
                    best = (len(used), service, database)
    return best[1], best[2]


class _Retries:
    """The retries that a manifest sets, by key and by place in an option file: of each the first that says anything."""

    def __init__(self, classes: Sequence[ManifestClass], options: Sequence[ManifestOption]) -> None:
        self._keys: dict[str, tuple[int, Setting]] = {}
        self._options: dict[tuple[str, str], tuple[int, Setting]] = {}
        settings = ((f"{one.name}::{setting.name}", setting) for one in classes for setting in one.settings if setting.is_set)
        for number, (key, setting) in enumerate(settings):
            self._keys.setdefault(key, (number, setting))
        for number, option in enumerate(options):
            if option.option == "max_retries" and not option.absent and option.is_set:
                setting = Setting(option.name, option.value, option.written, option.span, option.span)
                self._options.setdefault((option.config, option.section), (number, setting))

    def of(self, keys: tuple[str, ...], used: str, section: str) -> Setting | None:
        """Return the first of these keys in the order of the text, else the option of the class `used`, or of its module."""
        configs = (f"{used.replace('::', '_')}{_CONFIG}", f"{used.partition('::')[0]}{_CONFIG}")
        found = [self._keys[key] for key in keys if key in self._keys]
        found = found or [self._options[config, section] for config in configs if (config, section) in self._options]
        return min(found, key=lambda each: each[0])[1] if found else None


_RESOURCES = (
    "pacemaker::resource::", "pacemaker::new::resource::", "pacemaker_resource", "pcmk_resource", "pcmk_bundle", "pcmk_remote",
    "cs_primitive", "cs_resource", "cs_clone", "cs_group",
)  # fmt: skip
_DEFAULTS = ("::op", "::defaults", "_default")  # ends of types that set defaults of all resources
_CONSTRAINTS = (
    "pacemaker_colocation", "pacemaker_order", "pacemaker_location",
    "pacemaker::constraint::", "pcmk_constraint", "pcmk_colocation", "pcmk_order", "pcmk_location",
    "cs_colocation", "cs_order", "cs_location", "cs_rsc_colocation", "cs_rsc_order", "cs_rsc_location",
)  # fmt: skip
_COROSYNC, _OF_FUEL = "cs_", "s_resource"  # puppet-corosync, and the type of Fuel's fork of it: `cs_resource`, `Cs_resource[...]`
# defined types of other modules around those of puppet-pacemaker, with the same parameters (`quickstack::pacemaker::constraint::base`)
_AROUND = re.compile(r"(?:\w+::)+pacemaker::constraint::(base|colocation|order|typical)")
_AGENTS = MappingProxyType({
    "ip": "ocf:heartbeat:IPaddr2",
    "filesystem": "ocf:heartbeat:Filesystem",
    "route": "ocf:heartbeat:Route",
    "remote": "ocf:pacemaker:remote",
    "pcmk_remote": "ocf:pacemaker:remote",
    "mysql": "ocf:heartbeat:mysql",
    "mongod": "ocf:heartbeat:mongod",
})  # fmt: skip
_MEMBERS = ("first_resource", "second_resource", "resource", "source", "target", "first", "second", "primitive")
_ROLE = re.compile(r"(?<!:):[A-Za-z]+(?=[\"']?$)")  # `p_mysql:Master`, `vip:start`
_KINDS = MappingProxyType({
    "location_rule": "location", "rule": "location", "base": "unknown", "pcmk_constraint": "unknown", "typical": "order",
    "pcmk_colocation": "colocation", "pcmk_order": "order", "pcmk_location": "location",
    "pacemaker_colocation": "colocation", "pacemaker_order": "order", "pacemaker_location": "location",
    "cs_colocation": "colocation", "cs_order": "order", "cs_location": "location",
    "cs_rsc_colocation": "colocation", "cs_rsc_order": "order", "cs_rsc_location": "location",
})  # fmt: skip
_UNSET = ("undef", "false", "")
# modules that configure one program, and that of the cluster itself
_HARMLESS = frozenset({
    "apache", "apt", "ceph", "certmonger", "collectd", "concat", "contrail", "corosync", "docker", "elasticsearch", "firewall", "fluentd",
    "keepalived", "kmod", "logrotate", "memcached", "mongodb", "mysql", "nuage", "ntp", "opendaylight", "openstacklib", "oslo", "ovn",
    "ovs", "pacemaker", "rabbitmq", "redis", "rsync", "rsyslog", "snmp", "ssh", "stdlib", "sudo", "sysctl", "systemd", "tempest",
    "timezone", "vswitch", "xinetd",
})  # fmt: skip
_VARIABLE = re.compile(r"^\$([\w:]+)$")
_CLASSES = ("ocf", "systemd", "lsb", "service", "stonith", "upstart")


def makes_resource(type: str) -> bool:
    """Tell whether declarations of this Puppet type create a resource of the cluster."""
    return type.startswith(_RESOURCES) and not type.endswith(_DEFAULTS)


def may_make_resources(name: str, catalogue: Catalogue) -> bool:
    """Tell whether a class or defined type of this name, whose definition is not here, may create resources of the cluster.

    Modules of single services do not; those that put a deployment together do, and of one that is not known nobody can tell.
    """
    module, _, rest = name.partition("::")
    if module == "tripleo":
        return rest.startswith(("profile::", "pacemaker::"))
    return bool(rest) and module not in _HARMLESS and not catalogue.module(module)


def makes_constraint(type: str) -> bool:
    """Tell whether declarations of this Puppet type create a constraint of the cluster."""
    return type.startswith(_CONSTRAINTS) or _AROUND.fullmatch(type) is not None


def resource(declared: Declared, catalogue: Catalogue, host: str) -> ManifestResource:
    """Return the resource of the cluster that `declared` creates."""
    settings = declared.settings
    kind = declared.type.rpartition("::")[2]
    agent, id, form = _agent(declared, kind), _id(declared, kind), _form(settings, kind)
    service = catalogue.of_resource(agent, id, form) if agent is not None or declared.title.decided else None
    if agent is None and service is None and declared.title.decided:
        service = member_service(id, catalogue)  # as a constraint that names it is judged
    before, after = _wrapping(declared, form)
    return ManifestResource(
        name=declared.title.value,
        span=declared.title.span,
        type=declared.type,
        id=before + id + after,
        agent=agent,
        form=form,
        host=host,
        decided=declared.title.decided,
        conditional=declared.conditional,
        absent=_plain(settings, "ensure") == "absent",
        unrealized=declared.unrealized,
        settings=tuple(settings.values()),
        service=service,
        also=(id,) if before else (),
    )


def _wrapping(declared: Declared, form: str) -> tuple[str, str]:
    """Return what stands before and after the id of a primitive in that of its clone."""
    if declared.type == "cs_resource" or "complex_type" in declared.settings:
        return {"clone": "clone_", "promotable": "master_"}.get(form, ""), ""
    if declared.type.startswith(_COROSYNC):
        return ("ms_", "") if form == "promotable" else ("", "")
    return "", {"clone": "-clone", "promotable": "-master"}.get(form, "")


def clone(resources: Sequence[ManifestResource]) -> list[ManifestResource]:
    """Return the resources of a manifest, each `cs_clone` taken for the form of the `cs_primitive` that it copies, where that is here."""
    primitives = {one.id: one for one in resources if one.type == "cs_primitive" and one.decided}
    clones = {}
    for one in resources:
        if one.type == "cs_clone" and not one.absent:
            of = next((setting.value for setting in one.settings if setting.name == "primitive"), None)
            if of is not None and of in primitives:
                clones[of] = one
    found, merged = [], {clone.span for clone in clones.values()}
    for one in resources:
        clone = clones.get(one.id) if one.type == "cs_primitive" else None
        if clone is not None:
            found.append(replace(one, id=clone.id, form=clone.form, also=(one.id,)))
        elif one.span not in merged:
            found.append(one)
    return found


def constraint(declared: Declared, catalogue: Catalogue, host: str, of_fuel: bool = False) -> ManifestConstraint:
    """Return the constraint that `declared` creates; its members' services are found by their ids alone.

    `of_fuel` tells that a `cs_colocation` is that of Fuel's fork of puppet-corosync.
    """
    settings = declared.settings
    kind = declared.type.rpartition("::")[2]
    named = _plain(settings, "constraint_type")
    kind = named or _KINDS.get(kind, kind)
    members = tuple(_member(settings[name], catalogue) for name in _MEMBERS if name in settings)
    corosync = declared.type.startswith(_COROSYNC)
    if corosync:
        members = tuple(_without_role(member, catalogue) for member in (*members, *_list_members(declared, catalogue, of_fuel)))
    params = _plain(settings, "constraint_params") or ""
    kinds = [word[len("kind=") :] for word in params.split() if word.startswith("kind=")]
    if corosync and (own := _plain(settings, "kind")) is not None:
        kinds.append(own)
    certain = corosync or _AROUND.fullmatch(declared.type) is not None
    return ManifestConstraint(
        name=declared.title.value,
        span=declared.title.span,
        type=kind,
        members=members,
        score=_plain(settings, "score") if "score" in settings or not certain else "INFINITY",
        constraint_kind=kinds[-1] if kinds else None,
        host=host,
        conditional=declared.conditional,
        absent=_plain(settings, "ensure") == "absent",
        off=declared.off,
        unrealized=declared.unrealized,
        declared_as=declared.type,
    )


def _list_members(declared: Declared, catalogue: Catalogue, of_fuel: bool) -> Iterator[Member]:
    """Yield the members of a list of `primitives`, named by what they are to each other.

    puppet-corosync reverses the words of `crm` and `pcs`: its list begins with what is placed first. Fuel's types hand them on as they are.
    """
    listed = declared.settings.get("primitives")
    if listed is None:
        return
    as_it_is = of_fuel or declared.type == "cs_rsc_colocation"
    names = ("source", "target") if as_it_is and len(listed.items) == 2 else ()
    whole = listed.nested or len(listed.items) == 1  # sets of resources, or a variable in place of the list
    for number, item in enumerate(listed.items):
        name = "set" if whole else names[number] if names else "primitives"
        yield replace(_member(item, catalogue), name=name)
    if not listed.items:
        yield Member(listed.written, listed.span, False, None, "set")


def _without_role(member: Member, catalogue: Catalogue) -> Member:
    """Return a member of puppet-corosync without the role or action behind its id."""
    id = _ROLE.sub("", member.id)
    if id == member.id:
        return member
    return replace(member, id=id, service=member_service(id, catalogue))


def join_members(constraint: ManifestConstraint, by_id: Mapping[str, ManifestResource]) -> ManifestConstraint:
    """Return `constraint` with the services of members that are declared: their agents tell more than ids.

    A member that only Puppet can tell is that which the manifest declares by the same expression.
    """
    members = []
    for member in constraint.members:
        known = by_id.get(bare(member.id) if member.decided else expression(bare(member.id)))
        members.append(member if known is None else replace(member, service=known.service))
    return replace(constraint, members=tuple(members))


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
        if named is not None:
            return named if named.partition(":")[0] in _CLASSES else f"ocf:{named}"
    if kind in ("pcmk_resource", "pacemaker_resource", "cs_primitive", "cs_resource"):
        named = _plain(settings, "primitive_type")
        if named is None:
            return None
        agent_class = _plain(settings, "primitive_class") or "ocf"
        given = settings.get("provided_by") or settings.get("primitive_provider")
        provider = "heartbeat" if given is None else given.value or "unknown"  # some types are known under any provider
        return f"{agent_class}:{provider}:{named}" if agent_class == "ocf" else f"{agent_class}:{named}"
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
    if kind == "cs_group":
        return "group"
    if kind == "cs_clone":
        return "promotable" if _plain(settings, "promotable") == "true" else "clone"
    if kind == "cs_primitive":
        return "promotable" if _plain(settings, "promotable") == "true" else "primitive"
    if "complex_type" in settings:
        return {"clone": "clone", "master": "promotable"}.get(_plain(settings, "complex_type") or "", "primitive")
    if "bundle" in settings and _plain(settings, "bundle") not in _UNSET:
        return "primitive"
    if "master_params" in settings and settings["master_params"].value not in ("undef", "false"):
        return "promotable"
    if "clone_params" in settings and settings["clone_params"].value not in ("undef", "false"):
        return "clone"
    return "primitive"


def _member(setting: Setting, catalogue: Catalogue) -> Member:
    id = setting.value if setting.value is not None else setting.written.strip("\"'")
    service = member_service(id, catalogue)
    may_be = () if service is not None else (member_service(candidate, catalogue) for candidate in setting.candidates)
    services = tuple(dict.fromkeys(one.name if one is not None else "" for one in may_be))
    return Member(id, setting.span, setting.value is not None, service, setting.name, services)


def member_service(id: str, catalogue: Catalogue) -> Service | None:
    """Return the service of a resource by its id as puppet-pacemaker makes it; `ip-` and anything is a virtual IP."""
    if id.startswith("ip-"):
        return catalogue.of_resource("ocf:heartbeat:IPaddr2", id)
    inner = bare(id)
    return catalogue.of_resource(None, id) or catalogue.of_unit(inner) or catalogue.of_unit(inner.removeprefix("p_"))


def manifest_facts(sources: Sequence[Source], catalogue: Catalogue) -> Iterator[Fact]:
    """Yield the facts of Puppet manifests, each manifest by itself; what Puppet would refuse is an `Unreadable` at its place."""
    profiles = [source.path for source in sources if _PROFILE in source.path]
    old = {path[: path.index(_PROFILE)] for path in profiles} - {path[: path.index(_PROFILE)] for path in profiles if _BUNDLE in path}
    found = [fact for source in sources for fact in _manifest(source, catalogue, _root(source.path) in old)]
    yield from find_named_elsewhere(found)


def find_named_elsewhere(facts: Sequence[Fact]) -> Iterator[Fact]:
    """Yield the facts of all manifests, with what another tells: the service of a member with a plain id, and which classes are here."""
    by_id = {
        bare(id): fact
        for fact in facts
        if isinstance(fact, ManifestResource) and fact.decided and fact.service is not None and fact.type.startswith(_COROSYNC)
        for id in fact.ids
    }
    defined = {name for fact in facts if isinstance(fact, Manifest) for name in fact.defines}
    realized = {one for fact in facts if isinstance(fact, Manifest) for one in fact.realizes}
    for fact in facts:
        if isinstance(fact, (ManifestResource, ManifestConstraint)) and fact.unrealized:
            kind = fact.type if isinstance(fact, ManifestResource) else fact.declared_as
            fact = replace(fact, unrealized=realized.isdisjoint({(kind, ""), (kind, fact.name)}))
        if isinstance(fact, Manifest) and fact.others:
            yield replace(fact, elsewhere=tuple(name for name in fact.others if name not in defined))
        elif isinstance(fact, ManifestConstraint) and by_id and any(member.service is None for member in fact.members):
            yield join_members(fact, by_id)
        else:
            yield fact


_PROFILE, _BUNDLE = "manifests/profile/pacemaker/", "_bundle.pp"  # of puppet-tripleo; pike brought bundles, and Puppet 4


def _root(path: str) -> str:
    return path[: path.index("manifests/")] if "manifests/" in path else path


def _manifest(source: Source, catalogue: Catalogue, old: bool) -> Iterator[Fact]:
    parsed = parse(source.text)
    for broken in (*parsed.broken, *(parsed.old_broken if old else ())):
        yield Unreadable(source.path, source.span(broken.start, broken.end), broken.message, source.host)
    resources: list[ManifestResource] = []
    constraints: list[ManifestConstraint] = []
    classes: list[ManifestClass] = []
    options: list[ManifestOption] = []
    others: dict[str, None] = {}
    of_fuel = _OF_FUEL in source.text
    reading = Reading(source, parsed.statements)
    for statement in reading.run():
        if isinstance(statement, Used):
            classes.append(_class(statement, catalogue, source.host))
            continue
        made = unwrap(statement)
        resources += (replace(resource(made_by, catalogue, source.host), type="exec") for made_by in find_commanded(statement))
        if statement.type == "class":
            classes.append(_read_declared_class(statement, catalogue, source.host))
        elif makes_resource(made.type):
            resources.append(replace(resource(made, catalogue, source.host), type=statement.type))
        elif makes_constraint(made.type):
            constraints.append(replace(constraint(made, catalogue, source.host, of_fuel), declared_as=statement.type))
        elif statement.type.endswith(_CONFIG):
            options.append(_option(statement, source.host))
        elif statement.type.startswith("oslo::"):
            options += _options(statement, source.host)
        elif may_make_resources(statement.type, catalogue) and not makes_nothing(statement):
            others[statement.type] = None
    others.update((one.name, None) for one in classes if may_make_resources(expression(one.name), catalogue))
    defines = tuple(node.name for node in walk(parsed.statements) if isinstance(node, Definition) and node.name)
    yield Manifest(source.path, source.span(0, 0), source.host, len(classes), tuple(others), defines, realizes=tuple(reading.realizes()))
    resources = clone(resources)
    yield from resources
    by_id = _by_expression(resources)
    yield from (join_members(constraint, by_id) for constraint in constraints)
    yield from classes
    yield from options
    yield from databases(classes, options, catalogue)


def _by_expression(resources: Sequence[ManifestResource]) -> dict[str, ManifestResource]:
    """Return the resources whose service is known by the expressions of their ids, without those that stand for several services."""
    found: dict[str, ManifestResource] = {}
    several = set()
    for one in resources:
        for id in one.ids if one.service is not None else ():
            text = expression(bare(id))
            if found.setdefault(text, one).service != one.service and not one.decided:
                several.add(text)
    return {text: one for text, one in found.items() if text not in several}


def _class(used: Used, catalogue: Catalogue, host: str) -> ManifestClass:
    title = used.title
    return ManifestClass(title.value, title.span, used.how, host, used.conditional, (), catalogue.of_profile(title.value))


def _read_declared_class(declared: Declared, catalogue: Catalogue, host: str) -> ManifestClass:
    title, settings = declared.title, tuple(declared.settings.values())
    return ManifestClass(title.value, title.span, "class", host, declared.conditional, settings, catalogue.of_profile(title.value))


def _option(declared: Declared, host: str) -> ManifestOption:
    title, value = declared.title, declared.settings.get("value")
    section, slash, option = title.value.partition("/")  # as the providers of puppet-openstacklib and puppet-inifile split it
    section, option = (section, option) if slash else ("", section)
    ensure = declared.settings.get("ensure")
    return ManifestOption(
        name=f"{declared.type} {title.value}",
        span=title.span if value is None else value.span,
        config=declared.type,
        section=section or "DEFAULT",
        option=option,
        value=None if value is None else value.value,
        written="" if value is None else value.written,
        host=host,
        absent=ensure is not None and ensure.value == "absent",
    )


# defined types of puppet-oslo: the section that each writes to, and which of its parameters are judged
_OSLO = MappingProxyType({
    "oslo::db": ("database", ("connection", "max_retries", "db_max_retries")),
    "oslo::messaging::rabbit": ("oslo_messaging_rabbit", ("rabbit_max_retries",)),
    "oslo::messaging_rabbit": ("oslo_messaging_rabbit", ("rabbit_max_retries",)),
})  # fmt: skip


def _options(declared: Declared, host: str) -> Iterator[ManifestOption]:
    """Yield the options that a defined type of puppet-oslo writes; its title is the type of the resources that it makes for them."""
    section, names = _OSLO.get(declared.type, ("", ()))
    group = declared.settings.get("config_group")
    if group is not None:
        section = group.value or group.written
    for name in names:
        value = declared.settings.get(name)
        if value is not None and value.is_set and declared.title.value.endswith(_CONFIG):
            label = f"{declared.title.value} {section}/{name}"
            yield ManifestOption(label, value.span, declared.title.value, section, name, value.value, value.written, host)
