"""What `lwlint init` writes: a commented configuration, and what a hook or a CI needs to run lwlint."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lwlint import __version__
from lwlint.settings import File

_EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "extends": "extends: [templates]",
        "release": "release: newton",
        "select": "select: [LW1, LW4]",
        "ignore": "ignore: [LW902]",
        "rules": "rules:\n  LW901: {severity: warning}",
        "paths": "paths:\n  exclude: [ci/, 'samples/*.yaml']",
        "rule_directories": "rule_directories: [policy/]",
        "allow": "allow:\n  - rule: LW901\n    path: samples/broken.yaml\n    because: it is there to be broken\n    until: 2099-12-31",
        "overrides": "overrides:\n  - paths: [samples/]\n    severity: {LW901: note}",
    }
)


def starter() -> str:
    """Return a `.lwlint.yaml` that sets nothing, and shows every key with what it is for and an example."""
    return "\n".join(_starter()) + "\n"


def _starter() -> Iterator[str]:
    yield "# Configuration of lwlint; every key is optional. `lwlint config` shows what holds, and where it comes from."
    for field in dataclasses.fields(File):
        yield ""
        yield from textwrap.wrap(f"{field.name}: {field.metadata['description']}", 110, initial_indent="# ", subsequent_indent="#   ")
        yield from (f"#:{line}" for line in _EXAMPLES[field.name].split("\n"))


PRE_COMMIT = f"""\
# .pre-commit-config.yaml; put the address that you have lwlint from in place of REPOSITORY
repos:
  - repo: REPOSITORY
    rev: v{__version__}
    hooks:
      - id: lwlint
"""

GITHUB = """\
# .github/workflows/lwlint.yaml
name: lwlint
on: [push, pull_request]
permissions:
  contents: read
  security-events: write
jobs:
  lwlint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install lwlint
      - run: lwlint check --format github --format github-summary="$GITHUB_STEP_SUMMARY" --format sarif=lwlint.sarif
      - uses: github/codeql-action/upload-sarif@v3
        if: always()
        with: {sarif_file: lwlint.sarif}
"""

GITLAB = """\
# a job of .gitlab-ci.yml
lwlint:
  image: python:3.12
  script:
    - pip install lwlint
    - lwlint check --format text --format gitlab=gl-code-quality-report.json --format junit=lwlint.xml
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
      junit: lwlint.xml
"""

ZUUL = """\
# .zuul.yaml: a job on top of the one that runs tox; `lwlint init tox` prints the environment that it runs
- job:
    name: lwlint
    parent: tox
    vars:
      tox_envlist: lwlint
- project:
    check:
      jobs: [lwlint]
    gate:
      jobs: [lwlint]
"""

TOX = """\
# an environment of tox.ini: `tox -e lwlint`, `tox -e lwlint -- --fail-on error environments/`
[testenv:lwlint]
skip_install = true
deps = lwlint
commands = lwlint check {posargs}
"""

SNIPPETS: Mapping[str, str] = MappingProxyType({"pre-commit": PRE_COMMIT, "github": GITHUB, "gitlab": GITLAB, "tox": TOX, "zuul": ZUUL})
