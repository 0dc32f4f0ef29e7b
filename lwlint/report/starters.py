"""What `lwlint new-rule` writes: a rule that runs, with examples that hold, to be changed into one's own."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import msgspec

from lwlint.core.config_reader import description_of, fields_of
from lwlint.core.finding import ConfigurationError
from lwlint.policy.rules import Rule
from lwlint.policy.settings import File

# area -> the hundred of its codes, and the rule after the lines that all share
_AREAS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "pacemaker": (
            1,
            """\
title: Resource that an init script runs
severity: warning                # error, warning or note
clause: one-resource-manager     # `lwlint explain CLAUSE` shows one; the list is docs/spec.md
why: Say in a sentence or two what happens when nobody fixes it.
remedy: Say what to do, with the command or the line to write.
check: require                   # `lwlint rules --format json` names the check of each rule
params:
  each: resource                 # `lwlint facts PATH` prints every fact, with all that can be asked of it
  where: {form: primitive}
  setting: agent
  must_be: {matches: "(ocf|systemd|stonith):.*"}
examples:                        # at least one good and one bad; `finds` is exact, in place and in number
  - good: a resource agent
    files:
      cib.xml: |
        <cib validate-with="pacemaker-3.2">
          <configuration><resources>
            <primitive id="galera" class="ocf" provider="heartbeat" type="galera"/>
          </resources></configuration>
        </cib>
  - bad: an init script
    files:
      cib.xml: |
        <cib validate-with="pacemaker-3.2">
          <configuration><resources>
            <primitive id="galera" class="lsb" type="mysql"/>
          </resources></configuration>
        </cib>
    finds: ["cib.xml:3:20 galera: `agent` is `lsb:mysql`; it must be like `(ocf|systemd|stonith):.*`"]
""",
        ),
        "systemd": (
            2,
            """\
title: Service that systemd restarts only after a failure
severity: warning                # error, warning or note
clause: systemd-restarts         # `lwlint explain CLAUSE` shows one; the list is docs/spec.md
why: Say in a sentence or two what happens when nobody fixes it.
remedy: Say what to do, with the command or the line to write.
check: require                   # `lwlint rules --format json` names the check of each rule
params:
  each: unit                     # `lwlint facts PATH` prints every fact, with all that can be asked of it
  where: {load_state: loaded, service.kind: active_active}
  setting: Service.Restart
  default: "no"                  # what it means if it is not set: systemd.service(5)
  must_be: {one_of: [always]}
examples:                        # at least one good and one bad; `finds` is exact, in place and in number
  - good: restarted always
    files:
      etc/systemd/system/neutron-server.service: |
        [Service]
        ExecStart=/usr/bin/neutron-server
        Restart=always
  - bad: restarted after a failure only
    files:
      etc/systemd/system/neutron-server.service: |
        [Service]
        ExecStart=/usr/bin/neutron-server
        Restart=on-failure
    finds:
      - "etc/systemd/system/neutron-server.service:3:9 neutron-server.service: `Service.Restart` is `on-failure`; it must be `always`"
""",
        ),
        "retry": (
            3,
            """\
title: Service that waits long between two attempts at the database
severity: warning                # error, warning or note
clause: retries-forever          # `lwlint explain CLAUSE` shows one; the list is docs/spec.md
why: Say in a sentence or two what happens when nobody fixes it.
remedy: Say what to do, with the command or the line to write.
check: require                   # `lwlint rules --format json` names the check of each rule
params:
  each: option                   # `lwlint facts PATH` prints every fact, with all that can be asked of it
  where: {name: database.retry_interval}
  setting: value
  must_be: {at_most: 30}
examples:                        # at least one good and one bad; `finds` is exact, in place and in number
  - good: ten seconds
    files:
      etc/nova/nova.conf: |
        [database]
        retry_interval = 10
  - bad: ten minutes
    files:
      etc/nova/nova.conf: |
        [database]
        retry_interval = 600
    finds: ["etc/nova/nova.conf:2:18 database.retry_interval: `value` is `600`; it must be at most `30`"]
""",
        ),
        "heat": (
            4,
            """\
title: Keepalived beside Pacemaker
severity: warning                # error, warning or note
clause: one-resource-manager     # `lwlint explain CLAUSE` shows one; the list is docs/spec.md
why: Say in a sentence or two what happens when nobody fixes it.
remedy: Say what to do, with the command or the line to write.
check: require                   # `lwlint rules --format json` names the check of each rule
params:
  each: service_mapping          # `lwlint facts PATH` prints every fact, with all that can be asked of it
  where: {alias: "OS::TripleO::Services::Keepalived", in_force: true}
  setting: template
  must_be: {one_of: ["OS::Heat::None"]}
examples:                        # at least one good and one bad; `finds` is exact, in place and in number
  - good: not deployed
    files:
      environments/ours.yaml: |
        resource_registry:
          OS::TripleO::Services::Keepalived: OS::Heat::None
  - bad: deployed
    files:
      environments/ours.yaml: |
        resource_registry:
          OS::TripleO::Services::Keepalived: ../keepalived.yaml
      keepalived.yaml: |
        heat_template_version: queens
    finds: ["environments/ours.yaml:2:3 OS::TripleO::Services::Keepalived: `template` is `../keepalived.yaml`; it must be `OS::Heat::None`"]
""",
        ),
    }
)
AREAS = tuple(_AREAS)


def skeleton(name: str, area: str, beside: Iterable[Rule] = ()) -> str:
    """Return the YAML of a rule called `name`, with the next free code after the rules that it will stand beside.

    Raises ConfigurationError for a name that no rule can have.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ConfigurationError(f"`{name}`: a rule is named by its defect in small letters and hyphens, as `unit-not-restarted`")
    hundred, body = _AREAS[area]
    return f"id: {name}\ncode: {_code(hundred, [rule.code for rule in beside])}\n" + body


def _code(hundred: int, codes: list[str]) -> str:
    """Return the next code of the hundred, with the letters of the other codes; `MY` if there are none."""
    letters = sorted({code.rstrip("0123456789") for code in codes}) or ["MY"]
    numbers = [int(code[len(letters[0]) :]) for code in codes if code.startswith(letters[0])]
    return f"{letters[0]}{max([n for n in numbers if n // 100 == hundred] or [hundred * 100]) + 1}"


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
        "fail_on": "fail_on: error",
        "strict": "strict: true",
        "baseline": "baseline: lwlint.baseline",
        "environments": "environments: [environments/site.yaml]",
        "format": "format: text",
        "limit": "limit: 20",
    }
)


def starter() -> str:
    """Return a `.lwlint.yaml` that sets nothing, and shows every key with what it is for and an example."""
    return "\n".join(_starter()) + "\n"


def _starter() -> Iterator[str]:
    yield "# Configuration of lwlint; every key is optional. `lwlint config` shows what holds, and where it comes from."
    for name, (_, kind) in (fields_of(File) or {}).items():
        yield ""
        yield from textwrap.wrap(f"{name}: {description_of(kind)}", 110, initial_indent="# ", subsequent_indent="#   ")
        yield from (f"#:{line}" for line in _EXAMPLES[name].split("\n"))


class Origin(msgspec.Struct, frozen=True):
    """Where lwlint can be had today: a git repository, and the revision of it."""

    url: str  # as git takes it
    revision: str  # a commit or a tag

    @property
    def requirement(self) -> str:
        """What pip installs; the `host:path` of ssh is written as a URL, and a folder too, for pip knows no other form."""
        url = self.url
        short = re.fullmatch(r"([\w.-]+@[\w.-]+|[\w.-]{2,}):(?!//)/?(.+)", url)
        if short is not None:
            url = f"ssh://{short[1]}/{short[2]}"
        elif url.startswith("/"):
            url = f"file://{quote(url)}"
        installed = f"git+{url}@{self.revision}"
        # pip before 24.1 takes no URL without a host behind a name
        return installed if url.startswith("file:///") else f"lwlint @ {installed}"


def read_origin(text: str) -> Origin:
    """Return what `--source` says: `URL@REV`, or `git+URL@REV` as pip has it.

    Raises ConfigurationError where no revision is named, and for what cannot stand in the snippets as it is.
    """
    url, at, revision = text.removeprefix("lwlint @ ").removeprefix("git+").rpartition("@")
    if not at or not url or not re.fullmatch(r"[\w][\w./+-]*", revision) or ("://" not in url and ":" in revision):
        raise ConfigurationError(f"`{text}`: must be `URL@REV`, a git repository and a tag or commit of it")
    if not re.fullmatch(r"[\w.~:/@%+,=-]+", url) or url.endswith("://") or ("/" not in url and ":" not in url):
        raise ConfigurationError(f"`{text}`: `{url}` is not the address of a git repository")
    return Origin(url, revision)


PRE_COMMIT = """\
# .pre-commit-config.yaml
repos:
  - repo: {url}
    rev: {revision}
    hooks:
      - id: lwlint
"""

GITHUB = """\
# .github/workflows/lwlint.yaml
name: lwlint
on: [push, pull_request]
permissions: {{}}
jobs:
  lwlint:
    runs-on: ubuntu-latest
    permissions:
      contents: read
      security-events: write  # for the upload
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1
        with: {{persist-credentials: false}}
      - uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97  # v7.0.0
        with: {{python-version: "3.12"}}
      - run: python -m pip install "{requirement}"
      - run: lwlint check --format github --format github-summary="$GITHUB_STEP_SUMMARY" --format sarif=lwlint.sarif
      - uses: github/codeql-action/upload-sarif@8aad20d150bbac5944a9f9d289da16a4b0d87c1e  # v4.36.2
        # a fork may not write, and a run that ended without a report has nothing to upload
        if: always() && !github.event.pull_request.head.repo.fork && hashFiles('lwlint.sarif') != ''
        with: {{sarif_file: lwlint.sarif}}
"""

GITLAB = """\
# a job of .gitlab-ci.yml
lwlint:
  image: python:3.12
  script:
    - python -m pip install "{requirement}"
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
deps = {requirement}
commands = lwlint check {{posargs}}
"""

SNIPPETS: Mapping[str, str] = MappingProxyType({"pre-commit": PRE_COMMIT, "github": GITHUB, "gitlab": GITLAB, "tox": TOX, "zuul": ZUUL})


def snippet(name: str, origin: Origin) -> str:
    """Return the snippet for a place of SNIPPETS, which installs lwlint from its origin."""
    if name == "zuul":  # it installs nothing itself
        return ZUUL
    return SNIPPETS[name].format(url=origin.url, revision=origin.revision, requirement=origin.requirement)


def with_environment(text: str, path: str, environment: str) -> str:
    """Return the text of a tox.ini with lwlint's `environment` (of `snippet`) behind all that is there; nothing else is changed.

    Raises ConfigurationError where it has such an environment, and for a file that is not INI.
    """
    eol = "\r\n" if "\r\n" in text else "\n"
    before = _sections(text, path)
    name = _environment(before)
    if name is not None:
        line = next((i for i, line in enumerate(text.splitlines(), 1) if line.startswith(f"[{name}]")), 1)
        raise ConfigurationError(f"{path}:{line}:1: `{name}` is there already")
    gap = "" if not text.strip() else eol if text.endswith("\n") else eol * 2
    changed = text + gap + environment.partition("\n")[2].replace("\n", eol)
    after = _sections(changed, path)
    if after.pop(_environment(after), None) is None or after != before:
        raise ConfigurationError(f"`{path}`: cannot be edited without loss; `lwlint init tox` prints what to add")
    return changed


def _sections(text: str, path: str) -> dict[Any, dict[str, str]]:
    """Return the sections of INI, with their keys and values, as iniparse reads them."""
    import configparser
    import io

    from iniparse import INIConfig

    try:
        found = INIConfig(io.StringIO(text), optionxformvalue=None)
    except configparser.Error as error:
        raise ConfigurationError(f"`{path}`: cannot be read ({' '.join(error.message.split())})") from error
    return {name: {key: str(found[name][key]) for key in found[name]} for name in found}


def _environment(sections: Mapping[Any, object]) -> Any:
    return next((name for name in sections if name == "testenv:lwlint"), None)
