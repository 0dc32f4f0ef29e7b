"""The reader of CIBs: exact places on every file of the corpus, and a clear refusal of everything broken."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from datetime import timezone
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.facts import Facts, Unreadable
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import INFINITY, CibFault, Constraint, Validation, boolean, score
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.inputs.pacemaker.resources import moment
from lwlint.inputs.pacemaker.xml import Element, read_cib
from lwlint.run import load_catalogue
from tests.shared import shared

FILES = [f"corpus/cib/{folder}" for folder in ("2.1.5", "1.1.24", "whatif", "lab/light-clone")]


def read(text: str) -> Element:
    found = read_cib(Source("cib.xml", text, "cib"))
    assert isinstance(found, Element)
    return found


def refused(text: str) -> tuple[int, int, str]:
    source = Source("cib.xml", text, "cib")
    found = read_cib(source)
    assert isinstance(found, Unreadable)
    return (*source.position(found.span.start), found.message)


def corpus() -> list[Path]:
    return [path for folder in FILES for path in sorted(shared(folder).glob("*.xml")) if path.name != "crm_mon.xml"]


def test_every_element_and_attribute_of_the_corpus_is_where_the_reader_says() -> None:
    """Against lxml, which knows the values and the line on which each start tag ends, and against the text itself."""
    from lxml import etree

    wrong = []
    for path in corpus():
        text = path.read_bytes().decode()
        mine = list(read(text).walk())
        theirs = [e for e in etree.fromstring(text.encode()).iter(etree.Element) if _is_kept(e)]
        starts = Source("", text, "cib")
        if [(e.tag, e.attributes) for e in mine] != [(e.tag, dict(e.attrib)) for e in theirs]:
            wrong.append(f"{path.name}: other elements")
            continue
        for element, other in zip(mine, theirs):
            texts = [element.text(name) for name in element.attributes]
            last = max([t.span.end for t in texts if t is not None], default=element.start)
            plain = all(
                t is not None and text[t.span.start : t.span.end] in (t.value, _escaped(t.value, text[t.span.start - 1])) for t in texts
            )
            line = starts.position(text.index(">", last)).line
            if (
                not text.startswith(f"<{element.tag}", element.start)
                or not plain
                or (line != other.sourceline and other.sourceline < 65535)
            ):
                wrong.append(f"{path.name}:{starts.position(element.start)} {element.tag}")
    assert wrong == []


def _is_kept(element: Any) -> bool:
    """Whether the reader keeps an element: of a status the nodes and their attributes only."""
    path = [each.tag for each in (element, *element.iterancestors())][::-1]
    below = path[path.index("status") + 1 :] if "status" in path[1:] else []
    return below[:2] == ["node_state", "transient_attributes"][: len(below)]


def _escaped(value: str, quote: str) -> str:
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "&#10;")
    return value.replace('"', "&quot;") if quote == '"' else value.replace("'", "&apos;")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('<cib a="1"><configuration/></cib>', (1, 9)),
        ("\n\n  <?xml version='1.0' encoding='UTF-16'?>\r\n<cib\r\n\ta = '1'><configuration/></cib>", (5, 7)),
        ('\ufeff<cib a="1"><configuration/></cib>', (1, 9)),
        ('<!-- äöü 𝄞 --><cib a="1"><configuration/></cib>', (1, 23)),
        ('<answer note="𝄞"><x/>\n<cib b="&gt;1" a="1"><configuration/></cib></answer>', (2, 19)),
        ('<cib b=\'a="1"\' a="1"><configuration/></cib>', (1, 19)),
        ('<cib xa="1" a="1"><configuration/></cib>', (1, 16)),
    ],
)
def test_an_attribute_is_found_at_its_value(text: str, place: tuple[int, int]) -> None:
    found = read(text).text("a")
    assert found is not None
    assert (found.value, Source("", text, "cib").position(found.span.start), text[found.span.start : found.span.end]) == ("1", place, "1")


def test_the_value_is_unescaped_and_the_span_is_not() -> None:
    text = '<cib><configuration a="&quot;ha-mode&quot;&#x41;"/></cib>'
    found = read(text).children[0].text("a")
    assert found is not None
    assert (found.value, text[found.span.start : found.span.end]) == ('"ha-mode"A', "&quot;ha-mode&quot;&#x41;")


def test_the_cib_is_found_wherever_it_lies() -> None:
    inner = '<cib epoch="7"><configuration/><status><x/></status></cib>'
    roots = [inner, f"<cib_command><cib_calldata>{inner}</cib_calldata></cib_command>", f"<pcs><cib/>{inner}</pcs>", "<configuration/>"]
    assert [(read(text).tag, read(text).get("epoch")) for text in roots] == [("cib", "7")] * 3 + [("configuration", None)]


def test_of_the_status_section_only_the_attributes_of_nodes_are_kept() -> None:
    tags = [e.tag for e in read("<cib><configuration/><status><a><b/></a></status><c/></cib>").walk()]
    assert tags == ["cib", "configuration", "status", "c"]
    told = "<node_state><lrm><transient_attributes/></lrm><transient_attributes><a><b/></a></transient_attributes><z/></node_state>"
    tags = [e.tag for e in read(f"<cib><configuration/><status>{told}<transient_attributes/></status><c/></cib>").walk()]
    assert tags == ["cib", "configuration", "status", "node_state", "transient_attributes", "a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", (1, 1, "is empty")),
        (" \n", (1, 1, "is empty")),
        ("<cib><configuration><resources>\n", (2, 1, "XML is cut off: the file ends inside `<resources>`")),
        ("<cib>\n<configuration/><status><node_state", (2, 25, "XML is cut off: the file ends inside `<status>`")),
        ("<cib><configuration/>\n</cob>", (2, 3, "XML is broken inside `<cib>`: mismatched tag")),
        ("<cib><configuration/></cib>\n<cib/>", (2, 1, "XML is broken: junk after document element")),
        ('<cib a="1"\n a="2"/>', (2, 2, "XML is broken: duplicate attribute")),
        ("<cib>\0</cib>", (1, 6, "XML is broken inside `<cib>`: not well-formed (invalid token)")),
        ("<cib>&lol;</cib>", (1, 6, "XML is broken inside `<cib>`: undefined entity")),
        ("<resources/>", (1, 1, "there is no `<cib>` in it; the root is `<resources>`")),
        ("<cib/>", (1, 1, "`<cib>` has no `<configuration>`")),
        ("<cib><status/></cib>", (1, 1, "`<cib>` has no `<configuration>`")),
        ("not XML at all", (1, 1, "XML is broken: syntax error")),
    ],
)
def test_a_broken_file_is_refused_where_it_breaks(text: str, where: tuple[int, int, str]) -> None:
    assert refused(text) == where


BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "text",
    [
        f'<?xml version="1.0"?>\n<!DOCTYPE cib [<!ENTITY l0 "lol">{BOMB}]>\n<cib><configuration>&l9;</configuration></cib>',
        '<?xml version="1.0"?>\n<!DOCTYPE cib [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<cib><configuration a="&x;"/></cib>',
        '<?xml version="1.0"?>\n<!DOCTYPE cib SYSTEM "http://192.0.2.1/cib.dtd">\n<cib><configuration/></cib>',
    ],
    ids=["a billion laughs", "an external entity", "an external definition"],
)
def test_a_document_type_is_refused_before_any_entity_is_read(text: str) -> None:
    assert refused(text) == (2, 1, "it has a document type declaration, which no CIB has; entities are not expanded")


@pytest.mark.parametrize(("before", "open_before"), [("<cib>", 1), ("<cib><configuration/><status>", 1)])
def test_nesting_is_limited_as_in_libxml2(before: str, open_before: int) -> None:
    line, column, message = refused(before + "<a>" * 100_000)
    inside = (column - 1 - len(before)) // len("<a>")
    assert (line, message) == (1, "elements are nested more than 256 deep")
    assert inside + open_before == 256


def test_a_tag_without_end_is_refused_in_time() -> None:
    assert refused('<cib>\n<configuration a="' + "x" * 12_000_000) == (2, 1, "one tag of more than 8 MB")


def test_too_many_elements_are_refused() -> None:
    assert refused("<cib>\n" + "<a/>" * 500_000)[::2] == (2, "there are more than 400000 elements")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("INFINITY", INFINITY), ("+INFINITY", INFINITY), ("-INFINITY", -INFINITY), ("1000000", INFINITY), ("5000000", INFINITY),
        ("99999999999999999999999999", INFINITY), ("-1000001", -INFINITY), ("999999", 999999), ("+5", 5), (" 7", 7), ("12x", 12),
        ("infinity", 0), ("lots", 0), ("", 0), (None, 0), ("0", 0), ("-0", 0),
    ],
)  # fmt: skip
def test_a_score_is_read_as_pacemaker_reads_it(written: str | None, number: int) -> None:
    assert score(written) == number


def test_a_boolean_is_read_as_pacemaker_reads_it() -> None:
    assert [w for w in ("true", "TRUE", "on", "Yes", "y", "1") if boolean(w) is not True] == []
    assert [w for w in ("false", "OFF", "no", "N", "0") if boolean(w) is not False] == []
    assert [w for w in ("", None, "2", "t", "enabled", "default", " true") if boolean(w) is not None] == []


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2019-09-23 18:00:00 -05:00", "2019-09-23T18:00:00-05:00"),
        ("2009-W01-1", "2008-12-29T00:00:00+00:00"),
        ("2009-132", "2009-05-12T00:00:00+00:00"),
        ("20050101T101112Z", "2005-01-01T10:11:12+00:00"),
        ("2005-01", "2005-01-01T00:00:00+00:00"),
    ],
)
def test_a_date_is_read_in_the_forms_of_iso_8601(written: str, iso: str) -> None:
    found = moment(written)
    assert found is not None
    assert found.isoformat() == iso


def test_a_date_is_read_as_pacemaker_reads_it() -> None:
    """Against `iso8601`, in the forms that CIBs have and in those that only its reader takes."""
    if shutil.which("iso8601") is None:
        pytest.skip("NOT COMPARED WITH PACEMAKER: iso8601 is not installed (Debian: pacemaker-cli-utils)")
    rng = random.Random(7)
    written = [
        "epoch",
        "epoch ",
        "epochal",
        "1782860400",
        "2026",
        "2026-W01",
        "2026W013",
        "2026-06-01x",
        "2026-06-01 junk",
        "2026-06-01,06:00",
    ]
    for _ in range(150):
        year, month, day = rng.choice(("2026", "2024")), rng.choice(("01", "12", "13")), rng.choice(("01", "31", "00"))
        days = (f"{year}-{month}-{day}", f"{year}{month}{day}", f"{year}-{month}", f"{year}-366", f"{year}-W53-7", f"{year}-W1-{day[1]}")
        hour = rng.choice(("", " ", "T6", " 06:30", "T0630", " 063000", "T06:30:15", " 24:00:00", " 24:01", " 23:59:60", " 06:30:15.5"))
        zone = rng.choice(("", "Z", " Z", " +02:00", " -0530")) if ":" in hour else ""
        written.append(rng.choice(days) + hour + zone)
    for text in written:
        said = subprocess.run(["iso8601", "-d", text], capture_output=True, text=True, env={**os.environ, "TZ": "UTC"}, check=False).stdout
        found = moment(text)
        ours = f"Date: {found.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}Z" if found is not None else ""
        assert ours == (said.strip() if said.startswith("Date") else ""), text


def test_no_date_is_no_date() -> None:
    assert [moment(text) for text in ("", None, "soon", "2005-13-01", "2005-02-30", "2009-W60-1")] == [None] * 6


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", True),
        ('symmetrical="false"', False),
        ('symmetrical="junk"', True),
        ('kind="Optional"', True),
        ('kind="Serialize"', False),
        ('kind="serialize" symmetrical="true"', False),
    ],
)
def test_an_order_that_serializes_is_never_symmetrical(attributes: str, expected: bool) -> None:
    """lib/pacemaker/pcmk_sched_ordering.c, `get_ordering_symmetry`."""
    order = f'<rsc_order id="o" first="a" then="b" {attributes}/>'
    xml = f"<cib><configuration><resources/><constraints>{order}</constraints></configuration></cib>"
    (found,) = Facts(cib_facts([Source("cib.xml", xml, "cib")], load_catalogue())).of(Constraint)
    assert found.symmetrical is expected


def test_what_parts_share_is_counted_each_time_and_bounded() -> None:
    """Attributes of a group with many members; a rule that refers to itself twice, and so would double with each step."""
    members = "".join(f'<primitive id="r{i}" class="ocf" provider="heartbeat" type="Dummy"/>' for i in range(1_000))
    pairs = "".join(f'<nvpair id="n{i}" name="a{i}" value="1"/>' for i in range(1_000))
    shared = f'<group id="g"><meta_attributes id="m">{pairs}</meta_attributes>{members}</group>'
    rule = '<rule id="u" score="1"><rule id-ref="u"/><rule id-ref="u"/></rule>'
    location = f'<rsc_location id="l" rsc="galera">{rule}</rsc_location>'
    galera = '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/>'
    for resources, constraints in ((shared, ""), (galera, location)):
        text = f"<cib><configuration><resources>{resources}</resources><constraints>{constraints}</constraints></configuration></cib>"
        found = [
            fact for fact in cib_facts([Source("cib.xml", text, "cib")], load_catalogue()) if not isinstance(fact, (Validation, CibFault))
        ]
        assert [type(fact) for fact in found] == [Unreadable]
        assert "more than 500,000 in all" in found[0].message
