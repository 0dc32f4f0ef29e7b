"""Rules and clauses for a reader: the list, one explained, and the pages of the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from lwlint.report.json import dump
from lwlint.rules import Clause, Example, Rule


def rules_text(rules: Sequence[Rule]) -> str:
    """Return one line a rule: code, severity, id, title."""
    width = max(len(rule.id) for rule in rules)
    return "".join(f"{r.code}  {r.severity:7}  {r.id:{width}}  {r.title}\n" for r in rules)


def rules_json(rules: Sequence[Rule]) -> str:
    """Return the rules as a JSON array, without their examples; `params` are those in effect, as a configuration would write them."""
    keys = ("code", "id", "title", "severity", "clause", "why", "remedy", "check")
    return dump([{**{key: getattr(rule, key) for key in keys}, "params": rule.params or {}} for rule in rules])


def explain_rule(rule: Rule, clauses: Sequence[Clause]) -> str:
    """Return all that is to be known of one rule."""
    clause = next((c for c in clauses if c.id == rule.clause), None)
    parts = [f"{rule.code} {rule.id} ({rule.severity})", rule.title, ""]
    if clause is not None:
        parts += [*_wrap(f"Clause {clause.id}: {clause.requirement}"), ""]
    parts += [*_wrap(f"Why: {rule.why}"), "", *_wrap(f"Remedy: {rule.remedy}"), ""]
    for example in rule.examples:
        parts += _example(example)
    return "\n".join(parts).rstrip() + "\n"


def explain_clause(clause: Clause, rules: Sequence[Rule]) -> str:
    """Return one clause: the requirement, what it means for each kind of input, and the rules that serve it."""
    parts = [f"{clause.id} ({clause.level})", clause.title, "", *_wrap(clause.requirement)]
    if clause.upstream:
        parts.append(f"Upstream: {clause.upstream}")
    parts += [""] + [line for kind, meaning in clause.inputs.items() for line in _wrap(f"{kind}: {meaning}", "  ")]
    if clause.differs:
        parts += ["", *_wrap(f"Differs: {clause.differs}")]
    serving = [f"  {r.code}  {r.id}  {r.title}" for r in rules if r.clause == clause.id]
    parts += ["", "Rules:", *(serving or [f"  none yet; served by {clause.served_by}"])]
    return "\n".join(parts) + "\n"


def _wrap(text: str, indent: str = "") -> list[str]:
    lines = []
    for paragraph in text.strip().split("\n"):
        lines += textwrap.wrap(paragraph, 110, initial_indent=indent, subsequent_indent=indent) or [""]
    return lines


def _example(example: Example) -> list[str]:
    lines = [f"{'Good' if example.good else 'Bad'}: {example.title}"]
    for path, content in example.files.items():
        lines.append(f"  {path}")
        text = content if isinstance(content, str) else f"(link to {content['link']})"
        lines += [f"    {line}" for line in text.splitlines()]
    lines += [f"  finds {line}" for line in example.finds]
    return [*lines, ""]


def rules_page(rules: Sequence[Rule]) -> str:
    """Return `docs/rules.md`: a line for every rule, with its page."""
    parts = [
        "# Rules",
        "",
        "Generated from `rules/` by `docs/generate.py`; do not edit. `lwlint explain RULE` prints the same as a rule's page.",
        "",
        "| code | rule | what it finds | severity | clause |",
        "|---|---|---|---|---|",
    ]
    parts += [f"| {r.code} | [{r.id}]({page_of(r)}) | {r.title} | {r.severity} | [{r.clause}](spec.md#{r.clause}) |" for r in rules]
    return "\n".join(parts) + "\n"


def page_of(rule: Rule) -> str:
    """Return where the page of a rule lies, from `docs/`."""
    return f"rules/{rule.id}.md"


def rule_page(rule: Rule, clauses: Sequence[Clause]) -> str:
    """Return the page of one rule: what it finds, by which clause, why, the remedy, and its examples."""
    clause = next((c for c in clauses if c.id == rule.clause), None)
    parts = [f"# {rule.code} {rule.id}", "", f"**{rule.title}** ({rule.severity})", ""]
    if clause is not None:
        parts += [f"Clause [{clause.id}](../spec.md#{clause.id}): {clause.requirement.strip()}", ""]
    parts += ["## Why", "", rule.why.strip(), "", "## Remedy", "", rule.remedy.strip(), "", "## Examples"]
    for example in rule.examples:
        parts += ["", f"### {'Good' if example.good else 'Bad'}: {example.title}"]
        if example.release:
            parts += ["", f"Release: {example.release}"]
        if example.environments:
            parts += ["", "Given with `-e`, in this order: " + ", ".join(f"`{path}`" for path in example.environments)]
        for path, content in example.files.items():
            text = content if isinstance(content, str) else f"(link to {content['link']})"
            parts += ["", f"`{path}`", "", *_fenced(text)]
        if example.finds:
            parts += ["", "lwlint finds", "", *_fenced("\n".join(example.finds))]
    return "\n".join([*parts, "", "Generated from the rule's file by `docs/generate.py`; do not edit."]) + "\n"


def _fenced(text: str) -> list[str]:
    fence = "````" if "```" in text else "```"
    return [f"{fence}text", *text.rstrip("\n").split("\n"), fence]
