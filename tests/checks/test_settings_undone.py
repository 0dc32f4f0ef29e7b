"""Where a meta attribute is set decides which command takes it away: on a member, around it, in a template, by default."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import lwlint
from lwlint.core.finding import Finding

SETTINGS = (
    ("target-role", "Stopped", "enable", "Started"),
    ("is-managed", "false", "manage", "true"),
    ("maintenance", "true", "", "false"),
)
WHERE = ("member", "group", "clone", "group-in-clone", "member-in-clone", "bundle", "default", "template")


def meta(name: str, value: str) -> str:
    return f'<meta_attributes id="m"><nvpair id="mn" name="{name}" value="{value}"/></meta_attributes>'


def cib(where: str, name: str, value: str) -> str:
    """Return a CIB of a controller in which HAProxy has the attribute from `where`."""
    here = {where: meta(name, value)}
    monitor = '<operations><op id="o" name="monitor" interval="10s"/></operations>'
    own = here.get("member", "") or here.get("member-in-clone", "")
    haproxy = f'<primitive id="haproxy" class="systemd" type="haproxy">{own}{monitor}</primitive>'
    ping = '<primitive id="ping" class="ocf" provider="pacemaker" type="ping"/>'
    template = ""
    if where == "template":
        template = f'<template id="t" class="systemd" type="haproxy">{here[where]}{monitor}</template>'
        haproxy = '<primitive id="haproxy" template="t"/>'
    box = {
        "member": f'<group id="lb">{haproxy}{ping}</group>',
        "group": f'<group id="lb">{here.get("group", "")}{haproxy}{ping}</group>',
        "group-in-clone": f'<clone id="lb-clone"><group id="lb">{here.get("group-in-clone", "")}{haproxy}{ping}</group></clone>',
        "bundle": f'<bundle id="haproxy-bundle">{here.get("bundle", "")}<podman image="x/openstack-haproxy:1" replicas="3"/></bundle>',
    }.get(where, f'<clone id="haproxy-clone">{here.get("clone", "")}{haproxy}</clone>')
    name_of = '<nvpair id="c1" name="cluster-name" value="tripleo_cluster"/><nvpair id="c2" name="stonith-enabled" value="false"/>'
    return (
        '<cib validate-with="pacemaker-3.2" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0"><configuration>'
        f'<crm_config><cluster_property_set id="c">{name_of}</cluster_property_set></crm_config><nodes><node id="1" uname="one"/></nodes>'
        f"<resources>{template}{box}</resources><constraints/><rsc_defaults>{here.get('default', '')}</rsc_defaults>"
        "</configuration><status/></cib>"
    )


def found(path: Path, name: str) -> list[Finding]:
    return [one for one in lwlint.check([path]).findings if one.code in ("LW109", "LW110") and f"`{name}`" in one.message]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting[0])
@pytest.mark.parametrize("where", WHERE)
def test_the_command_names_what_holds_the_value(where: str, setting: tuple[str, str, str, str], tmp_path: Path) -> None:
    name, value, verb, wanted = setting
    path = tmp_path / "cib.xml"
    path.write_text(cib(where, name, value))
    (one,) = found(path, name)
    holder = {"member": "haproxy", "group": "lb", "clone": "haproxy-clone", "group-in-clone": "lb", "bundle": "haproxy-bundle"}.get(where)
    holder = holder or "haproxy"
    top = {"member": "haproxy", "group": "lb", "group-in-clone": "lb-clone", "bundle": "haproxy-bundle"}.get(where, "haproxy-clone")
    told = f"pcs resource {verb} {top}" if verb else f"pcs resource meta {holder} {name}="
    if where == "default":
        told = f"pcs resource defaults update {name}="
    elif where == "bundle" and not verb:
        told = f"pcs resource bundle update {holder} meta {name}="
    elif where == "template":
        told = f"pcs resource meta haproxy {name}={wanted}"
    assert [command.line for command in one.commands] == [told]


@pytest.mark.skipif(not shutil.which("pcs"), reason="pcs is not installed")
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting[0])
@pytest.mark.parametrize("where", WHERE)
def test_what_the_command_does_is_what_was_asked(where: str, setting: tuple[str, str, str, str], tmp_path: Path) -> None:
    name, value, _, _ = setting
    path = tmp_path / "cib.xml"
    path.write_text(cib(where, name, value))
    for command in found(path, name)[0].commands:
        words = shlex.split(command.line)
        subprocess.run([words[0], "-f", str(path), *words[1:]], check=True, capture_output=True)
    assert found(path, name) == []


@pytest.mark.parametrize("name", ["-f", "--force", "ban"])
def test_what_pcs_would_take_for_an_option_is_in_no_command(name: str, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    ban = '<rsc_location id="cli-ban-x" rsc="haproxy-clone" node="one" score="-INFINITY"/>'
    set_there = '<instance_attributes id="n"><nvpair id="n1" name="maintenance" value="true"/></instance_attributes>'
    text = cib("clone", "target-role", "Started").replace("<constraints/>", f"<constraints>{ban}</constraints>")
    path.write_text(text.replace("</nodes>", f'<node id="2" uname="{name}">{set_there}</node></nodes>'))
    report = lwlint.check([path])
    (node,) = [one for one in report.findings if one.code == "LW110"]
    (gone,) = [one for one in report.findings if one.code == "LW111"]
    assert [command.line for command in node.commands] == ([f"pcs node unmaintenance {name}"] if name == "ban" else [])
    assert [command.line for command in gone.commands] == ["pcs constraint remove cli-ban-x"]
