"""Suppressions in each kind of file: where the comment may stand, what it speaks of, and what is no comment."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules


def found(path: str, text: str, *select: str, others: tuple[str, ...] = ()) -> list[tuple[str, int, str | None]]:
    """Return code, line and reason of what is found in the file, in its order."""
    files = {path: text, **dict.fromkeys(others, "heat_template_version: 2016-04-08\n")}
    report = check(Request(tree=Memory(files)), load_rules(select=[*select, "LW9"]))
    return [(f.code, report.sources[path].position(f.span.start).line, f.allowed) for f in report.findings if f.span.path == path]


CIB = """<?xml version="1.0"?>
{head}<cib validate-with="pacemaker-2.5" epoch="1" num_updates="0" admin_epoch="0">{cib}
  <configuration>
    <crm_config/>
    <nodes/>
    <resources>
      {above}<clone id="nova-clone">{block}
        <primitive id="openstack-nova-api" class="systemd"
            type="openstack-nova-api"/>{line}
      </clone>
      <primitive id="openstack-heat-api" class="systemd" type="openstack-heat-api"/>
    </resources>
    <constraints/>
  </configuration>
</cib>
"""


def cib(**comments: str) -> list[tuple[str, int, str | None]]:
    places = {name: comments.get(name, "") for name in ("head", "cib", "above", "block", "line")}
    return found("cib.xml", CIB.format(**places), "LW101")


def test_in_xml_a_comment_speaks_of_the_next_element_and_all_that_is_in_it() -> None:
    plain = cib()
    assert [f[0] for f in plain] == ["LW101", "LW101"]
    comment = "<!-- lwlint: allow LW101 because of it -->"
    heat = plain[1]
    for above in (f"{comment}\n", f"{comment} ", "<!--\n lwlint: allow service-outside-the-core:\n  because of\n it\n-->\n"):
        assert [f[2] for f in cib(above=above)] == ["of it", None], above
    assert [f[2] for f in cib(block=f" {comment}")] == ["of it", None]
    assert [f[2] for f in cib(head=f"{comment}\n")] == [f[2] for f in cib(cib=comment)] == ["of it", "of it"]
    assert cib(line="<!-- lwlint: allow LW101 -- because of it -->")[-2:] == [("LW902", 9, None), heat]


def test_a_comment_with_two_hyphens_is_read_as_pacemaker_reads_it(tmp_path: Path) -> None:
    text = CIB.format(head="", cib="<!-- a--b - -- -->", above="<!-- lwlint: allow LW101 -- because of it -->\n", block="", line="")
    assert [f[2] for f in found("cib.xml", text, "LW101")] == ["of it", None]
    assert [f[0] for f in found("cib.xml", text.replace(" -- -->", " --->"), "LW101")] == ["LW901"]
    simulator = shutil.which("crm_simulate")
    if simulator is None:
        pytest.skip("CRM_SIMULATE IS MISSING: it was not asked whether Pacemaker reads it")
    file = tmp_path / "cib.xml"
    file.write_text(text)
    said = subprocess.run([simulator, "-x", file, "-S"], capture_output=True, text=True, check=True).stdout
    assert "openstack-heat-api" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# lwlint: allow LW301 -- because of it\n[database]\nconnection = x\nmax_retries = 3\n", [("LW301", 4, "of it")]),
        ("[database]\n; lwlint: allow LW301: because of it\nmax_retries = 3\n", [("LW301", 3, "of it")]),
        ("[database]\r\n# lwlint: allow LW301 -- of it\r\nmax_retries = 3\r\n", [("LW301", 3, "of it")]),
        ("[database]\n# lwlint: allow LW301 -- of it\nmax_retries = 3\n  4\n", [("LW301", 3, "of it")]),
        ("[a]\nx = 1\n  # lwlint: allow LW301 -- is part of the value\n[database]\nmax_retries = 3\n", [("LW301", 5, None)]),
        ("[database]\nmax_retries = 3 # lwlint: allow LW301 -- is part of the value\n", [("LW301", 2, None)]),
        (
            "# lwlint: allow LW301 -- of it\n[a]\nx = 1\n[database]\nmax_retries = 3\n",
            [("LW902", 1, None), ("LW301", 5, None)],
        ),
        ("[database]\n# lwlint: allow LW301\nmax_retries = 3\n", [("LW902", 2, None), ("LW301", 3, None)]),
        ("[database]\n# lwlint: allow LW301 --\nmax_retries = 3\n", [("LW902", 2, None), ("LW301", 3, None)]),
        ("[database]\n# lwlint: allow LW302, LW301 -- of it\nmax_retries = 3\n", [("LW902", 2, None), ("LW301", 3, "of it")]),
    ],
)
def test_in_option_files_a_comment_begins_its_line_and_may_stand_above_a_section(
    text: str, expected: list[tuple[str, int, str | None]]
) -> None:
    assert [f for f in found("etc/heat/heat.conf", text, "LW301", "LW302") if f[0] != "LW302"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# lwlint: allow LW201 -- of it\n[Service]\nExecStart=/x\n", [("LW201", 1, "of it")]),
        ("# L\n\n; lwlint: allow LW201 -- of it\n[Unit]\nAfter=a\n[Service]\nExecStart=/x\n", [("LW201", 1, "of it")]),
        ("[Unit]\nAfter=a\n  # lwlint: allow LW201 -- of it\n[Service]\nExecStart=/x\n", [("LW201", 1, "of it")]),
        ("[Service]\nExecStart=/x\n# lwlint: allow LW201 -- of it\nRestart=no\n", [("LW201", 4, "of it")]),
        ("[Service]\n# lwlint: allow LW201 -- of it\nExecStart=/x\n", [("LW201", 1, None), ("LW902", 2, None)]),
    ],
)
def test_in_units_a_setting_that_is_nowhere_is_allowed_at_its_section(text: str, expected: list[tuple[str, int, str | None]]) -> None:
    assert found("etc/systemd/system/openstack-nova-api.service", text, "LW201") == expected


ALIASES = """\
resource_registry:{block}
  OS::TripleO::Services::NovaApi: ../puppet/services/nova-api.yaml
  {above}OS::TripleO::Services::HeatApi: ../puppet/services/heat-api.yaml{line}
  OS::TripleO::Services::GlanceApi: ../puppet/services/glance-api.yaml
parameter_defaults:
  Script: |
    # lwlint: allow LW409 -- a line of a script
    x
  Said: "# lwlint: allow LW409 -- a string"
  Fragment: a#lwlint:allow LW409 -- no comment
  Folded: >-
    a
    # lwlint: allow LW409 -- a line of text
"""


def aliases(**comments: str) -> list[tuple[str, int, str | None]]:
    places = {name: comments.get(name, "") for name in ("block", "above", "line")}
    path = "environments/a.yaml"
    return found(path, ALIASES.format(**places), "LW409", others=("puppet/services/glance-api.yaml",))


def test_in_yaml_a_comment_speaks_of_its_line_or_of_the_block_that_begins_there() -> None:
    comment = "# lwlint: allow LW409 -- of it"
    assert aliases() == [("LW409", 2, None), ("LW409", 3, None)]
    assert aliases(line=f" {comment}") == [("LW409", 2, None), ("LW409", 3, "of it")]
    assert aliases(above=f"{comment}\n  ") == [("LW409", 2, None), ("LW409", 4, "of it")]
    assert aliases(block=f" {comment}") == [("LW409", 2, "of it"), ("LW409", 3, "of it")]


def test_in_puppet_a_comment_speaks_of_the_statement_that_begins_there() -> None:
    text = "{}class x {{\n  pacemaker::resource::service {{\n    'openstack-nova-api':\n      clone_params => true,\n  }}\n}}\n"
    comment = "# lwlint: allow LW407 -- of it\n"
    path = "puppet/manifests/x.pp"
    (plain,) = found(path, text.format(""), "LW407")
    assert [(f[0], f[2]) for f in found(path, text.format(comment), "LW407")] == [("LW407", "of it")]
    assert plain[2] is None


@pytest.mark.parametrize(
    ("value", "because"),
    [
        ("5, # lwlint: allow LW421 -- a comment", "a comment"),
        ("'5', # lwlint: allow LW421 -- it's one", "it's one"),
        ("5, x => '# lwlint: allow LW421 -- in a string',", None),
        ('5, x => "a ${b} # lwlint: allow LW421 -- in a string",', None),
        ('5, x => "${b[/# lwlint: allow LW421 -- in an expression/]}",', None),
        ("5, x => @(END)\n# lwlint: allow LW421 -- in a heredoc\nEND\n,", None),
        ("5, x => @(END), # lwlint: allow LW421 -- behind a heredoc\nbody\nEND\n", "behind a heredoc"),
    ],
)
def test_in_puppet_what_stands_in_a_string_is_no_comment(value: str, because: str | None) -> None:
    text = f"class {{ 'nova::db':\n  database_max_retries => {value}\n}}\n"
    (finding,) = [one for one in found("puppet/manifests/x.pp", text, "LW421") if one[0] == "LW421"]
    assert finding[2] == because


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("allow LW201, unit-masked -- it does not run", []),
        ("allow LW501 -- it runs in audits only", []),
        ("allow LW201", ["`allow LW201`: gives no reason; write `-- because ...` after it"]),
        ("allow unit-maskd -- a slip", ["`allow unit-maskd`: unknown rule; did you mean `unit-masked`?"]),
        ("allow LW902 -- there is no exception from exceptions", ["`allow LW902`: unknown rule; did you mean `LW903`?"]),
        ("allow LW301 -- it runs", ["`allow LW301`: matches no finding; take it away"]),
    ],
)
def test_an_exception_for_a_rule_that_does_not_run_is_left_in_peace(comment: str, said: list[str]) -> None:
    text = f"[database]\nconnection = mysql://a\n# lwlint: {comment}\nmax_retries = -1\n"
    report = check(Request(tree=Memory({"nova.conf": text})), load_rules(select=["LW301", "LW9"]))
    assert [f.message for f in report.findings] == said


def test_a_reason_with_a_password_is_shown_without_it() -> None:
    text = "[database]\nconnection = mysql://a\n# lwlint: allow LW301 -- as mysql://u:s3cret@db says\nmax_retries = 3\n"
    assert found("nova.conf", text, "LW301") == [("LW301", 4, "as mysql://u:******@db says")]


OTHER_WORDS = {
    "lwlint: disable LW301": "LW301",
    "lwlint: disable=LW301,LW302": "LW301, LW302",
    "lwlint:ignore": "RULE",
    "lwlint: ignore everything below": "RULE",
    "lwlint: noqa: LW301": "LW301",
    "lwlint: alow LW301 -- a lab": "LW301",
    "lwlint: Allow LW301 -- a lab": "LW301",
    "lwlint: allowed finite-database-retries because of a lab": "finite-database-retries",
    "LWLINT: allow LW301": "LW301",
    "lwlint : allow LW301 -- a lab": "LW301",
    "lwlint allow LW301 -- a lab": "LW301",
    "lwlint: LW301": "LW301",
    "noqa: LW301": "LW301",
    "nolint:LW301": "LW301",
}
PROSE = (
    "lwlint: see the page of LW301",
    "lwlint: always read the pages",
    "what lwlint: means is told elsewhere",
    "lwlint allows LW301 here",
    "noqa: E501",
    "noqa",
    "lwlint: enable it in the pipeline",
)
COMMENTS = {
    "etc/nova/nova.conf": ("[DEFAULT]\n", "# {}", "\n"),
    "etc/glance/glance-api.conf": ("[DEFAULT]\n", "; {}", "\n"),
    "etc/systemd/system/openstack-nova-api.service": ("[Service]\nExecStart=/bin/true\nRestart=always\n", "# {}", "\n"),
    "etc/systemd/system/openstack-heat-api.service": ("[Service]\nExecStart=/bin/true\nRestart=always\n", "; {}", "\n"),
    "environments/a.yaml": ("resource_registry:\n  OS::TripleO::Services::NovaApi: OS::Heat::None ", "# {}", "\n"),
    "manifests/a.pp": ("class a { ", "# {}", "\n}\n"),
    "cib.xml": ("<cib>\n<configuration>", "<!-- {} -->", "</configuration></cib>\n"),
}


@pytest.mark.parametrize("path", COMMENTS)
def test_what_is_meant_as_a_suppression_and_is_none_is_told_with_the_right_form(path: str) -> None:
    before, comment, after = COMMENTS[path]
    for written, rules in OTHER_WORDS.items():
        if "--" in written and path == "cib.xml":
            written = written.replace("--", "because")
        report = check(Request(tree=Memory({path: before + comment.format(written) + after})), load_rules(select=["LW902"], examples=False))
        right = f"lwlint: allow {rules} {'because' if path == 'cib.xml' else '--'}"
        told = [
            (f.span.start, f.message.startswith(f"`{written}`: suppresses nothing; write `"), right in f.message) for f in report.findings
        ]
        assert told == [(len(before), True, True)], (written, [f.message for f in report.findings])
    for written in PROSE:
        report = check(Request(tree=Memory({path: before + comment.format(written) + after})), load_rules(select=["LW902"], examples=False))
        assert report.findings == (), written


def test_a_word_in_a_text_is_no_comment() -> None:
    files = {
        "a.yaml": "heat_template_version: pike\noutputs:\n  a:\n    value: |\n      # lwlint: disable LW401\n",
        "etc/nova/nova.conf": "[DEFAULT]\na = 1 # lwlint: disable LW301\n",
    }
    assert check(Request(tree=Memory(files)), load_rules(select=["LW902"], examples=False)).findings == ()
