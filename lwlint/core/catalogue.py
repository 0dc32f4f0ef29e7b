"""The service catalogue: which service a resource, unit, alias, template, path or container belongs to."""

# Annotations are types here and not texts, which msgspec would compile one by one whenever the compiled rules are read.
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache, cached_property, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Optional

from msgspec import Struct

from lwlint.core import config_reader
from lwlint.core.config_reader import Mismatch, Path, near
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE, MAY, RELEASES, Database, Service
from lwlint.core.lazy import pattern

if TYPE_CHECKING:
    from lwlint.core.observed import Observed, Seen

KINDS = (CORE, ACTIVE_PASSIVE, ACTIVE_ACTIVE, INFRASTRUCTURE)
NAMESPACE = "OS::TripleO::Services::"
PROFILE = "tripleo::profile::pacemaker::"

# Projects whose files are known by their names alone.
PROJECTS = (
    "aodh", "barbican", "blazar", "ceilometer", "cinder", "cloudkitty", "congress", "cyborg", "designate", "ec2api", "glance", "gnocchi",
    "heat", "ironic", "ironic-inspector", "keystone", "magnum", "manila", "masakari", "mistral", "murano", "neutron", "nova", "octavia",
    "panko", "placement", "sahara", "senlin", "tacker", "trove", "venus", "vitrage", "watcher", "zaqar", "zun",
)  # fmt: skip
_DATABASE = {"section", "option", "retry_section", "connection", "retries"}
_PACEMAKER = {"releases", "agents", "types", "agents_with_id", "ids", "full_ha", "bundle", "images", "templates", "profiles"}
_SERVICE = {
    "title", "in_spec", "project", "daemon", "releases", "aliases", "outside_aliases", "outside", "outside_templates", "templates",
    "pacemaker", "units", "httpd", "containers", "other_containers", "files", "generated", "databases", "broker", "modules", "may",
    "note", "programs", "ends", "once",
}  # fmt: skip
_TRUTH = {"in_spec", "daemon", "broker", "ends", "once"}


def own_folder() -> str:
    """Return the folder of lwlint's own rules."""
    folder: str = next(iter(import_module("lwlint_rules").__path__))
    return folder


@cache
def known_services() -> tuple[str, ...]:
    """Return the names of all services of the catalogue, without reading it whole: only for who compares a word with them."""
    _, _, services = _read_own("services.yaml").partition("\ncore:")
    return tuple(re.findall(r"^  (\w+):", services, re.M))


@cache
def known_projects() -> frozenset[str]:
    """Return the projects of the services of the catalogue."""
    return frozenset(re.findall(r"\bproject: (\w+)", _read_own("services.yaml")))


@cache
def known_clauses() -> tuple[str, ...]:
    """Return the ids of the clauses of the specification."""
    return tuple(re.findall(r"^- id: (\S+)", _read_own("clauses.yaml"), re.M))


def _read_own(name: str) -> str:
    with open(os.path.join(own_folder(), name), encoding="utf-8") as file:
        return file.read()


class Entry(Struct, frozen=True):
    """One service, and how a cluster or a host names it.

    `images` are base names of container images, `agents_with_id` pairs of an agent and the only id (a glob) under which
    it is this service, `generated` the directories below `puppet-generated/` from which its containers are fed. `types` are types of
    OCF agents that are this service whoever provides them.
    """

    service: Service
    path: Path
    images: tuple[str, ...] = ()
    agents_with_id: tuple[tuple[str, str], ...] = ()
    generated: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    other_containers: tuple[str, ...] = ()


def entries(plain: Any, seen: "Optional[Observed]" = None) -> list[Entry]:
    """Return the entries of the plain values of `services.yaml`, with what was `seen` of them; raise Mismatch where they do not fit."""
    from lwlint.core import observed

    runs = {name: (found, observed.newest(seen)) for name, found in seen.services.items()} if seen is not None else {}
    _keys(plain, {"databases", *KINDS}, ())
    databases = {name: _database(d, ("databases", name)) for name, d in (plain.get("databases") or {}).items()}
    found: list[Entry] = []
    names: set[str] = set()
    for kind in KINDS:
        services = plain.get(kind) or {}
        if not isinstance(services, dict):
            raise Mismatch((kind,), "must be a mapping")
        for name, values in services.items():
            if name in names:
                raise Mismatch((kind, name), f"`{name}` is listed under two kinds", key=True)
            names.add(name)
            found.append(_entry(name, kind, values, databases, *runs.get(name, ((), ""))))
    return found


def _keys(plain: Any, known: set[str], path: Path) -> None:
    if not isinstance(plain, dict):
        raise Mismatch(path, "must be a mapping")
    for key in plain:
        if key not in known:
            raise Mismatch((*path, key), f"`{key}`: unknown key{near(str(key), known)}", key=True)


def _words(values: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    if key not in values:
        return ()
    value = values[key]
    if not isinstance(value, str):
        raise Mismatch((*path, key), f"`{key}` must be words with blanks between")
    return tuple(value.split())


def _range(values: Mapping[str, Any], key: str, path: Path, default: str = "") -> tuple[str, ...]:
    try:
        return _releases(str(values.get(key, default)))
    except ValueError as error:
        raise Mismatch((*path, key), str(error)) from None


@lru_cache
def _releases(text: str) -> tuple[str, ...]:
    """Return the releases of a range: `mitaka..rocky`, `ocata..` (to the last), or one name."""
    if not text:
        return ()
    first, dots, last = text.partition("..")
    last = last or (RELEASES[-1] if dots else first)
    for name in (first, last):
        if name not in RELEASES:
            raise ValueError(f"`{name}`: unknown release{near(name, RELEASES)}")
    return RELEASES[RELEASES.index(first) : RELEASES.index(last) + 1]


def _database(plain: Any, path: Path) -> Database:
    _keys(plain, _DATABASE, path)
    if not isinstance(plain.get("section"), str):
        raise Mismatch(path, "`section` is missing")
    return Database(
        section=plain["section"],
        connection_keys=_words(plain, "connection", path),
        retry_keys=_words(plain, "retries", path),
        option=plain.get("option", "connection"),
        retry_section=plain.get("retry_section", ""),
    )


def _paths(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        if word.startswith("services/"):
            yield f"puppet/{word}.yaml"
            yield f"docker/{word}.yaml"
        else:
            yield f"{word}.yaml"


def _entry(name: str, kind: str, values: Any, databases: Mapping[str, Database], runs: "Sequence[Seen]", newest: str) -> Entry:
    from lwlint.core import observed

    path: Path = (kind, name)
    values = {} if values is None else values
    _keys(values, _SERVICE, path)
    for key in _TRUTH & values.keys():
        if not isinstance(values[key], bool):
            raise Mismatch((*path, key), f"`{key}` must be `true` or `false`")
    pacemaker = values.get("pacemaker", {})
    inside: Path = (*path, "pacemaker")
    _keys(pacemaker, _PACEMAKER, inside)
    units = _words(values, "units", path)
    project = values.get("project", "")
    pacemaker_templates = tuple(_paths(_words(pacemaker, "templates", inside)))
    outside = tuple(NAMESPACE + word for word in _words(values, "outside_aliases", path))
    outside_templates = tuple(_paths(_words(values, "outside_templates", path)))
    service = Service(
        name=name,
        title=values.get("title") or (units[0].rstrip("@") if units else name.replace("_", "-")),
        kind=kind,
        releases=_range(values, "releases", path, "mitaka.."),
        under_pacemaker=_range(pacemaker, "releases", inside),
        in_spec=values.get("in_spec", False),
        openstack=bool(project),
        aliases=tuple(NAMESPACE + word for word in _words(values, "aliases", path)) + outside,
        templates=tuple(_paths(_words(values, "templates", path))) + outside_templates + pacemaker_templates,
        units=units,
        containers=_words(values, "containers", path),
        config_files=_words(values, "files", path) if "files" in values or not project else (f"/etc/{project}/{project}.conf",),
        databases=tuple(_databases(values, databases, path)),
        broker=values.get("broker", bool(project)),
        daemon=values.get("daemon", True),
        outside_aliases=outside,
        outside=_range(values, "outside", path),
        outside_templates=outside_templates,
        pacemaker_templates=pacemaker_templates,
        profiles=tuple(PROFILE + word for word in _words(pacemaker, "profiles", inside)),
        resource_ids=tuple(dict.fromkeys(i for key in ("ids", "full_ha", "bundle") for i in _words(pacemaker, key, inside))),
        full_ha_ids=_words(pacemaker, "full_ha" if "full_ha" in pacemaker else "ids", inside),
        bundle_ids=_words(pacemaker, "bundle", inside),
        agents=_words(pacemaker, "agents", inside),
        httpd=_range(values, "httpd", path),
        modules=(project, *_words(values, "modules", path)) if project else _words(values, "modules", path),
        note=values.get("note", ""),
        may=_leave(values, path),
        programs=_words(values, "programs", path),
        ends=values.get("ends", False),
        once=values.get("once", False),
        leaves_with_success=observed.leaves_with_success(runs),
        ready_first=observed.ready_first(runs, newest) if runs else (),
        outcomes=observed.outcomes(runs),
        lives=observed.lives(runs),
    )
    return Entry(
        service,
        path,
        images=_words(pacemaker, "images", inside),
        agents_with_id=tuple(_agents_with_id(pacemaker, inside)),
        types=_words(pacemaker, "types", inside),
        other_containers=_words(values, "other_containers", path),
        generated=_words(values, "generated", path) if "generated" in values or not project else (project,),
    )


def _leave(values: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    words = _words(values, "may", path)
    for word in words:
        if word not in MAY:
            raise Mismatch((*path, "may"), f"`{word}`: unknown word{near(word, MAY)}")
    return words


def _databases(values: Mapping[str, Any], databases: Mapping[str, Database], path: Path) -> Iterator[Database]:
    for word in _words(values, "databases", path):
        if word not in databases:
            raise Mismatch((*path, "databases"), f"`{word}`: unknown database{near(word, databases)}")
        yield databases[word]


def _agents_with_id(pacemaker: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    for word in _words(pacemaker, "agents_with_id", path):
        agent, equals, glob = word.partition("=")
        if not equals:
            raise Mismatch((*path, "agents_with_id"), f"`{word}` must be `AGENT=ID`")
        yield agent, glob


UNIT_CLASSES = ("systemd", "service", "lsb", "upstart")
_OTHER_UNITS = (".socket", ".timer", ".target", ".slice", ".mount", ".path", ".scope")
_ID_SUFFIXES = ("-clone", "-master", "-bundle")
_IMAGE_PREFIX = pattern(
    r"(?:(?:centos|debian|openeuler|oraclelinux|rhel|rocky|ubi\d*|ubuntu)-(?:binary|source)-)?(?:openstack-)?"
)  # of kolla and TripleO
_VARIANTS = ("/deprecated/", "/experimental/")
_CELL = pattern(r"-cell\d+$")
_CONTAINER_UNIT = pattern(r"(?:tripleo_|edpm_|container-)(?P<name>.+)|kolla-(?P<kolla>.+)-container")
_QUANTUM = pattern(r"^(openstack-)?quantum-")
_SNAP_UNIT = pattern(r"snap\.[^.]+\.(?P<name>.+)")
# Projects of OpenStack that a unit or container which is not known may be one of.
_OPENSTACK = (
    *PROJECTS, "adjutant", "freezer", "karbor", "monasca", "networking", "openstack", "ovn-bgp", "qinling", "searchlight", "skyline",
    "solum", "swift",
)  # fmt: skip
_PROJECT = pattern(rf"(?:snap\.[^.]+\.)?(?P<project>{'|'.join(_OPENSTACK)})[-_].+")
# Providers whose agents are what ClusterLabs and LINBIT say, and nothing else: `ocf:heartbeat:openstack-cinder-volume` attaches a volume.
_FIXED_PROVIDERS = ("heartbeat", "pacemaker", "linbit")
# Agents that run what they are told, so that an id may tell what it is.
_ANYTHING = ("anything", "docker", "podman", "rkt", "Dummy", "Stateful")
CONTAINER_AGENTS = ("ocf:heartbeat:docker", "ocf:heartbeat:podman", "ocf:heartbeat:rkt")


def project_of_image(image: str) -> str:
    """Return the project of OpenStack that a container's image looks like one of, by its base name; empty for none."""
    return project_like(_image_base(image))


def project_like(name: str) -> str:
    """Return the project of OpenStack that the name of a unit, program or container looks like one of; empty for none."""
    match = _PROJECT.fullmatch(name)
    return str(match["project"]) if match else ""


def load(text: str, path: str, seen: "Optional[Observed]" = None) -> "Catalogue":
    """Return the catalogue written in `text` (`rules/services.yaml`), with what was `seen`; `path` is its name in complaints.

    Raises ConfigurationError with `path:line:column` for what is not YAML, an unknown key, kind or release (with a
    near match), a value of the wrong type, and a unit, container, alias, template, agent, image or profile that
    two services claim.
    """
    plain = config_reader.load(text, path)
    try:
        catalogue = Catalogue(entries(plain, seen))
        catalogue.refuse_conflicts()
    except Mismatch as mismatch:
        raise config_reader.locate(mismatch, text, path) from None
    return catalogue


class Catalogue:
    """All services, and the ways to find one. A lookup that finds nothing returns None."""

    def __init__(self, found: Iterable[Entry]) -> None:
        self._entries = tuple(found)
        self.services: tuple[Service, ...] = tuple(entry.service for entry in self._entries)
        self._known_paths: dict[str, tuple[Service, bool] | None] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All services with what only the catalogue needs to recognise them."""
        return self._entries

    def by_name(self, name: str) -> Service | None:
        """Return the service with this name of the catalogue (`nova_api`)."""
        return self._names.get(name)

    def of_resource(self, agent: str | None, id: str, form: str = "primitive", image: str | None = None) -> Service | None:
        """Return the service that a cluster resource runs: by its agent, else its image, at last by its id.

        `agent` is `class:provider:type` or `class:type`; a bundle, clone or group has none of its own: give the one of
        its child, or None. `image` is a container's image, of a bundle or of an agent that runs one. An id proves nothing where
        an agent names a unit, or is an OCF agent that does one thing.
        """
        if agent is not None:
            agent = agent.replace("::", ":")
            service = self._of_agent(agent, id)
            if service is not None or agent.partition(":")[0] in UNIT_CLASSES:
                return service
        if image is not None:
            service = self._images.get(_image_base(image))
            if service is not None:
                return service
        if agent is not None and agent.startswith("ocf:") and agent.rpartition(":")[2] not in _ANYTHING:
            return None
        service = self._ids.get(_bare(id))
        if service is None and image is not None and (agent is None or agent in CONTAINER_AGENTS):
            service = self._find_named_after(image)
        if service is not None or agent is not None:
            return service
        return self.of_unit(_bare(id)) if form != "primitive" else None

    def _find_named_after(self, image: str) -> Service | None:
        """Return the service whose unit or container an image is named after: `quay.io/x/centos-binary-nova-api:tag`.

        A pattern of units counts only without what a distribution puts in front: `openstack-` there says nothing of what is in it.
        """
        parts = image.partition("@")[0].rpartition("/")[2].partition(":")[0].split("-")
        for start in range(min(len(parts), 4)):
            base = "-".join(parts[start:])
            found = self.of_container(base.replace("-", "_")) or self.of_unit(base)
            if found is not None and not found.is_by_pattern:
                return found
        return self.of_unit(_image_base(image))

    def of_unit(self, unit: str) -> Service | None:
        """Return the service of a unit of this name: with or without `.service`, an instance, or `tripleo_CONTAINER`."""
        if unit.endswith(_OTHER_UNITS):
            return None
        name = _named_today(unit[: -len(".service")] if unit.endswith(".service") else unit)
        snap = _SNAP_UNIT.fullmatch(name)
        if snap is not None:
            return self.of_program(snap["name"])
        container = find_container(name)
        if container is not None:
            return self.of_container(container)
        base = name.partition("@")[0]
        for key in (name, f"{base}@" if base != name else name, base):
            found = self._units.get(key) or self._debian_units.get(key) or self._programs.get(key)
            if found is not None:
                return found
        if base == "devstack" and base != name:
            short = _CELL.sub("", name[len("devstack@") :])
            found = self._programs.get(f"devstack@{short}") or self.of_program(short)
            return found if found is not None and found.openstack else None
        found = self.of_program(name.removeprefix("openstack-"))  # SUSE's names: `openstack-neutron-l3-agent`
        if found is not None and (found.openstack or found.is_active_passive):
            return found
        return next((service for glob, service in self._unit_globs if fnmatchcase(name, glob)), None)

    def of_program(self, program: str) -> Service | None:
        """Return the service whose program has this name (`nova-conductor`), without its folder; a pattern of units is not enough."""
        return self._programs.get(program) or self._debian_units.get(program) or self._units.get(program)

    def of_started(self, names: Iterable[str], *, contained: bool = False) -> Service | None:
        """Return the service that a unit starts, by the names that tell (`Started.names`), of containers if `contained`."""
        for name in names:
            found = (self.of_container(name) or self.of_program(_image_base(name))) if contained else self.of_program(name)
            if found is not None:
                return found
        return None

    def of_alias(self, alias: str) -> Service | None:
        """Return the service of a resource type such as `OS::TripleO::Services::NovaApi`, in any case."""
        return self._aliases.get(alias.lower())

    def outside_alias(self, alias: str) -> bool:
        """Tell whether a service runs outside Pacemaker by design under this alias (on block storage nodes, say)."""
        return alias.lower() in self._outside

    def of_template(self, path: str) -> Service | None:
        """Return the service of a template, by the longest known end of its path (`puppet/services/nova-api.yaml`)."""
        found = self._of_path(path)
        return found[0] if found is not None else None

    def puts_under_pacemaker(self, path: str) -> bool | None:
        """Tell whether a known template puts its service under Pacemaker; None for an unknown one."""
        found = self._of_path(path)
        return found[1] if found is not None else None

    def of_container(self, name: str) -> Service | None:
        """Return the service of a container of this name: `nova_api` of TripleO, `neutron_server` of kolla, named after programs."""
        found = self._containers.get(name)
        if found is not None:
            return found
        found = self.of_program(name.replace("_", "-"))
        return found if found is not None and found.openstack else None

    def of_profile(self, name: str) -> Service | None:
        """Return the service that a Puppet class puts under Pacemaker (`::tripleo::profile::pacemaker::haproxy`)."""
        name = name[2:] if name.startswith("::") else name
        return self._profiles.get(name)

    def of_config_file(self, path: str) -> tuple[Service, ...]:
        """Return the services that read an option file, by its path on the host or, where it has no directory, by its name.

        Of the copies below `puppet-generated/NAME/` only the services that are fed from there are returned, where it is known.
        """
        parts = path.replace("\\", "/").split("/")
        if len(parts) == 1:
            return tuple(e.service for e in self._entries if any(f.endswith("/" + path) for f in e.service.config_files))
        if "etc" not in parts:
            name = parts[-1]
            return self.module(name[: -len("-dist.conf")]) if name.endswith("-dist.conf") else ()
        inside = "/" + "/".join(parts[len(parts) - 1 - parts[::-1].index("etc") :])
        readers = [e for e in self._entries if inside in e.service.config_files]
        if "puppet-generated" in parts[:-1]:
            source = parts[parts.index("puppet-generated") + 1]
            readers = [e for e in readers if source in e.generated] or readers
        return tuple(e.service for e in readers)

    def module(self, name: str) -> tuple[Service, ...]:
        """Return the services that a Puppet module (`nova`) configures."""
        return tuple(service for service in self.services if name in service.modules)

    def refuse_conflicts(self) -> None:
        """Raise Mismatch where two services claim the same thing."""
        claims: tuple[tuple[str, Callable[[Entry], Iterable[str]]], ...] = (
            ("units", lambda e: e.service.units),
            ("programs", lambda e: e.service.programs),
            ("containers", lambda e: (*e.service.containers, *e.other_containers)),
            ("aliases", lambda e: (a.lower() for a in e.service.aliases)),
            ("templates", lambda e: e.service.templates),
            ("agents", lambda e: (*e.service.agents, *("=".join(pair) for pair in e.agents_with_id))),
            ("types", lambda e: e.types),
            ("images", lambda e: e.images),
            ("profiles", lambda e: e.service.profiles),
            ("ids", lambda e: e.service.resource_ids),
        )
        inside = ("agents", "types", "images", "profiles", "ids")
        for key, claimed in claims:
            owner: dict[str, str] = {}
            for entry in self._entries:
                for word in claimed(entry):
                    other = owner.setdefault(word, entry.service.name)
                    if other != entry.service.name:
                        path = (*entry.path, "pacemaker", key) if key in inside else (*entry.path, key)
                        raise Mismatch(path, f"`{word}` belongs to `{other}` already")

    def _of_agent(self, agent: str, id: str) -> Service | None:
        for glob, service in self._agents_with_id.get(agent, ()):
            if fnmatchcase(_bare(id), glob):
                return service
        if agent in self._agents:
            return self._agents[agent]
        standard, _, name = agent.partition(":")
        if standard in UNIT_CLASSES:
            return self.of_unit(name)
        if standard == "ocf":
            provider, _, type = name.partition(":")
            old = type.removeprefix("ocf-")  # as Fuel 7 and 8 name their agents of neutron
            type = _named_today(old)
            if type and (provider not in _FIXED_PROVIDERS or type != old):  # Fuel 3 put Quantum's among those of pacemaker
                return (
                    self._types.get(type) or self.of_unit(type) or (self.of_unit("openstack-" + type) if provider == "openstack" else None)
                )
            return None
        return next((service for glob, service in self._agent_globs if fnmatchcase(agent, glob)), None)

    def _of_path(self, path: str) -> tuple[Service, bool] | None:
        if path not in self._known_paths:
            self._known_paths[path] = self._by_end(path)
        return self._known_paths[path]

    def _by_end(self, path: str) -> tuple[Service, bool] | None:
        path = "/" + path.replace(".j2.yaml", ".yaml")
        for variant in _VARIANTS:
            path = path.replace(variant, "/")
        at = path.find("/")
        while at >= 0:
            found = self._templates.get(path[at + 1 :])
            if found is not None:
                return found
            at = path.find("/", at + 1)
        return None

    @cached_property
    def _names(self) -> dict[str, Service]:
        return {service.name: service for service in self.services}

    @cached_property
    def _units(self) -> dict[str, Service]:
        return {unit: service for service in self.services for unit in service.units}

    @cached_property
    def _debian_units(self) -> dict[str, Service]:
        """Debian's names are those of RDO without `openstack-`."""
        prefix = "openstack-"
        return {unit[len(prefix) :]: service for unit, service in self._units.items() if unit.startswith(prefix) and "*" not in unit}

    @cached_property
    def _programs(self) -> dict[str, Service]:
        return {program: service for service in self.services for program in service.programs}

    @cached_property
    def _unit_globs(self) -> list[tuple[str, Service]]:
        return [(unit, service) for unit, service in self._units.items() if "*" in unit]

    @cached_property
    def _aliases(self) -> dict[str, Service]:
        return {alias.lower(): service for service in self.services for alias in service.aliases}

    @cached_property
    def _outside(self) -> frozenset[str]:
        return frozenset(alias.lower() for service in self.services for alias in service.outside_aliases)

    @cached_property
    def _templates(self) -> dict[str, tuple[Service, bool]]:
        return {path: (s, path in s.pacemaker_templates) for s in self.services for path in s.templates}

    @cached_property
    def _containers(self) -> dict[str, Service]:
        return {name: entry.service for entry in self._entries for name in (*entry.service.containers, *entry.other_containers)}

    @cached_property
    def _profiles(self) -> dict[str, Service]:
        return {profile: service for service in self.services for profile in service.profiles}

    @cached_property
    def _images(self) -> dict[str, Service]:
        return {image: entry.service for entry in self._entries for image in entry.images}

    @cached_property
    def _agents(self) -> dict[str, Service]:
        return {agent: service for service in self.services for agent in service.agents if "*" not in agent}

    @cached_property
    def _types(self) -> dict[str, Service]:
        """Types of OCF agents that are a service whoever provides them; those of Pacemaker's own (`remote`) say nothing elsewhere."""
        found: dict[str, Service] = {}
        for service in self.services:
            for agent in service.agents:
                standard, _, name = agent.partition(":")
                provider, _, type = name.partition(":")
                if standard == "ocf" and provider != "pacemaker" and "*" not in type:
                    found.setdefault(type, service)
        found.update((type, entry.service) for entry in self._entries for type in entry.types)
        return found

    @cached_property
    def _agent_globs(self) -> list[tuple[str, Service]]:
        return [(agent, service) for service in self.services for agent in service.agents if "*" in agent]

    @cached_property
    def _agents_with_id(self) -> dict[str, list[tuple[str, Service]]]:
        found: dict[str, list[tuple[str, Service]]] = {}
        for entry in self._entries:
            for agent, glob in entry.agents_with_id:
                found.setdefault(agent, []).append((glob, entry.service))
        return found

    @cached_property
    def _ids(self) -> dict[str, Service]:
        return {_bare(id): service for service in self.services for id in service.resource_ids if "*" not in id}


def find_container(unit: str) -> str | None:
    """Return the container that a unit of this name runs, by the ways in which TripleO, edpm, kolla and `podman generate systemd` name
    them; None for another name."""
    match = _CONTAINER_UNIT.fullmatch(unit[: -len(".service")] if unit.endswith(".service") else unit)
    return (match["name"] or match["kolla"]) if match else None


def _named_today(unit: str) -> str:
    """Return a unit or agent of Quantum's by the name that it has since havana, when that became Neutron; others as they are."""
    return _QUANTUM.sub(r"\1neutron-", unit)


def _bare(id: str) -> str:
    for suffix in _ID_SUFFIXES:
        if id.endswith(suffix):
            return id[: -len(suffix)]
    return id


def _image_base(image: str) -> str:
    name = image.partition("@")[0].rstrip("/").rpartition("/")[2].partition(":")[0]
    prefix = _IMAGE_PREFIX.match(name)
    name = name[prefix.end() :] if prefix is not None else name
    return name[: -len("-docker")] if name.endswith("-docker") else name
