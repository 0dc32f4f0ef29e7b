"""The way from the full to the lightweight architecture, as data: steps of which each is simulated before anybody takes it.

What runs is never stopped. A service's resources and constraints leave the CIB in one change while `stop-orphan-resources` is `false`, so
that their processes run on; then systemd is told to keep them. Lightweight is what the rules say: the plan takes what they find.

The hosts beside it: what is to be fixed on them before anything leaves the cluster, and what is not as planned afterwards. A unit that
Pacemaker runs today needs no `Restart=` of its own; once it is systemd's it does. So today's findings do not tell all, and the hosts are
judged with the CIB that the plan ends in.
"""

from __future__ import annotations

import copy
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lwlint.audit.answer import RELOAD, mending
from lwlint.audit.clusters import Group, Seat, read_hosts
from lwlint.audit.operate.simulation import (
    Action,
    Pacemaker,
    Refused,
    Settled,
    State,
    Transition,
    cold_start,
    read_cib,
    serialize,
)
from lwlint.audit.operate.steps import (
    CLUSTER,
    DEFAULTS,
    EACH,
    NONE,
    ORPHANS,
    PROPERTIES,
    STARTS,
    Create,
    Delete,
    Edit,
    Handed,
    Plan,
    Refusal,
    Replace,
    Step,
    apply_edits,
    assign,
    is_in_reach,
    no_host,
    one_line,
    override,
    section,
    taking_back,
    value_of,
    without_history,
)
from lwlint.audit.report_layout import CIB, CLUSTER_STATUS
from lwlint.checks.pacemaker_constraints import has_current_pcs, written_role
from lwlint.checks.pacemaker_settings import property_set, unset
from lwlint.core.config_reader import near
from lwlint.core.facts import Facts
from lwlint.core.finding import BROKEN, NOT_EVALUATED, ConfigurationError, Finding, Report
from lwlint.core.harmless import command, count_of
from lwlint.core.secret import mask_secrets
from lwlint.files.tree import Overlay
from lwlint.inputs.pacemaker.facts import BUNDLE, CLONE, Constraint, Resource, boolean
from lwlint.inputs.pacemaker.model import Cib, cibs, number_nodes
from lwlint.inputs.systemd.facts import LOADED, Unit
from lwlint.policy.rules import Rule
from lwlint.run import AUTO, Request, judge, read_facts

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


RESOURCE, CONSTRAINT = "service-outside-the-core", "constraint-outside-the-core"  # the rules whose findings leave
BOUND, ORDERED = "vip-without-haproxy", "vip-not-ordered-with-haproxy"  # and those whose findings are fixed on the way
_DISTURBING = ("stop", "demote", "migrate_to", "migrate_from", "fence", "delete")
_STARTING = ("start", "promote")
WAIT = "crm_resource --wait"
_WHERE = ("rsc_location", "rsc_ticket")  # constraints that tell where something may run, and whether
VANISH = ("openstack_core", "delay")  # the catalogue's helpers that no process stands behind
_ONCE = {"OVSCleanup": "neutron-ovs-cleanup", "NetnsCleanup": "neutron-netns-cleanup"}  # the unit that an agent runs once at boot
_EACH_LINE = "%s\\n"  # of printf
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*")  # the characters of systemd.unit(5); with a dash in front it is an option


class Settings(Struct, frozen=True):
    """What the user chose: the resources that stay under Pacemaker (`keep`), one change for all services, and the release to judge by."""

    keep: tuple[str, ...] = ()
    at_once: bool = False
    release: str = AUTO


def make_plan(
    text: str,
    path: str,
    rules: Sequence[Rule],
    pacemaker: Pacemaker,
    settings: Settings = Settings(),  # noqa: B008
    hosts: Sequence[Facts] = (),
) -> Plan:
    """Return the plan for the CIB in `text`, which is shown as `path`; `hosts` are the facts of its hosts, where they are known.

    Raises ConfigurationError for what is no CIB, and for a resource to be kept that there is none of.
    """
    try:
        cib = read_cib(text)
    except Refused as refused:
        raise ConfigurationError(f"`{path}`: {refused}") from None
    return _Planner(cib, text, path, rules, pacemaker, settings, hosts).plan()


def judge_cib(cib: str, path: str, rules: Sequence[Rule], release: str = AUTO) -> tuple[Facts, Report]:
    """Return the facts of a CIB by itself, and what the rules say of it."""
    request = Request(text=cib.encode("utf-8", "surrogatepass"), text_path=path, paths=(), kind="cib", release=release)
    reading = read_facts(request)
    return reading.facts, judge(reading, request, rules)


class _Planner:
    def __init__(
        self,
        cib: Element,
        text: str,
        path: str,
        rules: Sequence[Rule],
        pacemaker: Pacemaker,
        settings: Settings,
        hosts: Sequence[Facts],
    ) -> None:
        self.hosts = hosts
        self.before, self.path, self.rules, self.pacemaker, self.settings = cib, path, rules, pacemaker, settings
        facts, report = judge_cib(text, path, rules, settings.release)
        self.facts = facts
        self.findings, self.verdicts = report.findings, report.verdicts
        found = cibs(facts)
        if len(found) != 1:
            raise ConfigurationError(f"`{path}`: no CIB can be read in it")
        self.cib: Cib = found[0]
        self.release = facts.release.name or AUTO
        self.steps: list[Step] = []
        self.refusals: list[Refusal] = []
        self.notes: list[str] = []
        self.work = cib  # the configuration as the steps so far leave it, with the status of the beginning
        self.leaving = self._leaving()
        self.kept = {leaf.name for leaf in self.leaving if self._is_kept(leaf)}
        self.leaving = [leaf for leaf in self.leaving if leaf.name not in self.kept]
        self.names = {leaf.name for leaf in self.leaving}
        self.running: State | None = None
        self.handed: dict[str, Handed] = {}

    def plan(self) -> Plan:
        state, proved_on = self._settle()
        self._look()
        if state is not None:
            self.running = state.after
            if not state.quiet:
                trouble = state.transitions[-1].trouble
                if trouble:
                    first = (
                        "see what it waits for (`crm_simulate --simulate --live-check`): mostly for what is unmanaged or in maintenance, "
                        "or, by an order, for a promotion on each node of what is promoted on one alone "
                        "(`require-all=false` in that order ends this)"
                    )
                    undone = _first_undone(state.transitions[-1])
                    self._refuse("the cluster", f"what it is to do next cannot be carried out ({trouble}){undone}", first)
                else:
                    again = str(state.transitions[-1].changes[0])
                    because = f"it does not come to rest within {len(state.transitions)} transitions: it is to {again} still"
                    first = "see what makes it do so (`crm_simulate --simulate --live-check`), and correct the CIB; to wait does not help"
                    self._refuse("the cluster", because, first)
            elif state.changes:
                waiting = f"{state.changes[0]}" + (f" and {len(state.changes) - 1} more" if len(state.changes) > 1 else "")
                self.notes.append(
                    f"the cluster is not at rest (it will {waiting}): simulated from where it will be then; wait for that first"
                )
            self._hand_over_how()
            self._look_at_units()
            self._hold()
            self._keep_orphans()
            self._bind(state.cib)
            self._untie_core()
            for title, leaves in self._projects():
                self._take_out(title, leaves)
                self._take_over(title, leaves)
            self._stop_orphans_again()
            if not any(step.subjects for step in self.steps):
                self.steps.clear()
                self.work = self.before
            self._prove(state.cib)
        after = (
            judge_cib(serialize(self.work).decode(), self.path, self.rules, self.release)[1].findings
            if state is not None
            else self.findings
        )
        known = {(finding.rule, finding.subject) for finding in self.findings}
        return Plan(
            self.path,
            self.pacemaker.version,
            proved_on,
            tuple(node.name for node in self.cib.nodes if node.type == "member"),
            tuple(leaf.name for leaf in self.cib.leaves() if leaf.name not in self.names),
            tuple(self.handed.values()),
            tuple(self.steps),
            tuple(self.refusals),
            tuple(dict.fromkeys(self.notes)),
            tuple(after),
            tuple(finding for finding in after if (finding.rule, finding.subject) not in known),
            self.before,
            self.work,
        )

    def _of(self, rule: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.rule == rule and finding.severity != "note" and finding.allowed is None]

    def _leaving(self) -> list[Resource]:
        names = {finding.subject.partition(" ")[2] for finding in self._of(RESOURCE) if finding.subject.startswith("resource ")}
        return [leaf for leaf in self.cib.leaves() if leaf.name in names]

    def _is_kept(self, leaf: Resource) -> bool:
        known = set(self.cib.resources)
        for name in self.settings.keep:
            if name not in known:
                raise ConfigurationError(f"`--keep {name}`: there is no such resource{near(name, known)}")
        above, around = leaf.parent, {leaf.name}
        while above is not None:
            around.add(above)
            above = self.cib.resources[above].parent
        return not around.isdisjoint(self.settings.keep)

    def _refuse(self, about: str, because: str, first: str) -> None:
        self.refusals.append(Refusal(about, because, first))

    # what is now

    def _settle(self) -> tuple[Settled | None, str]:
        """Return the cluster at rest, and in words what it was made of; None where Pacemaker refuses the CIB."""
        states = self.before.findall("status/node_state")
        told = {state.get("uname") for state in states if state.find("lrm") is not None}
        members = {node.name for node in self.cib.nodes if node.type == "member"}
        try:
            if members and members <= told:
                return self.pacemaker.settle(self.before), "the status in the CIB"
            started, begun = cold_start(self.pacemaker, self.before, self.cib)
        except Refused as refused:
            self._refuse("the CIB", f"Pacemaker {self.pacemaker.version} refuses it: {refused}", "correct the CIB (`crm_verify -L -V`)")
            return None, "nothing"
        known = f"the status in the CIB shows {len(told & members)} of {len(members)} nodes" if told & members else "the CIB has no status"
        self.notes.append(f"{known} (`cibadmin -Q` has it): simulated as if all nodes had just started")
        return started, f"a cold start of all nodes ({begun} transitions)"

    def _look(self) -> None:
        """Refuse what makes a plan impossible, whatever its steps."""
        for verdict in self.verdicts:
            if verdict.outcome == BROKEN:
                because = f"{verdict.code} {verdict.rule} is broken ({verdict.because}), so that the findings are not all there are"
                self._refuse("the CIB", because, "it is a defect of lwlint: `lwlint check --debug` on the CIB shows where")
            elif verdict.rule == RESOURCE and verdict.outcome == NOT_EVALUATED:
                because = f"{verdict.code} {verdict.rule} is not evaluated: {verdict.because}"
                self._refuse("the CIB", because, "give the CIB of the cluster that runs OpenStack's services (`cibadmin -Q`)")
        properties = self.cib.properties
        maintenance = properties.get("maintenance-mode")
        if maintenance is not None and boolean(maintenance.value):
            because = "it is in maintenance mode: nothing is watched, and a simulation proves nothing"
            self._refuse("the cluster", because, property_set(self.facts, maintenance, "false").line)
        everything = properties.get("stop-all-resources")
        if everything is not None and boolean(everything.value):
            because = "`stop-all-resources` is set: nothing runs that could run on"
            self._refuse("the cluster", because, property_set(self.facts, everything, "false").line)
        if self.before.get("have-quorum") == "0":
            self._refuse("the cluster", "it has no quorum, so that nothing can be changed", "bring the missing nodes back")
        for node in self.cib.nodes:
            if node.type == "member" and (refused := no_host(node.name)) is not None:
                self.refusals.append(refused)
            for attribute, is_set, because in (
                ("maintenance", node.maintenance, "it is in maintenance mode"),
                ("standby", node.standby, "it is in standby: nothing of it could be handed over"),
            ):
                if node.type == "member" and is_set:
                    self._refuse(
                        f"node {node.name}", because, " && ".join(each.line for each in unset(self.cib, self.facts, node, attribute))
                    )
        members = {node.name for node in self.cib.nodes if node.type == "member"}
        for state in self.before.findall("status/node_state"):
            name = state.get("uname") or ""
            if name in members and (
                state.get("crmd", "online") in ("offline", "0") or state.get("join", "member") in ("down", "banned", "nack")
            ):
                self._refuse(
                    f"node {name}",
                    "it is not online, so systemd there could not be told",
                    "bring it back, or take it out of the cluster",
                )

    def _hand_over_how(self) -> None:
        for leaf in self.leaving:
            service = self.cib.service(leaf)
            project = project_of(leaf.name)
            kind, _, rest = (leaf.agent or "").partition(":")
            type = rest.rpartition(":")[2]
            stopped = (text := leaf.meta.get("target-role")) is not None and text.value.lower() == "stopped"
            runs = self.running is not None and bool(self.running.nodes(leaf.name))
            if self.cib.top(leaf).form == BUNDLE:
                first = "take it out with the deployment's own upgrade, which puts a container of systemd in its place"
                self._refuse(
                    leaf.name, "it runs in a bundle: on the hosts there is no unit to hand it over to", f"{first}; or `--keep {leaf.name}`"
                )
                how, unit = "nothing", ""
            elif kind in ("systemd", "service"):
                unit = type.removesuffix(".service") + ".service"
                once = (service is not None and service.once) or any(found.runs_once for found in self._units(unit))
                how = "stopped" if stopped else "once" if once else "systemd" if runs else "down"
                if not _UNIT.fullmatch(unit):
                    first = f"correct the resource, or keep it: `--keep {leaf.name}`"
                    self._refuse(leaf.name, f"`{unit}` is no name of a unit, so that systemd could not run it", first)
                    how, unit = "nothing", ""
            elif type in _ONCE:
                how, unit = "stopped" if stopped else "once", _ONCE[type] + ".service"
            elif service is not None and service.name in VANISH:
                how, unit = "nothing", ""
            elif type == "Filesystem" and (made := self._mount(leaf)) is not None and _UNIT.fullmatch(made[0]):
                if any(mask_secrets(line) != line for line in made[1]):
                    first = f"put it into a file that only root may read (`credentials=`), or keep it: `--keep {leaf.name}`"
                    self._refuse(leaf.name, "its options hold a password, which anybody could read in the unit of the mount", first)
                self.handed[leaf.name] = Handed(leaf.name, leaf.top, project, "stopped" if stopped else "mount", *made)
                continue
            else:
                first = f"keep it: `--keep {leaf.name}`; or have systemd run it, and take it out of the cluster, by hand"
                self._refuse(leaf.name, f"its agent `{leaf.agent}` is not systemd's: nothing is known that would run it", first)
                how, unit = "nothing", ""
            self.handed[leaf.name] = Handed(leaf.name, leaf.top, project, how, unit)
            if how == "stopped":
                self.notes.append(f"`{leaf.name}` is disabled, by somebody on purpose: its unit `{unit}` is not enabled and not started")
        down = [one for one in self.handed.values() if one.how == "down"]
        if down:
            names, units = ", ".join(f"`{one.name}`" for one in down), " ".join(one.unit for one in down)
            self.notes.append(
                f"on no node runs {names}: systemd starts it at the next boot; when its cause is gone: `systemctl start {units}`"
            )

    def _look_at_units(self) -> None:
        """Refuse to hand a service over to a unit that a host is known not to have, or that is masked there."""
        for unit in dict.fromkeys(one.unit for one in self.handed.values() if one.how in ("systemd", "once", "down")):
            for found in self._units(unit):
                if found.load_state != LOADED:
                    where = f" on {found.host}" if found.host else ""
                    first = (
                        command("systemctl", "unmask", unit)
                        if found.load_state == "masked"
                        else f"have {unit} there, as on the other nodes"
                    )
                    self._refuse(f"{unit}{where}", f"it is {found.load_state}, so that systemd there could not run it", first)

    def _units(self, name: str) -> list[Unit]:
        """Return the unit as it is on each host that is known."""
        return [found for facts in self.hosts for found in facts.of(Unit) if name in (found.name, *found.names)]

    def _mount(self, leaf: Resource) -> tuple[str, tuple[str, ...]] | None:
        """Return the name and the lines of a mount unit for a file system that each node mounts; None for one that is mounted once."""
        values = {name: text.value for name, text in leaf.attributes.items()}
        device, directory = values.get("device", ""), values.get("directory", "")
        if self.cib.top(leaf).form != CLONE or not device or not directory.startswith("/"):
            return None
        options = ",".join(dict.fromkeys([*filter(None, values.get("options", "").split(",")), "_netdev"]))
        kind = values.get("fstype", "")
        lines = [
            "[Unit]", f"Description={leaf.name}, until now mounted by Pacemaker", "[Mount]", f"What={device}", f"Where={directory}",
            *([f"Type={kind}"] if kind else []), f"Options={options}", "[Install]", "WantedBy=multi-user.target",
        ]  # fmt: skip
        return mount_unit(directory), tuple(lines)

    # the steps

    def _add(self, step: Step) -> None:
        untied = apply_edits(self.work, step.untie)
        back = [edit.command() for edit in taking_back(untied, step.edits)]
        names = [edit.command() for edit in taking_back(self.work, step.untie)]
        undo = step.undo or (*back, *([WAIT] if back and names else []), *names)
        self.work = apply_edits(untied, step.edits)
        self.steps.append(replace(step, id=f"{len(self.steps) + 1:02}", undo=undo))

    def _hold(self) -> None:
        """Have what runs stay where it runs: without stickiness the scheduler moves it when the number of resources on a node changes."""
        now = value_of(self.work, DEFAULTS, "resource-stickiness") or value_of(self.work, PROPERTIES, "default-resource-stickiness")
        if now is not None and now.strip().lstrip("+") not in ("0", ""):
            return
        edits = assign(self.work, DEFAULTS, "resource-stickiness", "INFINITY")
        why = (
            "Without stickiness the scheduler moves virtual IPs whenever the number of resources on a node changes. It stays so afterwards."
        )
        step = Step("", "prepare", "What runs stays where it runs", CLUSTER, NONE, why, edits=edits)
        self._add(self._setting(step, DEFAULTS, "resource-stickiness", "INFINITY"))

    def _setting(self, step: Step, section: str, name: str, value: str | None) -> Step:
        """Return the step that gives a property, or a default, a value, with its commands: those of pcs where it does what the edits do.

        pcs takes back what pcs has done, for it gives what it adds an id of its own.
        """
        if not is_in_reach(self.work, section, name):
            return replace(step, commands=tuple(edit.command() for edit in step.edits))
        update = "update " if has_current_pcs(self.cib) else ""
        sets = f"pcs -f $C {'property set ' if section == PROPERTIES else f'resource defaults {update}'}{name}="
        old = value_of(self.work, section, name)
        lines = [sets + (shlex.quote(text) if text else "") for text in (value, old)]
        return replace(step, commands=(lines[0],), undo=(lines[1],))

    def _keep_orphans(self) -> None:
        self.orphans = value_of(self.work, PROPERTIES, ORPHANS)
        if self.orphans is not None and boolean(self.orphans) is False:
            self.notes.append(f"`{ORPHANS}` is `{self.orphans}` already, and stays so")
            return
        edits = assign(self.work, PROPERTIES, ORPHANS, "false")
        why = "Pacemaker stops what it runs and no longer finds in the CIB, unless this says otherwise."
        step = Step("", "prepare", "What is taken out of the CIB runs on", CLUSTER, NONE, why, edits=edits)
        self._add(self._setting(step, PROPERTIES, ORPHANS, "false"))

    def _stop_orphans_again(self) -> None:
        if self.orphans is not None and boolean(self.orphans) is False:
            return
        edits = assign(self.work, PROPERTIES, ORPHANS, self.orphans)
        checks = ("! crm_mon -1 | grep -i orphan",)
        why = "Nothing is left of what it kept from being stopped."
        step = Step("", "finish", "Pacemaker stops orphans again", CLUSTER, NONE, why, edits=edits, checks=checks)
        self._add(self._setting(step, PROPERTIES, ORPHANS, self.orphans))

    def _bind(self, cib: Element) -> None:
        """Bind virtual IPs to HAProxy as the rules want it, where the scheduler moves nothing for it; `cib` is the cluster at rest."""
        now = apply_edits(cib, [edit for step in self.steps for edit in step.edits])
        for rule, title in ((BOUND, "runs where HAProxy runs"), (ORDERED, "starts before HAProxy")):
            for finding in self._of(rule):
                name = finding.subject.rpartition(" ")[2]
                lines = [shlex.split(each.line) for each in finding.commands]
                edits = tuple(edit for words in lines for edit in self._of_pcs(words))
                settled = self._try(now, edits) if edits else None
                if settled is None:
                    self.notes.append(f"`{name}`: {finding.message.partition(': ')[2]}; the plan leaves that to you")
                    continue
                now = settled.cib
                commands = tuple(f"pcs -f $C {shlex.join(words[1:])}" for words in lines)
                step = Step("", "prepare", f"{name} {title}", CLUSTER, NONE, finding.message, edits=edits, commands=commands)
                self._add(replace(step, subjects=(name,)))

    def _of_pcs(self, words: Sequence[str]) -> Iterator[Edit]:
        """Yield the edits of a command of `pcs constraint` that a check gave; it names what pcs would."""
        if words[:3] == ["pcs", "constraint", "remove"]:
            yield from self._delete(words[3])
        elif words[:4] == ["pcs", "constraint", "colocation", "add"]:
            rsc, (*role, other, score) = words[4], words[6:]
            of = f' with-rsc-role="{written_role(self.cib, role[0])}"' if role else ""
            ends = f'rsc="{rsc}" with-rsc="{other}"{of}'
            yield Create("constraints", f'<rsc_colocation id="colocation-{rsc}-{other}-{score}" {ends} score="{score}"/>')
        elif words[:3] == ["pcs", "constraint", "location"]:
            rsc, mark, id = words[3], words[7], f"location-{words[3]}"
            expression = f'<expression id="{id}-rule-expr" attribute="{mark}" operation="eq" value="true"/>'
            rule = f'<rule id="{id}-rule" score="0">{expression}</rule>'
            yield Create("constraints", f'<rsc_location id="{id}" rsc="{rsc}" resource-discovery="exclusive">{rule}</rsc_location>')
        elif words[:3] == ["pcs", "constraint", "order"]:
            first, then, kind = words[4], words[7], words[8].partition("=")[2]
            actions = 'first-action="start" then-action="start"'
            yield Create(
                "constraints", f'<rsc_order id="order-{first}-{then}-{kind}" first="{first}" then="{then}" {actions} kind="{kind}"/>'
            )

    def _delete(self, id: str) -> Iterator[Delete]:
        yield from (Delete(str(one.tag), id) for one in section(self.work, "constraints") if one.get("id") == id)

    def _try(self, cib: Element, edits: Iterable[Edit]) -> Settled | None:
        """Return the cluster at rest after these edits; None where Pacemaker refuses them, or they stop, demote or move anything."""
        try:
            settled = self.pacemaker.settle(apply_edits(cib, edits))
        except Refused:
            return None
        return None if disturbing(settled.changes) else settled

    def _untie_core(self) -> None:
        """Take away the constraints that the rules find and that name nothing that leaves: of the core, and of what is gone already."""
        tied = {name for leaves in ([leaf] for leaf in self.leaving) for name in self._find_tied(leaves)}
        found = [name for one in self._of(CONSTRAINT) if (name := one.subject.partition(" ")[2]) not in tied]
        alone = [name for name in found if not self._holds(name, self.kept)]
        if alone:
            ids = self._around(self.leaving)
            outer = dict.fromkeys(self._outermost(leaf, ids) for leaf in self.leaving)
            gone = [edit for name in tied for edit in self._delete(name)]
            gone += [Delete(str(one.tag), one.get("id") or "") for one in section(self.work, "resources").iter() if one.get("id") in outer]
            after = judge_cib(serialize(apply_edits(self.work, gone)).decode(), self.path, self.rules, self.release)[1].findings
            wrong = {one.subject.partition(" ")[2] for one in after if one.rule == CONSTRAINT and one.severity != "note"}
            alone = [name for name in alone if name in wrong]  # a group that a service leaves keeps its bond
        edits = tuple(edit for name in alone for edit in self._delete(name))
        if edits:
            commands = tuple(f"pcs -f $C constraint remove {shlex.quote(name)}" for name in alone)
            why = "What stays under Pacemaker must not wait for a database or a broker, nor for what is gone."
            title = f"{count_of(len(edits), 'constraint')} of what stays"
            self._add(Step("", "prepare", title, CLUSTER, NONE, why, tuple(alone), edits=edits, commands=commands))

    def _holds(self, constraint: str, names: Collection[str]) -> bool:
        """Whether a constraint names something that runs one of these primitives, or is named like it."""
        found = next((one for one in self.cib.constraints if one.name == constraint), None)
        return found is not None and any(
            leaf.name in names for member in found.members for name in member.resources for leaf in self.cib.inside(name)
        )

    def _around(self, leaves: Iterable[Resource]) -> set[str]:
        """Return the ids of these primitives, and of what is around them and holds nothing else."""
        names = {leaf.name for leaf in leaves}
        found = set(names)
        for leaf in leaves:
            above = leaf.parent
            while above is not None and {each.name for each in self.cib.inside(above)} <= names:
                found.add(above)
                above = self.cib.resources[above].parent
        return found

    def _find_named(self, constraint: Constraint) -> set[str]:
        """Return what a constraint names, with what its tags and templates stand for."""
        found = {member.name for member in constraint.members}
        return found | {name for member in constraint.members for name in member.resources}

    def _find_tied(self, leaves: Sequence[Resource]) -> list[str]:
        ids = self._around(leaves)
        return [one.name for one in self.cib.constraints if self._find_named(one) & ids]

    def _projects(self) -> list[tuple[str, list[Resource]]]:
        """Return what leaves, by project: first those that nothing waits for; those that wait for each other in a circle together."""
        if self.settings.at_once:
            return [("all services", self.leaving)] if self.leaving else []
        of: dict[str, list[Resource]] = {}
        for leaf in self.leaving:
            of.setdefault(project_of(leaf.name), []).append(leaf)
        home = {id: name for name, leaves in of.items() for id in self._around(leaves)}
        waits: dict[str, set[str]] = {name: set() for name in of}  # who waits for it
        for constraint in self.cib.constraints:
            for early, late in _in_turn(constraint):
                one, other = home.get(early), home.get(late)
                if one is not None and other is not None and one != other:
                    waits[one].add(other)
        return [("+".join(names), [leaf for name in names for leaf in of[name]]) for names in last_first(waits)]

    def _take_out(self, title: str, leaves: Sequence[Resource]) -> None:
        """Take the resources of a project out of the CIB, with all that names them, in one change."""
        ids, names = self._around(leaves), {leaf.name for leaf in leaves}
        leaving_ids = self._around(self.leaving)
        untie: list[Edit] = []  # they come back when the resources are known to run
        edits: list[Edit] = []  # what comes back with the resources: where they may run at all, and tags by which that may name them
        commands: list[str] = []
        for name in self._find_tied(leaves):
            element = next((one for one in section(self.work, "constraints") if one.get("id") == name), None)
            if element is None:
                continue
            rest = _without(element, leaving_ids)
            changed = edits if element.tag in _WHERE else untie
            if rest is not None:
                self.notes.append(f"`{name}` ties what stays, too: that part of it is kept")
                changed.append(Replace(one_line(rest)))
                commands.append(changed[-1].command())
            else:
                changed.append(Delete(str(element.tag), name))
                commands.append(f"pcs -f $C constraint remove {shlex.quote(name)}")
        for tag in self.work.findall("configuration/tags/tag"):
            rest = copy.deepcopy(tag)
            for reference in [one for one in rest if one.get("id") in ids]:
                rest.remove(reference)
            if len(rest) < len(tag):
                edits.append(Replace(one_line(rest)) if len(rest) else Delete("tag", tag.get("id") or ""))
                commands.append(edits[-1].command())
        count = len(untie) + len(edits)
        for id in dict.fromkeys(self._outermost(leaf, ids) for leaf in leaves):
            edits += [Delete(str(one.tag), id) for one in section(self.work, "resources").iter() if one.get("id") == id]
            commands.append(f"pcs -f $C resource delete {shlex.quote(id)} --force")
        commands += [f"crm_resource --refresh --resource {shlex.quote(name)}" for name in sorted(names)]
        what = f"{title}: {count_of(len(names), 'resource')}, {count_of(count, 'constraint')}"
        why = "They run on: the cluster only forgets them, with all that names them, in one change."
        forget = tuple(leaf.name for leaf in leaves)
        step = Step("", "hand over", what, CLUSTER, NONE, why, forget, tuple(untie), tuple(edits), forget, commands=tuple(commands))
        self._add(replace(step, checks=(WAIT,)))
        self._tell_bans(leaves)

    def _outermost(self, leaf: Resource, ids: Collection[str]) -> str:
        name = leaf.name
        above = leaf.parent
        while above is not None and above in ids:
            name, above = above, self.cib.resources[above].parent
        return name

    def _tell_bans(self, leaves: Sequence[Resource]) -> None:
        ids = self._around(leaves)
        for constraint in self.cib.constraints:
            if constraint.type == "location" and self._find_named(constraint) & ids and (constraint.score or "").startswith("-"):
                node = f" on `{constraint.node.value}`" if constraint.node is not None else ""
                names = ", ".join(f"`{name}`" for name in sorted(self._find_named(constraint) & ids))
                self.notes.append(
                    f"`{constraint.name}` keeps {names} from running{node}; systemd knows no such ban, and starts it there too"
                )

    def _take_over(self, title: str, leaves: Sequence[Resource]) -> None:
        """Have systemd keep the processes that run, and start them at boot."""
        handed = [self.handed[leaf.name] for leaf in leaves]
        units = tuple(dict.fromkeys(one.unit for one in handed if one.how == "systemd"))
        enabled = tuple(dict.fromkeys(one.unit for one in handed if one.how in ("once", "down")))
        files = tuple((f"/etc/systemd/system/{one.unit}", one.lines) for one in handed if one.how == "mount")
        mounts = tuple(one.unit for one in handed if one.how == "mount")
        if not (units or enabled or files):
            return
        commands = [command("rm", "-f", override(unit)) for unit in (*units, *enabled)]
        commands += [f"{command('printf', _EACH_LINE, *lines)} > {command(path)}" for path, lines in files]
        commands.append("systemctl daemon-reload")
        commands.append(command("systemctl", "enable", *units, *enabled, *mounts))
        if units:
            commands.append(command("systemctl", "start", *units))
        checks = tuple(command("systemctl", "is-active", unit) for unit in units)
        undo = (
            *overriding(units),
            command("systemctl", "disable", *units, *enabled, *mounts),
            *(command("rm", "-f", path) for path, _ in files),
            *(["systemctl daemon-reload"] if files else []),
        )
        nodes = {node.name for node in self.cib.nodes if node.type == "member"}
        starts = [
            f"start {one.name} on {node}" for one in handed if one.how == "systemd" for node in sorted(nodes - set(self._nodes(one.name)))
        ]
        why = "Pacemaker's `Restart=no` goes, and systemd starts them at boot. To start what is active is to do nothing."
        once = [one.unit for one in handed if one.how == "once"]
        if once:
            why += f" {', '.join(once)}: run at boot alone, and are neither started nor stopped here, for that cuts tenants' networks off."
        step = Step("", "take over", f"{title}: systemd's from here on", EACH, STARTS if starts else NONE, why, (*units, *enabled, *mounts))
        self._add(
            replace(
                step,
                units=units,
                enabled=(*enabled, *mounts),
                files=files,
                commands=tuple(commands),
                checks=checks,
                undo=undo,
                starts=tuple(starts),
            )
        )

    def _nodes(self, name: str) -> tuple[str, ...]:
        return self.running.nodes(name) if self.running is not None else ()

    # the proof

    def _prove(self, cib: Element) -> None:
        """Simulate each step on the cluster at rest, one after the other, and note in it what the scheduler does."""
        proof = Proof(self.pacemaker, cib)
        now = self.before  # under its own schema, which what the scheduler makes of it is not
        for at, step in enumerate(self.steps):
            if step.where != CLUSTER:
                continue
            now = apply_edits(now, (*step.untie, *step.edits))
            try:
                refusal = self.pacemaker.refusal(now)
                if refusal:
                    raise Refused(refusal)
                starts, disturbs = proof.take(step)
            except Refused as refused:
                self._refuse(
                    f"step {step.id}", f"Pacemaker refuses the CIB that it makes: {refused}", "tell the authors of lwlint, with the CIB"
                )
                return
            self.steps[at] = replace(step, starts=starts, disturbs=disturbs, effect=STARTS if starts else step.effect)
            if disturbs:
                first = "see what ties it to what stays (`pcs constraint`); `--keep` what must not be touched"
                self._refuse(f"step {step.id} ({step.title})", f"it would {disturbs[0]}", first)


class Proof:
    """Steps that are simulated one after the other, each on the cluster that the ones before it leave."""

    def __init__(self, pacemaker: Pacemaker, cib: Element) -> None:
        self._pacemaker = pacemaker
        self.cib = cib

    def take(self, step: Step) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what a step in the cluster starts, and what it disturbs; raises Refused for a CIB that Pacemaker refuses.

        First the change is made while its processes are known to run, as orphans: nothing at all may be stopped. Then their history goes.
        """
        made = apply_edits(self.cib, (*step.untie, *step.edits))
        settled = self._pacemaker.settle(made)
        changes = list(settled.changes)
        if step.forget:
            settled = self._pacemaker.settle(without_history(settled.cib, step.forget))
            changes += settled.changes
        self.cib = settled.cib
        starts = tuple(str(action) for action in changes if action.task in _STARTING)
        return starts, disturbing(changes)


def _first_undone(transition: Transition) -> str:
    """Return as a clause the first start or promotion that the scheduler wanted in a transition and that did not come about; or nothing."""
    done = {(one.task, one.resource, one.node) for one in transition.actions}
    for one in transition.wanted:
        if one.task in _STARTING and (one.task, one.resource, one.target) not in done:
            reason = f" ({one.reason})" if one.reason else ""
            return f": it does not {one.task} {one.resource} on {one.target}{reason}"
    return ""


def disturbing(actions: Iterable[Action]) -> tuple[str, ...]:
    """Return those actions, in words, that stop, demote or move something, or fence a node."""
    return tuple(dict.fromkeys(str(action) for action in actions if action.task in _DISTURBING))


def project_of(name: str) -> str:
    """Return the project of a resource by its id (`openstack-nova-api` is nova's)."""
    found = re.match(r"openstack-([a-z0-9]+)", name)
    return found[1] if found else name.partition("-")[0]


def overriding(units: Sequence[str]) -> tuple[str, ...]:
    """Return what writes that drop-in for the units that run, as Pacemaker does: it writes none for one that it finds running."""
    lines = []
    for unit in units:
        path = override(unit)
        text = ("[Unit]", f"Description=Cluster Controlled {unit.removesuffix('.service')}",
                "Before=pacemaker.service pacemaker_remote.service", "", "[Service]", "Restart=no")  # fmt: skip
        writes = f"{command('mkdir', '-p', path.rpartition('/')[0])}; {command('printf', _EACH_LINE, *text)} > {command(path)}"
        lines.append(f"! {command('systemctl', 'is-active', '--quiet', unit)} || {{ {writes}; }}")
    return (*lines, "systemctl daemon-reload") if lines else ()


def mount_unit(directory: str) -> str:
    """Return the name of the unit for a mount point, as `systemd-escape --path --suffix=mount` does."""
    parts = "/".join(part for part in directory.split("/") if part)
    data = parts.encode()
    text = "".join("-" if byte == 47 else chr(byte) if _plain(byte, at) else f"\\x{byte:02x}" for at, byte in enumerate(data))
    return (text or "-") + ".mount"


def _plain(byte: int, at: int) -> bool:
    character = chr(byte)
    return (byte < 128 and character.isalnum()) or character in ":_" or (character == "." and at > 0)


def last_first(waits: Mapping[str, Collection[str]]) -> list[tuple[str, ...]]:
    """Return the names in an order in which each comes after all that wait for it; those in a circle come together.

    `waits` has for each name those that wait for it.
    """
    numbers = number_nodes(waits)
    together: dict[int, list[str]] = {}
    for name in waits:
        together.setdefault(numbers[name], []).append(name)
    circles = list(map(tuple, together.values()))
    done: list[tuple[str, ...]] = []
    while circles:
        placed = {name for circle in done for name in circle}
        free = next(circle for circle in circles if all(set(waits[name]) - set(circle) <= placed for name in circle))
        circles.remove(free)
        done.append(free)
    return done


def _in_turn(constraint: Constraint) -> Iterator[tuple[str, str]]:
    """Yield the pairs of resources of an order or a colocation, what must be there first in front."""
    if constraint.type == "colocation":
        yield from ((pair.second, pair.first) for pair in constraint.pairs)
    elif constraint.type == "order":
        members = list(constraint.members)
        for at, first in enumerate(members):
            for then in members[at + 1 :]:
                yield from ((early, late) for early in first.resources for late in then.resources)


def _without(constraint: Element, ids: Collection[str]) -> Element | None:
    """Return a constraint of sets without these resources, if it still ties others together; None if nothing of it is left to keep."""
    if constraint.find("resource_set") is None:
        return None
    made = copy.deepcopy(constraint)
    for part in made.findall("resource_set"):
        for reference in part.findall("resource_ref"):
            if reference.get("id") in ids:
                part.remove(reference)
        if part.find("resource_ref") is None:
            made.remove(part)
    return made if sum(1 for _ in made.iter("resource_ref")) > 1 else None


_STAYS_DOWN = ("stopped", "mount", "nothing")  # what becomes of a resource whose unit the plan does not touch, or has written itself
_CODES = ("LW2", "LW3")  # of units and of retries
_OF_THE_PLAN = ("unit-not-enabled", "cluster-service-enabled-in-systemd", "pacemaker-override-left", "pacemaker-override-beaten")
_FILES = ("mkdir -p ", "crudini ")  # commands that write what is read at the next start, and touch nothing that runs


class Promise(Struct, frozen=True):
    """What a plan ends in: the nodes, the resources that stay, those that leave with what becomes of each (`how`, `unit`), and more.

    `orphans` is the value of `stop-orphan-resources` at the end, None where the plan does not touch it. `left` are the rules and
    subjects, or messages, that were to be found at the end.
    """

    nodes: tuple[str, ...]
    core: tuple[str, ...]
    leaving: tuple[tuple[str, str, str], ...]
    orphans: str | None
    left: frozenset[tuple[str, str]]


class Outcome(Struct, frozen=True):
    """What is not as it was planned, and what cannot be seen in what was given."""

    wrong: tuple[str, ...]
    unseen: tuple[str, ...]


def outcome(promise: Promise, cib: Cib, hosts: Mapping[str, Facts], findings: Iterable[Finding]) -> Outcome:
    """Return how the CIB and the hosts, by node, differ from what was planned; `findings` are those of the rules on the CIB."""
    units = {node: found for node, facts in hosts.items() if (found := facts.of(Unit))}
    wrong = [*_of_cib(promise, cib, findings), *_of_units(promise, units)]
    unseen = [f"{node}: no unit of it is in what was given" for node in promise.nodes if node not in units]
    unseen += [f"{unit} on {node}: it is not in what was given" for node, found in units.items() for unit in _absent(promise, found)]
    return Outcome(tuple(wrong), tuple(unseen))


def _of_cib(promise: Promise, cib: Cib, findings: Iterable[Finding]) -> Iterator[str]:
    there = {leaf.name for leaf in cib.leaves()}
    yield from (f"`{name}` is still in the CIB" for name, _, _ in promise.leaving if name in there)
    yield from (f"`{name}` was to stay, and is not in the CIB" for name in promise.core if name not in there)
    members = {node.name for node in cib.nodes if node.type == "member"}
    yield from (f"node {name} was in the plan, and is not in the cluster" for name in promise.nodes if name not in members)
    yield from (f"node {name} was not in the plan, and is in the cluster" for name in sorted(members - set(promise.nodes)))
    if promise.orphans is not None:
        found = cib.properties.get(ORPHANS)
        value = found.value if found is not None else ""
        if value != promise.orphans:
            wanted = f"`{promise.orphans}`" if promise.orphans else "not set"
            yield f"`{ORPHANS}` is {f'`{value}`' if value else 'not set'}, and was to be {wanted}: the last step was not taken"
    for finding in findings:
        if finding.severity != "note" and finding.allowed is None and (finding.code, mask_secrets(finding.message)) not in promise.left:
            yield f"{finding.code} {finding.message}: it was not to be found at the end"


def _absent(promise: Promise, units: Iterable[Unit]) -> Iterator[str]:
    """Yield the units that are to be seen on a host, and of which nothing was given."""
    names = {name for unit in units for name in (unit.name, *unit.names)}
    yield from (unit for _, how, unit in promise.leaving if how not in _STAYS_DOWN and unit and unit not in names)


def _of_units(promise: Promise, units: Mapping[str, Sequence[Unit]]) -> Iterator[str]:
    for host, found in units.items():
        known = {name: unit for unit in found for name in (unit.name, *unit.names)}
        for name, how, unit_name in promise.leaving:
            if how in _STAYS_DOWN or not unit_name:
                continue
            unit = known.get(unit_name)
            if unit is None:
                continue
            if unit.load_state != LOADED:
                yield f"{unit_name} on {host}: it is {unit.load_state}, and `{name}` was to become it"
            if unit.overridden:
                yield f"{unit_name} on {host}: Pacemaker's `Restart=no` is still in force (`{unit.override}`)"
            if unit.enabled == "disabled":
                yield f"{unit_name} on {host}: it is not enabled, and is gone after the next boot"
            if how == "systemd" and unit.active not in ("", "active"):
                yield f"{unit_name} on {host}: it is {unit.active}, and was to run"


class Mends(Struct, frozen=True):
    """What is to be fixed on one node: the commands in their order, what they fix, and what is left for a person to fix."""

    node: str
    commands: tuple[str, ...]
    messages: tuple[str, ...]
    left: tuple[str, ...]


def mends(group: Group, cib: str, units: Sequence[str], rules: Sequence[Rule], release: str) -> list[Mends]:
    """Return what is wrong on each host of the group, where anything is, once the cluster has this CIB and systemd runs the `units`."""
    future = replace(group, seats=tuple(_later(seat, cib, units) for seat in group.seats), older=())
    own = [rule for rule in rules if rule.code.startswith(_CODES) and rule.id not in _OF_THE_PLAN]
    found = []
    for host in read_hosts(future, release):
        report = judge(host.reading, host.request, own)
        lines: dict[str, None] = {}
        messages, left = [], []
        for finding in report.findings:
            if finding.allowed is not None or finding.severity == "note":
                continue
            commands = [line for _, line in mending(finding, host.label, report.sources) if line != RELOAD.line]
            if commands and all(line.startswith(_FILES) for line in commands):
                lines.update(dict.fromkeys(commands))
                messages.append(finding.message)
            else:
                left.append(f"{finding.code} {finding.message}")
        if lines or left:
            ordered = (*lines, *([RELOAD.line] if any(line.startswith("mkdir") for line in lines) else []))
            found.append(Mends(host.label, ordered, tuple(dict.fromkeys(messages)), tuple(dict.fromkeys(left))))
    return found


def _later(seat: Seat, cib: str, units: Sequence[str]) -> Seat:
    """Return the report of a host as it would be: with the CIB, without the cluster's status, and without Pacemaker's overrides."""
    root = seat.capture.root
    files = {one.path: cib.encode() for one in seat.capture.of(CIB) if not one.weaker}
    files.update({one.path: b"" for one in seat.capture.of(CLUSTER_STATUS)})
    for unit in units:
        path = root + override(unit).lstrip("/") if root != "/" else override(unit)
        if seat.target.tree.kind(path) is not None:
            files[path] = b""
    return replace(seat, target=replace(seat.target, tree=Overlay(seat.target.tree, files)))
