"""Facts about systemd units as systemd has them in force, and about lines in their files that do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.facts import OneOf, Service
from lwlint.core.lazy import pattern
from lwlint.core.source import Span, Text


class ShownUnit(Struct, frozen=True):
    """One unit as `systemctl show` has it; `properties` are those that it prints, by name (`ActiveState`).

    Of a unit that is `listed` only, by `systemctl list-units` or `list-unit-files`, these are the few that such a list tells.
    """

    kind: ClassVar[str] = "shown_unit"
    name: str
    span: Span
    properties: Mapping[str, Text]
    host: str = ""
    service: Service | None = None
    listed: bool = False

    def value(self, name: str) -> str:
        """Return the value of a property; empty if it is not printed."""
        found = self.properties.get(name)
        return found.value if found is not None else ""


LOADED, MASKED, NOT_FOUND, BAD_SETTING, ERROR = "loaded", "masked", "not-found", "bad-setting", "error"
PACEMAKER_DROP_IN = "50-pacemaker.conf"
QUADLETS = ("container", "pod", "kube")  # what the names of those end in whose units run something
MADE_ONCE = ("volume", "network", "image", "build", "artifact")  # and those of the things that they need
_OF_PACKAGES = pattern(r"(^|/)(usr/(local/)?)?lib/systemd/")
SECOND = 1_000_000
ENDLESS_STARTS = 229  # the version from which on `infinity` is a time that a start may take
# what `systemctl is-enabled` and `systemctl is-active` say: systemctl(1)
FILE_STATES = (
    "enabled", "enabled-runtime", "linked", "linked-runtime", "alias", "masked", "masked-runtime", "static", "indirect", "disabled",
    "generated", "transient", "bad", "not-found", "unknown",
)  # fmt: skip
ACTIVE_STATES = ("", "active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing", "unknown")


class Version(Struct, frozen=True):
    """The versions of systemd that a host may have, from `least` to `most`; `because` says what tells them (`EL 7 has 219`).

    `taken` is what its distribution took into its own from later ones, and `perhaps` what only some updates of it did, in the order of
    these. `of_host` tells that it is the systemd of one host, which is not known where it may be several; else, as of the files of a
    repository, what is read is judged as the latest does.
    """

    least: int = 0
    most: int = 100_000
    because: str = ""
    taken: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    of_host: bool = False

    def lacks(self, since: int, what: str = "") -> bool:
        """Return whether the host surely has a systemd before version `since`, which did not take `what` came with that either."""
        return self.most < since and what not in (*self.taken, *self.perhaps)

    def has(self, since: int, what: str = "") -> bool:
        """Return whether the host surely has version `since` of systemd, or a later one, or an earlier one with `what` came with that."""
        return self.least >= since or what in self.taken

    def is_open(self, since: int, what: str = "") -> bool:
        """Return whether nothing tells which of the two the systemd of a host is."""
        return self.of_host and not self.lacks(since, what) and not self.has(since, what)

    @property
    def latest(self) -> Version:
        """The latest of them."""
        return replace(self, least=self.most, taken=(*self.taken, *self.perhaps), perhaps=())

    def without(self, since: int, what: str = "") -> Version:
        """Return the latest that the host may have without what came with `since`."""
        if self.most >= since:
            return Version(since - 1, since - 1, self.because, self.taken)
        return Version(self.least, self.most, self.because, (*self.taken, *self.perhaps[: self.perhaps.index(what)]))


class Setting(Struct, frozen=True):
    """A value in force and where it stands. `key` is the key as written there.

    `beaten` are the assignments that it takes the place of, in the order in which systemd reads them. In a setting that is a
    list (`Unit.Requires`) `value` joins all entries with blanks, and `span` is the last one's.
    """

    value: str
    span: Span
    key: Text
    beaten: tuple[Setting, ...] = ()


class Unit(Struct, frozen=True):
    """A unit as systemd would have it in force, 252 where nothing tells of an older one: its file with all drop-ins, under all its names.

    `load_state` is what `systemctl show -p LoadState` says: loaded, masked, not-found, bad-setting, or error; `because` says why it is
    none of the first two. `fragment` is the path of the unit file (empty: none), `drop_ins` those of its drop-ins in the order in which
    they are applied, both as paths of sources. `span` is the start of the unit file, else of the first drop-in or link.

    `settings` holds what is set, by `Section.Key`, under today's name of the key; `lists` the single entries of settings that
    are lists. Both are empty for a unit that is masked or not found. A unit file that was not given at all is not the same as one that
    is not there: `pending` holds what the drop-ins of a unit that is not found would set.

    `enabled` is what `systemctl is-enabled` says (but `enabled` for links of generators too, who make them at each boot), `unknown` where
    the links that tell are not at hand. `active` is what
    `systemctl is-active` said on the host, by a report of it; empty where nothing tells.
    `type` is the effective Type= of a service. Times are in microseconds, None for never.
    `template` tells that the unit is one, so that only its instances run. A unit that is `shown` is known by what `systemctl show`
    said of it, as its files are not at hand: its settings are those that are in force and judged, and nothing tells of its lines.
    `runner` is the container tool or web server that its program runs in (`podman`, `uwsgi`). A unit of no known service that
    `looks_like` one of a project of OpenStack has its name there. `restart_steps` and `restart_max_delay_usec` are how its pauses grow
    (systemd 254 and later); 0 where they do not. With `told_from_inside` the program in a container, or its health check, tells systemd
    that it is ready. `script` is one of Debian's that starts a program by itself or under uWSGI, where nothing tells which of the two.
    `upheld_by` are the units in whose folder `.upholds` a link to it lies (which systemd reads from 254 on); of one that is shown, those
    that uphold it. What other units say by `Upholds=` is in their `lists`. `unsure` is why nobody knows whether podman's generator makes
    it of a quadlet, or empty. `otherwise` is the unit as other versions of systemd have it that the host may have, each by what tells that
    version (`systemd before 244`); empty where none of them has anything of the host as others.
    """

    kind: ClassVar[str] = "unit"
    name: str
    span: Span
    host: str = ""
    load_state: Annotated[str, OneOf("loaded", "masked", "not-found", "bad-setting", "error")] = LOADED
    because: str = ""
    because_span: Span | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    lists: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)
    pending: Mapping[str, Setting] = field(default_factory=dict)
    fragment: str = ""
    drop_ins: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    enabled: Annotated[str, OneOf(*FILE_STATES)] = "unknown"
    active: Annotated[str, OneOf(*ACTIVE_STATES)] = ""
    type: Annotated[str, OneOf("", "simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle")] = ""
    restart_usec: int | None = SECOND // 10
    start_limit_interval_usec: int | None = 10 * SECOND
    start_limit_burst: int = 5
    timeout_start_usec: int | None = 90 * SECOND
    template: bool = False
    loose: bool = False
    shown: bool = False
    service: Service | None = None
    runner: str = ""
    looks_like: str = ""
    restart_steps: int = 0
    restart_max_delay_usec: int = 0
    remains_after_exit: bool = False
    guesses_main_pid: bool = True
    told_from_inside: bool = False
    script: str = ""
    upheld_by: tuple[str, ...] = ()
    unsure: str = ""
    systemd: Version = Version()
    otherwise: tuple[tuple[str, Unit], ...] = ()

    @property
    def managed_by(self) -> Annotated[str, OneOf("pacemaker", "systemd", "unknown")]:
        """`pacemaker` while an override of Pacemaker's is in force, else `systemd`."""
        return "pacemaker" if self.override is not None else "systemd"

    @property
    def from_quadlet(self) -> bool:
        """Whether podman's generator makes it of a quadlet, so that it is enabled, unmasked and removed there alone."""
        return self.fragment.rpartition(".")[2] in (*QUADLETS, *MADE_ONCE)

    @property
    def masked_in(self) -> Annotated[str, OneOf("", "etc", "run", "package", "quadlet")]:
        """Where what masks it lies: `systemctl unmask` takes it out of `/etc`, and with `--runtime` out of `/run`; nothing that a package
        brought, and no quadlet."""
        if self.load_state != MASKED:
            return ""
        if self.from_quadlet:
            return "quadlet"
        if self.enabled == "masked-runtime":
            return "run"
        return "package" if _OF_PACKAGES.search(self.fragment) else "etc"

    @property
    def starts_without_end(self) -> bool:
        """Whether nothing bounds the time that it may take to start."""
        return self.timeout_start_usec is None

    @property
    def ends_endless_starts(self) -> bool:
        """Whether its systemd is one before 229, for which `infinity` is no time that a start may take, but over at once."""
        return self.systemd.lacks(ENDLESS_STARTS)

    @property
    def knows_endless_starts(self) -> bool:
        """Whether its systemd is surely 229 or later, for which `infinity` is a time that a start may take."""
        return self.systemd.has(ENDLESS_STARTS)

    @property
    def told_by_runner(self) -> bool:
        """Whether a container tool or web server tells systemd READY=1, as soon as the program is started."""
        return bool(self.runner) and not self.told_from_inside

    @property
    def upheld(self) -> bool:
        """Whether systemd starts it again for as long as another unit is active; a rule asks for that of all units of a run."""
        return bool(self.upheld_by)

    @property
    def ready_first(self) -> bool:
        """Whether its service was seen, in some release, to tell READY=1 before its first connection; a rule asks for that of a run."""
        return self.service is not None and bool(self.service.ready_first)

    @property
    def watches_nothing(self) -> bool:
        """Whether it is a oneshot unit around a service of OpenStack that is known to run for long, so that nothing watches it."""
        if self.type != "oneshot" or self.service is None or not self.service.openstack:
            return False
        return self.service.daemon and not self.service.ends and bool(self.service.config_files or self.service.databases)

    @property
    def runs_once(self) -> bool:
        """Whether it runs once at boot: one whose stop undoes what it did, or a oneshot unit of OpenStack that is right to be one."""
        service = self.service
        return service is not None and (service.once or (self.type == "oneshot" and service.openstack and not self.watches_nothing))

    @property
    def overridden(self) -> bool:
        """Whether Pacemaker's override is what takes the restart away."""
        return self.override is not None

    @property
    def override(self) -> str | None:
        """The path of Pacemaker's override, if it is what takes the restart away."""
        restart = self.settings.get("Service.Restart") or self.pending.get("Service.Restart")
        if restart is None or restart.value != "no" or not restart.span.path.endswith("/" + PACEMAKER_DROP_IN):
            return None
        return restart.span.path


class IgnoredLine(Struct, frozen=True):
    """A line of a unit file or drop-in that systemd reads and drops, and why.

    `name` is `Section.Key` as written, `value` what it would set. `unsure` is why nobody knows whether the systemd of the host drops it, or
    empty.
    """

    kind: ClassVar[str] = "ignored_line"
    name: str
    span: Span
    unit: str
    because: str
    value: str = ""
    host: str = ""
    service: Service | None = None
    unsure: str = ""


class DropInWithoutUnit(Struct, frozen=True):
    """A drop-in that systemd never reads, because its folder is named after nothing that can be a unit.

    `name` is the folder; `intended` the unit that was probably meant, with its service.
    """

    kind: ClassVar[str] = "drop_in_without_unit"
    name: str
    span: Span
    intended: str = ""
    host: str = ""
    service: Service | None = None
