"""Facts from Heat templates and environments: what is mapped, set, included and run."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Struct

from lwlint.core.facts import OneOf, Service
from lwlint.core.source import Span, Text

NONE = "OS::Heat::None"
GET_FILE = "get_file"
NODE_DATA = "NodeDataLookup"  # the parameter with the settings of single nodes, which beat all others there
EXTRA_CONFIG = "extraconfig"  # how the parameters end, in lower case, that beat the settings of templates; that of all roles is no more
_SERVICES = "os::tripleo::services::"
# words of a file that cannot be read as YAML, by what it may then be about
REGISTRY, ROLE, CLUSTER, CONTAINERS = "resource_registry", "Services", "pacemaker", "er_config"
SETTINGS = ("config_settings", "hieradata", "mapped_data", "max_retries", "ExtraConfig")
# the sections of what a service sets: for itself, for the nodes of a service, which may be another one, and for all nodes
CONFIG = ("config_settings", "service_config_settings", "global_config_settings")
ALL = "*"  # any section; the nodes of all services
ABOUT = (REGISTRY, ROLE, CLUSTER, CONTAINERS, *SETTINGS)


class Environment(Struct, frozen=True):
    """One view of a resource registry: environments in order, over the base registry of their tree.

    `name` is the last environment; `span` is where that view maps the alias Pacemaker (or the beginning of the environment).
    `pacemaker` tells that Pacemaker is on. `merged` tells that the user gave the environments in this order. `services` are the
    aliases that its roles deploy, as far as parameters such as `ControllerServices` name them.
    """

    kind: ClassVar[str] = "environment"
    name: str
    span: Span
    environments: tuple[str, ...]
    base: str
    pacemaker: bool
    merged: bool
    services: tuple[str, ...] = ()
    host: str = ""


class ServiceMapping(Struct, frozen=True):
    """One entry of a resource registry, as it works in one view (see Environment; `environment` is its name).

    `span` is the alias, `target` where it is mapped to, `template` the target as written. `resolved` is the path of the
    target, if it is a file; `final` the path, resource type or `OS::Heat::None` at the end of the chain of aliases, empty
    if that leads nowhere. `inherited` tells that the entry stands in the base registry, below the environment. An entry
    that a later one overrides is not `in_force`. `under_pacemaker` tells that the final template puts its service there;
    `pacemaker` that Pacemaker is on in this view; `outside` that the alias is meant for nodes or sites without it. `missing` is the path of
    the target where its whole tree is not here; what is told of it then goes by that path. `taken_from` is the environment that was given
    earlier and maps the alias to a template which puts its service under Pacemaker. Of one that is `made` Jinja writes the target.
    """

    kind: ClassVar[str] = "service_mapping"
    name: str
    span: Span
    alias: str
    template: str
    target: Span
    environment: str
    resolved: str
    final: str
    chain: tuple[str, ...]
    service: Service | None
    template_service: Service | None
    inherited: bool
    in_force: bool
    under_pacemaker: bool
    pacemaker: bool
    outside: bool
    host: str = ""
    missing: str = ""
    taken_from: str = ""
    made: bool = False


class Template(Struct, frozen=True):
    """A template; `span` is its first key. `profiles` are the classes below `tripleo::profile::pacemaker` that it includes.

    `under_pacemaker` tells that it puts its `service` under Pacemaker, by what it includes and by its path.
    """

    kind: ClassVar[str] = "template"
    name: str
    span: Span
    service: Service | None
    profiles: tuple[Text, ...]
    under_pacemaker: bool
    host: str = ""

    @property
    def service_known(self) -> bool:
        """Whether the catalogue knows its service."""
        return self.service is not None


class RoleData(Struct, frozen=True):
    """The settings of one service as it is deployed: the template `name` and all whose settings it takes in.

    `beaten` are the settings among these that a later one of the same name replaces, `left` those of sections that it does not take in.
    `service` is its name (`nova_api`), empty where that is not known. `given` are the settings that it gives to the nodes of a service,
    which may be another one, each with the name of that service; those for all nodes have `*`. `partly` are the settings that it takes in
    under a condition only. It is `open` where only a deployment tells all that is merged, or a template that it takes in is not here.
    `merged` are, in the order in which the last counts, the settings that are set several times, or taken in under a condition, each with
    its conditions.
    """

    kind: ClassVar[str] = "role_data"
    name: str
    span: Span
    templates: tuple[str, ...]
    beaten: tuple[Span, ...] = ()
    host: str = ""
    left: tuple[Span, ...] = ()
    service: str = ""
    given: tuple[tuple[str, Span], ...] = ()
    partly: tuple[Span, ...] = ()
    open: bool = False
    merged: tuple[tuple[Span, tuple[str, ...]], ...] = ()


class HieraKey(Struct, frozen=True):
    """A setting of a Puppet class: `name` is the key, `span` where it stands, `template` the path of its file.

    A resource of a `*_config` type is a key too: `nova::config::nova_config/database/max_retries`. `values` are all the
    values that it can have (`null` for none), as text; it is None where only a deployment tells. `place` is the section: `config_settings`,
    `service_config_settings`, `global_config_settings`, `hieradata`, the parameter of an environment (`ControllerExtraConfig`, or
    `NodeDataLookup` for single nodes), or the name of another output of the template.
    `branch` are the conditions under which it is set at all, each `condition=1` or `condition=2`. An override that the user did
    not give with `-e` is not `in_force`. `service` is the one whose nodes a part of `service_config_settings` is for.
    """

    kind: ClassVar[str] = "hiera_key"
    name: str
    span: Span
    template: str
    values: tuple[str, ...] | None
    value_span: Span
    place: str
    branch: tuple[str, ...]
    in_force: bool = True
    host: str = ""
    service: str = ""

    @property
    def overrides(self) -> bool:
        """Whether it is an environment's, which beats those of templates."""
        return self.place.lower().endswith(EXTRA_CONFIG)

    @property
    def of_one_node(self) -> bool:
        """Whether it is an environment's for a single node, where it beats all others."""
        return self.place == NODE_DATA


class Container(Struct, frozen=True):
    """A container that a template starts. `restart` is its policy (None: not set), `one_shot` why it ends by itself (empty: it does not).

    `policies` are all the policies that it can have, as far as functions decide; None where only a deployment tells.
    `under_pacemaker` tells that its template puts the service under Pacemaker.
    """

    kind: ClassVar[str] = "container"
    name: str
    span: Span
    step: str
    restart: Text | None
    policies: tuple[str, ...] | None
    one_shot: str
    command: str
    service: Service | None
    under_pacemaker: bool
    host: str = ""


class GetFile(Struct, frozen=True):
    """A file that a template reads: `name` is its path, `target` the reference as written."""

    kind: ClassVar[str] = "get_file"
    name: str
    span: Span
    target: str
    host: str = ""


class SoftwareConfig(Struct, frozen=True):
    """A resource of type OS::Heat::SoftwareConfig or StructuredConfig; `group` is the tool that runs it (`puppet`, `script`)."""

    kind: ClassVar[str] = "software_config"
    name: str
    span: Span
    type: str
    group: str
    host: str = ""


class DuplicateKey(Struct, frozen=True):
    """A key that stands twice in one mapping: `span` is the one that counts, `dropped` the one that is lost.

    `differs` tells that they mean different things; `schema` that only the description of a parameter is concerned.
    """

    kind: ClassVar[str] = "duplicate_key"
    name: str
    span: Span
    dropped: Span
    differs: bool
    schema: bool
    host: str = ""


class DanglingReference(Struct, frozen=True):
    """A reference to what does not exist: `name` is the target as written, `resolved` the path that was looked for.

    `alias` is what is mapped there, the resource that has it as its type, or `get_file`. `hangs` is what hangs on it: the `cluster`, where
    the template of a service under Pacemaker cannot be loaded, any `deployment` with an environment, or empty. `lone` tells that nothing
    else that the file refers to exists either, so that its tree is probably not here. `installed` tells that the target is an absolute
    path, below the place where a package puts the templates, and that this tree has such a file. `refused` tells that the file is there,
    and that Heat takes it for no template because of how its name ends.
    """

    kind: ClassVar[str] = "dangling_reference"
    name: str
    span: Span
    alias: str
    resolved: str
    lone: bool
    installed: bool = False
    host: str = ""
    hangs: Annotated[str, OneOf("", "cluster", "deployment")] = ""
    refused: bool = False

    @property
    def of_service(self) -> bool:
        """Whether the alias is a service's."""
        return self.alias.lower().startswith(_SERVICES)

    @property
    def what(self) -> Annotated[str, OneOf("file", "template")]:
        """`file` for one that `get_file` reads, else `template`."""
        return "file" if self.alias == GET_FILE else "template"


class StrayFunction(Struct, frozen=True):
    """A function of Heat that stands beside other keys in a mapping, where Heat takes it for a key like them."""

    kind: ClassVar[str] = "stray_function"
    name: str
    span: Span
    host: str = ""


class Role(Struct, frozen=True):
    """A role of roles data, with the aliases of the services that it deploys."""

    kind: ClassVar[str] = "role"
    name: str
    span: Span
    services: tuple[str, ...]
    host: str = ""


class RoleService(Struct, frozen=True):
    """A service in the list of a role: `name` is its alias, `span` where it stands, `role` the role's name.

    `first` is the same service further up in the list. `mapped` tells whether a registry maps the alias; None where not all of the tree's
    registries were seen. `beside` tells that the role has Pacemaker or its remote as well. `under_pacemaker` is what maps the service to
    a template that puts it under Pacemaker: the path of an environment or of the base registry, empty where none does; `optional` tells
    that this is an environment which the role may or may not be used with. `whole` is False where there was no registry to ask.
    `pacemaker_off` tells that the role names Pacemaker, and that the environments that the user gave map it to `OS::Heat::None`.
    """

    kind: ClassVar[str] = "role_service"
    name: str
    span: Span
    role: str
    first: Span | None
    mapped: bool | None
    beside: bool
    under_pacemaker: str
    optional: bool
    whole: bool
    service: Service | None = None
    host: str = ""
    pacemaker_off: bool = False

    @property
    def file(self) -> str:
        """The path of its file."""
        return self.span.path

    @property
    def repeated(self) -> bool:
        """Whether the role names it further up already."""
        return self.first is not None

    @property
    def mapping_known(self) -> bool:
        """Whether all registries were seen that may map it."""
        return self.mapped is not None

    @property
    def clustered(self) -> bool:
        """Whether something puts it under Pacemaker."""
        return self.under_pacemaker != ""
