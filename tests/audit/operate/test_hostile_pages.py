"""Names in the pages and pictures of the operator's tools are text: no HTML, no Markdown, no picture from elsewhere, no directive."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import NODES, host, unpack
from tests.audit.operate.clusters import address, cib, clone, order, pacemaker_is_here, service

ODD = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "![x](http://192.0.2.1/t.png)",
    "[x](javascript:alert(1))",
    "*bold* _slanted_",
    "a|b\\|c",
    "&lt;b&gt;",
    "a`<b>`c`<i>",
)
# what is markup in Markdown where no code is: HTML, pictures and links, emphasis, a reference to a character
MARKUP = re.compile(r"<(?!code>|/code>|br>)\w|</(?!code>)|!?\[[^\]]*\]\(|(?<![\w*])\*\w|&(?:lt|gt);b")


def without_code(text: str) -> str:
    """Return the text of a page without its code, our own marks, and its pictures."""
    text = re.sub(r"^```mermaid\n.*?^```$", "", text, flags=re.S | re.M)
    return re.sub(r"\*\*[a-z ]+\*\*", "", re.sub(r"`[^`\n]*`", "", re.sub(r"<code>.*?</code>", "", text)))


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("odd", ODD)
def test_a_page_in_markdown_shows_names_as_they_are(odd: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = odd.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    unit = clone(service("openstack-nova-api", f"openstack-nova-api{name}"))
    text = cib([address("192.0.2.1"), clone(service("haproxy")), unit], nodes=("one", name), properties={"cluster-name": name})
    path = tmp_path / "cib.xml"
    path.write_text(text)
    page = told(capsys, "describe", "--no-failures", str(path))
    assert "nova-api" in page
    assert MARKUP.findall(without_code(page)) == []
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert {line.count(" | ") for line in rows} <= {3, 4}  # a name ends no cell


def test_a_plan_of_tests_shows_names_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pacemaker_is_here()
    nodes = [each.replace("&", "&amp;").replace("<", "&lt;") for each in ODD[:3]]
    properties = {"cluster-name": nodes[0]}
    path = tmp_path / "cib.xml"
    path.write_text(cib([address("192.0.2.1"), clone(service("haproxy"))], nodes=nodes, properties=properties))
    page = told(capsys, "what-if", "--format", "testplan", str(path))
    assert "Failure tests of " in page
    assert MARKUP.findall(without_code(page)) == []


def test_a_name_steers_no_mermaid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = "x%%{init: {'theme': 'dark'}}%%<b>#quot;`\"]; click r0 call"
    name = odd.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    path = tmp_path / "cib.xml"
    path.write_text(cib([clone(service("haproxy")), service(name)], [order("haproxy-clone", name)]))
    picture = told(capsys, "graph", "--format", "mermaid", str(path))
    labels = re.findall(r'^  r\d+\["(.*)"\]:::\w+$', picture, re.M)
    assert len(labels) == 2
    assert all(re.fullmatch(r"(?:[^\"<>&#%`\\]|#\w+;)*", label) for label in labels)
    assert "%%" not in picture


@pytest.mark.parametrize("name", ["--all", "-a"])
def test_a_name_that_is_an_option_is_in_no_command(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = "quay.io/tripleo/openstack-nova-api:1"
    labels = {"config_id": "tripleo_step4", "container_name": "nova_api"}
    config = {"Image": image, "Cmd": ["kolla_start"], "Labels": labels}
    state = {"Status": "running", "Running": True}
    restarted = {"RestartPolicy": {"Name": "always"}}
    shown = [{"Name": each, "ImageName": image, "State": state, "Config": config, "HostConfig": restarted} for each in (name, "nova_api")]
    report = unpack(tmp_path, host("full-pacemaker", NODES[0], {"sos_commands/podman/podman_inspect_x": json.dumps(shown)}), NODES[0])
    lines = told(capsys, "services", "-v", report).splitlines()
    assert any(f"podman runs `{name}`" in line for line in lines)
    assert any("podman stop nova_api" in line for line in lines)
    assert [line for line in lines if re.search(rf"podman (?:restart|stop|start|logs --follow) {name}\b", line)] == []
    assert any("its name is an option to every command" in line for line in lines)
