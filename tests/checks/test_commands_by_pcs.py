"""The commands of findings on generated CIBs, run by the real pcs and cibadmin: the finding is gone, and no other has come."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest

import lwlint
from lwlint.checks.pacemaker_constraints import PLAN
from lwlint.core.finding import Finding

FACTOR = int(os.environ.get("LWLINT_GENERATED", "1"))
pytestmark = pytest.mark.skipif(
    not (shutil.which("pcs") and shutil.which("cibadmin")), reason="NOT RUN BY PCS: pcs or cibadmin is not installed"
)
ENABLED, MANAGED, MAINTAINED = "target-role", "is-managed", "maintenance"
VALUES = {
    ENABLED: ("Stopped", "Stopped", "Started", "stopped", "Unpromoted", "Slave"),
    MANAGED: ("false", "false", "true", "off", "junk", "default"),
    MAINTAINED: ("true", "true", "false", "on"),
}
RULES = {
    "holds": '<date_expression id="{id}-d" operation="gt" start="2020-01-01"/>',
    "over": '<date_expression id="{id}-d" operation="lt" end="2020-01-01"/>',
    "agent": '<rsc_expression id="{id}-r" class="systemd"/>',
}
OP_RULE = '<op_expression id="{id}-o" name="monitor"/>'


class Made:
    """One CIB, made by chance."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.old = self.random.random() < 0.2  # of Pacemaker 1.1
        self.rules = (RULES["holds"], RULES["over"], *(() if self.old else (RULES["agent"],)))
        self.numbers = count(1)
        self.refers = True  # whether a pair may refer to another
        self.sets: list[str] = []  # the ids of the sets of meta attributes so far, to refer to
        self.pairs: dict[str, list[str]] = {}  # of pairs, by the name that they set

    def id(self, word: str) -> str:
        return f"{word}{next(self.numbers)}"

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def attributes(self, tag: str, values: dict[str, tuple[str, ...]], rules: tuple[str, ...] = (), chance: float = 0.3) -> str:
        """Return some sets of attributes, or none, or one that refers to another, which pcs moves about where it stands with others."""
        if tag == "meta_attributes" and self.sets and self.maybe(0.06):
            return f'<{tag} id-ref="{self.random.choice(self.sets)}"/>'
        found = []
        for _ in range(self.random.choice((0, 0, 1, 1, 1, 2, 3))):
            name = self.id("set")
            score = self.random.choice(("", "", "", ' score="5"', ' score="-5"', ' score="INFINITY"'))
            rule = ""
            if rules and self.maybe(0.25):
                inner = self.random.choice(rules).format(id=name)
                rule = f'<rule id="{name}-rule" boolean-op="and" score="INFINITY">{inner}</rule>'
            pairs = "".join(self.pair(tag, key, words) for key, words in values.items() if self.maybe(chance))
            found.append(f'<{tag} id="{name}"{score}>{rule}{pairs}</{tag}>')
            if tag == "meta_attributes":
                self.sets.append(name)
        return "".join(found)

    def pair(self, tag: str, key: str, words: tuple[str, ...]) -> str:
        known = self.pairs.setdefault(f"{tag} {key}", [])
        if self.refers and known and tag == "meta_attributes" and self.maybe(0.08):
            return f'<nvpair id-ref="{self.random.choice(known)}" name="{key}"/>'
        known.append(self.id("pair"))
        return f'<nvpair id="{known[-1]}" name="{key}" value="{self.random.choice(words)}"/>'

    def meta(self) -> str:
        return self.attributes("meta_attributes", VALUES, self.rules)

    def monitors(self, promotable: bool = False) -> str:
        found = []
        for number, role in enumerate(("Master", "Slave", "") if promotable else ("",)):
            words = f' role="{role}"' if role else ""
            words += self.random.choice(("", "", ' enabled="false"', ' on-fail="ignore"', ' enabled="true" on-fail="block"'))
            words += self.random.choice(("", ' timeout="20s"', ' description="x"'))
            inner = self.attributes("meta_attributes", {"on-fail": ("ignore", "restart")}) if self.maybe(0.1) else ""
            found.append(f'<op id="{self.id("op")}" name="monitor" interval="{10 + number}s"{words}>{inner}</op>')
        self.random.shuffle(found)
        return f"<operations>{''.join(found)}</operations>"

    def primitive(self, name: str, agent: str, templates: list[str], promotable: bool = False) -> str:
        if self.maybe(0.25):
            template = self.id("template")
            templates.append(f'<template id="{template}" {agent}>{self.meta()}{self.monitors(promotable)}</template>')
            own = self.monitors(promotable) if self.maybe(0.3) else ""
            return f'<primitive id="{name}" template="{template}">{self.meta()}{own}</primitive>'
        return f'<primitive id="{name}" {agent}>{self.meta()}{self.monitors(promotable)}</primitive>'

    def box(self, name: str, promoted: int = 0) -> str:
        engine, most = ("docker", "masters") if self.old else ("podman", "promoted-max")
        return f'<{engine} image="x/openstack-{name}:1" replicas="3" {most}="{promoted}" network="host"/>'

    def resources(self) -> str:
        templates: list[str] = []
        shape = self.random.choice(("primitive", "group", "clone", "group in clone", "bundle"))
        if shape == "bundle":
            haproxy = f'<bundle id="haproxy-bundle">{self.meta()}{self.box("haproxy")}</bundle>'
        else:
            haproxy = self.primitive("haproxy", 'class="systemd" type="haproxy"', templates)
        if "group" in shape:
            haproxy = f'<group id="lb">{self.meta()}{haproxy}<primitive id="ping" class="ocf" provider="pacemaker" type="ping"/></group>'
        if "clone" in shape:
            haproxy = f'<clone id="haproxy-clone">{self.meta()}{haproxy}</clone>'
        redis = self.primitive("redis", 'class="ocf" provider="heartbeat" type="redis"', templates, True)
        if self.maybe(0.5):
            network = '<network control-port="3124"/>'
            store = f'<bundle id="redis-bundle">{self.meta()}{self.box("redis", 1)}{network}{redis}</bundle>'
        else:
            flag = f'<nvpair id="{self.id("pair")}" name="promotable" value="true"/>'
            flag = f'<meta_attributes id="{self.id("set")}" score="INFINITY">{flag}</meta_attributes>'
            store = f'<clone id="redis-clone">{flag}{self.meta()}{redis}</clone>'
        volume = self.primitive("openstack-cinder-volume", 'class="systemd" type="openstack-cinder-volume"', templates)
        return "".join(templates) + haproxy + store + volume

    def text(self) -> str:
        resources = self.resources()
        flags = {"maintenance-mode": ("true", "false"), "stop-all-resources": ("true", "false")}
        if self.old:
            flags |= {"is-managed-default": ("false", "true"), "is_managed_default": ("false", "true")}
        named = '<nvpair id="c1" name="cluster-name" value="tripleo_cluster"/><nvpair id="c2" name="stonith-enabled" value="false"/>'
        first = self.random.choice(("cib-bootstrap-options", "options"))
        properties = f'<cluster_property_set id="{first}">{named}</cluster_property_set>'
        more = self.attributes("cluster_property_set", flags, (RULES["holds"],))
        properties = self.random.choice((properties + more, more + properties))
        states = {"standby": ("on", "off"), "maintenance": ("true", "false")}
        nodes = "".join(
            f'<node id="{number}" uname="{name}">{self.attributes("instance_attributes", states, (), 0.5)}</node>'
            for number, name in enumerate(("one", "two"), 1)
        )
        self.refers = not self.old  # in defaults the schema of old has none
        defaults = self.attributes("meta_attributes", VALUES, self.rules) if self.maybe(0.5) else ""
        words = {"on-fail": ("ignore", "block", "restart")}
        operations = (
            self.attributes("meta_attributes", words, self.rules if self.old else (*self.rules, OP_RULE), 0.6) if self.maybe(0.3) else ""
        )
        schema = "pacemaker-2.10" if self.old else "pacemaker-3.5"
        return (
            f'<cib validate-with="{schema}" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0"><configuration>'
            f"<crm_config>{properties}</crm_config><nodes>{nodes}</nodes><resources>{resources}</resources>"
            f"<constraints/><rsc_defaults>{defaults}</rsc_defaults><op_defaults>{operations}</op_defaults>"
            "</configuration><status/></cib>"
        )


def judged(path: Path) -> list[Finding]:
    return lwlint.check([path]).findings


def counted(findings: Iterable[Finding]) -> Counter[tuple[str, str]]:
    """Count findings by what they say, but for the example that they name; two of a bundle may say the same."""
    return Counter((one.code, one.message.partition(", as for ")[0]) for one in findings)


def run(path: Path, line: str) -> str:
    """Run one command on the CIB in a file; return what it says if it fails."""
    words = [word for word in shlex.split(line) if not word.startswith("--wait")]
    if words[0] == "pcs":
        words[1:1] = ["-f", str(path), *(["--force"] if words[1:3] == ["resource", "update"] else [])]  # the agents are not installed here
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C", "CIB_file": str(path)})
    return f"{line}: {done.stdout}{done.stderr}" if done.returncode else ""


def is_valid(path: Path) -> bool:
    done = subprocess.run(
        ["crm_verify", "-V", "-x", str(path)], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    return "schema" not in done.stderr


def wrong(path: Path, copy: Path) -> Iterator[str]:
    """Yield what the commands of each finding, run by themselves, leave undone, or bring."""
    findings = judged(path)
    before = counted(findings)
    for finding in findings:
        if not finding.commands or finding.commands == (PLAN,):
            continue
        shutil.copy(path, copy)
        said = [word for command in finding.commands if (word := run(copy, command.line))]
        after = counted(judged(copy))
        before_it = before - counted([finding])
        if said or after - before_it:
            lines = [command.line for command in finding.commands]
            yield f"{finding.code} {finding.message}: {lines}: {said or after - before_it}"


IP = '<primitive id="{id}" class="ocf" provider="heartbeat" type="IPaddr2">{monitor}</primitive>'
MONITOR = '<operations><op id="{id}-monitor" name="monitor" interval="10s"/></operations>'


class Bound(Made):
    """A CIB of virtual IPs, HAProxy and others, with constraints made by chance."""

    def leaf(self, name: str, agent: str) -> str:
        return f'<primitive id="{name}" {agent}>{MONITOR.format(id=name)}</primitive>'

    def address(self, name: str) -> str:
        return IP.format(id=name, monitor=MONITOR.format(id=name))

    def text(self) -> str:
        proxy = self.leaf("haproxy", 'class="systemd" type="haproxy"')
        form = self.random.choice(("clone", "bundle", "group in clone", "group", "primitive"))
        ips = [f"ip-192.0.2.{number}" for number in range(1, self.random.choice((2, 3)))]
        found = [self.address(name) for name in ips]
        if self.maybe(0.3):
            found = [f'<group id="ips">{"".join(found)}</group>']
        elif form == "group":
            proxy = f'<group id="lb">{"".join(self.random.sample([proxy, *found], 1 + len(found)))}</group>'
            found = []
        boxes = {
            "clone": ("haproxy-clone", f'<clone id="haproxy-clone">{proxy}</clone>'),
            "bundle": ("haproxy-bundle", f'<bundle id="haproxy-bundle">{self.box("haproxy")}</bundle>'),
            "group in clone": ("lb-clone", f'<clone id="lb-clone"><group id="lb">{proxy}{self.dummy()}</group></clone>'),
        }
        top, box = boxes.get(form, ("lb" if "<group" in proxy else "haproxy", proxy))
        keepalived = self.leaf("keepalived", 'class="systemd" type="keepalived"')
        horizon = f'<bundle id="horizon-bundle">{self.box("horizon")}</bundle>'
        broker = f'<clone id="rabbitmq-clone">{self.leaf("rabbitmq", RABBIT)}</clone>'
        volume = self.leaf("openstack-cinder-volume", 'class="systemd" type="openstack-cinder-volume"')
        extra = [each for each in (keepalived, horizon) if self.maybe(0.3)]
        every = "".join(self.random.sample([box, broker, volume, *found, *extra], 3 + len(found) + len(extra)))
        names = [
            name for name in ("haproxy", top, "rabbitmq-clone", "openstack-cinder-volume", *ips, "ips", "lb") if f'id="{name}"' in every
        ]
        names += [name for name in ("keepalived", "horizon-bundle") if f'id="{name}"' in every]
        if form in ("clone", "group in clone"):
            names = [name for name in names if name not in ("haproxy", *(("lb",) if form != "clone" else ()))]
        constraints = "".join(self.constraint(names) for _ in range(self.random.choice((0, 1, 2, 3, 5))))
        marks = "".join(
            f'<node id="{n}" uname="n{n}"><instance_attributes id="na{n}">{self.marks(n)}</instance_attributes></node>' for n in (1, 2, 3)
        )
        named = '<nvpair id="c1" name="cluster-name" value="tripleo_cluster"/><nvpair id="c2" name="stonith-enabled" value="false"/>'
        tag = f'<tags><tag id="t"><obj_ref id="{self.random.choice(names)}"/></tag></tags>' if self.maybe(0.3) else ""
        schema = "pacemaker-2.10" if self.old else "pacemaker-3.5"
        return (
            f'<cib validate-with="{schema}" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config>'
            f'<cluster_property_set id="cib-bootstrap-options">{named}</cluster_property_set></crm_config><nodes>{marks}</nodes>'
            f"<resources>{every}</resources><constraints>{constraints}</constraints>{tag}</configuration><status/></cib>"
        )

    def dummy(self) -> str:
        return '<primitive id="ping" class="ocf" provider="pacemaker" type="ping"/>'

    def marks(self, node: int) -> str:
        words = [f'<nvpair id="{self.id("mark")}" name="{role}-role" value="true"/>' for role in ("rabbitmq", "haproxy") if node < 3]
        return "".join(words)

    def constraint(self, names: list[str]) -> str:
        name, (one, other) = self.id("tie"), self.random.sample(names, 2)
        score = self.random.choice(("INFINITY", "INFINITY", "-INFINITY", "100", "0"))
        kind = self.random.choice(("colocation", "colocation", "set", "order", "order set", "ban", "location", "rule", "rule"))
        refs = f'<resource_ref id="{one}"/><resource_ref id="{other}"/>'
        mark = self.random.choice(("rabbitmq-role", "haproxy-role"))
        wait = self.random.choice(("Optional", "Serialize", "Mandatory"))
        expression = f'<expression id="{name}-e" attribute="{mark}" operation="eq" value="true"/>'
        rule = f'<rule id="{name}-r" score="0">{expression}</rule>'
        block = f'<resource_set id="{name}-s">{refs}</resource_set>'
        return {
            "colocation": f'<rsc_colocation id="{name}" rsc="{one}" with-rsc="{other}" score="{score}"/>',
            "set": f'<rsc_colocation id="{name}" score="{score}">{block}</rsc_colocation>',
            "order": f'<rsc_order id="{name}" first="{one}" then="{other}" kind="{wait}"/>',
            "order set": f'<rsc_order id="{name}">{block}</rsc_order>',
            "ban": f'<rsc_location id="cli-ban-{name}" rsc="{one}" node="n1" score="-INFINITY"/>',
            "location": f'<rsc_location id="{name}" rsc="{one}" node="n2" score="{score}"/>',
            "rule": f'<rsc_location id="{name}" rsc="{one}" resource-discovery="exclusive">{rule}</rsc_location>',
        }[kind]


RABBIT = 'class="ocf" provider="heartbeat" type="rabbitmq-cluster"'


class Counted(Made):
    """A CIB of clones that may have no copies, for one reason or two."""

    COUNTS: ClassVar = {"clone-max": ("0", "0", "junk", "1", "3", "-1"), "clone-node-max": ("0", "0", "1", "x")}

    def meta(self) -> str:
        return self.attributes("meta_attributes", {ENABLED: ("Stopped", "Started"), **self.COUNTS}, self.rules)

    def primitive(self, name: str, agent: str, templates: list[str], promotable: bool = False) -> str:
        found = super().primitive(name, agent, templates, promotable)
        if name != "openstack-cinder-volume" or self.maybe(0.4):
            return found
        count = self.attributes("meta_attributes", self.COUNTS, (), 0.9)
        return f'<clone id="openstack-cinder-volume-clone">{count}{found}</clone>'


@pytest.mark.parametrize("made", [Made, Bound, Counted])
@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 30 * FACTOR))])
def test_the_commands_of_a_generated_cib_end_what_they_are_for(made: type[Made], seed: int, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_text(made(seed).text())
    assert is_valid(path)
    assert list(wrong(path, tmp_path / "copy.xml")) == []


@pytest.mark.parametrize("schema", ["pacemaker-3.5", "pacemaker-3.7"])
@pytest.mark.parametrize("tie", ["", "100"])
def test_an_address_of_the_ovn_databases_is_bound_to_their_promoted_copy(tie: str, schema: str, tmp_path: Path) -> None:
    made = Made(0)
    made.old = False
    ip = IP.format(id="ip-192.0.2.20", monitor=MONITOR.format(id="ip")).replace("<operations>", f"{given('ip')}<operations>")
    monitors = "".join(f'<op id="{role}" name="monitor" interval="{n}s" role="{role}"/>' for n, role in ((10, "Master"), (20, "Slave")))
    servers = f'<primitive id="ovndb_servers" class="ocf" provider="ovn" type="ovndb-servers">{given("master_ip")}'
    servers += f"<operations>{monitors}</operations></primitive>"
    bundles = f'<bundle id="haproxy-bundle">{made.box("haproxy")}</bundle>'
    bundles += f'<bundle id="ovn-dbs-bundle">{made.box("ovn-northd", 1)}<network control-port="3125"/>{servers}</bundle>'
    ties = f'<rsc_colocation id="near" rsc="ip-192.0.2.20" with-rsc="ovn-dbs-bundle" score="{tie}"/>' if tie else ""
    path = tmp_path / "cib.xml"
    path.write_text(
        f'<cib validate-with="{schema}" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/>'
        f'<nodes><node id="1" uname="n1"/></nodes><resources>{bundles}{ip}</resources><constraints>{ties}</constraints></configuration>'
        "<status/></cib>"
    )
    assert is_valid(path)
    (one,) = [each for each in judged(path) if each.code in ("LW103", "LW104")]
    assert "the promoted `ovn-dbs-bundle`" in one.message
    assert list(wrong(path, tmp_path / "copy.xml")) == []


def given(name: str) -> str:
    return f'<instance_attributes id="{name}-set"><nvpair id="{name}-pair" name="{name}" value="192.0.2.20"/></instance_attributes>'


@pytest.mark.parametrize("tie", ['rsc="haproxy" with-rsc="ip-192.0.2.2"', 'rsc="haproxy" with-rsc="ip-192.0.2.2" score="-INFINITY"'])
def test_a_group_is_bound_in_the_place_of_what_stands_against_any_of_its_members(tie: str, tmp_path: Path) -> None:
    made = Bound(0)
    made.old = False
    ips = "".join(made.address(f"ip-192.0.2.{number}") for number in (1, 2))
    resources = f'<group id="ips">{ips}</group>' + made.leaf("haproxy", 'class="systemd" type="haproxy"')
    score = "" if "score" in tie else ' score="INFINITY"'
    path = tmp_path / "cib.xml"
    path.write_text(
        '<cib validate-with="pacemaker-3.5" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/>'
        f'<nodes><node id="1" uname="n1"/></nodes><resources>{resources}</resources><constraints><rsc_colocation id="tie" {tie}{score}/>'
        "</constraints></configuration><status/></cib>"
    )
    assert is_valid(path)
    lines = ["pcs constraint remove tie", "pcs constraint colocation add ips with haproxy INFINITY"]
    found = [[command.line for command in each.commands] for each in judged(path) if each.code == "LW103"]
    assert found == [lines] * len(found)
    assert found
    assert list(wrong(path, tmp_path / "copy.xml")) == []


OF_1_1, OF_2, OF_3 = "1.1.23-1.el7_9.1", "2.1.5-8.el9", "3.0.0-5.el10"
HAPROXY, NOVA = '<obj_ref id="haproxy-bundle"/>', '<obj_ref id="nova-bundle"/>'
HERE = '//tag[@id="t"]'
ALONE = f"""cibadmin --delete --xpath '{HERE}[not(obj_ref[not(@id="horizon-bundle")])]'"""
BESIDE = f"""cibadmin --delete-all --force --xpath '{HERE}[obj_ref[not(@id="horizon-bundle")]]/obj_ref[@id="horizon-bundle"]'"""


def of_version(version: str, text: str) -> str:
    """Return a CIB without a version, as the cluster of a Pacemaker has it."""
    return text.replace("<crm_config/>", f'<crm_config><cluster_property_set id="p">{told(version)}</cluster_property_set></crm_config>')


def told(version: str) -> str:
    return f'<nvpair id="p1" name="dc-version" value="{version}"/>'


def tagged(path: Path, version: str, others: str, constraints: str = "") -> list[Finding]:
    """Write a CIB with bundles that leave, one of them in a tag; return the findings on them."""
    made = Made(0)
    made.old = version == OF_1_1
    schema = "pacemaker-2.10" if made.old else "pacemaker-3.5"
    images = {"haproxy": "haproxy", "horizon": "horizon", "nova": "nova-api"}
    bundles = "".join(f'<bundle id="{name}-bundle">{made.box(image)}</bundle>' for name, image in images.items())
    text = (
        f'<cib validate-with="{schema}" crm_feature_set="3.0.14" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/>'
        f'<nodes/><resources>{bundles}</resources><constraints>{constraints}</constraints><tags><tag id="t">'
        f'<obj_ref id="horizon-bundle"/>{others}</tag></tags></configuration><status/></cib>'
    )
    path.write_text(of_version(version, text))
    assert is_valid(path)
    return [each for each in judged(path) if each.code == "LW101"]


@pytest.mark.parametrize("constraint", ["", '<rsc_location id="near" rsc="t" node="one" score="5"/>'])
@pytest.mark.parametrize(
    ("version", "others", "lines"),
    [
        (OF_2, "", ["pcs tag remove t"]),
        (OF_3, HAPROXY, ["pcs tag update t remove horizon-bundle"]),
        (OF_2, NOVA, [BESIDE, ALONE]),
        (OF_1_1, "", [ALONE]),
        (OF_1_1, HAPROXY, [BESIDE]),
        (OF_1_1, NOVA, [BESIDE, ALONE]),
        (OF_2, NOVA + HAPROXY, ["pcs tag update t remove horizon-bundle"]),
    ],
)
def test_what_leaves_the_cluster_leaves_its_tags_first(
    version: str, others: str, lines: list[str], constraint: str, tmp_path: Path
) -> None:
    path, copy = tmp_path / "cib.xml", tmp_path / "copy.xml"
    horizon = next(each for each in tagged(path, version, others, constraint) if "`horizon-bundle`" in each.message)
    gone = ["pcs constraint remove near"] if constraint and HAPROXY not in others else []
    rest = ["pcs resource disable horizon-bundle --wait=600", "pcs resource delete horizon-bundle"]
    assert [command.line for command in horizon.commands] == [*gone, *lines, *rest]
    assert list(wrong(path, copy)) == []


@pytest.mark.parametrize("version", [OF_1_1, OF_2])
@pytest.mark.parametrize("turned", [False, True])
def test_the_last_two_of_a_tag_may_leave_one_after_the_other(turned: bool, version: str, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    findings = tagged(path, version, NOVA)
    assert len(findings) == 2
    lines = [command.line for one in (reversed(findings) if turned else findings) for command in one.commands]
    assert [said for line in lines if (said := run(path, line))] == []
    assert "<tag " not in path.read_text()
    assert [each for each in judged(path) if each.code == "LW101"] == []


@pytest.mark.parametrize(
    ("version", "pcs"), [(OF_1_1, "defaults"), ("2.0.3-5.el8", "defaults"), (OF_2, "defaults update"), (OF_3, "defaults update")]
)
def test_a_default_is_changed_as_the_pcs_of_the_cluster_has_it(version: str, pcs: str, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    one = '<meta_attributes id="d"><nvpair id="d1" name="target-role" value="Stopped"/></meta_attributes>'
    path.write_text(of_version(version, with_defaults(one)))
    assert [command.line for each in judged(path) for command in each.commands if each.code == "LW109"] == [
        f"pcs resource {pcs} target-role="
    ]
    two = f'{one}<meta_attributes id="e"/>'
    path.write_text(of_version(version, with_defaults(two)))
    by_set = "pcs resource defaults set update d meta target-role=Started"
    in_place = """cibadmin --modify --xml-text '<nvpair id="d1" value="Started"/>'"""
    wanted = by_set if "update" in pcs else in_place
    assert [command.line for each in judged(path) for command in each.commands if each.code == "LW109"] == [wanted]


def with_defaults(sets: str) -> str:
    proxy = '<primitive id="haproxy" class="systemd" type="haproxy"/><primitive id="n" class="systemd" type="openstack-cinder-volume"/>'
    return (
        '<cib validate-with="pacemaker-2.10" crm_feature_set="3.0.14" admin_epoch="0" epoch="1" num_updates="0"><configuration>'
        f"<crm_config/><nodes/><resources>{proxy}</resources><constraints/><rsc_defaults>{sets}</rsc_defaults></configuration><status/></cib>"
    )


@pytest.mark.parametrize(
    ("version", "lines"),
    [
        ("1.1.13-10.el7", ["pcs cluster unstandby one", "crm_attribute --name=maintenance --delete --node=one"]),
        ("1.1.15-11.el7", ["pcs node unstandby one", "pcs node unmaintenance one"]),
        (OF_3, ["pcs node unstandby one", "pcs node unmaintenance one"]),
    ],
)
def test_a_node_comes_back_as_the_pcs_of_the_cluster_has_it(version: str, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    states = "".join(f'<nvpair id="n-{name}" name="{name}" value="true"/>' for name in ("standby", "maintenance"))
    node = f'<node id="1" uname="one"><instance_attributes id="n">{states}</instance_attributes></node>'
    path.write_text(of_version(version, with_defaults("").replace("<nodes/>", f"<nodes>{node}</nodes>")))
    found = [command.line for each in judged(path) if each.code in ("LW110", "LW111") for command in each.commands]
    assert sorted(found) == sorted(lines)


@pytest.mark.parametrize(("version", "role"), [(OF_1_1, "Master"), (OF_2, "Master"), (OF_3, "Promoted")])
def test_a_role_has_the_name_that_the_pcs_of_the_cluster_takes(version: str, role: str, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    monitor = '<operations><op id="o" name="monitor" interval="10s" role="Master" on-fail="ignore"/></operations>'
    redis = f'<master id="m"><primitive id="redis" class="ocf" provider="heartbeat" type="redis">{monitor}</primitive></master>'
    path.write_text(of_version(version, with_defaults("").replace("</resources>", f"{redis}</resources>")))
    found = [command.line for each in judged(path) if each.code == "LW112" and "`redis`" in each.message for command in each.commands]
    assert found == [f"pcs resource update redis op monitor interval=10s role={role} on-fail=restart"]


VOLUME = 'class="systemd" type="openstack-cinder-volume"'
PROXY = 'class="systemd" type="haproxy"'


def cloud(resources: str, constraints: str = "", schema: str = "pacemaker-3.5") -> str:
    """Return the CIB of three nodes, of which the last is of no role but Galera's."""
    marks = [("haproxy", "cinder-volume", "galera")] * 2 + [("galera",)]
    nodes = "".join(
        f'<node id="{number}" uname="n{number}"><instance_attributes id="a{number}">'
        + "".join(f'<nvpair id="a{number}-{role}" name="{role}-role" value="true"/>' for role in roles)
        + "</instance_attributes></node>"
        for number, roles in enumerate(marks, 1)
    )
    return (
        f'<cib validate-with="{schema}" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/>'
        f"<nodes>{nodes}</nodes><resources>{resources}</resources><constraints>{constraints}</constraints></configuration><status/></cib>"
    )


def monitored(name: str, agent: str) -> str:
    return f'<primitive id="{name}" {agent}>{MONITOR.format(id=name)}</primitive>'


def kept(name: str, role: str) -> str:
    """Return the rule that keeps a resource on the nodes of a role."""
    expression = f'<expression id="{name}-e" attribute="{role}-role" operation="eq" value="true"/>'
    rule = f'<rule id="{name}-r" score="0">{expression}</rule>'
    return f'<rsc_location id="kept-{name}" rsc="{name}" resource-discovery="exclusive">{rule}</rsc_location>'


def tie(name: str, other: str, score: str = "INFINITY") -> str:
    return f'<rsc_colocation id="tie-{name}" rsc="{name}" with-rsc="{other}" score="{score}"/>'


def lines_of(path: Path, code: str) -> list[list[str]]:
    return [[command.line for command in one.commands] for one in judged(path) if one.code == code]


def clone(inner: str, count: str = "") -> str:
    """Return a clone of cinder-volume, and maybe more, with a count of copies."""
    pair = f'<meta_attributes id="m"><nvpair id="m1" name="clone-max" value="{count}"/></meta_attributes>' if count else ""
    return f'<clone id="volumes">{pair}{inner}</clone>'


BACKUP = monitored("openstack-cinder-backup", 'class="systemd" type="openstack-cinder-backup"')
OF_BUNDLE = "pcs resource bundle update volumes container replicas=1"
IN_PLACE = """cibadmin --modify --xml-text '<nvpair id="m1" value="1"/>'"""


@pytest.mark.parametrize(
    ("resource", "lines"),
    [
        (clone(monitored("openstack-cinder-volume", VOLUME)), ["pcs resource meta volumes clone-max=1"]),
        (clone(monitored("openstack-cinder-volume", VOLUME), "3"), ["pcs resource meta volumes clone-max=1"]),
        (clone(f'<group id="g">{monitored("openstack-cinder-volume", VOLUME)}{BACKUP}</group>'), ["pcs resource meta volumes clone-max=1"]),
        (
            clone(monitored("openstack-cinder-volume", VOLUME), "3").replace("<meta", '<meta_attributes id="m0"/><meta', 1),
            [IN_PLACE],
        ),
        ('<bundle id="volumes"><podman image="x/openstack-cinder-volume:1" replicas="3"/></bundle>', [OF_BUNDLE]),
        ('<bundle id="volumes"><docker image="x/openstack-cinder-volume:1" promoted-max="2"/></bundle>', [OF_BUNDLE]),
        (clone(f'<group id="g">{monitored("openstack-cinder-volume", VOLUME)}{monitored("haproxy", PROXY)}</group>'), []),
    ],
)  # fmt: skip
def test_what_is_active_passive_is_left_one_copy(resource: str, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_text(cloud(resource))
    assert is_valid(path)
    found = lines_of(path, "LW107")
    assert found == [lines] * len(found)
    assert found
    assert list(wrong(path, tmp_path / "copy.xml")) == []


@pytest.mark.parametrize(
    ("target", "role", "resource"),
    [
        ("haproxy-clone", "haproxy", f'<clone id="haproxy-clone">{monitored("haproxy", PROXY)}</clone>'),
        ("haproxy-bundle", "haproxy", '<bundle id="haproxy-bundle"><podman image="x/openstack-haproxy:1" replicas="2"/></bundle>'),
    ],
)
def test_a_reversed_tie_goes_for_a_rule_where_it_alone_keeps_the_target_on_its_nodes(
    target: str, role: str, resource: str, tmp_path: Path
) -> None:
    path = tmp_path / "cib.xml"
    ips = [f"ip-192.0.2.{number}" for number in (1, 2)]
    addresses = "".join(IP.format(id=ip, monitor=MONITOR.format(id=ip)) for ip in ips)
    ties = f'<rsc_colocation id="a" rsc="{target}" with-rsc="{ips[0]}" score="INFINITY"/>' + tie(ips[1], target) + kept(ips[0], role)
    path.write_text(cloud(resource + addresses, ties))
    assert is_valid(path)
    rule = f"pcs constraint location {target} rule resource-discovery=exclusive score=0 {role}-role eq true"
    assert lines_of(path, "LW103") == [[rule, "pcs constraint remove a", f"pcs constraint colocation add {ips[0]} with {target} INFINITY"]]
    assert list(wrong(path, tmp_path / "copy.xml")) == []
    path.write_text(cloud(resource + addresses, ties + kept(target, role)))
    assert lines_of(path, "LW103") == [["pcs constraint remove a", f"pcs constraint colocation add {ips[0]} with {target} INFINITY"]]


def test_what_waits_for_the_database_keeps_its_nodes_when_it_is_untied(tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    galera = monitored("galera", 'class="ocf" provider="heartbeat" type="galera"')
    ties = tie("openstack-cinder-volume", "galera-clone") + kept("galera-clone", "galera")
    path.write_text(cloud(f'<clone id="galera-clone">{galera}</clone>' + monitored("openstack-cinder-volume", VOLUME), ties))
    assert is_valid(path)
    assert lines_of(path, "LW105") == [
        [
            "pcs constraint location openstack-cinder-volume rule resource-discovery=exclusive score=0 cinder-volume-role eq true",
            "pcs constraint remove tie-openstack-cinder-volume",
        ]
    ]
    assert list(wrong(path, tmp_path / "copy.xml")) == []


def test_what_holds_a_service_that_leaves_is_given_no_rule_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    members = monitored("openstack-cinder-volume", VOLUME) + monitored("memcached", 'class="systemd" type="memcached"')
    proxy = f'<clone id="haproxy-clone">{monitored("haproxy", PROXY)}</clone>'
    path.write_text(cloud(proxy + f'<group id="g">{members}</group>', kept("haproxy-clone", "haproxy")))
    assert is_valid(path)
    assert lines_of(path, "LW115") == [[]]
