"""What `lwlint new-rule` writes: a rule that runs, with examples that hold, to be changed into one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lwlint.finding import ConfigurationError
from lwlint.rules import Rule

# area -> the hundred of its codes, and the rule after the lines that all share
_AREAS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "pacemaker": (
            1,
            """\
title: Resource that an init script runs
severity: warning                # error, warning or note
clause: one-resource-manager     # `lwlint explain CLAUSE` shows one; the list is docs/spec.md
why: Say in a sentence or two what happens when nobody mends it.
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
why: Say in a sentence or two what happens when nobody mends it.
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
why: Say in a sentence or two what happens when nobody mends it.
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
why: Say in a sentence or two what happens when nobody mends it.
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
