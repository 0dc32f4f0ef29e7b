"""Who runs what on one cluster: each service with its manager, where it runs, and the commands for it, by the facts of the hosts.

What is asked of the facts of a host, and of what the audit found, is put in order by name first, once.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, takewhile
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lwlint.audit.answer import NOT_APPLICABLE, ClusterAnswer, Found, Ordering, Place, place, show_message
from lwlint.audit.clusters import Host
from lwlint.audit.report_layout import PACKAGES
from lwlint.audit.targets import LONE_CIB
from lwlint.checks.containers import BY_SYSTEMD, ENGINE, Starter, starter_of, units_of_hosts
from lwlint.core.facts import Service
from lwlint.core.finding import CLUSTER, EACH, NOT_EVALUATED
from lwlint.core.harmless import command
from lwlint.core.observed import UNDER
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source, Span
from lwlint.inputs.containers.facts import DOCKER, PODMAN, HostContainer
from lwlint.inputs.oslo.facts import Option, OptionFiles
from lwlint.inputs.pacemaker.facts import BUNDLE, GROUP, ORDER, PRIMITIVE, PROMOTABLE, Resource, ResourceStatus
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.systemd.facts import LOADED, MASKED, NOT_FOUND, Unit
from lwlint.inputs.systemd.programs import ENGINES
from lwlint.policy.redaction import Redaction

# the rules whose finding says that something is not brought back, whatever else is right
_NOT_RESTARTED = frozenset((
    "unit-not-restarted", "pacemaker-override-left", "restart-that-gives-up", "unit-masked", "unit-refused", "container-not-brought-back",
    "container-restart-that-gives-up", "core-resource-disabled", "core-resource-unmanaged", "core-resource-unwatched",
))  # fmt: skip
_MOST_AFTER = 100  # resources that stop with one, at which the search for more ends


_T = TypeVar("_T")


class HostFacts:
    """The facts of one host, by what they are asked for."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.label = host.label
        self.facts = host.reading.facts
        self.units = units_of_hosts(self.facts).get(host.label)
        self.cibs = cibs(self.facts)
        self._sets: dict[str, list[OptionFiles]] = {}

    def sets(self, service: Service) -> list[OptionFiles]:
        """Return the sets of option files that the service reads, of those that were read."""
        if service.name not in self._sets:
            self._sets[service.name] = [one for one in self.facts.of(OptionFiles) if service.name in one.services and one.read]
        return self._sets[service.name]

    def find_loaded(self, unit: str) -> Sequence[Unit]:
        """Return the units of this name (without `.service`) that are loaded."""
        return self._loaded.get(f"{unit}.service", ()) if unit else ()

    def status(self, leaf: Resource, top: Resource) -> list[ResourceStatus]:
        """Return how the status of the cluster shows a resource: by its own name, in a bundle by that too."""
        names = (leaf.name, top.name) if top.form == BUNDLE and top.name != leaf.name else (leaf.name,)
        found = sorted(each for name in names for each in self._status.get(name, ()))
        return [self.facts.of(ResourceStatus)[number] for number in found]

    def replicas(self, top: Resource) -> Sequence[HostContainer]:
        """Return the containers of a bundle."""
        return self._bundled.get(top.name, ()) if top.form == BUNDLE else ()

    def find_started_by(self, unit: str) -> Sequence[HostContainer]:
        """Return the containers that a unit starts."""
        return self._started.get(unit, ())

    def starter(self, container: HostContainer) -> Starter:
        """Return who brings a container back."""
        return starter_of(container, self.units, self.cibs)

    @cached_property
    def in_cluster(self) -> set[str]:
        """The ids of what runs in the cluster."""
        return {leaf.name for cib in self.cibs for leaf in cib.leaves()}

    @cached_property
    def _loaded(self) -> Mapping[str, list[Unit]]:
        units = (unit for unit in self.facts.of(Unit) if unit.load_state == LOADED)
        return _group((name, unit) for unit in units for name in dict.fromkeys((unit.name, *unit.names)))

    @cached_property
    def _status(self) -> Mapping[str, list[int]]:
        return _group((one.name, number) for number, one in enumerate(self.facts.of(ResourceStatus)))

    @cached_property
    def _bundled(self) -> Mapping[str, list[HostContainer]]:
        return _group((one.bundle, one) for one in self.facts.of(HostContainer) if one.bundle)

    @cached_property
    def _started(self) -> Mapping[str, list[HostContainer]]:
        starters = ((self.starter(one), one) for one in self.facts.of(HostContainer))
        return _group((starter.unit, one) for starter, one in starters if starter.who == BY_SYSTEMD)


def _group(pairs: Iterable[tuple[str, _T]]) -> dict[str, list[_T]]:
    found: dict[str, list[_T]] = {}
    for name, one in pairs:
        found.setdefault(name, []).append(one)
    return found


class Findings:
    """What the audit found, by the subject that is blamed."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = found
        self._not_restarted = _group((one.subject, number) for number, one in enumerate(found) if one.rule in _NOT_RESTARTED)
        self._by_rule = _group((one.rule, one) for one in found)
        told = [(one.subject, number) for number, one in enumerate(found) if one.allowed is None]
        self._subjects = _group(told)
        self._sorted = sorted(self._subjects)

    def of_rule(self, rule: str) -> Sequence[Found]:
        """Return what one rule found."""
        return self._by_rule.get(rule, ())

    def not_restarted(self, subjects: Iterable[str]) -> list[Found]:
        """Return what says of one of the subjects that nothing brings it back."""
        numbers = sorted(number for subject in subjects for number in self._not_restarted.get(subject, ()))
        return [self._found[number] for number in numbers]

    def about(self, subjects: Iterable[str]) -> list[Found]:
        """Return what was found of just these subjects, or of a setting of theirs (`unit a.service`, `unit a.service Restart`)."""
        wanted = {each for subject in subjects for each in (subject, *self._settings_of(subject))}
        return [self._found[number] for number in sorted(number for each in wanted for number in self._subjects.get(each, ()))]

    def _settings_of(self, subject: str) -> Iterator[str]:
        begin = f"{subject} "
        at = bisect_left(self._sorted, begin)
        return takewhile(lambda other: other.startswith(begin), islice(self._sorted, at, None))


class After:
    """What stops when a resource does, by the mandatory orders of a CIB that hold for stops too."""

    def __init__(self, orders: Ordering, cib: Cib) -> None:
        starts_only = {mask_secrets(one.name) for one in cib.constraints if one.type == ORDER and not one.symmetrical}
        binding = (step for step in orders.steps if step.is_mandatory and step.constraint not in starts_only)
        self._steps = {first: dict.fromkeys(then) for first, then in _group((step.first, step.then) for step in binding).items()}
        self._places = {one.name: number for number, one in enumerate(orders.resources)}

    def of(self, name: str) -> tuple[list[str], bool]:
        """Return what stops with the resource `name`, in the order of the CIB, and whether that is all of it."""
        seen: dict[str, None] = {}
        todo = [name]
        while todo:
            for then in self._steps.get(todo.pop(), ()):
                if then not in seen:
                    if len(seen) == _MOST_AFTER:
                        return self._order(seen, name), False
                    seen[then] = None
                    todo.append(then)
        return self._order(seen, name), True

    def _order(self, seen: Iterable[str], name: str) -> list[str]:
        return sorted((each for each in seen if each in self._places and each != name), key=self._places.__getitem__)


PACEMAKER, SYSTEMD = "pacemaker", "systemd"
YES, NO, UNKNOWN, ONCE = "yes", "no", "not known", "runs once"
PCS, CRM = "pcs", "crm"
SEE, RESTART, STOP, START, LOG = "see", "restart", "stop", "start", "log"
RESTARTS, DATABASE, BROKER = "restarts", "database", "broker"
SERVERS: Mapping[str, str] = {DATABASE: "galera", BROKER: "rabbitmq"}  # the service that runs each
MOD_WSGI = "mod_wsgi"
NOT_UP = "it does not run, and a test would leave it started"

_RESTARTING = ("always", "on-failure")
_DATABASE_RULE, _BROKER_RULE = "finite-database-retries", "finite-broker-retries"
_MAX = re.compile(r"(?:sql_)?max_retries")
_ENDS = ("-clone", "-master", "-bundle")
_FRONTS = ("tripleo-", "openstack-")
_CRM = re.compile(r"^(?:ii\s+)?crmsh[-\s]", re.MULTILINE)
_PCS = re.compile(r"^(?:ii\s+)?pcs[-\s]", re.MULTILINE)


_NAMED = 4  # dependent resources that are named; more are counted
_CARRIES = {
    "pacemaker": "its stop stops or moves every resource of the node",
    "corosync": "its stop takes the node out of the cluster, and stops or moves every resource of the node",
    "docker": "its restart may stop every container of the node",
}


class Action(Struct, frozen=True):
    """What to do, and by which command; `on` is where it is run: CLUSTER (once, on any node), EACH, or the name of a host."""

    does: str
    on: str
    line: str


class At(Struct, frozen=True):
    """What is known of a service on one host: `state` in the words of its manager (`Promoted`, `active, enabled`)."""

    host: str
    state: str


class Judged(Struct, frozen=True):
    """What a failure comes to: `about` RESTARTS, DATABASE or BROKER, `answer` YES, NO, UNKNOWN or ONCE, what `says` so, and where."""

    about: str
    answer: str
    says: str
    hosts: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


class Run(Struct, frozen=True):
    """One service as one manager runs it. `thing` is the resource, unit or container; `form` how many of it there are.

    `service` is its name in the catalogue, `others` are names by which it is known besides. `options` are its option files, `evidence` is
    where it is configured, `findings` what the audit found of just this thing, as code and message.
    """

    service: str
    title: str
    kind: str
    project: str
    manager: str
    thing: str
    form: str = ""
    others: tuple[str, ...] = ()
    at: tuple[At, ...] = ()
    actions: tuple[Action, ...] = ()
    options: tuple[Place, ...] = ()
    judged: tuple[Judged, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    evidence: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()


class Way(Struct, frozen=True):
    """What a failure test must know of a service besides its `Run`.

    `under` is the web server that its program runs in, empty for none, None where nothing tells. `stops_with` names the resources with
    whose stop Pacemaker stops it too, `down` says why it is not to be stopped and started; both are empty where that is not so.
    """

    under: str | None = ""
    stops_with: tuple[str, ...] = ()
    down: str = ""


class Runbook(Struct, frozen=True):
    """The services of one cluster; `tool` is the command for its resources, `tool_because` what tells."""

    name: str
    clustered: bool
    hosts: tuple[str, ...]
    runs: tuple[Run, ...]
    tool: str = PCS
    tool_because: str = ""
    absent: tuple[str, ...] = ()


class Writer:
    """Makes the runbook of one cluster of its hosts' facts and of what the audit found."""

    def __init__(self, cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> None:
        self._cluster = cluster
        self._hosts = [HostFacts(h) for h in hosts]
        self._host = {h.label: h for h in self._hosts}
        self._findings = Findings(cluster.found)
        self._sources = {**{path: s for h in hosts for path, s in h.reading.input.sources.items()}, **sources}
        self._labels = [h.label for h in hosts]
        self._shown = {h.label: h.seat.target.path for h in hosts if h.seat.capture.form == LONE_CIB}
        self._redaction = Redaction(self._sources)
        self.tool, self.because = _tool(hosts)
        self._retried: dict[tuple[str, str, str], tuple[str, str, tuple[Place, ...]]] = {}
        self._ways: dict[tuple[str, str, str], Way] = {}

    def runbook(self) -> Runbook:
        """Return the runbook: what Pacemaker runs first, then the services by title."""
        runs = [*self._resources(), *self._units(), *self._containers(), *self._in_httpd()]
        runs.sort(key=lambda run: (run.manager != PACEMAKER, run.title.removeprefix("openstack-"), run.thing))
        hosts = tuple(label for label in self._labels if label not in self._shown)
        cluster = self._cluster
        return Runbook(cluster.name, cluster.clustered, hosts, tuple(runs), self.tool, self.because, cluster.absent)

    def ways(self, runs: Iterable[Run]) -> tuple[Way, ...]:
        """Return of each of the runs that `runbook` returned what a failure test must know besides, in their order."""
        return tuple(self._ways.get((run.manager, run.service, run.thing), Way()) for run in runs)

    def _place(self, span: Span) -> Place:
        return place(span, self._sources, self._shown, self._labels, self._redaction)

    def _places(self, spans: Iterable[Span]) -> tuple[Place, ...]:
        return tuple(dict.fromkeys(self._place(span) for span in spans))

    def _run(self, service: Service, manager: str, thing: str, way: Way, **more: object) -> Run:
        self._ways[manager, service.name, mask_secrets(thing)] = way
        project = service.modules[0] if service.openstack and service.modules else ""
        base = replace(Run(service.name, service.title, service.kind, project, manager, mask_secrets(thing)), **more)
        if not _is_option(thing):
            return base
        return replace(base, actions=(), notes=(*base.notes, "its name is an option to every command, so that none is given"))

    # what Pacemaker runs

    def _resources(self) -> Iterator[Run]:
        first = next((h for h in self._hosts if h.cibs), None)
        if first is None:
            return
        cib = first.cibs[0]
        done: set[tuple[str, str]] = set()
        stopping = After(self._cluster.ordering, cib)
        servers = _servers(cib)
        for leaf in cib.leaves():
            service = cib.service(leaf)
            top = cib.top(leaf)
            thing = leaf if top.form == GROUP else top
            if service is None or (service.name, thing.name) in done:
                continue
            done.add((service.name, thing.name))
            unit = leaf.unit
            where = tuple(_status(first.status(leaf, top)))
            if not where and unit:
                where = tuple(self._unit_states(unit))
            subjects = {f"resource {leaf.name}", f"resource {top.name}"}
            notes = [f"runs in the group `{top.name}`: what stands behind it there stops and starts with it"] if top.form == GROUP else []
            once = service.once or any(one.runs_once for h in self._hosts for one in h.find_loaded(unit))
            if once:
                notes.append("runs once at boot; its stop undoes what it did, so it must not be stopped or restarted")
            if leaf.agent == "ocf:pacemaker:remote":
                notes.append("it is the connection to a remote node: its stop takes that node out of the cluster")
            after, whole = ([], True) if once else stopping.of(top.name)
            if after:
                more = f" and {'' if whole else 'at least '}{len(after) - _NAMED} more" if len(after) > _NAMED else ""
                notes.append(f"its stop and its restart take down what is ordered after it: {', '.join(after[:_NAMED])}{more}")
            if not where:
                notes.append("where it runs is not known: no status of the cluster is in what was given")
            address = leaf.attributes.get("ip")
            labels = self._labels if first.host.label not in self._shown else ()
            others = (leaf.name, unit, *((address.value,) if address is not None else ()), *self._replicas(top))
            contained = top.form == BUNDLE
            down = _not_moved(leaf, top) or (NOT_UP if where and all(one.state.startswith("Stopped") for one in where) else "")
            yield self._run(
                service,
                PACEMAKER,
                thing.name,
                Way(self._inside(service, first.host.release.name) if contained else "", _stop_it(stopping, servers, top), down),
                form=_form(top, cib),
                others=tuple(dict.fromkeys(other for other in others if other)),
                at=where,
                actions=tuple(_resource_actions(self.tool, thing, unit, self._container_logs(top), once=once)),
                options=self._option_files(service, labels),
                judged=(self._resource_restarts(cib, leaf, top, subjects, once=once), *self._retries(service, labels)),
                findings=self._find_told(subjects),
                evidence=self._places((thing.span, *((leaf.span,) if leaf is not thing else ()))),
                notes=tuple(notes),
            )

    def _unit_states(self, unit: str) -> Iterator[At]:
        for h in self._hosts:
            active = h.units.active.get(f"{unit}.service") if h.units is not None else None
            if active is not None:
                yield At(h.label, active.value)

    def _replicas(self, top: Resource) -> Iterator[str]:
        yield from (one.name for h in self._hosts for one in h.replicas(top))

    def _container_logs(self, top: Resource) -> list[tuple[str, str, str]]:
        """Return host, engine and container of each replica of a bundle that the reports show."""
        if top.form != BUNDLE or top.container is None:
            return []
        engine = top.container.engine
        found = ((h, one) for h in self._hosts for one in h.replicas(top) if one.running is not False and not _is_option(one.name))
        return [(h.label, engine, one.name) for h, one in found]

    def _resource_restarts(self, cib: Cib, leaf: Resource, top: Resource, subjects: set[str], *, once: bool) -> Judged:
        found = self._findings.not_restarted(subjects)
        if found:
            return _judge(RESTARTS, NO, found)
        if once:
            return Judged(RESTARTS, ONCE, "it runs to its end at boot")
        role = leaf.meta.get("target-role") or top.meta.get("target-role")
        if role is not None and role.value.lower() == "stopped":
            return Judged(RESTARTS, NO, f"`target-role` is `{role.value}`, so Pacemaker keeps it stopped", (), self._places((role.span,)))
        if not leaf.managed or leaf.maintenance:
            return Judged(RESTARTS, NO, "Pacemaker does not manage it")
        members = [node for node in cib.nodes if node.type == "member"]
        kept = [value for node in members if node.maintenance and (value := node.attribute("maintenance")) is not None]
        if kept and len(kept) == len(members):
            return Judged(RESTARTS, NO, "every node is in maintenance mode", (), self._places(value.span for value in kept))
        but = f", but not on {', '.join(node.name for node in members if node.maintenance)} (in maintenance mode)" if kept else ""
        enabled = [op for op in leaf.operations if op.watches]
        if enabled:
            every = ", ".join(dict.fromkeys(op.interval for op in enabled))
            return Judged(
                RESTARTS, YES, f"Pacemaker looks at it every {every} and recovers it{but}", (), self._places(op.span for op in enabled)
            )
        if leaf.form == BUNDLE:
            return Judged(RESTARTS, YES, f"Pacemaker looks after its container{but}")
        return Judged(RESTARTS, NO, "it has no recurring monitor, so Pacemaker sees no failure of it", (), self._places((leaf.span,)))

    # what systemd runs

    def _units(self) -> Iterator[Run]:
        by_name: dict[str, list[tuple[HostFacts, Unit]]] = {}
        for h in self._hosts:
            facts = h.facts
            ran = {leaf.unit for cib in h.cibs for leaf in cib.leaves() if leaf.unit}
            for unit in facts.of(Unit):
                bare = unit.name.removesuffix(".service")
                if unit.service is None or unit.template or bare in ran or any(n.removesuffix(".service") in ran for n in unit.names):
                    continue
                if unit.load_state == NOT_FOUND and not unit.active:
                    continue
                if (
                    _is_beside_the_cluster(unit.service, h.cibs)
                    and unit.enabled in ("disabled", "unknown", "static")
                    and not _up(unit.active)
                ):
                    continue  # the package's unit of what Pacemaker runs by an agent of its own
                by_name.setdefault(unit.name, []).append((h, unit))
        for name, found in by_name.items():
            yield self._unit(name, found)

    def _unit(self, name: str, found: Sequence[tuple[HostFacts, Unit]]) -> Run:
        service = next(unit.service for _, unit in found if unit.service is not None)
        hosts = [h.label for h, _ in found]
        boxes = [(h, one) for h, _ in found for one in h.find_started_by(name)]
        once = service.once or any(unit.runs_once for _, unit in found)
        subject = {f"unit {name}"} | {f"container {one.called}" for _, one in boxes}
        bare = name.removesuffix(".service")
        notes = []
        if once:
            notes.append("runs once at boot; its stop undoes what it did, so it must not be stopped or restarted")
        if boxes:
            notes.append(f"the unit runs container `{boxes[0][1].name}`: restart the unit, never the container behind its back")
        if bare in _CARRIES:
            notes.append(_CARRIES[bare])
        beside = any(_is_beside_the_cluster(service, h.cibs) for h, _ in found)
        if beside:
            notes.append("Pacemaker runs this service: the unit must not be started, and the commands for it are those of the resource")
        if boxes or any(unit.runner in ENGINES for _, unit in found):
            under = self._inside(service, found[0][0].host.release.name)
        else:
            under = _web_server(service, (unit for _, unit in found))
        down = NOT_UP if all(unit.load_state == MASKED or unit.active in ("inactive", "failed") for _, unit in found) else ""
        return self._run(
            service,
            SYSTEMD,
            name,
            Way(under, (), down),
            form="a unit on each of its hosts",
            others=tuple(dict.fromkeys((bare, *(n for _, unit in found for n in unit.names), *(one.name for _, one in boxes)))),
            at=tuple(At(h.label, _unit_state(unit)) for h, unit in found),
            actions=tuple(_unit_actions(bare, boxes[0][1] if boxes else None, once=once or beside)),
            options=self._option_files(service, hosts),
            judged=(*self._unit_restarts(found, subject), *self._retries(service, hosts)),
            findings=self._find_told(subject),
            evidence=self._places(unit.span for _, unit in found),
            notes=tuple(notes),
        )

    def _unit_restarts(self, found: Sequence[tuple[HostFacts, Unit]], subjects: set[str]) -> Iterator[Judged]:
        """Yield what brings the unit back, the hosts together of which the same is true."""
        alike: dict[tuple[str, str], list[tuple[str, tuple[Place, ...]]]] = {}
        for h, unit in found:
            bad = [one for one in self._findings.not_restarted(subjects) if h.label in one.hosts]
            if bad:
                one = _judge(RESTARTS, NO, bad)
                places = tuple(p for p in one.places if p.host == h.label)
                alike.setdefault((NO, one.says), []).append((h.label, places))
            else:
                answer, says, spans = _restart_of(unit)
                alike.setdefault((answer, says), []).append((h.label, self._places(spans)))
        for (answer, says), on in alike.items():
            yield Judged(RESTARTS, answer, says, tuple(host for host, _ in on), tuple(p for _, places in on for p in places))

    # what a container engine runs by itself

    def _containers(self) -> Iterator[Run]:
        by_name: dict[tuple[str, str], list[tuple[HostFacts, HostContainer]]] = {}
        for h in self._hosts:
            for one in h.facts.of(HostContainer):
                if one.service is None or one.bundle or h.starter(one).who == BY_SYSTEMD or one.ends or one.name in h.in_cluster:
                    continue
                engine = one.engine or (PODMAN if h.units is not None and h.units.containers else DOCKER)
                by_name.setdefault((engine, one.name), []).append((h, one))
        for (engine, name), found in by_name.items():
            service = next(one.service for _, one in found if one.service is not None)
            hosts = [h.label for h, _ in found]
            subjects = {f"container {one.called}" for _, one in found} | {f"container {name}"}
            once = service.once
            down = NOT_UP if all(one.running is False for _, one in found) else ""
            yield self._run(
                service,
                engine,
                name,
                Way(self._inside(service, found[0][0].host.release.name), (), down),
                form="a container on each of its hosts",
                others=(f"tripleo_{name}",),
                at=tuple(At(h.label, _container_state(one)) for h, one in found),
                actions=tuple(_container_actions(engine, name, once=once)),
                options=self._option_files(service, hosts),
                judged=(*self._container_restarts(found, subjects), *self._retries(service, hosts)),
                findings=self._find_told(subjects),
                evidence=self._places(one.span for _, one in found),
                notes=("runs once at boot; its stop undoes what it did, so it must not be stopped or restarted",) if once else (),
            )

    def _container_restarts(self, found: Sequence[tuple[HostFacts, HostContainer]], subjects: set[str]) -> Iterator[Judged]:
        alike: dict[tuple[str, str], list[tuple[str, tuple[Place, ...]]]] = {}
        for h, one in found:
            bad = [one for one in self._findings.not_restarted(subjects) if h.label in one.hosts]
            starter = h.starter(one)
            policy = one.policy.value if one.policy is not None else ""
            if bad:
                answer, says, places = NO, _say(bad), tuple(p for f in bad for p in f.places if p.host == h.label)
            elif starter.who == ENGINE:
                spans = (one.policy.span,) if one.policy is not None else (one.span,)
                answer, says, places = YES, f"its restart policy is `{policy}`", self._places(spans)
            else:
                answer, says, places = UNKNOWN, starter.because or "nothing shows what brings it back", self._places((one.span,))
            alike.setdefault((answer, says), []).append((h.label, places))
        for (answer, says), on in alike.items():
            yield Judged(RESTARTS, answer, says, tuple(host for host, _ in on), tuple(p for _, places in on for p in places))

    # what runs inside httpd

    def _in_httpd(self) -> Iterator[Run]:
        """Yield the services that have no unit of their own on a release in which httpd runs them, where option files of just them are."""
        for h in self._hosts[:1]:
            release = h.host.release.name
            apache = next((s for s in h.facts.services if s.name == "apache"), None)
            if release is None or apache is None:
                continue
            resource = next((top for cib in h.cibs for top in (cib.top(leaf) for leaf in cib.running("apache"))), None)
            for service in h.facts.services:
                if release not in service.httpd or not service.openstack:
                    continue
                hosts = [o.label for o in self._hosts if self._only_httpd(o, service, release) and not self._has_own(o, service)]
                if not hosts:
                    continue
                unit = self._apache_unit(hosts)
                way = Way(MOD_WSGI)
                if resource is not None:
                    way = Way(MOD_WSGI, _stop_it(After(self._cluster.ordering, h.cibs[0]), _servers(h.cibs[0]), resource))
                    actions = tuple(_resource_actions(self.tool, resource, unit, [], once=False))
                    manager, thing, spans = PACEMAKER, resource.name, [resource.span]
                else:
                    actions, manager, thing, spans = tuple(_unit_actions(unit, None, once=False)), SYSTEMD, f"{unit}.service", []
                yield self._run(
                    service,
                    manager,
                    thing,
                    way,
                    form="inside httpd on each of its hosts",
                    others=(unit,),
                    actions=actions,
                    options=self._option_files(service, hosts),
                    judged=tuple(self._retries(service, hosts)),
                    evidence=self._places(spans),
                    notes=(f"from the release ({release}) it runs inside httpd: a restart takes down all that runs there",),
                )

    def _inside(self, service: Service, release: str | None) -> str | None:
        """Return the web server that runs a service in its container; None where that depends on a release that is not known."""
        if release is None:
            return None if service.httpd else ""
        return MOD_WSGI if release in service.httpd else ""

    def _only_httpd(self, h: HostFacts, service: Service, release: str) -> bool:
        """Return whether a host has option files on its own file system that only this service, or others in httpd, may read."""
        known = {one.name: one for one in h.facts.services}
        sets = [one for one in h.sets(service) if all(path.startswith(f"{h.label}/etc/") for path in one.files)]
        return any(all(name in known and release in known[name].httpd for name in one.services) for one in sets)

    def _apache_unit(self, hosts: Sequence[str]) -> str:
        names = {name for h in self._hosts if h.label in hosts and h.units is not None for name in h.units.names}
        return "apache2" if "apache2.service" in names and "httpd.service" not in names else "httpd"

    def _has_own(self, h: HostFacts, service: Service) -> bool:
        facts = h.facts
        if any(cib.running(service.name) for cib in h.cibs):
            return True
        return any(u.service == service for u in facts.of(Unit)) or any(c.service == service for c in facts.of(HostContainer))

    # what is judged of its options

    def _option_files(self, service: Service, hosts: Iterable[str]) -> tuple[Place, ...]:
        paths = dict.fromkeys(path for host in hosts for one in self._host[host].sets(service) for path in one.files)
        return self._places(Span(path, 0, 0) for path in paths)

    def _retries(self, service: Service, hosts: Sequence[str]) -> Iterator[Judged]:
        if service.openstack and service.databases:
            yield from self._about(DATABASE, service, hosts)
        if service.openstack and service.broker:
            yield from self._about(BROKER, service, hosts)

    def _about(self, about: str, service: Service, hosts: Sequence[str]) -> Iterator[Judged]:
        alike: dict[tuple[str, str], list[tuple[str, tuple[Place, ...]]]] = {}
        for host in hosts:
            asked = (about, service.name, host)
            if asked not in self._retried:
                self._retried[asked] = self._retries_on(about, service, host)
            answer, says, places = self._retried[asked]
            alike.setdefault((answer, says), []).append((host, places))
        for (answer, says), on in alike.items():
            yield Judged(about, answer, says, tuple(host for host, _ in on), tuple(p for _, places in on for p in places))

    def _retries_on(self, about: str, service: Service, host: str) -> tuple[str, str, tuple[Place, ...]]:
        """Return whether the service on a host tries without end to reach its database or its broker, as the rule of that judged."""
        rule = _DATABASE_RULE if about == DATABASE else _BROKER_RULE
        sets = self._host[host].sets(service)
        if not sets:
            return UNKNOWN, "no option file of it is in what was given", ()
        paths = {path for one in sets for path in one.files}
        below = {path[len(host) + 1 :] for path in paths if path.startswith(f"{host}/")}
        found = [
            one
            for one in self._findings.of_rule(rule)
            if _concerns(one, service, about) and any(p.host == host and p.path in below for p in one.places)
        ]
        if found:
            certain = any(one.severity != "note" for one in found)
            places = tuple(p for one in found for p in one.places if p.host == host)
            return NO if certain else UNKNOWN, _say(found), places
        outcome = next((o for h in self._cluster.hosts if h.name == host for o in h.outcomes if o.rule == rule), None)
        if outcome is None or outcome.outcome in (NOT_EVALUATED, NOT_APPLICABLE):
            because = outcome.because if outcome is not None and outcome.because else "the rule was not run"
            return UNKNOWN, f"{rule} is not evaluated: {because}", ()
        if about == BROKER:
            return YES, "nothing in its option files ends them", ()
        names = {one.name for one in sets}
        options = self._host[host].facts.of(Option)
        sections = _sections(service)
        limits = [o for o in options if names & set(o.sets) and _MAX.fullmatch(o.option) and o.section in sections]
        if not limits:
            return UNKNOWN, "no connection and no `max_retries` of it could be seen", ()
        says = ", ".join(f"`{one.section}.{one.option}` is `{mask_secrets(one.value)}`" for one in limits)
        return YES, says, self._places(one.span for one in limits)

    def _find_told(self, subjects: set[str]) -> tuple[tuple[str, str], ...]:
        """Return code and message of what was found of just this thing, or of one of its settings."""
        return tuple(dict.fromkeys((one.code, _on(one, len(self._labels))) for one in self._findings.about(subjects)))


def runbook_and_ways(cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> tuple[Runbook, tuple[Way, ...]]:
    """Return who runs what on the hosts of one cluster, and what failure tests must know of each of its runs, in their order."""
    writer = Writer(cluster, hosts, sources)
    book = writer.runbook()
    return book, writer.ways(book.runs)


def runbook(cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> Runbook:
    """Return who runs what on the hosts of one cluster, and how each is handled; `sources` are those of the audit."""
    return Writer(cluster, hosts, sources).runbook()


def _on(found: Found, hosts: int) -> str:
    return found.message if len(found.hosts) in (0, hosts) else f"{found.message} (on {', '.join(found.hosts)})"


def _say(found: Iterable[Found]) -> str:
    return "; ".join(dict.fromkeys(f"{one.code}: {show_message(one.message, '')}" for one in found))


def _judge(about: str, answer: str, found: Sequence[Found]) -> Judged:
    hosts = tuple(dict.fromkeys(host for one in found for host in one.hosts))
    return Judged(about, answer, _say(found), hosts, tuple(p for one in found for p in one.places))


def _concerns(found: Found, service: Service, about: str) -> bool:
    """Return whether a finding on an option is about a database that the service has; what names no section of a database concerns all."""
    section = found.subject.removeprefix("option ").rpartition(".")[0]
    return about == BROKER or not section.endswith("database") or section in _sections(service)


def _sections(service: Service) -> set[str]:
    return {section for one in service.databases for section in (one.section, one.retry_section) if section}


def _not_moved(leaf: Resource, top: Resource) -> str:
    """Return that the CIB keeps a resource stopped, or that Pacemaker does not manage it; empty where neither is so."""
    role = leaf.meta.get("target-role") or top.meta.get("target-role")
    if role is not None and role.value.lower() == "stopped":
        return f"its `target-role` is `{role.value}`, and a test would leave it started"
    return "" if leaf.managed and not leaf.maintenance else "Pacemaker does not manage it, and so does not stop and start it"


def _servers(cib: Cib) -> tuple[str, ...]:
    """Return the names of the resources that run the database and the broker."""
    return tuple(dict.fromkeys(cib.top(leaf).name for name in SERVERS.values() for leaf in cib.running(name)))


def _stop_it(stopping: After, servers: Iterable[str], top: Resource) -> tuple[str, ...]:
    """Return those of the servers with whose stop Pacemaker stops the resource `top`, as an order has it."""
    return tuple(server for server in servers if mask_secrets(top.name) in stopping.of(mask_secrets(server))[0])


def _web_server(service: Service, units: Iterable[Unit]) -> str | None:
    """Return the web server that the units of a service start; empty for none, None where they differ, and where nobody knows."""
    found = {unit.runner if "Service.ExecStart" in unit.settings or not service.httpd else None for unit in units}
    runner = found.pop() if len(found) == 1 else None
    return runner if runner in UNDER else None


def _tool(hosts: Sequence[Host]) -> tuple[str, str]:
    """Return PCS or CRM, and what tells that this cloud has it; empty where nothing does."""
    seen: dict[str, str] = {}
    for host in hosts:
        capture = host.seat.capture
        lists = capture.of(PACKAGES)
        for one in capture.evidence:
            name = posixpath.basename(one.path)
            if name.startswith("pcs_"):
                seen.setdefault(PCS, f"the report of {host.label} holds `{name}`")
            elif name == "crm_configure_show":
                seen.setdefault(CRM, f"the report of {host.label} holds `{name}`")
            elif one in lists:
                try:
                    text = host.seat.target.tree.read(one.path, 4_000_000).decode("utf-8", "replace")
                except OSError:
                    continue
                if _PCS.search(text):
                    seen.setdefault(PCS, f"the list of packages of {host.label} has pcs")
                if _CRM.search(text):
                    seen.setdefault(CRM, f"the list of packages of {host.label} has crmsh")
    tool = CRM if CRM in seen and PCS not in seen else PCS
    return tool, seen.get(tool, "")


def _form(top: Resource, cib: Cib) -> str:
    if top.form == BUNDLE and top.container is not None:
        copies = top.container.replicas
        return f"{copies} container{'s' if copies != 1 else ''} of {top.container.engine} ({_nodes(copies)})"
    if top.form == PRIMITIVE:
        return "on one node"
    if top.form == GROUP:
        return "on one node, in a group"
    word = "promoted on some of its nodes" if top.form == PROMOTABLE else "a copy"
    if top.instances is None:
        away = ", ".join(node.name for node in cib.nodes if node.standby)
        every = f"on every node but {away} (in standby)" if away else "on every node"
        return f"{every}, promoted on one or more" if top.form == PROMOTABLE else f"a copy {every}"
    return f"{word} ({_nodes(top.instances)})"


def _nodes(count: int) -> str:
    return f"on {count} node{'s' if count != 1 else ''}"


def _status(shown: Iterable[ResourceStatus]) -> Iterator[At]:
    for one in shown:
        state = one.role + (", failed" if one.failed else "")
        if one.nodes:
            yield from (At(node.value, state) for node in one.nodes)
        else:
            yield At("", state)


def _resource_actions(tool: str, thing: Resource, unit: str, boxes: Sequence[tuple[str, str, str]], *, once: bool) -> Iterator[Action]:
    name = thing.name
    if (thing.agent or "").startswith("stonith:"):
        yield Action(SEE, CLUSTER, "crm status" if tool == CRM else "pcs status --full")
        yield Action(RESTART, CLUSTER, command(*(("crm", "resource") if tool == CRM else ("pcs", "stonith")), "cleanup", name))
        yield Action(LOG, EACH, "journalctl --follow --unit pacemaker")
        return
    if tool == CRM:
        yield Action(SEE, CLUSTER, "crm status")
    else:
        yield Action(SEE, CLUSTER, "pcs status")
    yield Action(SEE, CLUSTER, command("crm_resource", "--resource", name, "--locate"))
    if not once:
        words = ("crm", "resource") if tool == CRM else ("pcs", "resource")
        yield Action(RESTART, CLUSTER, command(*words, "restart", name))
        yield Action(STOP, CLUSTER, command(*words, "stop" if tool == CRM else "disable", name))
        yield Action(START, CLUSTER, command(*words, "start" if tool == CRM else "enable", name))
    if boxes:
        yield from (Action(LOG, host, command(engine, "logs", "--follow", box)) for host, engine, box in boxes)
    elif unit:
        yield Action(LOG, EACH, command("journalctl", "--follow", "--unit", unit))
    yield Action(LOG, EACH, "journalctl --follow --unit pacemaker")


def _unit_actions(bare: str, container: HostContainer | None, *, once: bool) -> Iterator[Action]:
    yield Action(SEE, EACH, command("systemctl", "status", bare))
    if not once:
        yield Action(RESTART, EACH, command("systemctl", "restart", bare))
        yield Action(STOP, EACH, command("systemctl", "stop", bare))
        yield Action(START, EACH, command("systemctl", "start", bare))
    if container is not None and not _is_option(container.name):
        yield Action(LOG, EACH, command(container.engine or PODMAN, "logs", "--follow", container.name))
    yield Action(LOG, EACH, command("journalctl", "--follow", "--unit", bare))


def _is_option(name: str) -> bool:
    """Return whether a command would take a name for an option, as no engine and no cluster lets one be called (`podman stop --all`)."""
    return name.startswith("-")


def _container_actions(engine: str, name: str, *, once: bool) -> Iterator[Action]:
    yield Action(SEE, EACH, command(engine, "ps", "--all", "--filter", f"name=^{name}$" if engine == PODMAN else f"name={name}"))
    if not once:
        yield Action(RESTART, EACH, command(engine, "restart", name))
        yield Action(STOP, EACH, command(engine, "stop", name))
        yield Action(START, EACH, command(engine, "start", name))
    yield Action(LOG, EACH, command(engine, "logs", "--follow", name))


def _restart_of(unit: Unit) -> tuple[str, str, tuple[Span, ...]]:
    if unit.load_state == MASKED:
        return NO, "the unit is masked", (unit.span,)
    if unit.load_state != LOADED:
        return UNKNOWN, f"the unit is `{unit.load_state}`" + (f": {unit.because}" if unit.because else ""), (unit.span,)
    if unit.type == "oneshot":
        return ONCE, "the unit is of `Type=oneshot`", (unit.span,)
    setting = unit.settings.get("Service.Restart")
    value = setting.value if setting is not None else "no"
    spans = (setting.span,) if setting is not None else (unit.span,)
    if setting is None:
        return NO, "`Restart=` is not set, so that systemd leaves it down", spans
    return (YES if value in _RESTARTING else NO), f"`Restart={value}`", spans


def _unit_state(unit: Unit) -> str:
    state = unit.active or "state not known"
    if unit.load_state != LOADED:
        return f"{state}, {unit.load_state}"
    return f"{state}, {unit.enabled}" if unit.enabled != "unknown" else f"{state}, whether enabled is not known"


def _container_state(one: HostContainer) -> str:
    return "state not known" if one.running is None else one.status or ("running" if one.running else "not running")


def _up(active: str) -> bool:
    return active in ("active", "activating", "reloading")


def _is_beside_the_cluster(service: Service, found: Sequence[Cib]) -> bool:
    return any(cib.running(service.name) for cib in found)


def find(runs: Iterable[Run], name: str, aliases: Mapping[str, Sequence[str]]) -> list[Run]:
    """Return the runs that a person means by `name`: of a service, resource, unit, container, alias or address; else all of a project.

    `aliases` are the names of each service of the catalogue, by the service's name there.
    """
    wanted = plain(name)
    found = list(runs)
    exact = [run for run in found if wanted in {plain(word) for word in (run.thing, *run.others)}]
    named = [run for run in found if wanted in {plain(word) for word in (run.service, run.title, *aliases.get(run.service, ()))}]
    both = [run for run in found if run in exact or run in named]
    project = [run for run in found if run.project and wanted == plain(run.project)]
    return project or both


def plain(name: str) -> str:
    """Return a name without what people leave out or write in several ways: `tripleo_nova_api.service`, `openstack-nova-api-clone`."""
    word = name.strip().lower().removesuffix(".service").replace("_", "-").replace(" ", "-")
    for end in _ENDS:
        word = word.removesuffix(end)
    for front in _FRONTS:
        word = word.removeprefix(front)
    return word


def names_of(services: Iterable[Service]) -> dict[str, tuple[str, ...]]:
    """Return by the name of each service all other names that the catalogue has for it."""
    return {
        one.name: (
            one.title,
            *one.units,
            *one.containers,
            *one.programs,
            *one.resource_ids,
            *(alias.rpartition("::")[2] for alias in one.aliases),
        )
        for one in services
    }
