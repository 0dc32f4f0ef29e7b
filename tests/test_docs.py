"""The pages of `docs/` are those that the rules and the command give today, and make a site without a broken link."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from lwlint.cli.arguments import parser
from lwlint.policy.rules import load_folder, unique
from lwlint.run import load_rules
from tests.shared import HERE


@pytest.fixture(scope="module")
def generate() -> dict[str, Any]:
    return runpy.run_path(str(HERE / "docs" / "generate.py"))


@pytest.mark.parametrize("part", ["pages", "written"])
def test_what_is_generated_is_current(part: str, generate: dict[str, Any]) -> None:
    pages = generate[part]()
    stale = [name for name, text in pages.items() if not (path := HERE / "docs" / name).exists() or path.read_text("utf-8") != text]
    assert (stale, generate["stale"]()) == ([], []), "run `python docs/generate.py`"


def test_a_new_rule_changes_its_own_page_and_adds_to_the_lists_of_rules(
    generate: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["new-rule", "slow-node", str(tmp_path), "--area", "pacemaker"]) == 0
    new, every, pages = load_folder(tmp_path, "rules"), load_rules(), generate["pages"]
    before = pages()
    monkeypatch.setitem(pages.__globals__, "load_rules", lambda: unique([*every, *new]))
    changed = {name: text for name, text in pages().items() if before.get(name) != text}
    assert set(changed) == {"rules/slow-node.md", "rules.md", "spec.md"}
    for name in ("rules.md", "spec.md"):
        lost = set(before[name].splitlines()) - set(changed[name].splitlines())
        gained = [line for line in changed[name].splitlines() if line not in before[name].splitlines()]
        assert gained
        assert all("slow-node" in line for line in gained)
        assert [line for line in lost if new[0].clause not in line and not line.startswith("Served by: ")] == []


def test_no_command_in_the_pages_fails_by_a_defect(generate: dict[str, Any]) -> None:
    texts = [path.read_text("utf-8") for path in sorted((HERE / "docs").rglob("*.md"))]
    assert [text for text in texts if re.search("Traceback|a defect of lwlint: |unrecognized arguments|command not found", text)] == []


def test_every_command_that_the_pages_name_takes_these_arguments() -> None:
    pages = [HERE / "README.md", HERE / "CONTRIBUTING.md", *sorted((HERE / "docs").rglob("*.md"))]
    said = {line for page in pages for line in re.findall(r"^(?:    |\$ )(lwlint (?!test -)[a-z].*)$", page.read_text("utf-8"), re.M)}
    wrong = []
    for line in sorted(said):
        words = re.split(r"\s{2,}|;\s|\s[#|>]", line)[0]
        arguments = [re.sub(r"[\[\]\"]|\.\.\.", "", word) for word in words.split()[1:]]
        try:
            parser().parse_args([word for word in arguments if word])
        except SystemExit:
            wrong.append(line)
    assert (wrong, len(said) > 15) == ([], True)


def test_the_readme_and_the_guide_link_to_files_that_are_there() -> None:
    texts = [(HERE / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md")]
    links = [link for text in texts for link in re.findall(r"\]\(([^)#:]+)[)#]", text)]
    assert ([link for link in links if not (HERE / link).exists()], links != []) == ([], True)


def test_the_site_builds_strictly_with_every_link_checked(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="MKDOCS IS MISSING: the site is not built (install the extra `docs`)")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", str(HERE / "mkdocs.yml"), "-d", str(tmp_path)]
    done = subprocess.run(command, text=True, capture_output=True, cwd=tmp_path)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("WARNING", "ERROR", "INFO")) or "bort" in line]
    assert (done.returncode, said) == (0, [])
    page = (tmp_path / "rules/vip-without-haproxy/index.html").read_text("utf-8")
    assert "LW103 vip-without-haproxy" in page
    assert re.findall(r'(?:src|href)="(https?:)?//(?!blueprints|pre-commit)[^"]*\.(?:js|css|woff2?)', page) == []


def test_the_site_has_every_page_in_its_nav_or_says_which_it_leaves_out() -> None:
    nav = re.findall(r"[\w-]+\.md", (HERE / "mkdocs.yml").read_text("utf-8"))
    assert [path.name for path in sorted((HERE / "docs").glob("*.md")) if path.name not in nav] == []
