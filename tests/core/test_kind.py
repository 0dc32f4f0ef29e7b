"""What a kind of input says of itself: each field is told for every kind, and told truly."""

from __future__ import annotations

import re

import pytest

from lwlint.core.kind import Kind, Kinds
from lwlint.core.source import Source
from lwlint.inputs import KINDS
from tests.shared import HERE

FILES = [kind for kind in KINDS if not kind.printed]
SAMPLE = {
    "heat": ("a/b.yaml", "heat_template_version: 2016-10-14\nparameters:\n  A: {type: string}\n", 1),
    "puppet": ("a/b.pp", "class a {\n  $b = 1\n}\n", 1),
    "unit": ("etc/systemd/system/a.service", "[Unit]\nA=b\n[Service]\nRestart=always\n", 2),
    "quadlet": ("etc/containers/systemd/a.container", "[Container]\nImage=b\n[Service]\nRestart=always\n", 2),
    "oslo": ("etc/nova/nova.conf", "[DEFAULT]\na = b\n[database]\nc = d\n", 2),
    "cib": ("cib.xml", '<cib><configuration><nodes><node id="1" uname="a"/></nodes></configuration></cib>\n', 1),
}


@pytest.mark.parametrize("kind", list(KINDS), ids=lambda kind: kind.name)
def test_a_kind_tells_what_a_person_reads_of_it(kind: Kind) -> None:
    assert kind.name
    assert kind.noun
    assert kind.title
    assert kind.missing.startswith("no ")
    assert kind.missing.endswith("was given")
    assert 1_000_000 <= kind.limit <= 32_000_000
    assert not kind.stands_for or kind.stands_for in KINDS.names


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.name)
def test_a_kind_of_files_recognises_decodes_and_divides_its_own(kind: Kind) -> None:
    path, text, sections = SAMPLE[kind.name]
    assert KINDS.of(path, text) == (kind, "")
    assert KINDS.may_hold(path)
    assert kind.decode(text.encode()) == text
    assert re.search(kind.hook, path)
    assert kind.language
    assert len(list(kind.blocks(Source(path, text, kind.name)))) >= sections
    assert kind.comments is not None


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.name)
def test_no_kind_takes_the_file_of_another(kind: Kind) -> None:
    path, text, _ = SAMPLE[kind.name]
    alone = Kinds([kind])
    for other, (foreign, content, _) in SAMPLE.items():
        assert (alone.of(foreign, content)[0] is not None) == (other == kind.name)
    assert alone.of(path, text) == (kind, "")


def test_a_kind_is_asked_for_by_name_nowhere_outside_the_kinds() -> None:
    asked = re.compile(r"\bsource\.kind (?:==|!=) \S")
    rooms = [p for p in (HERE / "lwlint").rglob("*.py") if "inputs" not in p.parts and p.name != "kind.py"]
    lines = {(p.name, line.strip()) for p in rooms for line in p.read_text("utf-8").splitlines() if asked.search(line)}
    assert {name for name, line in lines if "source.kind == kind]" not in line} == set()
