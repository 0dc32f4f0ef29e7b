"""The installed Pacemaker, asked what it would do: its scheduler and its schemas, on copies of a CIB.

A CIB is an element of lxml's here, the whole document with its status. Nothing that runs is asked or changed: each program works on
files in a folder of its own, in an environment without any variable of the user's, and for a bounded time.

A simulation begins where all nodes have just come up. A CIB without status tells nothing of the scores by which agents have their copies
promoted, for agents set them when they run: as many copies are given a high score as may be promoted.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import os
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from lwlint.audit.targets import FOLDERS
from lwlint.core.finding import ConfigurationError
from lwlint.files.processes import temporary_folder, unwritable
from lwlint.inputs.pacemaker.facts import BUNDLE, Resource
from lwlint.inputs.pacemaker.model import Cib

if TYPE_CHECKING:
    from subprocess import Popen  # nosec B404 -- programs of Pacemaker alone

    from lxml.etree import _Element as Element
else:
    Element = Any  # lxml is an extra, and imported where it is used

SECONDS = 60.0  # for one call of a program; a transition of 60 resources on three nodes takes 0.2
ROUNDS = 12  # transitions after which a cluster that is not quiet never will be
_LARGEST = 64_000_000  # bytes of output
_OLDEST = (2, 1)  # the first Pacemaker whose crm_simulate prints XML
_PROGRAMS = ("crm_simulate", "crm_verify", "cibadmin")
_DEBIAN, _RPM = "pacemaker-cli-utils", "pacemaker-cli"  # the packages that have them
EVENTS = ("node-up", "node-down", "node-fail", "op-inject", "op-fail", "quorum", "watchdog", "ticket-grant", "ticket-revoke")
REPLICA = re.compile(r"(?P<bundle>.+)-(?:docker|podman|rkt)-(?P<number>\d+)")  # the container of a bundle's copy
RUNNING = ("0", "8")  # return codes: running, and running promoted
LASTS = 1_000_000  # failures, that is, for good


class Refused(Exception):
    """Pacemaker refuses the CIB; the message is why, in its own words, as a clause."""


class Stopped(Exception):
    """Nobody waits for the answer any more."""


class Event(NamedTuple):
    """What happens to the cluster before the scheduler looks at it; `name` is of EVENTS.

    `value` is a node, a ticket, `0` or `1` (of `quorum`), or an operation and what becomes of it: `RESOURCE_TASK_MILLISECONDS@NODE=RC`.
    """

    name: str
    value: str


class Action(Struct, frozen=True):
    """One action of a transition.

    `task` is start, stop, promote, demote, monitor, migrate_to, migrate_from, notify, delete, cancel or fence. `resource` is the primitive
    as the configuration names it, without the number of an instance; empty where the task is fence.
    `interval` is that of a recurring monitor, in milliseconds, else 0. `pseudo` tells a stop or demotion that
    happens by fencing the node, which Pacemaker does not name then.
    """

    task: str
    resource: str
    node: str
    interval: int = 0
    pseudo: bool = False

    @property
    def changes(self) -> bool:
        """Whether it changes what runs where, and does not only look or tell."""
        return self.task not in ("monitor", "cancel", "notify")

    def __str__(self) -> str:
        return f"{self.task} {self.resource} on {self.node}".replace("  ", " ")


class Wanted(Struct, frozen=True):
    """What the scheduler wants of one instance (start, stop, move, restart, promote, demote, ...), and why.

    `source` is where it is, `target` where it will be; one of them is empty for a start or a stop. A `blocked` one cannot be carried out.
    """

    task: str
    resource: str
    source: str
    target: str
    reason: str = ""
    blocked: bool = False


class Place(NamedTuple):
    """Where an instance is, and in which role: Started, Promoted, Unpromoted, or what is being done to it.

    `failed` tells that it has failed there, also where the cluster is told to ignore that.
    """

    node: str
    role: str
    failed: bool = False


class State(Struct, frozen=True):
    """What runs where. `resources` has each primitive that is active anywhere, by its id, with its places in order.

    `online` are the nodes that take part, `failed` the resources that the cluster shows as failed somewhere.
    """

    resources: Mapping[str, tuple[Place, ...]]
    online: tuple[str, ...]
    failed: tuple[str, ...] = ()

    def nodes(self, resource: str) -> tuple[str, ...]:
        """Return the nodes where the resource is active, sorted."""
        return tuple(sorted({place.node for place in self.resources.get(resource, ())}))


class Transition(Struct, frozen=True):
    """One answer of the scheduler: what it wants, the actions in the order in which they are carried out, and the state before and after.

    `cib` is the CIB afterwards, with the status that the actions leave. `trouble` is what kept the transition from being carried out to
    its end, as crm_simulate says it; empty where nothing did.
    """

    before: State
    wanted: tuple[Wanted, ...]
    actions: tuple[Action, ...]
    after: State
    cib: Any
    trouble: str = ""

    @property
    def changes(self) -> tuple[Action, ...]:
        """Those actions that change what runs where."""
        return tuple(action for action in self.actions if action.changes)


class Settled(Struct, frozen=True):
    """Transitions one after another until nothing changes any more; `quiet` tells that this came about, and without trouble."""

    transitions: tuple[Transition, ...]
    quiet: bool

    @property
    def before(self) -> State:
        """The state before the first of them."""
        return self.transitions[0].before

    @property
    def after(self) -> State:
        """The state after the last of them."""
        return self.transitions[-1].after

    @property
    def changes(self) -> tuple[Action, ...]:
        """All actions that change what runs where, in their order."""
        return tuple(action for transition in self.transitions for action in transition.changes)

    @property
    def cib(self) -> Any:
        """The CIB at the end."""
        return self.transitions[-1].cib


def read_cib(text: str) -> Element:
    """Return the `cib` element in the text of a source, which may lie in other elements (as in answers of `cibadmin`, and in logs).

    Raises ConfigurationError without lxml, and Refused for what is no XML or holds no CIB.
    """
    etree = _lxml()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    try:
        root = etree.fromstring(re.sub(r"\A\s*<\?xml[^>]*\?>", "", text.lstrip("\ufeff")).encode(), parser)
    except etree.XMLSyntaxError as error:
        raise Refused(f"it is no XML ({error.msg})") from None
    found: Element | None = next(iter(root.iter("cib")), None)
    if found is None:
        raise Refused("it holds no `cib` element")
    if found.getparent() is not None:
        found = etree.fromstring(etree.tostring(found, with_tail=False), parser)
    return found


def serialize(cib: Element) -> bytes:
    """Return the CIB as a file."""
    made: bytes = _lxml().tostring(cib, pretty_print=True, xml_declaration=True, encoding="utf-8", with_tail=False)
    return made


def _lxml() -> Any:
    try:
        from lxml import etree
    except ModuleNotFoundError:
        raise ConfigurationError("CIBs are edited with lxml, which is not installed; install `lwlint[operate]`") from None
    return etree


class Pacemaker:
    """The programs of the installed Pacemaker, in a `with` block: the folder that they work in ends with it.

    `version` is Pacemaker's own (`2.1.5`); `feature_set` and `schema` are the newest that it knows. Entering raises ConfigurationError
    where a program is not installed (with the package that has it), and where Pacemaker is too old. Several threads may ask at once;
    whoever waits for an answer after `stop` gets Stopped instead.
    """

    def __init__(self, folders: Sequence[str] = FOLDERS, seconds: float = SECONDS) -> None:
        self._folders = tuple(folders)
        self._seconds = seconds
        self._stack = contextlib.ExitStack()
        self._folder = ""
        self._programs: dict[str, str] = {}
        self._running: set[Popen[bytes]] = set()
        self._changing = threading.Lock()  # of what runs
        self._stopped = False
        self.version = self.feature_set = self.schema = ""

    def __enter__(self) -> Pacemaker:
        for name in _PROGRAMS:
            found = next((path for folder in self._folders if os.access(path := os.path.join(folder, name), os.X_OK)), None)
            if found is None:
                there = ", ".join(self._folders)
                raise ConfigurationError(f"`{name}`: not found in {there}; the package `{_DEBIAN}` (Debian) or `{_RPM}` (RPM) has it")
            self._programs[name] = found
        try:
            self._folder = self._stack.enter_context(temporary_folder())
            self._look()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _look(self) -> None:
        said = self._run("crm_simulate", "--version")[1].decode("utf-8", "replace")
        version = re.match(r"Pacemaker (\d+)\.(\d+)\S*", said)
        if version is None:
            raise ConfigurationError("`crm_simulate --version`: does not tell a version of Pacemaker")
        self.version = version.group().split()[1]
        if (int(version[1]), int(version[2])) < _OLDEST:
            raise ConfigurationError(f"Pacemaker {self.version} is installed; 2.1 or later is needed, whose `crm_simulate` prints XML")
        empty = self._run("cibadmin", "--empty")[1].decode("utf-8", "replace")
        for attribute, name in (("crm_feature_set", "feature_set"), ("validate-with", "schema")):
            told = re.search(rf'\b{attribute}="([^"]*)"', empty)
            setattr(self, name, told[1] if told else "")

    def simulate(self, cib: Element, *events: Event) -> Transition:
        """Return what the scheduler does with the CIB after the `events`.

        Raises Refused where Pacemaker refuses the CIB,
        ValueError for an event of another name.
        """
        unknown = [event.name for event in events if event.name not in EVENTS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no event")
        mine = threading.get_ident()
        given, after = self._file(f"given-{mine}.xml", serialize(cib)), self._path(f"after-{mine}.xml")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(after)
        options = [f"--{event.name}={event.value}" for event in events]
        code, out, said = self._run(
            "crm_simulate", f"--xml-file={given}", "--simulate", "--output-as=xml", f"--save-output={after}", *options
        )
        etree = _lxml()
        try:
            answer = etree.fromstring(out)
            with open(after, "rb") as file:
                saved = etree.fromstring(file.read(), etree.XMLParser(remove_blank_text=True, huge_tree=True))
        except (etree.XMLSyntaxError, OSError) as error:
            if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
                raise MemoryError from None
            full = next((why for number in _FULL if (why := os.strerror(number)) in said), "")
            if full:
                raise unwritable(self._folder, full) from None
            crash = f"`crm_simulate` was ended by signal {-code}" if code < 0 else ""
            raise Refused(self._newer(given) or crash or self._invalid(given)) from None
        first, last = answer.find("cluster_status"), answer.find("revised_cluster_status")
        if first is None or last is None:
            raise Refused(self._reason(given))
        trouble = "; ".join(one.text or "" for one in answer.iterfind("status/errors/error")) or (f"exit code {code}" if code else "")
        return Transition(_state(first), tuple(_read_wanted(answer)), tuple(_actions(answer)), _state(last), saved, trouble)

    def settle(self, cib: Element, *events: Event) -> Settled:
        """Return the transitions that follow, the first of them after the `events`, until one changes nothing.

        Where one does what the one before it did, and leaves what that left, or there were ROUNDS, the cluster never comes to rest.
        """
        made = [self.simulate(cib, *events)]
        while made[-1].changes and not made[-1].trouble and len(made) < ROUNDS and not _repeats(made):
            made.append(self.simulate(made[-1].cib))
        return Settled(tuple(made), not made[-1].changes and not made[-1].trouble)

    def refusal(self, cib: Element) -> str:
        """Return why the CIB does not conform to the schema that it names, as `cibadmin` says it; empty where it conforms."""
        path = self._file(f"cib-{threading.get_ident()}.xml", serialize(cib))
        return self._reason(path) if self._run("cibadmin", "--query", cib=path)[0] else ""

    def _reason(self, path: str) -> str:
        """Return why Pacemaker refuses the CIB in a file, as `crm_verify` says it."""
        return self._newer(path) or self._invalid(path)

    def _newer(self, path: str) -> str:
        """Return that the CIB in a file is of a newer Pacemaker, over which this one may crash; empty where it is not."""
        with open(path, "rb") as file:
            newer = re.search(rb'<cib\b[^>]*\bcrm_feature_set="([\d.]+)"', file.read())
        if newer is not None and _numbers(newer[1].decode()) > _numbers(self.feature_set):
            return f"its feature set {newer[1].decode()} is newer than {self.feature_set}, which Pacemaker {self.version} knows"
        return ""

    def _invalid(self, path: str) -> str:
        code, _, said = self._run("crm_verify", "-V", f"--xml-file={path}")
        lines = [line for line in said.splitlines() if "error" in line]
        chosen = next((line for line in lines if "Relax-NG" in line), lines[0] if lines else "")
        if "schema validation" in chosen or not chosen:
            with open(path, "rb") as file:
                named = re.search(rb'\bvalidate-with="([^"]*)"', file.read())
            known = named[1].decode("utf-8", "replace") if named else ""
            return (
                f"it does not conform to its schema `{known}`, or Pacemaker {self.version} does not know that"
                if code
                else "of no known reason"
            )
        return _PREFIX.sub("", chosen)

    def _path(self, name: str) -> str:
        assert self._folder, "in a `with` block only"
        return os.path.join(self._folder, name)

    def _file(self, name: str, content: bytes) -> str:
        path = self._path(name)
        try:
            with open(path, "wb") as file:
                file.write(content)
        except OSError as error:
            raise unwritable(self._folder, error.strerror) from None
        return path

    def _run(self, program: str, *arguments: str, cib: str = "") -> tuple[int, bytes, str]:
        """Return the exit code of a program, its output, and what it said on standard error."""
        import subprocess

        here = self._path("")
        # crm_simulate writes a copy of the CIB where `CIB_shadow_dir` says, which is root's otherwise
        environment = {"PATH": ":".join(self._folders), "LC_ALL": "C", "TZ": "UTC", "HOME": here, "TMPDIR": here, "CIB_shadow_dir": here}
        if cib:
            environment["CIB_file"] = cib
        try:
            with subprocess.Popen(  # nosec B603 -- fixed programs, no shell
                [self._programs[program], *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=here,
                env=environment,
            ) as process:
                out, said = self._heard(process)
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"`{program}`: did not end within {self._seconds:g} seconds") from None
        except OSError as error:
            raise ConfigurationError(f"`{program}`: cannot be run ({error.strerror})") from None
        if len(out) > _LARGEST:
            raise ConfigurationError(f"`{program}`: printed more than {_LARGEST} bytes")
        return process.returncode, out, said.decode("utf-8", "replace")

    def _heard(self, process: Popen[bytes]) -> tuple[bytes, bytes]:
        """Return what a program prints, when it has ended; it is ended where nobody waits for it any more."""
        with self._changing:
            self._running.add(process)
            if self._stopped:
                process.kill()
        try:
            answer = process.communicate(timeout=self._seconds)
        except BaseException:
            process.kill()
            raise
        finally:
            with self._changing:
                self._running.discard(process)
        if self._stopped:
            raise Stopped
        return answer

    def stop(self) -> None:
        """End the programs that run, and run none any more."""
        with self._changing:
            self._stopped = True
            for process in self._running:
                process.kill()


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".") if number.isdecimal() and len(number) < 10]


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_PREFIX = re.compile(r"^(?:\S+:\d+: )?(?:\([\w:]+\)\s+)?(?:error: )?")


def whole_number(text: str | None, default: int) -> int:
    """Return the whole number that a text is, the default where it is none."""
    digits = (text or "").strip()
    return int(digits) if digits.isdecimal() and len(digits) < 16 else default


def primitive_of(instance: str) -> str:
    """Return the resource of an instance, as the configuration names it: without the number that Pacemaker counts with (`galera:1`)."""
    return re.sub(r":\d+$", "", instance)


_STOPPED_BY_FENCING = re.compile(r"(?P<resource>.+)_(?P<task>stop|demote)_0$")


def _actions(answer: Any) -> Iterable[Action]:
    """Yield the actions of a transition; of its pseudo actions only those that stand for what fencing does to an instance."""
    transition = answer.find("transition")
    instances = {one.get("id") for one in answer.find("cluster_status").iter("resource")}
    for element in () if transition is None else transition:
        if element.tag == "rsc_action":
            interval = int(element.get("interval") or 0)
            yield Action(element.get("op"), primitive_of(element.get("resource")), element.get("node") or "", interval)
        elif element.tag == "fencing_action":
            yield Action("fence", "", element.get("target") or "")
        elif element.tag == "pseudo_action":
            stop = _STOPPED_BY_FENCING.match(element.get("task") or "")
            if stop is not None and stop["resource"] in instances:
                yield Action(stop["task"], primitive_of(stop["resource"]), element.get("node") or "", pseudo=True)


def _repeats(made: Sequence[Transition]) -> bool:
    return len(made) > 1 and (made[-1].actions, made[-1].after) == (made[-2].actions, made[-2].after)


def _read_wanted(answer: Any) -> Iterable[Wanted]:
    actions = answer.find("actions")
    for element in () if actions is None else actions.iter("rsc_action", "node_action"):
        task = element.get("action") or ("fence" if (element.get("task") or "").startswith("Fence") else element.get("task") or "")
        source, target = element.get("source") or "", element.get("dest") or ""
        node = element.get("node") or ""
        if task in ("stop", "demote") and not source:
            source = node
        elif not target:
            target = node
        resource = primitive_of(element.get("resource") or "")
        yield Wanted(task, resource, source, target, element.get("reason") or "", element.get("blocked") == "true")


def _state(element: Any) -> State:
    places: dict[str, set[Place]] = {}
    failed = set()
    for one in element.iter("resource"):
        name, role = primitive_of(one.get("id")), one.get("role") or ""
        if one.get("active") == "true":
            lost = "true" in (one.get("failed"), one.get("failure_ignored"))
            places.setdefault(name, set()).update(Place(node.get("name"), role, lost) for node in one.findall("node"))
        if one.get("failed") == "true":
            failed.add(name)
    nodes = element.findall("nodes/node")
    return State(
        resources={name: tuple(sorted(found)) for name, found in sorted(places.items())},
        online=tuple(sorted(node.get("name") for node in nodes if node.get("online") == "true")),
        failed=tuple(sorted(failed)),
    )


def cold_start(pacemaker: Pacemaker, document: Element, cib: Cib) -> tuple[Settled, int]:
    """Return the cluster when all of its nodes have come up, and how many transitions that took.

    `cib` is the model of the `document`. Raises Refused where Pacemaker refuses it.
    """
    settled = pacemaker.settle(cold(document, cib, bundles=True))
    return pacemaker.settle(settled.cib), len(settled.transitions)


def cold(document: Element, cib: Cib, *, bundles: bool = False) -> Element:
    """Return a copy of a CIB in which all nodes are up and nothing runs; promotables have the scores by which something is promoted.

    All nodes are unfenced, where a device asks for that: what tells so has a digest of the device, which only a live cluster makes.
    Those in `bundles` have scores only if that is asked for, and only where they are the hosts' own. What somebody set on a node until it
    leaves the cluster (`standby`, a mark for a rule) stays, as far as the status tells it.
    """
    from lxml import etree

    made = copy.deepcopy(document)
    for status in made.findall("status"):
        made.remove(status)
    made.set("have-quorum", "1")
    status = etree.SubElement(made, "status")
    members = members_of(cib)
    ids = {node.name: node.id or node.name for node in cib.nodes}
    for uname in members:
        up = {"id": ids.get(uname, uname), "uname": uname, "in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
        state = etree.SubElement(status, "node_state", up)
        etree.SubElement(etree.SubElement(state, "lrm", id=ids.get(uname, uname)), "lrm_resources")
    for node in cib.nodes:
        for name, value in (node.transient or {}).items():
            if not name.startswith(_OF_PACEMAKER):
                set_attribute(made, node.name, name, value.value)
    for device in made.iterfind("configuration/resources//*[@class='stonith']"):
        for pair in device.findall("meta_attributes/nvpair[@name='provides']"):
            pair.set("value", "")
    for leaf, most in promotables(cib):
        if cib.top(leaf).form != BUNDLE or (bundles and _on_host(leaf)):
            score(made, leaf.name, sorted(members), most)
    return made


_OF_PACEMAKER = ("#", "fail-count-", "last-failure-", "master-", "promotion-", "probe_complete", "shutdown", "terminate")


def members_of(cib: Cib) -> list[str]:
    """Return the names of the full members of a cluster."""
    return [node.name for node in cib.nodes if node.type in ("member", "normal")]


def promotables(cib: Cib) -> Iterator[tuple[Resource, int]]:
    """Yield what can be promoted, and how many copies of it may be."""
    for leaf in cib.leaves():
        top = cib.top(leaf)
        if leaf.form != BUNDLE and (leaf.promotable or top.promotable or (top.container is not None and top.container.promoted_max)):
            most = top.container.promoted_max if top.container is not None else 1
            told = [
                text.value for name in ("promoted-max", "master-max") if (text := leaf.meta.get(name) or top.meta.get(name)) is not None
            ]
            yield leaf, max([most, *(whole_number(value, 0) for value in told)])


def score(document: Element, resource: str, unames: Sequence[str], most: int) -> None:
    """Note the scores that a promotable's agent would set: high where it is to be promoted."""
    for number, uname in enumerate(unames):
        set_attribute(document, uname, f"master-{resource}", "100" if number < most else "5")


def with_scores(
    document: Element, cib: Cib, runs: Mapping[str, Collection[str]], promoted: Mapping[str, Collection[str]]
) -> Element | None:
    """Return a copy in which each promotable that runs, and of which nothing is promoted, has scores; None where there is no such one.

    `runs` and `promoted` have the nodes by the id of the primitive, or of the bundle around it.
    """
    made: Element | None = None
    for leaf, most in promotables(cib):
        thing = cib.top(leaf).name if cib.top(leaf).form == BUNDLE else leaf.name
        if runs.get(thing) and not promoted.get(thing) and not _has_scores(document, leaf.name):
            made = copy.deepcopy(document) if made is None else made
            hosts = guests(document) if _on_host(leaf) else {}
            ran = (
                state.get("uname") or ""
                for state in made.iterfind("status/node_state")
                if any(primitive_of(one.get("id", "")) == leaf.name and is_up(one) for one in state.iter("lrm_resource"))
            )
            score(made, leaf.name, sorted(hosts.get(uname, uname) for uname in ran), most)
    return made


def _on_host(leaf: Resource) -> bool:
    """Return whether the scores of a bundle's copies are those of the hosts, and not of the containers."""
    target = leaf.meta.get("container-attribute-target")
    return target is not None and target.value == "host"


def _has_scores(document: Element, resource: str) -> bool:
    names = (f"master-{resource}", f"promotion-{resource}")
    return any(pair.get("name") in names for pair in document.iterfind("status/node_state/transient_attributes/instance_attributes/nvpair"))


def guests(document: Element) -> dict[str, str]:
    """Return the node on which the container of each guest node of a bundle runs, by the status."""
    found = {}
    for state in document.iterfind("status/node_state"):
        for resource in state.iter("lrm_resource"):
            match = REPLICA.fullmatch(resource.get("id", ""))
            if match is not None and is_up(resource):
                found[f"{match['bundle']}-{match['number']}"] = state.get("uname") or ""
    return found


def is_up(resource: Element) -> bool:
    """Return whether the last operation of a resource's history left it running."""
    operations = sorted(resource.iterfind("lrm_rsc_op"), key=lambda op: whole_number(op.get("call-id"), 0))
    last = next((op for op in reversed(operations) if op.get("operation") in ("start", "stop", "promote", "demote", "monitor")), None)
    return last is not None and last.get("operation") != "stop" and last.get("rc-code") in RUNNING


def set_attribute(document: Element, uname: str, name: str, value: str, *, add: int = 0) -> None:
    """Set a transient attribute of a node in the status; without a `value`, to what it was and `add` more."""
    from lxml import etree

    state = next((one for one in document.iterfind("status/node_state") if one.get("uname") == uname), None)
    if state is None:
        status = document.find("status")
        assert status is not None, "it has been simulated"
        state = etree.SubElement(status, "node_state", id=uname, uname=uname, remote_node="true", in_ccm="true")
    elif state.get("crmd") is None:  # a guest node as crm_simulate writes it, whose attributes Pacemaker only looks at with this
        state.set("remote_node", "true")
        state.set("in_ccm", "true")
    id = state.get("id") or uname
    transient = state.find("transient_attributes")
    if transient is None:
        transient = etree.SubElement(state, "transient_attributes", id=id)
    group = transient.find("instance_attributes")
    if group is None:
        group = etree.SubElement(transient, "instance_attributes", id=f"status-{id}")
    pair = next((one for one in group.iterfind("nvpair") if one.get("name") == name), None)
    if pair is None:
        pair = etree.SubElement(group, "nvpair", id=f"status-{id}-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}", name=name)
    old = pair.get("value") or "0"
    pair.set("value", value or str(whole_number(old, LASTS) + add))
