"""The specification as clauses: its page, and that every clause is served."""

from __future__ import annotations

from collections.abc import Sequence

from lwlint.policy.rules import Clause, Example, Rule, load_clauses
from lwlint.report.explain import inputs_of, spec_page
from lwlint.run import load_rules

RULE = Rule(
    id="vip-without-haproxy",
    code="LW103",
    title="Virtual IP that HAProxy does not hold",
    severity="error",
    clause="vip-with-haproxy",
    why="",
    remedy="",
    check="",
    examples=(Example({"cib.xml": "<cib/>", "a.yaml": "resources: {}\n"}, bad="x", finds=("cib.xml:1:1 y",)),),
)
CLAUSES = (
    Clause(
        "vip-with-haproxy", "A virtual IP follows HAProxy", "It does.", "Alternatives", inputs={"cib": "By colocation."}, differs="Never."
    ),
    Clause("upgrade-path", "There is a way", "There is.", "Overview", "should", served_by="`lwlint plan`"),
)


def uncovered(clauses: Sequence[Clause], rules: Sequence[Rule]) -> list[str]:
    """Return the ids of the clauses that no rule serves and that do not say what will."""
    served = {rule.clause for rule in rules}
    return [clause.id for clause in clauses if clause.id not in served and not clause.served_by]


def test_every_clause_has_a_rule_or_says_what_serves_it() -> None:
    assert uncovered(load_clauses(), load_rules()) == []


def test_every_rule_serves_a_clause_that_there_is() -> None:
    known = {clause.id for clause in load_clauses()}
    assert [rule.id for rule in load_rules() if rule.clause not in known] == []


def test_a_clause_that_nothing_serves_is_named() -> None:
    assert uncovered((*CLAUSES, Clause("x", "X", "X.")), [RULE]) == ["x"]


def test_the_inputs_of_a_rule_are_those_where_its_examples_have_defects() -> None:
    assert inputs_of(RULE) == ["Pacemaker CIB"]


def test_the_page_has_a_table_and_a_section_for_each_clause() -> None:
    page = spec_page(CLAUSES, [RULE])
    assert page[page.index("| clause") : page.index("\n<!--")] == (
        "| clause | rules | kinds of input |\n"
        "|---|---|---|\n"
        "| [vip-with-haproxy](#vip-with-haproxy) | [LW103](rules/vip-without-haproxy.md) | Pacemaker CIB |\n"
        "| [upgrade-path](#upgrade-path) | served by `lwlint plan` | - |\n"
        "\n"
        '<a id="vip-with-haproxy"></a>\n'
        "## A virtual IP follows HAProxy\n"
        "\n"
        "`vip-with-haproxy` (must), from *Alternatives*\n"
        "\n"
        "It does.\n"
        "\n"
        "- **Pacemaker CIB**: By colocation.\n"
        "\n"
        "*By release.* Never.\n"
        "\n"
        "Served by: [LW103](rules/vip-without-haproxy.md)\n"
        "\n"
        '<a id="upgrade-path"></a>\n'
        "## There is a way\n"
        "\n"
        "`upgrade-path` (should), from *Overview*\n"
        "\n"
        "There is.\n"
        "\n"
        "Served by: `lwlint plan`\n"
    )
