"""Option files of oslo.config."""

from __future__ import annotations

import re
from typing import Any

from lwlint.core.kind import TEMPLATE, TEXT, UNREADABLE, Comments, Kind, Material, Recognised, decode_utf8, is_template, made_by
from lwlint.core.lazy import classes, function, pattern
from lwlint.core.secret_names import OPTIONS_HERE

_SECTION = pattern(
    r"^[ \t\ufeff]*\[\s*(default|database|api_database|placement_database|cell0_database|storage:sqlalchemy|indexer|keystone_authtoken"
    r"|oslo_\w+|drivers:\w+:\w+|pool_manager_cache:sqlalchemy|coordination|ml2|service_auth|glance_store|sql)[ \t]*(\]|\r?$)",
    re.MULTILINE | re.IGNORECASE,
)
_MANIFEST, _MANIFEST_KIND = pattern(r"^apiVersion:[ \t]", re.MULTILINE), pattern(r"^kind:[ \t]", re.MULTILINE)
_PATH_TEXT = r"\.(conf|ini)$|\.conf\.d/[^/]+$"
_PATH = pattern(_PATH_TEXT)
_OTHER = pattern(
    r"(^|/)(httpd|apache2|nginx|haproxy|corosync|systemd|sysctl\.d|modprobe\.d|my\.cnf\.d|rsyslog\.d|security|dnsmasq\.d|tmpfiles\.d|ld\.so\.conf\.d)(/|\.conf$)"
)


def _may_hold(path: str) -> bool:
    return _PATH.search(path) is not None and _OTHER.search(path) is None


def _guess(head: str) -> bool:
    return _SECTION.search(head) is not None


def _recognise(path: str, head: str, named: bool) -> Recognised:
    if not _PATH.search(path):
        return False
    if is_template(head):
        return TEMPLATE
    if _MANIFEST.search(head) and _MANIFEST_KIND.search(head):
        return "a manifest of Kubernetes, which holds option files and is none"
    return _guess(head) or (named and not _OTHER.search(path)) or "an option file, but with no section of oslo.config that lwlint knows"


def _give(material: Material) -> tuple[Any, ...]:
    from lwlint.inputs.systemd.facts import Unit

    units = [fact for fact in material.facts if isinstance(fact, Unit)]
    refused = [source for source in material.of(UNREADABLE) if source.text and _may_hold(source.path)]  # for the bytes in it
    return units, material.catalogue, material.release, lambda path: _text(material, path), refused


def _text(material: Material, path: str) -> str | None:
    """Return the text of a file that nothing judges (an environment of a unit, say); None if it is not at hand."""
    source = material.load(path, kind=TEXT)
    return None if source is None else source.text


OSLO = Kind(
    name="oslo",
    noun="oslo.config file",
    title="option files",
    missing="no oslo.config option file was given",
    limit=3_000_000,
    may_hold=_may_hold,
    recognise=_recognise,
    guess=_guess,
    decode=decode_utf8,
    facts=made_by("lwlint.inputs.oslo.reader:option_facts", "oslo", given=_give),
    gives=classes("lwlint.inputs.oslo.facts", "Option", "OptionFiles"),
    language="ini",
    hook=_PATH_TEXT,
    comments=Comments("#;", indented=False),
    blocks=function("lwlint.inputs.oslo.reader:read_blocks"),
    secrets=function("lwlint.inputs.oslo.reader:read_secrets"),
    secret_names=tuple(OPTIONS_HERE),
)
KINDS = (OSLO,)
