"""The report for a person."""

from __future__ import annotations

from msgspec.structs import replace

from lwlint.core.finding import KNOWN, NOT_EVALUATED, PASS, Finding, Related, Report, Verdict
from lwlint.core.source import Source, Span
from lwlint.report.text import render

TEXT = "[database]\n\tmax_retries = 日本 # \x1b[31m\nconnection = mysql://nova:s3cret@db/nova\n"
SOURCE = Source("etc/nova/nova.conf", TEXT, "oslo")


def finding(start: int, end: int, related: int = 0, allowed: str | None = None) -> Finding:
    span = Span(SOURCE.path, start, end)
    places = tuple(Related(Span(SOURCE.path, 0, 1), f"place {n}") for n in range(related))
    return Finding("LW301", "a-rule", "error", "a-clause", span, "wrong", "Mend it", "0" * 20, related=places, allowed=allowed)


def report(*findings: Finding) -> Report:
    return Report(findings, (Verdict("a-rule", "LW301", PASS),), {SOURCE.path: SOURCE})


def lines(*findings: Finding, verbose: bool = False) -> list[str]:
    return render(report(*findings), verbose=verbose).splitlines()


def test_the_span_is_underlined_by_the_cells_that_it_takes_and_no_control_character_gets_out() -> None:
    start = TEXT.index("日")
    assert lines(finding(start, start + 2))[3:5] == [
        "    2 |     max_retries = 日本 # \ufffd[31m",
        "      |                   ^^^^",
    ]


def test_a_password_in_a_shown_line_is_masked() -> None:
    start = TEXT.index("connection")
    assert lines(finding(start, start + 10))[3] == "    3 | connection = mysql://nova:******@db/nova"


def test_many_related_places_are_cut_unless_all_are_wanted() -> None:
    cut, whole = lines(finding(0, 3, related=7)), lines(finding(0, 3, related=7), verbose=True)
    assert [line.strip() for line in cut if "place" in line or "more" in line] == [
        *(f"etc/nova/nova.conf:1:1 place {n}" for n in range(5)),
        "and 2 more (`-v` shows them)",
    ]
    assert [line.strip() for line in whole if "place" in line] == [f"etc/nova/nova.conf:1:1 place {n}" for n in range(7)]


def test_many_notes_of_one_rule_are_counted_and_other_findings_are_all_shown() -> None:
    notes = [replace(finding(n, n + 1), severity="note") for n in range(8)]
    out = lines(*notes, *(finding(n, n + 1) for n in range(8)))
    assert [sum(f" {word} LW301" in line for line in out) for word in ("note", "error")] == [5, 8]
    assert "3 more notes of LW301 a-rule (`-v` shows them)" in out
    assert sum(" note LW301" in line for line in lines(*notes, verbose=True)) == 8


def test_an_allowed_finding_has_a_line_with_its_reason_and_is_shown_whole_when_asked() -> None:
    allowed = finding(0, 3, allowed="it is a lab")
    counted = "1 pass, 0 fail, 0 not evaluated, {} allowed"
    line = "  etc/nova/nova.conf:1:1 LW301 a-rule: it is a lab"
    assert lines(allowed) == ["Allowed", line, "", counted.format(1)]
    assert lines(*[allowed] * 7) == ["Allowed", *[line] * 5, "  2 more of LW301 a-rule (`-v` shows them)", "", counted.format(7)]
    assert lines(finding(0, 3, allowed=KNOWN)) == [counted.format(1)]
    assert "  1:1 error LW301 a-rule (allowed: it is a lab)" in lines(allowed, verbose=True)


def test_the_remedy_of_a_rule_is_said_once() -> None:
    assert [line for line in lines(finding(0, 1), finding(1, 2)) if "Mend it" in line] == ["  LW301 a-rule: Mend it"]


def test_colour_changes_no_character_of_the_text() -> None:
    import re

    coloured = render(report(finding(0, 3)), colour=True)
    assert coloured != render(report(finding(0, 3)))
    assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()] == lines(finding(0, 3))


def test_a_long_line_is_cut_around_the_span() -> None:
    source = Source("a.yaml", "x" * 500 + "KEY" + "y" * 500 + "\n", "heat")
    span = Span("a.yaml", 500, 503)
    found = Finding("LW404", "a-rule", "error", "a-clause", span, "wrong", "Mend it", "0" * 20)
    shown = render(Report((found,), (), {"a.yaml": source})).splitlines()[3:5]
    assert len(shown[0]) < 160
    assert shown[0][shown[1].index("^") : shown[1].rindex("^") + 1] == "KEY"


def test_a_path_steers_no_terminal_and_begins_no_line() -> None:
    path = "e\x1b[31m\n::error x/heat.conf"
    source = replace(SOURCE, path=path)
    found = replace(finding(0, 1, related=1), span=Span(path, 0, 1), related=(Related(Span(path, 0, 1), "place"),), host="h\x1b")
    verdict = Verdict("a-rule", "LW301", NOT_EVALUATED, f"`{path}` is not here")
    text = render(Report((found,), (verdict,), {path: source}, ((path, path),), "pike", path), verbose=True)
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert [line for line in text.splitlines() if line.startswith("::")] == []
    assert text.count("e\ufffd[31m\ufffd::error x/heat.conf") == 7
