"""Write the generated pages of `docs/`: rules.md and spec.md. Run it from the project's folder after a change of rules."""

from __future__ import annotations

from pathlib import Path

from lwlint.report.rules import rules_page
from lwlint.report.spec import spec_page
from lwlint.rules import load_clauses
from lwlint.run import load_rules

HERE = Path(__file__).resolve().parent


def pages() -> dict[str, str]:
    """Return the text of each generated page by its file name."""
    rules = load_rules()
    return {"rules.md": rules_page(rules), "spec.md": spec_page(load_clauses(), rules)}


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, "utf-8")
