"""`lwlint graph`: the orders and colocations of a cluster, what of them has to go, and what is left."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from lwlint.cli import main
from tests.audit.operate.clusters import address, cib, clone, order, service, together
from tests.shared import HERE

SVG = "{http://www.w3.org/2000/svg}"
Draw = Callable[..., str]


@pytest.fixture
def draw(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Return what `lwlint graph` prints."""
    monkeypatch.chdir(HERE)

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["graph", *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return run


def drawn(text: str) -> tuple[set[str], list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the names of the boxes, and both ends of each arrow and of each colocation."""
    root = ET.fromstring(text)
    boxes = {one.get("data-name") or "" for one in root.iter(f"{SVG}g")}
    lines: dict[str, list[tuple[str, str]]] = {"edge": [], "tie": []}
    for path in root.iter(f"{SVG}path"):
        kind = (path.get("class") or "").split(" ")[0]
        if kind in lines:
            lines[kind].append((path.get("data-first") or "", path.get("data-then") or ""))
    return boxes, lines["edge"], lines["tie"]


def test_each_resource_order_and_colocation_of_the_full_architecture_is_drawn_once(draw: Draw) -> None:
    boxes, edges, ties = drawn(draw("fixtures/sos/mitaka-full"))
    assert (len(boxes), len(edges), len(ties)) == (51, 50, 29)
    assert ("haproxy-clone", "openstack-core-clone") in edges
    assert len(set(edges)) == len(edges)


def test_what_the_specification_leaves_is_the_core(draw: Draw) -> None:
    boxes, edges, ties = drawn(draw("fixtures/sos/mitaka-full", "--after"))
    core = {"haproxy-clone", "rabbitmq-clone", "galera-master", "redis-master", "openstack-cinder-volume", "vsm-p", "vsm-s"}
    assert {name for name in boxes if not name.startswith("ip-")} == core
    assert (len(boxes), {then for _, then in edges}, len(ties)) == (13, {"haproxy-clone"}, 7)


def test_no_box_lies_on_another(draw: Draw) -> None:
    for cluster in ("mitaka-full", "wallaby-podman"):
        root = ET.fromstring(draw(f"fixtures/sos/{cluster}"))
        width, height = float(root.get("width") or 0), float(root.get("height") or 0)
        boxes = [[float(box.get(key) or 0) for key in ("x", "y", "width", "height")] for box in root.iter(f"{SVG}rect")]
        for i, (x, y, wide, high) in enumerate(boxes):
            assert x >= 0
            assert y >= 0
            assert x + wide <= width
            assert y + high <= height
            for to_x, to_y, to_wide, to_high in boxes[i + 1 :]:
                assert x + wide <= to_x or to_x + to_wide <= x or y + high <= to_y or to_y + to_high <= y


def test_a_page_has_both_pictures_and_what_was_found(draw: Draw) -> None:
    page = draw("fixtures/sos/mitaka-full", "--before-after", "--format", "html")
    assert page.count("<svg ") == 2
    assert "Today: 51 resources, 50 orders, 29 colocations; 38 resources and 66 constraints have to go" in page
    assert "What the specification leaves: 13 resources, 6 orders, 7 colocations" in page
    assert "What was found (104)" in page
    assert len(re.findall(r'id="([^"]+)"', page)) == len(set(re.findall(r'id="([^"]+)"', page)))


@pytest.mark.parametrize("cluster", ["mitaka-full", "queens-docker"])
def test_graphviz_takes_the_export(cluster: str, draw: Draw) -> None:
    text = draw(f"fixtures/sos/{cluster}", "--format", "dot")
    assert text.count(" -> ") == {"mitaka-full": 79, "queens-docker": 11}[cluster]
    if shutil.which("dot") is None:
        pytest.skip("NOT READ BY GRAPHVIZ: dot not installed")
    done = subprocess.run(["dot", "-Tplain"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_export_to_mermaid_names_each_resource_once(draw: Draw) -> None:
    text = draw("fixtures/sos/newton", "--format", "mermaid")
    assert text.startswith("flowchart LR\n")
    assert len(re.findall(r'^  r\d+\["', text, re.M)) == 11
    assert len(re.findall(r"^  r\d+ -\.-> r\d+$", text, re.M)) == 6


def test_names_that_are_markup_are_text(draw: Draw, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    odd = "a&lt;script&gt;&quot;"
    path.write_text(cib((clone(service("haproxy")), address("192.0.2.1"), service("x").replace('id="x"', f'id="{odd}"')), ()))
    for form in ("svg", "html", "dot", "mermaid"):
        text = draw(str(path), "--format", form)
        assert "a<script>" not in text or form in ("dot", "mermaid")
    assert '\\"' in draw(str(path), "--format", "dot")
    assert "#quot;" in draw(str(path), "--format", "mermaid")


def test_a_colocation_without_an_order_joins_its_two_boxes(draw: Draw, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    resources = (address("192.0.2.1"), clone(service("haproxy")), service("openstack-cinder-volume"))
    path.write_text(cib(resources, (together("ip-192.0.2.1", "haproxy-clone"), order("haproxy-clone", "openstack-cinder-volume"))))
    boxes, edges, ties = drawn(draw(str(path)))
    assert (len(boxes), edges, ties) == (3, [("haproxy-clone", "openstack-cinder-volume")], [("ip-192.0.2.1", "haproxy-clone")])


def test_two_pictures_in_one_svg_are_refused(draw: Draw) -> None:
    assert "holds one picture" in draw("fixtures/sos/newton", "--before-after", code=2)


def test_addresses_and_names_are_replaced_if_that_is_asked_for(draw: Draw) -> None:
    text = draw("fixtures/sos/newton", "--anonymize")
    assert "203.0.113.10" not in text
    assert "newton_cluster" not in text
