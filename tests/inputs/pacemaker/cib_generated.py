"""Generated CIBs, and what Pacemaker's own tool lists of them."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from typing import NamedTuple, Optional
from xml.sax.saxutils import quoteattr

from hypothesis import strategies as st

from lwlint.inputs.pacemaker.facts import BUNDLE, CLONE, GROUP, PRIMITIVE, PROMOTABLE, Resource, boolean

MANAGED, PROMOTABLE_FLAG, MAINTENANCE = 0x2, 0x80, 0x4000000
_FORMS = {"primitive": (PRIMITIVE,), "group": (GROUP,), "bundle": (BUNDLE,), "clone": (CLONE, PROMOTABLE), "master": (PROMOTABLE,)}
_COPY = re.compile(r":\d+$")
_WORDS = ("true", "false", "TRUE", "No", "on", "off", "yes", "1", "0", "y", "N", "default", "#default", "junk")


class Row(NamedTuple):
    """What is compared of one resource."""

    name: str
    kind: str
    parent: Optional[str]
    agent: Optional[str]
    managed: bool
    maintenance: bool
    promotable: bool


def listed(xml: str) -> Optional[list[Row]]:
    """Return what `crm_resource --list-cts` says of the resources that the CIB `xml` configures; None if it refuses the CIB."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cib.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(xml)
        command = ["crm_resource", "--list-cts"]
        environment = {**os.environ, "LC_ALL": "C", "CIB_file": path}
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    if answer.returncode:
        return None
    rows = {}
    for line in answer.stdout.splitlines():
        if line.startswith("Resource: "):
            kind, name, _, parent, provider, standard, agent, _, _, flags = line.split()[1:11]
            name, parent = _COPY.sub("", name), _COPY.sub("", parent)
            words = [word for word in (standard, provider, agent) if word not in ("NA", "(null)")] if kind == "primitive" else []
            bits = [bool(int(flags) & bit) for bit in (MANAGED, MAINTENANCE, PROMOTABLE_FLAG)]
            rows[name] = Row(name, kind, None if parent == "NA" else parent, ":".join(words) or None, *bits)
    configured = set(re.findall(r'<(?:primitive|group|clone|master|bundle)\b[^>]*?\sid="([^"]+)"', xml))
    return [row for name, row in sorted(rows.items()) if name in configured]


def seen(resources: Sequence[Resource], rows: Sequence[Row]) -> list[Row]:
    """Return the same rows as lwlint sees them, in the words of `rows` (a bundle's child has an implied clone between).

    Promotable clones of what cannot be promoted are left out: Pacemaker refuses them.
    """
    kinds = {row.name: row for row in rows}
    promoted = {r.name for r in resources if r.form == PROMOTABLE or (r.form == BUNDLE and _promotes(r))}
    refused = {r.name for r in resources if r.top in promoted and r.agent is not None and not r.agent.startswith("ocf:")}
    found = []
    for r in sorted(resources, key=lambda r: r.name):
        if r.name in refused or (r.form != GROUP and not refused.isdisjoint(r.children)):
            continue
        row = kinds.get(r.name)
        kind = row.kind if row is not None and r.form in _FORMS.get(row.kind, ()) else r.form
        parent = r.parent
        if row is not None and row.parent in (f"{parent}-clone", f"{parent}-master"):
            parent = row.parent
        found.append(Row(r.name, kind, parent, r.agent, r.managed, r.maintenance, r.promotable))
    return found


def _promotes(bundle: Resource) -> bool:
    implied = bundle.meta.get("promotable")
    return bool(bundle.container and bundle.container.promoted_max) or (implied is not None and boolean(implied.value) is True)


def _pairs(prefix: str, pairs: Sequence[tuple[str, str]]) -> str:
    return "".join(f'<nvpair id="{prefix}-{n}" name={quoteattr(name)} value={quoteattr(value)}/>' for n, (name, value) in enumerate(pairs))


def _rule(prefix: str, kind: str) -> str:
    inside = {
        "past": f'<date_expression id="{prefix}-x" operation="lt" end="2011-05-01"/>',
        "future": f'<date_expression id="{prefix}-x" operation="lt" end="2190-W10-3"/>',
        "since": f'<date_expression id="{prefix}-x" operation="gt" start="2012-03-04T05:06:07Z"/>',
        "range": f'<date_expression id="{prefix}-x" operation="in_range" start="2012-060">'
        f'<duration id="{prefix}-u" years="300"/></date_expression>',
        "ocf": f'<rsc_expression id="{prefix}-x" class="ocf" provider="heartbeat"/>',
        "systemd": f'<rsc_expression id="{prefix}-x" class="systemd" type="haproxy"/>',
        "node": f'<expression id="{prefix}-x" attribute="#uname" operation="eq" value="n1"/>',
    }.get(kind)
    return f'<rule id="{prefix}-r" score="0">{inside}</rule>' if inside else ""


@st.composite
def _meta(draw: st.DrawFn, prefix: str) -> str:
    """Meta attribute sets with scores and rules, equal names in several of them."""
    pair = st.tuples(st.sampled_from(("is-managed", "maintenance", "promotable", "target-role")), st.sampled_from(_WORDS))
    text = ""
    for n in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        score = draw(st.sampled_from(("", ' score="10"', ' score="INFINITY"', ' score="-5"')))
        rule = _rule(f"{prefix}-m{n}", draw(st.sampled_from(("", "", "", "past", "future", "since", "range", "node"))))
        pairs = draw(st.lists(pair, min_size=1, max_size=3))
        text += f'<meta_attributes id="{prefix}-m{n}"{score}>{rule}{_pairs(f"{prefix}-m{n}", pairs)}</meta_attributes>'
    return text


@st.composite
def _primitive(draw: st.DrawFn, name: str) -> str:
    if draw(st.integers(0, 3)) == 0:
        head = 'template="t1"'
    else:
        head = draw(
            st.sampled_from(('class="ocf" provider="heartbeat" type="Dummy"', 'class="systemd" type="haproxy"', 'class="lsb" type="ä"'))
        )
    return f'<primitive {head} id="{name}">{draw(_meta(name))}</primitive>'


@st.composite
def _resource(draw: st.DrawFn, number: int) -> str:
    name = f"r{number}"
    form = draw(st.sampled_from(("primitive", "group", "clone", "master", "bundle", "clone-group")))
    if form == "primitive":
        return draw(_primitive(name))
    if form == "group":
        return f'<group id="{name}">{draw(_meta(name))}{draw(_primitive(name + "a"))}{draw(_primitive(name + "b"))}</group>'
    if form == "bundle":
        engine = draw(st.sampled_from(("docker", "podman")))
        size = draw(st.sampled_from(('replicas="2"', 'promoted-max="2"', 'replicas="3" promoted-max="1"', "")))
        inner = f'<network control-port="3100"/>{draw(_primitive(name + "a"))}' if draw(st.booleans()) else ""
        return f'<bundle id="{name}">{draw(_meta(name))}<{engine} image="i" network="host" {size}/>{inner}</bundle>'
    tag = "master" if form == "master" else "clone"
    inner = draw(_primitive(name + "a"))
    if form == "clone-group":
        inner = f'<group id="{name}g">{draw(_meta(name + "g"))}{inner}</group>'
    return f'<{tag} id="{name}">{draw(_meta(name))}{inner}</{tag}>'


@st.composite
def cibs(draw: st.DrawFn) -> str:
    """CIBs of up to four resources, with a template, resource defaults and maybe maintenance mode."""
    body = "".join(draw(_resource(n)) for n in range(draw(st.integers(1, 4))))
    defaults = ""
    for n in range(draw(st.sampled_from((0, 0, 1, 2)))):
        rule = _rule(f"d{n}", draw(st.sampled_from(("", "ocf", "systemd", "past", "future"))))
        pair = (draw(st.sampled_from(("is-managed", "maintenance", "promotable"))), draw(st.sampled_from(_WORDS)))
        defaults += f'<meta_attributes id="d{n}">{rule}{_pairs(f"d{n}", [pair])}</meta_attributes>'
    mode = draw(st.sampled_from(("", "", "", "true", "False", "1", "junk")))
    options = _pairs("o", [("stonith-enabled", "false"), *([("maintenance-mode", mode)] if mode else [])])
    return (
        '<cib crm_feature_set="3.16.1" validate-with="none" epoch="1" num_updates="0" admin_epoch="0"><configuration>'
        f'<crm_config><cluster_property_set id="cib-bootstrap-options">{options}</cluster_property_set></crm_config>'
        '<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>'
        f'<resources><template id="t1" class="ocf" provider="pacemaker" type="Stateful">{draw(_meta("t1"))}</template>{body}</resources>'
        f"<constraints/><rsc_defaults>{defaults}</rsc_defaults></configuration><status/></cib>"
    )
