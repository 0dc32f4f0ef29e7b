"""`lwlint describe`: the page on a cloud, in both forms, without what nobody may see."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lwlint.cli import main
from tests.audit.operate.clusters import cib, clone, pacemaker_is_here, service
from tests.report.report_sample import assert_golden
from tests.shared import HERE

CLUSTERS = ("mitaka-full", "mitaka-light", "newton", "queens-docker", "wallaby-podman")
TITLES = ["Overview", "What runs where, and why", "What happens on a failure", "The operator's table", "Orders and colocations",
          "Deviations from the specification"]  # fmt: skip
Write = Callable[..., str]


@pytest.fixture
def write(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return what `lwlint describe` prints."""
    monkeypatch.chdir(HERE)

    def run(*arguments: str) -> str:
        assert main(["describe", *arguments]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return run


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open, and keeps those that never are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input", "br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("cluster", ["newton", "wallaby-podman"])
def test_the_page_is_as_it_was_read(cluster: str, write: Write) -> None:
    assert_golden(write(f"fixtures/sos/{cluster}", "--no-failures"), f"services/{cluster}.md")


def test_a_node_that_runs_or_recovers_nothing_is_told(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = '<nvpair id="s-1" name="NAME" value="true"/>'
    told = f'<transient_attributes id="2"><instance_attributes id="s">{pair}</instance_attributes></transient_attributes>'
    text = cib([clone(service("haproxy"))]).replace("<status/>", f'<status><node_state id="2" uname="two">{told}</node_state></status>')
    (tmp_path / "cib.xml").write_text(text.replace("NAME", "standby"))
    assert "| a copy on every node but two (in standby) |" in write(str(tmp_path / "cib.xml"), "--no-failures")
    (tmp_path / "cib.xml").write_text(text.replace("NAME", "maintenance"))
    assert main(["services", str(tmp_path / "cib.xml"), "haproxy"]) == 0
    assert "recovers it, but not on two (in maintenance mode)" in capsys.readouterr().out


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_page_has_its_parts_in_both_forms(cluster: str, write: Write) -> None:
    text = write(f"fixtures/sos/{cluster}", "--no-failures")
    titles = re.findall(r"^## (.+)$", text, re.M)
    assert [title for title in titles if title in TITLES] == TITLES
    page = write(f"fixtures/sos/{cluster}", "--no-failures", "--format", "html")
    assert re.findall(r"<h2>([^<]+)</h2>", page) == [title.replace("'", "&#x27;") for title in titles]
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []


def test_what_a_failure_comes_to_is_in_it(write: Write) -> None:
    pacemaker_is_here()
    text = write("fixtures/sos/newton")
    assert re.search(
        r"^\| haproxy cannot run \(newton-controller-0.*\| on another node: virtual IP \(2\); a copy less: haproxy; ", text, re.M
    )
    assert "fencing is needed to be sure that newton-controller-0 is dead" in text


def test_a_service_under_pacemaker_that_the_specification_leaves_to_systemd_is_a_deviation(write: Write) -> None:
    text = write("fixtures/sos/mitaka-full", "--no-failures")
    assert len(re.findall(r"^\| .* \| pacemaker \| .* \| \*\*deviation\*\*: ", text, re.M)) == 39  # 38 resources, and keystone inside httpd
    assert "## What the specification leaves of them" in text


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cleanup_is_never_restarted_in_the_operators_table(cluster: str, write: Write) -> None:
    table = write(f"fixtures/sos/{cluster}", "--no-failures").partition("## The operator's table")[2]
    rows = [line for line in table.splitlines() if line.startswith("| neutron cleanup |")]
    assert all(row.split(" | ")[2] == "never" for row in rows)
    assert bool(rows) is (cluster in ("mitaka-full", "mitaka-light", "newton"))


def test_no_name_and_no_address_is_in_an_anonymous_page(write: Write) -> None:
    for form in ("markdown", "html"):
        text = write("fixtures/sos/wallaby-podman", "--no-failures", "--anonymize", "--format", form)
        assert "wallaby-controller" not in text
        assert "wallaby_cluster" not in text
        assert not re.search(r"\b(?:192\.0\.2\.251|203\.0\.113\.10|172\.16\.[123]\.\d+)\b", text)  # others stand for these


def test_a_cib_that_cannot_be_read_is_named_with_what_is_wrong_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.xml"
    cut.write_text("<cib><configuration>", "utf-8")
    said = "the CIB cannot be read: `cut.xml:cib.xml`: XML is cut off: the file ends inside `<configuration>`"
    for command in ("what-if", "graph"):
        assert main([command, str(cut)]) == 2
        assert capsys.readouterr().err == f"lwlint: {said}\n"
    assert main(["describe", str(cut)]) == 0
    assert f"Not asked: {said}." in capsys.readouterr().out
    assert main(["graph", "--anonymize", str(cut)]) == 2
    assert capsys.readouterr().err == f"lwlint: `{cut}`: no CIB with a resource is in it, and so nothing to draw\n"
