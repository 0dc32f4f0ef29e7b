"""The baseline: what it records, and what it knows again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lwlint.core.finding import FAIL, NOT_EVALUATED, PASS, ConfigurationError, Finding, Report, Verdict
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.policy import baseline
from lwlint.policy.baseline import Comparison, Known


def conf(text: str, path: str = "c0/etc/nova/nova.conf", root: str = "c0/") -> Source:
    return Source(path, text, "oslo", host=root.rstrip("/"), root=root)


def report(*places: tuple[Source, str], subject: str = "option retries", allowed: str | None = None, outcome: str = FAIL) -> Report:
    """A report with a finding of LW301 at each place: a source and the piece of its text that is blamed."""
    found = []
    for source, piece in places:
        start = source.text.index(piece)
        span = source.span(start, start + len(piece))
        message = f"{source.path}: is wrong at {start}"
        found.append(Finding("LW301", "finite", "error", "c", span, message, "r", "fp", subject, host=source.host, allowed=allowed))
    return Report(tuple(found), (Verdict("finite", "LW301", outcome),), {source.path: source for source, _ in places})


def compared(new: Report, old: Report) -> str:
    """What the run says of `new` when `old` was recorded."""
    return baseline.summarize(baseline.compare(new, baseline.read(baseline.record(old), "b")))


OLD = report((conf("[database]\nmax_retries = 3\n"), "3"))


def test_a_baseline_is_a_header_and_a_sorted_line_for_every_finding() -> None:
    text = baseline.record(report((conf("b 3"), "3"), (conf("a 3", "c1/etc/nova/nova.conf", "c1/"), "3"), (conf("é", "c0/etc/a"), "é")))
    assert text == (
        '{"lwlint baseline": 1}\n'
        '{"code": "LW301", "path": "etc/a", "subject": "option retries", "context": "4a99557e4033", "message": "c0/etc/a: is wrong at 0"}\n'
        '{"code": "LW301", "path": "etc/nova/nova.conf", "subject": "option retries", "context": "4e07408562be",'
        ' "message": "c0/etc/nova/nova.conf: is wrong at 2"}\n'
        '{"code": "LW301", "path": "etc/nova/nova.conf", "subject": "option retries", "context": "4e07408562be",'
        ' "message": "c1/etc/nova/nova.conf: is wrong at 2"}\n'
    )


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("# a comment\n\n[DEFAULT]\nx = y\n[database]\nmax_retries = 3\n", "3"),
        ("[database]\r\nmax_retries:'3' \r\n", "'3' "),
    ],
)
def test_a_finding_is_known_when_lines_move_and_the_layout_changes(text: str, piece: str) -> None:
    assert compared(report((conf(text), piece)), OLD) == "0 new, 1 known, 0 gone"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<primitive id="a" class="ocf"', "<primitive\n  class='ocf'\n  id='a'"),
        ("{a: OS::x, b: -1}", "\n  a: 'OS::x'\n  b: \"-1\"\n"),
        ("[a, b]", "- b\n- a"),
        ("mysql://u:secret@db/nova", "mysql://u:rotated@db/nova"),
    ],
)
def test_what_is_written_is_compared_by_its_words(before: str, after: str) -> None:
    assert compared(report((conf(after), after)), report((conf(before), before))) == "0 new, 1 known, 0 gone"


def test_a_finding_is_known_when_its_host_has_another_name() -> None:
    renamed = conf("[database]\nmax_retries = 3\n", "deep/er/ctl/etc/nova/nova.conf", "deep/er/ctl/")
    assert compared(report((renamed, "3")), OLD) == "0 new, 1 known, 0 gone"


def test_the_same_on_one_more_host_is_new() -> None:
    second = conf("[database]\nmax_retries = 3\n", "c1/etc/nova/nova.conf", "c1/")
    assert compared(report((conf("[database]\nmax_retries = 3\n"), "3"), (second, "3")), OLD) == "1 new, 1 known, 0 gone"


def test_another_value_another_fact_another_file_are_new() -> None:
    same = "[database]\nmax_retries = 3\n"
    assert [
        compared(report((conf("[database]\nmax_retries = 4\n"), "4")), OLD),
        compared(report((conf(same), "3"), subject="option other"), OLD),
        compared(report((conf(same, "c0/etc/nova/other.conf"), "3"), (conf("", "c0/etc/nova/nova.conf"), "")), OLD),
    ] == ["1 new, 0 known, 1 gone", "1 new, 0 known, 1 gone", "2 new, 0 known, 1 gone"]


def test_a_template_is_known_by_its_whole_path() -> None:
    one, two = (Source(f"{folder}/services/nova.yaml", "x: 3", "heat", root=f"{folder}/services/") for folder in ("docker", "puppet"))
    old = report((one, "3"))
    both = report((two, "3"))
    looked = replace(both, sources={one.path: one, two.path: two})
    assert compared(looked, old) == "1 new, 0 known, 1 gone"


def test_a_file_that_moved_keeps_its_findings() -> None:
    old = report((Source("puppet/services/nova.yaml", "x: 3", "heat"), "3"))
    assert compared(report((Source("deployment/nova/nova.yaml", "x: 3", "heat"), "3")), old) == "0 new, 1 known, 0 gone"


def test_a_finding_of_a_long_piece_is_known_by_its_fact_alone() -> None:
    long, longer = (" ".join(f"word{i}" for i in range(n)) for n in (41, 50))
    assert compared(report((conf(longer), longer)), report((conf(long), long))) == "0 new, 1 known, 0 gone"


def test_what_is_repaired_is_gone() -> None:
    clean = replace(OLD, findings=(), verdicts=(Verdict("finite", "LW301", PASS),))
    assert compared(clean, OLD) == "0 new, 0 known, 1 gone"


def test_what_was_not_read_or_not_evaluated_is_not_gone() -> None:
    unread = replace(OLD, findings=(), sources={})
    blind = replace(OLD, findings=(), verdicts=(Verdict("finite", "LW301", NOT_EVALUATED, "no file"),))
    unselected = replace(OLD, findings=(), verdicts=())
    assert [compared(now, OLD) for now in (unread, blind, unselected)] == ["0 new, 0 known, 0 gone, 1 not looked at"] * 3


def left_of(paths: Sequence[str], files: dict[str, str], *read: Source) -> tuple[list[str], list[str]]:
    """What is gone, and what was not looked at, of two hosts' files and two templates when `files` are there and `read` was read."""
    there = (conf("a 3"), conf("b 3", "c0/etc/x.conf"), Source("t/a.yaml", "c 3", "heat"), Source("t/u/b.yaml", "d 3", "heat"))
    old = baseline.read(baseline.record(report(*((source, "3") for source in there))), "b")
    now = Report((), (Verdict("finite", "LW301", PASS),), {source.path: source for source in read})
    result = baseline.compare(now, old, absent=baseline.absent(now, paths, Memory(files)))
    return [entry.path for entry in result.gone], [entry.path for entry in result.unseen]


def test_what_was_found_in_a_file_that_is_no_more_is_gone_if_the_run_would_have_met_it() -> None:
    x, nova, a, b = "etc/x.conf", "etc/nova/nova.conf", "t/a.yaml", "t/u/b.yaml"
    read = (conf("a"), Source(a, "c", "heat"))
    files = {source.path: "" for source in read}
    assert left_of(["."], files, *read) == ([nova, x, a, b], [])
    assert left_of(["."], {**files, "c0/etc/x.conf": "", b: ""}, *read) == ([nova, a], [x, b])  # they are there, and were left out
    assert left_of(["t"], files, *read) == ([nova, a, b], [x])
    assert left_of(["c0/etc/", "t"], files, *read) == ([nova, x, a, b], [])
    assert left_of(["c0/etc/nova/nova.conf"], files, *read) == ([nova, a], [x, b])
    assert left_of(["."], {"y/z.yaml": ""}, Source("y/z.yaml", "", "heat")) == ([], [nova, x, a, b])  # begun in another folder


def test_of_several_hosts_one_that_has_the_file_is_enough() -> None:
    read = (conf("a"), conf("b", "c1/etc/nova/nova.conf", "c1/"))
    files = {**{source.path: "" for source in read}, "c1/etc/x.conf": ""}
    assert left_of(["."], files, *read)[0] == ["etc/nova/nova.conf", "t/a.yaml", "t/u/b.yaml"]


def test_an_allowed_finding_is_neither_recorded_nor_new() -> None:
    allowed = report((conf("[database]\nmax_retries = 3\n"), "3"), allowed="because")
    assert baseline.record(allowed) == '{"lwlint baseline": 1}\n'
    assert compared(allowed, OLD) == "0 new, 0 known, 1 gone"


def test_a_known_finding_stays_in_the_report_with_the_baseline_as_its_reason() -> None:
    now = report((conf("a 3 b 4"), "3"), (conf("a 3 b 4"), "4"))
    result = baseline.compare(now, baseline.read(baseline.record(OLD), "b"))
    assert [f.allowed for f in baseline.mark_known(now, result).findings] == ["recorded in the baseline", None]


def test_pruning_takes_away_what_is_gone_and_adds_nothing() -> None:
    source = conf("a 3 b 4 c 5")
    old = baseline.read(baseline.record(report((source, "3"), (source, "3"), (source, "4"))), "b")
    result = baseline.compare(report((source, "3"), (source, "5")), old)
    assert baseline.summarize(result) == "1 new, 1 known, 2 gone"
    assert baseline.prune(old, result) == baseline.record(report((source, "3")))


def test_no_password_is_recorded() -> None:
    source = conf("mysql://u:secret@db/nova")
    old = report((source, source.text))
    old = replace(old, findings=(replace(old.findings[0], message=f"`{source.text}` is wrong"),))
    assert "`mysql://db/nova` is wrong" in baseline.record(old)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "b.json:1:1: not JSON"),
        ("[]\n", "b.json:1:1: must be a JSON object"),
        ('{"lwlint baseline": 2}\n', 'b.json:1:1: no baseline of lwlint: begins with `{"lwlint baseline": 1}`'),
        ('{"lwlint baseline": 1}\n<<<<<<< HEAD\n', "b.json:2:1: not JSON (a merge that is not finished)"),
        ('{"lwlint baseline": 1}\n\n{"code": x}\n', "b.json:3:10: not JSON"),
        ('{"lwlint baseline": 1}\n{"code": "x", "pth": "y"}\n', "b.json:2:15: `pth`: unknown key; did you mean `path`?"),
        ('{"lwlint baseline": 1}\n{"code": "x"}\n', "b.json:2:1: `path` is missing"),
        ('{"lwlint baseline": 1}\n{"code": 1, "path": "", "subject": "", "context": ""}\n', "b.json:2:2: `1`: must be text (quote it)"),
    ],
)
def test_what_is_no_baseline_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        baseline.read(text, "b.json")
    assert str(caught.value).replace("Expecting property name enclosed in double quotes", "not JSON") == said


ENTRIES = st.lists(st.builds(Known, *([st.text()] * 5)), max_size=5)


@given(ENTRIES, st.randoms())
def test_writing_and_reading_keep_every_entry_in_one_order(entries: Sequence[Known], shuffler: object) -> None:
    text = baseline.write(entries)
    mixed = list(entries)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert (baseline.read(text, "b"), baseline.write(mixed)) == (tuple(sorted(entries)), text)
    assert len(text.split("\n")) == len(entries) + 2


@given(st.lists(st.sampled_from("345"), max_size=6), st.lists(st.sampled_from("345"), max_size=6))
def test_every_finding_is_new_or_known_and_every_entry_is_known_or_gone(before: list[str], after: list[str]) -> None:
    source = conf("3 4 5")
    old = baseline.read(baseline.record(report(*((source, piece) for piece in before))), "b")
    now = replace(report(*((source, piece) for piece in after)), sources={source.path: source})
    result = baseline.compare(now, old)
    assert isinstance(result, Comparison)
    assert (len(result.new) + len(result.known), len(result.known) + len(result.gone)) == (len(after), len(before))
    assert sorted(f.span for f in (*result.new, *result.known)) == sorted(f.span for f in now.findings)
