"""Restarts that come to an end, or never come: by the start limit, by exit statuses that are left out, by settings that hide a failure.

systemd gives a unit up when it was started `StartLimitBurst` times within `StartLimitIntervalSec`; each start takes the life of the
process and `RestartSec`. So the restarts end only where life + `RestartSec` < interval / burst. Watched on systemd 252, to a tenth of a
second. Where that bound is below the shortest life that a service was seen to have (`rules/observed.yaml`), nothing is said.

Then the settings by which a unit waits for the database or the broker, or ends with it: dependencies, and conditions that ask for it.

Then units as the running systemd had them, against their files and against the cluster.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal, Optional

from msgspec import Meta, Struct
from msgspec.structs import replace

from lwlint.checks.containers import (
    FOREVER,
    SYSTEMD,
    UNKNOWN,
    is_beside_by_design,
    judge_each_systemd,
    lacking_units,
    managers_of,
    name_unit,
    resource_of,
    runs_container,
    strangers,
    units,
    units_of_hosts,
)
from lwlint.checks.parameters import Directive, IgnoredSetting, ServiceKind, ServiceName, nothing_in
from lwlint.core.catalogue import find_container
from lwlint.core.check import Check, NoParams, Reads, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts, NotCollected, Service
from lwlint.core.finding import Command, DropIn, Fix, Problem, Related
from lwlint.core.harmless import command, whole
from lwlint.core.observed import around
from lwlint.core.source import Span, Text
from lwlint.inputs.containers.facts import DOCKER, HostContainer
from lwlint.inputs.pacemaker.facts import Cluster, Resource
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.systemd.facts import (
    LOADED,
    MASKED,
    NOT_FOUND,
    PACEMAKER_DROP_IN,
    SECOND,
    DropInWithoutUnit,
    IgnoredLine,
    Setting,
    ShownUnit,
    Unit,
)
from lwlint.inputs.systemd.settings import STEPS_READ, UPHOLDS_KNOWN, UPHOLDS_READ, marks_of

# programs that ask a server and leave at once where it does not answer
_ASKING = re.compile(
    r"(?:^[-@:+!]*|s?bin/|[;&|'\"]\s*|\bif\s+)(?:nc|ncat|netcat|telnet|curl|mysql|mysqladmin|mariadb|mariadb-admin|pg_isready|psql|rabbitmqctl"
    r"|rabbitmq-diagnostics|clustercheck|redis-cli)(?=\s|['\";]|$)|/dev/tcp/"
)
_WAITS = re.compile(r"\b(until|while|for|sleep|wait\w*|timeout|retr\w+)\b|wait-for|wait_for|--wait|-w\s?\d", re.IGNORECASE)
NAME = "50-lwlint.conf"  # read before Pacemaker's `50-pacemaker.conf`, which so keeps the last word
_FOLDERS = (
    "etc/systemd/system/", "run/systemd/system/", "usr/lib/systemd/system/", "usr/local/lib/systemd/system/", "lib/systemd/system/",
    "run/systemd/generator.early/", "run/systemd/generator/", "run/systemd/generator.late/",
    "etc/containers/systemd/", "run/containers/systemd/", "usr/share/containers/systemd/",
)  # fmt: skip
_MOST_HOPS = 4  # over targets and helpers
# what a key does: with the order `After=` (which most units have), and without it
_DOES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Requires": ("does not start while that cannot, and is stopped with it", "is stopped with it"),
        "Requisite": ("does not start unless that runs, and is stopped with it", "does not start unless that runs, and is stopped with it"),
        "BindsTo": ("does not start without it, and is stopped for good when that ends", "is stopped for good when that ends"),
        "PartOf": ("is stopped with it", "is stopped with it"),
        "StopPropagatedFrom": ("is stopped for good when that ends", "is stopped for good when that ends"),
        "PropagatesStopTo": ("is stopped for good when that ends", "is stopped for good when that ends"),
        "Conflicts": ("is stopped for good when that starts", "is stopped for good when that starts"),
    }
)
# words of commands and conditions that are about a database or a broker
ASKS = re.compile(
    r"mysql|mariadb|galera|clustercheck|wsrep|rabbit|postgres|pg_isready|psql|redis|mongo|amqp|epmd|[:\s/=](?:3306|5672|5671|5432|4567)\b",
    re.IGNORECASE,
)
_STATE = re.compile(r"\|?/(run|var)/")  # where a running database leaves its mark; not its programs or configuration
Dependency = Literal[
    "Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds", "Conflicts", "Before", "After", "OnFailure", "OnSuccess",
    "PropagatesReloadTo", "PropagatesStopTo", "ReloadPropagatedFrom", "StopPropagatedFrom", "JoinsNamespaceOf",
]  # fmt: skip


def drop_in(unit: Unit, settings: Mapping[str, str]) -> Optional[Fix]:
    """Return the fix that gives the unit settings (`Section.Key`) in a drop-in of the same host; none for one outside any host's tree."""
    place = unit.fragment or unit.span.path
    root = next((place[: place.index(folder)] for folder in _FOLDERS if folder in place), None)
    if root is None or unit.loose or not settings:
        return None
    folder = f"{root}etc/systemd/system/{unit.name}.d/"
    path = folder + _choose_name(_name(unit, settings), folder, unit.drop_ins)
    said = ", ".join(f"`{name.rpartition('.')[2]}={value}`" for name, value in settings.items())
    return Fix(f"set {said} in a drop-in, then `systemctl daemon-reload`", (DropIn(path, tuple(settings.items())),))


def _name(unit: Unit, settings: Mapping[str, str]) -> str:
    """Return a name that is read after every drop-in that sets one of the settings now: NAME, or one right behind the last of these."""
    wanted = {_stem(name) for name in settings}
    found = {setting.span.path.rpartition("/")[2] for name, setting in unit.settings.items() if _stem(name) in wanted}
    names = {path.rpartition("/")[2] for path in unit.drop_ins}
    found = names if unit.shown else found & names  # nobody knows what those set that are not at hand
    last = max((name for name in found if name not in (PACEMAKER_DROP_IN, NAME)), key=str.encode, default="")
    return f"{last.removesuffix('.conf')}.lwlint.conf" if last.encode() > NAME.encode() else NAME


def _choose_name(name: str, folder: str, drop_ins: Iterable[str]) -> str:
    """Return a name that is read right behind `name`, or this, that no drop-in in another folder has: of equal names one alone is read."""
    others = {path.rpartition("/")[2] for path in drop_ins if not path.startswith(folder)}
    while name in others:
        name = f"{name.removesuffix('.conf')}.lwlint.conf"
    return name


def _stem(name: str) -> str:
    """Return a setting's name without its section, as it was spelled before systemd 230: `StartLimitInterval`."""
    return name.rpartition(".")[2].removesuffix("Sec")


# targets that a host reaches when it boots, and leaves when it goes down
_REACHED = (
    "default.target", "multi-user.target", "basic.target", "sysinit.target", "local-fs.target", "sockets.target", "timers.target",
    "paths.target", "slices.target",
)  # fmt: skip
_KNOWS_UPHOLDS = "wallaby"  # the first release that anybody ran on a systemd of 249 or later


class Upholding(Struct, frozen=True):
    """Whether a unit is started again for ever as another one upholds it: `yes`, `no`, `unknown` (and then why)."""

    is_so: str
    because: str = ""


def upholding(facts: Facts, unit: Unit) -> Upholding:
    """Return whether another unit upholds this one at all times, so that systemd starts it again whenever it ended.

    Source: systemd.unit(5), `Upholds=` (249 and later). Watched on systemd 252: it does so after failures and clean exits, in spite of
    `Restart=no`, and after the start limit and its own limit (16 starts in 10 seconds) are over; with the unit that upholds, it ends.
    """
    release = facts.release
    is_early = release.at_least(_KNOWS_UPHOLDS) is False and not unit.systemd.has(UPHOLDS_KNOWN)
    is_early = is_early and not (unit.shown and unit.upheld_by)  # what systemd itself tells it knows
    if unit.systemd.lacks(UPHOLDS_KNOWN) or (is_early and not release.or_later):
        return Upholding("no")
    found = facts.derived(_upholders)
    others = [other for name in (unit.name, *unit.names) for other in found.get((unit.host, _place_of(unit), name), ())]
    named = [other.name for other in others]
    if is_early and others:
        return Upholding("unknown", f"only systemd 249 and later knows `Upholds=`, by which `{others[0].name}` upholds {unit.name}")
    if any(_is_always_active(other) for other in others) or (unit.shown and any(name in _REACHED for name in unit.upheld_by)):
        return Upholding("yes")
    if unit.upheld_by and unit.systemd.has(UPHOLDS_READ):
        there = facts.derived(_by_name)
        by_links = [there[key] for name in unit.upheld_by if (key := (unit.host, _place_of(unit), name)) in there]
        if any(name in _REACHED for name in unit.upheld_by) or any(map(_is_always_active, by_links)):
            return Upholding("yes")
    elif unit.upheld_by and not unit.shown and not others:
        because = f"only systemd 254 and later reads `{unit.upheld_by[0]}.upholds`, by which it upholds {unit.name}"
        return Upholding("unknown", because)
    by = [*named, *unit.upheld_by]
    return Upholding("unknown", f"nothing tells whether `{by[0]}`, which upholds {unit.name}, is always active") if by else Upholding("no")


def _upholders(facts: Facts) -> dict[tuple[str, str, str], list[Unit]]:
    """Return the units that uphold others, by the host, the tree and the name of these."""
    found: dict[tuple[str, str, str], list[Unit]] = {}
    for unit in facts.of(Unit):
        setting = unit.settings.get("Unit.Upholds") or unit.pending.get("Unit.Upholds")
        if setting is None or unit.load_state not in (LOADED, NOT_FOUND) or unit.template:
            continue
        for name in dict.fromkeys(setting.value.split()):
            found.setdefault((unit.host, _place_of(unit), name), []).append(unit)
    return found


def _by_name(facts: Facts) -> dict[tuple[str, str, str], Unit]:
    """Return the units by the host, the tree and each of their names."""
    return {(unit.host, _place_of(unit), name): unit for unit in facts.of(Unit) for name in (*unit.names, unit.name)}


def _place_of(unit: Unit) -> str:
    """Return what keeps the trees of hosts without a name apart: the path in front of the folder of all unit files and quadlets."""
    return re.sub(r"((etc|run|usr/share)/containers|etc|run|lib|usr/lib|usr/local/lib)/systemd/.*|[^/]*$", "", unit.span.path)


def _is_always_active(unit: Unit) -> bool:
    """Return whether a unit is active from each boot on: a target that every host reaches, or one that is enabled and brought back."""
    if unit.active:
        return unit.active == "active" and (not unit.name.endswith(".service") or _is_brought_back(unit))
    if any(name in _REACHED for name in (unit.name, *unit.names)):
        return True
    return unit.enabled == "enabled" and (unit.name.endswith(".target") or _is_brought_back(unit))


def _is_brought_back(unit: Unit) -> bool:
    return unit.type != "oneshot" and _restart(unit) is not None


class LineParams(Document, frozen=True):
    """`settings` are the keys whose loss matters, in any section and spelling; another line is a note. `not_keys` are left to other
    rules."""

    settings: Annotated[tuple[Directive, ...], Meta(description="the settings whose loss matters; another line is a note")]
    not_keys: Annotated[tuple[IgnoredSetting, ...], Meta(description="settings (`Section.Key`, as written) that other rules judge")] = ()
    endless: Annotated[
        tuple[Directive, ...],
        Meta(description="time spans whose `infinity` is over at once before systemd 229; told where neither host nor release is known"),
    ] = ()


def _run_lines(facts: Facts, params: LineParams) -> Iterator[Saw]:
    matter = {key.lower() for key in params.settings}
    for line in facts.of(IgnoredLine):
        if line.service is None or line.name in params.not_keys:
            continue
        key = line.name.rpartition(".")[2]
        if line.unsure:
            yield Unknown(f"`{key}={line.value}`: {line.unsure}", line.span)
            continue
        shown = f"`{key}={line.value}`" if line.value or line.because.startswith("an empty") else f"`{key}`"
        message = f"{shown} does nothing: {line.because}"
        severity = None if key.lower().replace("_", "") in matter else "note"
        yield Problem(line.span, message, f"line {line.name}", severity=severity, host=line.host)
    yield from _run_endless(facts, params)


def _run_endless(facts: Facts, params: LineParams) -> Iterator[Problem]:
    """Yield the time spans that are over at once for an old systemd: of files that may be packaged for any."""
    for unit in facts.of(Unit) if facts.release.name is None else ():
        if not unit.loose or unit.service is None or not unit.service.openstack:
            continue
        if unit.type in ("simple", "idle") and "Service.ExecStartPre" not in unit.lists:
            continue  # it has started as soon as it runs
        for key in params.endless:
            setting = unit.settings.get(f"Service.{key}")
            if setting is not None and setting.value == "infinity":
                message = f"`{key}=infinity` ends each start at once under systemd before 229 (EL 7 has 219); `0` never ends in any"
                yield Problem(setting.span, message, f"line Service.{key}", severity="note", host=unit.host)


def _evidence(facts: Facts, _: LineParams) -> str | None:
    return None if any(not unit.shown for unit in facts.of(Unit)) else "no systemd unit was given"


_RUNTIME = "run/systemd/system"


class OverrideParams(Document, frozen=True):
    """`that` picks the defect: an override `left` on a service that Pacemaker has no business with, or one that is `beaten`."""

    that: Annotated[
        Literal["left", "beaten"],
        Meta(description="the defect: an override `left` on a service that Pacemaker does not run, or one that is `beaten`"),
    ]


def _run_override(facts: Facts, params: OverrideParams) -> Iterator[Saw]:
    if params.that == "beaten":
        yield from _judge_misplaced_overrides(facts)
    unseen = {gap.host for gap in facts.of(NotCollected) if gap.name == _RUNTIME}
    shown = {(one.host, one.name): one for one in facts.of(ShownUnit) if one.host in unseen and one.value("Id")}
    if unseen - {host for host, _ in shown} or (unseen and params.that == "beaten"):
        yield Unknown(f"`{_RUNTIME}`, where Pacemaker puts its override, was not collected")
    for unit in units(facts):
        as_shown = shown.get((unit.host, unit.name))
        if params.that == "left" and as_shown is not None and _is_foreign(facts, unit):
            yield from _judge_left_as_shown(unit, as_shown)
        if unit.service is None or not any(path.endswith("/" + PACEMAKER_DROP_IN) for path in unit.drop_ins):
            continue
        if params.that == "left" and unit.override is not None and _is_foreign(facts, unit):
            yield _say_left(unit)
        if params.that == "beaten" and unit.override is None:
            yield from _beaten(unit)


def _is_foreign(facts: Facts, unit: Unit) -> bool:
    """Return whether Pacemaker should not run the unit and, as far as a CIB tells, does not."""
    service = unit.service
    if service is None or resource_of(facts, unit) is not None:
        return False
    if service.is_active_passive:
        return facts.release.name is not None and facts.release.name not in service.under_pacemaker
    return service.is_active_active


def _say_left(unit: Unit) -> Problem:
    restart = unit.settings.get("Service.Restart") or unit.pending["Service.Restart"]
    message = f"{unit.name}: Pacemaker's override `{PACEMAKER_DROP_IN}` sets `Service.Restart` to `no`; the drop-in must not be there"
    related = tuple(Related(beaten.span, f"`{beaten.key.value}={beaten.value}` is overridden") for beaten in restart.beaten)
    return Problem(restart.span, message, f"unit {unit.name}", related, host=unit.host, commands=tuple(_remove_files(unit.drop_ins)))


def _judge_left_as_shown(unit: Unit, shown: ShownUnit) -> Iterator[Problem]:
    """Yield an override whose file was not collected, and that `systemctl show` names among the drop-ins."""
    paths = [path for path in shown.value("DropInPaths").split() if path.endswith("/" + PACEMAKER_DROP_IN)]
    if paths and shown.value("Restart") == "no":
        actual = f"{unit.name}: Pacemaker's override `{PACEMAKER_DROP_IN}` is in force, and `Restart` is `no`"
        related = (Related(shown.properties["Restart"].span, "`Restart=no`"),)
        commands = tuple(_remove_files(paths))
        span = shown.properties["DropInPaths"].span
        yield Problem(span, f"{actual}; the drop-in must not be there", f"unit {unit.name}", related, host=unit.host, commands=commands)


def _remove_files(paths: Iterable[str]) -> Iterator[Command]:
    for path in paths:
        at = path.rfind("run/systemd/")
        if path.endswith("/" + PACEMAKER_DROP_IN) and at >= 0:
            yield Command(command("rm", "-f", "/" + path[at:]))  # to run it again does no harm
    yield Command("systemctl daemon-reload")


def _beaten(unit: Unit) -> Iterator[Problem]:
    restart = unit.settings.get("Service.Restart")
    if restart is None or restart.value == "no" or unit.type == "oneshot":
        return
    ours = next((b for b in restart.beaten if b.span.path.endswith("/" + PACEMAKER_DROP_IN)), None)
    related = () if ours is None else (Related(ours.span, f"Pacemaker's `Restart={ours.value}`"),)
    actual = f"{unit.name}: `Service.Restart` is `{restart.value}` in spite of Pacemaker's override"
    message = f"{actual}; it must be `no` while Pacemaker runs the service"
    yield Problem(restart.span, message, f"unit {unit.name}", related, host=unit.host)


def _judge_misplaced_overrides(facts: Facts) -> Iterator[Problem]:
    by_name = {(unit.host, name): unit for unit in facts.of(Unit) for name in unit.names}
    for lost in facts.of(DropInWithoutUnit):
        unit = by_name.get((lost.host, lost.intended))
        restart = unit.settings.get("Service.Restart") if unit is not None else None
        if lost.service is None or not lost.service.may_be_clustered or restart is None or restart.value == "no":
            continue
        message = (
            f"{lost.intended}: `Service.Restart` is `{restart.value}`, for systemd reads no drop-in in `{lost.name}`;"
            " it must be `no` while Pacemaker runs the service"
        )
        related = (Related(Span(lost.span.path, 0, 0), "Pacemaker's override, written to the wrong folder"),)
        yield Problem(restart.span, message, f"unit {lost.intended}", related, host=lost.host)


_LIMIT = ("Unit.StartLimitIntervalSec", "Unit.StartLimitBurst", "Service.RestartSec")
# under the name and in the section that every systemd knows: 219 of RHEL 7 does not read `StartLimitIntervalSec` in `[Unit]`
_NO_LIMIT: Mapping[str, str] = MappingProxyType({"Service.StartLimitInterval": "0"})
_OF_SYSTEMD = 2 * SECOND - SECOND // 10  # how soon a service must die for systemd's own limit: 5 starts in 10 s, one every 0.1 s
_FAILURES = ("1", "FAILURE")
_CLEAN = ("0", "SUCCESS", "HUP", "INT", "TERM", "PIPE")
_RESTARTS = ("always", "on-failure")


class StartLimitParams(Document, frozen=True):
    """`kinds` are the kinds of service that are judged."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]


class _Near(Struct, frozen=True):
    """A unit that is given up only if it dies sooner than any service was seen to."""

    unit: Unit
    place: Setting
    words: str
    explicit: bool


def _run_start_limit(facts: Facts, params: StartLimitParams) -> Iterator[Saw]:
    near: dict[tuple[str, str, str], list[_Near]] = {}
    ignored = {line.span.path: line for line in reversed(facts.of(IgnoredLine)) if line.name == "Service.StartLimitIntervalSec"}
    shortest = min((life for service in facts.services for _, life in service.lives), default=0.0)
    yield from (Unknown(because, unit.span) for because, unit in strangers(facts))
    for unit in units(facts):
        service = unit.service
        if service is None or service.kind not in params.kinds or service.may_stop or unit.load_state != LOADED or unit.type == "oneshot":
            continue
        restart = _restart(unit)
        if restart is None or managers_of(facts, unit) != SYSTEMD:
            continue
        upheld = upholding(facts, unit)
        if upheld.is_so == "unknown":
            yield Unknown(upheld.because, unit.span)
        if upheld.is_so != "no" and unit.start_limit_interval_usec is not None:
            continue
        yield from _judge_left_out(unit, restart)
        yield from _judge_hidden(unit, restart)
        if unit.restart_usec is None:
            yield _never(unit, restart)
            continue
        window = _window(unit, steps=not unit.systemd.lacks(STEPS_READ))
        misplaced = _judge_misplaced_limit(unit, ignored)
        # what starts containers may itself die at once; and a limit that was to be off is none that nobody thought of
        asks = _asks_before(unit)
        least = 0 if unit.runner or misplaced is not None or asks is not None else _shortest_life(service, facts.release.name, shortest)
        if window is not None and window <= least:
            stepless = _window(unit, steps=_counts_steps(unit))
            if stepless is not None and stepless <= least:
                continue
            window = stepless
        explicit = next((unit.settings[key] for key in _LIMIT if key in unit.settings), None)
        if explicit is None and misplaced is not None:
            yield misplaced
        elif asks is not None and window is not None:
            yield _asks_too_often(unit, asks, window)
        elif window is None or window > _OF_SYSTEMD:
            yield _ends(unit, explicit or restart, window)
        else:
            words = _within(unit, window, explicit)
            near.setdefault((unit.host, _tree(unit), words), []).append(_Near(unit, explicit or restart, words, explicit is not None))
    for alike in near.values():
        yield _may_end(alike)


def _shortest_life(service: Service, release: str | None, of_all: float) -> float:
    """Return the microseconds after its start in which no run of a service was seen to exit.

    Those `of_all` services, in seconds, count for one that was never seen to exit, or only in later releases than this one, whose programs
    take longer. They are of processor time, and so what a life takes at least. Of a release that was not watched, the nearest ones count.
    """
    lives = service.lives
    if release is not None:
        before, after = around(release, (name for name, _ in lives))
        lives = tuple(one for one in lives if one[0] in (before, after)) if before is not None else ()
    return min((life for _, life in lives), default=of_all) * SECOND


def _restart(unit: Unit) -> Setting | None:
    restart = unit.settings.get("Service.Restart")
    return restart if restart is not None and restart.value in _RESTARTS else None


def _window(unit: Unit, *, steps: bool) -> float | None:
    """Return within how many microseconds of its start a service must die to be given up (0 or less: it never is); None for any time.

    With `steps` the pauses grow as `RestartSteps=` has it (systemd 254 and later).
    """
    interval, burst = unit.start_limit_interval_usec, unit.start_limit_burst
    if interval == 0 or burst == 0:
        return 0
    if interval is None:
        return None
    pause = unit.restart_usec or 0
    pauses = [float(pause)] * burst
    if steps:
        count, most = unit.restart_steps, unit.restart_max_delay_usec
        if count and most > pause > 0:
            pauses = [min(float(most), pause * (most / pause) ** (min(n, count) / count)) for n in range(min(burst, 10_000))]
    return (interval - sum(pauses)) / burst


def _counts_steps(unit: Unit) -> bool:
    """Return whether its systemd surely knows `RestartSteps=`: where systemd itself tells of the steps, it does."""
    return unit.shown or unit.systemd.has(STEPS_READ)


def _seconds(usec: float | None) -> str:
    return "infinity" if usec is None else f"{usec / 1e6:.6g}s"


def _limit(unit: Unit) -> str:
    return f"{unit.start_limit_burst} starts in {_seconds(unit.start_limit_interval_usec)}, one every {_seconds(unit.restart_usec)}"


def _subject(unit: Unit) -> str:
    return f"unit {unit.name} start limit"


def _tree(unit: Unit) -> str:
    """Return what keeps the trees of hosts without a name apart: the path in front of the folder of all unit files."""
    return re.sub(r"(etc|run|lib|usr/lib|usr/local/lib)/systemd/.*|[^/]*$", "", unit.span.path)


def _never(unit: Unit, restart: Setting) -> Problem:
    pause = unit.settings.get("Service.RestartSec", restart)
    message = f"{unit.name}: `RestartSec` is `infinity`, so it is never restarted; it must be finite"
    return Problem(pause.span, message, _subject(unit), host=unit.host)


def _ends(unit: Unit, place: Setting, window: float | None) -> Problem:
    """Return the problem at the setting that bounds the restarts of a service that lives as long as real ones do."""
    at = [unit.settings[key] for key in _LIMIT if key in unit.settings]
    related = tuple(Related(setting.span, f"`{setting.key.value}={setting.value}`") for setting in at[1:])
    soon = "whenever it has failed so often" if window is None else f"if it dies within {_seconds(window)} of its start"
    message = (
        f"{unit.name}: the restarts end at the start limit ({_limit(unit)}) {soon};"
        " `RestartSec` times the burst must be at least the interval"
    )
    action = unit.settings.get("Unit.StartLimitAction")
    if action is not None and action.value != "none":
        message += f", or `StartLimitAction` acts (`{action.value}`)"
    return Problem(place.span, message, _subject(unit), related, host=unit.host, fix=drop_in(unit, _NO_LIMIT))


def _asks_before(unit: Unit) -> Setting | None:
    """Return the `ExecStartPre=` that fails at once while the database or the broker is away; one that waits by itself does not."""
    for entry in unit.lists.get("Service.ExecStartPre", ()):
        asks = _ASKING.search(entry.value) and ASKS.search(entry.value) and not _WAITS.search(entry.value)
        if asks and "-" not in marks_of(entry.value):
            return entry
    return None


def _asks_too_often(unit: Unit, asks: Setting, window: float) -> Problem:
    message = (
        f"{unit.name}: `ExecStartPre={asks.value}` asks for the database or the broker, and the start limit ({_limit(unit)}) gives up a"
        f" service whose start fails within {_seconds(window)}; `StartLimitIntervalSec` must be `0`"
    )
    return Problem(asks.span, message, _subject(unit), host=unit.host, fix=drop_in(unit, _NO_LIMIT))


def _within(unit: Unit, window: float, explicit: Setting | None) -> str:
    limit = f"({_limit(unit)})"
    has_steps = unit.restart_steps and unit.restart_max_delay_usec and not _counts_steps(unit)
    old = "up to systemd 253, where `RestartSteps=` does nothing, " if has_steps else ""
    if explicit is None:
        return f"no start limit is set, and systemd's own {limit} gives up a service that dies within {_seconds(window)} of its start"
    return f"{old}the start limit {limit} gives up a service that dies within {_seconds(window)} of its start"


def _may_end(alike: Sequence[_Near]) -> Problem:
    """Return one note for units of a host that are given up only if they die sooner than any service was seen to."""
    first = alike[0]
    more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    related = tuple(Related(other.place.span, f"{other.unit.name} too") for other in alike[1:])
    fixes = [fix for one in alike if one.explicit and (fix := drop_in(one.unit, _NO_LIMIT)) is not None]
    fix = Fix(fixes[0].what, tuple(change for fix in fixes for change in fix.changes)) if len(fixes) == len(alike) else None
    message = f"{first.unit.name}{more}: {first.words}; `StartLimitIntervalSec` must be `0`"
    return Problem(first.place.span, message, _subject(first.unit), related, "note", host=first.unit.host, fix=fix)


def _judge_misplaced_limit(unit: Unit, ignored: Mapping[str, IgnoredLine]) -> Problem | None:
    """Return the problem at a start limit that was written where systemd does not read it; `ignored` are such lines by their files."""
    line = min((ignored[path] for path in (unit.fragment, *unit.drop_ins) if path in ignored), key=lambda line: line.span, default=None)
    if line is None:
        return None
    actual = f"{unit.name}: `StartLimitIntervalSec={line.value}` does nothing in `[Service]`, the limit is {_limit(unit)}"
    fix = drop_in(unit, _NO_LIMIT) if line.value == "0" else None
    return Problem(line.span, f"{actual}; it must be in `[Unit]`", _subject(unit), host=unit.host, fix=fix)


def _judge_left_out(unit: Unit, restart: Setting) -> Iterator[Problem]:
    """Yield the exit statuses that do not bring the service back though they are failures, or though it leaves with them in one."""
    keys = ["RestartPreventExitStatus"]
    forced = {word for entry in unit.lists.get("Service.RestartForceExitStatus", ()) for word in entry.value.split()}
    clean = {*_CLEAN, *(f"SIG{word}" for word in _CLEAN)}
    if unit.service is not None and unit.service.leaves_with_success and restart.value == "always":
        clean -= {"0", "SUCCESS"}
    if restart.value == "on-failure":
        keys.append("SuccessExitStatus")
    for key in keys:
        for entry in unit.lists.get(f"Service.{key}", ()):
            words = [word for word in entry.value.split() if word not in clean]
            if key == "SuccessExitStatus":
                same = {"1": "FAILURE", "FAILURE": "1"}
                words = [word for word in words if word not in forced and same.get(word) not in forced]
            if not words:
                continue
            worst = next((word for word in words if word in (*_FAILURES, "0", "SUCCESS")), None)
            shown = worst or words[0]
            what = "signal" if shown.startswith("SIG") else "exit status"
            message = f"{unit.name}: it is not restarted after {what} `{shown}` (`{key}`); every failure must bring it back"
            yield Problem(entry.span, message, f"unit {unit.name} {key}", severity=None if worst else "note", host=unit.host)


def _judge_hidden(unit: Unit, restart: Setting) -> Iterator[Problem]:
    """Yield the settings that keep systemd from seeing that the service ended, or that it failed."""
    commands = unit.lists.get("Service.ExecStart", ())
    marked = next((entry for entry in commands if "-" in marks_of(entry.value)), None)
    if marked is not None and restart.value == "on-failure":
        why = (
            "`ExecStart=-` makes a success of every exit, so that `Restart=on-failure` never acts; the `-` must go, or it must be `always`"
        )
        yield Problem(marked.span, f"{unit.name}: {why}", f"unit {unit.name} ExecStart", host=unit.host)
    stays = unit.remains_after_exit
    guess = unit.settings.get("Service.GuessMainPID")
    if unit.type == "forking" and guess is not None and not unit.guesses_main_pid and "Service.PIDFile" not in unit.settings:
        if restart.value == "on-failure" or stays:
            why = (
                "`GuessMainPID=no` without a `PIDFile=` leaves systemd without a main process, whose failure it could see,"
                f" so that `Restart={restart.value}` never acts; it must be `yes`, or a `PIDFile=` be given"
            )
            yield Problem(guess.span, f"{unit.name}: {why}", f"unit {unit.name} GuessMainPID", host=unit.host)
    elif stays and unit.service is not None and unit.service.leaves_with_success:
        place = unit.settings["Service.RemainAfterExit"]
        why = "`RemainAfterExit=yes` keeps the unit active after exit status 0, with which this service was seen to leave; it must be `no`"
        yield Problem(place.span, f"{unit.name}: {why}", f"unit {unit.name} RemainAfterExit", host=unit.host)


_READS = Reads(("unit",))


class DependencyParams(Document, frozen=True):
    """`kinds` are the kinds of service that are judged, `keys` the settings of [Unit] that bind, `services` those (by their
    names in the catalogue) that must not be bound to, with `units` that the catalogue does not name."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    keys: Annotated[tuple[Dependency, ...], Meta(description="the settings of `[Unit]` that bind", min_length=1)]
    services: Annotated[tuple[ServiceName, ...], Meta(description="the services that must not be bound to")]
    units: Annotated[tuple[str, ...], Meta(description="units that must not be bound to and are not in the catalogue")] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "services", "units")


def _run_dependencies(facts: Facts, params: DependencyParams) -> Iterator[Saw]:
    titles = dict.fromkeys(params.units, "it")
    for service in facts.services:
        if service.name in params.services:
            titles.update(dict.fromkeys(service.units, service.title))
            for owner in ("tripleo_", "edpm_"):
                titles.update(dict.fromkeys((owner + container for container in service.containers), service.title))
    aliases = _aliases(facts, params)
    known = {(unit.host, name): unit for unit in facts.of(Unit) for name in (unit.name, *unit.names)}
    yield from (Unknown(because, unit.span) for because, unit in strangers(facts))
    for unit in units(facts):
        if unit.service is None or unit.service.kind not in params.kinds or unit.service.name in params.services:
            continue
        every = ChainMap(aliases.get(unit.host, {}), titles)
        for key in params.keys:
            for entry in unit.lists.get(f"Unit.{key}", ()):
                yield from _judge_bound(unit, key, entry, every)
                yield from _over_others(unit, key, entry, every, known, params.keys)
        yield from _over_slices(unit, every, known, params.keys)
        yield from _conditions(unit)
    yield from _from_the_other_side(facts, params)


def _aliases(facts: Facts, params: DependencyParams) -> dict[str, dict[str, str]]:
    """Return the names of each host's units that must not be bound to, aliases of its own among them, with what they run."""
    found: dict[str, dict[str, str]] = {}
    for unit in facts.of(Unit):
        if unit.service is not None and unit.service.name in params.services:
            names = (name[: -len(".service")] for name in unit.names if name.endswith(".service"))
            found.setdefault(unit.host, {}).update(dict.fromkeys(names, unit.service.title))
    return found


def _title(word: str, titles: Mapping[str, str]) -> str | None:
    """Return what the unit called `word` runs, if it is one that must not be bound to."""
    name = word[: -len(".service")] if word.endswith(".service") else word
    base = name.partition("@")[0]
    return titles.get(name) or titles.get(base) or titles.get(re.sub(r"-\d+(\.\d+)?$", "", base))


def _judge_bound(unit: Unit, key: str, entry: Setting, titles: Mapping[str, str]) -> Iterator[Problem]:
    for match in re.finditer(r"\S+", entry.value):
        word = match[0]
        title = _title(word, titles)
        if title is not None:
            does = _does(unit, key, word)
            message = f"{unit.name}: `Unit.{key}` names `{word}`, so that it {does}; the service must start and run without {title}"
            yield Problem(_place(entry, match), message, f"unit {unit.name} {key} {word}", host=unit.host)


def _does(unit: Unit, key: str, word: str) -> str:
    ordered, alone = _DOES.get(key, ("is bound to it", "is bound to it"))
    after = {name for entry in unit.lists.get("Unit.After", ()) for name in entry.value.split()}
    return ordered if unit.shown or word in after else alone


def _over_others(
    unit: Unit, key: str, entry: Setting, titles: Mapping[str, str], known: Mapping[tuple[str, str], Unit], keys: tuple[str, ...]
) -> Iterator[Problem]:
    """Yield the problems of targets and helpers that the unit is bound to and that are bound to a unit that must not be."""
    if key == "Conflicts":
        return
    for match in re.finditer(r"\S+", entry.value):
        if _title(match[0], titles) is not None:
            continue
        found = _through(known.get((unit.host, match[0])), titles, known, keys, {unit.name, match[0]})
        if found is not None:
            yield _bound_through(unit, f"Unit.{key}", match[0], found, _place(entry, match))


def _bound_through(unit: Unit, key: str, word: str, found: tuple[str, str, str], place: Span) -> Problem:
    inner, other, title = found
    how = f"names `{word}`, which `{inner}={other}` binds: it is stopped with {'it' if title == 'it' else title}"
    message = f"{unit.name}: `{key}` {how}; the service must start and run without {title}"
    return Problem(place, message, f"unit {unit.name} {key.rpartition('.')[2]} {word}", host=unit.host)


def _over_slices(unit: Unit, titles: Mapping[str, str], known: Mapping[tuple[str, str], Unit], keys: tuple[str, ...]) -> Iterator[Problem]:
    """Yield the problem of a slice, or one around it, that is bound to a unit that must not be: a unit requires the slice that it is in.

    Source: systemd.resource-control(5), "Automatic Dependencies", and systemd.slice(5); `systemctl show` of systemd 252.
    """
    inside = unit.settings.get("Service.Slice")
    if inside is None or "Requires" not in keys:
        return
    parts = inside.value.removesuffix(".slice").split("-")
    for count in range(len(parts), 0, -1):
        name = "-".join(parts[:count]) + ".slice"
        found = _through(known.get((unit.host, name)), titles, known, keys, {unit.name, name})
        if found is not None:
            yield _bound_through(unit, "Service.Slice", name, found, inside.span)
            return


def _through(
    other: Unit | None, titles: Mapping[str, str], known: Mapping[tuple[str, str], Unit], keys: tuple[str, ...], seen: set[str]
) -> tuple[str, str, str] | None:
    """Return the key, the unit and the title of what a unit that runs no service of its own is bound to, over others too."""
    if other is None or other.service is not None or len(seen) > _MOST_HOPS + 1:
        return None
    for key in keys:
        if key == "Conflicts":
            continue
        for entry in other.lists.get(f"Unit.{key}", ()):
            for word in entry.value.split():
                title = _title(word, titles)
                if title is not None:
                    return key, word, title
                if word not in seen:
                    found = _through(known.get((other.host, word)), titles, known, keys, {*seen, word})
                    if found is not None:
                        return found
    return None


def _from_the_other_side(facts: Facts, params: DependencyParams) -> Iterator[Problem]:
    """Yield what the units of the database or the broker do to services: `PropagatesStopTo=`, `Conflicts=`."""
    judged = {
        (unit.host, name): unit
        for unit in units(facts)
        if unit.service is not None and unit.service.kind in params.kinds and unit.service.name not in params.services
        for name in (unit.name, *unit.names)
    }
    for other in units(facts):
        is_theirs = other.service is not None and other.service.name in params.services
        if not is_theirs and _title(other.name, dict.fromkeys(params.units, "it")) is None:
            continue
        for key in ("PropagatesStopTo", "Conflicts"):
            for entry in other.lists.get(f"Unit.{key}", ()):
                for match in re.finditer(r"\S+", entry.value):
                    unit = judged.get((other.host, match[0]))
                    if unit is not None:
                        what = f"`Unit.{key}` of {other.name} names it, so that it {_DOES[key][0]}"
                        title = other.service.title if other.service is not None else "it"
                        message = f"{unit.name}: {what}; the service must start and run without {title}"
                        yield Problem(_place(entry, match), message, f"unit {unit.name} {key} {other.name}", host=unit.host)


def _conditions(unit: Unit) -> Iterator[Problem]:
    """Yield the conditions that ask for the database or the broker: a unit that is skipped for one is never tried again."""
    for name, entries in unit.lists.items():
        section, _, key = name.partition(".")
        if name != "Service.ExecCondition" and not (section == "Unit" and key.startswith(("Condition", "Assert"))):
            continue
        for entry in entries:
            if not ASKS.search(entry.value) or (section == "Unit" and not _STATE.match(entry.value)):
                continue
            so = "the start fails" if key.startswith("Assert") else "the unit is skipped"
            message = (
                f"{unit.name}: `{key}={entry.value}` asks for the database or the broker, and where the answer is no, {so} and"
                " `Restart=` never tries again; `ExecStartPre=` is tried again"
            )
            yield Problem(entry.span, message, f"unit {unit.name} {key}", severity="warning", host=unit.host)


def _place(entry: Setting, word: re.Match[str]) -> Span:
    """Return the span of one word of an entry; of the entry where specifiers (`%i`) or a link stand for the word."""
    if entry.span.end - entry.span.start != len(entry.value):
        return entry.span
    return Span(entry.span.path, entry.span.start + word.start(), entry.span.start + word.end())


_RUNS = ("active", "activating", "reloading")
_NOT_AT_BOOT = ("disabled", "enabled-runtime", "linked", "linked-runtime", "transient", "bad")
_WANTS = ("Wants", "Requires", "Requisite", "BindsTo", "Upholds")
_WANTED_BY = ("WantedBy", "RequiredBy", "BoundBy", "UpheldBy", "TriggeredBy")
_PACEMAKER = ("pacemaker.service", "pacemaker_remote.service")


class RunningParams(Document, frozen=True):
    """The `kinds` of services that are judged, those of the cluster and OpenStack's only, but those with the names `but`, and those that
    may miss a boot by the catalogue."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    but: Annotated[tuple[ServiceName, ...], Meta(description="services that are not judged, besides those that the catalogue excuses")] = ()


def _run(facts: Facts, params: RunningParams) -> Iterator[Saw]:
    shown = {(unit.host, unit.name): unit for unit in facts.of(ShownUnit)}
    wanted = _find_wanted(facts)
    without_cib = set() if facts.of(Cluster) else _with_pacemaker(facts)
    for unit in _candidates(facts, params):
        told = shown.get((unit.host, unit.name))
        if told is not None and any(told.value(name) for name in _WANTED_BY):
            continue
        if any((unit.host, name) in wanted for name in (unit.name, *unit.names)) or _is_triggered(unit, shown, facts):
            continue
        manager = managers_of(facts, unit)
        if manager == UNKNOWN or unit.host in without_cib:
            yield Unknown(f"no CIB was given that shows whether Pacemaker runs {unit.name}", unit.span)
        elif manager == SYSTEMD:
            yield _problem(unit, told)


def _candidates(facts: Facts, params: RunningParams) -> Iterator[Unit]:
    """Yield the units of services that run and whose own links start them no more, those without a file among what was given too."""
    found = list(units(facts))
    there = {(unit.host, name) for unit in found if unit.load_state != NOT_FOUND for name in (*unit.names, unit.name)}
    for shown in facts.of(ShownUnit):
        if (shown.host, shown.name) not in there and shown.service is not None and shown.value("LoadState") in ("", LOADED):
            state, kind = shown.value("UnitFileState") or "unknown", shown.value("Type")
            active = shown.value("ActiveState")
            unit = Unit(shown.name, shown.span, shown.host, enabled=state, names=(shown.name,), active=active, type=kind)
            found.append(replace(unit, service=shown.service))
    for unit in found:
        service = unit.service
        if service is None or service.kind not in params.kinds or service.name in params.but or unit.template or unit.type == "oneshot":
            continue
        if service.may_miss_boot:
            continue
        if unit.load_state == LOADED and unit.active in _RUNS and unit.enabled in (*_NOT_AT_BOOT, "static"):
            yield unit


def _find_wanted(facts: Facts) -> set[tuple[str, str]]:
    """Return the host and name of every unit that another one starts, unless that one is itself not started at boot."""
    found = set()
    for unit in facts.of(Unit):
        if unit.enabled not in _NOT_AT_BOOT:
            entries = [entry for key in _WANTS for entry in unit.lists.get(f"Unit.{key}", ())]
            found |= {(unit.host, word) for entry in entries for word in entry.value.split() if word != unit.name}
    return found


def _is_triggered(unit: Unit, shown: dict[tuple[str, str], ShownUnit], facts: Facts) -> bool:
    """Return whether a socket, timer or path of the unit's name is there, which may start it."""
    base = unit.name.rpartition(".")[0]
    names = [(unit.host, f"{base}.{kind}") for kind in ("socket", "timer", "path")]
    return any(name in shown or name in facts.derived(_names) for name in names)


def _names(facts: Facts) -> set[tuple[str, str]]:
    return {(unit.host, unit.name) for unit in facts.of(Unit)}


def _with_pacemaker(facts: Facts) -> set[str]:
    """Return the hosts that have Pacemaker, which may run any unit of theirs."""
    files = {unit.host for unit in facts.of(Unit) if unit.name in _PACEMAKER and unit.load_state == LOADED and unit.enabled != "disabled"}
    return files | {unit.host for unit in facts.of(ShownUnit) if unit.name in _PACEMAKER and unit.value("ActiveState") in _RUNS}


def _problem(unit: Unit, told: ShownUnit | None) -> Problem:
    state = told.properties.get("UnitFileState") if told is not None else None
    active = told.properties.get("ActiveState") if told is not None else None
    place = active.span if active is not None else unit.span
    related = (Related(state.span, f"its file is `{state.value}`"),) if state is not None else ()
    actual = f"the unit is `{unit.active}`, and its file is `{unit.enabled}`, so that it is gone after the next boot"
    message = f"{unit.name}: {actual}; it must be `enabled`"
    mend = (Command(command("systemctl", "enable", unit.name)),) if unit.enabled not in ("static", "transient", "bad") else ()
    return Problem(place, message, f"unit {unit.name}", related, host=unit.host, commands=mend)


def _evidence_at_boot(facts: Facts, params: RunningParams) -> str | None:
    if any(unit.active for unit in facts.of(Unit)) or any(unit.value("ActiveState") for unit in facts.of(ShownUnit)):
        return None
    return "no output of `systemctl show` or `systemctl list-units` was given"


_NO_STATES = "no output of `systemctl show` or `systemctl list-units` was given"
_RELOAD = Command("systemctl daemon-reload")
_DROP_INS = "DropInPaths"
_NOT_KNOWN = -1
_SECOND = 1_000_000
_TIMES = MappingProxyType(
    {"us": 1, "ms": 1000, "s": _SECOND, "min": 60 * _SECOND, "h": 3600 * _SECOND, "d": 86400 * _SECOND, "w": 604800 * _SECOND,
     "month": 2629800 * _SECOND, "y": 31557600 * _SECOND}
)  # fmt: skip


def _units(facts: Facts) -> dict[tuple[str, str], Unit]:
    return {(unit.host, name): unit for unit in facts.of(Unit) for name in (*unit.names, unit.name)}


def _run_reloaded(facts: Facts, _: NoParams) -> Iterator[Saw]:
    units = _units(facts)
    for shown in facts.of(ShownUnit):
        unit = units.get((shown.host, shown.name))
        if shown.listed or shown.service is None or unit is None or shown.value("LoadState") not in (LOADED, MASKED):
            continue
        reload = shown.properties.get("NeedDaemonReload")
        if reload is not None and reload.value == "yes":
            message = f"{shown.name}: `NeedDaemonReload` is `yes`, so that systemd goes by older files than these; it must be `no`"
            yield Problem(reload.span, message, f"unit {shown.name}", host=shown.host, commands=(_RELOAD,))
        else:
            yield from _differences(shown, unit)


def _differences(shown: ShownUnit, unit: Unit) -> Iterator[Saw]:
    if unit.load_state not in (LOADED, MASKED) or unit.override is not None or PACEMAKER_DROP_IN in shown.value("DropInPaths"):
        return  # Pacemaker writes and removes its override at any time, between two files of a report too
    lost = _not_collected(shown, unit)
    if lost:
        yield Unknown(f"`{lost}` of {shown.name} was not collected", shown.span)
        return
    pairs = [("LoadState", unit.load_state, unit.span)]
    if unit.load_state == LOADED == shown.value("LoadState"):
        pairs += _values(shown, unit)
    told = False
    for name, expected, place in pairs:
        found = shown.properties.get(name)
        if found is not None and found.value and found.value != expected:
            told = True
            yield _differs(
                shown, found, f"`{name}` is `{found.value}` in systemd and `{expected}` by its files; it must be the same", place
            )
    drop_ins = shown.properties.get(_DROP_INS)
    if drop_ins is not None and not told:
        for path, place in _unread(shown, unit):
            yield _differs(shown, drop_ins, f"systemd has not read `{path}`, which is not one of its `{_DROP_INS}`; it must be", place)


def _differs(shown: ShownUnit, found: Text, said: str, place: Span) -> Problem:
    related = (Related(place, "by its files"),)
    return Problem(found.span, f"{shown.name}: {said}", f"unit {shown.name}", related, host=shown.host, commands=(_RELOAD,))


def _values(shown: ShownUnit, unit: Unit) -> Iterator[tuple[str, str, Span]]:
    """Yield the properties whose value the files of a unit tell: name, value, where it is set. A time is as systemd shows it."""
    restart = unit.settings.get("Service.Restart")
    yield "Restart", restart.value if restart is not None else "no", restart.span if restart is not None else unit.span
    times = (
        ("Service.RestartSec", ("RestartUSec",), unit.restart_usec),
        (
            "Unit.StartLimitIntervalSec",
            ("StartLimitIntervalUSec", "StartLimitIntervalSec", "StartLimitInterval"),
            unit.start_limit_interval_usec,
        ),
    )
    for key, names, usec in times:
        setting, found = unit.settings.get(key), [name for name in names if shown.value(name)]
        if setting is not None and found and _usec(shown.value(found[0])) not in (usec, _NOT_KNOWN):
            yield found[0], setting.value, setting.span
    burst = unit.settings.get("Unit.StartLimitBurst")
    if burst is not None and shown.value("StartLimitBurst") != str(unit.start_limit_burst):
        yield "StartLimitBurst", burst.value, burst.span


def _usec(text: str) -> int | None:
    """Return a time span as `systemctl show` prints it in microseconds: `1min 30s`, `100ms`, `0`, or the bare number; None for never."""
    if text == "infinity" or text == str(2**64 - 1):
        return None
    told = whole(text)
    if told is not None:
        return told
    parts = [re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|min|h|d|w|month|y)", part) for part in text.split()]
    known = [round(float(part[1]) * _TIMES[part[2]]) for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else _NOT_KNOWN


def _unread(shown: ShownUnit, unit: Unit) -> Iterator[tuple[str, Span]]:
    """Yield the drop-ins of the unit's own folder that systemd does not have among those that it goes by."""
    paths = {path.rpartition("/")[2] for path in shown.value(_DROP_INS).split()}
    settings = {setting.span.path: setting.span for setting in unit.settings.values()}
    for path in unit.drop_ins:
        folder, _, name = path.rpartition("/")
        if path in settings and folder.endswith(f"/{shown.name}.d") and name not in paths:
            at = re.search(r"(?:etc|run|lib|usr/lib|usr/local/lib)/systemd/.*", path)
            yield f"/{at[0]}" if at else path, settings[path]


def _not_collected(shown: ShownUnit, unit: Unit) -> str:
    """Return a file that systemd goes by and that is not among those of the unit; empty if there is none."""
    ours = [path for path in (unit.fragment, *unit.drop_ins) if path]
    paths = [path for path in (shown.value("FragmentPath"), *shown.value("DropInPaths").split()) if path]
    if shown.value("LoadState") == MASKED or unit.load_state == MASKED:
        return ""
    return next((path for path in paths if not any(mine.endswith(_merge_usr(path)) or mine.endswith(path) for mine in ours)), "")


def _merge_usr(path: str) -> str:
    return "/usr" + path if path.startswith("/lib/") else path


def _run_beside(facts: Facts, _: NoParams) -> Iterator[Saw]:
    found = cibs(facts)
    for shown in facts.of(ShownUnit):
        service = shown.service
        active = shown.properties.get("ActiveState")
        if service is None or active is None or active.value != "active" or not service.may_be_clustered:
            continue
        name = shown.name.removesuffix(".service")
        leaves = list(_leaves(_of_host(found, shown.host), service))
        if name in service.units:
            if leaves and not any(leaf.unit for leaf in leaves):
                yield _say_beside(shown, leaves[0], active.span)
        elif find_container(name) is not None and leaves and not is_beside_by_design(name) and all(leaf.unit != name for leaf in leaves):
            yield _say_beside(shown, leaves[0], active.span)
    yield from _containers_beside(facts, found)
    if not any("ActiveState" in shown.properties for shown in facts.of(ShownUnit)):
        yield Unknown(_NO_STATES)


def _of_host(found: list[Cib], host: str) -> list[Cib]:
    return [cib for cib in found if cib.cluster.host == host] or found


def _leaves(found: list[Cib], service: Service) -> Iterator[Resource]:
    return (leaf for cib in found for leaf in cib.running(service.name))


def _containers_beside(facts: Facts, found: list[Cib]) -> Iterator[Saw]:
    """Yield the containers that run a service of the cluster's, and that are none of the cluster's own."""
    units = {(unit.host, find_container(unit.name)): unit.name for unit in facts.of(Unit) if unit.load_state == LOADED}
    hosts = units_of_hosts(facts)
    for container in facts.of(HostContainer):
        service = container.service
        if service is None or not service.may_be_clustered or container.bundle or container.ends:
            continue
        own = [] if is_beside_by_design(container.called) else _of_host(found, container.host)
        leaf = next(_leaves(own, service), None)
        policy = container.policy.value if container.policy is not None and container.engine == DOCKER else ""
        by_name = any(runs_container(cib, container) for cib in own)
        if leaf is None or by_name or not (container.running or policy in FOREVER):
            continue
        how = f"`{leaf.agent}`" if leaf.agent else f"a {leaf.form}"
        does = "it is running" if container.running else f"docker starts it by its policy `{policy}`"
        message = f"container `{container.name}`: {does}, and the cluster runs the service as {how}; it must not be there"
        related = (Related(leaf.span, f"the resource `{leaf.name}`"),)
        subject = f"container {container.called}"
        mend = _stop(container, leaf, units.get((container.host, container.called), ""))
        remedy = _REMOVE.format(name_unit(hosts.get(container.host)))
        yield Problem(container.span, message, subject, related, remedy=remedy, host=container.host, commands=mend)


def _stop(container: HostContainer, leaf: Resource, unit: str) -> tuple[Command, ...]:
    """Return what keeps a container down; nothing for one of podman's that no `unit` starts, as it has to be removed."""
    if container.engine != DOCKER:
        return (Command(command("systemctl", "disable", "--now", unit)), _cleanup(leaf)) if unit else ()
    never = Command(command("docker", "update", "--restart=no", container.name))
    return (never, Command(command("docker", "stop", container.name)), _cleanup(leaf))


def _cleanup(leaf: Resource) -> Command:
    """Return what has Pacemaker try again: run on the host after what stood in its way is gone, not once in the cluster before."""
    return Command(command("pcs", "resource", "cleanup", leaf.name))


def _say_beside(shown: ShownUnit, leaf: Resource, place: Span) -> Problem:
    how = f"`{leaf.agent}`" if leaf.agent else f"a {leaf.form}"
    message = f"{shown.name}: the unit is `active` in systemd, and the cluster runs the service as {how}; it must be `inactive`"
    related = (Related(leaf.span, f"the resource `{leaf.name}`"),)
    mend = (Command(command("systemctl", "disable", "--now", shown.name)), _cleanup(leaf))
    return Problem(place, message, f"unit {shown.name}", related, host=shown.host, commands=mend)


_REMOVE = (
    "Where there is a unit of it, run `systemctl disable --now {}`; then `podman rm -f NAME` (with docker"
    " `docker rm -f NAME`) and `pcs resource cleanup ID`."
)


def _evidence_beside(facts: Facts, _: NoParams) -> str | None:
    if any("ActiveState" in shown.properties for shown in facts.of(ShownUnit)) or facts.of(HostContainer):
        return None
    return _NO_STATES


def _evidence_reloaded(facts: Facts, _: NoParams) -> str | None:
    return None if any(not shown.listed for shown in facts.of(ShownUnit)) else "no output of `systemctl show` was given"


_READS_RUNNING = Reads(("systemctl", "container"), of="audit")


CHECKS = (
    Check("setting-without-effect", _run_lines, _evidence, LineParams, _READS),
    Check("pacemaker-override", _run_override, needs(Unit, "no systemd unit was given"), OverrideParams, _READS),
    Check(
        "restart-that-gives-up",
        judge_each_systemd(_run_start_limit),
        lambda facts, params: lacking_units(facts, params.kinds),
        StartLimitParams,
        _READS,
    ),
    Check(
        "hard-dependency-on-database-or-broker",
        judge_each_systemd(_run_dependencies),
        lambda facts, params: lacking_units(facts, params.kinds),
        DependencyParams,
        Reads(("unit",)),
    ),
    Check("service-lost-at-boot", _run, _evidence_at_boot, RunningParams, _READS_RUNNING),
    Check("unit-not-reloaded", _run_reloaded, _evidence_reloaded, NoParams, _READS_RUNNING),
    Check("service-beside-the-cluster", _run_beside, _evidence_beside, NoParams, _READS_RUNNING),
)
