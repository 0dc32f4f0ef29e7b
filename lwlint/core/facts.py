"""Services of the catalogue and releases, as the facts refer to them."""

# Annotations are types here and not texts, which msgspec would compile one by one whenever the compiled rules are read.
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, ClassVar, Optional, Protocol, TypeVar

from msgspec import Struct

from lwlint.core.lazy import pattern
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
    """An `allow` comment that suppresses nothing, and why not. `name` is what it names.

    `written` is the comment itself, where it is none but looks meant as one (`lwlint: disable LW301`).
    """

    kind: ClassVar[str] = "unused_allow"
    name: str
    span: Span
    because: str
    host: str = ""
    written: str = ""

    @property
    def said(self) -> str:
        """What the comment says, in its own words where these are not lwlint's."""
        return self.written or f"allow {self.name}"


ANY_INPUT = (Unreadable, NotEvaluated, NotCollected, UnusedAllow)  # what any kind of input may give


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
_MUST, _ONE_COPY, _MAY, _MUST_NOT = (CORE,), (ACTIVE_PASSIVE,), (CORE, ACTIVE_PASSIVE), (ACTIVE_ACTIVE,)  # be under Pacemaker


# what may happen to some services: their unit stops and nothing restarts it; they run and are not started at boot; their container stops
MAY = ("stop", "miss-boot", "stop-container")


class Release(Struct, frozen=True):
    """The release that is judged by. `name` is None when nothing tells it; with `or_later` it may as well be any later one."""

    name: str | None
    because: str = ""
    or_later: bool = False

    def at_least(self, name: str) -> bool | None:
        """Return whether this release is `name` or later; None when the release is not known."""
        return None if self.name is None else RELEASES.index(self.name) >= RELEASES.index(name)


# Red Hat OpenStack Platform, by its number in the name of an image.
_PLATFORM = {
    8: "liberty",
    9: "mitaka",
    10: "newton",
    11: "ocata",
    12: "pike",
    13: "queens",
    14: "rocky",
    15: "stein",
    16: "train",
    17: "wallaby",
    18: "antelope",
}
_IMAGE_PLATFORM = pattern(
    r"(?:rh|[-_/])osp-?(\d+)(?!\d)|rhos[op](?:-\w+)*/[^:@\s]+:v?(\d+)\.|(rhoso)(?:-\w+)*/"
)  # all of `rhoso` is 18 so far
# kolla's tags: `zed`, `2023.1-rocky-9` (of Rocky Linux 9), `2024.1-ubuntu-jammy`; the folders of `podified-antelope-centos9`
_IMAGE_NUMBER = pattern(rf"[:/_-]({'|'.join(map(re.escape, NUMBERED))})(?![\d.])")
_IMAGE_RELEASE = pattern(rf"(?:tripleo|[:/_-])(?!rocky(?:-?\d{{1,2}}(?!\d)|-?linux))({'|'.join(RELEASES)})(?:(?=centos)|(?![a-z]))")
OF_ANSIBLE = ("liberty", 12)  # OpenStack-Ansible's major version, which goes up by one with every release


def of_image(image: str) -> Optional[str]:
    """Return the release that the name or tag of a container image tells; None for none."""
    platform = _IMAGE_PLATFORM.search(image)
    if platform is not None:
        return _PLATFORM.get(18 if platform.group(3) else int(platform.group(1) or platform.group(2)))
    number = _IMAGE_NUMBER.search(image)
    if number is not None:
        return NUMBERED[number.group(1)]
    release = _IMAGE_RELEASE.search(image)
    return release.group(1) if release is not None else None


def by_version(major: int, first: tuple[str, int] = OF_ANSIBLE) -> Optional[str]:
    """Return the release of a major version that goes up by one with each, given one release and its number; None for one not known.

    Without `first` it is a version of OpenStack-Ansible.
    """
    index = RELEASES.index(first[0]) + major - first[1]
    return RELEASES[index] if RELEASES.index(first[0]) <= index < len(RELEASES) else None


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


class Outcome(Struct, frozen=True):
    """What a program was seen to do when its attempts at a server (`database`, `broker`) end, in words that follow its name.

    `under` is the web server that it ran in, `workers` tells of several; `broken` that it stays up and is of no use for good, `recovers`
    that it stays up and works again by itself.
    """

    server: str
    program: str
    release: str
    words: str
    under: str = ""
    workers: bool = False
    broken: bool = False
    recovers: bool = False


class Service(Struct, frozen=True):
    """One service of the catalogue (`rules/services.yaml`).

    `kind` is `core` (must be under Pacemaker), `active_passive` (may be), `active_active` (must not be)
    or `infrastructure` (the cluster itself, fencing, and what is no business of the spec).
    `under_pacemaker` names the releases in which Pacemaker may run it; `in_spec` tells that the spec itself
    names it. `title` is the name a user knows. `openstack` tells a native OpenStack service (one that must
    retry its database and broker); `daemon` is False for what only configures another service.

    `aliases` holds all of them, with the prefix `OS::TripleO::Services::`; those also in `outside_aliases` run
    outside Pacemaker by design (block storage nodes, edge sites, the undercloud). `templates` likewise holds
    all known template paths; those in `pacemaker_templates` put the service under Pacemaker. `outside` names the releases in which an
    active/passive service may as well run on several nodes outside Pacemaker; `outside_templates` run it so. `profiles` are the
    Puppet classes that put it under Pacemaker. `resource_ids` are the ids of its resource in any release (globs such as `ip-*` too),
    `full_ha_ids` those of the full architecture, `bundle_ids` those in containers. `units` have no suffix `.service`; one that ends
    in `@` is a template. `httpd` names the releases in which httpd runs it (`units` then do not). `may` says what is no defect of it, as
    nothing of the control plane ends with it (`MAY`). `programs` are further names of its program, which are names of its units too where
    another distribution packages it. `ends` tells a program that runs to its end; `once` one that runs once at boot, and whose stop undoes
    what it did, so that it is never stopped or restarted.

    What was observed (`rules/observed.yaml`): `leaves_with_success` tells one that was seen to leave with status 0 when its database or
    broker failed it. `ready_first` names the releases in which it was seen to tell systemd READY=1 before its first connection. `outcomes`
    are what its programs did when their attempts ended, `lives` the least seconds of processor time until one exited, by release.
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
    outside: tuple[str, ...] = ()
    outside_templates: tuple[str, ...] = ()
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
    once: bool = False
    leaves_with_success: bool = False
    ready_first: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    lives: tuple[tuple[str, float], ...] = ()

    @property
    def project(self) -> str:
        """The project of OpenStack that it is of; empty for another program."""
        return self.modules[0] if self.openstack and self.modules else ""

    @property
    def is_by_pattern(self) -> bool:
        """Whether the catalogue knows it by a pattern of names only (`openstack-*`), so that what it is is not known."""
        return any("*" in unit for unit in self.units)

    @property
    def is_core(self) -> bool:
        """Whether it must be under Pacemaker."""
        return self.kind in _MUST

    @property
    def is_active_passive(self) -> bool:
        """Whether one copy of it runs at a time, so that it may be under Pacemaker and need not."""
        return self.kind in _ONE_COPY

    @property
    def may_be_clustered(self) -> bool:
        """Whether it may be under Pacemaker."""
        return self.kind in _MAY

    @property
    def is_active_active(self) -> bool:
        """Whether it runs on each node, and must be outside Pacemaker."""
        return self.kind in _MUST_NOT

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
T = TypeVar("T")


class Facts:
    """All facts of one run, by type, with the release and the services of the catalogue."""

    def __init__(self, facts: Iterable[Fact] = (), *, release: Release | None = None, services: Iterable[Service] = ()) -> None:
        self._by_type: dict[type, list[Fact]] = {}
        for fact in facts:
            self._by_type.setdefault(type(fact), []).append(fact)
        self.release = release or Release(None)
        self.services = tuple(services)
        self._derived: dict[Callable[[Facts], object], object] = {}

    def derived(self, make: Callable[["Facts"], T]) -> T:
        """Return what a function makes of these facts; it is made once."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return self._derived[make]  # type: ignore[return-value]

    def of(self, kind: type[F]) -> list[F]:
        """Return the facts of one type, in the order of their sources."""
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    def called(self, kind: str) -> list[Fact]:
        """Return the facts of the type that rules know by this word, in the order of their sources."""
        return [fact for type, facts in self._by_type.items() if getattr(type, "kind", "") in (kind,) for fact in facts]

    def __iter__(self) -> Iterator[Fact]:
        for facts in self._by_type.values():
            yield from facts
