"""The page of the specification: every clause in our words, and which rules serve it on which input."""

from __future__ import annotations

from collections.abc import Sequence

from lwlint.inputs import KINDS
from lwlint.policy.rules import Clause, Rule
from lwlint.report.explain import page_of

UPSTREAM = "https://blueprints.launchpad.net/tripleo/+spec/pacemaker-lightweight-architecture"
# The names in `inputs` of a clause, which are those of the kinds of source, and what a reader calls them, in the order of the page.
_INPUTS = tuple((kind.name, kind.title) for kind in sorted(KINDS, key=lambda kind: kind.printed) if not kind.stands_for)


def spec_page(clauses: Sequence[Clause], rules: Sequence[Rule]) -> str:
    """Return `docs/spec.md` as text.

    The rules must have been loaded with their examples: the kinds of input that a rule serves are those of its bad ones.
    """
    parts = [
        "# The specification, as clauses",
        "",
        "Generated from `rules/clauses.yaml` and the rules by `docs/generate.py`; do not edit.",
        "",
        f"The TripleO specification *[Pacemaker Lightweight Architecture]({UPSTREAM})*, told in our own words.",
        "Each clause names the section that it stands on, says what it means for each kind of input, and from which",
        "release a practice differs.",
        "",
        "## Coverage",
        "",
        "| clause | rules | kinds of input |",
        "|---|---|---|",
    ]
    parts += [_row(clause, [rule for rule in rules if rule.clause == clause.id]) for clause in clauses]
    for clause in clauses:
        parts += ["", *_section(clause, [rule for rule in rules if rule.clause == clause.id])]
    return "\n".join(parts) + "\n"


def uncovered(clauses: Sequence[Clause], rules: Sequence[Rule]) -> list[str]:
    """Return the ids of the clauses that no rule serves and that do not say what will."""
    served = {rule.clause for rule in rules}
    return [clause.id for clause in clauses if clause.id not in served and not clause.served_by]


def inputs_of(rule: Rule) -> list[str]:
    """Return the kinds of input in which the bad examples of a rule have their defects, as a reader calls them."""
    seen = set()
    for example in rule.examples:
        for place in example.finds:
            path = place.split(":")[0]
            content = example.files.get(path, "")
            kind, _ = KINDS.of(path, content if isinstance(content, str) else "", named=True)
            found = KINDS.printed(path) or kind
            seen.add(found and (found.stands_for or found.name))
    return [title for name, title in _INPUTS if name in seen]


def _row(clause: Clause, rules: Sequence[Rule]) -> str:
    named = ", ".join(_link(rule) for rule in rules) or (f"served by {clause.served_by}" if clause.served_by else "none")
    found = {words for rule in rules for words in inputs_of(rule)}
    inputs = ", ".join(words for _, words in _INPUTS if words in found) or "-"
    return f"| [{clause.id}](#{clause.id}) | {named} | {inputs} |"


def _section(clause: Clause, rules: Sequence[Rule]) -> list[str]:
    parts = [f'<a id="{clause.id}"></a>', f"## {clause.title}", ""]
    parts += [f"`{clause.id}` ({clause.level}), from *{clause.upstream}*", "", clause.requirement.strip()]
    named = [f"- **{words}**: {clause.inputs[name].strip()}" for name, words in _INPUTS if name in clause.inputs]
    if named:
        parts += ["", *named]
    if clause.differs:
        parts += ["", f"*By release.* {clause.differs.strip()}"]
    served = ", ".join(_link(rule) for rule in rules) or clause.served_by or "nothing yet"
    return [*parts, "", f"Served by: {served}"]


def _link(rule: Rule) -> str:
    return f"[{rule.code}]({page_of(rule)})"
