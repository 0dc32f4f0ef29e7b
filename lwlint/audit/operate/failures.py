"""What happens when a node or a service of a cluster fails, failure by failure; and the failure tests that try it out.

Each failure is put into a copy of the CIB and carried out by Pacemaker's own scheduler until the cluster is quiet (`simulation`). What is
told of it: where each resource is afterwards, what of it is disturbed, for how long nothing answers at most, whether each virtual IP is
where HAProxy is, whether the nodes that are left have quorum, and whether fencing would be needed.

The clause `failures-tested` asks for failover and recovery to be tried, above all with Galera and RabbitMQ down. A failure test says what
to stop, what each service must do then, and how to see it. What each program does with its own settings was seen by the lab; here it
becomes an expectation that an operator can compare with what they saw.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Optional, Union

from msgspec import Struct

from lwlint.audit.answer import ordering_of
from lwlint.audit.operate.runbook import BROKER, DATABASE, NO, SEE, SERVERS, START, STOP, UNKNOWN, YES, Run, Runbook, Way
from lwlint.audit.operate.runbook import RESTARTS as BROUGHT_BACK
from lwlint.audit.operate.simulation import (
    LASTS,
    REPLICA,
    RUNNING,
    Action,
    Event,
    Pacemaker,
    Refused,
    Settled,
    State,
    cold,
    guests,
    members_of,
    primitive_of,
    read_cib,
    set_attribute,
    whole_number,
    with_scores,
)
from lwlint.checks.pacemaker_constraints import BoundParams, find_excused
from lwlint.core.config_reader import Document, Mismatch, locate, near, read
from lwlint.core.facts import ACTIVE_PASSIVE, CORE, RELEASES, Facts
from lwlint.core.finding import ConfigurationError
from lwlint.core.observed import BROKEN, DOES, EXITS, NOT_OBSERVED, THEN, Observed, Seen, nearest
from lwlint.files.processes import cores
from lwlint.inputs.pacemaker.facts import BUNDLE, ClusterProperty, Operation, Resource, ResourceDefault, boolean
from lwlint.inputs.pacemaker.model import Cib, Colocations, cibs, running_nodes
from lwlint.inputs.pacemaker.resources import milliseconds

NODE, DEAD, BARRED = "node", "dead", "barred"
MOVES, RESTARTS, FEWER, PROMOTES, DOWN = "moves", "restarts", "fewer", "promoted elsewhere", "down"
AWAY = "without HAProxy"  # a virtual IP that stays where it is, and to which no HAProxy comes back
WAITS = "waits"  # a virtual IP that stays where it is, and has no HAProxy until that is back
_DEFAULT_TIMEOUT, _FENCING, _REMOTE = 20_000, 60_000, 60_000  # milliseconds, where nothing else is configured
_LEGACY = (3, 0, 13)  # from this feature set on a fail count names the operation that failed
# the addresses that belong to HAProxy, as the rule `vip-without-haproxy` has it
BOUND = BoundParams(each="vip", to="haproxy", or_to=("ceph_nfs",), or_to_promoted=("ovn_dbs", "redis"))
_TAKEN = "taken is that all nodes are up, and all runs as the scheduler starts it"


class Failure(Struct, frozen=True):
    """One thing that fails: `what` NODE, DEAD (found dead, once) or BARRED (it cannot run there any more); `thing` is empty of a NODE.

    `copy` is the copy of a bundle that is found dead, as Pacemaker calls it: a primitive and its node. It is empty of all else.
    """

    what: str
    node: str
    thing: str = ""
    title: str = ""
    copy: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What happens, as a clause."""
        if self.what == NODE:
            return f"node {self.node} dies"
        return f"{self.thing} {'is found dead' if self.what == DEAD else 'cannot run'} on {self.node}"


class Effect(Struct, frozen=True):
    """What becomes of one resource: `outcome`, the nodes before and after (those where it is promoted, for PROMOTES), and two bounds.

    `silent` is for how many seconds nothing answers at most, as the timeouts of the operations bound it; None where a copy runs all the
    time, or none comes back. `detected` is how many more may go by until Pacemaker sees the failure, for what failed itself.
    """

    thing: str
    service: str
    title: str
    outcome: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    silent: float | None = None
    detected: float | None = None


class Unserved(Struct, frozen=True):
    """A virtual IP on a node where no HAProxy runs."""

    vip: str
    node: str


class Result(Struct, frozen=True):
    """What a failure comes to. `touched` counts the resources that are stopped, started, promoted or demoted anywhere.

    `quorum` tells whether the nodes that are left have it, `fencing` what is to be said of fencing. `away` are virtual IPs without HAProxy
    when all is quiet, `unserved` those that are down. `with_haproxy` tells whether each that is up and belongs to HAProxy is where one
    runs; it is empty where none is up. `trouble` is why the cluster did not become quiet; empty where it did.
    """

    failure: Failure
    effects: tuple[Effect, ...]
    touched: int
    actions: int
    away: tuple[Unserved, ...]
    unserved: tuple[str, ...]
    quorum: str
    fencing: str
    trouble: str = ""
    then: tuple[Result, ...] = ()
    with_haproxy: str = ""


class Study(Struct, frozen=True):
    """All answers on one cluster. `start` tells how its state was known, `newer` what of its CIB the installed Pacemaker may not know.

    `things` are the resources with the title of their service and its kind in the catalogue. `remotes` are the remote and guest nodes,
    whose death nobody asks about.
    """

    name: str
    nodes: tuple[str, ...]
    pacemaker: str
    start: str
    newer: str
    fencing: str
    results: tuple[Result, ...]
    things: tuple[tuple[str, str, str], ...]
    vips: int = 0
    haproxy: bool = False
    remotes: tuple[str, ...] = ()


class _Unseen(Exception):
    """Nothing watches what is to fail."""


def _unknown(failure: Failure, trouble: str) -> Result:
    return Result(failure, (), 0, 0, (), (), UNKNOWN, "", trouble, with_haproxy=UNKNOWN)


class _Where(Struct):
    """Where the copies of each thing are: on which nodes, and on which of them promoted."""

    nodes: dict[str, set[str]]
    promoted: dict[str, set[str]]


class Cluster:
    """One cluster to ask about: its CIB as a document and as facts, in the state from which things fail."""

    def __init__(self, text: str, facts: Facts, pacemaker: Pacemaker) -> None:
        found = cibs(facts)
        if not found:
            raise ConfigurationError("no CIB was given; without one nobody can say what a failure comes to")
        if found[0].cluster.weaker:
            raise ConfigurationError(f"`{found[0].cluster.weaker}` stands in for the CIB; the scheduler needs the CIB itself")
        self.cib: Cib = found[0]
        self._ask = pacemaker
        self._defaults = {one.name: one.value for one in facts.of(ResourceDefault) if one.scope == "operation"}
        self._properties: Mapping[str, ClusterProperty] = self.cib.properties
        self.members = members_of(self.cib)
        self.remotes = [node.name for node in running_nodes(self.cib) if node.name not in self.members]
        self.things = dict(self._things())
        self._of = dict(self._names())
        self._vips = [name for name, leaf in self.things.items() if _is(self.cib, leaf, "vip")]
        self._haproxies = [name for name, leaf in self.things.items() if _is(self.cib, leaf, "haproxy")]
        others = find_excused(self.cib, Colocations(self.cib), BOUND) if self._haproxies and self._vips else set()
        self._behind = [name for name in self._vips if name not in others] if self._haproxies else []
        self._befores = self._orders()
        document = read_cib(text)
        self.newer = _newer(document, pacemaker)
        settled, self.start = self._settle(document)
        self.document, self._state = settled.cib, settled.after
        if self.document.get("validate-with") == pacemaker.schema:
            self.document.set("validate-with", "none")  # it has been validated, and brought up to date; once is a third of the time

    # the state that things fail from

    def _settle(self, document: Any) -> tuple[Settled, str]:
        """Return the cluster in which nothing is left to do, and how that came about."""
        first = self._ask.simulate(document)
        online = [node for node in self.members if node in first.before.online]
        told = {state.get("uname") for state in document.iterfind("status/node_state")}
        lacking = [node for node in self.members if node not in told]
        said = "the state is that of the CIB's status"
        if online and lacking:
            document = cold(document, self.cib)
            said = f"the CIB's status says nothing about {', '.join(lacking)}: {_TAKEN}"
        elif not online or not any(leaf.name in first.before.resources for leaf in self.things.values()):
            document = cold(document, self.cib)
            said = f"the CIB shows nothing that runs: {_TAKEN}"
        elif len(online) < len(self.members):
            offline = [node for node in self.members if node not in online]
            said += f"; {', '.join(offline)} {'is' if len(offline) == 1 else 'are'} offline in it"
        settled = self._ask.settle(document)
        done = len(settled.changes)
        where = self.where(settled.after)
        scored = with_scores(settled.cib, self.cib, where.nodes, where.promoted)
        if scored is not None:
            settled = self._ask.settle(scored)
            said += "; what is promoted is not in it, and is taken to be any copy"
        elif done and said.startswith("the state"):
            said += f", carried on until it is quiet ({done} actions)"
        if not settled.quiet:
            trouble = settled.transitions[-1].trouble or "it is never quiet"
            raise ConfigurationError(f"the cluster does not come to rest before anything fails: {trouble}")
        up = self.where(settled.after).nodes
        down = [name for name in self._vips if not up.get(name)]
        if down:
            said += (
                f"; no virtual IP is up in it: {', '.join(down)}" if len(down) == len(self._vips) else f"; down in it: {', '.join(down)}"
            )
        return settled, said

    # names

    def _things(self) -> Iterator[tuple[str, Resource]]:
        """Yield what runs by the name that people know: a primitive by its own, a bundle as a whole."""
        for leaf in self.cib.leaves():
            top = self.cib.top(leaf)
            yield (top.name, leaf) if top.form == BUNDLE else (leaf.name, leaf)

    def _names(self) -> Iterator[tuple[str, str]]:
        for name, leaf in self.things.items():
            yield leaf.name, name

    def thing(self, resource: str) -> str:
        """Return the thing that a primitive of the scheduler's belongs to; itself where none is known."""
        if resource in self._of:
            return self._of[resource]
        for name in self.things:
            if resource.startswith(f"{name}-") and self.cib.resources.get(name) is not None and self.cib.resources[name].form == BUNDLE:
                return name
        return resource

    def service(self, thing: str) -> tuple[str, str, str]:
        """Return name, title and kind of the service that a thing is; its own name and nothing where that is not known."""
        leaf = self.things.get(thing)
        service = self.cib.service(leaf) if leaf is not None else None
        return (service.name, service.title, service.kind) if service is not None else (thing, thing, "")

    def where(self, state: State) -> _Where:
        """Return where the copies of each thing serve in a state, those in bundles on the node of their container.

        What has failed and stays so serves nobody, and neither does what is on a node that is offline, whatever is known of it.
        """
        hosts = _hosts(state)
        found = _Where({}, {})
        for name, places in state.resources.items():
            thing = self.thing(name)
            leaf = self.things.get(thing)
            bundle = leaf is not None and self.cib.top(leaf).form == BUNDLE
            runs = not bundle or (name == leaf.name if leaf is not None and leaf.form != BUNDLE else "-" in name and name[-1].isdigit())
            if bundle and leaf is not None and leaf.form == BUNDLE and REPLICA.fullmatch(name) is None:
                continue
            for place in places:
                node = hosts.get(place.node, place.node)
                if runs and not place.failed and place.role not in ("Stopped", "Stopping") and node in state.online:
                    found.nodes.setdefault(thing, set()).add(node)
                    if place.role in ("Promoted", "Master"):
                        found.promoted.setdefault(thing, set()).add(node)
        return found

    # what may fail

    def failures(self, wanted: Sequence[str] = ("all",)) -> list[Failure]:
        """Return the failures that are asked for: `all`, `node:N`, `resource:R` or `resource:R@N`; `all` are the nodes and the core.

        Raises ConfigurationError for a node or resource that there is not, with a near name, and for another word.
        """
        state = self._state
        online = [node for node in self.members if node in state.online]
        where = self.where(state)
        found: list[Failure] = []
        for word in wanted:
            what, _, rest = word.partition(":")
            if word == "all":
                found += [Failure(NODE, node) for node in online]
                found += self._of_things([n for n in self.things if self.service(n)[2] in (CORE, ACTIVE_PASSIVE)], where, online)
            elif what == "node":
                if rest not in online:
                    raise ConfigurationError(f"`--fail {word}`: no node of this name is online{near(rest, online)}")
                found.append(Failure(NODE, rest))
            elif what == "resource":
                found += self._read_asked(word, rest, where, online)
            else:
                raise ConfigurationError(f"`--fail {word}`: must be `all`, `node:NAME`, `resource:NAME` or `resource:NAME@NODE`")
        return list(dict.fromkeys(found))

    def _read_asked(self, word: str, rest: str, where: _Where, online: Sequence[str]) -> Iterator[Failure]:
        name, at, node = rest.rpartition("@") if rest.rpartition("@")[2] in self.members else (rest, "", "")
        things = [thing for thing, leaf in self.things.items() if name in (thing, leaf.name, leaf.top, self.service(thing)[0])]
        if not things:
            known = [*self.things, *(leaf.top for leaf in self.things.values())]
            raise ConfigurationError(f"`--fail {word}`: no resource of this name{near(name, known)}")
        made = [one for one in self._of_things(things, where, online) if not at or one.node == node]
        if not made:
            raise ConfigurationError(f"`--fail {word}`: it does not run {f'on {node}' if at else 'anywhere'}")
        yield from made

    def _of_things(self, things: Iterable[str], where: _Where, online: Sequence[str]) -> Iterator[Failure]:
        for thing in things:
            for node in sorted(where.nodes.get(thing, ())):
                if node in online or node not in self.members:
                    title = self.service(thing)[1]
                    yield Failure(DEAD, node, thing, title, self._copy(thing, node))
                    yield Failure(BARRED, node, thing, title)

    def _copy(self, thing: str, node: str) -> tuple[str, ...]:
        """Return the primitive of a bundle that a monitor watches on a node, and the node that this is on for Pacemaker; else nothing."""
        if self.cib.top(self.things[thing]).form != BUNDLE:
            return ()
        history = self._history(self.document, thing, node)
        return () if history is None else (primitive_of(history[0]), history[2])

    # one failure

    def result(
        self,
        failure: Failure,
        rest: Settled | None = None,
        *,
        twice: Sequence[Failure] = (),
        gone: frozenset[tuple[str, str]] = frozenset(),
    ) -> Result:
        """Return what a failure comes to from a state of `rest` (that of the start), and what each failure of `twice` comes to after it.

        `gone` are the things, with their nodes, that have failed there before and that nothing has started again.
        """
        document, start = (self.document, self._state) if rest is None else (rest.cib, rest.after)
        before = _without(self.where(start), gone)
        try:
            made, events = self._failing(failure, document, start)
            settled = self._ask.settle(made, *events)
        except Refused as refused:
            return _unknown(failure, f"Pacemaker refuses it: {refused}")
        except _Unseen:
            return _unknown(failure, f"{failure.thing} has no recurring monitor on {failure.node}, so that nothing would see it fail")
        gone = self._still_gone(failure, settled, gone)
        after = _without(self.where(settled.after), gone)
        effects = tuple(self._effects(failure, settled, before, after))
        touched = {self.thing(action.resource) for action in settled.changes if action.resource}
        served = {node for name in self._haproxies for node in after.nodes.get(name, ())}
        away = tuple(Unserved(v, node) for v in self._behind for node in sorted(after.nodes.get(v, ())) if node not in served)
        unserved = tuple(v for v in self._vips if before.nodes.get(v) and not after.nodes.get(v))
        trouble = "" if settled.quiet else settled.transitions[-1].trouble or "the cluster does not come to rest"
        left = [node for node in self.members if node in start.online and not (failure.what == NODE and node == failure.node)]
        then: tuple[Result, ...] = ()
        if twice and settled.quiet:
            left_over = [
                one for one in twice if one.node != failure.node and (one.what == NODE or one.node in after.nodes.get(one.thing, ()))
            ]
            then = tuple(self.result(one, settled, gone=gone) for one in left_over)
        return Result(
            failure,
            effects,
            len(touched),
            len(settled.changes),
            away,
            unserved,
            self.quorum(len(left)),
            self._fencing(failure, settled),
            trouble,
            then,
            NO if away else self._with_haproxy(after, trouble),
        )

    def _with_haproxy(self, after: _Where, trouble: str) -> str:
        """Return whether the virtual IPs that are up are where HAProxy is, if none was found to be elsewhere; empty where none is up."""
        if not any(after.nodes.get(name) for name in self._vips):
            return UNKNOWN if trouble else ""
        return UNKNOWN if trouble or not self._haproxies else YES if any(after.nodes.get(name) for name in self._behind) else ""

    def _still_gone(self, failure: Failure, settled: Settled, gone: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Return what has failed, on which node, and is not started there again.

        The scheduler may let a failure be (`on-fail` of `block` or `ignore`, maintenance, no fencing where it is needed), and
        crm_simulate takes every monitor that is repeated to find all well.
        """
        failed = gone if failure.what == NODE else gone | {(failure.thing, failure.node)}
        hosts = {**_hosts(settled.before), **_hosts(settled.after)}
        started = {
            (self.thing(action.resource), hosts.get(action.node, action.node))
            for action in settled.changes
            if action.task in ("start", "migrate_from")
        }
        return failed - started

    def quorum(self, left: int) -> str:
        """Return whether so many nodes of the cluster have quorum; of two nodes corosync.conf tells (`two_node`), and no CIB."""
        if len(self.members) == 2 and left == 1:
            return UNKNOWN
        return YES if 2 * left > len(self.members) else NO

    def _failing(self, failure: Failure, document: Any, state: State) -> tuple[Any, list[Event]]:
        """Return the CIB and the events by which something fails in it."""
        if failure.what == NODE:
            left = sum(node != failure.node for node in state.online if node in self.members)
            lost = [Event("quorum", "0")] if self.quorum(left) == NO else []
            return document, [Event("node-fail", failure.node), *lost]
        history = self._history(document, failure.thing, failure.node)
        if history is None:
            raise _Unseen
        resource, interval, uname = history
        made = copy.deepcopy(document)
        count = LASTS if failure.what == BARRED else 1
        _add_failures(made, uname, resource, count, forever=failure.what == BARRED)
        return made, [Event("op-inject", f"{resource}_monitor_{interval}@{uname}=7")]

    def _history(self, document: Any, thing: str, node: str) -> tuple[str, str, str] | None:
        """Return the instance, the interval (ms) and the node's name in the status, of the monitor that would see the thing fail there."""
        hosts = guests(document)
        best = None
        for state in document.iterfind("status/node_state"):
            uname = state.get("uname")
            if hosts.get(uname, uname) != node:
                continue
            for resource in state.iter("lrm_resource"):
                name = primitive_of(resource.get("id", ""))
                if self.thing(name) != thing or re.fullmatch(rf"{re.escape(thing)}-\d+", name):
                    continue
                monitors = [
                    op
                    for op in resource.iterfind("lrm_rsc_op")
                    if op.get("operation") == "monitor" and op.get("interval") not in (None, "0") and op.get("rc-code") in RUNNING
                ]
                leaf = self.things.get(thing)
                if monitors and (best is None or (leaf is not None and name == leaf.name)):
                    best = resource.get("id"), monitors[-1].get("interval"), uname
        return best

    # what it comes to

    def _effects(self, failure: Failure, settled: Settled, before: _Where, after: _Where) -> Iterator[Effect]:
        changes = settled.changes
        touched: dict[str, list[Action]] = {}
        for action in changes:
            touched.setdefault(self.thing(action.resource), []).append(action)
        ends = self._ends(changes)
        served = {node for name in self._haproxies for node in after.nodes.get(name, ())}
        for thing in self.things:
            was, now = before.nodes.get(thing, set()), after.nodes.get(thing, set())
            up, still = before.promoted.get(thing, set()), after.promoted.get(thing, set())
            outcome = _outcome(was, now, up, still, [a for a in touched.get(thing, ()) if not a.pseudo])
            behind = failure.thing in self._haproxies and thing in self._behind and failure.node in was
            if behind and not outcome:
                outcome = WAITS if now <= served else AWAY
            if not outcome:
                continue
            first, last = (up, still) if outcome == PROMOTES else (was, now)
            dead = {failure.node} if failure.what == NODE or failure.thing == thing else set()
            gap = outcome not in (DOWN, AWAY) and self._is_silent(thing, up or was, dead, touched.get(thing, ()), promoted=bool(up))
            name, title, _ = self.service(thing)
            seen = self._time_to_see(failure.thing) if failure.thing == thing or behind else None
            end = max(ends.get(thing, 0.0), ends.get(failure.thing, 0.0) if outcome == WAITS else 0.0)
            silent = end / 1000 if gap or outcome == WAITS else None
            yield Effect(thing, name, title, outcome, tuple(sorted(first)), tuple(sorted(last)), silent, seen)

    def _is_silent(self, thing: str, serving: set[str], dead: set[str], actions: Sequence[Action], *, promoted: bool) -> bool:
        """Return whether at some time no copy serves, as the actions come one after the other."""
        running = set(serving) - dead
        least = len(running)
        takes, gives = (("demote", "stop"), ("promote",)) if promoted else (("stop",), ("start", "migrate_from"))
        for action in actions:
            if action.task in takes:
                running.discard(action.node)
            elif action.task in gives:
                running.add(action.node)
            least = min(least, len(running))
        return bool(serving) and not least

    def _ends(self, actions: Sequence[Action]) -> dict[str, float]:
        """Return when each thing serves again at most (ms): each action takes its timeout, and waits for those that it depends on."""
        ends: list[float] = []
        found: dict[str, float] = {}
        things = [self.thing(action.resource) for action in actions]
        for i, action in enumerate(actions):
            waits = [ends[j] for j in range(i) if self._depends(action, things[i], actions[j], things[j])]
            end = max(waits, default=0.0) + (0 if action.pseudo else self._timeout(action))
            ends.append(end)
            if action.task in ("start", "promote", "migrate_from"):
                found[things[i]] = max(found.get(things[i], 0.0), end)
        return found

    def _depends(self, action: Action, thing: str, earlier: Action, other: str) -> bool:
        if earlier.task == "fence" or thing == other:
            return True
        begins, ended = ("start", "promote"), ("stop", "demote")
        if action.task in begins and earlier.task in begins:
            return (other, thing) in self._befores
        return action.task in ended and earlier.task in ended and (thing, other) in self._befores

    def _orders(self) -> set[tuple[str, str]]:
        """Return the things of which one is ordered right before the other by a mandatory order, or by their group."""
        within: dict[str, list[str]] = {}
        for name, leaf in self.things.items():
            within.setdefault(leaf.top, []).append(name)
        steps = [step for step in ordering_of(self.cib).steps if step.is_mandatory]
        found = {(a, b) for step in steps for a in within.get(step.first, ()) for b in within.get(step.then, ())}
        for top in within.values():
            found |= {(a, b) for i, a in enumerate(top) for b in top[i + 1 :]}
        return found

    def _timeout(self, action: Action) -> float:
        """Return how long an action may take (ms), as it is configured or by default."""
        if action.task == "fence":
            told = self._properties.get("stonith-timeout")
            return float((milliseconds(told.value) if told is not None else None) or _FENCING)
        leaf = self.things.get(self.thing(action.resource))
        ours = leaf is not None and leaf.name == action.resource
        for operation in leaf.operations if leaf is not None and ours else ():
            if operation.name == action.task and (told_ := _timeout_of(operation)) is not None:
                return float(told_)
        if leaf is not None and not ours and re.fullmatch(rf"{re.escape(leaf.top)}-\d+", action.resource):
            return float(_REMOTE)
        default = self._defaults.get("timeout")
        older = self._properties.get("default-action-timeout")
        told_ = milliseconds(default) if default is not None else milliseconds(older.value) if older is not None else None
        return float(told_ or _DEFAULT_TIMEOUT)

    def _time_to_see(self, thing: str) -> float | None:
        """Return how many seconds may go by until a recurring monitor has seen a failure: its interval and its timeout."""
        leaf = self.things[thing]
        every = [
            (milliseconds(op.interval) or 0) + (_timeout_of(op) or self._timeout(Action("monitor", leaf.name, "")))
            for op in leaf.operations
            if op.watches
        ]
        if leaf.form == BUNDLE:
            return (60_000 + _DEFAULT_TIMEOUT) / 1000  # what Pacemaker itself gives the container
        return max(every) / 1000 if every else None

    # fencing

    def fencing(self) -> str:
        """Return whether there is fencing: `on`, or why not."""
        enabled = self._properties.get("stonith-enabled")
        devices = [leaf for leaf in self.cib.leaves() if (leaf.agent or "").startswith("stonith:")]
        if enabled is not None and boolean(enabled.value) is False:
            return "off (`stonith-enabled` is `false`)"
        watchdog = self._properties.get("stonith-watchdog-timeout")
        if not devices and (watchdog is None or not milliseconds(watchdog.value)):
            return "there is no device"
        return "on"

    def _fencing(self, failure: Failure, settled: Settled) -> str:
        fenced = sorted({action.node for action in settled.changes if action.task == "fence"})
        there = self.fencing()
        if fenced:
            return f"{', '.join(fenced)} must be fenced" + ("" if there == "on" else f", and {there}: the cluster waits for it")
        if failure.what == NODE and there != "on":
            return f"needed to be sure that {failure.node} is dead; it is {there}" if there.startswith("off") else f"needed, and {there}"
        return ""


def _hosts(state: State) -> dict[str, str]:
    """Return the node on which the container of each guest node of a bundle is."""
    found = {}
    for name, places in state.resources.items():
        match = REPLICA.fullmatch(name)
        if match is not None and places:
            found[f"{match['bundle']}-{match['number']}"] = places[0].node
    return found


def _without(where: _Where, gone: Iterable[tuple[str, str]]) -> _Where:
    for thing, node in gone:
        where.nodes.get(thing, set()).discard(node)
        where.promoted.get(thing, set()).discard(node)
    return where


def _outcome(was: set[str], now: set[str], up: set[str], still: set[str], actions: Sequence[Action]) -> str:
    """Return what becomes of a thing; empty where nothing does."""
    if not was:
        return ""
    if not now:
        return DOWN
    if up and not still:
        return DOWN
    if len(was) == 1 and now != was:
        return MOVES
    if still - up:
        return PROMOTES
    if len(now) < len(was) or len(still) < len(up):
        return FEWER
    return RESTARTS if any(action.task in ("stop", "start", "demote", "promote") for action in actions) else ""


def _is(cib: Cib, leaf: Resource, service: str) -> bool:
    found = cib.service(leaf)
    return found is not None and found.name == service


def _timeout_of(operation: Operation) -> int | None:
    told = operation.settings.get("timeout")
    return milliseconds(told.value) if told is not None else None


def _version(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text or "")[:3])


def _newer(document: Any, pacemaker: Pacemaker) -> str:
    """Return what of the CIB is newer than the installed Pacemaker; empty where nothing is."""
    said = []
    if _version(document.get("crm_feature_set")) > _version(pacemaker.feature_set):
        said.append(f"feature set {document.get('crm_feature_set')}, and Pacemaker {pacemaker.version} knows {pacemaker.feature_set}")
    if _version(document.get("validate-with")) > _version(pacemaker.schema):
        said.append(f"schema {document.get('validate-with')}, and it knows {pacemaker.schema}")
    return "; ".join(said)


def _add_failures(document: Any, uname: str, resource: str, count: int, *, forever: bool) -> None:
    """Note in the status of a node that the start of a resource failed for good, or that it failed once more.

    Under which name the scheduler looks for the count depends on the CIB's feature set: before 3.0.13 it is the resource's alone. Of one
    failure crm_simulate writes the count itself, and under the new name only.
    """
    legacy = _version(document.get("crm_feature_set")) < _LEGACY
    if not forever and not legacy:
        return
    name = resource if legacy else primitive_of(resource)
    end = "" if legacy else "#start_0"
    set_attribute(document, uname, f"fail-count-{name}{end}", "INFINITY" if forever else "", add=count)
    set_attribute(document, uname, f"last-failure-{name}{end}", _time(document))


def _time(document: Any) -> str:
    """Return the time of the last operation in the status, so that a failure of now is not forgotten; a late one where there is none."""
    times = [whole_number(op.get("last-rc-change"), 0) for op in document.iter("lrm_rsc_op")]
    return str(max([*times, 0]) or 4_000_000_000)


def study(
    text: str,
    facts: Facts,
    pacemaker: Pacemaker,
    wanted: Sequence[str] = ("all",),
    *,
    twice: bool = False,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Study:
    """Return what each failure that is `wanted` comes to on the cluster whose CIB is `text`; with `twice`, what a second one comes to.

    The second failure is of every other node, and of each thing of the core on a node that is left. `tell` is told how many are done of
    how many.
    """
    cluster = Cluster(text, facts, pacemaker)
    failures = cluster.failures(wanted)
    second = [one for one in cluster.failures(("all",)) if one.what != DEAD] if twice else []
    results = []
    tell(0, len(failures))
    # a failure is a program that runs, or several: as many at once as there are processors
    pool = ThreadPoolExecutor(max_workers=cores())
    try:
        for result in pool.map(partial(cluster.result, twice=second), failures):
            results.append(result)
            tell(len(results), len(failures))
    except BaseException:
        pacemaker.stop()  # none of the others is waited for
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    things = tuple((thing, *cluster.service(thing)[1:]) for thing in cluster.things)
    return Study(
        cluster.cib.cluster.name,
        tuple(cluster.members),
        pacemaker.version,
        cluster.start,
        cluster.newer,
        cluster.fencing(),
        tuple(results),
        things,
        len(cluster._vips),
        bool(cluster._haproxies),
        tuple(cluster.remotes),
    )


OBSERVED, ASSUMED = "observed", "assumed"
AS_EXPECTED, DIFFERENT, NOT_TRIED = "as expected", "different", "not tried"
# the settings under which the lab saw a service that tries without end, and one that gives up
_SETTINGS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (DATABASE, YES): ("unlimited",),
    (DATABASE, NO): ("finite", "absent", "two-workers"),
    (BROKER, YES): ("no-broker-limit",),
    (BROKER, NO): ("broker-limit",),
}


class Words(Document, frozen=True):
    """What a service does while the server is away, and once it is back, in the words of the lab; empty where nobody looked."""

    does: str = ""
    then: str = ""


class FailureTest(Document, frozen=True):
    """One test: the commands that make the service `fail`, those that `mend` it, and how to `see` the service.

    `expect` holds all that may be seen, by what it `stands_on` (`observed` or `assumed`), `release` in which releases that was observed;
    `saw` is for the operator to fill in.
    """

    id: str
    cluster: str
    service: str
    thing: str
    what: str
    fail: tuple[str, ...]
    mend: tuple[str, ...]
    see: tuple[str, ...]
    expect: tuple[Words, ...]
    stands_on: str
    because: str = ""
    release: str = ""
    saw: Words = Words()


class Plan(Document, frozen=True):
    """The failure tests of all clusters of a target; `not_planned` names what no test can be made of, and why."""

    tests: tuple[FailureTest, ...]
    not_planned: tuple[str, ...] = ()


class Judgement(Struct, frozen=True):
    """What one test came to: AS_EXPECTED, DIFFERENT or NOT_TRIED, and why it is no good where it is none."""

    test: FailureTest
    outcome: str
    bad: str = ""


_NAMED = 4  # services of which one reason is told by name; more are counted


class Cloud(Struct, frozen=True):
    """A cluster to plan for: its runbook, its release if that is known, and of each run of the book what a test must know besides."""

    book: Runbook
    release: Optional[str] = None
    ways: tuple[Way, ...] = ()


def plan_tests(clouds: Iterable[Cloud], observed: Observed) -> Plan:
    """Return the failure tests of clusters: each service with the database and the broker away."""
    tests: list[FailureTest] = []
    left: list[str] = []
    every = list(clouds)
    for name, cloud in zip(_names([cloud.book for cloud in every]), every):
        book = cloud.book
        ways = dict(zip(map(id, book.runs), cloud.ways))
        for about, service in SERVERS.items():
            server = next((run for run in book.runs if run.service == service), None)
            if server is None:
                left.append(f"{name}: nothing in it runs {service}, so that nothing can be stopped there")
                continue
            asking = [run for run in book.runs if any(one.about == about for one in run.judged)]
            if not asking:
                left.append(f"{name}: no unit or option file of a service that uses {server.title} was given")
            elif because := _explain_untried(server, ways.get(id(server), Way())):
                left.append(f"{name}: {server.thing}: {because}")
                continue
            things = [run.thing for run in asking]
            stopped: list[str] = []
            for run in asking:
                way = ways.get(id(run), Way())
                shown = run.thing if things.count(run.thing) == 1 else f"{run.thing}/{run.service}"
                because = _explain_untried(run, way)
                if because:
                    left.append(f"{name}: {shown}: {because}")
                    continue
                if server.thing in way.stops_with:
                    stopped.append(shown)
                    continue
                tests += _of((name, shown), cloud, run, server, about, way, observed)
            if stopped:
                more = f" and {len(stopped) - _NAMED} more" if len(stopped) > _NAMED else ""
                left.append(
                    f"{name}: {', '.join(stopped[:_NAMED])}{more}: with {server.thing} Pacemaker stops what is ordered after it, which is"
                    " never seen without it"
                )
    return Plan(tuple(tests), tuple(dict.fromkeys(left)))


def _names(books: Sequence[Runbook]) -> list[str]:
    """Return a name for each cluster by which it is told from the others: its own, its first host's, or both; else with a number."""
    names = [book.name or next(iter(book.hosts), "") for book in books]
    told = [
        f"{name} ({book.hosts[0]})" if names.count(name) > 1 and book.hosts and book.hosts[0] != name else name
        for name, book in zip(names, books)
    ]
    return [f"{name} ({told[: n + 1].count(name)})" if told.count(name) > 1 else name for n, name in enumerate(told)]


def _explain_untried(run: Run, way: Way) -> str:
    """Return why no test can be made with a run; empty where one can."""
    if not {STOP, START} <= {action.does for action in run.actions}:
        return "no command may stop and start it"
    return way.down


def _of(shown: tuple[str, str], cloud: Cloud, run: Run, server: Run, about: str, way: Way, observed: Observed) -> Iterator[FailureTest]:
    """Yield the tests of a run; `shown` are the names of its cluster and of itself in their ids."""
    cluster, thing = shown
    answers = {one.answer for one in run.judged if one.about == about}
    answer = NO if NO in answers else YES if answers == {YES} else ""
    says = "; ".join(dict.fromkeys(one.says for one in run.judged if one.about == about and (one.answer == answer or not answer)))
    for when, words in ((f"{about}-killed", "under the running service"), (f"{about}-away-at-start", "before the service is started")):
        every = [one for one in observed.services.get(run.service, ()) if one.under == way.under]
        runs = _telling(every, when, _SETTINGS.get((about, answer), ()), cloud.release)
        begin = [_waiting(action.line) for action in run.actions if action.does == STOP] if when.endswith("start") else []
        starts = [action.line for action in run.actions if action.does == START] if when.endswith("start") else []
        yield FailureTest(
            id=f"{cluster}/{when}/{thing}",
            cluster=cloud.book.name,
            service=run.service,
            thing=run.thing,
            what=f"{server.title} is stopped {words}",
            fail=(*begin, *(_waiting(action.line) for action in server.actions if action.does == STOP), *starts),
            mend=tuple(action.line for action in server.actions if action.does == START),
            see=tuple(action.line for action in run.actions if action.does == SEE),
            expect=tuple(dict.fromkeys(words for one in runs for words in _list_expected(one, run))) or (Words(then="serves"),),
            stands_on=OBSERVED if runs else ASSUMED,
            because=says,
            release=", ".join(sorted({one.release for one in runs}, key=RELEASES.index)),
        )


def _waiting(line: str) -> str:
    """Return the command that stops something so that it ends when that is stopped: the cluster's own commands end at once otherwise."""
    if line.startswith("pcs resource disable "):
        return f"{line} --wait"
    return f"crm --wait {line.removeprefix('crm ')}" if line.startswith("crm resource stop ") else line


def _list_expected(seen: Seen, run: Run) -> Iterator[Words]:
    """Yield what may be seen of a run: what the lab saw, and where something may restart it, that a program that left serves again."""
    yield Words(seen.does, seen.then)
    if seen.then == "gone" and any(one.about == BROUGHT_BACK and one.answer != NO for one in run.judged):
        yield Words(seen.does, "serves")


def _telling(runs: Sequence[Seen], when: str, settings: tuple[str, ...], release: Optional[str]) -> Sequence[Seen]:
    """Return the runs of a timeline that tell something, with one of the settings, nearest to a release.

    None, if no setting is named: which one a service has is not known, and so not what it does.
    """
    found = [one for one in runs if one.when == when and one.setting in settings and one.then not in ("", NOT_OBSERVED)]
    return nearest([one for one in found if not one.only or one.recovers], release)


def load_results(text: str, path: str) -> Plan:
    """Return a plan that an operator has filled in.

    Raises ConfigurationError, with its place, for a word outside the vocabulary, for a test that stands twice, and for one that expects
    nothing.
    """
    results = read(text, path, Plan)
    try:
        seen: set[str] = set()
        for n, test in enumerate(results.tests):
            _refuse(test, ("tests", n))
            if test.id in seen:
                raise Mismatch(("tests", n, "id"), f"test `{test.id}` is listed twice")
            seen.add(test.id)
    except Mismatch as mismatch:
        raise locate(mismatch, text, path) from None
    return results


def _refuse(test: FailureTest, path: tuple[Union[str, int], ...]) -> None:
    """Raise Mismatch for a word of one test that is not of the vocabulary; `path` leads to the test."""
    if not test.expect:
        raise Mismatch((*path, "expect"), "a list with nothing in it: a test must expect something")
    if test.stands_on not in (OBSERVED, ASSUMED):
        raise Mismatch((*path, "stands_on"), f"`{test.stands_on}`: must be `{OBSERVED}` or `{ASSUMED}`")
    places = [((*path, "expect", n), words) for n, words in enumerate(test.expect)]
    for place, words in (*places, ((*path, "saw"), test.saw)):
        for key, word, known in (("does", words.does, DOES), ("then", words.then, THEN)):
            if word and word not in known and not (key == "does" and EXITS.fullmatch(word)):
                every = (*known, *(("exits 0", "exits 1") if key == "does" else ()))
                raise Mismatch((*place, key), f"`{word}`: unknown word{near(word, every)}")


def judge(results: Plan) -> list[Judgement]:
    """Return what each test of a plan came to. One that was not looked at until the server was back is not tried."""
    found = []
    for test in results.tests:
        saw = test.saw
        if not saw.then or saw.then == NOT_OBSERVED:
            found.append(Judgement(test, NOT_TRIED))
            continue
        fits = any(saw.then == one.then and (not saw.does or not one.does or saw.does == one.does) for one in test.expect)
        bad = "it is gone, and must come back by itself" if saw.then == "gone" else ""
        bad = "it stays up and is of no use, and no restart comes" if saw.then in BROKEN else bad
        found.append(Judgement(test, AS_EXPECTED if fits else DIFFERENT, bad))
    return found
