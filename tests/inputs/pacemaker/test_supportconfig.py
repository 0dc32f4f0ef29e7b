"""`ha.txt` of SUSE's supportconfig: each part of it at its place."""

from __future__ import annotations

import pytest

from lwlint.core.source import Source
from lwlint.inputs.pacemaker import PCS_CONFIG
from lwlint.inputs.pacemaker.crm import find_printed, is_supportconfig, only, parts
from lwlint.inputs.pacemaker.facts import Resource
from lwlint.inputs.pacemaker.reader import pcs_config_facts
from lwlint.run import load_catalogue

HEAD = "=====\n                     Support Utilities - Supportconfig\n=====\n\n"
SHOWN = (
    "node 1: one\nprimitive haproxy systemd:haproxy\nprimitive vip IPaddr2 \\\n\tparams ip=192.0.2.10\nproperty cib: dc-version=1.1.16\n"
)


def part(what: str, text: str, heading: str = "Command") -> str:
    return f"#==[ {heading} ]======================================#\n# {what}\n{text}\n"


TEXT = (
    HEAD
    + part("/usr/sbin/crm_mon -r -1", "Online: [ one ]")
    + part("/usr/sbin/crm configure show", SHOWN)
    + part("/etc/sysconfig/sbd - File not found", "", "Configuration File")
    + part("/etc/corosync/corosync.conf", "totem {\n}", "Configuration File")
    + part("/usr/sbin/cibadmin -Q", "")
)


def test_each_part_that_holds_anything_is_told_by_its_command_or_path() -> None:
    found = list(parts(TEXT))
    assert [one.what for one in found] == ["crm_mon -r -1", "crm configure show", "/etc/corosync/corosync.conf"]
    assert [TEXT[one.start : one.end].strip() for one in found] == ["Online: [ one ]", SHOWN.strip(), "totem {\n}"]


def test_each_line_keeps_its_number() -> None:
    shown = next(one for one in parts(TEXT) if one.what.startswith("crm configure"))
    text = only(TEXT, shown)
    assert text.strip() == SHOWN.strip()
    assert [line in ("", theirs) for line, theirs in zip(text.split("\n"), TEXT.split("\n"))].count(False) == 0
    assert find_printed(TEXT, "cibadmin -Q", "crm configure show") == text


@pytest.mark.parametrize("text", ["", "plain\n#==[ Command ]===#\n", "[DEFAULT]\n", SHOWN])
def test_what_is_none_is_left_as_it_is(text: str) -> None:
    assert not is_supportconfig(text)
    assert find_printed(text, "crm configure show") == text


def test_a_file_that_was_named_is_read_as_the_print_of_crm() -> None:
    assert PCS_CONFIG.guess(TEXT)
    assert not PCS_CONFIG.guess(HEAD + part("/bin/date", "today"))
    source = Source("ha.txt", PCS_CONFIG.decode(TEXT.encode()), PCS_CONFIG.name)
    found = [fact for fact in pcs_config_facts([source], load_catalogue()) if isinstance(fact, Resource)]
    assert [one.name for one in found] == ["haproxy", "vip"]
    lines = [source.text.count("\n", 0, one.span.start) for one in found]
    assert [TEXT.split("\n")[line].split()[:2] for line in lines] == [["primitive", "haproxy"], ["primitive", "vip"]]


def test_an_xml_declaration_that_stands_no_more_at_the_beginning_goes() -> None:
    text = part("/usr/sbin/cibadmin -Q", '<?xml version="1.0"?>\n<cib/>')
    assert find_printed(text, "cibadmin -Q").split() == ["<cib/>"]
    assert find_printed(text, "cibadmin -Q").index("<cib/>") == 3
