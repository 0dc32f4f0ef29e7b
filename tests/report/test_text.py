"""The report for a person."""

from __future__ import annotations

from msgspec.structs import replace

from lwlint.core.finding import FAIL, KNOWN, NOT_EVALUATED, PASS, Command, Finding, Fix, Related, Removed, Report, Verdict
from lwlint.core.source import Source, Span
from lwlint.report.text import _cells, render

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
    nothing, counted = "no findings in 1 file", "1 pass, 0 fail, 0 not evaluated, {} allowed"
    line = "  etc/nova/nova.conf:1:1 LW301 a-rule: it is a lab"
    assert lines(allowed) == ["Allowed", line, "", nothing, counted.format(1)]
    assert lines(*[allowed] * 7) == ["Allowed", *[line] * 5, "  2 more of LW301 a-rule (`-v` shows them)", "", nothing, counted.format(7)]
    assert lines(finding(0, 3, allowed=KNOWN)) == [nothing, counted.format(1)]
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


def key(found: Finding) -> tuple[str, Span]:
    return found.fingerprint, found.span


def test_the_last_lines_count_findings_by_severity_and_what_can_be_fixed() -> None:
    other = Source("b.conf", TEXT, "oslo")
    found = [replace(finding(n, n + 1), severity=word) for n, word in enumerate(("note", "error", "error", "warning"))]
    found.append(replace(found[1], span=Span("b.conf", 0, 1)))
    whole = Report(tuple(found), (Verdict("a-rule", "LW301", FAIL),), {SOURCE.path: SOURCE, "b.conf": other})
    assert render(whole, fixable={key(found[1]), key(found[4])}).splitlines()[-2:] == [
        "3 errors, 1 warning, 1 note in 2 files; 2 can be fixed (lwlint fix)",
        "0 pass, 1 fail, 0 not evaluated, 0 allowed",
    ]
    assert lines(replace(finding(0, 1), severity="warning"))[-2] == "1 warning in 1 file"


def test_what_was_not_evaluated_is_grouped_and_a_hook_says_nothing_of_it() -> None:
    reasons = ["no CIB was given"] * 3 + ["no unit was given"] * 2 + ["Jinja in `a`", "Jinja in `b`"]
    report = Report((), tuple(Verdict("r", "LW1", NOT_EVALUATED, reason) for reason in reasons), {SOURCE.path: SOURCE}, (("x", "y"),))
    grouped = "no CIB was given: 3; no unit was given: 2; other reasons: 2, `-v` tells"
    assert render(report).splitlines()[-1] == f"0 pass, 0 fail, 7 not evaluated ({grouped}), 0 allowed, 1 left out"
    assert render(report, hook=True).splitlines()[-1] == "0 pass, 0 fail, 0 allowed"
    two = replace(report, verdicts=report.verdicts[2:5])
    assert "3 not evaluated (no unit was given: 2; no CIB was given), " in render(two)
    one = replace(report, verdicts=report.verdicts[:3])
    assert "3 not evaluated (no CIB was given), " in render(one)


def test_findings_are_sorted_by_severity_and_then_by_place() -> None:
    found = [replace(finding(n, n + 1), severity=word) for n, word in enumerate(("note", "error", "warning", "error"))]
    assert [line.split()[:2] for line in lines(*found) if " LW301 a-rule" in line and ":" in line.split()[0]] == [
        ["1:2", "error"], ["1:4", "error"], ["1:3", "warning"], ["1:1", "note"],
    ]  # fmt: skip


def test_on_a_terminal_the_first_fifty_findings_are_listed_and_all_elsewhere() -> None:
    whole = report(*(finding(n % 60, n % 60 + 1) for n in range(60)))

    def listed(**how: object) -> tuple[int, list[str]]:
        shown = render(whole, **how).splitlines()  # type: ignore[arg-type]
        return sum(" error LW301" in line for line in shown), [line for line in shown if line.startswith("and ")]

    assert listed() == (60, [])
    assert listed(width=80) == (50, ["and 10 more (`--all` shows them)"])
    assert listed(width=80, every=True) == (60, [])
    assert listed(limit=7) == listed(limit=7, width=80) == (7, ["and 53 more (`--all` shows them)"])
    assert listed(limit=0) == (0, ["and 60 more (`--all` shows them)"])
    assert listed(limit=60, width=80) == (60, [])


def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost() -> None:
    message = "`a::very::long::key` is `10`; it must be `-1` " + "or something else " * 9 + "日本" * 30
    found = replace(finding(0, 3, related=2), message=message, remedy="Mend it with care. " * 12)
    narrow, wide = render(report(found), width=50), render(report(found))
    assert max(map(_cells, narrow.splitlines())) <= 50
    assert "".join(narrow.split()) == "".join(wide.split())
    assert max(map(_cells, render(report(found), width=50, colour=False, verbose=True).splitlines())) <= 50


def test_a_remedy_says_what_is_to_be_done_at_each_place_and_where_the_fix_does_it() -> None:
    fixes = [Fix("add `a::retries: -1`", ()), Fix("add `a::retries: -1`", ()), Fix("add `b::retries: -1`", (), safe=False), None]
    found = [replace(finding(n, n + 1), fix=fix) for n, fix in enumerate(fixes)]
    found[3] = replace(found[3], message="c: `c::retries` is not set (default `10`); it must be `-1`")
    said = render(report(*found), fixable={key(found[0]), key(found[1])}).splitlines()
    start = said.index("What to do")
    assert said[start + 1 : start + 5] == [
        "  LW301 a-rule: Mend it. `lwlint fix` does it at 2 of 4 places, with `--unsafe` at 3.",
        "    etc/nova/nova.conf:1:1 and 1 more place: add `a::retries: -1`",
        "    etc/nova/nova.conf:1:3: add `b::retries: -1`",
        "    etc/nova/nova.conf:1:4: set `c::retries` to `-1`",
    ]
    told = [line for line in render(report(found[0])).splitlines() if "`lwlint fix`" in line or "add `a" in line]
    assert told == [], "a fix that has no place is not promised"


def test_a_remedy_names_the_command_and_the_line_that_a_change_took_away() -> None:
    run = replace(finding(0, 1), commands=tuple(Command(f"pcs resource delete r{n}") for n in range(5)))
    lost = finding(1, 2)
    whole = replace(report(run, lost), removed={key(lost): Removed("b.yaml", 7, "a::retries: -1")})
    said = render(whole).splitlines()
    assert [line for line in said if line.startswith("    etc/nova/nova.conf:")] == [
        "    etc/nova/nova.conf:1:1: `pcs resource delete r0`, `pcs resource delete r1`, `pcs resource delete r2` and 2 more commands",
        "    etc/nova/nova.conf:1:2: put back `a::retries: -1`, which the change took away (b.yaml:7)",
    ]
