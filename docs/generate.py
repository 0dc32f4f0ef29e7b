"""Write what is generated in `docs/`; run it after a change of rules, of the house, or of what the command prints.

Generated are the pages of the specification and of each rule, the schemas of the configuration and of what is printed as JSON, the
pictures that are text, the table of the house, and in every page and the README what the commands in its
`console` blocks print: each line after `$ ` is run by bash in the project's folder, and what follows it is replaced by its output.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from lwlint.audit.fleet.tables import TABLES, columns
from lwlint.policy.rules import load_claims, load_clauses, load_observed
from lwlint.report.audit import AuditOutput
from lwlint.report.explain import claim_lines, page_of, rule_page, rules_page, spec_page, write_observed_page
from lwlint.report.json import ReportOutput, schema, schema_of
from lwlint.report.plan import PlanOutput, TemplatesPlanOutput
from lwlint.run import load_catalogue, load_rules

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.M | re.S)
_COLUMNS = re.compile(r"(?<=<!-- columns -->\n).*?(?=<!-- end of columns -->)", re.S)
_ROOMS = re.compile(r"(?<=<!-- rooms -->\n).*?(?=<!-- end of rooms -->)", re.S)


def pages() -> dict[str, str]:
    """Return the text of each generated file by its name below `docs/`."""
    rules, clauses, claims, observed = load_rules(), load_clauses(), load_claims(), load_observed()
    made = {
        "rules.md": rules_page(rules),
        "spec.md": spec_page(clauses, rules),
        "observed.md": write_observed_page(load_catalogue().services, observed, claims),
        "architecture.svg": picture(),
        "check.svg": terminal(SHOWN),
        "graph.svg": printed("lwlint graph fixtures/full-pacemaker"),
    }
    schemas = {
        "config.schema.json": schema(),
        "report.schema.json": schema_of(ReportOutput, "Report of `lwlint check --format json`"),
        "audit.schema.json": schema_of(AuditOutput, "Answer of `lwlint audit --format json`"),
        "plan.schema.json": schema_of(PlanOutput, "Plan of `lwlint plan --format json`"),
        "plan-templates.schema.json": schema_of(TemplatesPlanOutput, "Plan of `lwlint plan --templates --format json`"),
    }
    return {**made, **schemas, **{page_of(rule): rule_page(rule, clauses, claim_lines(claims, observed, rule.code)) for rule in rules}}


def written() -> dict[str, str]:
    """Return the pages that people write, with what is generated in them as it must be today."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        _put_lwlint(folder)
        for path in (*sorted(HERE.rglob("*.md")), PROJECT / "README.md"):
            name, text = Path(os.path.relpath(path, HERE)).as_posix(), path.read_text("utf-8")
            if "```console\n" in text or "<!-- rooms -->" in text or "<!-- columns -->" in text:
                ran = _BLOCK.sub(lambda block: "".join(run(block[0], folder)), text)
                ran = _COLUMNS.sub(lambda _: "".join(columns_of_tables()), ran)
                found[name] = _ROOMS.sub(lambda _: "".join(rooms()), ran)
    return found


def run(block: str, folder: str) -> Iterator[str]:
    """Yield the lines of a `console` block: each command, and what it prints now."""
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "COLUMNS": "120", "PYTHONPATH": str(PROJECT)}
    for line in block.splitlines():
        if line.startswith("$ "):
            done = subprocess.run(
                ["bash", "-c", line[2:]], cwd=PROJECT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            yield f"{line}\n{done.stdout}"


SHOWN = "lwlint check fixtures/newton --select LW202,LW301 --limit 2"
_COLOURS = (
    (re.compile(r"^\$ .*"), "#9ece6a"),
    (re.compile(r"^\S.*\(newton\)$"), "#ffffff"),
    (re.compile(r"\b(error|warning|note)\b(?= LW)"), "#f7768e"),
    (re.compile(r"LW\d{3}(?: [a-z-]+)?"), "#7dcfff"),
    (re.compile(r"\^{2,}"), "#f7768e"),
)


def printed(command: str) -> str:
    """Return what a command prints today."""
    with tempfile.TemporaryDirectory() as folder:
        _put_lwlint(folder)
        return "".join(run(f"$ {command}", folder)).partition("\n")[2]


def _put_lwlint(folder: str) -> None:
    program = Path(folder, "lwlint")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m lwlint "$@"\n')
    program.chmod(0o755)


def terminal(command: str) -> str:
    """Return what a command prints today as a picture of a terminal (SVG), its longest lines cut."""
    lines_of = f"$ {command}\n{printed(command)}".splitlines()
    rows = [line if len(line) <= 118 else f"{line[:115]}..." for line in lines_of]
    width, height = 960, 20 * len(rows) + 52
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="monospace" font-size="13">',
        f"<title>{escape(command)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#1a1b26"/>',
        *(f'<circle cx="{x}" cy="16" r="6" fill="{fill}"/>' for x, fill in ((20, "#f7768e"), (40, "#e0af68"), (60, "#9ece6a"))),
    ]
    for i, row in enumerate(rows):
        marks = sorted((m.start(), m.end(), colour) for pattern, colour in _COLOURS for m in pattern.finditer(row))
        pieces, at = [], 0
        for start, end, colour in marks:
            if start >= at:
                pieces.append(escape(row[at:start]) + f'<tspan fill="{colour}">{escape(row[start:end])}</tspan>')
                at = end
        text = "".join(pieces) + escape(row[at:])
        lines.append(f'<text x="16" y="{50 + 20 * i}" fill="#c0caf5" xml:space="preserve">{text}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def floors() -> tuple[str, ...]:
    """Return the rooms of the house, lowest first, as the test that guards their order has them."""
    tree = ast.parse((PROJECT / "tests/test_house.py").read_text("utf-8"))
    value = next(node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLOORS")
    return tuple(ast.literal_eval(value))


def rooms() -> Iterator[str]:
    """Yield the table of all rooms, highest floor first: what each says of itself."""
    yield "| room | what it is |\n|---|---|\n"
    for name in reversed(floors()):
        yield f"| `{name}` | {_said(name)} |\n"
        for inner in _inner(name):
            yield f"| `{name}/{inner}` | {_said(f'{name}/{inner}')} |\n"


def columns_of_tables() -> Iterator[str]:
    """Yield the columns of each table of a fleet's store, as the Structs have them."""
    for name, kind in TABLES.items():
        yield f"### `{name}`\n\n{(kind.__doc__ or '').strip()}\n\n| column | type | what it is |\n|---|---|---|\n"
        for column, own, nullable, said in columns(kind):
            word = {str: "text", int: "integer", bool: "boolean"}.get(own, "list of text")
            yield f"| `{column}` | {word}{', or null' if nullable else ''} | {said} |\n"
        yield "\n"


def _inner(name: str) -> list[str]:
    return sorted(path.parent.name for path in (PROJECT / "lwlint" / name).glob("*/__init__.py"))


def _said(name: str) -> str:
    text = (PROJECT / "lwlint" / name / "__init__.py").read_text("utf-8")
    said = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
    return " ".join(said.split())


def picture() -> str:
    """Return the house as SVG: a floor for each room, with what it is beside its name, and the packages inside it."""
    rows = list(reversed(floors()))
    width, height = 1000, 58 * len(rows) + 20
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">']
    lines.append("<title>The floors of lwlint: a room imports only from the floors below it</title>")
    for i, name in enumerate(rows):
        y, inner = 10 + 58 * i, " · ".join(_inner(name))
        said = _said(name)
        lines.append(
            f'<g><rect x="10" y="{y}" width="{width - 20}" height="48" rx="4" fill="#e8eef6" stroke="#4a6785"/>'
            f'<text x="24" y="{y + 29}" font-size="16" font-weight="bold">{escape(name)}</text>'
            f'<text x="120" y="{y + (21 if inner else 29)}">{escape(said)}</text>'
            + (f'<text x="120" y="{y + 39}" font-size="12" fill="#4a6785">{escape(inner)}</text>' if inner else "")
            + "</g>"
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def stale() -> list[str]:
    """Return the names of the pages of rules that there are no more."""
    made = pages()
    return [name for path in HERE.glob("rules/*.md") if (name := path.relative_to(HERE).as_posix()) not in made]


if __name__ == "__main__":
    for name in stale():
        (HERE / name).unlink()
    for make in (pages, written):  # what commands print may depend on the pages
        for name, text in make().items():
            (HERE / name).parent.mkdir(exist_ok=True)
            (HERE / name).write_text(text, "utf-8")
