"""One small audit that has every feature of the HTML report, and the same with other words in all its fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lwlint import __version__
from lwlint.audit.answer import (
    NOT_APPLICABLE,
    Audit,
    ClusterAnswer,
    Found,
    HostAnswer,
    Managed,
    Ordering,
    Outcome,
    Place,
    Step,
    TargetAnswer,
)
from lwlint.core.finding import FAIL, NOT_EVALUATED, PASS
from lwlint.policy.rules import Clause

CLAUSES = (
    Clause("pacemaker-core", "Pacemaker runs the core services", "all of them"),
    Clause("few-constraints", "Most constraints are gone", "all but few"),
    Clause("retries-forever", "Services keep retrying", "for ever"),
    Clause("templates", "Templates bring this about", "all"),
)
CIB, NOVA = "var/lib/pacemaker/cib/cib.xml", "etc/nova/nova.conf"
NAMES = ("controller-0", "controller-1")


def _host(name: str, outcome: str, core: str = PASS) -> HostAnswer:
    return HostAnswer(
        name=name,
        target=f"case.tar.xz!sosreport-{name}",
        captured="2016-11-23 04:05:06",
        sos="3.6",
        release="mitaka",
        release_because="the resource `openstack-core`",
        outcomes=(
            Outcome("core-service-missing", "LW102", "pacemaker-core", core),
            Outcome("core-resource-disabled", "LW109", "pacemaker-core", NOT_EVALUATED if core == PASS else core, "no status was given"),
            Outcome("constraint-outside-the-core", "LW105", "few-constraints", FAIL),
            Outcome("finite-database-retries", "LW301", "retries-forever", outcome),
        ),
        evidence=(("CIB", CIB, False), ("pcs config", "sos_commands/pcs_config", True)),
        missing=(("packages", ("installed-rpms", "sos_commands/rpm/package-data")),),
        passed_over=(("etc/nova/old.conf", "a link to what was not collected"),),
        judged=83,
    )


def _retries(host: str, severity: str, value: str, allowed: str | None = None) -> Found:
    return Found(
        code="LW301",
        rule="finite-database-retries",
        severity=severity,
        clause="retries-forever",
        message=f"nova.conf: `database.max_retries` is `{value}`; it must be `-1`",
        subject="nova.conf",
        hosts=(host,),
        places=(Place(host, NOVA, 5, 13, f"max_retries={value}"),),
        related=((Place(host, NOVA, 1, 1, "[database]"), "the section of `connection`"),),
        remedy="Set `max_retries = -1`.",
        allowed=allowed,
        commands=((host, f"crudini --set /{NOVA} database max_retries -1"),),
    )


CONSTRAINT = Found(
    code="LW105",
    rule="constraint-outside-the-core",
    severity="error",
    clause="few-constraints",
    message="order `order-core-api`: `nova-api-clone` is outside the core; there must be no constraint on it",
    subject="constraint order-core-api",
    hosts=NAMES,
    places=(Place("controller-0", CIB, 7, 3, '<rsc_order id="order-core-api" first="haproxy-clone" then="nova-api-clone"/>'),),
    remedy="Delete it:\npcs constraint delete order-core-api\npcs constraint",
    commands=(("cluster", "pcs constraint remove order-core-api"),),
)
ORDERS = Ordering(
    (
        Managed("ip-192.0.2.1", "core", "virtual IP"),
        Managed("haproxy-clone", "core", "haproxy"),
        Managed("nova-api-clone", "active_active", "nova-api"),
        Managed("own"),
    ),
    (
        Step("order-vip", "ip-192.0.2.1", "haproxy-clone", "Optional"),
        Step("order-core-api", "haproxy-clone", "nova-api-clone", "Mandatory"),
    ),
)
AUDIT = Audit(
    targets=(TargetAnswer("case.tar.xz", "archive", 2, ("member 7: is cut off",)), TargetAnswer("empty.tar", "archive", 0)),
    clusters=(
        ClusterAnswer(
            name="tripleo_cluster",
            clustered=True,
            nodes=(*NAMES, "controller-2"),
            absent=("controller-2",),
            hosts=(_host("controller-0", FAIL), _host("controller-1", FAIL, NOT_APPLICABLE)),
            found=(CONSTRAINT, _retries("controller-0", "error", "10"), _retries("controller-1", "warning", "99")),
            older=(("controller-0", "old.tar", "2015-01-01", "case.tar.xz"),),
            ordering=ORDERS,
        ),
        ClusterAnswer("", False, (), (), (_host("compute-0", PASS),), (_retries("compute-0", "note", "1", "as agreed"),)),
    ),
)


def changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with every text in it changed, in records and tuples too; severities and outcomes, which are ours, stay."""
    if isinstance(value, str):
        return value if value in ("error", "warning", "note", PASS, FAIL, NOT_EVALUATED, NOT_APPLICABLE) else change(value)
    if isinstance(value, tuple):
        return tuple(changed(one, change) for one in value)
    if isinstance(value, Struct):
        return replace(value, **{name: changed(getattr(value, name), change) for name in value.__struct_fields__})
    return value


def bare(page: str) -> str:
    """Return a page without its style, script and version, an element a line, for a golden file."""
    page = re.sub(r"(?s)(<(style|script)>).*?(</\2>)", r"\1\3", page)
    page = re.sub(r"sha256-[\w+/=]+", "sha256-...", page).replace(f"lwlint {__version__}", "lwlint VERSION")
    return re.sub(r"(</(?:tr|li|section|summary|details|header|h[1-6]|div|p|pre|head|label|path|g|dt|dd|button)>)", r"\1\n", page)
