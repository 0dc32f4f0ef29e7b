"""The pages of `docs/` are those that the rules and the command give today, and make a site without a broken link."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built strictly as from a clone with an origin."""
    pytest.importorskip("material", reason="MKDOCS IS MISSING: the site is not built (install the extra `docs`)")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", str(HERE / "mkdocs.yml"), "-d", str(folder)]
    environment = {**os.environ, "LWLINT_REPOSITORY": "https://git.example.org/lwlint"}
    done = subprocess.run(command, text=True, capture_output=True, cwd=folder, env=environment)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("WARNING", "ERROR", "INFO")) or "bort" in line]
    assert (done.returncode, said) == (0, [])
    return folder


def test_the_site_has_every_link_checked_and_loads_nothing_from_elsewhere(site: Path) -> None:
    page = (site / "rules/vip-without-haproxy/index.html").read_text("utf-8")
    assert "LW103 vip-without-haproxy" in page
    assert re.findall(r'(?:src|href)="(https?:)?//(?!blueprints|pre-commit)[^"]*\.(?:js|css|woff2?)', page) == []
    assert [page.index(f'id="{head}"') for head in ("bad", "use-instead", "why", "what-to-do", "to-allow-it")] == sorted(
        page.index(f'id="{head}"') for head in ("bad", "use-instead", "why", "what-to-do", "to-allow-it")
    )


def test_the_site_is_light_or_dark_has_a_search_and_links_to_its_repository(site: Path) -> None:
    page = (site / "index.html").read_text("utf-8")
    assert set(re.findall(r'data-md-color-scheme="(\w+)"', page)) >= {"default", "slate"}
    assert re.findall(r'href="(https://git.example.org/lwlint)"', page)
    found = json.loads((site / "search/search_index.json").read_text("utf-8"))["docs"]
    assert any("LW103" in one["title"] for one in found)


def test_the_table_of_rules_is_filtered_by_words_area_severity_and_clause(site: Path, browser: Any) -> None:
    browser.get((site / "rules/index.html").as_uri())
    shown = (
        "return [...document.querySelectorAll('.md-typeset tbody tr')].filter(r => r.checkVisibility()).map(r => r.cells[0].textContent)"
    )
    every = sorted(rule.code for rule in load_rules())
    assert browser.execute_script(shown) == every
    browser.find_element("css selector", ".rule-filters select[name=area] option[value=systemd]").click()
    assert browser.execute_script(shown) == [code for code in every if code.startswith("LW2")]
    browser.find_element("css selector", ".rule-filters select[name=severity] option[value=error]").click()
    errors = [rule.code for rule in load_rules() if rule.code.startswith("LW2") and rule.severity == "error"]
    assert browser.execute_script(shown) == sorted(errors)
    assert "severity=error" in browser.current_url
    browser.refresh()
    assert browser.execute_script(shown) == sorted(errors), "the choice stands in the address"
    browser.get((site / "rules/index.html").as_uri())
    browser.find_element("css selector", ".rule-filters input").send_keys("haproxy virtual")
    wanted = [
        rule.code for rule in load_rules() if "haproxy" in f"{rule.id} {rule.title}".lower() and "irtual" in f"{rule.title} {rule.clause}"
    ]
    assert set(browser.execute_script(shown)) >= set(wanted) > set()


def test_what_commands_print_is_wrapped_and_never_wider_than_the_page(site: Path, browser: Any) -> None:
    for width in (390, 1280):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        )
        try:
            browser.get((site / "audit/index.html").as_uri())
            blocks = "[...document.querySelectorAll('.language-console code, .language-text code')]"
            wide = f"return [{blocks}.length > 3, {blocks}.filter(c => c.scrollWidth > c.clientWidth).length]"
            assert browser.execute_script(wide) == [True, 0]
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        finally:
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.long
def test_each_command_of_the_table_of_features_shows_what_it_is_there_for(tmp_path: Path) -> None:
    text = (HERE / "docs/peers.md").read_text("utf-8")
    table = text[text.index("shown by |") : text.index("\n## The same")]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if line.startswith("| ") and " | " in line
    ]
    commands = [command for row in rows for command in re.findall(r"`((?:mkdir [^`;]*; )?lwlint [^`]*)`", row[2])]
    assert {row[1] for row in rows} <= {"Y", "P"}
    assert [row[0] for row in rows if not re.search(r"`|\]\(", row[2]) and row[0] != "offline"] == []
    (tmp_path / "lwlint").write_text(f'#!/bin/sh\nPYTHONPATH={HERE} exec {sys.executable} -m lwlint "$@"\n')
    (tmp_path / "lwlint").chmod(0o755)
    for name, source in (("report.tar.gz", HERE / "fixtures/sos/newton"), ("case.tar", tmp_path / "report.tar.gz")):
        with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as archive:
            archive.add(source, arcname=source.name)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "REPORT": str(tmp_path / "report.tar.gz"),
        "CASE": str(tmp_path / "case.tar"),
    }
    failed = {}
    for command in commands:
        if command == "lwlint audit --live --run":  # it asks the machine that it runs on
            continue
        if command.startswith("lwlint plan ") and shutil.which("crm_simulate") is None:
            continue
        if command.startswith("lwlint fleet ") and importlib.util.find_spec("distributed") is None:
            continue
        if re.search("--since|--staged", command) and not (HERE / ".git").exists():
            continue
        done = subprocess.run(["bash", "-c", command], cwd=HERE, env=environment, text=True, capture_output=True)
        quiet = done.returncode == 0 and any(word in command for word in ("baseline", "--output", "new-rule", " -o ", " --into "))
        if done.returncode not in (0, 1) or not (done.stdout or quiet) or "Traceback" in done.stderr:
            failed[command] = (done.returncode, done.stderr[-300:])
    assert (failed, len(commands) > 40) == ({}, True)
    assert f"**Y of {len(rows)}** | **{sum(row[1] == 'Y' for row in rows)}**" in text


_ELSEWHERE = ("://", "audit --live", "[--", "/work")  # at a URL, of this machine, what may be left out, in a container


def _shown() -> list[str]:
    """Return the commands of lwlint that the pages show without what they print, each with what the shell is to do with it."""
    pages = [HERE / "README.md", HERE / "CONTRIBUTING.md", *sorted((HERE / "docs").glob("*.md"))]
    found = []
    for page in pages:
        text = re.sub(r"^```(?:console|python|yaml|ini|json|toml|lua|lisp|sql)\n.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
        found += re.findall(rf"^(?:    )?(?:exec )?(lwlint (?:{'|'.join(_commands())}) .*)$", text, re.M)
    return [line for line in dict.fromkeys(found) if not any(word in line for word in _ELSEWHERE)]


def _commands() -> list[str]:
    return re.findall(r"^    ([a-z-]+)(?:  |$)", (HERE / "docs/commands.md").read_text("utf-8"), re.M)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A checkout with all that the pages speak of, two branches at its origin, and a home and a `lwlint` of its own beside it."""
    here = tmp_path / "desk"
    shutil.copytree(HERE / "fixtures/newton", here, symlinks=True)
    shutil.copytree(HERE / "fixtures/full-pacemaker/var", here / "var", symlinks=True, dirs_exist_ok=True)
    shutil.copytree(HERE / "fixtures/lightweight/templates", here, symlinks=True, dirs_exist_ok=True)
    shutil.copy(HERE / "fixtures/full-pacemaker/var/lib/pacemaker/cib/cib.xml", here)
    lines = "[DEFAULT]\n" + "debug = false\n" * 8 + "[database]\nconnection = mysql://nova@db/nova\nmax_retries = 3\n"
    (here / "etc/nova/nova.conf").write_text(lines)
    for name in ("environments/puppet-pacemaker.yaml", "mine.yaml"):
        (here / name).parent.mkdir(exist_ok=True)
        if not (here / name).exists():
            (here / name).write_text("parameter_defaults: {}\n")
    (here / "reports").mkdir()
    (here / "case-01234567").mkdir()
    for name in ("sosreport-1.tar.xz", "sosreport-after-1.tar.xz", "reports/a.tar.xz", "case-01234567/a.tar.xz"):
        with tarfile.open(here / name, "w:xz") as archive:
            archive.add(HERE / "fixtures/sos/newton", arcname="newton")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/lwlint").write_text(
        f'#!/bin/sh\nPYTHONPATH="{os.pathsep.join(filter(None, sys.path))}" exec {sys.executable} -m lwlint "$@"\n'
    )
    (tmp_path / "bin/lwlint").chmod(0o755)
    (here / "policy").mkdir()
    subprocess.run([tmp_path / "bin/lwlint", "new-rule", "slow-restart", "policy/"], cwd=here, check=True, capture_output=True)
    for folder in (".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions"):
        (tmp_path / "home" / folder).mkdir(parents=True)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "-q", "--bare", "-b", "main", str(tmp_path / "origin")],
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-q", "--no-verify", "-m", "first"],
        ["remote", "add", "origin", str(tmp_path / "origin")],
        ["push", "-q", "origin", "main", "main:master"],
    ):
        subprocess.run([*git, *command], cwd=here, check=True, capture_output=True)
    return here


@pytest.mark.long
def test_each_command_that_the_pages_show_does_what_it_is_there_for(desk: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PATH": f"{desk.parent / 'bin'}:{os.environ['PATH']}",
        "HOME": str(desk.parent / "home"),
        "XDG_CACHE_HOME": str(desk.parent / "cache"),
        "GITHUB_STEP_SUMMARY": str(desk.parent / "summary.md"),
    }
    failed, shown, left_out = {}, _shown(), []
    for command in shown:
        if (command.startswith("lwlint plan ") and shutil.which("crm_simulate") is None) or (
            command.startswith("lwlint fleet ") and importlib.util.find_spec("distributed") is None
        ):
            left_out.append(command)
            continue
        line = command.replace("| man -l -", "| grep -c lwlint")
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=desk, env=environment, text=True, capture_output=True)
        if done.returncode not in (0, 1) or re.search("Traceback|defect|nothing to judge", done.stdout + done.stderr):
            failed[command] = (done.returncode, done.stderr[-300:])
    assert (failed, len(shown) > 25) == ({}, True), shown
    written = ("lwlint.sarif", "lwlint.baseline", "plan.json", "plan.sh", "answer/audit.html", ".lwlint.yaml", "lightweight.yaml")
    expected = [name for name in written if not any(f"> {name}" in one or f"-o {name}" in one for one in left_out)]
    assert [name for name in expected if not (desk / name).exists()] == []
    kept = (".local/share/bash-completion/completions/lwlint", ".zfunc/_lwlint", ".config/fish/completions/lwlint.fish")
    assert [name for name in kept if not (desk.parent / "home" / name).stat().st_size] == []


def test_the_picture_of_the_report_is_taken_by_a_script(tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("CHROMIUM IS MISSING: no picture is taken")
    subprocess.run([sys.executable, str(HERE / "docs/pictures.py"), str(tmp_path)], check=True, timeout=200)
    taken, kept = ((folder / "report.png").read_bytes()[:24] for folder in (tmp_path, HERE / "docs"))
    assert taken == kept, "a PNG of the same size"
    pages = [path.read_text("utf-8") for path in (HERE / "docs").glob("*.md")]
    assert [name for name in ("report.png", "graph.svg", "architecture.svg") if not any(f"]({name})" in page for page in pages)] == []


def test_the_site_has_every_page_in_its_nav_or_says_which_it_leaves_out() -> None:
    nav = re.findall(r"[\w-]+\.md", (HERE / "mkdocs.yml").read_text("utf-8"))
    assert [path.name for path in sorted((HERE / "docs").glob("*.md")) if path.name not in nav] == []
