"""The HTML report: all of the answer is in it, escaped, and nothing else is loaded or run."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lwlint.audit.answer import Audit
from lwlint.cli import main
from lwlint.report.html import element, prose, text
from lwlint.report.html.page import parts_of, render
from tests.audit.audit_cluster import write
from tests.report.html_sample import AUDIT, CLAUSES, bare, changed
from tests.report.report_sample import assert_golden

VOID = {"meta", "input", "br", "hr"}


class Page(HTMLParser):
    """What a browser makes of the page: elements with their attributes, and text by the element that it stands in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append((self.open[-1] if self.open else "", data))

    def all(self, attribute: str) -> list[str]:
        return [value or "" for _, attributes in self.elements for name, value in attributes.items() if name == attribute]

    @property
    def shown(self) -> str:
        return " ".join(" ".join(words for tag, words in self.words if tag not in ("style", "script")).split())


def test_the_page_is_the_golden_one() -> None:
    assert_golden(bare(render(AUDIT, CLAUSES)), "audit.html")


def test_the_same_answer_is_the_same_page() -> None:
    assert render(AUDIT, CLAUSES) == render(AUDIT, CLAUSES)


HOSTILE = "</script></style><img src=x onerror=alert(1)><!-- ]]> \" onclick='x' &amp; ` {{7*7}} \x1b[31m\u202e\x00\ud800"


def test_nothing_hostile_gets_out_of_its_place() -> None:
    plain = Page(render(AUDIT, CLAUSES))
    page = render(changed(AUDIT, lambda words: words + HOSTILE), changed(CLAUSES, lambda words: words + HOSTILE))
    found = Page(page)
    assert {tag for tag, _ in found.elements} - {tag for tag, _ in plain.elements} == set()
    assert {name for _, attributes in found.elements for name in attributes} == {
        name for _, attributes in plain.elements for name in attributes
    }
    assert "<img src=x onerror=alert(1)>" in found.shown
    assert [c for c in page if not c.isprintable() and c != "\n"] == []
    page.encode("utf-8")
    for words in ("\u202e", "<img", "<!--"):
        assert words not in page


def test_every_text_of_the_answer_is_on_the_page() -> None:
    page = " ".join(render(AUDIT, CLAUSES).replace("&#10;", " ").split())
    missing: list[str] = []

    def look(words: str) -> str:
        plain = " ".join(words.split())
        pieces = [text(piece) for piece in re.split("`", plain)]
        missing.extend(piece for piece in pieces if piece.strip() not in page)
        return words

    changed(AUDIT, look)
    assert missing == ["constraint order-core-api", "active_active"]  # a subject is for machines; a kind is told in words


def test_ids_are_unique_and_all_that_is_named_by_id_is_there() -> None:
    page = Page(render(AUDIT, CLAUSES))
    ids = page.all("id")
    assert sorted(ids) == sorted(set(ids))
    named = [*(href[1:] for href in page.all("href")), *page.all("aria-labelledby"), *page.all("data-copy")]
    assert [name for name in named if name not in ids] == []
    hosts = {key for keys in page.all("data-hosts") for key in keys.split()} | set(page.all("data-host"))
    assert hosts - set(page.all("value")) == set()


def test_nothing_is_loaded_and_only_our_own_script_runs() -> None:
    page = render(AUDIT, CLAUSES)
    found = Page(page)
    assert re.findall(r"https?://|//\w|url\((?!#)|@import", page) == []
    assert [
        name for _, attributes in found.elements for name in attributes if name.startswith("on") or name in ("src", "style", "action")
    ] == []
    assert [href for href in found.all("href") if not href.startswith("#")] == []
    (policy,) = (attributes["content"] for _, attributes in found.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"(?s)<{tag}>(.*?)</{tag}>", page)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_outline_and_the_tables_can_be_heard() -> None:
    found = Page(render(AUDIT, CLAUSES))
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1] == []
    assert [attributes for tag, attributes in found.elements if tag == "th" and attributes.get("scope") not in ("col", "row")] == []
    assert {"header", "main", "footer", "nav"} <= {tag for tag, _ in found.elements}
    assert [words for words in ("pass", "fail", "not evaluated", "not applicable", "1 of 2 rules") if words not in found.shown] == []


def test_an_audit_of_nothing_has_a_page() -> None:
    found = Page(render(Audit((), ()), CLAUSES))
    assert "0 hosts, 0 clusters" in found.shown
    assert "input" not in {tag for tag, _ in found.elements}


def test_elements_are_escaped_unless_they_are_html() -> None:
    assert element("a", "<b>", element("i", "&"), href='"x"', hidden=True, title=None) == (
        '<a href="&quot;x&quot;" hidden>&lt;b&gt;<i>&amp;</i></a>'
    )
    assert prose("`a<b` is ` <x>") == "<code>a&lt;b</code> is ` &lt;x&gt;"
    ET.fromstring(element("p", text("a\n\x00\ud800b")))


@pytest.mark.parametrize(
    ("remedy", "said", "commands"),
    [
        ("Set `max_retries = -1`.", "Set `max_retries = -1`.", []),
        ("Delete it: `pcs constraint delete ID`.", "Delete it: `pcs constraint delete ID`.", ["pcs constraint delete ID"]),
        (
            "Do:\n  [Service]\n  Restart=always\nthen\nsystemctl daemon-reload",
            "Do: then",
            ["[Service]\nRestart=always", "systemctl daemon-reload"],
        ),
        ("Do `rm a`.\nrm a", "Do `rm a`.", ["rm a"]),
        ("", "", []),
    ],
)
def test_commands_of_a_remedy_are_told_from_its_prose(remedy: str, said: str, commands: list[str]) -> None:
    assert parts_of(remedy) == (said, commands)


def test_no_secret_of_a_report_is_on_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = "[DEFAULT]\ntransport_url=rabbit://guest:CANARY1@h\nadmin_password=CANARY2\n[database]\n"
    conf += "connection=mysql://nova:CANARY3@h/nova\nmax_retries=5\n"
    changes = {node: {"etc/nova/nova.conf": conf} for node in ("overcloud-controller-0", "overcloud-controller-1")}
    paths = write(tmp_path, "lightweight", changes)
    assert main(["audit", *paths, "--format", "html"]) == 1
    page = capsys.readouterr().out
    assert "max_retries=5" in page
    assert "CANARY" not in page


def test_the_output_folder_holds_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write(tmp_path, "lightweight")
    main(["audit", *paths, "--output", str(tmp_path / "answer")])
    capsys.readouterr()
    main(["audit", *paths, "--format", "html"])
    assert (tmp_path / "answer" / "audit.html").read_text("utf-8") == capsys.readouterr().out
