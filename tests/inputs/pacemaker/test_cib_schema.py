"""CIBs against Pacemaker's schemas: lwlint's table says what the schemas say, and what it refuses Pacemaker refuses."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.xml import MOST, VERSIONS, Element, faults, read_cib, shapes, unknown
from tests.inputs.pacemaker.cib_rng import FOLDER, Schema, installed
from tests.shared import shared

COUNTERS = 'admin_epoch="0" epoch="1" num_updates="0"'
GALERA = '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/>'
# every section, and most of what may be in it, by pacemaker-3.4
WHOLE = f"""\
<cib validate-with="pacemaker-3.4" crm_feature_set="3.4.0" {COUNTERS} dc-uuid="1">
 <configuration>
  <crm_config><cluster_property_set id="p"><nvpair id="p1" name="stonith-enabled" value="true"/></cluster_property_set></crm_config>
  <nodes>
   <node id="1" uname="one"><instance_attributes id="n1"><nvpair id="n1-a" name="haproxy-role" value="true"/></instance_attributes></node>
   <node id="2" uname="two" type="member"><utilization id="n2"><nvpair id="n2-a" name="cpu" value="4"/></utilization></node>
  </nodes>
  <resources>
   <template id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
    <operations><op id="vip-m" name="monitor" interval="10s"/></operations>
   </template>
   <primitive id="ip" template="vip"><instance_attributes id="ip-i">
    <rule id="ip-r" score="INFINITY"><expression id="ip-e" attribute="#uname" operation="eq" value="one"/></rule>
    <nvpair id="ip-a" name="ip" value="192.0.2.1"/></instance_attributes></primitive>
   <group id="g">
    <primitive id="a" class="systemd" type="a"><meta_attributes id="a-m"><nvpair id="a-n" name="is-managed" value="true"/></meta_attributes>
    </primitive>
    <primitive id="b" class="ocf" provider="heartbeat" type="Dummy"/>
   </group>
   <clone id="c"><primitive id="d" class="lsb" type="d">
    <operations><op id="d-s" name="start" interval="0" timeout="60s" on-fail="restart"/></operations></primitive></clone>
   <bundle id="bundle"><podman image="i" replicas="3" options="--user=root"/>
    <network control-port="3123"><port-mapping id="pm" port="80"/></network>
    <storage><storage-mapping id="sm" source-dir="/a" target-dir="/b" options="rw"/></storage>
    <primitive id="e" class="ocf" provider="heartbeat" type="galera"/></bundle>
  </resources>
  <constraints>
   <rsc_location id="l1" rsc="ip" node="one" score="100"/>
   <rsc_location id="l2" rsc="g" resource-discovery="exclusive"><rule id="l2-r" score="0" boolean-op="or">
    <expression id="l2-e" attribute="haproxy-role" operation="defined"/>
    <date_expression id="l2-d" operation="date_spec"><date_spec id="l2-s" hours="9-16"/></date_expression></rule></rsc_location>
   <rsc_colocation id="c1" rsc="ip" with-rsc="c" score="INFINITY"/>
   <rsc_order id="o1" first="ip" then="c" kind="Optional"/>
   <rsc_order id="o2"><resource_set id="o2-s" sequential="false"><resource_ref id="ip"/><resource_ref id="g"/></resource_set></rsc_order>
   <rsc_ticket id="t" rsc="c" ticket="x" loss-policy="stop"/>
  </constraints>
  <fencing-topology><fencing-level id="f" index="1" target="one" devices="x"/></fencing-topology>
  <acls><acl_role id="r"><acl_permission id="ap" kind="read" xpath="/cib"/></acl_role><acl_target id="u"><role id="r"/></acl_target></acls>
  <tags><tag id="tag"><obj_ref id="ip"/></tag></tags>
  <alerts><alert id="al" path="/x"><recipient id="re" value="y"/><select><select_nodes/></select></alert></alerts>
  <rsc_defaults><meta_attributes id="rd"><nvpair id="rd1" name="resource-stickiness" value="1"/></meta_attributes></rsc_defaults>
  <op_defaults><meta_attributes id="od"><nvpair id="od1" name="timeout" value="60s"/></meta_attributes></op_defaults>
 </configuration>
 <status><anything/></status>
</cib>
"""


def cib(resources: str = GALERA, constraints: str = "", head: str = f'validate-with="pacemaker-3.0" {COUNTERS}') -> str:
    return (
        f"<cib {head}><configuration><crm_config/><nodes/>"
        f"<resources>{resources}</resources><constraints>{constraints}</constraints></configuration></cib>\n"
    )


def element(text: str, path: str = "cib.xml") -> Element:
    found = read_cib(Source(path, text, "cib"))
    assert isinstance(found, Element), found
    return found


def messages(text: str) -> list[str]:
    return [fault.message for fault in faults(element(text))]


def codes(path: Path, *arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(["check", str(path), "--no-config", "--no-cache", "--select", "LW903", "--format", "json", *arguments])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_the_table_says_what_the_installed_schemas_say() -> None:
    for version in installed():
        if version not in VERSIONS:
            continue
        known = {name: (shape.attributes, shape.elements, frozenset(shape.needs)) for name, shape in shapes(version).items()}
        schema = Schema(version).table
        for table in (known, schema):
            table.pop("status")
        assert known == schema, version


def test_the_whole_cib_fits_and_pacemaker_says_so() -> None:
    assert messages(WHOLE) == []
    assert refused_by_schema(WHOLE, "pacemaker-3.4") == ""


def refused_by_schema(text: str, schema: str) -> str:
    """Return what libxml2 says of the CIB by the installed schema; empty if it fits."""
    etree = pytest.importorskip("lxml.etree")
    if not (FOLDER / f"{schema}.rng").exists():
        pytest.skip("Pacemaker is not installed")
    validator = validators.setdefault(schema, etree.RelaxNG(etree.parse(str(FOLDER / f"{schema}.rng"))))
    document = etree.fromstring(text)
    return "" if validator.validate(document) else str(validator.error_log.last_error)


validators: dict[str, Any] = {}


def of_schema(schema: str) -> str:
    """Return the whole CIB as far as the schema has it."""
    text = WHOLE.replace("pacemaker-3.4", schema)
    if schema in ("pacemaker-2.10", "pacemaker-1.2"):
        text = text.replace("<podman", "<docker")
    if schema == "pacemaker-1.2":
        text = re.sub(r" *<bundle.*</bundle>\n", "", text, flags=re.DOTALL).replace(' resource-discovery="exclusive"', "")
        text = re.sub(r" *<(acls|tags|alerts)>.*\n", "", text)
    return text


def mutated(text: str, chance: random.Random) -> str:
    """Return the CIB with one change of a kind that people make."""
    etree = pytest.importorskip("lxml.etree")
    document = etree.fromstring(text)
    every = [one for one in document.iter() if one.getparent() is not None and "status" not in (one.tag, one.getparent().tag)]
    one = chance.choice(every)
    kind = chance.choice(("misspell", "drop attribute", "misspell attribute", "move", "drop", "copy", "rename"))
    if kind == "misspell":
        at = chance.randrange(len(one.tag))
        one.tag = one.tag[:at] + one.tag[at + 1 :] or "x"
    elif kind == "rename":
        one.tag = chance.choice(every).tag
    elif kind in ("drop attribute", "misspell attribute") and one.attrib:
        name = chance.choice(list(one.attrib))
        value = one.attrib.pop(name)
        if kind == "misspell attribute":
            one.set(f"{name}x", value)
    elif kind == "drop":
        one.getparent().remove(one)
    elif kind in ("move", "copy"):
        into = chance.choice(every)
        if one not in into.iterancestors() and into is not one:
            into.append(one if kind == "move" else etree.fromstring(etree.tostring(one)))
    return str(etree.tostring(document, encoding="unicode"))


@pytest.mark.long
@pytest.mark.parametrize("schema", ["pacemaker-3.4", "pacemaker-2.10", "pacemaker-1.2", "pacemaker-3.9"])
def test_what_the_table_refuses_the_schema_refuses_and_misspelt_names_are_never_missed(schema: str) -> None:
    """A thousand changed CIBs for each schema. What only the schema refuses is of values, or of how often something stands."""
    chance = random.Random(schema)
    whole = of_schema(schema)
    assert (messages(whole), refused_by_schema(whole, schema)) == ([], "")
    missed = seen = 0
    for _ in range(1000):
        text = mutated(whole, chance)
        if "<configuration>" not in text or text.count("<cib") > 1:
            continue  # not read as a CIB at all, which LW901 tells
        found, refused = messages(text), refused_by_schema(text, schema)
        assert refused or not found, (text, found)
        seen += bool(found)
        missed += bool(refused and not found)
        if not found and refused:
            names = set(shapes(schema.removeprefix("pacemaker-")))
            assert {one.tag for one in element(text).walk()} <= names | {"anything"}, text
    assert seen > 400
    assert missed < 0.25 * (seen + missed), (missed, seen)


@pytest.mark.parametrize(
    ("shown", "properties", "outcome"),
    [
        ("", "", "unknown"),
        ('crm_feature_set="3.19.7"', "", "taken"),
        ('crm_feature_set="3.20.1"', "", "refused"),
        ("", "2.1.5-a3f44794f94", "taken"),
        ("", "3.0.1-1.el10", "refused"),
        ('crm_feature_set="3.0.14"', "1.1.23-1.el7", "taken"),
        ('validate-with="none" crm_feature_set="3.20.1"', "", "taken"),
    ],
)
def test_a_cib_that_names_no_schema_is_refused_since_pacemaker_3(shown: str, properties: str, outcome: str) -> None:
    pair = f'<cluster_property_set id="s"><nvpair id="v" name="dc-version" value="{properties}"/></cluster_property_set>'
    root = element(
        f'<cib admin_epoch="0" epoch="1" num_updates="0" {shown}><configuration><crm_config>{pair}</crm_config><nodes/><resources/>'
        "<constraints/></configuration></cib>"
    )
    assert ("unknown" if unknown(root) else "refused" if faults(root) else "taken") == outcome


def test_no_cib_that_pacemaker_takes_is_refused() -> None:
    """All CIBs of the corpus, many of which Pacemaker is tested with, against `crm_verify`."""
    paths = sorted(path for path in shared("corpus/cib").rglob("*.xml") if path.name != "crm_mon.xml")
    wrong = []
    for path in paths:
        root = element(path.read_text("utf-8"), str(path))
        if faults(root) and (unknown(root) or "did not pass schema validation" not in verified(path)):
            wrong.append(str(path))
    assert len(paths) > 600
    assert wrong == []


def verified(path: Path) -> str:
    try:
        command = ["crm_verify", "-V", "-x", str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}).stderr
    except FileNotFoundError:
        pytest.skip("Pacemaker is not installed")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            cib(GALERA.replace("primitive", "primitve")),
            ['`<primitve id="galera">` is in `<resources>`; pacemaker-3.0 does not have it; did you mean `<primitive>`?'],
        ),
        (cib(GALERA.replace(' type="galera"', "")), ['`<primitive id="galera">` has no `type`']),
        (cib(GALERA.replace(' id="galera"', "")), ["`<primitive>` has no `id`"]),
        (
            cib('<group id="g"><primitve id="x"/></group>'),
            ['`<primitve id="x">` is in `<group>`; pacemaker-3.0 does not have it; did you mean `<primitive>`?'],
        ),
        (cib('<group id="g"/>'), ['`<group id="g">` has no `<primitive>`']),
        (cib(constraints='<rsc_location id="l" rsc="galera" node="one"/>'), ['`<rsc_location id="l">` has no `score`']),
        (
            cib(constraints='<nvpair id="n" name="a" value="b"/>'),
            [
                '`<nvpair id="n">` is in `<constraints>`; it must be in `<cluster_property_set>`, `<instance_attributes>`, '
                "`<meta_attributes>` or `<utilization>`"
            ],
        ),
        (
            cib(head=f'validate-with="pacemaker-1.2" {COUNTERS}', resources='<bundle id="b"><docker image="i"/></bundle>'),
            ['`<bundle id="b">` is in `<resources>`; pacemaker-1.2 does not have it; pacemaker-2.8 to pacemaker-4.0 do'],
        ),
        (
            cib(constraints='<rsc_order id="o" first="a" then="b" fist-action="start"/>'),
            ['`<rsc_order id="o">` has the attribute `fist-action`, which pacemaker-3.0 does not have there; did you mean `first-action`?'],
        ),
        (cib(head='validate-with="pacemaker-3.0" epoch="1" num_updates="0"'), ["`<cib>` has no `admin_epoch`"]),
        (
            cib(head=f'validate-with="pacemkr-3.0" {COUNTERS}'),
            ["`pacemkr-3.0`: Pacemaker has no such schema; did you mean `pacemaker-3.0`?"],
        ),
        (
            cib(head=f'validate-with="pacemaker-1.7" {COUNTERS}'),
            ["`pacemaker-1.7`: Pacemaker has no such schema; did you mean `pacemaker-3.7`?"],
        ),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_with_what_is_meant(text: str, said: list[str]) -> None:
    assert messages(text) == said


RULE = '<rule id="{0}" score="0"><expression id="{0}e" attribute="a" operation="defined"/></rule>'
TWO_RULES = f'<rsc_location id="l" rsc="galera">{RULE.format("one")}{RULE.format("two")}</rsc_location>'
GONE = {
    '<primitive id="x" class="upstart" type="y"/>': '`<primitive id="x">` has `class` `upstart`, which ',
    '<template id="x" class="nagios" type="y"/>': '`<template id="x">` has `class` `nagios`, which ',
    TWO_RULES: '`<rsc_location id="l">` has a second rule, `<rule id="two">`; ',
}


@pytest.mark.parametrize("text", GONE)
def test_what_pacemaker_3_took_away_beside_names_is_told_by_its_schemas_only(text: str) -> None:
    """Of its own RELAX NG (resources-4.0, constraints-4.0), which is not installed here."""
    where = {"constraints": text} if text.startswith("<rsc") else {"resources": text}
    taken, refused = (element(cib(head=f'validate-with="pacemaker-{version}" {COUNTERS}', **where)) for version in ("3.10", "4.0"))
    assert faults(taken) == ()
    (fault,) = faults(refused)
    assert fault.message.startswith(f"{GONE[text]}pacemaker-4.0")


@pytest.mark.parametrize("head", ["", 'validate-with="none"', 'validate-with="pacemaker-next"', 'validate-with="pacemaker-4.7"'])
def test_where_no_one_schema_is_known_only_what_none_has_is_told(head: str) -> None:
    assert messages(cib('<primitve id="galera"/>', head=head)) == [
        '`<primitve id="galera">` is in `<resources>`; no schema of Pacemaker has it; did you mean `<primitive>`?'
    ]
    assert messages(cib('<primitive id="x" class="ocf"/>', '<rsc_order id="o" first="x"/>', head)) == [
        '`<primitive id="x">` has no `type`',
        '`<rsc_order id="o">` has no `then`',
    ]
    assert messages("<cib><configuration><resources/></configuration></cib>") == []


def test_the_place_of_a_fault_is_the_name_that_is_wrong() -> None:
    text = cib(constraints='<rsc_order id="o" first="fist=" then="b" fist="x"/>')
    (fault,) = faults(element(text))
    assert (text[fault.span.start : fault.span.end], text[fault.span.start - 1 : fault.span.end + 1]) == ("fist", " fist=")


def test_a_cib_with_an_unknown_schema_is_not_evaluated_and_never_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = {}
    for schema in ("pacemaker-3.0", "pacemaker-9.9", "pacemaker-1.1"):
        (tmp_path / "cib.xml").write_text(cib(head=f'validate-with="{schema}" {COUNTERS}'), "utf-8")
        (verdict,) = codes(tmp_path / "cib.xml", capsys=capsys)["verdicts"]
        outcomes[schema] = verdict["outcome"]
    assert outcomes == {"pacemaker-3.0": "pass", "pacemaker-9.9": "not evaluated", "pacemaker-1.1": "not evaluated"}


def test_schemas_of_the_host_refuse_values_too_at_the_element(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lxml")
    installed()
    path = tmp_path / "cib.xml"
    path.write_text(cib(constraints='\n<rsc_order id="o" first="galera"\n then="galera" kind="Sometimes"/>'), "utf-8")
    assert codes(path, capsys=capsys)["findings"] == []
    (finding,) = codes(path, "--schemas", str(FOLDER), capsys=capsys)["findings"]
    assert (finding["line"], finding["column"]) == (2, 1)
    assert finding["message"].startswith('`<rsc_order id="o">`: pacemaker-3.0 refuses it (')
    path.write_text(cib(constraints='<rsc_order id="o" first="galera" then="galera" kind="Optional"/>'), "utf-8")
    assert codes(path, "--schemas", str(FOLDER), capsys=capsys)["verdicts"][0]["outcome"] == "pass"


def test_a_schema_that_the_folder_does_not_have_is_not_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pacemaker-1.0.rng").write_text("<grammar/>", "utf-8")
    (tmp_path / "cib.xml").write_text(cib(), "utf-8")
    (verdict,) = codes(tmp_path / "cib.xml", "--schemas", str(tmp_path), capsys=capsys)["verdicts"]
    assert verdict["outcome"] == "not evaluated"
    assert verdict["because"].endswith(f"`{tmp_path}` has no schema `pacemaker-3.0`")


@pytest.mark.parametrize(("folder", "said"), [("none", "no such folder"), (".", "no schemas of Pacemaker there")])
def test_a_folder_without_schemas_is_refused(folder: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path), "--schemas", str(tmp_path / folder)]) == 2
    assert said in capsys.readouterr().err


def test_a_check_without_schemas_imports_no_package_for_editing_or_validation(tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_text(cib(), "utf-8")
    code = (
        "import sys; from lwlint.cli import main; main(['check', 'cib.xml', '--no-cache']); "
        "print(sorted({'lxml', 'ruamel', 'ruamel.yaml', 'iniparse'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert said.splitlines()[-1] == "[]"


def test_an_audit_validates_with_schemas_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lxml")
    installed()
    (tmp_path / "cib.xml").write_text(cib(constraints='<rsc_order id="o" first="galera" then="galera" kind="Sometimes"/>'), "utf-8")
    arguments = ["audit", str(tmp_path / "cib.xml"), "--select", "LW903"]
    assert main(arguments) == 0
    assert main([*arguments, "--schemas", str(FOLDER)]) == 1
    assert "LW903 cib-not-valid" in capsys.readouterr().out


def test_of_very_many_faults_the_first_are_told_and_that_there_are_more() -> None:
    said = messages(cib("<a/>" * 20_000))
    assert len(said) == MOST + 1
    assert said[-1] == "more than 100 elements are wrong; the first 100 are told"
