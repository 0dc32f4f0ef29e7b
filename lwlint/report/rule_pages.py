"""The pages of rules and clauses, for a terminal (`lwlint explain`) and for the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lwlint.core.harmless import counted
from lwlint.core.kind import Kind
from lwlint.inputs import KINDS
from lwlint.policy.rules import Clause, Example, Rule
from lwlint.report.explain import parameter_table, parameters, wrapped

_LANGUAGES = ("ini", "json", "puppet", "xml", "yaml")  # those that the site colours


def explain_rule(rule: Rule, clauses: Sequence[Clause], claims: Sequence[str] = (), *, examples: bool = False) -> str:
    """Return what is to be known of one rule, with one example of what is bad and what to use instead; or with all `examples`.

    `claims` are what it says of programs, each with what that stands on.
    """
    shown = list(rule.examples) if examples else list(pair(rule))
    parts = [f"{rule.code} {rule.id} ({rule.severity})", rule.title, ""]
    if examples:
        return "\n".join([*parts, *(line for one in shown for line in _example(one, "Good" if one.good else "Bad"))]).rstrip() + "\n"
    parts += [*wrapped(f"Why: {rule.why}"), ""]
    for one in shown:
        parts += _example(one, "Use instead" if one.good else "Bad")
    parts += [*wrapped(f"Remedy: {rule.remedy}"), ""]
    clause = next((c for c in clauses if c.id == rule.clause), None)
    if clause is not None:
        parts += [*wrapped(f"Clause {clause.id}: {clause.requirement}"), ""]
    if claims:
        parts += ["What it says of programs", *(line for claim in claims for line in wrapped(claim, "  ")), ""]
    names = [p.name for p in parameters(rule.bound.params) if not re.search(r"[\[.]", p.name)]
    if names:
        parts += [*wrapped(f"Parameters: {', '.join(names)}. `lwlint explain {rule.code} --params` tells of each."), ""]
    parts += [*wrapped(f"To allow it: {allowing(rule)}"), ""]
    rest = len(rule.examples) - len(shown)
    if rest:
        parts += [f"{counted(rest, 'more example')}: `lwlint explain {rule.code} --examples`"]
    return "\n".join(parts).rstrip() + "\n"


def pair(rule: Rule) -> Iterator[Example]:
    """Yield the first example of what is bad, and the first of what to use instead; its author puts them there to be shown."""
    for good in (False, True):
        yield from [example for example in rule.examples if bool(example.good) is good][:1]


def allowing(rule: Rule) -> str:
    """Return how a finding of the rule is put up with: by a comment, where files of that kind may have one, or by the configuration."""
    command = f'`lwlint allow {rule.code} PATH --because "..."`'
    kind = next(_kinds(rule), None)
    if kind is None or kind.comments is None:
        return f"{command} writes that into the configuration, with the reason."
    if kind.comments.marks.startswith("<"):
        comment = f"<!-- lwlint: allow {rule.code} because ... -->"
    else:
        comment = f"{kind.comments.marks[0]} lwlint: allow {rule.code} -- because ..."
    where = "on its line or the line above it" if kind.comments.inline else "on the line above it"
    return f"`{comment}` {where}, or {command} for the configuration. The reason is shown in every report."


def _kinds(rule: Rule) -> Iterator[Kind]:
    """Yield the kinds of input in which the bad examples of a rule have their defects."""
    for example in rule.examples:
        for place in example.finds:
            path = place.split(":")[0]
            content = example.files.get(path, "")
            kind, _ = KINDS.of(path, content if isinstance(content, str) else "", named=True)
            found = KINDS.printed(path) or kind
            if found is not None:
                yield found


def _example(example: Example, head: str) -> list[str]:
    lines = [f"{head}: {example.title}{''.join(f' ({remark})' for remark in _remarks(example))}"]
    for path, content in example.files.items():
        lines.append(f"  {path}")
        text = content if isinstance(content, str) else f"(link to {content['link']})"
        lines += [f"    {line}" for line in text.splitlines()]
    lines += [f"  finds {line}" for line in example.finds]
    return [*lines, ""]


def _remarks(example: Example) -> Iterator[str]:
    if example.release:
        yield f"release {example.release}"
    if example.environments:
        yield f"given with `-e`, in this order: {', '.join(example.environments)}"


def rules_page(rules: Sequence[Rule]) -> str:
    """Return `docs/rules.md`: a line for every rule, with its page."""
    parts = [
        "# Rules",
        "",
        "What lwlint judges. Each rule has a page; `lwlint explain RULE` prints what that begins with, and `lwlint rules` prints this",
        "list. The first digit of a code is the area: 1 Pacemaker, 2 systemd, 3 retries, 4 Heat and Puppet, 5 hosts and clusters",
        "(which an audit alone knows), 9 the input itself.",
        "",
        "| code | rule | what it finds | severity | clause |",
        "|---|---|---|---|---|",
    ]
    parts += [f"| {r.code} | [{r.id}]({page_of(r)}) | {r.title} | {r.severity} | [{r.clause}](spec.md#{r.clause}) |" for r in rules]
    return _page(parts, "rules/")


def _page(parts: Sequence[str], source: str) -> str:
    """Return a page, which says at its end, to its editors only, what it was made from."""
    return "\n".join([*parts, "", f"<!-- Generated from `{source}` by `docs/generate.py`; do not edit. -->"]) + "\n"


def page_of(rule: Rule) -> str:
    """Return where the page of a rule lies, from `docs/`."""
    return f"rules/{rule.id}.md"


def rule_page(rule: Rule, clauses: Sequence[Clause], claims: Sequence[str] = ()) -> str:
    """Return the page of one rule: what is bad, what to use instead, why, what to do, how to allow it, and all other examples."""
    shown = list(pair(rule))
    parts = [f"# {rule.code} {rule.id}", "", f"**{rule.title}** ({rule.severity})"]
    for one in shown:
        parts += ["", f"## {'Use instead' if one.good else 'Bad'}", "", f"{one.title[:1].upper()}{one.title[1:]}:", *_files(one)]
    parts += ["", "## Why", "", rule.why.strip()]
    clause = next((c for c in clauses if c.id == rule.clause), None)
    if clause is not None:
        parts += ["", f"Clause [{clause.id}](../spec.md#{clause.id}): {clause.requirement.strip()}"]
    parts += ["", "## What to do", "", rule.remedy.strip(), "", "## To allow it", "", f"{allowing(rule)} [Exceptions](../exceptions.md)"]
    if claims:
        parts += ["", "## What it says of programs", "", *(f"- {claim}" for claim in claims), "", "[What was observed](../observed.md)"]
    found = parameter_table(rule.bound.params)
    if found:
        said = f"of the check `{rule.check}`; `rules: {{{rule.code}: {{params: ...}}}}` of a configuration sets them."
        parts += ["", "## Parameters", "", f"These are the parameters {said}", "", *found]
    rest = [one for one in rule.examples if one not in shown]
    if rest:
        parts += ["", "## More examples"]
    for one in rest:
        parts += ["", f"### {'Good' if one.good else 'Bad'}: {one.title}", *_files(one)]
    return _page(parts, "rules/")


def _files(example: Example) -> Iterator[str]:
    """Yield an example's files in Markdown, and what is found in them."""
    if example.release:
        yield from ("", f"Release: {example.release}")
    if example.environments:
        yield from ("", "Given with `-e`, in this order: " + ", ".join(f"`{path}`" for path in example.environments))
    for path, content in example.files.items():
        text = content if isinstance(content, str) else f"(link to {content['link']})"
        kind = (KINDS.printed(path) or KINDS.of(path, text, named=True)[0]) if isinstance(content, str) else None
        language = kind.language if kind is not None and kind.language in _LANGUAGES else "text"
        yield from ("", f"`{path}`", "", *_fenced(text, language))
    if example.finds:
        yield from ("", "lwlint finds", "", *_fenced("\n".join(example.finds)))


def _fenced(text: str, language: str = "text") -> Iterable[str]:
    fence = "````" if "```" in text else "```"
    return [f"{fence}{language}", *text.rstrip("\n").split("\n"), fence]


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
    return _page(parts, "rules/clauses.yaml")


def uncovered(clauses: Sequence[Clause], rules: Sequence[Rule]) -> list[str]:
    """Return the ids of the clauses that no rule serves and that do not say what will."""
    served = {rule.clause for rule in rules}
    return [clause.id for clause in clauses if clause.id not in served and not clause.served_by]


def inputs_of(rule: Rule) -> list[str]:
    """Return the kinds of input in which the bad examples of a rule have their defects, as a reader calls them."""
    seen = {kind.stands_for or kind.name for kind in _kinds(rule)}
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
