"""What a change brought is the difference of two full runs, whatever the change; git is only read."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.finding import Finding, Report
from lwlint.files import git
from lwlint.run import Request, check, load_catalogue, load_rules, outlines_of
from lwlint.run.changed import check_changed, kept_lines
from tests.shared import HERE, shared

EDITS = int(os.environ.get("LWLINT_EDITS", "200"))
RULES = load_rules(examples=False)
FOLDERS = ("puppet", "environments", "docker", "extraconfig", "roles_data.yaml", "overcloud-resource-registry-puppet.j2.yaml")


def run_git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **who}, capture_output=True, text=True, check=True)
    return done.stdout


def commit(folder: Path) -> None:
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "--allow-empty", "-m", "state")


def lwlint(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "lwlint", "check", "--format", "json", "--no-cache", *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of two units, one of them with a finding, and an option file."""
    folder = tmp_path / "etc" / "systemd" / "system"
    folder.mkdir(parents=True)
    (folder / "openstack-nova-api.service").write_text("[Service]\nExecStart=/bin/true\nRestart=no\n")
    (folder / "openstack-nova-scheduler.service").write_text("[Service]\nExecStart=/bin/true\nRestart=always\n")
    run_git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


UNIT = "etc/systemd/system/openstack-nova-scheduler.service"
OTHER = "etc/systemd/system/openstack-nova-api.service"


def found(folder: Path, *arguments: str) -> list[str]:
    code, answer, said = lwlint(folder, "--select", "LW201", *arguments)
    assert code in (0, 1), said
    return [f"{f['path']}:{f['line']}" for f in answer["findings"]]


def test_only_what_a_change_brought_is_reported(checkout: Path) -> None:
    assert found(checkout, "--since", "HEAD") == []
    (checkout / UNIT).write_text("[Service]\nExecStart=/bin/true\nRestart=no\n")
    (checkout / OTHER).write_text("# moved by a line\n" + (checkout / OTHER).read_text())
    assert found(checkout, "--since", "HEAD") == [f"{UNIT}:3"]
    assert found(checkout, "--since", "HEAD", "--all") == [f"{OTHER}:4", f"{UNIT}:3"]
    assert found(checkout, "--staged") == []
    run_git(checkout, "add", UNIT)
    (checkout / UNIT).write_text("[Service]\nExecStart=/bin/true\nRestart=always\n")
    assert found(checkout, "--staged") == [f"{UNIT}:3"]
    assert found(checkout, "--since", "HEAD") == []


def test_a_drop_in_brings_a_finding_of_a_unit_that_it_does_not_touch(checkout: Path) -> None:
    drop_in = checkout / (UNIT + ".d") / "no.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nRestart=no\n")
    assert found(checkout, "--since", "HEAD") == [f"{UNIT}.d/no.conf:2"]
    commit(checkout)
    (checkout / UNIT).unlink()
    (checkout / UNIT).symlink_to("openstack-nova-api.service")
    assert found(checkout, "--since", "HEAD~1", "--all") != []


def test_a_finding_stays_an_old_one_when_other_services_are_watched(checkout: Path) -> None:
    (checkout / "etc/nova").mkdir()
    (checkout / "etc/nova/nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 5\n")
    (checkout / UNIT).unlink()
    (checkout / OTHER).write_text("[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n")
    commit(checkout)
    both = lwlint(checkout, "--select", "LW301")[1]["findings"][0]["message"]
    (checkout / OTHER).unlink()
    assert lwlint(checkout, "--select", "LW301")[1]["findings"][0]["message"] != both
    assert lwlint(checkout, "--select", "LW301", "--since", "HEAD")[:1] == (0,)
    (checkout / "etc/nova/nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 6\n")
    assert lwlint(checkout, "--select", "LW301", "--since", "HEAD")[:1] == (1,)


def test_paths_are_those_of_the_current_folder(checkout: Path) -> None:
    (checkout / UNIT).write_text("[Service]\nExecStart=/bin/true\nRestart=no\n")
    inside = checkout / "etc" / "systemd"
    assert found(inside, "--since", "HEAD", "system") == ["system/openstack-nova-scheduler.service:3"]
    assert found(inside, "--since", "HEAD", "../systemd/system/openstack-nova-scheduler.service") != []


def test_a_verdict_is_that_of_the_change(checkout: Path) -> None:
    code, answer, _ = lwlint(checkout, "--since", "HEAD", "--select", "LW201")
    assert (code, [rule["outcome"] for rule in answer["verdicts"]]) == (0, ["pass"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "nothing"], "lwlint: `nothing`: no such revision in this git checkout"),
        (["--since", "--output=x"], "lwlint: `--output=x`: no such revision"),
        (["--since", "HEAD..x"], "lwlint: `HEAD..x`: is a range; name one revision, or `REV...` for where this branch left it"),
        (["--since", "HEAD...x"], "lwlint: `HEAD...x`: is a range; name one revision"),
        (["--since", "^HEAD"], "lwlint: `^HEAD`: no such revision in this git checkout"),
        (["--since", ""], "lwlint: `--since`: names nothing"),
        (["--since", "nothing..."], "lwlint: `nothing`: no such revision in this git checkout"),
        (["--since", "HEAD", "--staged"], "lwlint: `--since` and `--staged` exclude each other"),
        (["--hook", "--since", "HEAD"], "lwlint: `--hook` chooses by itself what is reported"),
        (["--all", "--limit", "3"], "lwlint: `--all` and `--limit` exclude each other"),
        (["--since", "HEAD", "-"], "lwlint: `-`: standard input was not there before any change"),
    ],
)
def test_what_is_no_change_is_said(arguments: list[str], said: str, checkout: Path) -> None:
    arguments = [f"--since={arguments[1]}"] if arguments[1:] == ["--output=x"] else arguments
    code, _, told = lwlint(checkout, *arguments)
    assert (code, told.startswith(said)) == (2, True), told


def test_a_checkout_that_git_does_not_trust_is_told_with_what_trusts_it(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    code, _, said = lwlint(checkout, "--since", "HEAD")
    top = checkout.resolve()
    assert (code, said) == (
        2,
        f"lwlint: `git rev-parse`: fatal: detected dubious ownership in repository at '{top}'; "
        f"`git config --global --add safe.directory {top}` has git read it\n",
    )


def test_a_branch_is_compared_with_the_commit_at_which_it_left_another(checkout: Path) -> None:
    run_git(checkout, "branch", "own")
    (checkout / OTHER).write_text("[Service]\nExecStart=/bin/true\nRestart=always\n")
    commit(checkout)
    main = run_git(checkout, "branch", "--show-current").strip()
    run_git(checkout, "checkout", "-q", "own")
    (checkout / UNIT).write_text("[Service]\nExecStart=/bin/true\nRestart=no\n")
    commit(checkout)
    assert found(checkout, "--since", main) == [f"{OTHER}:3", f"{UNIT}:3"]
    assert [found(checkout, "--since", revision) for revision in (f"{main}...", f"{main}...HEAD", "HEAD...")] == [[f"{UNIT}:3"]] * 2 + [[]]
    run_git(checkout, "checkout", "-q", "--orphan", "apart")
    commit(checkout)
    assert lwlint(checkout, "--since", f"{main}...")[2] == f"lwlint: `{main}...`: `{main}` and `HEAD` have no commit in common\n"


def test_before_the_first_commit_all_that_is_staged_is_new(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    run_git(checkout, "init", "-q")
    assert lwlint(checkout, "--staged")[0] == 2  # nothing to judge
    run_git(checkout, "add", OTHER)
    (checkout / OTHER).write_text("[Service]\nExecStart=/bin/true\nRestart=always\n")
    assert found(checkout, "--staged") == [f"{OTHER}:3"]


def test_of_a_history_that_is_cut_off_it_is_said(checkout: Path, tmp_path: Path) -> None:
    commit(checkout)
    run_git(tmp_path, "clone", "-q", "--depth", "1", f"file://{checkout}", "shallow")
    assert found(tmp_path / "shallow", "--since", "HEAD") == []
    said = "`HEAD~1`: no such revision in this git checkout; its history is cut off (`git fetch --unshallow` gets the rest)"
    assert lwlint(tmp_path / "shallow", "--since", "HEAD~1")[::2] == (2, f"lwlint: {said}\n")


def test_an_exception_that_is_taken_away_brings_the_finding_back(checkout: Path) -> None:
    bare = (checkout / OTHER).read_text()
    allowed = bare.replace("Restart", "# lwlint: allow LW201 -- a lab\nRestart")
    (checkout / OTHER).write_text(allowed)
    assert [(f["line"], f["allowed"]) for f in lwlint(checkout, "--select", "LW2", "--since", "HEAD")[1]["findings"]] == [(4, "a lab")]
    commit(checkout)
    assert found(checkout, "--since", "HEAD") == []
    (checkout / OTHER).write_text(bare)
    assert found(checkout, "--since", "HEAD") == [f"{OTHER}:3"]


def test_a_hook_reports_what_the_commit_brings_or_all_of_files_that_are_in_none(checkout: Path) -> None:
    assert found(checkout, "--hook", OTHER) == [f"{OTHER}:3"]  # no commit: `pre-commit run --all-files`
    (checkout / OTHER).write_text("# moved by a line\n" + (checkout / OTHER).read_text())
    (checkout / UNIT).write_text("[Service]\nExecStart=/bin/true\nRestart=no\n")
    run_git(checkout, "add", OTHER)
    assert found(checkout, "--hook", OTHER) == []
    assert found(checkout, "--hook", OTHER, UNIT) == [f"{OTHER}:4", f"{UNIT}:3"]
    run_git(checkout, "add", UNIT)
    assert found(checkout, "--hook", OTHER, f"./{UNIT}") == [f"{UNIT}:3"]
    folder = checkout / "etc" / "systemd"
    assert found(folder, "--hook", *(path[len("etc/systemd/") :] for path in (OTHER, UNIT))) == [UNIT[len("etc/systemd/") :] + ":3"]
    shutil.rmtree(checkout / ".git")
    assert found(checkout, "--hook", OTHER, UNIT) == [f"{OTHER}:4", f"{UNIT}:3"]


HEAD = "heat_template_version: pike\n"
ROLE = "outputs:\n  role_data:\n    value:\n      service_name: {}\n      config_settings:\n"
BASE = HEAD + ROLE.format("nova_base") + "        nova::db::database_max_retries: -1\n        nova::debug: true\n"
TAKES = (
    HEAD + "parameters:\n  Dsn: {{type: string}}\nresources:\n  Base:\n    type: ./nova-base.yaml\n" + ROLE + "        map_merge:\n"
    "          - get_attr: [Base, role_data, config_settings]\n          - nova::database_connection: {{get_param: Dsn}}\n"
)


@pytest.fixture
def tht(tmp_path: Path) -> Path:
    """A checkout of a tree of templates: a base template that two others take in, and their registry."""
    services = tmp_path / "puppet/services"
    services.mkdir(parents=True)
    (services / "nova-base.yaml").write_text(BASE)
    for name in ("api", "conductor"):
        (services / f"nova-{name}.yaml").write_text(TAKES.format(f"nova_{name}"))
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/a.yaml").write_text(
        "resource_registry:\n  OS::TripleO::Services::NovaApi: ../puppet/services/nova-api.yaml\n"
    )
    (tmp_path / "overcloud-resource-registry-puppet.j2.yaml").write_text(
        "resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/nova-api.yaml\n"
    )
    run_git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def test_a_change_shows_where_it_shows_and_a_part_has_its_part_of_it(tht: Path) -> None:
    (tht / "puppet/services/nova-base.yaml").write_text(BASE.replace("-1", "10"))
    run_git(tht, "add", "-A")
    told = {}
    for name, words in {
        "hook": ["--hook"],
        "names": ["--hook", "puppet/services/nova-base.yaml"],
        "staged": ["--staged"],
        "since": ["--since", "HEAD"],
        "base": ["--since", "HEAD", "puppet/services/nova-base.yaml"],
        "api": ["--staged", "puppet/services/nova-api.yaml"],
    }.items():
        _, answer, said = lwlint(tht, "--select", "LW4", *words)
        assert said.count("lwlint:") == 0, said
        told[name] = [(f["code"], f["path"].rpartition("/")[2]) for f in answer["findings"]]
    both = [("LW404", "nova-api.yaml"), ("LW404", "nova-conductor.yaml")]
    assert told == {"hook": both, "names": both, "staged": both, "since": both, "base": [], "api": both[:1]}


def test_the_line_that_a_change_took_away_is_named_only_where_it_is_the_cause(tht: Path) -> None:
    def removed(text: str) -> list[tuple[str, int, str]]:
        (tht / "puppet/services/nova-base.yaml").write_text(text)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tht)
            report = check_changed(Request(), RULES, git.since("HEAD"))
        assert [f.code for f in report.findings] == ["LW404", "LW404"]
        return [(found.path, found.line, found.text) for found in report.removed.values()]

    there = ("puppet/services/nova-base.yaml", 7, "nova::db::database_max_retries: -1")
    line = "        nova::db::database_max_retries: -1\n"
    assert removed(BASE.replace(line, "")) == [there] * 2
    assert removed("# a line more\n" + BASE.replace(line, "")) == [there] * 2
    assert removed(BASE.replace("-1", "10")) == [], "a line that another one was written for is there to be seen"


def test_with_nothing_of_ours_staged_a_hook_ends_at_once_but_not_where_a_file_is_gone(tht: Path) -> None:
    (tht / "note.txt").write_text("a\n")
    (tht / "run.sh").write_text("a\n")
    (tht / "puppet/services/nova-api.yaml").write_text(TAKES.format("nova_api") + "  script: {value: {get_file: ../../run.sh}}\n")
    commit(tht)
    (tht / "note.txt").write_text("b\n")
    run_git(tht, "add", "-A")
    _, answer, _ = lwlint(tht, "--hook")
    assert (answer["verdicts"], answer["findings"]) == ([], [])
    run_git(tht, "rm", "-q", "run.sh")
    assert [f["code"] for f in lwlint(tht, "--hook")[1]["findings"]] == ["LW414"]


def test_a_finding_that_becomes_severer_is_new_and_a_broken_configuration_can_be_mended(checkout: Path) -> None:
    (checkout / ".lwlint.yaml").write_text("rules: {LW201: {severity: note}}\n")
    commit(checkout)
    (checkout / ".lwlint.yaml").write_text("rules: {LW201: {severity: error}}\n")
    assert found(checkout, "--since", "HEAD") == [f"{OTHER}:3"]
    (checkout / ".lwlint.yaml").write_text("rulez: {}\n")
    commit(checkout)
    (checkout / ".lwlint.yaml").write_text("rules: {LW201: {severity: error}}\n")
    assert found(checkout, "--since", "HEAD") == []


def test_outside_a_checkout_it_is_said(tmp_path: Path) -> None:
    for option in (["--since", "HEAD"], ["--staged"]):
        code, _, told = lwlint(tmp_path, *option)
        assert (code, told) == (2, f"lwlint: `{option[0]}`: not in a git checkout\n")


def test_where_the_checkout_has_no_files_or_has_them_elsewhere_it_is_said(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bare repository, and where `GIT_WORK_TREE` names another folder than that which git would be asked of."""
    bare, elsewhere = tmp_path_factory.mktemp("bare"), tmp_path_factory.mktemp("elsewhere")
    run_git(bare, "clone", "-q", "--bare", str(checkout), ".")
    for option in (["--since", "HEAD"], ["--staged"]):
        assert lwlint(bare, *option)[::2] == (2, f"lwlint: `{option[0]}`: not in a git checkout\n")
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(checkout))
    for option in (["--since", "HEAD"], ["--staged"]):
        assert lwlint(elsewhere, *option)[::2] == (2, f"lwlint: `{option[0]}`: not in a git checkout\n")
    (checkout / UNIT).write_text("[Service]\nExecStart=/bin/true\nRestart=no\n")
    assert found(checkout, "--since", "HEAD") == [f"{UNIT}:3"]


def test_git_is_only_read_and_runs_no_program_of_the_repository(checkout: Path) -> None:
    trap = checkout.parent / "trap"
    run_git(checkout, "config", "core.fsmonitor", f"touch {trap}")
    run_git(checkout, "config", "diff.external", f"touch {trap}")
    run_git(checkout, "config", "filter.x.clean", f"touch {trap}")
    (checkout / ".git/info/attributes").write_text("* filter=x diff=x\n")
    (checkout / UNIT).write_text("[Service]\nRestart=no\n")
    trap.unlink(missing_ok=True)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in (checkout / ".git").rglob("*") if p.is_file()}
    for option in (["--since", "HEAD"], ["--staged"]):
        assert lwlint(checkout, *option)[0] in (0, 1)
    assert before == {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in (checkout / ".git").rglob("*") if p.is_file()}
    assert not trap.exists()


def test_lines_that_a_change_left_alone_are_known() -> None:
    assert kept_lines(["a", "b", "c"], ["x", "a", "c"]) == {1: 2, 3: 3}
    assert kept_lines([], ["x"]) == {}
    assert kept_lines(["a", "a"], ["a"]) == {1: 1}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of a part of the corpus tree that hangs together."""
    top = tmp_path_factory.mktemp("templates")
    tree = shared("corpus/tht/newton-before")
    for name in FOLDERS:
        if (tree / name).is_dir():
            shutil.copytree(tree / name, top / name)
        elif (tree / name).exists():
            shutil.copy(tree / name, top / name)
    for path in top.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    run_git(top, "init", "-q")
    commit(top)
    return top


def edit(top: Path, dice: random.Random) -> None:
    """Change one file at random: take lines away, double, swap or alter them, or remove, move or add a file."""
    files = [path for path in sorted(top.rglob("*.yaml")) if ".git" not in path.parts]
    telling = [path for path in files if b"Pacemaker" in path.read_bytes() or b"connection" in path.read_bytes()]
    path = dice.choice(telling if dice.random() < 0.7 else files)
    lines = path.read_text("utf-8").splitlines(keepends=True) or ["\n"]
    at = dice.choice([i for i, line in enumerate(lines) if "::" in line or "retries" in line] or range(len(lines)))
    deeds: list[Callable[[], object]] = [
        lambda: lines.pop(at),
        lambda: lines.insert(at, lines[at]),
        lambda: lines.insert(0, "# a line more\n"),
        lambda: lines.__setitem__(at, lines[at].replace("services/", "services/pacemaker/").replace("max_retries: -1", "max_retries: 3")),
        lambda: lines.__setitem__(at, lines[at].replace("pacemaker/", "").replace("Pacemaker", "")),
        lambda: lines.__setitem__(at, lines[at].replace("get_file", "get_fill").replace("::", ":::", 1)),
        lambda: lines.append(lines[at]),
    ]
    deed = dice.random()
    if deed < 0.08:
        path.unlink()
    elif deed < 0.14:
        path.rename(path.with_name("moved-" + path.name))
    elif deed < 0.2:
        shutil.copy(path, path.with_name("copy-" + path.name))
    else:
        dice.choice(deeds)()
        path.write_text("".join(lines), "utf-8")


def known(report: Report, rename: Callable[[Finding], int]) -> Counter[tuple[object, ...]]:
    place = report.sources
    return Counter(
        (f.code, f.host, f.span.path, f.message, rename(f), place[f.span.path].position(f.span.start).column) for f in report.findings
    )


def line(report: Report, finding: Finding) -> int:
    return report.sources[finding.span.path].position(finding.span.start).line


@pytest.mark.night
def test_the_findings_of_a_change_are_the_difference_of_two_full_runs(templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(templates)
    dice = random.Random(7)
    before = check(Request(), RULES)
    shared_by_all = Request(outlines=outlines_of(Request()))  # what a file says is asked once, through all the edits; a full run asks anew
    catalogue = load_catalogue()
    monkeypatch.setattr("lwlint.run.load_catalogue", lambda cache: catalogue)
    brought = 0
    for number in range(EDITS):
        for _ in range(dice.choice((1, 1, 2, 5))):
            edit(templates, dice)
        after = check(Request(), RULES)
        told = check_changed(shared_by_all, RULES, git.since("HEAD"))
        texts = {path: run_git(templates, "show", f"HEAD:{path}") for path in run_git(templates, "diff", "--name-only", "HEAD").split()
                 if (templates / path).exists()}  # fmt: skip
        kept = {p: kept_lines(text.split("\n"), (templates / p).read_text("utf-8").split("\n")) for p, text in texts.items()}
        old = known(before, lambda f, b=before, k=kept: k.get(f.span.path, {}).get(line(b, f), 0) if f.span.path in k else line(b, f))
        expected = known(after, lambda f, a=after: line(a, f)) - old
        assert known(told, lambda f, t=told: line(t, f)) == expected, number
        brought += sum(expected.values())
        if number % 2:
            commit(templates)
            before = after
        else:
            run_git(templates, "add", "-A")
            staged = check_changed(shared_by_all, RULES, git.read_staged())
            assert known(staged, lambda f, s=staged: line(s, f)) == expected, number
            run_git(templates, "reset", "-q", "--hard")
            run_git(templates, "clean", "-qfd")
    assert brought >= EDITS // 10
