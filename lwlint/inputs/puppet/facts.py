"""Facts about Puppet manifests: what they make of the cluster, and how they set connections and retries."""

from __future__ import annotations

from typing import ClassVar, Optional

from msgspec import Struct

from lwlint.core.facts import Service
from lwlint.core.lazy import pattern
from lwlint.core.source import Span


def bare(id: str) -> str:
    """Return the id of the primitive in a clone or master of puppet-pacemaker, or of Fuel (`clone_p_haproxy`)."""
    for suffix in ("-clone", "-master"):
        if id.endswith(suffix):
            return id[: -len(suffix)]
    for prefix in ("clone_", "master_", "ms_"):
        if id.startswith(prefix):
            return id[len(prefix) :]
    return id


def expression(id: str) -> str:
    """Return an id as it is compared: without quotes, a variable being the same with and without braces and leading colons."""
    return _VARIABLE.sub(r"${\1}", id.strip("\"'"))


_VARIABLE = pattern(r"\$\{?(?:::)?([\w:]+)\}?")
_LEFT_ALONE = "<SERVICE DEFAULT>"  # what the fact `os_service_default` is
_SERVICE_DEFAULT = pattern(r"\$(?:::)?(?:os_service_default|facts\[['\"]os_service_default['\"]\])")


def says_anything(value: str | None, written: str) -> bool:
    """Return whether a setting is neither `undef` nor what puppet-openstacklib has for an option that is left alone."""
    return value not in ("undef", _LEFT_ALONE) and _SERVICE_DEFAULT.fullmatch(written.strip()) is None


class Manifest(Struct, frozen=True):
    """A manifest that was read; `includes` tells how many classes it declares or includes.

    `others` are the types and classes that it uses and that may make resources of the cluster in their turn, `elsewhere` those of them
    that no manifest of the run defines, `defines` those that it defines itself. `realizes` are types and titles of the virtual resources
    that it realizes; an empty title stands for any.
    """

    kind: ClassVar[str] = "manifest"
    name: str
    span: Span
    host: str = ""
    includes: int = 0
    others: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    realizes: tuple[tuple[str, str], ...] = ()

    @property
    def leads_elsewhere(self) -> bool:
        """Whether it uses a type or class that is not here and may make resources of the cluster."""
        return bool(self.elsewhere)

    @property
    def first_elsewhere(self) -> str:
        """The first of these types and classes; empty if there is none."""
        return self.elsewhere[0] if self.elsewhere else ""


class Setting(Struct, frozen=True):
    """`name => value` in a manifest. `value` is None where only Puppet can tell it; `written` is the source text of it.

    `candidates` are the values that it may have, as far as the manifest tells; `hashed` tells that it may be a hash. `span` is the place of
    the value, `key` that of the name. `items` are the strings of a list of `primitives`, each as a setting of its own; `nested` tells that
    it holds lists or hashes, which are sets of resources. `begins` are the beginnings that a value may have of which only Puppet knows all.
    """

    name: str
    value: Optional[str]
    written: str
    span: Span
    key: Span
    candidates: tuple[str, ...] = ()
    hashed: bool = False
    items: tuple[Setting, ...] = ()
    nested: bool = False
    begins: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether it says anything: neither `undef`, nor what puppet-openstacklib has for an option that is left alone."""
        return says_anything(self.value, self.written)


class ManifestResource(Struct, frozen=True):
    """A resource that a manifest creates in the cluster.

    `name` is its title, or the expression in its place where only Puppet can tell it (`decided` is then False);
    `type` the Puppet type; `id` what the cluster will call it, with `-clone` or `-master` where it is one; `agent` and `form`
    are in the words of the cluster. `absent` tells that the manifest removes it, `unrealized` that it is virtual and no
    manifest that was given realizes it. `also` are further ids by which
    a constraint may name it: that of the primitive in a clone of puppet-corosync.
    """

    kind: ClassVar[str] = "manifest_resource"
    name: str
    span: Span
    type: str
    id: str
    agent: Optional[str] = None
    form: str = "primitive"
    host: str = ""
    decided: bool = True
    conditional: bool = False
    absent: bool = False
    settings: tuple[Setting, ...] = ()
    service: Optional[Service] = None
    also: tuple[str, ...] = ()
    unrealized: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id by which a constraint may name it."""
        return (self.id, *self.also)

    @property
    def service_known(self) -> bool:
        """Whether the catalogue knows its service."""
        return self.service is not None

    @property
    def agent_open(self) -> bool:
        """Whether only Puppet can tell what it runs: a primitive of which the manifest does not tell the agent."""
        return self.agent is None and self.form in ("primitive", "clone", "promotable") and self.type != "cs_clone"

    @property
    def of_service(self) -> str:
        """The title of its service in brackets, with a blank in front, where the id does not tell it; else empty."""
        return f" ({self.service.title})" if self.service is not None and self.service.title not in self.id else ""


class Member(Struct, frozen=True):
    """A resource that a constraint names: its id in the cluster, or the expression where only Puppet can tell it.

    `name` is the parameter that names it (`first_resource`, `source`; `primitives` in a list of which each goes where the one before it
    is, `set` in a set of resources); `services` are the names of the services that it may be of,
    as far as the manifest tells where `service` does not.
    """

    id: str
    span: Span
    decided: bool = True
    service: Optional[Service] = None
    name: str = ""
    services: tuple[str, ...] = ()


class ManifestConstraint(Struct, frozen=True):
    """A constraint that a manifest creates: `type` is order, colocation or location; `score` or `constraint_kind` as written.

    `off` tells that it stands under a condition which is false unless hiera or a parameter says otherwise, `unrealized` that it is
    virtual and no manifest that was given realizes it. `declared_as` is the Puppet type.
    """

    kind: ClassVar[str] = "manifest_constraint"
    name: str
    span: Span
    type: str
    members: tuple[Member, ...] = ()
    score: Optional[str] = None
    constraint_kind: Optional[str] = None
    host: str = ""
    conditional: bool = False
    absent: bool = False
    off: bool = False
    unrealized: bool = False
    declared_as: str = ""


class ManifestClass(Struct, frozen=True):
    """A class that a manifest uses, without leading colons; `how` is include, require, contain, class or inherits."""

    kind: ClassVar[str] = "manifest_class"
    name: str
    span: Span
    how: str
    host: str = ""
    conditional: bool = False
    settings: tuple[Setting, ...] = ()
    service: Optional[Service] = None


class ManifestOption(Struct, frozen=True):
    """An option that a `*_config` resource writes; `span` is its value's, or its title's where it has none."""

    kind: ClassVar[str] = "manifest_option"
    name: str
    span: Span
    config: str
    section: str
    option: str
    value: Optional[str] = None
    written: str = ""
    host: str = ""
    absent: bool = False

    @property
    def is_set(self) -> bool:
        """Whether it has a value that says anything."""
        return bool(self.written) and says_anything(self.value, self.written)


class ManifestDatabase(Struct, frozen=True):
    """A database connection that a manifest gives to a class.

    `name` is the hiera key that would do the same (`aodh::database_connection`), `span` its place; `retry_keys` are the keys that
    would make its service retry for ever, `retry` is the one that the same manifest sets, if any.
    """

    kind: ClassVar[str] = "manifest_database"
    name: str
    span: Span
    module: str
    retry_keys: tuple[str, ...] = ()
    retry: Optional[Setting] = None
    host: str = ""
    service: Optional[Service] = None
