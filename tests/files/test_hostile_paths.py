"""What a stranger's tree names or links to outside of itself is not read, and nothing of it is shown."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import lwlint
from lwlint.cli import main
from lwlint.files.tree import around, read_regular
from tests.shared import HERE

TOKEN = "canary-5f1c"  # stands for a secret, without looking like one
ENV = "env.yaml"
UNIT = "etc/systemd/system/openstack-nova-api.service"
Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder beside a home that holds what is nobody's business, and the current one."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/token").write_text(f"{TOKEN}\n")
    (tmp_path / "home/rules").mkdir()
    (tmp_path / "home/rules/a.yaml").write_text(f"{TOKEN}: 1\n")
    top = tmp_path / "repository"
    top.mkdir()
    (top / ENV).write_text("parameter_defaults: {}\n")
    monkeypatch.chdir(top)
    return top


def told(capsys: Capsys) -> str:
    out, err = capsys.readouterr()
    return out + err


@pytest.mark.parametrize("checkout", [True, False])
@pytest.mark.parametrize("name", ["cib.xml", "a.pp", "a.yaml", "nova.conf", UNIT, "a.xml"])
@pytest.mark.parametrize("named", [True, False])
def test_a_link_out_of_the_tree_is_not_followed(repository: Path, name: str, named: bool, checkout: bool, capsys: Capsys) -> None:
    if checkout:
        (repository / ".git").mkdir()
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(repository.parent / "home/token", path.parent))
    (repository / "home.yaml").symlink_to("../home")
    code = main(["check", "--no-cache", "-v", name if named else "."])
    said = told(capsys)
    assert TOKEN not in said
    if not path.name.endswith(".service"):
        assert (code, "link leads out of the tree, and is not followed; `--trust` follows it" in said) == (1, True)
    for command in (["facts"], ["check", "--no-cache", "--format", "json"], ["fix", "--no-cache", "--diff"]):
        main([*command, name if named else "."])
        assert TOKEN not in told(capsys)


def test_who_trusts_a_tree_has_its_links_followed(repository: Path, capsys: Capsys) -> None:
    (repository / "nova.conf").symlink_to("../home/token")
    assert main(["check", "--no-cache", "--trust", "nova.conf"]) == 1
    assert TOKEN in told(capsys)


def test_links_within_a_tree_and_within_a_host_keep_their_meaning(repository: Path, capsys: Capsys) -> None:
    (repository / ".git").mkdir()
    (repository / "shared.yaml").write_text("parameter_defaults: {a: 1, a: 2}\n")
    below = repository / "below"
    below.mkdir()
    (below / "link.yaml").symlink_to("../shared.yaml")
    host = repository / "host/etc/systemd/system"
    host.mkdir(parents=True)
    (host / "openstack-nova-api.service").symlink_to("/dev/null")
    (repository / "host/etc/nova").mkdir()
    (repository / "host/srv").mkdir()
    (repository / "host/srv/nova.conf").write_text("[database]\nconnection=mysql://db\nmax_retries=5\n")
    (repository / "host/etc/nova/nova.conf").symlink_to("/srv/nova.conf")
    assert main(["check", "--no-cache", "below", "host"]) == 1
    said = told(capsys)
    assert "below/link.yaml" in said
    assert "LW301" in said
    assert "LW206" in said or "masked" in said
    assert "leads out" not in said


def test_links_of_folders_do_not_lead_out_either(repository: Path, capsys: Capsys) -> None:
    (repository / ".git").mkdir()
    (repository / "out").symlink_to("../home")
    (repository.parent / "home/nova.conf").write_text(f"{TOKEN}\n")
    (repository.parent / "home/t.yaml").write_text(f"heat_template_version: {TOKEN}\n")
    (repository / ENV).write_text("resource_registry:\n  OS::TripleO::Services::NovaApi: out/t.yaml\n")
    for path in ("out", "out/nova.conf", "."):
        main(["check", "--no-cache", "-v", path])
        assert TOKEN not in told(capsys)
    assert main(["check", "--no-cache", "out"]) != 0


def test_a_manifest_that_a_template_names_outside_is_not_judged(repository: Path, capsys: Capsys) -> None:
    (repository.parent / "home/x.pp").write_text(f"class {{ 'nova::db': database_max_retries => 3 }} # {TOKEN}\n")
    (repository / "t.yaml").write_text(
        "heat_template_version: pike\nresources:\n  a:\n    type: X\n    properties: {c: {get_file: ../home/x.pp}}\n"
    )
    main(["check", "--no-cache", "."])
    assert TOKEN not in told(capsys)


def test_the_interface_for_programs_ends_at_the_tree_too(repository: Path) -> None:
    (repository / "nova.conf").symlink_to("../home/token")
    (finding,) = lwlint.check(["nova.conf"]).findings
    assert finding.message.endswith("link leads out of the tree, and is not followed; `--trust` follows it")


@pytest.mark.parametrize(
    "named", ["../home/token", "{}/home/token", "../home/rules/a.yaml", "link", "/etc/passwd", "/proc/self/environ", "/dev/zero"]
)
@pytest.mark.parametrize("key", ["extends", "rule_directories"])
def test_a_configuration_names_nothing_outside(repository: Path, key: str, named: str, capsys: Capsys) -> None:
    (repository / "link").symlink_to("../home/rules" if key == "rule_directories" else "../home/token")
    named = named.format(repository.parent)
    (repository / ".lwlint.yaml").write_text(f"{key}: [{named}]\n")
    assert main(["check", "--no-cache", "."]) == 2
    said = told(capsys)
    assert said.startswith(f"lwlint: .lwlint.yaml:1:{len(key) + 4}: `{named}`: lies outside of the checkout, or folder, of this file")
    assert TOKEN not in said


@pytest.mark.parametrize("name", [".lwlint.yaml", "pyproject.toml"])
def test_a_configuration_is_no_link_out(repository: Path, name: str, capsys: Capsys) -> None:
    (repository.parent / "home/token").write_text(f"{TOKEN} lwlint\n")
    (repository / name).symlink_to("../home/token")
    assert main(["check", "--no-cache", "."]) == 2
    said = told(capsys)
    assert f"`{name}`: cannot be read (it leads out of the tree" in said
    assert TOKEN not in said


def test_the_users_own_configuration_may_name_what_it_likes(repository: Path, capsys: Capsys) -> None:
    (repository.parent / "home/base.yaml").write_text("ignore: [LW410]\n")
    (repository / "own.yaml").write_text("extends: ../home/base.yaml\n")
    assert main(["config", "--config", "own.yaml"]) == 0
    assert "LW410" in told(capsys)


@pytest.mark.parametrize("what", ["device", "pipe", "large", "link"])
def test_rules_configurations_baselines_and_ignore_files_are_regular_and_bounded(repository: Path, what: str, capsys: Capsys) -> None:
    def put(path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        if what == "pipe":
            os.mkfifo(path)
        elif what == "large":
            with path.open("wb") as file:
                file.truncate(100_000_000)
        else:
            path.symlink_to("/dev/zero" if what == "device" else repository.parent / "home/token")

    put(repository / "rules/a.yaml")
    assert main(["check", "--no-cache", "--rules", "rules", ENV]) == 2
    assert main(["test", "rules"]) == 2
    put(repository / "baseline")
    assert main(["check", "--no-cache", "--baseline", "baseline", ENV]) == 2
    (repository / ".git").mkdir()
    put(repository / ".gitignore")
    (repository / "rules/a.yaml").unlink()
    assert main(["check", "--no-cache", "."]) == 0
    put(repository / ".lwlint.yaml")
    assert main(["check", "--no-cache", ENV]) == 2
    said = told(capsys)
    assert TOKEN not in said
    assert "defect" not in said


def test_the_complaint_about_a_value_is_short_and_without_secrets(repository: Path, capsys: Capsys) -> None:
    (repository / ".lwlint.yaml").write_text(f"{'word ' * 1000}\n")
    assert main(["check", "--no-cache", "."]) == 2
    assert told(capsys) == "lwlint: .lwlint.yaml:1:1: a value by itself: must be a mapping\n"
    (repository / ".lwlint.yaml").write_text(f"release: https://u:hunter2@host/{'x' * 1000}\n")
    assert main(["check", "--no-cache", "."]) == 2
    said = told(capsys)
    assert len(said) < 300
    assert "hunter2" not in said


def test_a_configuration_above_the_checkout_that_is_another_users_is_not_taken(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    (repository / ".git").mkdir()
    (repository.parent / ".lwlint.yaml").write_text("ignore: [LW410]\n")
    assert main(["config"]) == 0
    capsys.readouterr()
    monkeypatch.setattr("lwlint.policy.settings.os.geteuid", lambda: 4711)
    real = os.lstat
    monkeypatch.setattr("lwlint.policy.settings.os.lstat", lambda path: os.stat_result((*real(path)[:4], 4712, *real(path)[5:])))
    assert main(["config"]) == 2
    assert "another user has put it there" in told(capsys)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero", str(tmp_path), "a\0b", "\ud800"):
        with pytest.raises(OSError):  # noqa: PT011 -- of any number
            read_regular(path)


def test_a_boundary_is_the_checkout_or_what_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/x").mkdir(parents=True)
    (tmp_path / "home/.git").mkdir()
    (tmp_path / "top/.git").mkdir(parents=True)
    (tmp_path / "top/a/etc/nova").mkdir(parents=True)
    (tmp_path / "host/etc/nova").mkdir(parents=True)
    (tmp_path / "f.yaml").touch()
    expected = {"top/a": "top", "home/x": "home/x", "f.yaml": ".", "host/etc/nova": "host", "top/a/etc/nova": "top"}
    for path, root in expected.items():
        assert str(tmp_path / root).rstrip("/.") == sorted(around([path]).roots, key=len)[0]


@pytest.mark.parametrize("expression", ["(a+)+b", "(a|a)*b", "([a-z]+)*", "(.*a){20}", ".*.*.*.*x", "(?:a?){30}b"])
def test_an_expression_of_a_rule_takes_a_time_in_proportion(repository: Path, expression: str) -> None:
    from lwlint.core.lazy import fullmatch

    assert not fullmatch(expression, "a" * 20_000 + "!")


@pytest.mark.parametrize("expression", ["(", "(.*)\\1", "(?=a)b", "(((a{99}){99}){99})", "a" * 2000, "[z-a]"])
def test_an_expression_that_is_not_run_is_told_with_its_place(repository: Path, expression: str, capsys: Capsys) -> None:
    (repository / ".lwlint.yaml").write_text(
        f"rules:\n  start-timeout-ends-first-connection:\n    params:\n      where: {{}}\n      must_be: {{matches: '{expression}'}}\n"
    )
    assert main(["check", "--no-cache", ENV]) == 2
    said = told(capsys)
    assert said.startswith("lwlint: .lwlint.yaml:5:")
    assert "defect" not in said


@pytest.mark.parametrize("what", ["a pipe", "a device", "a folder"])
@pytest.mark.parametrize(
    "command",
    [
        ("plan", "cib.xml", "--check", "odd"),
        ("lab", "judge", "odd"),
        ("allow", "LW207", "cib.xml", "--because", "x", "--config", "odd"),
        ("init", "tox", "--write"),
        ("graph", "odd"),
    ],
)
def test_what_a_command_is_given_is_a_regular_file(
    what: str, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a process of its own, which a pipe would hold for ever and a device would fill."""
    monkeypatch.chdir(tmp_path)
    Path("cib.xml").write_text(
        '<cib><configuration><resources><primitive id="galera" class="ocf" type="galera"/></resources></configuration></cib>'
    )
    for name in ("odd", "tox.ini"):
        if what == "a pipe":
            os.mkfifo(name)
        elif what == "a device":
            Path(name).symlink_to("/dev/zero")
        else:
            Path(name).mkdir()
    if what == "a folder" and command[0] == "graph":
        pytest.skip("a folder is what it is given")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000,) * 2); from lwlint.cli import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", limited, *command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("check", ENV, "--cache-dir", "link"),
        ("check", ENV, "--cache-dir", "link/deep"),
        ("check", ENV, "--cache-dir", "link/"),
        ("check", ENV, "--format", "json=link/report"),
        ("baseline", ENV, "-o", "link/known"),
        ("audit", ENV, "--output", "link/answer"),
        ("new-rule", "slow-node", "link"),
        ("fleet", "run", "case.tar", "--into", "link/store"),
        ("fleet", "run", "case.tar", "--into", "link/"),
        ("fleet", "run", "case.tar", "--into", "store", "--log", "link/log"),
    ],
)
def test_nothing_is_written_behind_a_link_of_the_tree(repository: Path, command: tuple[str, ...], capsys: Capsys) -> None:
    if command[0] == "fleet":
        pytest.importorskip("distributed", reason="DASK IS MISSING: no fleet is run")
        with tarfile.open("case.tar", "w") as archive:
            archive.add(HERE / "fixtures/sos/newton", arcname="newton")
    (repository / "link").symlink_to("../home")
    home = repository.parent / "home"
    before = sorted(home.rglob("*"))
    assert main([*command]) == 2
    said = told(capsys)
    assert "link" in said
    assert "defect" not in said
    assert sorted(home.rglob("*")) == before
