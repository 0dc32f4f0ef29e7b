"""Markdown: what a renderer shows is what the report says."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lwlint.report.ci import code, prose, render_markdown
from lwlint.report.fixes import one_line
from tests.report.report_sample import CLEAN, REPORT, RULES, TURNED, assert_golden


class _Words(HTMLParser):
    """The text of a page, with a line break where a row or an item ends."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.text += {"td": "\t", "br": "; "}.get(tag, "")

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(markdown: str) -> _Words:
    """What a reader of the rendered Markdown sees."""
    words = _Words()
    words.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))
    return words


def rows(markdown: str) -> Iterator[list[str]]:
    for line in shown(markdown).text.splitlines():
        if line.startswith("\t"):
            yield line[1:].split("\t")


def test_the_report_is_as_before() -> None:
    assert_golden(render_markdown(REPORT, RULES), "report.md")


def test_the_order_of_the_report_changes_nothing() -> None:
    assert render_markdown(TURNED, RULES[::-1]) == render_markdown(REPORT, RULES)


def test_a_renderer_shows_what_the_report_says_and_no_tag_of_its_text() -> None:
    page = shown(render_markdown(REPORT, RULES))
    lines = page.text.replace("\n\t", "\t").splitlines()
    assert [line.split("\t")[-1] for line in lines if line.startswith("\tcontroller-0/var")] == [
        "= over\ufffd[31m two lines, 100%: \ufffd and a lone ` tick",
        "növa-𝄞-api: a|b is <b>[x](y)</b>; it must be under *systemd* & _not_ here"
        "; env/größe, 100%: a|b.yaml:2:13 comes from OS::x | here; gone.yaml and from here",
    ]
    assert sorted(page.tags) == ["br", "code", "h1", "h2", "li", "p", "table", "tbody", "td", "th", "thead", "tr", "ul"]


@given(st.text())
def test_prose_is_shown_as_it_stands(text: str) -> None:
    page = shown(f"| a |\n|---|\n| x{prose(text)}x |")
    quoted = text.count("`") % 2 == 0
    expected = one_line(text).replace("`", "") if quoted and "``" not in text else None
    if expected is not None:
        assert page.text.split("\t")[1].strip() == f"x{expected}x"
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@given(st.text(min_size=1))
def test_code_is_shown_as_it_stands(text: str) -> None:
    page = shown(f"| a |\n|---|\n| x{code(text)}x |")
    assert page.text.split("\t")[1].strip() == f"x{one_line(text) or '``'}x"


def test_a_clean_run_is_one_line_under_the_title() -> None:
    assert render_markdown(CLEAN, RULES) == "# lwlint\n\n1 pass, 0 fail, 0 not evaluated, 0 allowed\n"
