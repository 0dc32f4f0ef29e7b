"""GitHub: annotations as the runner of GitHub Actions decodes them, and a step summary that fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lwlint.core.source import Span
from lwlint.report.ci import render_github, step_summary
from tests.report.report_sample import CLEAN, REPORT, RULES, TURNED, assert_golden, finding, span
from tests.report.report_sample import TEMPLATE as HEAT


def decoded(line: str) -> tuple[str, dict[str, str], str]:
    """Decode a workflow command by the rules of the runner: `::`, name, blank, `key=value` by commas, `::`, text."""
    assert line.startswith("::")
    head, _, data = line[2:].partition("::")
    name, _, listed = head.partition(" ")
    properties = dict(item.split("=", 1) for item in listed.strip().split(","))
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        properties = {key: value.replace(code, sign) for key, value in properties.items()}
        data = data if sign in ":," else data.replace(code, sign)
    return name, properties, data


def test_the_commands_are_as_before() -> None:
    assert_golden(render_github(REPORT, RULES), "report.github.txt")


def test_the_step_summary_is_as_before() -> None:
    assert_golden(step_summary(REPORT, RULES), "report.md")


def test_the_order_of_the_report_changes_nothing() -> None:
    assert render_github(TURNED, RULES[::-1]) == render_github(REPORT, RULES)


def test_the_runner_reads_a_command_for_every_finding_and_the_summary() -> None:
    commands = [decoded(line) for line in render_github(REPORT, RULES).splitlines()]
    path = HEAT.path
    cib = "controller-0/var/lib/pacemaker/cib/cib.xml"
    assert [(name, p.get("file"), p.get("line"), p.get("col"), p["title"].split()[0]) for name, p, _ in commands] == [
        ("error", "controller-0/etc/lost\ufffd\n.conf", None, None, "LW901"),
        ("error", cib, "2", None, "LW101"),
        ("error", cib, "2", "17", "LW101"),
        ("warning", path, "2", "14", "LW105"),
        ("error", path, "2", "18", "LW105"),
        ("notice", path, "4", None, "LW105"),
        ("notice", path, "6", "1", "LW105"),
        ("error", "etc/nova/nova.conf", "1", "1", "LW901"),
        ("error", None, None, None, "LW404"),
        ("notice", None, None, None, "lwlint"),
    ]
    assert "allowed here (allowed: the vendor, 50%: asks | for <it>)" in commands[5][2].splitlines()


@given(st.text(), st.text(min_size=1))
def test_no_text_breaks_out_of_its_command(message: str, host: str) -> None:
    one = finding("LW101", span(HEAT, "OS"), message, host=host)
    name, properties, data = decoded(render_github(replace(CLEAN, findings=(one,)), ()).split("\n")[0])
    assert (name, properties["title"].startswith("LW101 service-outside-the-core (")) == ("error", True)
    assert data.splitlines()[-1] == "then enable its unit"


def test_a_step_summary_is_cut_at_a_line_to_what_github_takes() -> None:
    many = tuple(finding("LW101", span(HEAT, "OS"), f"é{i:06}" + "x" * 200) for i in range(6000))
    text = step_summary(replace(REPORT, findings=many), RULES)
    assert len(text.encode("utf-8")) <= 1024 * 1024
    assert text.splitlines()[-1].startswith("Cut here, to the size that GitHub takes. In all: 1 pass, 3 fail")
    assert text.splitlines()[-3].endswith(" |")


def test_a_path_steers_no_terminal() -> None:
    one = replace(finding("LW101", span(HEAT, "OS"), "x"), span=Span("e\x1b[31m\n::error x", 0, 1))
    line = render_github(replace(CLEAN, findings=(one,)), ()).split("\n")[0]
    assert line.isprintable()
    assert decoded(line)[1]["file"] == "e\ufffd[31m\n::error x"
