"""The trees in `fixtures/`: what they are said to be, they are."""

from __future__ import annotations

from collections import Counter

import pytest

import lwlint
from tests.shared import HERE


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


@pytest.mark.parametrize("name", ["lightweight", "containers"])
def test_what_conforms_has_no_finding(name: str) -> None:
    report = lwlint.check([f"fixtures/{name}"])
    assert [(f.code, f.span.path, f.message) for f in report.findings] == []
    assert [v.rule for v in report.verdicts if v.outcome == "broken"] == []


def test_the_lightweight_tree_is_evidence_for_nearly_every_rule() -> None:
    report = lwlint.check(["fixtures/lightweight"])
    assert [v.because for v in report.verdicts if v.outcome == "not evaluated"] == [
        "no template with containers was given",
        "no manifest makes a bundle",
    ]


def test_the_full_architecture_breaks_what_the_specification_changed() -> None:
    found = Counter(f.code for f in lwlint.check(["fixtures/full-pacemaker"]).findings)
    expected = {"LW101": 38, "LW105": 66, "LW401": 31, "LW403": 31, "LW407": 3, "LW408": 2}
    assert {code: found[code] for code in expected} == expected
    assert found["LW102"] + found["LW103"] + found["LW104"] == 0


def test_newton_lacks_the_retries_that_its_templates_forgot() -> None:
    report = lwlint.check(["fixtures/newton"], select=["LW1", "LW202", "LW301"])
    places = [(f.code, f.span.path.split("/", 2)[2], report.sources[f.span.path].position(f.span.start).line) for f in report.findings]
    assert places == [
        ("LW301", "etc/aodh/aodh.conf", 5),
        ("LW301", "etc/glance/glance-api.conf", 6),
        ("LW301", "etc/gnocchi/gnocchi.conf", 5),
        ("LW301", "etc/nova/nova.conf", 6),
        ("LW202", "run/systemd/system/openstack-sahara-api.service.d/50-pacemaker.conf", 6),
    ]


def test_what_cannot_be_read_is_told_of_each_file() -> None:
    report = lwlint.check(["fixtures/malformed"], select=["LW901"])
    found = {f.span.path.split("/", 2)[2] for f in report.findings}
    expected = {
        "bom/controller.pp", "bom/heat.conf", "conf/cinder.conf", "conf/nova.conf", "empty/cib.xml", "latin-1/cinder.conf",
        "latin-1/controller.pp", "latin-1/environment.yaml", "nul/cib.xml", "nul/controller.pp", "nul/environment.yaml",
        "puppet/no-arrow.pp", "puppet/unbalanced.pp", "puppet/unclosed-string.pp", "unit/openstack-nova-api.service",
        "utf-16/environment.yaml", "utf-16/heat.conf", "xml/billion-laughs-cib.xml", "xml/external-entity-cib.xml", "xml/not-a-cib.xml",
        "xml/truncated-cib.xml", "xml/wrong-nesting-cib.xml", "yaml/tab.yaml", "yaml/two-documents.yaml", "yaml/unclosed.yaml",
        "yaml/unknown-tag.yaml",
    }  # fmt: skip
    assert expected - found == set()
    assert [v.rule for v in report.verdicts if v.outcome == "broken"] == []


def test_windows_line_ends_are_read_like_any_others() -> None:
    report = lwlint.check(["fixtures/malformed/crlf"])
    assert [(f.code, f.span.path) for f in report.findings if f.code == "LW901"] == []
