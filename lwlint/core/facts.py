"""Services of the catalogue and releases, as the facts refer to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, NamedTuple, Optional, Protocol, TypeVar

from msgspec import Struct

from lwlint.core.source import Span


class Unreadable(Struct, frozen=True):
    """An input, or a part of one, that could not be read as the real program reads it.

    `name` is the source's path, `message` says what is wrong in one line. `fatal` tells that the
    real program refuses the whole file, so that nothing else is known of it.
    """

    kind: ClassVar[str] = "unreadable"
    name: str
    span: Span
    message: str
    host: str = ""
    fatal: bool = True


class NotEvaluated(Struct, frozen=True):
    """A source whose content lwlint cannot know (Jinja that does not parse, say), and why.

    `about` are those words in it that tell what it may be about; None where it may be about anything.
    """

    kind: ClassVar[str] = "not_evaluated"
    name: str
    span: Span
    because: str
    host: str = ""
    about: Optional[tuple[str, ...]] = None


class NotCollected(Struct, frozen=True):
    """A folder of a host that its report does not hold, though the host may have it: what is in it is not known. `name` is its path."""

    kind: ClassVar[str] = "not_collected"
    name: str
    span: Span
    host: str = ""


class UnusedAllow(Struct, frozen=True):
    """An `allow` comment that suppresses nothing, and why not. `name` is what it names."""

    kind: ClassVar[str] = "unused_allow"
    name: str
    span: Span
    because: str
    host: str = ""


class OneOf:
    """`Annotated[str, OneOf("loaded", "masked")]`: the attribute is one of these words."""

    def __init__(self, *words: str) -> None:
        self.words = words


RELEASES = (
    "liberty", "mitaka", "newton", "ocata", "pike", "queens", "rocky", "stein", "train", "ussuri", "victoria", "wallaby", "xena", "yoga",
    "zed", "antelope", "bobcat", "caracal", "dalmatian", "epoxy", "flamingo", "gazpacho", "hibiscus",
)  # fmt: skip
NUMBERED = {  # releases that go by the year and half of the year, too
    f"{2023 + i // 2}.{1 + i % 2}": name for i, name in enumerate(RELEASES[RELEASES.index("antelope") :])
}
LAST_OF_TRIPLEO = "wallaby"  # TripleO, and with it the architecture of the spec, ends here

LATER = "later"  # any release after the last of TripleO

CORE, ACTIVE_PASSIVE, ACTIVE_ACTIVE, INFRASTRUCTURE = "core", "active_passive", "active_active", "infrastructure"


# what may happen to some services: their unit stops and nothing restarts it; they run and are not started at boot; their container stops
MAY = ("stop", "miss-boot", "stop-container")


class Release(NamedTuple):
    """The release that is judged by. `name` is None when nothing tells it."""

    name: str | None
    because: str = ""

    def at_least(self, name: str) -> bool | None:
        """Return whether this release is `name` or later; None when the release is not known."""
        return None if self.name is None else RELEASES.index(self.name) >= RELEASES.index(name)


class Database(Struct, frozen=True):
    """A database of a service: the option section that names it, and the Puppet keys that fill it.

    `option` is the option of `section` that holds the address; `retry_section` the section of the retry
    options where it is another one (gnocchi), else empty.
    """

    section: str
    connection_keys: tuple[str, ...] = ()
    retry_keys: tuple[str, ...] = ()
    option: str = "connection"
    retry_section: str = ""


class Service(Struct, frozen=True):
    """One service of the catalogue (`rules/services.yaml`).

    `kind` is `core` (must be under Pacemaker), `active_passive` (may be), `active_active` (must not be)
    or `infrastructure` (the cluster itself, fencing, and what is no business of the spec).
    `under_pacemaker` names the releases in which Pacemaker may run it; `in_spec` tells that the spec itself
    names it. `title` is the name a user knows. `openstack` tells a native OpenStack service (one that must
    retry its database and broker); `daemon` is False for what only configures another service.

    `aliases` holds all of them, with the prefix `OS::TripleO::Services::`; those also in `outside_aliases` run
    outside Pacemaker by design (block storage nodes, edge sites, the undercloud). `templates` likewise holds
    all known template paths; those in `pacemaker_templates` put the service under Pacemaker. `profiles` are the
    Puppet classes that do so. `resource_ids` are the ids of its resource in any release (globs such as `ip-*` too), `full_ha_ids`
    those of the full architecture, `bundle_ids` those in containers. `units` have no suffix `.service`; one that ends in `@` is a template.
    `httpd` names the releases in which httpd runs it (`units` then do not). `may` says what is no defect of it, as nothing of the
    control plane ends with it (`MAY`). `programs` are further names of its program, which are names of its units too where another
    distribution packages it. `ends` tells a program that runs to its end, `at_boot` one for the
    boot alone, never to be stopped or restarted. `leaves_with_success` tells one that was seen to leave with
    status 0 when its database or broker failed it. `ready_first` names the releases in which it was seen to tell systemd READY=1 before
    its first connection.
    """

    name: str
    title: str
    kind: Annotated[str, OneOf("core", "active_passive", "active_active", "infrastructure")]
    releases: tuple[str, ...] = ()
    under_pacemaker: tuple[str, ...] = ()
    in_spec: bool = False
    openstack: bool = False
    aliases: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    config_files: tuple[str, ...] = ()
    databases: tuple[Database, ...] = ()
    broker: bool = False
    # what follows is empty for most services
    daemon: bool = True
    outside_aliases: tuple[str, ...] = ()
    pacemaker_templates: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()
    full_ha_ids: tuple[str, ...] = ()
    bundle_ids: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    httpd: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    note: str = ""
    may: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    ends: bool = False
    at_boot: bool = False
    leaves_with_success: bool = False
    ready_first: tuple[str, ...] = ()

    @property
    def may_stop(self) -> bool:
        """Whether its unit need not be restarted when it fails."""
        return "stop" in self.may

    @property
    def may_miss_boot(self) -> bool:
        """Whether it may run without being started at the next boot."""
        return "miss-boot" in self.may

    @property
    def container_may_stop(self) -> bool:
        """Whether its container need not run, or come back when it ends."""
        return "stop-container" in self.may


class Fact(Protocol):
    """What all facts share. `kind` is the word by which rules and `lwlint facts` know the type."""

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...

    @property
    def span(self) -> Span: ...

    @property
    def host(self) -> str: ...


F = TypeVar("F", bound=Fact)


class Facts:
    """All facts of one run, by type, with the release and the services of the catalogue."""

    def __init__(self, facts: Iterable[Fact] = (), *, release: Release | None = None, services: Iterable[Service] = ()) -> None:
        self._by_type: dict[type, list[Fact]] = {}
        for fact in facts:
            self._by_type.setdefault(type(fact), []).append(fact)
        self.release = release or Release(None)
        self.services = tuple(services)

    def of(self, kind: type[F]) -> list[F]:
        """Return the facts of one type, in the order of their sources."""
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Fact]:
        for facts in self._by_type.values():
            yield from facts
